"""What all streams have in common: paging, parents and children, error policy, emission.

A stream declares what is special about it; everything below `PinterestStream` does the rest.
"""

from __future__ import annotations

import abc
import contextlib
import functools
import logging
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import quote

from singer_sdk import Stream, metrics
from singer_sdk.exceptions import (
    AbortedSyncFailedException,
    AbortedSyncPausedException,
    MapExpressionError,
)
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import RemoveRecordTransform, SameRecordTransform

from tap_pinterest.errors import Forbidden, Gone, QuotaExhausted, StreamError, Withheld, plain
from tap_pinterest.network.transport import Request
from tap_pinterest.readahead import ReadAhead, fan_out
from tap_pinterest.records.pages import PAGE_SIZE, Envelope, Page, query, read_page
from tap_pinterest.records.shape import Record, Shape, load_schema
from tap_pinterest.writer import encoder

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_pinterest.run import Run
    from tap_pinterest.settings import setting
    from tap_pinterest.writer import Writer

GIVE_UP_AFTER = 3
"""How many parents of a stream may fail for good before the stream is given up."""

TOLD_ONE_BY_ONE = 10
"""How many skipped objects of a stream are named; after that they are only counted."""


@contextlib.contextmanager
def _mapping(stream: str) -> Generator[None]:
    """Say whose fault it is when the user's own expression fails on a record.

    Raises:
        MapExpressionError: It does.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as exc:
        raise MapExpressionError(f"stream {stream}: {exc}") from exc


class PinterestStream(Stream, abc.ABC):
    """A stream of the tap.

    A root stream implements `pages`, a child (with `parent_stream_type`) `pages_of`. Both may
    block and are run ahead of their reader in other threads; they fetch through `paginate` and
    must not touch the state.
    """

    primary_keys: ClassVar[Sequence[str]]
    record_type: ClassVar[str]
    scopes: ClassVar[tuple[str, ...]]
    quota: ClassVar[str] = "org_read"
    takes_ad_account: ClassVar[bool] = True
    path: ClassVar[str]
    params: ClassVar[Mapping[str, Any]] = {}
    adds: ClassVar[Mapping[str, str]] = {}
    parent_fields: ClassVar[Mapping[str, str]] = {}
    only_parents: ClassVar[setting | None] = None
    whole: ClassVar[bool] = True

    # Records are made to fit their schema before the SDK sees them, stream maps or not.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    # One bookmark per stream; the batches of parents are no partitions.
    state_partitioning_keys: ClassVar[Sequence[str]] = ()

    def __init__(self, tap: Tap, run: Run) -> None:
        """Make the stream.

        Args:
            tap: The tap it belongs to.
            run: What it shares with the other streams.
        """
        super().__init__(tap, schema=load_schema(self.record_type, self.primary_keys, self.adds))
        self.run = run
        self.rank = 0.0
        self.parent: PinterestStream | None = None
        self.children: list[PinterestStream] = []
        self.read = True
        self.stopped = False
        self.finished = False
        self._broken = 0
        self.skipped = 0
        self._last_skip: StreamError | None = None
        self._served = False
        self._skipping = threading.Lock()
        self.keyless = 0
        only = self.only_parents.of(self.config) if self.only_parents else None
        self._only: frozenset[str] | None = frozenset(only) if only else None
        self._only_unseen = set(only or ())
        self._parents: Sequence[Record] = ()
        self._writer = cast("Writer", tap.message_writer)
        self._ahead: ReadAhead[Page] | None = None
        self._shape: Shape | None = None
        self._before = self._after = b""
        self._told: set[str] = set()
        self.tally = run.report.tally(self.name)

    @classmethod
    def declared_name(cls) -> str:
        """The name of the stream."""
        return str(cls.__dict__["name"])

    # -- what a stream declares

    def pages(self) -> Iterator[Page]:
        """Fetch all pages of a root stream."""
        raise StreamError(f"{self.name} is read with its parent")

    def pages_of(self, parent: Record) -> Iterator[Page]:
        """Fetch all pages of one parent; `parent` has the `parent_fields`."""
        raise StreamError(f"{self.name} has no parent but {parent}")

    def sample(self, parent: Record | None) -> Iterator[Page]:
        """What shows with its first page whether the stream can be read.

        Args:
            parent: A record of the parent stream; None for a root stream.
        """
        return self.pages() if parent is None else self.pages_of(self.parent_of(parent))

    def fill(self, record: Record) -> None:
        """Add to a record what follows surely from it, in place."""

    def why_skipped(self) -> str | None:
        """Why this stream is not read although it is selected; None to read it."""
        if self.run.account_params and not self.takes_ad_account:
            return "its endpoint does not take `ad_account_id` and would answer for another account"
        return None

    # -- requests

    def query(self, **more: Any) -> tuple[tuple[str, str], ...]:
        """The query of a request: what the stream declares, and more."""
        account = self.run.account_params if self.takes_ad_account else ()
        return account + tuple(query({**self.params, **more}, self.config))

    def path_for(self, values: Mapping[str, Any]) -> str:
        """The path with its placeholders filled in.

        Raises:
            StreamError: The API did not send what the path needs.
        """
        sent = {name: value for name, value in values.items() if isinstance(value, str) and value}
        try:
            return self.path.format_map({name: quote(sent[name], safe="") for name in sent})
        except KeyError as missing:
            raise StreamError(
                f"{self.path} cannot be asked for: the API sent no {missing}"
            ) from None

    def request(
        self, path: str, query: tuple[tuple[str, str], ...], *, single: bool = False
    ) -> Request:
        """A request with this stream's quota and turn."""
        return Request(path, query, self.quota, self.rank, single, self.name)

    @staticmethod
    def read_answer(body: bytes) -> Envelope:
        """Read a page out of an answer."""
        return read_page(body)

    def paginate(
        self,
        path: str,
        query: tuple[tuple[str, str], ...],
        *,
        page_size: int | None = PAGE_SIZE,
        adds: Mapping[str, Any] | None = None,
        single: bool = False,
    ) -> Iterator[Page]:
        """Fetch all pages of a list, to the last bookmark.

        Raises:
            StreamError: The API sent a bookmark for the second time.
        """
        sized = () if page_size is None else (("page_size", str(page_size)),)
        seen: set[str] = set()
        after: tuple[tuple[str, str], ...] = ()
        while True:
            page = self.run.transport.get(
                self.request(path, (*query, *sized, *after), single=single), self.read_answer
            )
            yield Page(page.items, memoryview(page.items).nbytes, adds or {})
            if not page.bookmark:
                return
            if page.bookmark in seen:
                raise StreamError(
                    f"GET {path} sent a bookmark that it had sent before; what follows is missing. "
                    "This is a fault of the API: run again later"
                )
            seen.add(page.bookmark)
            after = (("bookmark", page.bookmark),)

    # -- the SDK's hooks

    @property
    def wanted(self) -> bool:
        """Whether this stream or one of its children is selected."""
        return bool(self.selected or self.has_selected_descendents)

    @property
    def emit_activate_version_messages(self) -> bool:
        """Whether the SDK sends ACTIVATE_VERSION: never, as it would do so before the records."""
        return False

    @property
    def replaces(self) -> bool:
        """Whether a complete read replaces all rows read before."""
        return self.whole and bool(self.config["emit_activate_version_messages"])

    def start(self) -> None:
        """Read ahead, when this is a root stream that will be asked for."""
        if self.parent is None and self.wanted and not self.why_skipped():
            self._ahead = ReadAhead(self.source, self.run.budget)

    def source(self) -> Iterator[Page]:
        """What a root stream reads: its pages, or the parents that the user named."""
        if self._only and not self.selected and self._are_ids_enough:
            # Nobody wants the parents themselves, and no filter needs to see them.
            self._only_unseen.clear()
            return iter([Page([{"id": key} for key in sorted(self._only)], 0)])
        return self.pages()

    @property
    def _are_ids_enough(self) -> bool:
        needed = {name for child in self.selected_children for name in child.parent_fields.values()}
        return needed <= {"id"} and type(self.stream_maps[0]) is SameRecordTransform

    def get_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Yield the records; children are synced between the pages of their parent."""
        self._stream_version = self._initialized_at if self.replaces else None
        if self.parent is None:
            self._begin()
        try:
            with contextlib.closing(self._read()) as pages:
                for page in pages:
                    records = self.prepare(page)
                    for child in self.selected_children:
                        child.sync_parents(self._parents_for(child, records))
                    if self.selected:
                        with self._writer.undisturbed():
                            yield from records
                    del records  # its memory serves the next page
                    self.tally.did()
                    self.passed(page)
            if self.parent is None:
                self._end_children()
        except StreamError as error:
            self.stop(error)
        if self.parent is None:
            self._finish()
            # A STATE that says what the last one said is not written, and would not flush.
            self._writer.flush()

    def stop(self, error: StreamError) -> None:
        """Read nothing more of this stream in this run."""
        self.stopped = True
        self.run.fail(self, error)

    @property
    def root(self) -> PinterestStream:
        """The stream at the top of this one's parents."""
        return self.parent.root if self.parent else self

    @functools.cached_property
    def selected_children(self) -> list[PinterestStream]:
        """The children that are read, or whose children are."""
        return [child for child in self.children if child.wanted]

    def _begin(self) -> None:
        """Make sure that the table of each selected descendant exists, rows or not."""
        for child in self.selected_children:
            if child.selected:
                # The SDK writes a child's SCHEMA with its first parent, which may never come.
                child._write_schema_message()  # noqa: SLF001
            child._begin()  # noqa: SLF001

    def _read(self) -> Generator[Page]:
        """The pages of a root stream, or of the parents that were handed in."""
        if self.parent is not None:
            yield from self.read_parents(self._parents)
            return
        if reason := self.why_skipped():
            self.read = False
            self.logger.warning("Stream %s is skipped: %s.", self.name, reason)
            return
        if self.ABORT_AT_RECORD_COUNT is None:
            self.run.start()
        with contextlib.closing(self._ahead or ReadAhead(self.source, self.run.budget)) as pages:
            yield from pages

    def read_parents(self, parents: Sequence[Record]) -> Iterator[Page]:
        """The pages of a batch of parents, in their order; several are fetched at once."""
        width = self.config["max_concurrency"]
        with contextlib.closing(fan_out(parents, self.pages_of, self.run.budget, width)) as fetched:
            for parent, pages in fetched:
                try:
                    yield from pages
                except Gone as error:
                    self.skip(parent, error)
                except (Forbidden, QuotaExhausted):
                    raise
                except StreamError as error:
                    # One broken parent costs the run its green, and the others nothing.
                    self.run.fail(self, error)
                    self._broken += 1
                    if self._broken >= GIVE_UP_AFTER:
                        raise

    def _parents_for(self, child: PinterestStream, records: list[Record]) -> list[Record]:
        mapped = self.stream_maps[0]
        # A map that leaves the parent out as a whole is about its own records, as a deselection is.
        removed = type(mapped) is RemoveRecordTransform
        passes = mapped.get_filter_result
        with _mapping(self.name):
            parents = [
                child.parent_of(record)
                for record in records
                if (self._only is None or record["id"] in self._only)
                and (removed or passes(record))
            ]
        if self._only is not None:
            self._only_unseen -= {record["id"] for record in records}
        return parents

    def parent_of(self, record: Record) -> Record:
        """What this child needs of a parent's record."""
        return {mine: record.get(theirs) for mine, theirs in self.parent_fields.items()}

    def sync_parents(self, parents: Sequence[Record]) -> None:
        """Sync this child for a batch of parents."""
        if not parents or self.stopped:
            return
        self._parents = parents
        try:
            self.sync({"parents": len(parents)})
        except (AbortedSyncFailedException, AbortedSyncPausedException):
            self.logger.debug("Stopped after the number of records asked for")

    def passed(self, page: Page) -> None:
        """Hear that a page is written completely."""

    def sync_rest(self) -> None:
        """Sync what is left when the last batch of parents is through."""

    def _end_children(self) -> None:
        for child in self.selected_children:
            child.sync_rest()
            child._end_children()  # noqa: SLF001

    def generate_child_contexts(
        self,
        record: Record,  # noqa: ARG002
        context: Context | None,  # noqa: ARG002
    ) -> Iterable[Context | None]:
        """None: children are synced page by page, not record by record."""
        return ()

    def get_batch_config(self, config: Mapping[str, Any]) -> None:  # noqa: ARG002
        """None: batch files would bypass the schema and the selection."""
        return

    # -- what went wrong

    def skip(self, parent: Record, error: StreamError) -> None:
        """Leave one parent out and say so; the stream is then not complete."""
        with self._skipping:  # threads that fetch may skip as well
            self.skipped += 1
            self._last_skip = error
            number = self.skipped
        if number <= TOLD_ONE_BY_ONE:
            what = ", ".join(f"{name} {plain(value)}" for name, value in parent.items())
            self.logger.warning("Stream %s: %s is skipped: %s", self.name, what, error)

    def _fail_if_all_were_skipped(self) -> None:
        """Take it for no accident of single objects when not one of several was served."""
        if self.skipped > 1 and not self._served and self._last_skip:
            kind = Forbidden if isinstance(self._last_skip, Withheld) else StreamError
            what = f"all {self.skipped} objects were refused, the last with {self._last_skip}"
            self.run.fail(self, kind(what))

    def _note(self, sentence: str) -> None:
        self.logger.warning("Stream %s: %s", self.name, sentence)

    @property
    def complete(self) -> bool:
        """Whether everything was read that the settings ask for, up to now."""
        return (
            self.read
            and not self.skipped
            and self.name not in self.run.failures
            and all(stream.complete for stream in self.sources)
        )

    @property
    def missing(self) -> str | None:
        """What was not read, in a few words; None for a complete stream."""
        if reason := self.root.why_skipped():
            return f"skipped: {reason}"
        if error := self.run.failures.get(self.name):
            return str(error)
        if self.skipped:
            return f"{self.skipped} object{'s' * (self.skipped != 1)} skipped"
        if self.keyless:
            return f"{self.keyless} record{'s' * (self.keyless != 1)} without a key"
        for source in self.sources:
            if source.missing:
                return f"{source.name} is incomplete"
        return None if self.complete else "earlier runs left something out"

    @property
    def sources(self) -> Sequence[PinterestStream]:
        """The streams without which this one cannot be complete."""
        return (self.parent,) if self.parent else ()

    def _finish(self) -> None:
        """Close a stream and its descendants, which are not read any further in this run."""
        if self.skipped > TOLD_ONE_BY_ONE:
            self._note(f"{self.skipped} objects were skipped in all")
        self._fail_if_all_were_skipped()
        if self.keyless:
            self._note(f"{self.keyless} records came without a key and are left out")
        if self._shape and self._shape.unfit:
            self._note(f"{self._shape.unfit} values did not fit the schema and are null")
        for unseen in sorted(self._only_unseen) if self.complete else ():
            self._note(f"board {unseen} of `board_ids` was not in the list; nothing is read of it")
        self.finished = self.complete
        if self.complete:
            self.completed()
        else:
            for source in self.sources:
                if self.selected and (error := self.run.failures.get(source.name)):
                    kind = Forbidden if isinstance(error, Forbidden) else StreamError
                    self.run.fail(self, kind(f"{source.name} was not read to the end"))
        self.tally.finished(self.missing)
        for child in self.selected_children:
            child._finish()  # noqa: SLF001

    # The SDK moves bookmarks along with each record and takes a caught error for success. Ours are
    # set once, by `completed`; its two private steps on the way have nothing to do.
    def _write_starting_replication_value(self, context: Context | None) -> None: ...

    def _increment_stream_state(
        self, latest_record: Record, *, context: Context | None = None
    ) -> None: ...

    def set_bookmark(self, value: str, **more: str) -> None:
        """Set the bookmark, and what belongs to it, all at once."""
        self.stream_state.update(
            replication_key=self.replication_key, replication_key_value=value, **more
        )

    def completed(self) -> None:
        """Say what follows from a complete read: what was not in it is gone."""
        if self.selected and self.replaces:
            self._write_activate_version_message(self._initialized_at)

    # -- records

    def prepare(self, page: Page) -> list[Record]:
        """The page's records, completed and made to fit the schema; without keys there is none."""
        if self._shape is None:
            mask = self.mask
            self._shape = Shape(self.effective_schema, lambda crumb: mask[crumb], self._note)
        fill, adds, keys = self.fill, page.adds, self.primary_keys
        whole, records = [], page.records()
        self._served = self._served or bool(records) or type(page) is Page
        for record in records:
            if adds:
                record.update(adds)
            fill(record)
        self._shape.conform_all(records)
        for record in records:
            for key in keys:
                if record.get(key) is None:
                    self.keyless += 1
                    break
            else:
                whole.append(record)
        version = b"" if self._stream_version is None else b',"version":%d' % self._stream_version
        self._before = b'{"type":"RECORD","stream":%s,"record":' % encoder.encode(self.name)
        self._after = b'%s,"time_extracted":%s}\n' % (version, encoder.encode(datetime.now(UTC)))
        self._writer.flush()
        return whole

    @functools.cached_property
    def _unmapped(self) -> bool:
        """Whether no stream map and no flattening changes the records."""
        maps = self.stream_maps
        return (
            len(maps) == 1
            and type(maps[0]) is SameRecordTransform
            and not (maps[0].flattening_enabled)
        )

    def _write_record_message(self, record: Record) -> None:
        # Private in the SDK. Most of a record's time there goes into what these records do not
        # need: they fit their schema, and `prune` leaves out what is not selected.
        assert self._shape is not None  # noqa: S101 - for the type checker
        self._shape.prune(record)
        if self._unmapped:
            self._writer.write_record(self._before, record, self._after)
            self.state_manager.is_flushed = False
        else:
            with _mapping(self.name):
                super()._write_record_message(record)

    # -- quiet: what the SDK says per batch of parents, once

    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        """Log a message; what the SDK says of each further batch of parents is for DEBUG."""
        if (message in self._told and self.parent) or message.startswith("An unhandled error"):
            # What was not handled there is told by whoever handles it, or with a traceback.
            level = logging.DEBUG
        self._told.add(message)
        super().log(message, *args, level=level, **kwargs)

    def get_record_counter(
        self,
        *,
        endpoint: str | None = None,  # noqa: ARG002
        log_interval: float = metrics.DEFAULT_LOG_INTERVAL,  # noqa: ARG002
    ) -> metrics.Counter:
        """The stream's tally, for all batches of parents."""
        return cast("metrics.Counter", self.tally)

    def get_sync_timer(self) -> metrics.Timer:
        """The stream's tally, for all batches of parents."""
        return cast("metrics.Timer", self.tally)


class ListStream(PinterestStream):
    """A stream whose records are pages of one list: of the account, or of each parent."""

    page_size: ClassVar[int | None] = PAGE_SIZE

    def pages(self) -> Iterator[Page]:
        """All pages of the list."""
        return self.paginate(self.path, self.query(), page_size=self.page_size)

    def pages_of(self, parent: Record) -> Iterator[Page]:
        """All pages of one parent's list."""
        return self.paginate(
            self.path_for(parent),
            self.query(),
            page_size=self.page_size,
            adds=parent,
            single=True,
        )
