"""Answers about days: how they are asked for, window by window, and how they become rows."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_pinterest.errors import StreamError, TooLarge, TooLate, Withheld
from tap_pinterest.kinds.batches import halved
from tap_pinterest.kinds.taking import named
from tap_pinterest.plan.dates import DAY, Range
from tap_pinterest.records.pages import combinations, path_for
from tap_pinterest.shown import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tap_pinterest.kinds.days import DaysStream
    from tap_pinterest.network.transport import Params
    from tap_pinterest.records.decoding import Record
    from tap_pinterest.records.pages import Page

    Over = Mapping[str, str]


class Wording:
    """The query about a window of days, worded when it is sent: midnight may come before.

    Attributes:
        days: Those of the window that were asked for, once it was worded.
    """

    def __init__(self, stream: DaysStream, window: Range, **more: Any) -> None:
        self._stream, self._window, self._more = stream, window, more
        self.days = window

    def __call__(self) -> Params:
        """The query, as it is right now.

        Raises:
            TooLate: Pinterest keeps none of the days any more.
        """
        self.days = self._stream.still_kept(self._window)
        if not self.days:
            raise TooLate(f"Pinterest keeps none of {self._window} any more")
        return self._stream.query(start_date=self.days.first, end_date=self.days.last, **self._more)


def answers(stream: DaysStream) -> Iterator[Page]:
    """The answers for each window, and within it for each value of what is read `over`.

    The last answer of a window says how far that is; a run that goes on begins behind it.
    """
    after = stream.progress().resumes_after
    for window in stream.progress().span.windows(stream.window_days):
        if after and window.last.isoformat() <= after:
            continue
        asked = list(combinations(stream.over, stream.config))
        for number, over in enumerate(asked, 1):
            ends = window.last.isoformat() if number == len(asked) else None
            yield _ask(stream, window, over, {}, ends)


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What is asked for in a request: days of objects."""

    window: Range
    members: Sequence[Record]

    def halves(self, error: StreamError) -> list[Question]:
        """Two smaller questions: of fewer objects, or of fewer days where these are too many."""
        if half := len(self.members) // 2:
            some = self.members[:half], self.members[half:]
            return [Question(self.window, members) for members in some]
        if isinstance(error, TooLarge):
            first, last = self.window.first, self.window.last
            middle = first + (last - first) // 2
            days = Range(first, middle), Range(middle + DAY, last)
            return [Question(window, self.members) for window in days] if days[1] else []
        return []

    def __str__(self) -> str:
        return f"{named(self.members[0])}, {self.window}"


def answers_about(
    stream: DaysStream, parent: Record, windows: Iterable[Range] | None = None
) -> Iterator[Page]:
    """The answers about a parent, or about a batch of them, for each window and value."""
    part = stream.part_of(parent)
    if windows is None:
        windows = stream.progress(part).span.windows(stream.window_days)
    for window, over in itertools.product(windows, combinations(stream.over, stream.config)):

        def ask(some: Question, over: Over = over) -> Page:
            return _ask(stream, some.window, over, {**parent, "members": some.members})

        withheld: list[tuple[Question, StreamError]] = []

        def lost(some: Question, error: StreamError, withheld: list[Any] = withheld) -> None:
            if stream.part_by and isinstance(error, Withheld):
                withheld.append((some, error))
            else:
                stream.losses.lose(str(some), error, part)

        question, answered = Question(window, parent.get("members") or (parent,)), False
        for page in halved(
            question, ask, lost, Question.halves, withheld_from_all=bool(stream.part_by)
        ):
            answered = True
            yield page
        for some, why in withheld:
            if not answered:  # it may be about more than these
                raise why
            stream.losses.skip(str(some), why, part)


def _ask(
    stream: DaysStream, window: Range, over: Over, parent: Record, ends: str | None = None
) -> Page:
    """The answer about a window of days: of a root stream, of a parent or of a batch."""
    batch, asked = stream.batch, {name: parent[name] for name in stream.asks if name in parent}
    if batch and "members" in parent:
        asked[batch.param] = [each[batch.of] for each in parent["members"]]
    adds = {name: value for name, value in parent.items() if name != "members"}
    page = stream.page_type([], 0, adds, stream.part_of(parent), ends)
    path, query = path_for(stream.path, parent), Wording(stream, window, **over, **asked)
    with contextlib.suppress(TooLate):
        answer = stream.answer_to(stream.request(path, query, single=bool(parent)))
        stream.fill_page(page, answer, query.days, over)
    return page


def day_rows(
    answer: Mapping[str, Any], about: Mapping[str, Any], page: Page
) -> Iterator[tuple[str, Record]]:
    """The days of an organic analytics answer: the part of its split, and a row of metrics each.

    Args:
        answer: `{part: {"daily_metrics": [{"date": …, "metrics": {…}}]}}`.
        about: What else goes into the rows; metrics of the same names do not.
        page: Told what is not as the API describes it; that day or part is left out.
    """
    for part, content in answer.items():
        days = content.get("daily_metrics") if isinstance(content, dict) else content
        if not isinstance(days, list | None):
            page.miss(f"the answer has {plain(content)} for {plain(part)}")
            continue
        for day in days or ():
            metrics = day.get("metrics") if isinstance(day, dict) else 0
            if not isinstance(metrics, dict | None):
                page.miss(f"the answer has {plain(day)} among its days")
                continue
            # Its date is a key: no metric of that name may take the place of one that lacks.
            row = {"date": None} | {k: v for k, v in day.items() if k != "metrics"}
            yield part, with_metrics(row, metrics or {}, about, page)


def with_metrics(
    row: Record, metrics: Mapping[str, Any], about: Mapping[str, Any], page: Page, suffix: str = ""
) -> Record:
    """A row with its metrics, whose names are the API's in lower case.

    What the row has, and what it is about, stays: a metric of that name is left out and told.

    Args:
        row: What the row says beside its metrics, such as its day.
        metrics: Values by the API's names.
        about: Fields that the row will get.
        page: Told of what is left out.
        suffix: What follows the name of a metric in that of its field.
    """
    for metric, value in metrics.items():
        field = metric.lower() + suffix
        if field in row or field in about:
            page.notes.add(
                f"the API sent {plain(metric)} beside the field `{field}`; it is left out"
            )
        else:
            row[field] = value
    return row
