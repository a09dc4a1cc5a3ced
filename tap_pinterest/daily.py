"""Streams of days: which days a run reads, and which the next one must read again.

The state of such a stream keeps, beside the bookmark (the last day before the first one that is
still open), `covered_from` (the earliest day read completely), `fingerprint` (what gives the rows
their meaning) and, after a run that the quota ended, `pass` (where the next one goes on).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from tap_pinterest import dates
from tap_pinterest.client import Page, PinterestStream
from tap_pinterest.dates import DAY, Range

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_pinterest.records import Record

OPEN = frozenset({"PROCESSING", "ESTIMATE"})
"""Statuses of days whose metrics may still change; every other one is final."""


class DailyStream(PinterestStream):
    """A stream whose rows are about days.

    `date_key` is the field that holds the day, `meaning` names the settings that change what a row
    means. A subclass fetches the days of `span` and nothing else.
    """

    whole = False
    quota = "org_analytics"
    date_key: ClassVar[str] = "date"
    kept_days: ClassVar[int] = dates.KEPT_DAYS
    lookback_setting: ClassVar[str] = "lookback_days"
    meaning: ClassVar[tuple[str, ...]] = ()
    replication_key = "date"

    _first_open: date | None = None
    _last_seen: date | None = None

    def start(self) -> None:
        """Decide the days before another thread reads them."""
        if self.wanted and not self.root.why_skipped():
            _ = self.span
        super().start()

    def is_open(self, record: Record) -> bool:
        """Whether the metrics of a row may still change."""
        return record.get("data_status") in OPEN

    # -- which days

    @functools.cached_property
    def span(self) -> Range:
        """The days that this run reads."""
        today, state = self.run.today, self.stream_state
        kept = Range(today - self.kept_days * DAY, today)
        asked = dates.asked(self.config, today, self.kept_days)
        first = max(asked.first, kept.first)
        bookmark, covered = _day(state, "replication_key_value"), _day(state, "covered_from")
        if bookmark and covered and state.get("fingerprint") == self.fingerprint:
            if first < covered:
                self._note(f"the range starts earlier than before; {first} to {asked.last} is read")
            else:
                lookback = self.config[self.lookback_setting] * DAY
                first = max(bookmark - lookback, covered, kept.first)
                if bookmark + DAY < kept.first:
                    self._note(
                        f"{bookmark + DAY} to {kept.first - DAY} were not read in time: Pinterest "
                        f"keeps {self.kept_days} days"
                    )
                return self._resumed(Range(first, asked.last))
        elif bookmark and state.get("fingerprint"):
            self._note("filters, metrics or splits changed; the whole range is read again")
        if asked.first < kept.first:
            self._note(
                f"{asked} was asked for; Pinterest keeps {self.kept_days} days, so "
                f"{Range(first, asked.last)} is read"
            )
        return self._resumed(Range(first, asked.last))

    def _resumed(self, planned: Range) -> Range:
        """The planned days, or those of the pass that an earlier run could not finish."""
        unfinished = self.stream_state.get("pass") or {}
        first = _day(unfinished, "first")
        if first is None or unfinished.get("fingerprint") != self.fingerprint:
            self.stream_state.pop("pass", None)
            return planned
        if first > planned.first:
            self.stream_state.pop("pass")
            return planned
        return Range(max(first, self.run.today - self.kept_days * DAY), planned.last)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Changes when the settings give the rows another meaning."""
        meaning = {name: self.config.get(name) for name in (*self.meaning, "ad_account_id")}
        text = msgspec.json.encode(meaning, order="sorted")
        return hashlib.sha256(text).hexdigest()[:12]

    # -- which days again

    def prepare(self, page: Page) -> list[Record]:
        """The page's records; the days that are still open are noted."""
        records = super().prepare(page)
        for record in records:
            with contextlib.suppress(ValueError, TypeError):
                day = date.fromisoformat(record[self.date_key][:10])
                if self._last_seen is None or day > self._last_seen:
                    self._last_seen = day
                if self.is_open(record) and (self._first_open is None or day < self._first_open):
                    self._first_open = day
        return records

    @property
    def through(self) -> date | None:
        """The last day up to which everything read so far in this pass is final."""
        unfinished = _day(self.stream_state.get("pass") or {}, "through")
        ends = [end for end in (unfinished, self._last_seen) if end]
        if self._first_open:
            ends.append(self._first_open - DAY)
        return min([self.span.last, *ends]) if ends else None

    def remember(self, after: str) -> None:
        """Note how far the pass got, for the next run should this one not get to its end.

        Args:
            after: The last key that is written completely; the pass goes on behind it.
        """
        through = self.through
        self.stream_state["pass"] = {
            "first": self.span.first.isoformat(),
            "through": through.isoformat() if through else None,
            "after": after,
            "fingerprint": self.fingerprint,
        }

    def passed(self, page: Page) -> None:
        """Remember how far the pass got."""
        if page.ends is not None:
            self.remember(page.ends)

    @property
    def resumes_after(self) -> str | None:
        """Where an earlier run ended; None at the beginning of a pass."""
        _ = self.span
        after = (self.stream_state.get("pass") or {}).get("after")
        return after if isinstance(after, str) else None

    def completed(self) -> None:
        """Set the bookmark, all at once, after a pass that read everything."""
        state, through = self.stream_state, self.through
        state.pop("pass", None)
        if through is None:
            return
        covered = _day(state, "covered_from")
        same = state.get("fingerprint") == self.fingerprint
        first = min(covered, self.span.first) if covered and same else self.span.first
        self.set_bookmark(
            through.isoformat(), covered_from=first.isoformat(), fingerprint=self.fingerprint
        )


def _day(state: Mapping[str, Any], key: str) -> date | None:
    value = state.get(key)
    try:
        return date.fromisoformat(value[:10]) if value else None
    except (TypeError, ValueError):
        return None


def day_rows(answer: Mapping[str, Any]) -> Iterator[tuple[str, Record]]:
    """The days of an analytics answer: the part of its split, and a row of metrics each."""
    for part, content in answer.items():
        for day in (content or {}).get("daily_metrics") or ():
            row = {name: value for name, value in day.items() if name != "metrics"}
            for metric, value in (day.get("metrics") or {}).items():
                row[metric.lower()] = value
            yield part, row
