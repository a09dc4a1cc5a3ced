"""How the pages of a stream are read: ahead, in order, and so that what is lost costs itself."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from singer_sdk.exceptions import AbortedSyncFailedException, AbortedSyncPausedException

from tap_pinterest.errors import (
    Forbidden,
    Gone,
    QuotaExhausted,
    Refused,
    StreamError,
    Withheld,
)
from tap_pinterest.kinds.batches import Waiting
from tap_pinterest.kinds.taking import named, take
from tap_pinterest.readahead import ReadAhead, fan_out
from tap_pinterest.records.pages import Page, is_id

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from tap_pinterest.kinds.stream import PinterestStream
    from tap_pinterest.records.decoding import Record

    Taken = Generator[tuple[Page, list[Record]]]

GIVE_UP_AFTER = 3
"""How many parents in a row may fail, tried again and again, before their stream is given up.

Likewise how many may be forbidden as the whole stream would be.
"""


class Reading:
    """Reads one stream: the pages of a root, or those of the parents that are handed in."""

    def __init__(self, stream: PinterestStream) -> None:
        self._stream = stream
        self._ahead: ReadAhead[Page] | None = None
        self._parents: Sequence[Record] = ()
        self.waiting = Waiting(stream.batch) if stream.batch else None
        self._failed = 0
        self.begun = True
        self.stopped = False
        self.ended = False

    # -- a root

    def start(self) -> None:
        """Begin to read ahead."""
        self._ahead = ReadAhead(self._source, self._stream.run.budget)

    def _source(self) -> Iterator[Page]:
        """The pages of the list, or the parents that the user named where that is enough."""
        family = self._stream.family
        if family.only and family.are_ids_enough:
            # Nobody wants the parents themselves, and no filter needs to see them.
            family.unseen.clear()
            return iter([Page([{"id": key} for key in sorted(family.only)], 0)])
        return self._stream.pages()

    def records(self) -> Generator[Record]:
        """The records that are written; between pages, children are synced for them."""
        stream, is_root = self._stream, self._stream.parent is None
        if is_root:
            stream.family.open()
        try:
            with contextlib.closing(self.pages()) as pages:
                for page, records in pages:
                    stream.family.hand_down(records)
                    if stream.selected:
                        stream.emission.begin_page(stream.family.version)
                        stream.writer.flush()
                        with stream.writer.undisturbed():
                            yield from stream.own(records)
                    stream.tally.did()
                    stream.passed(page)
                    del page, records  # their memory serves the next page
        except StreamError as error:
            self.stop(error)
        if is_root:
            self.ended = not self.stopped
            stream.family.flush()  # what was found on a list that broke off is read, too
            stream.family.close()
            # A STATE that says what the last one said is not written, and would not flush.
            stream.writer.flush()

    def stop(self, error: StreamError) -> None:
        """Read nothing more of the stream in this run."""
        self.stopped = True
        self._stream.losses.fail(error)

    def pages(self) -> Taken:
        """Each page with its records, in order; nothing where the stream is skipped."""
        stream = self._stream
        if stream.parent is not None:
            yield from self.of_parents(self._parents)
            return
        if reason := stream.why_skipped():
            self.skip(reason)
            return
        if stream.ABORT_AT_RECORD_COUNT is None:
            stream.run.start()
        if self._ahead is None:
            self.start()
        assert self._ahead is not None  # noqa: S101 - for the type checker
        with contextlib.closing(self._ahead) as pages:
            for page in pages:
                yield page, take(stream, page)

    def skip(self, reason: str) -> None:
        """Say why the stream is not read, where the user wants it; it is not complete then."""
        self.begun = False
        if self._stream.selected:
            self._stream.logger.warning("Stream %s is skipped: %s.", self._stream.name, reason)

    # -- parents

    def sync_parents(self, parents: Sequence[Record]) -> None:
        """Sync the stream for some parents; those that wait for a full batch, later."""
        if self.waiting is not None:
            self.put(parents)
            parents = self.waiting.full()
        self.sync(parents)

    def put(self, parents: Sequence[Record]) -> None:
        """Let parents wait for a full batch; one without an id is told and not asked for.

        In a list of ids with commas `1,2` would be two.
        """
        stream, waiting = self._stream, self.waiting
        assert waiting is not None  # noqa: S101 - for the type checker
        for parent in parents:
            if is_id(parent[waiting.batch.of]):
                waiting.put(parent)
            else:
                error = StreamError("it has no id that can be asked for")
                stream.losses.miss(named(parent, stream.noun), error, stream.part_of(parent))

    def sync_rest(self, part: str | None) -> None:
        """Sync the stream for what still waits: of a partition, or all."""
        if self.waiting is not None:
            by = self._stream.part_by
            self.sync(self.waiting.rest(**({by: part} if by and part is not None else {})))

    def sync(self, parents: Sequence[Record]) -> None:
        """Sync the stream for parents, or for batches of them."""
        if not parents or self.stopped:
            return
        self._parents = parents
        try:
            self._stream.sync({"parents": len(parents)})
        except (AbortedSyncFailedException, AbortedSyncPausedException):
            self.stopped, self.begun = True, False  # one record was to be tried; there are more

    def of_parents(self, parents: Sequence[Record]) -> Taken:
        """The pages of parents, in their order; several are fetched at once."""
        stream = self._stream
        if page := stream.at_once(parents):
            yield page, take(stream, page)
            return
        width = stream.config["max_concurrency"]
        open_ = [parent for parent in parents if not self._is_closed(parent)]
        with contextlib.closing(
            fan_out(open_, stream.pages_of, stream.run.budget, width)
        ) as fetched:
            for parent, pages in fetched:
                if self._is_closed(parent):
                    continue
                try:
                    for page in pages:
                        yield page, take(stream, page)
                except (Forbidden, QuotaExhausted, Gone, StreamError) as error:
                    self._lost(parent, error)
                else:
                    self._failed = 0
                    self._stream.losses.tell_held()
                if stream.part_by and not (stream.parent and stream.parent.part_by):
                    stream.family.end(stream.part_of(parent))
        self._stream.losses.tell_held()

    def _is_closed(self, parent: Record) -> bool:
        """Whether the ad account of a parent turned out not to be open to us."""
        return self._stream.losses.is_forbidden(self._stream.part_of(parent))

    def _lost(self, parent: Record, error: StreamError) -> None:
        """Tell that a parent could not be read; what lies behind it is read all the same.

        Raises:
            StreamError: It is about more than this parent.
        """
        stream, part = self._stream, self._stream.part_of(parent)
        what, is_batch = named(parent, stream.noun), "members" in parent
        if stream.part_by and isinstance(error, Forbidden | Withheld):
            stream.losses.forbid(what, error, part)
        elif isinstance(error, QuotaExhausted) or (is_batch and isinstance(error, Forbidden)):
            raise error
        elif isinstance(error, Forbidden):
            stream.losses.hold(what, error)
        else:
            stream.losses.lose(what, error, part)
        stream.gave_up(parent, error)
        # One broken parent costs the run its green, and the others nothing. But where nothing
        # answers any more, or nothing is open to us, trying each for minutes helps nobody.
        is_its_own = stream.losses.is_forbidden(part) or isinstance(error, Refused | Gone)
        self._failed = 0 if is_its_own else self._failed + 1
        if self._failed >= GIVE_UP_AFTER:
            raise error
