"""Lists: the pages of a path, to the last one."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from tap_pinterest.errors import Refused
from tap_pinterest.kinds.bookmarks import fingerprint, is_full_table
from tap_pinterest.kinds.stream import PinterestStream
from tap_pinterest.records.pages import (
    ITEMS,
    PAGE_SIZE,
    Page,
    chosen,
    combinations,
    path_for,
    reader,
)
from tap_pinterest.settings import setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tap_pinterest.records.decoding import Record

LOOKED_AT = 4096
"""Bytes at a page's beginning in which a record shows: by a quotation mark, as it has a field."""

LONGEST_BOOKMARK = 8192
"""Characters of a bookmark at most; those of Pinterest have some hundred."""

SETTLED = timedelta(hours=1)
"""Before a run, from which on changes may still be on their way into the list, or clocks differ."""

EMPTY_IN_A_ROW = 50
"""Pages without a record that may follow each other; a few are normal inside a list."""


class ListStream(PinterestStream):
    """A stream whose records are pages of one list: of the account, or of each parent.

    `records_at` says where in an answer they are, see `records.pages.reader`. A list that takes a
    parameter (or a placeholder of its path) which `over` names is read once for each value, and
    each record has that value. With a `replication_key`, a field of the record that says when it
    was changed, only records are written that changed since the last complete read of their
    partition; children get all.
    """

    page_size: ClassVar[int | None] = PAGE_SIZE
    records_at: ClassVar[str] = ITEMS

    def pages(self) -> Iterator[Page]:
        """All pages of the list, for each value that it is read over."""
        return self._pages({})

    def pages_of(self, parent: Record) -> Iterator[Page]:
        """All pages of one parent's list, likewise."""
        return self._pages(parent)

    def _pages(self, parent: Record, **more: Any) -> Iterator[Page]:
        """All pages for each value of `over`; `more` are parameters of the request."""
        more |= {name: parent[name] for name in self.asks if name in parent}
        own = {name: value for name, value in parent.items() if name not in self.asks}
        for over in combinations(self.over, self.config):
            asked = {name: value for name, value in over.items() if f"{{{name}}}" not in self.path}
            yield from paginate(
                self,
                path_for(self.path, {**parent, **over}),
                self.query(**asked, **more),
                adds={**own, **over},
                single=bool(parent),
            )

    def why_skipped(self) -> str | None:
        """Skipped where a setting lacks without which there is nothing to ask for."""
        for declared in self.over.values():
            if isinstance(declared, setting) and not chosen(declared, self.config):
                return f"there are no `{declared.name}`; set what to look for"
        return super().why_skipped()

    # -- what is newer

    @property
    def is_incremental(self) -> bool:
        """Whether only what changed is written."""
        return self.replication_key is not None and not is_full_table(self)

    @functools.cached_property
    def _newest(self) -> dict[str, datetime]:
        """The last change seen, by partition."""
        return {}

    @functools.cached_property
    def _bookmarks(self) -> dict[str, datetime | None]:
        """Where the last complete read ended, by partition."""
        return {}

    def own(self, records: list[Record]) -> Iterable[Record]:
        """The records that changed since the last complete read."""
        if not self.is_incremental:
            return records
        return [record for record in records if self._is_newer(record)]

    def _is_newer(self, record: Record) -> bool:
        changed = _moment(record.get(self.replication_key or ""))
        if changed is None:
            return True
        part = self.part_of(record)
        self._newest[part] = max(self._newest.get(part, changed), changed)
        if part not in self._bookmarks:
            state = self.state_of(part)
            means_the_same = state.get("fingerprint") == self._fingerprint
            bookmark = _moment(state.get("replication_key_value")) if means_the_same else None
            self._bookmarks[part] = bookmark
        bookmark = self._bookmarks[part]
        return bookmark is None or changed >= bookmark

    @functools.cached_property
    def _fingerprint(self) -> str:
        """What is listed: where a setting, or a map, let less through, all of it is read again."""
        return fingerprint(self, columns=False)

    def completed(self, part: str) -> None:
        """Set the bookmark to the last change seen; a later one would hide what follows."""
        newest = self._newest.get(part)
        if self.is_incremental and newest:
            moment = min(newest, self.run.started - SETTLED)
            self.state_of(part).update(
                replication_key=self.replication_key,
                replication_key_value=moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
                fingerprint=self._fingerprint,
            )


def _moment(text: Any) -> datetime | None:
    """A moment; one without its zone, as in a bookmark that somebody set by hand, is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def paginate(
    stream: ListStream,
    path: str,
    query: tuple[tuple[str, str], ...],
    *,
    adds: Mapping[str, Any] | None = None,
    single: bool = False,
) -> Iterator[Page]:
    """Fetch all pages of a list, to the last bookmark.

    Args:
        stream: Whose quota and turn it is.
        path: Of the list.
        query: Parameters beside the size of a page.
        adds: What each record gets, such as its parent's id.
        single: Whether a refusal is about this one list.

    Raises:
        Refused: The list does not end, by a bookmark that comes again or by pages without records.
        StreamError: It could not be read.
    """
    adds = adds or {}
    part, read = stream.part_of(dict(adds)), reader(stream.records_at)
    sized = () if stream.page_size is None else (("page_size", str(stream.page_size)),)
    seen: set[str] = set()
    empty = 0
    after: tuple[tuple[str, str], ...] = ()
    while True:
        page = stream.run.transport.get(
            stream.request(path, (*query, *sized, *after), single=single), read
        )
        size = memoryview(page.items).nbytes
        yield Page(page.items, size, adds, part)
        if not page.bookmark:
            return
        empty = 0 if b'"' in bytes(memoryview(page.items)[:LOOKED_AT]) else empty + 1
        why = None
        if page.bookmark in seen:
            why = "sent a bookmark that it had sent before"
        elif len(page.bookmark) > LONGEST_BOOKMARK:
            why = f"sent a bookmark of {len(page.bookmark):,} characters, which no address can hold"
        elif empty >= EMPTY_IN_A_ROW:
            why = f"sent {empty} pages in a row without a record"
        if why:
            raise Refused(
                f"GET {path} {why}; what follows is missing. This is a fault of the API: run again "
                "later"
            )
        seen.add(page.bookmark)
        after = (("bookmark", page.bookmark),)
