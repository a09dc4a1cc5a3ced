"""Streams of days: rows of figures, each about a day that may still change.

Which days are read, and where the bookmark goes, is `plan.progress`, once per partition.
"""

from __future__ import annotations

import contextlib
import functools
from datetime import date
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from tap_pinterest import clock
from tap_pinterest.errors import StreamError
from tap_pinterest.kinds.answers import answers, answers_about
from tap_pinterest.kinds.bookmarks import fingerprint, is_full_table, read_to
from tap_pinterest.kinds.stream import PinterestStream
from tap_pinterest.plan import dates
from tap_pinterest.plan.progress import Frame, Progress
from tap_pinterest.records.decoding import decode_one
from tap_pinterest.records.pages import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from singer_sdk.singerlib import Catalog

    from tap_pinterest.kinds.answers import Over
    from tap_pinterest.network.transport import Request
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

    `date_key` is the field that holds the day; without `incremental` there is no bookmark. With
    `columns_count` days are read again for a column that is selected later. `beyond` says where
    days are that are not kept any more.
    Where each answer has a row per day (`expects_days`), one without any is odd, and days that
    lack at its recent end, of whatever object or part, are still to come. A root stream says what
    the `rows` of an answer are. A subclass fetches the days of `progress(part).span` and nothing
    else.
    """

    whole = False
    quota = "org_analytics"
    replication_key = "date"
    date_key: ClassVar[str] = "date"
    kept_days: ClassVar[int] = dates.KEPT_DAYS
    window_days: ClassVar[int] = dates.WINDOW_DAYS
    expects_days: ClassVar[bool] = True
    page_type: ClassVar[type[Page]] = Page
    columns_count: ClassVar[bool] = True
    beyond: ClassVar[str] = ""
    incremental: bool = True
    keeps_place: bool = True

    def is_open(self, record: Record) -> bool:
        """Whether the figures of a row may still change."""
        return may_change(record.get("data_status"))

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take over what a catalog says of this stream, be it one that knows no bookmark of it."""
        declared = self.replication_key
        super().apply_catalog(catalog)
        self.replication_key = declared or self.replication_key

    # -- which days

    def progress(self, part: str = "") -> Progress:
        """How far a partition has got."""
        if part not in self._progress:
            self._progress[part] = Progress(
                self.state_of(part),
                self.frame,
                lambda: fingerprint(self, columns=self.columns_count),
                self.replication_key,
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
            lookback=self.lookback,
            today=lambda: clock.day(clock.now() + ON_THE_WAY),
            note=self.note,
            beyond=self.beyond,
            incremental=self.incremental and not is_full_table(self),
            keeps_place=self.keeps_place,
        )

    def read_to(self, part: str) -> str:
        """The bookmark of a partition; "" where there is none yet."""
        return read_to(self.stream_state, self.part_by, part)

    def still_kept(self, window: Range) -> Range:
        """Those days of a window that Pinterest keeps; which it dropped in the run is told once."""
        days = self.frame.kept(window)
        gone = dates.Range(window.first, min(days.first - dates.DAY, window.last))
        if gone and gone.last not in self._dropped:
            self._dropped.add(gone.last)
            self.note(f"{gone} was not read in time: Pinterest keeps {self.kept_days} days")
        return days

    @functools.cached_property
    def _dropped(self) -> set[date]:
        return set()

    @property
    def lookback(self) -> int:
        """How many days before the bookmark are read again."""
        return int(self.config["lookback_days"])

    @property
    def asked(self) -> Range:
        """The days that the settings ask for."""
        return dates.asked(self.config, self.run.today, self.kept_days)

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

    def sync_parents(self, parents: Sequence[Record]) -> None:
        """Sync this child for some parents; a partition that is new begins."""
        for part in {self.part_of(parent): None for parent in parents}:
            if part not in self._progress:
                self.begin(part)
        super().sync_parents(parents)

    def pages(self) -> Iterator[Page]:
        """The answers about all days of a root stream."""
        return answers(self)

    def pages_of(self, parent: Record) -> Iterator[Page]:
        """The answers about all days of a parent, or of a batch of them."""
        return answers_about(self, parent)

    def answer_to(self, request: Request) -> Any:
        """The answer to a request, decoded as far as it is looked at by the thread that asks."""
        return self.run.transport.get(request, decode_one)

    def fill_page(self, page: Page, answer: Any, window: Range, over: Over) -> None:
        """Put the rows of an answer on a page; see `rows`."""
        rows = list(self.rows(answer, window, over, page))
        if self.expects_days and not rows and not page.odd:
            page.miss(f"the answer about {window} has no day in it")
        page.items, page.size = rows, ROW_SIZE * len(rows)

    def rows(self, answer: Any, window: Range, over: Over, page: Page) -> Iterator[Record]:
        """The rows of an answer; what is odd in it is told to the page, and costs itself."""
        raise StreamError(f"{self.name} makes no rows of {answer} {window} {over} {page}")

    # -- how far they are read

    @functools.cached_property
    def _whose(self) -> Callable[[Record], Any]:
        """What tells the rows of one object, or part of a split, from those of others."""
        return itemgetter(*(key for key in self.primary_keys if key != self.date_key))

    def took(self, page: Page, records: list[Record]) -> None:
        """Note the days on a page, and which of them are still open."""
        progress = self.progress(page.part)
        for text, is_open in {(record[self.date_key], self.is_open(record)) for record in records}:
            if day := day_of(text):
                progress.saw(day, is_open=is_open)
        if page.still_to_come:
            progress.saw(page.still_to_come, is_open=True)
        if self.expects_days:
            last: dict[Any, str] = {}  # of each object, or part of a split
            for record in records:
                whose, text = self._whose(record), record[self.date_key]
                if text > last.get(whose, ""):
                    last[whose] = text
            for day in filter(None, map(day_of, set(last.values()))):
                progress.answered(day)

    def passed(self, page: Page) -> None:
        """Remember how far the reading got; what was lost on the way leaves a hole."""
        if page.ends is not None and self.keeps_place:
            if not self.expects_days:
                self.progress(page.part).reached(date.fromisoformat(page.ends))
            self.remember(page.ends, page.part)

    def remember(self, after: str, part: str = "", *, holes: bool = False) -> None:
        """Let the next run go on behind a key; with `holes` not all was read up to there."""
        progress = self.progress(part)
        # Where days are read in their order, the key says itself up to where they are.
        through = progress.through if self.expects_days else progress.final
        holes = holes or not self.losses.complete(part)
        progress.remember(after, through, holes=holes)

    def completed(self, part: str) -> None:
        """Set the bookmark, unless an earlier run of this reading left a hole."""
        progress = self.progress(part)
        if progress.has_holes:
            self.note("an earlier run left something out; the next one reads all of it again")
            progress.begin()
            return
        if not self.expects_days:
            progress.reached(progress.span.last)
        progress.complete()

    def fell_short(self, part: str) -> None:
        """Let the next run begin anew at the same day, where this one got to its end."""
        progress = self.progress(part)
        if self.reading.ended and progress.span:
            progress.begin()


def may_change(status: Any) -> bool:
    """Whether figures of this status may still change; of a kind that is none, they do not."""
    return isinstance(status, str) and status in OPEN


def day_of(value: Any) -> date | None:
    """The day of a date or time; None for any other value."""
    with contextlib.suppress(ValueError, TypeError):
        return date.fromisoformat(value[:10])
    return None
