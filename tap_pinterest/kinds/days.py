"""Streams of days: which days a run reads, and which the next one must read again.

The state of such a stream keeps, beside the bookmark (the last day before the first one that is
still open), `covered_from` (the earliest day read completely), `fingerprint` (what gives the rows
their meaning) and, until a pass over all days is complete, `pass` (where the next run goes on
should this one end early).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from tap_pinterest import clock
from tap_pinterest.errors import as_described
from tap_pinterest.kinds.stream import PinterestStream
from tap_pinterest.plan import dates
from tap_pinterest.plan.dates import DAY, Range

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_pinterest.records.decoding import Record
    from tap_pinterest.records.pages import Page

OPEN = frozenset({"PROCESSING", "ESTIMATE"})
"""Statuses of days whose metrics may still change; every other one is final."""

MAY_WAIT = 900
"""Seconds for which a request may wait for its quota after its days were decided."""


class DailyStream(PinterestStream):
    """A stream whose rows are about days.

    `date_key` is the field that holds the day, `meaning` names the settings that change what a row
    means; without `incremental` the state says nothing about the days. A subclass fetches the days
    of `span` and nothing else.
    """

    whole = False
    quota = "org_analytics"
    date_key: ClassVar[str] = "date"
    kept_days: ClassVar[int] = dates.KEPT_DAYS
    lookback_setting: ClassVar[str] = "lookback_days"
    meaning: ClassVar[tuple[str, ...]] = ()
    replication_key = "date"
    incremental = True

    _first_open: date | None = None
    _last_seen: date | None = None
    _has_holes = False

    def start(self) -> None:
        """Decide the days before another thread reads them, and write them into the state.

        A start that is relative to today moves on: a run that is killed leaves its own to the next.
        """
        if self.wanted and not self.root.why_skipped() and self.span and self.incremental:
            if not self._unfinished:
                self.begin_pass()
            self.state_manager.is_flushed = False
            self._write_state_message()
        super().start()

    def is_open(self, record: Record) -> bool:
        """Whether the metrics of a row may still change."""
        return record.get("data_status") in OPEN

    # -- which days

    @functools.cached_property
    def span(self) -> Range:
        """The days that this run reads."""
        state = self.stream_state if self.incremental else {}
        asked = dates.asked(self.config, self.run.today, self.kept_days)
        planned = self.kept(asked)
        bookmark, covered = _day(state, "replication_key_value"), _day(state, "covered_from")
        if planned and bookmark and covered and self._fits(state):
            if planned.first >= covered:
                return self._resumed(self._going_on(Range(covered, planned.last), bookmark))
            self._note(f"the range starts earlier than before; {planned} is read")
        elif planned and bookmark and state.get("fingerprint"):
            self._note("filters, metrics, splits or account changed; the whole range is read again")
        if asked.first < planned.first and self._asked:
            self._note(
                f"{asked} was asked for; Pinterest keeps {self.kept_days} days, so "
                f"{planned or 'nothing'} is read"
            )
        return self._resumed(planned)

    def kept(self, days: Range) -> Range:
        """Those of the days that Pinterest keeps, even if it is midnight before it is asked."""
        today = clock.day(clock.now() + MAY_WAIT)
        return Range(max(days.first, today - self.kept_days * DAY), days.last)

    def windows(self, days: int) -> Iterator[Range]:
        """The span in pieces, without the days that Pinterest drops meanwhile."""
        for window in self.span.windows(days):
            if kept := self.kept(window):
                yield kept

    def _going_on(self, days: Range, bookmark: date) -> Range:
        """The days from the bookmark on, and those before it that are read again."""
        again = bookmark - self.config[self.lookback_setting] * DAY
        kept = self.kept(Range(max(again, days.first), days.last))
        if not kept:
            self._note(
                f"nothing is read: the range ends before {kept.first}, where this run goes on"
            )
        if bookmark + DAY < kept.first:
            self._note(
                f"{Range(bookmark + DAY, kept.first - DAY)} was not read in time: Pinterest keeps "
                f"{self.kept_days} days"
            )
        return kept

    def _resumed(self, planned: Range) -> Range:
        """The planned days, or those of the pass that an earlier run could not finish."""
        unfinished = self._unfinished
        first = _day(unfinished, "first")
        same = unfinished.get("asked") == self._asked and self._fits(unfinished)
        if first is None or first > planned.first or not same:
            self.stream_state.pop("pass", None)
            return planned
        self._has_holes = bool(unfinished.get("holes"))
        return self.kept(Range(first, planned.last))

    @property
    def _asked(self) -> dict[str, Any]:
        """The settings of the range: an unfinished pass ends when they change."""
        return {
            name: self.config[name] for name in dates.SETTINGS if self.config.get(name) is not None
        }

    @property
    def _unfinished(self) -> Mapping[str, Any]:
        """What an earlier run left to this one, or this one to the next."""
        unfinished = self.stream_state.get("pass")
        return unfinished if isinstance(unfinished, dict) else {}

    def values(self, name: str) -> Sequence[str]:
        """The values of a setting that is a list, each once."""
        return tuple(dict.fromkeys(self.config[name]))

    @functools.cached_property
    def fingerprint(self) -> str:
        """Changes when the rows get another meaning, or more columns; ends with the account."""
        meaning = {
            name: sorted({*value}) if isinstance(value, list) else value
            for name in (*self.meaning, "ad_account_id")
            for value in [self.config.get(name)]
        }
        columns = [name for name in self.schema["properties"] if self.mask["properties", name]]
        maps = self.config.get("stream_maps") or {}
        names = (self.name, self.parent.name if self.parent else "")
        mapped = [{name: maps[name]} for name in names if name in maps]
        text = msgspec.json.encode([meaning, sorted(columns), *mapped], order="sorted")
        return f"{hashlib.sha256(text).hexdigest()[:12]}:{self.run.account_id or ''}"

    def _fits(self, state: Mapping[str, Any]) -> bool:
        """Whether a part of the state is about rows of the same meaning; unknown accounts fit."""
        meaning, _, account = self.fingerprint.partition(":")
        its_meaning, _, its_account = str(state.get("fingerprint")).partition(":")
        return meaning == its_meaning and (account == its_account or not (account and its_account))

    # -- which days again

    def prepare(self, page: Page) -> list[Record]:
        """The page's records; the days that are still open are noted."""
        records = super().prepare(page)
        for text, is_open in {(record[self.date_key], self.is_open(record)) for record in records}:
            with contextlib.suppress(ValueError):
                self.see(date.fromisoformat(text[:10]), is_open=is_open)
        return records

    def see(self, day: date, *, is_open: bool = False) -> None:
        """Note that a day was read, and whether it may still change."""
        self._last_seen = max(self._last_seen or day, day)
        if is_open:
            self._first_open = min(self._first_open or day, day)

    @property
    def final(self) -> date | None:
        """The day before the first open one of this pass; None where no day is open."""
        ends = [_day(self._unfinished, "through"), self._first_open and self._first_open - DAY]
        return min((end for end in ends if end), default=None)

    @property
    def through(self) -> date | None:
        """The last day up to which everything read so far in this pass is final."""
        ends = [end for end in (self.final, self._last_seen) if end]
        return min([self.span.last, *ends]) if ends else None

    @property
    def complete(self) -> bool:
        """Whether everything was read, in the earlier runs of this pass too."""
        return super().complete and not self._has_holes

    def begin_pass(self) -> None:
        """Note the first day alone, for the next run should this one not get to its end."""
        self.stream_state.pop("pass", None)
        if self.incremental:
            self.stream_state["pass"] = self._beginning

    @property
    def _beginning(self) -> dict[str, Any]:
        return {
            "first": self.span.first.isoformat(),
            "asked": self._asked,
            "fingerprint": self.fingerprint,
        }

    def remember(self, after: str, through: date | None) -> None:
        """Note how far the pass got.

        Args:
            after: The last key that is written completely; the pass goes on behind it.
            through: The last day to which a bookmark may move at the end of the pass.
        """
        broken = self.skipped or self.name in self.run.failures
        self.stream_state["pass"] = {
            **self._beginning,
            "after": after,
            **({"through": through.isoformat()} if through else {}),
            **({"holes": True} if self._has_holes or broken else {}),
        }

    def passed(self, page: Page) -> None:
        """Remember how far the pass got, up to the first page that failed."""
        if page.ends is not None and self.name not in self.run.failures:
            self.remember(page.ends, self.through)

    @property
    def resumes_after(self) -> str | None:
        """Where an earlier run ended; None at the beginning of a pass."""
        _ = self.span
        after = self._unfinished.get("after")
        return after if isinstance(after, str) else None

    def completed(self) -> None:
        """Set the bookmark, all at once, after a pass that read everything."""
        state, through = self.stream_state, self.through
        state.pop("pass", None)
        if through is None or not self.incremental:
            return
        covered = _day(state, "covered_from")
        first, fingerprint = self.span.first, self.fingerprint
        if covered and self._fits(state):
            first = min(covered, first)
            if not self.run.account_id:  # as known as it was
                fingerprint = state["fingerprint"]
        self.set_bookmark(
            through.isoformat(), covered_from=first.isoformat(), fingerprint=fingerprint
        )


def _day(state: Mapping[str, Any], key: str) -> date | None:
    value = state.get(key)
    try:
        return date.fromisoformat(value[:10]) if value else None
    except (TypeError, ValueError):
        return None


def day_rows(answer: Mapping[str, Any]) -> Iterator[tuple[str, Record]]:
    """The days of an analytics answer: the part of its split, and a row of metrics each."""
    with as_described():
        for part, content in answer.items():
            for day in (content or {}).get("daily_metrics") or ():
                row = {name: value for name, value in day.items() if name != "metrics"}
                for metric, value in (day.get("metrics") or {}).items():
                    row[metric.lower()] = value
                yield part, row
