"""What is written arrives whole, even where output is unbuffered and a signal cuts a write short."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib import StateMessage

from tap_pinterest.writer import Writer

if TYPE_CHECKING:
    import pytest


class Short(io.RawIOBase):
    """Takes some bytes at a time, as a pipe does (PYTHONUNBUFFERED) when a signal comes."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = b""

    def writable(self) -> bool:
        return True

    def write(self, some: Any) -> int:
        piece = bytes(some)[:7]
        self.taken += piece
        return len(piece)


def test_a_write_that_is_cut_short_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Short()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, write_through=True))  # type: ignore[type-var]
    Writer().write_message(StateMessage(value={"bookmarks": {"pins": "a" * 50}}))
    assert out.taken == b'{"type":"STATE","value":{"bookmarks":{"pins":"%b"}}}\n' % (b"a" * 50)
