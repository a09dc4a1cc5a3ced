"""The SDK's own empty tap: what any tap on it takes to start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk import Tap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk import Stream


class EmptyTap(Tap):
    """A tap without streams."""

    name = "tap-empty"

    def discover_streams(self) -> Sequence[Stream]:
        """None."""
        return ()


if __name__ == "__main__":
    EmptyTap.cli()
