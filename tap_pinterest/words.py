"""Words for the user: numbers with their nouns, lists that are cut, names that may be meant."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

FEW = 3
"""Names of a long list that are given."""


def counted(number: float, noun: str) -> str:
    """A number and its noun, in the plural where it is not one: `1 day`, `2 days`."""
    rounded = f"{number:.0f}"
    return f"{rounded} {noun}" + ("" if rounded == "1" else "s")


def some(names: Sequence[str]) -> str:
    """The first of many names, and how many more there are: `a, b, c and 9 more`."""
    if len(names) <= FEW + 1:
        return ", ".join(names)
    return f"{', '.join(names[:FEW])} and {len(names) - FEW} more"


def nearest(name: str, names: Collection[str]) -> str:
    """The question whether another name was meant, to follow a sentence; else nothing."""
    by_lower = {each.lower(): each for each in names}
    near = difflib.get_close_matches(name.lower(), by_lower, 1)
    return f" Did you mean `{by_lower[near[0]]}`?" if near else ""
