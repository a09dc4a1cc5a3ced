"""Report columns: what the ads metrics can be asked for, of which type, and at which level."""

from __future__ import annotations

import functools
import json
from fnmatch import fnmatchcase
from importlib import resources
from typing import Any, NamedTuple

COMMON, ALL = "common", "all"
"""Values of the setting `ads_columns` that stand for many columns."""

ABOVE = {
    "ADVERTISER": (),
    "CAMPAIGN": ("ADVERTISER",),
    "AD_GROUP": ("ADVERTISER", "CAMPAIGN"),
    "PIN_PROMOTION": ("ADVERTISER", "CAMPAIGN", "AD_GROUP"),
    "PRODUCT_GROUP": ("ADVERTISER", "CAMPAIGN", "AD_GROUP"),
    "PRODUCT_ITEM": ("ADVERTISER", "CAMPAIGN", "AD_GROUP"),
    "KEYWORD": ("ADVERTISER", "CAMPAIGN", "AD_GROUP"),
}
"""The levels of reports, each with those above it; `*_TARGETING` is as the level without it."""


class Column(NamedTuple):
    """A column as `schemas/report_columns.json` declares it, one a line.

    Attributes:
        name: The API's name, in capitals.
        type: JSON type: string, integer or number. Integer is only what surely is a whole number.
        description: What the name does not say.
        only: `sync` or `async` where only one kind of report has it, else nothing.
        origin: Highest level at which it says something (`from` in the file): a campaign's row has
            no ad group's name. Metrics have none: they say something everywhere.
        not_at: Levels, `*` for any letters, that refuse it.
        common: Whether people who name no columns get it.
    """

    name: str
    type: str
    description: str = ""
    only: str = ""
    origin: str = ""
    not_at: tuple[str, ...] = ()
    common: bool = False

    def allowed(self, level: str, kind: str) -> bool:
        """Whether reports of a kind, `sync` or `async`, take the column at a level."""
        refused = any(fnmatchcase(level, pattern) for pattern in self.not_at)
        return self.only in ("", kind) and not refused

    def speaks(self, level: str) -> bool:
        """Whether the column says something in rows of a level."""
        level = level.removesuffix("_TARGETING")
        return self.origin in ("", level, *ABOVE[level])


@functools.cache
def report_columns() -> dict[str, Column]:
    """All columns by name: entities from the highest level to the lowest, then metrics."""
    text = (resources.files("tap_pinterest") / "schemas" / "report_columns.json").read_text("utf-8")
    found = {}
    for name, said in json.loads(text).items():
        origin, not_at = said.pop("from", ""), tuple(said.pop("not_at", ()))
        found[name] = Column(name, **said, origin=origin, not_at=not_at)
    return found


def columns_at(level: str, kind: str, chosen: object = COMMON) -> list[Column]:
    """The columns of a level, in the order of the file.

    Args:
        level: A level of `ABOVE`, or it with `_TARGETING`.
        kind: `sync` or `async`.
        chosen: The setting `ads_columns`: ALL; a list of names, in capitals or not; or COMMON,
            without what is rarely asked for, or says nothing at the level. All else means it, too.
    """
    taken = [column for column in report_columns().values() if column.allowed(level, kind)]
    if chosen == ALL:
        return taken
    if isinstance(chosen, list):
        names = {str(name).upper() for name in chosen}
        return [column for column in taken if column.name in names]
    return [column for column in taken if column.common and column.speaks(level)]


def field_of(column: Column) -> dict[str, Any]:
    """The JSON schema of the field that a column becomes."""
    field: dict[str, Any] = {"type": [column.type, "null"]}
    return field | ({"description": column.description} if column.description else {})
