"""Where a stream's bookmarks are, and whether the user wants them to be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

if TYPE_CHECKING:
    from singer_sdk import Stream

    State = dict[str, Any]


def partition(state: State, name: str | None, value: str) -> State:
    """The part of a stream's state that is about a partition, made where there is none yet.

    Args:
        state: The stream's state.
        name: The field that names its partitions; None where it has none.
        value: The partition.
    """
    if name is None:
        return state
    parts: list[State] = state.setdefault("partitions", [])
    for part in parts:
        if part["context"] == {name: value}:
            return part
    parts.append({"context": {name: value}})
    return parts[-1]


def is_full_table(stream: Stream) -> bool:
    """Whether the user's catalog says FULL_TABLE of a stream that has a bookmark."""
    full = stream.forced_replication_method == REPLICATION_FULL_TABLE
    return full and stream.replication_key is not None
