"""What of a stream was not read in a run, and so what is complete."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tap_pinterest.errors import Forbidden, Gone, StreamError, Withheld
from tap_pinterest.words import counted

if TYPE_CHECKING:
    from tap_pinterest.kinds.stream import PinterestStream

MOST_TOLD = 100
"""Notes of a stream that are told."""

MOST_DOUBTED = 25
"""Objects in a row that may not be ours to see, before it is their partition that is not."""

TOLD_ONE_BY_ONE = 10
"""How many skipped objects of a stream are named; after that they are only counted."""


class Losses:
    """What of one stream was not read: named, counted, and by partition.

    What is gone or not ours to see is skipped: a warning, and the run may still end well. What
    should have been readable is missed: the run ends with an error. Neither leaves its partition
    complete. Threads that fetch may tell of losses as well.
    """

    def __init__(self, stream: PinterestStream) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._parts: set[str] = set()
        self._shut: set[str] = set()
        self._noted: set[str] = set()
        self._held: list[tuple[str, Forbidden]] = []
        self._doubted: dict[str, list[tuple[str, StreamError]]] = {}
        self._open: set[str] = set()
        self._last: StreamError | None = None
        self._failed = False
        self.skipped = 0
        self.served = False

    def skip(self, what: str, error: StreamError, part: str = "") -> None:
        """Note that something is gone, or not ours to see.

        Args:
            what: The object, as the user knows it.
            error: Why it was not read.
            part: The partition that it is of.
        """
        with self._lock:
            self.skipped += 1
            self._parts.add(part)
            self._last = error
            number = self.skipped
        if number <= TOLD_ONE_BY_ONE:
            self._stream.note(f"{what} is skipped: {error}")

    def miss(self, what: str, error: StreamError, part: str = "") -> None:
        """Note that something that should be there could not be read; see `skip`."""
        with self._lock:
            self._parts.add(part)
        self._stream.run.fail(
            self._stream, type(error)(f"{what}: {error}" if what else str(error), error.answer)
        )

    def leave(self, part: str) -> None:
        """Note that something of a partition was not read, which has been told."""
        with self._lock:
            self._parts.add(part)

    def note(self, sentence: str) -> None:
        """Tell something that is no loss of rows, once."""
        if sentence in self._noted or len(self._noted) > MOST_TOLD:
            return
        self._noted.add(sentence)
        more = len(self._noted) > MOST_TOLD
        self._stream.note(
            "there is more of this kind, of which nothing is said" if more else sentence
        )

    def lose(self, what: str, error: StreamError, part: str = "") -> None:
        """Note that something was not read: skipped or missed, as the error is; see `skip`."""
        (self.skip if isinstance(error, Gone) else self.miss)(what, error, part)

    def hold(self, what: str, error: Forbidden) -> None:
        """Note an object that is forbidden as the whole stream would be, which may turn out."""
        self._held.append((what, error))

    def tell_held(self) -> None:
        """Miss the objects that were held: others of the stream were answered."""
        for what, error in self._held:
            self.miss(what, error)
        self._held.clear()

    def forbid(self, what: str, error: StreamError, part: str) -> None:
        """Note that a partition is not open to this account or token; see `skip`."""
        self.shut(part)
        hint, why = self._stream.left_out_by, str(error).rstrip(".")
        self.miss(what, Forbidden(f"{why}; {hint}" if hint else str(error), error.answer), part)

    def doubt(self, what: str, error: StreamError, part: str) -> None:
        """Note something of a partition that is not ours to see; or is it all of the partition?

        Where anything of it is answered, now or later, this is skipped; else it is forbidden.
        """
        if part in self._open:
            self.skip(what, error, part)
            return
        doubted = self._doubted.setdefault(part, [])
        doubted.append((what, error))
        if len(doubted) >= MOST_DOUBTED:
            self.settle(part)

    def answered(self, part: str) -> None:
        """Hear that something of a partition was answered: it is open."""
        self._open.add(part)
        for what, error in self._doubted.pop(part, ()):
            self.skip(what, error, part)

    def settle(self, part: str) -> None:
        """Hear that nothing more of a partition is read: was nothing answered, it is not open."""
        for what, error in self._doubted.pop(part, ())[:1]:
            self.forbid(what, error, part)

    def shut(self, part: str) -> None:
        """Ask for nothing more of a partition."""
        with self._lock:
            self._shut.add(part)

    def is_shut(self, part: str) -> bool:
        """Whether nothing more of a partition is asked for."""
        return part in self._shut

    def fail(self, error: StreamError) -> None:
        """Note that nothing more of the stream is read.

        Of a stream with partitions those are not complete that are left, which is told one by one.
        """
        self._failed = self._stream.part_by is None
        self._stream.run.fail(self._stream, error)

    def within(self, part: str) -> bool:
        """Whether anything of a partition was not read."""
        return self._failed or part in self._parts

    def complete(self, part: str | None = None) -> bool:
        """Whether everything was read up to now: of one partition, or of all.

        A stream that the partition is not part of (the list of ad accounts) matters for all only.
        """
        stream = self._stream
        if part is None or not stream.part_by:
            is_here = not self._parts and stream.name not in stream.run.failures
            sources, part = list(stream.sources), None
        else:
            is_here = not self.within(part)
            sources = [source for source in stream.sources if source.part_by]
        return (
            stream.reading.begun
            and is_here
            and all(source.losses.complete(part) for source in sources)
        )

    def in_words(self) -> str | None:
        """What was not read, in a few words; None for a complete stream."""
        stream = self._stream
        if reason := stream.why_skipped():
            return f"skipped: {reason}"
        if error := stream.run.failures.get(stream.name):
            return str(error)
        if self.skipped:
            return f"{counted(self.skipped, 'object')} skipped"
        for source in stream.sources:
            if source.losses.in_words():
                return f"{source.name} is incomplete"
        return None if self.complete() else "not found"

    def close(self) -> None:
        """Tell how many were skipped; that not one of several was served is no accident."""
        for part in list(self._doubted):
            self.settle(part)
        if self.skipped > TOLD_ONE_BY_ONE:
            self._stream.note(f"{self.skipped} objects were skipped in all")
        if self.skipped > 1 and not self.served and self._last:
            kind = Forbidden if isinstance(self._last, Withheld) else StreamError
            self.fail(kind(f"all {self.skipped} objects were refused, the last with {self._last}"))
