"""JSON that the user hands in: what in it no later step could hold is found, with its place."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from tap_pinterest.bounds import DEEPEST, too_deep
from tap_pinterest.shown import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_DIGITS = 300
"""Digits of an integer at most. With 309 it fits no float; those of 4,300 Python does not read."""

Place = tuple[str | int, ...]
"""The names and numbers that lead to a part of a document."""


class Unusable(ValueError):
    """JSON that cannot be used; its text goes on where a sentence has said what it is."""


class _NoNumber:
    """Stands for a number that is none, or too large."""


def parse(text: str | bytes) -> Any:
    """Parse JSON; what `odd_parts` finds in it is to be told.

    Raises:
        Unusable: It is none, or it is too deep.
    """
    try:
        content = json.loads(
            text, parse_int=_integer, parse_float=_fraction, parse_constant=lambda _: _NoNumber()
        )
    except json.JSONDecodeError as exc:
        raise Unusable(
            f"is not valid JSON: {exc.msg} at line {exc.lineno}, column {exc.colno}."
        ) from None
    except UnicodeDecodeError:
        raise Unusable("is not JSON text.") from None
    except RecursionError:
        content = None
        deep = True
    else:
        deep = too_deep(content)
    if deep:
        raise Unusable(
            f"holds objects or lists more than {DEEPEST} deep in each other: none that this "
            "tap writes does. Give the one that it wrote."
        )
    return content


def odd_parts(content: Any, place: Place = (), *, nul: bool = True) -> Iterator[tuple[Place, str]]:
    """What in decoded JSON is no text or no number, each with its place and a verb.

    Half characters come out of JSON's escapes, or stand for bytes of an argument or a variable.

    Args:
        content: The JSON, or a part of it.
        place: Where the part is.
        nul: Whether a text may hold a NUL: the name of a file or a line of Python cannot.
    """
    if isinstance(content, _NoNumber):
        yield place, "is no number, or one that is far too large"
    elif isinstance(content, str):
        if not _can_be_written(content):
            yield place, "holds half a character, or bytes that are no text (UTF-8)"
        elif not nul and "\0" in content:
            yield place, "holds a NUL"
    elif isinstance(content, list):
        for number, part in enumerate(content):
            yield from odd_parts(part, (*place, number), nul=nul)
    elif isinstance(content, dict):
        for name, part in content.items():
            if next(odd_parts(name, nul=nul), None):
                yield place, f"has a name that is no text, {plain(name)!r}"
            else:
                yield from odd_parts(part, (*place, name), nul=nul)


def _can_be_written(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _integer(text: str) -> int | _NoNumber:
    return int(text) if len(text) <= MOST_DIGITS else _NoNumber()


def _fraction(text: str) -> float | _NoNumber:
    value = float(text)
    return value if math.isfinite(value) else _NoNumber()
