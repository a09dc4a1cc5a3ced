"""How the pages of a stream are read: ahead, in order, and so that what is lost costs itself."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from singer_sdk.exceptions import AbortedSyncFailedException, AbortedSyncPausedException

from tap_pinterest.errors import StreamError
from tap_pinterest.kinds.batches import Waiting
from tap_pinterest.kinds.parents import Parents
from tap_pinterest.kinds.taking import named, take
from tap_pinterest.readahead import ReadAhead
from tap_pinterest.records.pages import Page, is_id

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from tap_pinterest.kinds.stream import PinterestStream
    from tap_pinterest.records.decoding import Record

    Taken = Generator[tuple[Page, list[Record]]]


class Reading:
    """Reads one stream: the pages of a root, or those of the parents that are handed in."""

    def __init__(self, stream: PinterestStream) -> None:
        self._stream = stream
        self._ahead: ReadAhead[Page] | None = None
        self._parents: Sequence[Record] = ()
        self.waiting = Waiting(stream.batch) if stream.batch else None
        self._of_parents = Parents(stream)
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
            yield from self._of_parents.pages(self._parents)
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
            # As many as may be asked for side by side, or one would be waited for at a time.
            parents = self.waiting.full(self._stream.config["max_concurrency"])
        self.sync(parents)

    def put(self, parents: Sequence[Record]) -> None:
        """Let parents wait for a full batch; one without an id is told and not asked for.

        In a list of ids with commas `1,2` would be two.
        """
        stream, waiting = self._stream, self.waiting
        assert waiting is not None  # noqa: S101 - for the type checker
        for parent in parents:
            identity = parent[waiting.batch.of]
            if is_id(identity):
                waiting.put(parent)
            elif identity is not None or not waiting.batch.if_any:
                error = StreamError("it has no id that can be asked for")
                stream.losses.miss(named(parent, stream.noun), error, stream.part_of(parent))

    def sync_rest(self, parts: Sequence[str] | None) -> None:
        """Sync the stream for what still waits: of some partitions, or all."""
        if self.waiting is not None:
            self.sync(self.waiting.rest(self._stream.part_by if parts else None, parts or ()))

    def sync(self, parents: Sequence[Record]) -> None:
        """Sync the stream for parents, or for batches of them."""
        if self.stopped:
            for parent in parents:
                self._stream.losses.leave(self._stream.part_of(parent))
        if not parents or self.stopped:
            return
        self._parents = parents
        try:
            self._stream.sync({"parents": len(parents)})
        except (AbortedSyncFailedException, AbortedSyncPausedException):
            self.stopped, self.begun = True, False  # one record was to be tried; there are more
