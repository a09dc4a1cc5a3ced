"""The account and what it keeps: boards, Pins, likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

from tap_pinterest.errors import StreamError
from tap_pinterest.kinds.lists import ListStream, paginate
from tap_pinterest.kinds.stream import PinterestStream
from tap_pinterest.records.pages import Page, path_for
from tap_pinterest.settings import setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_pinterest.records.decoding import Record

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
    record_type = "organic/account"
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
    record_type = "organic/board"
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
    record_type = "organic/pin"
    primary_keys = ("board_id", "id")
    scopes = ("boards:read", "pins:read")
    params: ClassVar = {"pin_metrics": setting("pin_metrics", narrows=False)}
    fill = staticmethod(link_to_pin)


class Pins(ListStream):
    """Pins that the account owns. API: pins/list."""

    name = "pins"
    path = "/pins"
    record_type = "organic/pin"
    primary_keys = ("id",)
    scopes = ("boards:read", "pins:read")
    params: ClassVar = {
        "include_protected_pins": setting("include_protected_pins"),
        "pin_metrics": setting("pin_metrics", narrows=False),
    }
    fill = staticmethod(link_to_pin)


class Likes(ListStream):
    """Pins liked until 2017, which Pinterest keeps on a secret board. API: boards/list_pins."""

    name = "likes"
    path = "/boards/{id}/pins"
    record_type = "organic/pin"
    primary_keys = ("id",)
    scopes = ("boards:read", "boards:read_secret", "pins:read", "pins:read_secret")
    selected_by_default = False
    narrowed_by = ("likes_board_name",)
    fill = staticmethod(link_to_pin)

    def pages(self) -> Iterator[Page]:
        """The pages of the board that has the configured name."""
        name = self.config["likes_board_name"]
        odd: list[StreamError] = []
        for page in paginate(self, "/boards", self.query(privacy="SECRET")):
            try:
                boards = page.records()
            except StreamError as error:
                odd.append(error)
                continue
            odd += page.odd
            for board in boards:
                if board.get("name") == name:
                    return paginate(self, path_for(self.path, board), self.query())
        if odd:
            raise StreamError(
                f"among the secret boards there is none named {name!r}, but: {odd[0]}"
            )
        self.logger.info("There is no secret board named %r, so there are no likes to read.", name)
        # Renamed, or hidden from a token without the secret scopes: no reason to let rows vanish.
        self.reading.begun = False
        return iter(())


class BoardSections(ListStream):
    """Sections of each board. API: board_sections/list."""

    name = "board_sections"
    path = "/boards/{board_id}/sections"
    parent_stream_type = Boards
    parent_fields: ClassVar = {"board_id": "id"}
    record_type = "organic/board_section"
    primary_keys = ("board_id", "id")
    scopes = ("boards:read",)


class BoardSectionPins(ListStream):
    """Pins in each section of each board. API: board_sections/list_pins."""

    name = "board_section_pins"
    path = "/boards/{board_id}/sections/{section_id}/pins"
    parent_stream_type = BoardSections
    parent_fields: ClassVar = {"board_id": "board_id", "section_id": "id"}
    record_type = "organic/pin"
    adds: ClassVar = {"section_id": "string"}
    primary_keys = ("board_id", "section_id", "id")
    scopes = ("boards:read", "pins:read")
    fill = staticmethod(link_to_pin)


class Media(ListStream):
    """Uploaded media and how their processing went. API: media/list."""

    name = "media"
    path = "/media"
    record_type = "organic/media"
    primary_keys = ("media_id",)
    scopes = ("pins:read",)
    takes_ad_account = False


class Websites(ListStream):
    """Websites that the account claimed. API: user_websites/get."""

    name = "websites"
    path = "/user_account/websites"
    record_type = "organic/website"
    primary_keys = ("website",)
    scopes = ("user_accounts:read",)
    takes_ad_account = False


class LinkedBusinesses(ListStream):
    """Business accounts linked to the account. API: linked_business_accounts/get."""

    name = "linked_businesses"
    path = "/user_account/businesses"
    record_type = "organic/linked_business"
    primary_keys = ("username",)
    scopes = ("user_accounts:read",)
    takes_ad_account = False
    page_size = None
    records_at = ""
