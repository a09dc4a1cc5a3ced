"""Snapshots: what Pinterest counts now and does not remember, kept as a row of today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_pinterest.kinds.bookmarks import is_full_table
from tap_pinterest.kinds.stream import PinterestStream
from tap_pinterest.records.pages import Page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_pinterest.records.decoding import Record


class SnapshotStream(PinterestStream):
    """Keeps what it sees as the row of the UTC day on which the run started.

    A child needs no request of its own: it keeps what the list of its parents says of them.
    """

    whole = False
    replication_key = "date"

    def keep(self, records: Sequence[Record]) -> Page:
        """The day's rows."""
        return Page(list(records), 0, {"date": self.run.today.isoformat()})

    def pages_of(self, parent: Record) -> Iterator[Page]:
        """One parent as its list has it."""
        yield self.keep([parent])

    def at_once(self, parents: Sequence[Record]) -> Page:
        """The parents as their list has them."""
        return self.keep(parents)

    def completed(self, part: str) -> None:
        """Set the bookmark to the day."""
        if is_full_table(self):
            return
        self.state_of(part).update(
            replication_key=self.replication_key,
            replication_key_value=self.run.today.isoformat(),
        )
