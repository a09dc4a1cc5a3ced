"""Streams of days: rows of figures, each about a day that may still change.

Which days are read, and where the bookmark goes, is `plan.progress`, once per partition.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from tap_pinterest import clock
from tap_pinterest.errors import Gone, StreamError, plain
from tap_pinterest.kinds.stream import PinterestStream
from tap_pinterest.plan import dates
from tap_pinterest.plan.progress import Frame, Progress
from tap_pinterest.records.decoding import decode_one
from tap_pinterest.records.pages import Page, chosen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tap_pinterest.network.transport import Params
    from tap_pinterest.plan.dates import Range
    from tap_pinterest.records.decoding import Record

OPEN = frozenset({"PROCESSING", "ESTIMATE"})
"""Statuses of days whose figures may still change; every other one is final."""

ROW_SIZE = 1000
"""Bytes that a decoded row holds, about."""

ON_THE_WAY = 60
"""Seconds before midnight from which a request asks for the days that are kept tomorrow."""


class DaysStream(PinterestStream):
    """A stream whose rows are about days.

    `date_key` is the field that holds the day; `meaning` names the settings, beside those in
    `params` and `over`, that change what a row means; without `incremental` there is no bookmark.
    Where each answer has a row per day (`expects_days`), one without any is odd, and days that
    lack at its recent end are still to come. A root stream says what the `rows` of an answer are. A
    subclass fetches the days of `progress(part).span` and nothing else.
    """

    whole = False
    quota = "org_analytics"
    replication_key = "date"
    date_key: ClassVar[str] = "date"
    kept_days: ClassVar[int] = dates.KEPT_DAYS
    window_days: ClassVar[int] = dates.WINDOW_DAYS
    lookback_setting: ClassVar[str] = "lookback_days"
    meaning: ClassVar[tuple[str, ...]] = ()
    expects_days: ClassVar[bool] = True
    incremental: bool = True
    keeps_place: bool = True

    def is_open(self, record: Record) -> bool:
        """Whether the figures of a row may still change."""
        return record.get("data_status") in OPEN

    # -- which days

    def progress(self, part: str = "") -> Progress:
        """How far a partition has got."""
        if part not in self._progress:
            self._progress[part] = Progress(
                self.state_of(part), self.frame, self.fingerprint, self.replication_key
            )
        return self._progress[part]

    @functools.cached_property
    def _progress(self) -> dict[str, Progress]:
        return {}

    @functools.cached_property
    def frame(self) -> Frame:
        """What holds for the days of all partitions."""
        config = self.config
        by_name = {name: config[name] for name in dates.SETTINGS if config.get(name) is not None}
        return Frame(
            asked=self.asked,
            settings=msgspec.json.encode(by_name, order="sorted").decode() if by_name else "",
            kept_days=self.kept_days,
            lookback=config[self.lookback_setting],
            today=lambda: clock.day(clock.now() + ON_THE_WAY),
            note=self.note,
            incremental=self.incremental and not self.is_full_table,
            keeps_place=self.keeps_place,
        )

    @property
    def asked(self) -> Range:
        """The days that the settings ask for."""
        return dates.asked(self.config, self.run.today, self.kept_days)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Changes when the rows get another meaning, or more columns; ends with the account."""
        declared = [
            value.name
            for value in (*self.params.values(), *self.over.values())
            if hasattr(value, "name")
        ]
        meaning = {
            name: sorted({*value}) if isinstance(value, list) else value
            for name in (*declared, *self.meaning, "ad_account_id")
            for value in [self.config.get(name)]
        }
        columns = [name for name in self.schema["properties"] if self.mask["properties", name]]
        maps = self.config.get("stream_maps") or {}
        names = (self.name, self.parent.name if self.parent else "")
        mapped = [{name: maps[name]} for name in names if name in maps]
        text = msgspec.json.encode([meaning, sorted(columns), *mapped], order="sorted")
        account = "" if self.part_by else self.run.account_id or ""
        return f"{hashlib.sha256(text).hexdigest()[:12]}:{account}"

    def start(self) -> None:
        """Decide the days before another thread reads them, and write them into the state."""
        if self.wanted and not self.part_by and not self.why_skipped():
            self.begin("")
        super().start()

    def begin(self, part: str) -> None:
        """Let the state know the first day of a partition, before any row of it is written."""
        progress = self.progress(part)
        if progress.span and self.frame.incremental:
            if not progress.is_begun:
                progress.begin()
            self.state_manager.is_flushed = False
            self._write_state_message()

    # -- requests

    def pages(self) -> Iterator[Page]:
        """The answers for each window, and within it for each value of what is read `over`.

        The last answer of a window says how far that is; a run that goes on begins behind it.
        """
        progress = self.progress()
        after = progress.resumes_after
        for window in progress.windows(self.window_days):
            if after and window.last.isoformat() <= after:
                continue
            pages = list(self.over_values())
            for number, over in enumerate(pages, 1):
                ends = window.last.isoformat() if number == len(pages) else None
                try:
                    yield self.ask(window, over, ends)
                except TooLate as error:
                    self.note(str(error))

    def over_values(self) -> Iterator[dict[str, str]]:
        """Each combination of the values that the stream is read over."""
        values = [chosen(declared, self.config) for declared in self.over.values()]
        for some in itertools.product(*values):
            yield dict(zip(self.over, some, strict=True))

    def ask(self, window: Range, over: Mapping[str, str], ends: str | None) -> Page:
        """The answer about a window of days of a root stream."""
        request = self.request(self.path, self.worded(window, **over))
        answer = self.run.transport.get(request, decode_one)
        page = Page([], 0, ends=ends)
        rows = list(self.rows(answer, window, over, page))
        if self.expects_days and not rows and not page.odd:
            page.odd.append(StreamError(f"the answer about {window} has no day in it"))
        page.items, page.size = rows, ROW_SIZE * len(rows)
        return page

    def rows(
        self, answer: Record, window: Range, over: Mapping[str, str], page: Page
    ) -> Iterator[Record]:
        """The rows of an answer; what is odd in it is told to the page, and costs itself."""
        raise StreamError(f"{self.name} is read with its parent: {answer} {window} {over} {page}")

    def worded(self, window: Range, part: str = "", **more: Any) -> Callable[[], Params]:
        """The query about a window of days, worded when it is sent: midnight may come before.

        Raises (when it is worded):
            TooLate: Pinterest keeps none of the days any more.
        """

        def query() -> Params:
            days = self.progress(part).kept(window)
            if not days:
                raise TooLate(
                    f"{window} was not read in time: Pinterest keeps {self.kept_days} days"
                )
            return self.query(start_date=days.first, end_date=days.last, **more)

        return query

    # -- how far they are read

    def took(self, page: Page, records: list[Record]) -> None:
        """Note the days on a page, and which of them are still open."""
        progress, last = self.progress(page.part), None
        for text, is_open in {(record[self.date_key], self.is_open(record)) for record in records}:
            with contextlib.suppress(ValueError):
                day = date.fromisoformat(text[:10])
                progress.saw(day, is_open=is_open)
                last = max(last or day, day)
        if last and self.expects_days:
            progress.answered(last)

    def passed(self, page: Page) -> None:
        """Remember how far the reading got; what was lost on the way leaves a hole."""
        if page.ends is not None and self.keeps_place:
            if not self.expects_days:
                self.progress(page.part).reached(date.fromisoformat(page.ends))
            self.remember(page.ends, page.part)

    def remember(self, after: str, part: str = "") -> None:
        """Let the next run go on behind a key."""
        progress = self.progress(part)
        # Where days are read in their order, the key says itself up to where they are.
        through = progress.through if self.expects_days else progress.final
        progress.remember(after, through, holes=self.losses.within(part))

    def completed(self, part: str) -> None:
        """Set the bookmark, unless an earlier run of this reading left a hole."""
        progress = self.progress(part)
        if progress.has_holes:
            self.note("an earlier run left something out; the next one reads all of it again")
            progress.abandon()
            return
        if not self.expects_days:
            progress.reached(progress.span.last)
        progress.complete()

    def fell_short(self, part: str) -> None:
        """Let the next run begin anew from the same bookmark, where this one got to its end."""
        progress = self.progress(part)
        if not self.reading.ended or not progress.span:
            return
        if self.name in self.run.failures:
            progress.begin()
        else:
            progress.abandon()


