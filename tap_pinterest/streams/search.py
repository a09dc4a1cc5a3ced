"""What the account finds among its own boards and Pins."""

from __future__ import annotations

from typing import ClassVar

from tap_pinterest.kinds.lists import ListStream
from tap_pinterest.settings import setting
from tap_pinterest.streams.organic import link_to_pin


class SearchBoards(ListStream):
    """The account's boards that a query finds. API: search_user_boards/get."""

    name = "search_boards"
    path = "/search/boards"
    record_type = "organic/board"
    over: ClassVar = {"query": setting("search_queries")}
    adds: ClassVar = {"query": "string"}
    primary_keys = ("query", "id")
    scopes = ("boards:read", "boards:read_secret")
    selected_by_default = False


class SearchPins(ListStream):
    """The account's Pins that a query finds. API: search_user_pins/list."""

    name = "search_pins"
    path = "/search/pins"
    record_type = "organic/pin"
    over: ClassVar = {"query": setting("search_queries")}
    adds: ClassVar = {"query": "string"}
    primary_keys = ("query", "id")
    scopes = ("boards:read", "boards:read_secret", "pins:read", "pins:read_secret")
    selected_by_default = False
    page_size = None
    fill = staticmethod(link_to_pin)
