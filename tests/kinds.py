"""The kinds of reading among the streams, told from their classes.

What costs a run or many is tested with one stream of each kind, so that a stream more of a known
kind costs nothing, and a new kind is tested without being entered anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_pinterest.streams import STREAMS

if TYPE_CHECKING:
    from tap_pinterest.kinds.stream import PinterestStream

DESCRIBES = frozenset(
    (
        "fill",
        "metrics",
        "name",
        "params",
        "parent_fields",
        "parent_stream_type",
        "path",
        "primary_keys",
        "quota",
        "record",
        "record_type",
        "scopes",
        "selected_by_default",
        "takes_ad_account",
    )
)
"""What a stream declares without being read in another way."""

Kind = tuple[str, bool, tuple[str, ...]]


def kind_of(stream: type[PinterestStream]) -> Kind:
    """How a stream is read: its base below `streams/`, whether it is a child, what it overrides."""
    ours = [each for each in stream.__mro__ if each.__module__.startswith("tap_pinterest.")]
    declared = [each for each in ours if each.__module__.startswith("tap_pinterest.streams")]
    base = next(each for each in ours if each not in declared)
    names = {name for each in declared for name in vars(each) if not name.startswith("_")}
    return (
        base.__qualname__,
        stream.parent_stream_type is not None,
        tuple(sorted(names - DESCRIBES)),
    )


def by_kind() -> dict[Kind, list[type[PinterestStream]]]:
    """The streams of each kind, in the order of `STREAMS`."""
    kinds: dict[Kind, list[type[PinterestStream]]] = {}
    for stream in STREAMS:
        kinds.setdefault(kind_of(stream), []).append(stream)
    return kinds


def representatives() -> dict[str, type[PinterestStream]]:
    """One stream of each kind, by its name."""
    return {streams[0].declared_name(): streams[0] for streams in by_kind().values()}
