"""How each Pin performs, day by day and over its life; one request feeds both streams.

With bulk access a request covers 100 Pins. Without it (most apps) each Pin costs a request of its
own: then the Pins are read in the order of their ids, and a run that the quota ends is continued
by the next one behind the last Pin that is complete.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from tap_pinterest.errors import Forbidden, Gone, StreamError, as_described
from tap_pinterest.kinds.days import DailyStream, day_rows
from tap_pinterest.kinds.stream import PinterestStream
from tap_pinterest.plan.dates import DAY, Range
from tap_pinterest.records.pages import Page
from tap_pinterest.records.shape import decode_one
from tap_pinterest.streams.organic import Pins

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_pinterest.records.shape import Record

_read_parts = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _read_whole(body: bytes) -> msgspec.Raw:
    _read_parts(body)
    return msgspec.Raw(body)


BULK = 100
"""Pins that one request takes."""

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

Answer = dict[str, msgspec.Raw]
"""The undecoded part of an answer for each Pin."""


@dataclass(slots=True)
class PinPage(Page):
    """Answers about some Pins, decoded when it is their turn.

    Attributes:
        answers: By app type, the undecoded answer for each Pin.
        totals: What the lifetime stream gets of it, once the page is decoded.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    totals: list[Record] = field(default_factory=list)

    def records(self) -> list[Record]:
        """A row per Pin, app type and day."""
        rows: list[Record] = []
        for app_type, answer in self.answers.items():
            for pin_id, raw in answer.items():
                try:
                    parts = decode_one(bytes(raw))
                except msgspec.DecodeError as exc:
                    raise StreamError(f"the answer about Pin {pin_id} is none ({exc})") from exc
                keys = {"pin_id": pin_id, "app_type": app_type}
                rows += ({**row, **keys} for _, row in day_rows(parts))
                if app_type == "ALL":
                    with as_described():
                        totals = (parts.get("all") or {}).get("lifetime_metrics") or {}
                        lower = {name.lower(): value for name, value in totals.items()}
                    self.totals.append({**lower, "pin_id": pin_id})
        self.answers = {}
        return rows


