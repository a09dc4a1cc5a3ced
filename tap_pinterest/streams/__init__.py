"""The streams: a table of contents of what can be read, a file per corner of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_pinterest.kinds.stream import PinterestStream
from tap_pinterest.streams import (
    ads,
    ads_analytics,
    audience,
    organic,
    organic_analytics,
    pin_analytics,
    search,
    snapshots,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


def _declared(corner: ModuleType) -> Iterator[type[PinterestStream]]:
    """The classes of a corner that have a name: the streams, in the order of the file."""
    for thing in vars(corner).values():
        is_here = isinstance(thing, type) and thing.__module__ == corner.__name__
        if is_here and issubclass(thing, PinterestStream) and "name" in vars(thing):
            yield thing


STREAMS: tuple[type[PinterestStream], ...] = tuple(
    stream
    for corner in (
        organic,
        organic_analytics,
        pin_analytics,
        snapshots,
        audience,
        search,
        ads,
        ads_analytics,
    )
    for stream in _declared(corner)
)
