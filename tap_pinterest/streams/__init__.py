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
    from collections.abc import Iterator, Mapping
    from types import ModuleType


def _declared(corner: ModuleType) -> Iterator[type[PinterestStream]]:
    """The classes of a corner that have a name: the streams, in the order of the file."""
    for thing in vars(corner).values():
        is_here = isinstance(thing, type) and thing.__module__ == corner.__name__
        if is_here and issubclass(thing, PinterestStream) and "name" in vars(thing):
            yield thing


def _all(*corners: ModuleType) -> tuple[type[PinterestStream], ...]:
    return tuple(stream for corner in corners for stream in _declared(corner))


ORGANIC = _all(organic, organic_analytics, pin_analytics, snapshots, audience, search)
ADS = _all(ads, ads_analytics)
STREAMS = ORGANIC + ADS

PRESETS: Mapping[str, tuple[type[PinterestStream], ...]] = {
    "organic": tuple(stream for stream in ORGANIC if stream.selected_by_default),
    "ads": ADS,
    "everything": STREAMS,
}
"""What to select, by what people come for."""