class TooLate(Gone):
    """Days that Pinterest kept when the run was planned, and keeps no longer."""


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
            page.odd.append(StreamError(f"the answer has {plain(content)} for {plain(part)}"))
            continue
        for day in days or ():
            metrics = day.get("metrics") if isinstance(day, dict) else 0
            if not isinstance(metrics, dict | None):
                page.odd.append(StreamError(f"the answer has {plain(day)} among its days"))
                continue
            row = {name: value for name, value in day.items() if name != "metrics"}
            yield part, with_metrics(row, metrics or {}, about, page)


def with_metrics(
    row: Record, metrics: Mapping[str, Any], about: Mapping[str, Any], page: Page, name: str = "{}"
) -> Record:
    """A row with its metrics, whose names are the API's in lower case.

    What the row has, and what it is about, stays: a metric of that name is left out and told.

    Args:
        row: What the row says beside its metrics, such as its day.
        metrics: Values by the API's names.
        about: Fields that the row will get.
        page: Told of what is left out.
        name: What a metric is called in the row.
    """
    for metric, value in metrics.items():
        field = name.format(metric.lower())
        if field in row or field in about:
            page.notes.add(
                f"the API sent {plain(metric)} beside the field `{field}`; it is left out"
            )
        else:
            row[field] = value
    return row
