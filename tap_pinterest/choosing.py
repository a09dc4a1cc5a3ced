"""Which streams a command is about: those named, those that Meltano selects, or the usual ones."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import click

from tap_pinterest import documents
from tap_pinterest.streams import ADS, PRESETS, STREAMS
from tap_pinterest.words import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_pinterest.kinds.stream import PinterestStream

    Streams = Sequence[type[PinterestStream]]

SELECTED = "TAP_PINTEREST__SELECT"
"""Where Meltano tells the commands of a plugin what it selects: a list of patterns, as JSON."""

USUAL: Streams = tuple(stream for stream in STREAMS if stream.selected_by_default)


def named(text: str) -> Streams:
    """The streams of a list of names and presets with commas between them.

    Raises:
        click.BadParameter: There is none of a name, or no name.
    """
    by_name = {stream.declared_name(): (stream,) for stream in STREAMS}
    # A preset of the name of a stream has the stream in it.
    known: dict[str, Streams] = {**by_name, **PRESETS, "all": STREAMS}
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            hint = nearest(name, known) or f" There is {', '.join(known)}."
            raise click.BadParameter(f"there is no stream {name!r}.{hint}")
    if not names:
        raise click.BadParameter("name at least one stream.")
    return tuple(dict.fromkeys(stream for name in names for stream in known[name]))


def listed(names: Sequence[str]) -> str:
    """The names of streams; all those of ads, of which there are many, by one name."""
    ads = {stream.declared_name() for stream in ADS}
    if not ads <= set(names):
        return ", ".join(names)
    return ", ".join([*(name for name in names if name not in ads), "all streams of ads"])


def selected(environment: Mapping[str, str] = os.environ) -> Streams:
    """The streams that Meltano selects; the usual ones where nobody says."""
    try:
        patterns = documents.parse(environment.get(SELECTED) or "[]")
    except documents.Unusable:
        return USUAL
    listed = patterns if isinstance(patterns, list) else []
    texts = [each for each in listed if isinstance(each, str)]
    within = [each.partition(".")[0] for each in texts if not each.startswith("!")]
    without = [each[1:-2] for each in texts if each.startswith("!") and each.endswith(".*")]
    found = [
        stream
        for stream in STREAMS
        if _is_one_of(stream, within) and not _is_one_of(stream, without)
    ]
    return tuple(found) or USUAL


def _is_one_of(stream: type[PinterestStream], patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(stream.declared_name(), pattern) for pattern in patterns)
