"""Answers about days: how they are asked for, window by window, and how they become rows."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from tap_pinterest.errors import Forbidden, StreamError, TooLate, Withheld
from tap_pinterest.kinds.batches import halved
from tap_pinterest.kinds.taking import named
from tap_pinterest.records.pages import Page, combinations, path_for
from tap_pinterest.shown import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_pinterest.kinds.days import DaysStream
    from tap_pinterest.network.transport import Params
    from tap_pinterest.plan.dates import Range
    from tap_pinterest.records.decoding import Record

    Over = Mapping[str, str]

ROW_SIZE = 1000
"""Bytes that a decoded row holds, about."""


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


def answers_about(stream: DaysStream, parent: Record) -> Iterator[Page]:
    """The answers about a parent, or about a batch of them, for each window and value."""
    part = stream.part_of(parent)
    windows = stream.progress(part).span.windows(stream.window_days)
    for window, over in itertools.product(windows, combinations(stream.over, stream.config)):

        def ask(some: Sequence[Record], window: Range = window, over: Over = over) -> Page:
            return _ask(stream, window, over, {**parent, "members": some})

        def lost(member: Record, error: StreamError) -> None:
            stream.losses.lose(named(member), error, part)

        yield from halved(parent.get("members") or (parent,), ask, lost)


def _ask(
    stream: DaysStream, window: Range, over: Over, parent: Record, ends: str | None = None
) -> Page:
    """The answer about a window of days: of a root stream, of a parent or of a batch."""
    batch, ids = stream.batch, {}
    if batch and "members" in parent:
        ids = {batch.param: [each[batch.of] for each in parent["members"]]}
    adds = {name: value for name, value in parent.items() if name != "members"}
    page = Page([], 0, adds, stream.part_of(parent), ends)
    path, query = path_for(stream.path, parent), Wording(stream, window, **over, **ids)
    try:
        answer = stream.run.transport.get(
            stream.request(path, query, single=bool(parent)), stream.read_answer
        )
    except TooLate:
        return page
    except Withheld as error:
        if stream.part_by:  # it is the partition that is not open, not one of the members
            raise Forbidden(str(error), error.answer) from error
        raise
    rows = list(stream.rows(answer, query.days, over, page))
    if stream.expects_days and not rows and not page.odd:
        page.miss(f"the answer about {query.days} has no day in it")
    page.items, page.size = rows, ROW_SIZE * len(rows)
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
