"""The history that Pinterest does not keep: counts, one row per UTC day."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tap_pinterest.kinds.stream import PinterestStream
from tap_pinterest.records.pages import Page
from tap_pinterest.streams.organic import Boards

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_pinterest.records.decoding import Record


class SnapshotStream(PinterestStream):
    """Keeps what it sees as the row of the day on which the run started."""

    whole = False
    replication_key = "date"

    def completed(self) -> None:
        """Set the bookmark to the day."""
        self.set_bookmark(self.run.today.isoformat())

    def keep(self, records: Sequence[Record]) -> Page:
        """The day's rows."""
        return Page(list(records), 0, {"date": self.run.today.isoformat()})


class AccountSnapshots(SnapshotStream):
    """Followers, views and other counts of the account per day. API: user_account/get."""

    name = "account_snapshots"
    record_type = "organic/account_snapshot"
    primary_keys = ("account_id", "date")
    scopes = ("user_accounts:read",)

    def pages(self) -> Iterator[Page]:
        """The account as it is now."""
        account = self.run.account()
        account["account_id"] = account.pop("id", None)
        yield self.keep(
            [{name: account[name] for name in self.schema["properties"].keys() & account.keys()}]
        )


class BoardSnapshots(SnapshotStream):
    """Followers and Pins of each board per day. API: boards/list."""

    name = "board_snapshots"
    record_type = "organic/board_snapshot"
    primary_keys = ("board_id", "date")
    scopes = ("boards:read",)
    parent_stream_type = Boards
    parent_fields: ClassVar = {
        "board_id": "id",
        "name": "name",
        "privacy": "privacy",
        "pin_count": "pin_count",
        "follower_count": "follower_count",
        "collaborator_count": "collaborator_count",
    }

    def read_parents(self, parents: Sequence[Record]) -> Iterator[Page]:
        """The boards as the list has them: no request of their own."""
        yield self.keep(parents)

    def sample(self, parent: Record | None) -> Iterator[Page]:
        """One board."""
        return self.read_parents([self.parent_of(parent or {})])
