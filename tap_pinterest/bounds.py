"""Bounds of JSON from outside: how deep objects and lists may lie inside of each other.

Whoever walks through deeper ones runs out of stack, and so does Python's own copying and printing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

DEEPEST = 100
"""Objects and lists inside of each other at most; what Pinterest sends is a tenth of it."""

LONGEST_NAME = 255
"""Characters of a field's name that is looked at closely, and remembered."""

CUT = b"1e-99999999999999999999"
"""Stands in JSON for what lay too deep: a number that no field can hold."""

MOST_VALUES = 1 << 20
"""Values of an answer at most; the smallest take thirty times their text, once they are decoded."""

TEXT = r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)'
"""Pattern of a text in JSON; one without an end goes to the end, or each quote would be tried."""

TEXT_OR_BRACKET = re.compile(rf"{TEXT}|[\[{{\]}}]".encode(), re.DOTALL)


def crowded(body: bytes) -> bool:
    """Whether JSON has so many values that they fill the memory; commas in texts count, too."""
    return len(body) > MOST_VALUES and sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES


def replaced(
    pattern: re.Pattern[bytes], body: bytes, new: Callable[[re.Match[bytes]], bytes | None]
) -> bytes:
    """What `re.sub` gives where None stands for what stays; it takes no memory for each match."""
    out, kept = bytearray(), 0
    for found in pattern.finditer(body):
        if (other := new(found)) is not None:
            out += body[kept : found.start()]
            out += other
            kept = found.end()
    return bytes(out + body[kept:])


def too_deep(value: Any) -> bool:
    """Whether objects and lists lie too deep inside of each other in decoded JSON."""
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [part for part in level if isinstance(part, dict | list)]
        if not level:
            return False
        level = [
            part for each in level for part in (each.values() if isinstance(each, dict) else each)
        ]
    return True


def shallow(body: bytes) -> bytes:
    """JSON in which `CUT` stands for every object and list that lies too deep."""
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return body
    parts, depth, kept = [], 0, 0
    for found in TEXT_OR_BRACKET.finditer(body):
        if found[0] in b"[{":
            depth += 1
            if depth == DEEPEST + 1:
                parts += [body[kept : found.start()], CUT]
        elif found[0] in b"]}":
            depth -= 1
            if depth == DEEPEST:
                kept = found.end()
    return b"".join((*parts, body[kept:]))
