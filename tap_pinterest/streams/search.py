"""What the account finds among its own boards and Pins."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tap_pinterest.kinds.stream import ListStream
from tap_pinterest.streams.organic import link_to_pin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_pinterest.records.pages import Page


class SearchStream(ListStream):
    """A list that is read once per distinct search query."""

    adds: ClassVar = {"query": "string"}
    primary_keys = ("query", "id")
    selected_by_default = False
    without_queries: ClassVar[tuple[str, ...]] = ()

    def pages(self) -> Iterator[Page]:
        """The results of each query; each record says which query found it."""
        queries = [text.strip() for text in self.config.get("search_queries") or ()]
        for text in dict.fromkeys(queries or self.without_queries):
            yield from self.paginate(
                self.path,
                self.query(query=text or None),
                page_size=self.page_size,
                adds={"query": text},
            )


class SearchBoards(SearchStream):
    """The account's boards that a query finds; without any, all. API: search_user_boards/get."""

    name = "search_boards"
    path = "/search/boards"
    record_type = "organic/board"
    scopes = ("boards:read", "boards:read_secret")
    without_queries = ("",)


class SearchPins(SearchStream):
    """The account's Pins that a query finds. API: search_user_pins/list."""

    name = "search_pins"
    path = "/search/pins"
    record_type = "organic/pin"
    scopes = ("boards:read", "boards:read_secret", "pins:read", "pins:read_secret")
    page_size = None
    fill = staticmethod(link_to_pin)

    def why_skipped(self) -> str | None:
        """Skipped where there is nothing to search for."""
        if not self.config.get("search_queries"):
            return "there are no `search_queries`, and this endpoint needs one"
        return super().why_skipped()
