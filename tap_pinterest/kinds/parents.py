"""How parents are read: several at once, in order, and so that one that fails costs itself."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from tap_pinterest.errors import (
    Forbidden,
    Gone,
    QuotaExhausted,
    Refused,
    StreamError,
    Withheld,
)
from tap_pinterest.kinds.taking import named, take
from tap_pinterest.readahead import fan_out

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from tap_pinterest.kinds.stream import PinterestStream
    from tap_pinterest.records.decoding import Record
    from tap_pinterest.records.pages import Page

    Taken = Generator[tuple[Page, list[Record]]]

GIVE_UP_AFTER = 3
"""How many requests in a row may fail, tried again and again, before their stream is given up.

Where it has partitions: before the partition is, and with this many of those in a row the stream.
"""


class Failed(NamedTuple):
    """What failed in a row, without an answer in between.

    Attributes:
        last: The partition of the last one; None where nothing failed.
        here: Requests of that partition.
        parts: Partitions.
    """

    last: str | None = None
    here: int = 0
    parts: int = 0


class Parents:
    """Reads a child for its parents, or for batches of them, as they are handed in."""

    def __init__(self, stream: PinterestStream) -> None:
        self._stream = stream
        self._failed = Failed()
        self._read = 0  # pages since a partition ended

    def pages(self, parents: Sequence[Record]) -> Taken:
        """The pages of parents, in their order, each with its records."""
        stream = self._stream
        if page := stream.at_once(parents):
            yield page, take(stream, page)
            return
        width = stream.config["max_concurrency"]
        open_ = [parent for parent in parents if not self._is_closed(parent)]
        units = [unit for parent in open_ for unit in stream.units(parent)]
        left = Counter(map(stream.part_of, units))
        over = dict.fromkeys(stream.part_of(each) for each in parents if stream.is_partition(each))
        ended = [part for part in over if not left[part]]
        try:
            with contextlib.closing(
                fan_out(units, stream.pages_of, stream.run.budget, width)
            ) as fetched:
                for unit, pages in fetched:
                    yield from self._of_unit(unit, pages)
                    part = stream.part_of(unit)
                    left[part] -= 1
                    if part in over and not left[part]:
                        ended.append(part)
                    # Small partitions end together, so that their children are asked for side by
                    # side; a large one by itself, so that it is done where the run is cut.
                    if max(self._read, len(ended)) >= width:
                        self._end(ended)
        except StreamError:
            for part in +left:
                stream.losses.leave(part)
            self._end(ended)  # whatever keeps the others
            raise
        self._end(ended)
        self._stream.losses.tell_held()

    def _end(self, parts: list[str]) -> None:
        """End partitions of which all was read, or told, and empty the list of them."""
        self._read = 0
        if parts:
            self._stream.family.end(parts)
            parts.clear()

    def _of_unit(self, unit: Record, pages: Iterator[Page]) -> Taken:
        if self._is_closed(unit):
            return
        try:
            for page in pages:
                self._read += 1
                yield page, take(self._stream, page)
        except (Forbidden, QuotaExhausted, Gone, StreamError) as error:
            self._lost(unit, error)
        else:
            self._failed = Failed()
            self._stream.losses.tell_held()
            self._stream.losses.answered(self._stream.part_of(unit))

    def _is_closed(self, parent: Record) -> bool:
        """Whether nothing more is asked for of the ad account of a parent."""
        return self._stream.losses.is_shut(self._stream.part_of(parent))

    def _lost(self, parent: Record, error: StreamError) -> None:
        """Tell that a parent could not be read; what lies behind it is read all the same.

        Raises:
            StreamError: It is about more than this parent.
        """
        stream, part, failed = self._stream, self._stream.part_of(parent), self._failed
        what, is_batch = named(parent, stream.noun), "members" in parent
        is_withheld = isinstance(error, Withheld)
        if stream.part_by and (
            isinstance(error, Forbidden) or (is_withheld and stream.is_partition(parent))
        ):
            stream.losses.forbid(what, error, part)
        elif stream.part_by and is_withheld:
            stream.losses.doubt(what, error, part)
        elif isinstance(error, QuotaExhausted) or (is_batch and isinstance(error, Forbidden)):
            raise error
        elif isinstance(error, Forbidden):
            stream.losses.hold(what, error)
        else:
            stream.losses.lose(what, error, part)
        stream.gave_up(parent, error)
        # One broken parent costs the run its green, and the others nothing. But where nothing
        # answers any more, or nothing is open to us, trying each for minutes helps nobody.
        if stream.losses.is_shut(part) or isinstance(error, Refused | Gone):
            self._failed = Failed()
            return
        here = failed.here + 1 if failed.last == part else 1
        self._failed = Failed(part, here, failed.parts + (failed.last != part))
        if here >= GIVE_UP_AFTER and stream.part_by:
            stream.losses.shut(part)
            stream.note(
                f"{stream.part_by} {part}: nothing more is asked for in this run, as {here} "
                "requests in a row failed"
            )
        if max(self._failed.parts, 0 if stream.part_by else here) >= GIVE_UP_AFTER:
            raise error
