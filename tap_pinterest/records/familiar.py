"""What records look like that need no second look: learned from those that were looked at.

Records of one stream hardly differ in their names and types. Those of records that fit are kept
as a type of msgspec, which then recognises whole pages of their like many times faster than
Python could look at them.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from tap_pinterest.bounds import LONGEST_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 4096
"""How many fields are learned; a map with ever new names would fill the memory."""


def _can_be_named(name: str) -> bool:
    """Whether msgspec takes it as the name of a field, and it is no burden."""
    return len(name) <= LONGEST_NAME and name.isprintable() and not {'"', "\\"} & set(name)


class _Place:
    """What was seen at one place: types of plain values, fields of objects, items of lists."""

    def __init__(self, path: tuple[str, ...] = ()) -> None:
        self.path = path
        self.plain: set[Any] = set()
        self.fields: dict[str, _Place] | None = None
        self.items: _Place | None = None

    def type(self) -> Any:
        """All of it as a type for msgspec."""
        kinds = sorted(self.plain, key=str)
        if self.fields is not None:
            names = {f"f{number}": name for number, name in enumerate(self.fields)}
            kinds.append(
                msgspec.defstruct(
                    "Seen",
                    [(own, self.fields[name].type(), None) for own, name in names.items()],
                    rename=names,
                    forbid_unknown_fields=True,
                    gc=False,
                )
            )
        if self.items is not None:
            items = self.items.type()
            kinds.append(
                Annotated[list, msgspec.Meta(max_length=0)] if items is None else list[items]  # type: ignore[valid-type]
            )
        return reduce(or_, kinds) if kinds else None


class Familiar:
    """The records that were learned, and all that are made of the same parts.

    Args:
        is_plain: Whether the field at a path may be taken for what its type says.
    """

    def __init__(self, is_plain: Callable[[tuple[str, ...]], bool]) -> None:
        self._is_plain = is_plain
        self._seen = _Place()
        self._left = MOST
        self._type: Any = None
        self._many: Any = None
        self._grown = False

    def remember(self) -> None:
        """Know from now on what was learned up to now; a type takes a while to make."""
        if self._grown:
            self._grown = False
            self._type = self._seen.type()
            self._many = list[self._type]  # type: ignore[name-defined]

    def knows(self, records: Any) -> bool:
        """Whether a record, or each of a list, is made of what was learned and remembered."""
        if self._type is None:
            return False
        try:
            many = type(records) is list
            msgspec.convert(records, self._many if many else self._type)
        except msgspec.ValidationError:
            return False
        return True

    def learn(self, value: Any) -> None:
        """Learn a record that fits."""
        if self._left > 0:
            self._learn(self._seen, value)

    def _learn(self, place: _Place, value: Any) -> None:
        kind = type(value)
        if kind is dict:
            if place.fields is None:
                place.fields, self._grown = {}, True
            for name, part in value.items():
                inner = place.fields.get(name)
                if inner is None:
                    path = (*place.path, name)
                    if self._left <= 0 or not _can_be_named(name) or not self._is_plain(path):
                        continue
                    self._left -= 1
                    inner, self._grown = place.fields.setdefault(name, _Place(path)), True
                self._learn(inner, part)
        elif kind is list:
            if place.items is None:
                place.items, self._grown = _Place(place.path), True
            for part in value:
                self._learn(place.items, part)
        elif kind in (str, int, float, bool, type(None)) and kind not in place.plain:
            place.plain.add(kind)
            self._grown = True
