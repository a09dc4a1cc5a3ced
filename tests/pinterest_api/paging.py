"""Pages of a listing, and the opaque bookmarks that lead from one to the next."""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from typing import TYPE_CHECKING, Any
from zlib import crc32

from .api import invalid

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


class Pager:
    """Cuts listings into pages.

    A bookmark belongs to its listing: used elsewhere, or made up, it is refused. With
    `empty_pages=n` every nth page has no items but a bookmark, and so has the end of the listing
    one more page, empty and without a bookmark: what the API does when it filters after reading.
    """

    def __init__(self, empty_pages: int | None = None) -> None:
        self.empty_pages = empty_pages

    def page(
        self, items: Sequence[Any], size: int, bookmark: str | None, listing: str
    ) -> dict[str, Any]:
        """One page; raises ApiError for a bookmark that is not this listing's."""
        offset, number = self._read(bookmark, listing)
        offset = min(offset, len(items))  # the listing has shrunk since
        number += 1
        if self.empty_pages and number % self.empty_pages == 0 and offset < len(items):
            return {"items": [], "bookmark": self.write(offset, number, listing)}
        end = offset + size
        more = end < len(items) or (self.empty_pages and offset < len(items))
        return {
            "items": items[offset:end],
            "bookmark": self.write(min(end, len(items)), number, listing) if more else None,
        }

    @staticmethod
    def write(offset: int, number: int, listing: str) -> str:
        """A bookmark for the page after the `number`th, which begins at `offset`."""
        text = f"{crc32(listing.encode()):08x}|{offset}|{number}"
        return base64.urlsafe_b64encode(text.encode()).decode()

    @staticmethod
    def _read(bookmark: str | None, listing: str) -> tuple[int, int]:
        if bookmark is None:
            return 0, 0
        try:
            text = base64.b64decode(bookmark, altchars=b"-_", validate=True).decode()
            tag, offset, number = text.split("|")
            known = int(tag, 16) == crc32(listing.encode())
            at = int(offset), int(number)
        except (ValueError, binascii.Error, UnicodeDecodeError):
            known = False
        if not known:
            raise invalid("Invalid bookmark.")
        return at


class Cache:
    """The most recently used values, bounded by the bytes that they hold."""

    def __init__(self, megabytes: float) -> None:
        self._most = int(megabytes * 2**20)
        self._held = 0
        self._values: OrderedDict[Hashable, bytes] = OrderedDict()

    def get(self, key: Hashable) -> bytes | None:
        """The value, if it is still held."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: Hashable, value: bytes) -> None:
        """Hold a value; the least recently used ones make room for it."""
        self._held += len(value) - len(self._values.pop(key, b""))
        self._values[key] = value
        while self._held > self._most:
            _, old = self._values.popitem(last=False)
            self._held -= len(old)
