"""The account and what it keeps: boards, Pins, likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

from tap_pinterest.client import ListStream, Page, PinterestStream
from tap_pinterest.settings import setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_pinterest.records import Record

SITE = "https://www.pinterest.com"


def link_to_pin(record: Record) -> None:
    """Add the address of a Pin's page, which follows from its id."""
    if record.get("id"):
        record.setdefault("url", f"{SITE}/pin/{record['id']}/")


def link_to_profile(record: Record) -> None:
    """Add the address of a user's page, which follows from the username."""
    if record.get("username"):
        record.setdefault("url", f"{SITE}/{quote(str(record['username']))}/")


class Account(PinterestStream):
    """The account itself, with its counts. API: user_account/get."""

    name = "account"
    record_type = "account"
    primary_keys = ("id",)
    scopes = ("user_accounts:read",)
    fill = staticmethod(link_to_profile)

    def pages(self) -> Iterator[Page]:
        """The one account that the token, or the ad account's owner, stands for."""
        yield Page([self.run.account()], 0)


class Boards(ListStream):
    """Boards that the account owns or contributes to. API: boards/list."""

    name = "boards"
    path = "/boards"
    record_type = "board"
    primary_keys = ("id",)
    scopes = ("boards:read",)
    params: ClassVar = {"privacy": setting("board_privacy")}
    only_parents = setting("board_ids")


class BoardPins(ListStream):
    """Pins on each board. API: boards/list_pins."""

    name = "board_pins"
    path = "/boards/{board_id}/pins"
    parent_stream_type = Boards
    parent_fields: ClassVar = {"board_id": "id"}
    record_type = "pin"
    primary_keys = ("board_id", "id")
    scopes = ("boards:read", "pins:read")
    params: ClassVar = {"pin_metrics": setting("pin_metrics")}
    fill = staticmethod(link_to_pin)


class Pins(ListStream):
    """Pins that the account owns. API: pins/list."""

    name = "pins"
    path = "/pins"
    record_type = "pin"
    primary_keys = ("id",)
    scopes = ("boards:read", "pins:read")
    params: ClassVar = {
        "include_protected_pins": setting("include_protected_pins"),
        "pin_metrics": setting("pin_metrics"),
    }
    fill = staticmethod(link_to_pin)


class Likes(ListStream):
    """Pins liked until 2017, which Pinterest keeps on a secret board. API: boards/list_pins."""

    name = "likes"
    path = "/boards/{id}/pins"
    record_type = "pin"
    primary_keys = ("id",)
    scopes = ("boards:read", "boards:read_secret", "pins:read", "pins:read_secret")
    selected_by_default = False
    fill = staticmethod(link_to_pin)

    def pages(self) -> Iterator[Page]:
        """The pages of the board that has the configured name."""
        name = self.config["likes_board_name"]
        for page in self.paginate("/boards", self.query(privacy="SECRET")):
            for board in page.records():
                if board.get("name") == name:
                    return self.paginate(self.path_for(board), self.query())
        self.logger.info("There is no secret board named %r, so there are no likes to read.", name)
        return iter(())