class PinMetricsStream(DailyStream):
    """Asks for the metrics of all Pins of the account."""

    parent_stream_type = Pins
    parent_fields: ClassVar = {"pin_id": "id", "created_at": "created_at"}
    scopes = ("boards:read", "pins:read")
    path = "/pins/{pin_id}/analytics"
    bulk_path = "/pins/analytics"

    _in_bulk: bool | None = None
    _queues: dict[tuple[str, ...], list[Record]]
    _count = 0
    _done = 0

    @property
    def app_types(self) -> Sequence[str]:
        """The kinds of device asked for, a request each."""
        return self.values("app_types")

    def parent_of(self, record: Record) -> Record:
        """The Pin's id and age, and the metrics that it takes."""
        kind = (record.get("media") or {}).get("media_type")
        return {**super().parent_of(record), "metrics": METRICS.get(str(kind), SHARED)}

    # -- batches

    def sync_parents(self, parents: Sequence[Record]) -> None:
        """Queue Pins by the metrics they take, and sync each hundred."""
        if self.stopped or not self.span:
            return
        if not self._count:
            self._queues = {}
        for pin in parents:
            if self._is_young_enough(pin.pop("created_at")):
                self._queues.setdefault(pin["metrics"], []).append(pin)
                self._count += 1
        if self._in_bulk is None and self._count:
            self._probe()
        if self._in_bulk:
            self._sync_queued(BULK)

    def sync_rest(self) -> None:
        """Sync what the queues still hold."""
        if self.stopped or not self._count:
            return
        if self._in_bulk:
            self._sync_queued(1)
        else:
            self._sync_one_by_one()
        if self.stopped:
            return
        if self.name in self.run.failures:
            self.begin_pass()
        elif not self.complete:
            # All but what cannot be read: the next run starts from the bookmark as it was.
            self.stream_state.pop("pass", None)

    def _sync_one_by_one(self) -> None:
        pins = sorted(itertools.chain(*self._queues.values()), key=lambda pin: int(pin["pin_id"]))
        if (after := self.resumes_after) and after.isdecimal():
            rest = [pin for pin in pins if int(pin["pin_id"]) > int(after)]
            self._note(f"going on behind Pin {after}: {len(rest)} of {len(pins)} Pins are left")
            pins = rest
        self._queues.clear()
        self._tell_cost(len(pins))
        self.tally.expects(len(pins), "Pin")
        for turn, pin in enumerate(pins):
            pin["turn"] = turn
        super().sync_parents(pins)
        if self.stopped:
            self._note(
                f"{self._done} Pins are read, {len(pins) - self._done} are left; the next run "
                "goes on there"
            )

    def passed(self, page: Page) -> None:
        """Count the Pins that are read one by one."""
        super().passed(page)
        if page.ends is not None:
            self._done += 1

    def _sync_queued(self, least: int) -> None:
        batches = []
        for queue in self._queues.values():
            while len(queue) >= least:
                batches.append({"pins": queue[:BULK]})
                del queue[:BULK]
        super().sync_parents(batches)

    def _is_young_enough(self, created: str | None) -> bool:
        days = self.config.get("pin_created_within_days")
        if days is None or not created:
            return True
        return bool(self.run.today - date.fromisoformat(created[:10]) <= timedelta(days=days))

    def _probe(self) -> None:
        """Find out whether the app may ask in bulk, with the smallest question."""
        (pin, *_), *_ = self._queues.values()
        try:
            self.run.transport.get(
                self.request(
                    self.bulk_path,
                    self._metrics_query(pin["metrics"], self.app_types[0], pin_ids=[pin["pin_id"]]),
                    single=True,
                ),
                decode_one,
            )
        except Gone:
            self._in_bulk = True
        except Forbidden:
            self._in_bulk = False
        except StreamError as error:
            self.stop(error)
        else:
            self._in_bulk = True
        if self._in_bulk:  # then all Pins are read, whatever an earlier run got of them
            self._has_holes = False
            self.begin_pass()

    def _tell_cost(self, pins: int) -> None:
        requests = pins * len(self.app_types)
        quota = self.run.transport.quotas[self.quota]
        self._note(
            f"this app has no bulk access to Pin analytics, so {pins} Pins cost {requests} "
            f"requests: {math.ceil(requests / 60)} minutes at 60 a minute, or "
            f"{math.ceil(requests / 1000)} days at the 1000 a day of a trial app"
            + (f"; {quota.remaining} are left now" if quota.remaining is not None else "")
            + ". Where the quota ends the run, the next one goes on; `pin_created_within_days` "
            "bounds the work"
        )

    # -- requests

    def _metrics_query(
        self, metrics: Sequence[str], app_type: str, **more: Any
    ) -> tuple[tuple[str, str], ...]:
        days = self.kept(self.span)
        return self.query(
            start_date=days.first,
            end_date=days.last,
            metric_types=",".join(metrics),
            app_types=app_type,
            **more,
        )

    def pages_of(self, parent: Record) -> Iterator[Page]:
        """The answers about a batch of Pins, or about one."""
        pins = parent.get("pins", (parent,))
        ask = self._ask_bulk if self._in_bulk else self._ask_one
        answers = {app_type: ask(pins, app_type) for app_type in self.app_types}
        size = sum(memoryview(raw).nbytes for answer in answers.values() for raw in answer.values())
        ends = None if self._in_bulk else pins[-1]["pin_id"]
        yield PinPage([], size, ends=ends, answers=answers)

    def sample(self, parent: Record | None) -> Iterator[Page]:
        """The answer about one Pin."""
        return self.pages_of({"pins": [self.parent_of(parent or {})]})

    def _ask_bulk(self, pins: Sequence[Record], app_type: str) -> Answer:
        ids = list(dict.fromkeys(pin["pin_id"] for pin in pins))  # a list may repeat a Pin
        query = self._metrics_query(pins[0]["metrics"], app_type, pin_ids=ids)
        try:
            return self.run.transport.get(
                self.request(self.bulk_path, query, single=True), _read_parts
            )
        except Gone as error:
            # One Pin that is gone fails the request for all: find it by halves.
            if len(pins) == 1:
                self.skip({"pin_id": ids[0]}, error)
                return {}
            half = len(pins) // 2
            return self._ask_bulk(pins[:half], app_type) | self._ask_bulk(pins[half:], app_type)

    def _ask_one(self, pins: Sequence[Record], app_type: str) -> Answer:
        (pin,) = pins
        request = self.request(
            self.path_for(pin), self._metrics_query(pin["metrics"], app_type), single=True
        )
        # In the order of the Pins, so that a quota ends behind the last one that is written.
        turn = self.rank + pin.get("turn", 0) / 1e9
        try:
            answer = self.run.transport.get(request._replace(rank=turn), _read_whole)
        except Gone as error:
            self.skip({"pin_id": pin["pin_id"]}, error)
            return {}
        return {pin["pin_id"]: answer}


