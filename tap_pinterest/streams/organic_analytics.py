"""How the account and its most successful Pins perform, day by day."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from tap_pinterest.errors import as_described
from tap_pinterest.kinds.days import OPEN, DailyStream, day_rows
from tap_pinterest.plan.dates import WINDOW_DAYS
from tap_pinterest.records.decoding import decode_one
from tap_pinterest.records.pages import Page
from tap_pinterest.settings import setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk import Tap

    from tap_pinterest.plan.dates import Range
    from tap_pinterest.records.decoding import Record
    from tap_pinterest.run import Run

FILTERS = ("from_claimed_content", "pin_format", "content_type", "source")

ROW_SIZE = 1000
"""Bytes that a decoded row holds, about."""

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


class AnalyticsStream(DailyStream):
    """Metrics of the account, under the filters of the settings."""

    scopes: ClassVar[tuple[str, ...]] = ("user_accounts:read",)
    metrics: ClassVar[tuple[str, ...]] = METRICS
    params: ClassVar = {name: setting(name) for name in FILTERS}
    filter_keys: ClassVar[tuple[str, ...]] = (
        "account_id",
        "from_claimed_content",
        "pin_format",
        "app_types",
        "content_type",
        "source",
    )

    def ask(self, window: Range, app_type: str, **more: Any) -> tuple[dict[str, Any], Record]:
        """The answer for a window, and what each of its rows says about the question."""
        params = {"app_types": app_type, **more}
        body = self.run.transport.get(
            self.request(
                self.path,
                self.query(
                    start_date=window.first,
                    end_date=window.last,
                    metric_types=",".join(self.metrics),
                    **params,
                ),
            ),
            decode_one,
        )
        filters = {name: self.config[name] for name in FILTERS}
        return body, {"account_id": self.run.account().get("id"), **filters, **params}


class AccountAnalytics(AnalyticsStream):
    """Metrics of the whole account per day. API: user_account/analytics."""

    name = "account_analytics"
    path = "/user_account/analytics"
    record_type = "organic/account_analytics"
    primary_keys = (*AnalyticsStream.filter_keys, "split_field", "split", "date")
    meaning = (*FILTERS, "app_types", "split_fields")

    def pages(self) -> Iterator[Page]:
        """One page per app type, split and window."""
        for app_type in self.values("app_types"):
            for split_field in self.values("split_fields"):
                for window in self.windows(WINDOW_DAYS):
                    answer, asked = self.ask(window, app_type, split_field=split_field)
                    rows = [{**row, **asked, "split": part} for part, row in day_rows(answer)]
                    yield Page(rows, ROW_SIZE * len(rows))


class TopPins(AnalyticsStream):
    """The most successful Pins of a window. API: user_account/analytics/top_pins."""

    name = "top_pins"
    path = "/user_account/analytics/top_pins"
    record_type = "organic/top_pin"
    primary_keys = ("start_date", "end_date", "sort_by", *AnalyticsStream.filter_keys, "rank")
    scopes = ("pins:read", "user_accounts:read")
    adds: ClassVar = {"account_id": "string"}
    meaning = (*FILTERS, "app_types", "top_pins_daily", "top_pins_sort_by", "top_pins_count")
    sort_setting: ClassVar[str] = "top_pins_sort_by"
    date_key = "end_date"
    replication_key = None  # type: ignore[assignment]

    def __init__(self, tap: Tap, run: Run) -> None:
        """Make the stream; with `top_pins_daily` it has a bookmark."""
        super().__init__(tap, run)
        self.incremental = bool(self.config.get("top_pins_daily"))
        if self.incremental:
            self.replication_key = "end_date"

    def pages(self) -> Iterator[Page]:
        """One page per window, app type and order; windows are days with `top_pins_daily`."""
        after = self.resumes_after
        for window in self.windows(1 if self.incremental else WINDOW_DAYS):
            if after and window.last.isoformat() <= after:
                continue
            rows: list[Record] = []
            for app_type in self.values("app_types"):
                for sort_by in self.values(self.sort_setting):
                    answer, asked = self.ask(
                        window,
                        app_type,
                        sort_by=sort_by,
                        num_of_pins=self.config["top_pins_count"],
                    )
                    rows += self._rows(answer, asked, window)
            ends = window.last.isoformat() if self.incremental else None
            yield Page(rows, ROW_SIZE * len(rows), ends=ends)

    def _rows(self, answer: dict[str, Any], asked: Record, window: Range) -> Iterator[Record]:
        del asked["num_of_pins"]
        with as_described():
            dates = {"start_date": str(window.first), "end_date": str(window.last)}
            available = answer.get("date_availability") or {}
            for rank, pin in enumerate(answer.get("pins") or (), 1):
                row = {
                    name: value
                    for name, value in pin.items()
                    if name not in ("metrics", "data_status")
                }
                for metric, value in (pin.get("metrics") or {}).items():
                    row[metric.lower()] = value
                for metric, status in (pin.get("data_status") or {}).items():
                    row[f"{metric.lower()}_status"] = status
                yield {**row, **available, **asked, **dates, "rank": rank}

    def is_open(self, record: Record) -> bool:
        """Whether one of the row's metrics may still change."""
        return any(record.get(f"{metric.lower()}_status") in OPEN for metric in self.metrics)

    def passed(self, page: Page) -> None:
        """Remember the day, which is read even if no Pin was seen on it."""
        if page.ends is not None and self.name not in self.run.failures:
            self.see(date.fromisoformat(page.ends))
            self.remember(page.ends, self.final)


class TopVideoPins(TopPins):
    """The most successful video Pins. API: user_account/analytics/top_video_pins."""

    name = "top_video_pins"
    path = "/user_account/analytics/top_video_pins"
    record_type = "organic/top_video_pin"
    metrics = VIDEO_METRICS
    meaning = (
        *FILTERS,
        "app_types",
        "top_pins_daily",
        "top_video_pins_sort_by",
        "top_pins_count",
    )
    sort_setting = "top_video_pins_sort_by"
