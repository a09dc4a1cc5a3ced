"""How each Pin performs, day by day and over its life; one request feeds both streams."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, ClassVar

from tap_pinterest.errors import StreamError
from tap_pinterest.kinds.answers import day_rows, with_metrics
from tap_pinterest.kinds.batches import Batch
from tap_pinterest.kinds.bulk import AnswersPage, BulkDaysStream
from tap_pinterest.plan.dates import DAY, Range
from tap_pinterest.records.pages import Page, chosen
from tap_pinterest.settings import setting
from tap_pinterest.streams.organic import Pins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_pinterest.kinds.stream import PinterestStream
    from tap_pinterest.records.decoding import Record

SHARED = (
    "IMPRESSION",
    "OUTBOUND_CLICK",
    "PIN_CLICK",
    "SAVE",
    "SAVE_RATE",
    "TOTAL_COMMENTS",
    "TOTAL_REACTIONS",
)
METRICS = {
    "image": (*SHARED, "USER_FOLLOW", "PROFILE_VISIT"),
    "video": (
        *SHARED,
        "VIDEO_MRC_VIEW",
        "VIDEO_10S_VIEW",
        "QUARTILE_95_PERCENT_VIEW",
        "VIDEO_V50_WATCH_TIME",
        "VIDEO_START",
        "VIDEO_AVG_WATCH_TIME",
    ),
}
"""Metrics by kind of media; the sets must not be mixed, other kinds take what both share."""


def asks_for(record: Record) -> tuple[str, ...]:
    """The metrics that a Pin takes, by its kind of media."""
    media = record.get("media")
    return METRICS.get(str(media.get("media_type")) if isinstance(media, dict) else "", SHARED)


class PinAnalytics(BulkDaysStream):
    """Metrics of each Pin per day. API: multi_pins/analytics, pins/analytics."""

    name = "pin_analytics"
    record_type = "organic/pin_analytics"
    parent_stream_type = Pins
    parent_fields: ClassVar = {"id": "id", "created_at": "created_at"}
    scopes = ("boards:read", "pins:read")
    path = "/pins/{pin_id}/analytics"
    id_field = "pin_id"
    bulk_path = "/pins/analytics"
    batch = Batch("pin_ids", of="id", most=100, by=("metrics",))
    noun = "Pin"
    young_setting = "pin_created_within_days"
    asks_for = staticmethod(asks_for)
    primary_keys = ("pin_id", "app_type", "date")
    over: ClassVar = {"app_types": setting("app_types")}
    meaning = ("pin_created_within_days", "include_protected_pins")

    def rows_of(self, page: AnswersPage, value: str, one: Record, parts: Record) -> list[Record]:
        """A row per day; what the answer says of the Pin's life goes to the other stream."""
        keys, odd = {"pin_id": one["id"], "app_type": value}, len(page.odd)
        rows = [{**row, **keys} for _, row in day_rows(parts, keys, page)]
        if not rows and len(page.odd) == odd:
            if not self.is_newborn(one):
                raise StreamError("it has no day in it")
            page.still_to_come = min(one["born"], page.still_to_come or one["born"])
        if value == "ALL":
            page.totals.append(_totals(one, parts, page))
        return rows

    def took(self, page: Page, records: list[Record]) -> None:
        """Note the days, and feed the stream that has the totals."""
        super().took(page, records)
        for sibling in self.family.root.family.selected_children:
            if isinstance(sibling, PinLifetimeAnalytics) and isinstance(page, AnswersPage):
                sibling.feed(page.totals)


class PinLifetimeAnalytics(BulkDaysStream):
    """Comments and reactions of each Pin over its life. API: multi_pins/analytics."""

    name = "pin_lifetime_analytics"
    record_type = "organic/pin_lifetime_analytics"
    parent_stream_type = Pins
    parent_fields: ClassVar = {"id": "id", "created_at": "created_at"}
    scopes = ("boards:read", "pins:read")
    path = "/pins/{pin_id}/analytics"
    id_field = "pin_id"
    bulk_path = "/pins/analytics"
    batch = Batch("pin_ids", of="id", most=100, by=("metrics",))
    noun = "Pin"
    young_setting = "pin_created_within_days"
    asks_for = staticmethod(asks_for)
    primary_keys = ("pin_id",)
    replication_key = None  # type: ignore[assignment]
    incremental = False
    # Totals are asked for all devices together.
    over: ClassVar = {"app_types": ("ALL",)}

    @property
    def asked(self) -> Range:
        """One day: the totals do not depend on it, and the answers stay small."""
        yesterday = self.run.today - DAY
        return Range(yesterday, yesterday)

    @functools.cached_property
    def _feeder(self) -> PinAnalytics | None:
        """The stream whose answers carry the totals too, when it asks for all devices together."""
        for sibling in self.family.root.family.selected_children:
            if isinstance(sibling, PinAnalytics) and sibling.progress().span:
                asked = chosen(sibling.over["app_types"], sibling.config)
                return sibling if "ALL" in asked else None
        return None

    @property
    def sources(self) -> Sequence[PinterestStream]:
        """The Pins, and the stream that feeds this one."""
        return (*super().sources, *((self._feeder,) if self._feeder else ()))

    def feed(self, totals: list[Record]) -> None:
        """Take totals that came with another stream's answers."""
        if self._feeder and totals:
            self.reading.sync([{"totals": totals}])

    def at_once(self, parents: Sequence[Record]) -> Page | None:
        """The totals handed in."""
        return Page(parents[0]["totals"], 0) if "totals" in parents[0] else None

    def sync_parents(self, parents: Sequence[Record]) -> None:
        """Ask for Pins, unless another stream does so anyway."""
        if not self._feeder:
            super().sync_parents(parents)

    def rows_of(self, page: AnswersPage, value: str, one: Record, parts: Record) -> list[Record]:  # noqa: ARG002
        """A row per Pin."""
        return [_totals(one, parts, page)]

    def took(self, page: Page, records: list[Record]) -> None:
        """Nothing: the rows are about no day."""


def _totals(one: Record, parts: Record, page: Page) -> Record:
    """What an answer says of a Pin's life.

    Raises:
        StreamError: The answer is not what the API describes.
    """
    totals = parts.get("all") or {}
    totals = totals.get("lifetime_metrics") or {} if isinstance(totals, dict) else totals
    if not isinstance(totals, dict):
        raise StreamError("its lifetime metrics are none")
    about = {"pin_id": one["id"]}
    return {**with_metrics({}, totals, about, page), **about}
