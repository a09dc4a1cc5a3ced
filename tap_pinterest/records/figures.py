"""Rows of figures: many columns, most of them numbers, decoded in C as soon as their form is known.

Rows of an answer hardly differ in their columns. These become the fields of a type of msgspec, by
which the rows behind them are decoded with names in lower case and null for what lacks. A float
would lose digits that only a text or a Decimal holds: rows are taken only where they, encoded
again, are what came, byte by byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tap_pinterest.records.decoding import Record

TRIES = 20
"""Forms that are learned of a stream; of rows that keep changing none helps."""

_encode = msgspec.json.Encoder().encode


class Figures:
    """Decodes rows whose columns are known.

    Args:
        fields: The fields that rows may have, the names of their columns in lower case.
    """

    def __init__(self, fields: Collection[str]) -> None:
        self._fields = frozenset(fields)
        self._order: list[str] = []
        self._decode: Any = None
        self._left = TRIES

    def rows(self, items: bytes) -> list[Record] | None:
        """The rows of a JSON list, or None where they are not in the form that is known."""
        if self._decode is None:
            return None
        try:
            found = self._decode(items)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if _encode(found) != items:
            return None
        return [*map(msgspec.structs.asdict, found)]

    def learn(self, rows: Collection[Mapping[str, Any]]) -> None:
        """Learn which columns rows have, in their order; those that others lack in between."""
        if not self._left:
            return
        for row in rows:
            at = 0
            for name in row:
                if name in self._order:
                    at = self._order.index(name) + 1
                elif name.lower() in self._fields and name.isascii():
                    self._order.insert(at, name)
                    at += 1
        self._left -= 1
        names = {name.lower(): name for name in self._order}
        if names and len(names) == len(self._order):
            form = msgspec.defstruct(
                "Figures",
                [(name, str | int | float | None, None) for name in names],
                rename=names,
                forbid_unknown_fields=True,
                omit_defaults=True,
                gc=False,
            )
            self._decode = msgspec.json.Decoder(list[form]).decode  # type: ignore[valid-type]