class PinAnalytics(PinMetricsStream):
    """Metrics of each Pin per day. API: multi_pins/analytics, pins/analytics."""

    name = "pin_analytics"
    record_type = "organic/pin_analytics"
    primary_keys = ("pin_id", "app_type", "date")
    meaning = ("app_types", "pin_created_within_days", "include_protected_pins")

    def prepare(self, page: Page) -> list[Record]:
        """The page's rows; the totals that came with them go to their own stream."""
        rows = super().prepare(page)
        for sibling in self.root.selected_children:
            if isinstance(sibling, PinLifetimeAnalytics) and isinstance(page, PinPage):
                sibling.feed(page.totals)
        return rows


class PinLifetimeAnalytics(PinMetricsStream):
    """Comments and reactions of each Pin over its life. API: multi_pins/analytics."""

    name = "pin_lifetime_analytics"
    record_type = "organic/pin_lifetime_analytics"
    primary_keys = ("pin_id",)
    replication_key = None  # type: ignore[assignment]
    incremental = False

    @property
    def app_types(self) -> Sequence[str]:
        """Totals are asked for all devices together."""
        return ("ALL",)

    @functools.cached_property
    def span(self) -> Range:
        """One day: the totals do not depend on it, and the answers stay small."""
        yesterday = self.run.today - DAY
        return self._resumed(Range(yesterday, yesterday))

    @functools.cached_property
    def _feeder(self) -> PinAnalytics | None:
        """The stream whose answers carry the totals too, when it asks for all devices together."""
        for sibling in self.root.selected_children:
            if isinstance(sibling, PinAnalytics) and "ALL" in sibling.app_types and sibling.span:
                return sibling
        return None

    @property
    def sources(self) -> Sequence[PinterestStream]:
        """The Pins, and the stream that feeds this one."""
        return (*super().sources, *((self._feeder,) if self._feeder else ()))

    def feed(self, totals: list[Record]) -> None:
        """Take totals that came with another stream's answers."""
        if self._feeder and totals:
            PinterestStream.sync_parents(self, [{"totals": totals}])

    def sync_parents(self, parents: Sequence[Record]) -> None:
        """Ask for Pins, unless another stream does so anyway."""
        if not self._feeder:
            super().sync_parents(parents)

    def pages_of(self, parent: Record) -> Iterator[Page]:
        """The totals handed in, or the answers about some Pins."""
        if "totals" in parent:
            yield Page(parent["totals"], 0)
        else:
            yield from super().pages_of(parent)

    def prepare(self, page: Page) -> list[Record]:
        """A row per Pin."""
        if isinstance(page, PinPage):
            page.records()
            page = Page(page.totals, 0)
        return PinterestStream.prepare(self, page)
