"""Pages: how requests for them are worded, and how answers are taken apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from tap_pinterest.errors import StreamError
from tap_pinterest.records.decoding import Record, decode
from tap_pinterest.settings import setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAGE_SIZE = 250
"""Records on a page at most."""


class Envelope(msgspec.Struct):
    """A page as it is sent: its items stay undecoded until their turn."""

    items: msgspec.Raw
    bookmark: str | None = None


read_page = msgspec.json.Decoder(Envelope).decode


def read_list(body: bytes) -> Envelope:
    """Read an answer that is a bare list."""
    return Envelope(msgspec.json.decode(b"[" + body + b"]", type=list[msgspec.Raw])[0])


@dataclass(slots=True)
class Page:
    """Records that arrived together.

    Attributes:
        items: The records as JSON, or decoded already.
        size: Bytes they hold while they wait.
        adds: Fields that each of these records gets, such as its parent's id.
        ends: How far the stream got when this page is written; None where that is not kept.
    """

    items: msgspec.Raw | bytes | list[Record]
    size: int
    adds: Mapping[str, Any] = field(default_factory=dict)
    ends: str | None = None

    def records(self) -> list[Record]:
        """The records, decoded."""
        if isinstance(self.items, list):
            return self.items
        try:
            return decode(self.items)
        except msgspec.DecodeError as exc:
            raise StreamError(f"a page could not be read ({exc})") from exc


def query(params: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Declared parameters as a query: lists repeated, booleans in lower case, None left out."""
    for name, declared in params.items():
        value = declared.of(config) if isinstance(declared, setting) else declared
        for item in value if isinstance(value, list | tuple) else (value,):
            if isinstance(item, bool):
                yield name, str(item).lower()
            elif item is not None:
                yield name, str(item)
