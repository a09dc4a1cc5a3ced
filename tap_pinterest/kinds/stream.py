"""A stream: what it declares, and the hooks by which the SDK runs it.

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

import abc
import logging
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk import Stream
from singer_sdk.helpers.conform import TypeConformanceLevel

from tap_pinterest.errors import StreamError
from tap_pinterest.kinds.bookmarks import partition
from tap_pinterest.kinds.emission import Emission, collected
from tap_pinterest.kinds.family import Family
from tap_pinterest.kinds.losses import Losses
from tap_pinterest.kinds.reading import Reading
from tap_pinterest.network.transport import Params, Request
from tap_pinterest.records.pages import Page, query
from tap_pinterest.records.schemas import load_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_pinterest.kinds.batches import Batch
    from tap_pinterest.records.decoding import Record
    from tap_pinterest.run import Run
    from tap_pinterest.settings import setting
    from tap_pinterest.writer import Writer


class PinterestStream(Stream, abc.ABC):
    """A stream of the tap.

    A root stream implements `pages`, a child (with `parent_stream_type`) `pages_of`. Both may
    block and are run ahead of their reader in other threads; they must not touch the state.
    """

    # -- what a stream declares

    primary_keys: ClassVar[Sequence[str]]
    record_type: ClassVar[str] = ""  # name of the schema of its records, below schemas/
    adds: ClassVar[Mapping[str, str]] = {}  # fields that the API does not send, and their types
    renames: ClassVar[Mapping[str, str]] = {}  # fields whose names the stream's own fields have
    scopes: ClassVar[tuple[str, ...]]  # that a token needs
    quota: ClassVar[str] = "org_read"  # rate-limit category
    # Whether the endpoint takes `ad_account_id`; None where it says by itself whose data it is.
    takes_ad_account: ClassVar[bool | None] = True
    path: ClassVar[str]  # with placeholders in braces
    params: ClassVar[Mapping[str, Any]] = {}  # of the query; a `setting` stands for its value
    over: ClassVar[Mapping[str, Any]] = {}  # parameters of which each value is read by itself
    asks: ClassVar[tuple[str, ...]] = ()  # fields of a parent that are parameters of a request
    meaning: ClassVar[tuple[str, ...]] = ()  # settings beside those that change what a row means
    narrowed_by: ClassVar[tuple[str, ...]] = ()  # settings beside those that leave rows out
    parent_fields: ClassVar[Mapping[str, str]] = {}  # own names of what the parent's record has
    only_parents: ClassVar[setting | None] = None  # names the records whose children are read
    # Streams beside the parent whose records it is read for too; each has the fields of its own.
    also_below: ClassVar[Mapping[type[PinterestStream], Mapping[str, str]]] = {}
    part_by: ClassVar[str | None] = None  # field that names the partition, see above
    left_out_by: ClassVar[str] = ""  # how the user leaves out a partition that is not open
    noun: ClassVar[str] = ""  # what people call a parent, where its fields' names do not say that
    batch: ClassVar[Batch | None] = None  # how parents are asked for together, if they are
    whole: ClassVar[bool] = True  # read whole each time, so that what is not there is gone

    def pages(self) -> Iterator[Page]:
        """Fetch all pages of a root stream."""
        raise StreamError(f"{self.name} is read with its parent")

    def pages_of(self, parent: Record) -> Iterator[Page]:
        """Fetch all pages of one parent, or of one batch of parents."""
        raise StreamError(f"{self.name} has no parent but {parent}")

    def fill(self, record: Record) -> None:
        """Add to a record what follows surely from it, in place."""

    def parent_of(self, record: Record) -> Record:
        """What this child needs of a parent's record."""
        return {mine: record.get(theirs) for mine, theirs in self.parent_fields.items()}

    def part_of(self, record: Mapping[str, Any]) -> str:
        """The partition of a record, of a parent or of a batch of parents."""
        return str(record.get(self.part_by) or "") if self.part_by else ""

    def is_partition(self, parent: Record) -> bool:
        """Whether a parent of this child is one of its partitions, which ends with it."""
        is_below = self.parent is None or self.parent.part_by is None
        return bool(self.part_by) and is_below and not parent.keys() & {"members", *self.asks}

    def units(self, parent: Record) -> Iterable[Record]:
        """What of a parent, or of a batch of them, is asked for at the same time."""
        return (parent,)

    def own(self, records: list[Record]) -> Iterable[Record]:
        """Those of the records read that are written; children get all of them."""
        return records

    def why_skipped(self) -> str | None:
        """Why this stream is not read although it is selected; None to read it."""
        if self.run.account_params and self.takes_ad_account is False:
            return "its endpoint does not take `ad_account_id` and would answer for another account"
        above = self.parent.why_skipped() if self.parent else None
        return above and f"the stream above it is skipped: {above}"

    @property
    def sources(self) -> Sequence[PinterestStream]:
        """The streams without which this one cannot be complete."""
        return self.family.above

    # -- what it hears on the way

    def took(self, page: Page, records: list[Record]) -> None:
        """Hear what is on a page, before it is written."""

    def passed(self, page: Page) -> None:
        """Hear that a page is written completely."""

    def gave_up(self, parent: Record, error: StreamError) -> None:
        """Hear that a parent, or a batch of them, could not be read, and why."""

    def at_once(self, parents: Sequence[Record]) -> Page | None:  # noqa: ARG002
        """The page that parents make by themselves; None where they are asked for one by one."""
        return None

    def sync_parents(self, parents: Sequence[Record]) -> None:
        """Sync this child for some parents; those that wait for a full batch, later."""
        self.reading.sync_parents(parents)

    def sync_rest(self, parts: Sequence[str] | None) -> None:
        """Sync this child for what still waits: of some partitions, or all."""
        self.reading.sync_rest(parts)

    def completed(self, part: str) -> None:
        """Hear that all of a partition was read."""

    def fell_short(self, part: str) -> None:
        """Hear that a partition is at its end, and not all of it was read."""

    # -- requests

    def query(self, **more: Any) -> Params:
        """The query of a request: what the stream declares, and more."""
        account = self.run.account_params if self.takes_ad_account else ()
        return account + tuple(query({**self.params, **more}, self.config))

    def request(
        self, path: str, query: Params | Callable[[], Params], *, single: bool = False
    ) -> Request:
        """A request with this stream's quota and turn; see `Request`."""
        return Request(path, query, self.quota, self.rank, single, self.name)

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
    def parent(self) -> PinterestStream | None:
        """The stream that this one hangs on."""
        return self.family.parent

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
