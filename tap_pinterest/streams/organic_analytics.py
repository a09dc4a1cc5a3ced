"""How the account and its most successful Pins perform, day by day."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from tap_pinterest.kinds.answers import day_rows, with_metrics
from tap_pinterest.kinds.days import DaysStream, may_change
from tap_pinterest.plan.dates import WINDOW_DAYS
from tap_pinterest.settings import setting
from tap_pinterest.shown import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from singer_sdk import Tap
    from singer_sdk.singerlib import Catalog

    from tap_pinterest.plan.dates import Range
    from tap_pinterest.records.decoding import Record
    from tap_pinterest.records.pages import Page
    from tap_pinterest.run import Run

FILTERS = ("from_claimed_content", "pin_format", "content_type", "source")
FILTER_PARAMS: Mapping[str, Any] = {name: setting(name) for name in FILTERS}
FILTER_KEYS = (
    "account_id",
    "from_claimed_content",
    "pin_format",
    "app_types",
    "content_type",
    "source",
)

METRICS = (
    "ENGAGEMENT",
    "ENGAGEMENT_RATE",
    "IMPRESSION",
    "OUTBOUND_CLICK",
    "OUTBOUND_CLICK_RATE",
    "PIN_CLICK",
    "PIN_CLICK_RATE",
    "SAVE",
    "SAVE_RATE",
)

EPOCH = date(1970, 1, 1)
MILLISECONDS = 86_400_000
"""Of a day."""

VIDEO_METRICS = (
    "SAVE",
    "IMPRESSION",
    "OUTBOUND_CLICK",
    "VIDEO_MRC_VIEW",
    "VIDEO_AVG_WATCH_TIME",
    "VIDEO_V50_WATCH_TIME",
    "QUARTILE_95_PERCENT_VIEW",
    "VIDEO_10S_VIEW",
    "VIDEO_START",
)


def asked_about(stream: DaysStream, over: Mapping[str, str]) -> Record:
    """What each row says about the question: the account, the filters, and what is read over."""
    filters = {name: stream.config[name] for name in FILTERS}
    return {"account_id": stream.run.account().get("id"), **filters, **over}


class AccountAnalytics(DaysStream):
    """Metrics of the whole account per day. API: user_account/analytics."""

    name = "account_analytics"
    path = "/user_account/analytics"
    record_type = "organic/account_analytics"
    primary_keys = (*FILTER_KEYS, "split_field", "split", "date")
    scopes = ("user_accounts:read",)
    params: ClassVar = {**FILTER_PARAMS, "metric_types": ",".join(METRICS)}
    over: ClassVar = {"app_types": setting("app_types"), "split_field": setting("split_fields")}

    def rows(
        self,
        answer: Record,
        window: Range,
        over: Mapping[str, str],
        page: Page,
    ) -> Iterator[Record]:
        """A row per part of the split and day; a part without any may get its days later."""
        about = asked_about(self, over)
        without = set(answer)
        for part, row in day_rows(answer, {**about, "split": None}, page):
            without.discard(part)
            yield {**row, **about, "split": part}
        if without and without < answer.keys():
            parts = ", ".join(map(plain, sorted(without)))
            page.notes.add(f"the answer has no day for {parts}; days stay open until it has")
            page.still_to_come = window.first


class RankingStream(DaysStream):
    """The most successful Pins of a window, or of each day.

    Without a Pin nothing was seen, where the answer says that the days are available already.
    """

    scopes = ("pins:read", "user_accounts:read")
    adds: ClassVar = {"account_id": "string"}
    meaning = ("top_pins_daily",)
    date_key = "end_date"
    replication_key = None  # type: ignore[assignment]
    expects_days = False
    metrics: ClassVar[tuple[str, ...]]

    def __init__(self, tap: Tap, run: Run) -> None:
        """Make the stream; with `top_pins_daily` it has a bookmark."""
        super().__init__(tap, run)
        self.incremental = self.keeps_place = bool(self.config.get("top_pins_daily"))
        if self.incremental:
            self.replication_key = "end_date"

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take over what a catalog says, be it from a time without `top_pins_daily`."""
        super().apply_catalog(catalog)
        entry = catalog.get_stream(self.name)
        root = entry and entry.metadata.get(())
        if (
            entry
            and not entry.replication_key
            and not getattr(root, "forced_replication_method", "")
        ):
            # FULL_TABLE stands there for what has no bookmark, and not for a wish.
            self.forced_replication_method = None

    @property
    def window_days(self) -> int:  # type: ignore[override]
        """Windows are days with `top_pins_daily`."""
        return 1 if self.incremental else WINDOW_DAYS

    def rows(
        self, answer: Record, window: Range, over: Mapping[str, str], page: Page
    ) -> Iterator[Record]:
        """A row per rank."""
        about = asked_about(self, over)
        about |= {"start_date": str(window.first), "end_date": str(window.last)}
        pins, available = answer.get("pins"), answer.get("date_availability") or {}
        if not isinstance(pins, list) or not isinstance(available, dict):
            page.miss(f"the answer about {window} has no list of Pins")
            return
        if not pins and not _reach(available, window.last):
            page.still_to_come = window.last
        for rank, pin in enumerate(pins, 1):
            parts = pin if isinstance(pin, dict) else {}
            metrics, statuses = parts.get("metrics") or {}, parts.get("data_status") or {}
            if not parts or not isinstance(metrics, dict) or not isinstance(statuses, dict):
                page.miss(f"the answer about {window} has {plain(pin)} for a Pin")
                continue
            row = {k: v for k, v in parts.items() if k not in ("metrics", "data_status")}
            more = {**available, **about, "rank": rank}
            with_metrics(row, metrics, more, page)
            with_metrics(row, statuses, more, page, "_status")
            yield {**row, **more}

    def is_open(self, record: Record) -> bool:
        """Whether one of the row's metrics may still change."""
        return any(may_change(record.get(f"{metric.lower()}_status")) for metric in self.metrics)


def _reach(available: Mapping[str, Any], day: date) -> bool:
    """Whether days are available up to this one, as far as an answer says it (milliseconds)."""
    latest = available.get("latest_available_timestamp")
    return not isinstance(latest, int) or latest >= MILLISECONDS * (day - EPOCH).days


class TopPins(RankingStream):
    """The most successful Pins of a window. API: user_account/analytics/top_pins."""

    name = "top_pins"
    path = "/user_account/analytics/top_pins"
    record_type = "organic/top_pin"
    primary_keys = ("start_date", "end_date", "sort_by", *FILTER_KEYS, "rank")
    metrics = METRICS
    params: ClassVar = {
        **FILTER_PARAMS,
        "metric_types": ",".join(METRICS),
        "num_of_pins": setting("top_pins_count"),
    }
    over: ClassVar = {"app_types": setting("app_types"), "sort_by": setting("top_pins_sort_by")}


class TopVideoPins(RankingStream):
    """The most successful video Pins. API: user_account/analytics/top_video_pins."""

    name = "top_video_pins"
    path = "/user_account/analytics/top_video_pins"
    record_type = "organic/top_video_pin"
    primary_keys = TopPins.primary_keys
    metrics = VIDEO_METRICS
    params: ClassVar = {**TopPins.params, "metric_types": ",".join(VIDEO_METRICS)}
    over: ClassVar = {
        "app_types": setting("app_types"),
        "sort_by": setting("top_video_pins_sort_by"),
    }
