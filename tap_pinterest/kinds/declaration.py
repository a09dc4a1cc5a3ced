"""The declaration of a stream: the words in which `streams/` say what is read, and how."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Stream

from tap_pinterest.errors import StreamError
from tap_pinterest.network.transport import Params, Request
from tap_pinterest.records.pages import Page, query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tap_pinterest.kinds.batches import Batch
    from tap_pinterest.kinds.family import Family
    from tap_pinterest.kinds.losses import Losses
    from tap_pinterest.kinds.reading import Reading
    from tap_pinterest.kinds.stream import PinterestStream
    from tap_pinterest.records.decoding import Record
    from tap_pinterest.run import Run
    from tap_pinterest.settings import setting


class Declaration(Stream, abc.ABC):
    """What a stream declares, what it asks for, and what it hears on the way.

    A root stream implements `pages`, a child (with `parent_stream_type`) `pages_of`. Both may
    block and are run ahead of their reader in other threads; they must not touch the state.
    """

    run: Run
    rank: float
    family: Family
    losses: Losses
    reading: Reading

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

    @property
    def parent(self) -> PinterestStream | None:
        """The stream that this one hangs on."""
        return self.family.parent

    def part_of(self, record: Mapping[str, Any]) -> str:
        """The partition of a record, of a parent or of a batch of parents."""
        return str(record.get(self.part_by) or "") if self.part_by else ""

    def is_partition(self, parent: Record) -> bool:
        """Whether a parent of this child is one of its partitions, which ends with it."""
        is_below = self.parent is None or self.parent.part_by is None
        return bool(self.part_by) and is_below and not parent.keys() & {"members", *self.asks}

    def read_to(self, part: str) -> str | None:  # noqa: ARG002
        """The day up to which a partition was read; None where it does not say."""
        return None

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
