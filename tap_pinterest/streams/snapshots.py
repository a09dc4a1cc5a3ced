"""The history that Pinterest does not keep: counts, one row per UTC day."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tap_pinterest.kinds.snapshots import SnapshotStream
from tap_pinterest.streams.organic import Boards

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_pinterest.records.pages import Page


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
