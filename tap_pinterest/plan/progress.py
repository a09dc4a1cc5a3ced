"""How far one partition of a stream of days has got, and which days a run must read of it.

A partition is the whole stream, or one ad account of it. Its part of the state keeps:

- `replication_key_value`, the bookmark: the last day before the first one that is still open;
- `covered_from`: the earliest day that was read completely;
- `fingerprint`: what gives the rows their meaning, and the account they are about;
- `pass`: how far a reading of all days got that is not at its end, for the next run to go on.

States are merged deeply by those who keep them, and older ones are handed back. So nothing is said
by leaving a key out: a pass that is over stays, with `open` false, and one that did not begin at
today's bookmark is not gone on with.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, TypeGuard

from tap_pinterest.plan.dates import DAY, Range

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """What holds for all partitions of a stream in a run.

    Attributes:
        asked: The days that the settings ask for.
        settings: The settings that say so, as a text; empty where none is set.
        kept_days: How many days before today Pinterest keeps.
        lookback: How many days before the bookmark are read again.
        today: The current day in UTC, looked up anew each time.
        note: Told what the user should know about the days.
        beyond: Where the days are that are not kept any more; empty where nowhere.
        incremental: Whether there is a bookmark; without it all days are read each time.
        keeps_place: Whether a reading that is not at its end is gone on with.
    """

    asked: Range
    settings: str
    kept_days: int
    lookback: int
    today: Callable[[], date]
    note: Callable[[str], None]
    beyond: str = ""
    incremental: bool = True
    keeps_place: bool = True

    def kept(self, days: Range) -> Range:
        """Those of the days that Pinterest keeps at this moment."""
        return Range(max(days.first, self.today() - self.kept_days * DAY), days.last)


class Progress:
    """The days of one partition: which are read, how far that is, and what the next run does.

    Args:
        state: The partition's part of the state; it is written to.
        frame: What holds for all partitions.
        fingerprint: Makes `meaning:account`; with another meaning, or another account where both
            are known, the whole range is read again.
        key: Name of the replication key, for the state.
    """

    def __init__(
        self, state: State, frame: Frame, fingerprint: Callable[[], str], key: str | None
    ) -> None:
        self._state = state
        self._frame = frame
        self._make_fingerprint = fingerprint
        self._key = key
        self._first_open: date | None = None
        self._ends: date | None = None
        self.has_holes = False

    @functools.cached_property
    def _fingerprint(self) -> str:
        return self._make_fingerprint()

    # -- which days

    @functools.cached_property
    def span(self) -> Range:
        """The days that this run reads."""
        frame = self._frame
        state = self._state if frame.incremental else {}
        planned = frame.kept(frame.asked)
        bookmark, covered = _day(state, "replication_key_value"), _day(state, "covered_from")
        if planned and bookmark and covered and self._fits(state):
            if planned.first >= covered:
                return self._resumed(self._going_on(Range(covered, planned.last), bookmark))
            frame.note(f"the range starts earlier than before; {planned} is read")
        elif planned and bookmark and state.get("fingerprint"):
            frame.note("filters, metrics, splits or account changed; the whole range is read again")
        if frame.asked.first < planned.first and frame.settings:
            frame.note(
                f"{frame.asked} was asked for; Pinterest keeps {frame.kept_days} days, so "
                f"{planned or 'nothing'} is read" + (f"; {frame.beyond}" if frame.beyond else "")
            )
        return self._resumed(planned)

    def _going_on(self, days: Range, bookmark: date) -> Range:
        """The days from the bookmark on, and those before it that are read again."""
        frame = self._frame
        kept = frame.kept(Range(max(bookmark - frame.lookback * DAY, days.first), days.last))
        if not kept:
            frame.note(
                f"nothing is read: the range ends before {kept.first}, where this run goes on"
            )
        if bookmark + DAY < kept.first:
            frame.note(
                f"{Range(bookmark + DAY, kept.first - DAY)} was not read in time: Pinterest keeps "
                f"{frame.kept_days} days"
            )
        return kept

    def _resumed(self, planned: Range) -> Range:
        """The planned days, or those of the reading that an earlier run could not finish."""
        unfinished = self._unfinished
        first = _day(unfinished, "first")
        if first is None or first > planned.first:
            self._forget()
            return planned
        self.has_holes = bool(unfinished["holes"])
        return self._frame.kept(Range(first, planned.last))

    @property
    def _unfinished(self) -> Mapping[str, Any]:
        """What an earlier run left to this one, or this one to the next; empty where nothing."""
        unfinished = self._state.get("pass")
        if not self._frame.keeps_place or not is_unfinished(unfinished):
            return {}
        belongs = (
            unfinished["from"] == self._bookmark
            and unfinished["asked"] == self._frame.settings
            and self._fits(unfinished)
        )
        return unfinished if belongs else {}

    @property
    def _bookmark(self) -> str:
        return str(self._state.get("replication_key_value") or "")

    def _fits(self, state: Mapping[str, Any]) -> bool:
        """Whether a part of the state is about rows of the same meaning; unknown accounts fit."""
        meaning, _, account = self._fingerprint.partition(":")
        its_meaning, _, its_account = str(state.get("fingerprint")).partition(":")
        return meaning == its_meaning and (account == its_account or not (account and its_account))

    # -- how far they are read

    def saw(self, day: date, *, is_open: bool) -> None:
        """Note a day of a row, and whether its figures may still change."""
        if is_open:
            self._first_open = min(self._first_open or day, day)

    def answered(self, last: date) -> None:
        """Note the last day of an answer: days behind it are still to come, for all answers."""
        self._ends = min(self._ends or last, last)

    def reached(self, day: date) -> None:
        """Note that everything up to a day is read, where days are read in their order."""
        self._ends = day

    @property
    def final(self) -> date | None:
        """The day before the first open one, over all runs of this reading; None: no day is."""
        ends = [_day(self._unfinished, "through"), self._first_open and self._first_open - DAY]
        return min((end for end in ends if end), default=None)

    @property
    def through(self) -> date | None:
        """The last day up to which everything read so far is final; None: nothing was read."""
        ends = [end for end in (self.final, self._ends) if end]
        return min([self.span.last, *ends]) if ends else None

    @property
    def resumes_after(self) -> str:
        """The key behind which an earlier run's reading goes on; empty at its beginning."""
        _ = self.span
        return str(self._unfinished.get("after") or "")

    @property
    def is_begun(self) -> bool:
        """Whether the state has a reading that this run goes on with."""
        return bool(self._unfinished)

    def begin(self) -> None:
        """Begin to read all days anew, and note the first one.

        A start that is relative to today moves on: a run that is killed leaves its own to the next.
        """
        self.has_holes = False
        self._forget()
        if self._frame.incremental:
            self._keep()

    def remember(self, after: str, through: date | None, *, holes: bool) -> None:
        """Note how far the reading got.

        Args:
            after: The last key that was dealt with; the reading goes on behind it.
            through: The last day to which the bookmark may move at its end.
            holes: Whether something up to there could not be read: then the bookmark stays.
        """
        self.has_holes = self.has_holes or holes
        self._keep(after, through)

    def complete(self) -> None:
        """Set the bookmark, all at once, after everything was read."""
        state, through = self._state, self.through
        self._forget()
        if through is None or not self._frame.incremental:
            return
        covered, first, fingerprint = (
            _day(state, "covered_from"),
            self.span.first,
            self._fingerprint,
        )
        if covered and self._fits(state):
            first = min(covered, first)
            if fingerprint.endswith(":"):  # the account could not be asked for: as known as it was
                fingerprint = str(state["fingerprint"])
        state.update(
            replication_key=self._key,
            replication_key_value=through.isoformat(),
            covered_from=first.isoformat(),
            fingerprint=fingerprint,
        )

    def _keep(self, after: str = "", through: date | None = None) -> None:
        self._state["pass"] = {
            "open": True,
            "from": self._bookmark,
            "first": self.span.first.isoformat(),
            "asked": self._frame.settings,
            "fingerprint": self._fingerprint,
            "after": after,
            "through": through.isoformat() if through else "",
            "holes": self.has_holes,
        }

    def _forget(self) -> None:
        if self._frame.keeps_place:
            self._state["pass"] = dict(OVER)


OVER: Mapping[str, Any] = {
    "open": False,
    "from": "",
    "first": "",
    "asked": "",
    "fingerprint": "",
    "after": "",
    "through": "",
    "holes": False,
}
"""A pass that is over. Each key is always there, and none holds an object: see above."""


def is_unfinished(found: Any) -> TypeGuard[Mapping[str, Any]]:
    """Whether this is a pass in the form that this version writes, and not over."""
    return isinstance(found, dict) and found.keys() >= OVER.keys() and found["open"] is True


def _day(state: Mapping[str, Any], key: str) -> date | None:
    value = state.get(key)
    try:
        return date.fromisoformat(value[:10]) if value else None
    except (TypeError, ValueError):
        return None
