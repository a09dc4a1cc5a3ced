"""Parents and children: who hands what to whom, what ends when, and who closes a table.

The SDK syncs a child for one record of its parent at a time. Here it is synced for a page of them,
so that SCHEMA lines, log lines and state stay the same while boards and Pins grow.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from singer_sdk.mapper import RemoveRecordTransform, SameRecordTransform

from tap_pinterest.errors import Forbidden, StreamError
from tap_pinterest.kinds.bookmarks import is_full_table
from tap_pinterest.kinds.taking import named
from tap_pinterest.records.pages import is_id
from tap_pinterest.settings import setting
from tap_pinterest.settings.narrowing import has_filter, is_changed
from tap_pinterest.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_pinterest.kinds.stream import PinterestStream
    from tap_pinterest.records.decoding import Record


class Family:
    """A stream among its parent and its children."""

    def __init__(self, stream: PinterestStream) -> None:
        self._stream = stream
        self.parent: PinterestStream | None = None
        self.children: list[PinterestStream] = []
        self.fed: list[PinterestStream] = []
        self.feeders: list[PinterestStream] = []
        only = stream.only_parents.of(stream.config) if stream.only_parents else None
        self.only: frozenset[str] | None = frozenset(only) if only else None
        self.unseen = set(only or ())

    @functools.cached_property
    def above(self) -> Sequence[PinterestStream]:
        """The streams whose records this one is read for: its parent first."""
        return (*([self.parent] if self.parent else []), *self.feeders)

    @property
    def root(self) -> PinterestStream:
        """The stream at the top."""
        return self.parent.family.root if self.parent else self._stream

    def adopt(self, child: PinterestStream) -> None:
        """Make a stream a child of this one."""
        self.children.append(child)
        child.family.parent = self._stream
        # Those that others feed come when these have been read.
        self.children.sort(key=lambda each: bool(each.also_below))

    @functools.cached_property
    def selected_children(self) -> list[PinterestStream]:
        """The children that are read, or whose children are."""
        return [child for child in self.children if _is_read(child)]

    @property
    def are_ids_enough(self) -> bool:
        """Whether nobody looks at more of the parents than at their ids."""
        if any(map(_is_read, self.fed)):
            return False
        needed = {name for child in self.selected_children for name in child.parent_fields.values()}
        return (
            not self._stream.selected
            and needed <= {"id"}
            and type(self._stream.stream_maps[0]) is SameRecordTransform
        )

    # -- from the first page to the last

    def open(self) -> None:
        """Make sure that the table of each selected descendant exists, rows or not."""
        for child in self.children:
            if child.selected:
                # The SDK writes a child's SCHEMA with its first parent, which may never come.
                child._write_schema_message()  # noqa: SLF001
            if child.wanted and (reason := child.why_skipped()):
                child.reading.skip(reason)
            child.family.open()

    def hand_down(self, records: list[Record]) -> None:
        """Sync the children for a page of records of this stream, and those that it feeds."""
        for child in (*self.selected_children, *filter(_is_read, self.fed)):
            child.sync_parents(self._parents_for(child, records))
        if self.only is not None:
            self.unseen -= {record["id"] for record in records}

    def _parents_for(self, child: PinterestStream, records: list[Record]) -> list[Record]:
        # A map that leaves the parent out as a whole is about its own records, as a deselection is.
        removed = type(self._stream.stream_maps[0]) is RemoveRecordTransform
        passes = self._stream.emission.passes
        fields = child.also_below.get(type(self._stream))
        parents = [
            {mine: record[theirs] for mine, theirs in fields.items()}
            if fields
            else child.parent_of(record)
            for record in records
            if (self.only is None or record["id"] in self.only) and (removed or passes(record))
        ]
        if not child.part_by:
            return parents
        for parent in parents:
            if not is_id(child.part_of(parent)):  # which would stand in the state
                error = StreamError(f"it has no `{child.part_by}` that can be asked for")
                child.losses.miss(named(parent, child.noun), error)
        known = [parent for parent in parents if is_id(child.part_of(parent))]
        if self._stream.part_by:
            return known
        # Where a quota ends a run, it is the turn of others in the next one.
        return sorted(known, key=lambda parent: child.family.behind(child.part_of(parent)))

    def behind(self, part: str) -> str:
        """The day up to which a partition was read, of this stream and all below; "" for none."""
        days = [each.family.behind(part) for each in self.selected_children]
        own = self._stream.read_to(part) if self._stream.selected else None
        return min([day for day in (own, *days) if day is not None], default="")

    def flush(self, parts: Sequence[str] | None = None) -> None:
        """Sync the descendants for parents that still wait for others: of partitions, or all."""
        for child in self.selected_children:
            # Where the list broke off, a child that has dealt with all that waited is at its end.
            is_all = parts is not None or self._stream.reading.ended or bool(child.reading.waiting)
            child.sync_rest(parts)
            child.reading.ended = is_all and not child.reading.stopped
            child.family.flush(parts)

    def end(self, parts: Sequence[str]) -> None:
        """End partitions, of this stream and of its descendants."""
        self.flush(parts)
        for part in parts:
            self._settle(part)

    def _settle(self, part: str) -> None:
        self._stream.losses.settle(part)
        if self._stream.losses.complete(part):
            self._stream.completed(part)
        else:
            self._stream.fell_short(part)
        for child in self.selected_children:
            child.family._settle(part)  # noqa: SLF001 - of the same class

    def close(self) -> None:
        """End this stream and its descendants, which are not read any further in this run."""
        stream = self._stream
        stream.losses.close()
        if unfit := stream.emission.unfit:
            stream.note(f"{counted(unfit, 'value')} did not fit the schema and became null")
        stream.finished = stream.losses.complete()
        if not stream.finished:
            if not stream.part_by and stream.reading.begun:
                stream.fell_short("")
            self._tell_what_is_missing_above()
        else:
            self._tell_unseen()
            if not stream.part_by:
                stream.completed("")
            if stream.selected and self.replaces:
                stream._write_activate_version_message(stream._initialized_at)  # noqa: SLF001
        stream.tally.finished(stream.losses.in_words())
        for child in self.children:
            if child.wanted:
                child.family.close()

    def _tell_what_is_missing_above(self) -> None:
        stream = self._stream
        if stream.name in stream.run.failures or not stream.selected:
            return
        for source in _above(stream):
            if error := stream.run.failures.get(source.name):
                kind = Forbidden if isinstance(error, Forbidden) else StreamError
                stream.run.fail(stream, kind(f"{source.name} was not read to the end"))
                return

    def _tell_unseen(self) -> None:
        only = self._stream.only_parents
        for unseen in sorted(self.unseen) if only else ():
            self._stream.note(
                f"`{only and only.name}` names {unseen}, which was not in the list; nothing is "
                "read of it"
            )

    # -- what is gone

    @functools.cached_property
    def replaces(self) -> bool:
        """Whether a complete read replaces all rows read before."""
        stream, emit = self._stream, self._stream.config["emit_activate_version_messages"]
        whole = stream.whole and (stream.replication_key is None or is_full_table(stream))
        asked = emit == ALONE or (bool(emit) and not self.is_narrowed)
        return whole and asked

    @property
    def version(self) -> int | None:
        """The version of the table that the records of this run make; None without one."""
        return self._stream._initialized_at if self.replaces else None  # noqa: SLF001

    @functools.cached_property
    def is_narrowed(self) -> bool:
        """Whether a setting, an account or a filter leaves rows out.

        Another pipeline may read these into the same table: they are not gone.
        """
        stream, config = self._stream, self._stream.config
        names = [
            declared.name
            for declared in (*stream.params.values(), *stream.over.values())
            if isinstance(declared, setting) and declared.narrows
        ]
        above = self.parent.family if self.parent else None
        return (
            bool(stream.run.account_params and stream.takes_ad_account)
            or any(is_changed(config, name) for name in (*names, *stream.narrowed_by))
            or has_filter(config, stream.name)
            or (above is not None and (above.only is not None or above.is_narrowed))
        )


def _is_read(child: PinterestStream) -> bool:
    return child.wanted and not child.why_skipped()


def _above(stream: PinterestStream) -> Iterator[PinterestStream]:
    """All streams without which a stream cannot be complete, the nearest first."""
    yield from stream.sources
    for source in stream.sources:
        yield from _above(source)


def related(streams: Sequence[PinterestStream]) -> list[PinterestStream]:
    """The streams by name, which is the order of their turns, each with its parent and children."""
    by_name = sorted(streams, key=lambda stream: stream.name)
    by_type: dict[type, PinterestStream] = {type(stream): stream for stream in streams}
    for turn, stream in enumerate(by_name):
        stream.rank = turn
        if stream.parent_stream_type:
            by_type[stream.parent_stream_type].family.adopt(stream)
        for feeder in stream.also_below:
            by_type[feeder].family.fed.append(stream)
            stream.family.feeders.append(by_type[feeder])
    for stream in by_name:
        if stream.parent:
            # A child holds up its parent: its requests go before the parent's next page.
            stream.rank = stream.family.root.rank - 0.5
    return by_name


ALONE = "alone"
"""Value of `emit_activate_version_messages`: this pipeline alone fills its tables."""
