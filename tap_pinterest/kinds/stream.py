"""A stream: the hooks by which the SDK runs what `declaration` says of it.

What happens to a stream in a run, in this order:

1. `start`: before anything is read, it may decide on days and begin to read ahead.
2. The SDK syncs each root stream: `get_records` reads page after page. The records of a page are
   made to fit, handed down to the children, which are synced for them (`sync_parents`), and
   written (`own` says which).
3. `sync_rest`: a child reads what still waited for a batch to be full.
4. A partition is at its end; where all of it was read, `completed` sets its bookmark.
5. The stream is at its end; where all of it was read, what was not in it is gone, which an
   ACTIVATE_VERSION message tells the target.

`reading` does 2, `family` 3 to 5, `losses` knows what is complete, `emission` writes records.

Partitions are ad accounts: a stream with `part_by` fails, completes and keeps bookmarks for each by
itself. Any other stream has the one partition "".
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk.helpers.conform import TypeConformanceLevel

from tap_pinterest.kinds.bookmarks import partition
from tap_pinterest.kinds.declaration import Declaration
from tap_pinterest.kinds.emission import Emission, collected
from tap_pinterest.kinds.family import Family
from tap_pinterest.kinds.losses import Losses
from tap_pinterest.kinds.reading import Reading
from tap_pinterest.records.schemas import load_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_pinterest.records.decoding import Record
    from tap_pinterest.run import Run
    from tap_pinterest.writer import Writer


class PinterestStream(Declaration):
    """A stream of the tap, as the SDK runs it."""

    # -- the SDK's hooks

    # Records are made to fit their schema before the SDK sees them, stream maps or not.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    # The SDK's partitions are parents; ours are in the state by `state_of`.
    state_partitioning_keys: ClassVar[Sequence[str]] = ()
    partitions = None
    emit_activate_version_messages = False  # it would do so before the records

    def __init__(self, tap: Tap, run: Run) -> None:
        """Make the stream of a tap; `run` is what it shares with the others."""
        super().__init__(tap, schema=self.declared_schema(tap.config))
        self.run = run
        self.rank = 0.0
        self.finished = False
        self.writer = cast("Writer", tap.message_writer)
        self.emission = Emission(self, self.writer, self.record_type, self.note)
        self.losses = Losses(self)
        self.family = Family(self)
        self.reading = Reading(self)
        self.tally = run.report.tally(self.name)
        self._told: set[str] = set()

    @classmethod
    def declared_name(cls) -> str:
        """The name of the stream."""
        return str(cls.__dict__["name"])

    @classmethod
    def declared_schema(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON schema of the stream's records under a configuration."""
        adds = {**cls.adds, **collected(config)}
        return load_schema(cls.record_type, cls.primary_keys, adds)

    @property
    def wanted(self) -> bool:
        """Whether this stream or one of its children is selected."""
        fed = any(child.selected for child in self.family.fed)
        return bool(self.selected or self.has_selected_descendents or fed)

    def start(self) -> None:
        """Begin to read ahead, when this is a root stream that will be asked for."""
        if self.parent is None and self.wanted and not self.why_skipped():
            self.reading.start()

    def get_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Yield the records; children are synced between the pages of their parent."""
        self._stream_version = self.family.version
        return self.reading.records()

    def generate_child_contexts(self, *_: Any, **__: Any) -> Iterable[Context | None]:
        """None: children are synced page by page, not record by record."""
        return ()

    def get_batch_config(self, *_: Any, **__: Any) -> None:
        """None: batch files would bypass the schema and the selection."""

    # The SDK moves bookmarks along with each record and takes a caught error for success. Ours are
    # set once, by `completed`; its two private steps on the way have nothing to do.
    def _write_starting_replication_value(self, context: Context | None) -> None: ...

    def _increment_stream_state(self, latest_record: Record, *, context: Any = None) -> None: ...

    def state_of(self, part: str) -> dict[str, Any]:
        """The part of the state that is about a partition, for reading and writing."""
        return partition(self.stream_state, self.part_by, part)

    def _write_record_message(self, record: Record) -> None:
        # Private in the SDK, where most of a record's time goes into what these do not need.
        self.emission.write(record)

    # -- what it says

    def note(self, sentence: str) -> None:
        """Tell the user something about the stream."""
        self.logger.warning("Stream %s: %s", self.name, sentence)

    def log(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Log a message; what the SDK repeats per batch, or others tell, is for DEBUG."""
        if (message in self._told and self.parent) or message.startswith("An unhandled error"):
            kwargs["level"] = logging.DEBUG
        self._told.add(message)
        super().log(message, *args, **kwargs)

    def get_record_counter(self, **_: Any) -> Any:
        """The stream's tally, which counts and times all batches of parents."""
        return self.tally

    get_sync_timer = get_record_counter
