"""Shapes: records made to fit their schema, and freed of what is not to leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tap_pinterest.records.familiar import Familiar
from tap_pinterest.records.secrets import is_secret, masked
from tap_pinterest.records.values import (
    KINDS,
    TIMES,
    WALKED,
    Unfit,
    clean,
    described,
    to_date_time,
    to_date_time_fast,
)
from tap_pinterest.shown import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from collections.abc import Set as AbstractSet

    from tap_pinterest.records.decoding import Record
    from tap_pinterest.records.schemas import Path

    Fix = tuple[str, Callable[[Any], Any]]

UNKNOWN_FIELDS = "unknown_fields"
"""The setting, and the column in which it may collect what no schema knows."""

MOST_TOLD = 100
"""Fields of a stream of which something is said in the log."""

UNKNOWN = {
    "keep": "it leaves as the API sent it",
    "mapped": "it gets no column, as stream maps and flattening know only what the schema says",
    "drop": f"it is left out, as `{UNKNOWN_FIELDS}` is drop",
    "collect": f"it leaves in the column `{UNKNOWN_FIELDS}`",
    "lost": f"it is left out, as the column `{UNKNOWN_FIELDS}` is not selected, or missing in a "
    "catalog made before the setting was",
}
"""What may happen to fields that the schema does not know, in the user's words."""

KEEPING = ("keep", "mapped")
"""Those under which they stay in the record."""

_encoder = msgspec.json.Encoder(decimal_format="number")

FREE = (None, "object", "array")
"""Types of a list's items of which the schema may not say what is inside."""

SEEN = 8 << 20
"""Bytes, about, of the combinations of names and types that are remembered of a schema."""

PER_NAME = 64
"""Bytes that a name and a type take beside its characters."""


class Shape:
    """A JSON schema compiled into what each record needs: types that fit, and selected fields.

    Pinterest's types wander (an id as a number, 6.0 for 6) and fields appear without notice.
    `conform` makes each record fit its schema without losing a digit; what cannot be made to fit
    becomes null. Both that and unknown fields are told through `note`, once per field.

    What a field's name calls a secret leaves as `***`: feeds come with passwords, integrations with
    tokens. The names decide and not the schema, as the user's catalog may be an older one.

    Args:
        schema: JSON schema of an object.
        selected: Whether the field at a Singer breadcrumb is wanted.
        note: Called with a sentence about something the user should know.
        unknown: What happens to fields that the schema does not know, one of `UNKNOWN`.
        public: Fields that are no secrets, whatever their names say.

    Attributes:
        unfit: How many values did not fit and became null.
        room: Bytes that may still be remembered.
        prunes: Whether `prune` has anything to do, as far as is known now.
    """

    def __init__(
        self,
        schema: Mapping[str, Any],
        selected: Callable[[tuple[str, ...]], bool],
        note: Callable[[str], None],
        unknown: str = "keep",
        public: AbstractSet[Path] = frozenset(),
    ) -> None:
        self._note = note
        self._told: set[tuple[str, str]] = set()
        self._unknown = unknown
        self._public = public
        self.unfit = 0
        self.room = SEEN
        self._root = _Node(self, schema, (), selected)
        self._selects = self._root.prunes()
        self.prunes = self._selects
        self._familiar = Familiar(lambda path: not self.hides(path))

    def conform(self, record: Record) -> None:
        """Make the values of a record fit the schema, in place."""
        self.conform_all([record])

    def conform_all(self, records: list[Record]) -> None:
        """Make the values of many records fit the schema, in place."""
        self._familiar.remember()
        known = self._familiar.knows
        if not known(records):
            for record in records:
                if not known(record):
                    self._root.conform(record)
                    if not known(record):
                        self._familiar.learn(record)
        if self._root.timed:
            for record in records:
                self._root.add_zones(record)

    def prune(self, record: Record) -> None:
        """Take out of a record what is not selected and what must not leave unknown, in place.

        Where the user left fields out, fields that the schema does not know stay behind too, unless
        they are collected.
        """
        collects = self._unknown == "collect"
        if self._selects:
            self._root.prune(record, with_unknown=not collects)
        if self._unknown in KEEPING:
            return
        found: Record = {}
        self._root.take_unknown(record, found)
        if collects and found:
            record[UNKNOWN_FIELDS] = _encoder.encode(found).decode()

    def hides(self, path: Path) -> bool:
        """Whether a field holds a secret."""
        return is_secret(path[-1]) and path not in self._public

    def tell_unknown(self, path: Path) -> None:
        """Tell of a field that the schema does not know, once, and what happens to it."""
        self.prunes = self.prunes or self._unknown not in KEEPING
        leaves = UNKNOWN[self._unknown]
        if self._unknown == "keep" and self.hides(path):
            leaves = "it leaves masked, as secrets do"
        self._tell(".".join(path), "not in the schema yet", leaves)

    def odd(self, field: str, value: Any) -> None:
        """Count a value that becomes null as it does not fit, and tell the first of its field."""
        self.unfit += 1
        what = f"the API sent {described(value)}, which does not fit the schema"
        self._tell(field, what, "such values are null", once="unfit")

    def _tell(self, field: str, what: str, so: str, once: str = "unknown") -> None:
        field = plain(field)
        if (field, once) in self._told or len(self._told) > MOST_TOLD:
            return
        self._told.add((field, once))
        if len(self._told) > MOST_TOLD:
            self._note("There are more such fields, of which nothing is said; they leave likewise")
        else:
            self._note(f"Field {field}: {what}; {so}")


def _kind(field: Mapping[str, Any]) -> str | None:
    """The one JSON type of a field beside null; None where a user's catalog allows any."""
    kinds = field.get("type") or ()
    kinds = {kinds} if isinstance(kinds, str) else set(kinds) - {"null"}
    return kinds.pop() if len(kinds) == 1 else None


class _Node:
    """An object of the schema, or what a list of the schema is made of.

    Attributes:
        timed: Whether there are times in this object or below.
    """

    timed: bool

    def __init__(
        self,
        shape: Shape,
        schema: Mapping[str, Any],
        path: Path,
        selected: Callable[[tuple[str, ...]], bool],
    ) -> None:
        self._shape = shape
        self._path = path
        self._seen: dict[tuple[object, ...], tuple[list[str], list[Fix]]] = {}
        self._known = frozenset(schema.get("properties", ()))
        self._secrets: set[str] = set()
        self._dropped: list[str] = []
        self._values: list[tuple[str, frozenset[type], Callable[[Any], Any]]] = []
        self._times: list[str] = []
        self._free: list[str] = []
        self._objects: list[tuple[str, _Node]] = []
        self._lists: list[tuple[str, frozenset[type], Callable[[Any], Any], _Node | None]] = []
        for name, field in schema.get("properties", {}).items():
            crumb = tuple(part for step in (*path, name) for part in ("properties", step))
            if not selected(crumb):
                self._dropped.append(name)
            kind = _kind(field)
            if shape.hides((*path, name)) and kind not in ("integer", "number", "boolean"):
                self._secrets.add(name)
            self._compile(name, kind, field, selected)
        self._timed_objects = [(name, node) for name, node in self._objects if node.timed]
        self._timed_lists = [(name, node) for name, *_, node in self._lists if node and node.timed]
        self.timed: bool = bool(self._times or self._timed_objects or self._timed_lists)

    def _compile(
        self,
        name: str,
        kind: str | None,
        field: Mapping[str, Any],
        selected: Callable[[tuple[str, ...]], bool],
    ) -> None:
        """Sort a field into the lists by which `conform` goes."""
        if kind is None:
            self._free.append(name)
        elif field.get("format") == "date-time":
            self._times.append(name)
        else:
            self._values.append((name, *KINDS[kind]))
            inner = field.get("items", {}) if kind == "array" else field
            node = None
            if inner.get("properties"):
                node = _Node(self._shape, inner, (*self._path, name), selected)
            item = _kind(inner)
            if kind == "array" and item:
                self._lists.append((name, *KINDS[item], node))
            elif kind == "object" and node:
                self._objects.append((name, node))
            if not node and (kind == "object" or (kind == "array" and item in FREE)):
                self._free.append(name)

    def add_zones(self, record: Record) -> None:
        """Give times their form and their zone in a record that fits otherwise."""
        get = record.get
        for name in self._times:
            value = get(name)
            if value is not None:
                record[name] = to_date_time_fast(value) or self._fixed(name, value, to_date_time)
        for name, node in self._timed_objects:
            if value := get(name):
                node.add_zones(value)
        for name, node in self._timed_lists:
            for value in get(name) or ():
                if value:
                    node.add_zones(value)

    def prunes(self) -> bool:
        """Whether anything in this object is left out."""
        return bool(self._dropped) or any(node.prunes() for _, node in self._objects)

    def conform(self, record: Record) -> None:
        """Make the values fit, but for the form of times."""
        # Records of one stream hardly differ in their names and types: what these need is found
        # out once.
        for name in self._secrets & record.keys() if self._secrets else ():
            record[name] = masked(record[name])
        get = record.get
        signature = (*record, *map(type, record.values()))
        suspects, unfit = self._seen.get(signature) or self._look_at(record, signature)
        for name, fix in unfit:
            record[name] = self._fixed(name, record[name], fix)
        for name in suspects:
            hidden = name not in self._known and self._shape.hides((*self._path, name))
            value = record[name]
            record[name] = (
                masked(value) if hidden else clean(value, self._shape.odd, self._named(name))
            )
        for name, node in self._objects:
            if value := get(name):
                node.conform(value)
        for name, kinds, fix, items in self._lists:
            if values := get(name):
                self._conform_items(name, values, kinds, fix, items)

    def _conform_items(
        self,
        name: str,
        values: list[Any],
        kinds: frozenset[type],
        fix: Callable[[Any], Any],
        items: _Node | None,
    ) -> None:
        for at, value in enumerate(values):
            if type(value) in kinds:
                if items:
                    items.conform(value)
            elif value is not None:
                values[at] = self._fixed(name, value, fix)

    def _look_at(
        self, record: Record, signature: tuple[object, ...]
    ) -> tuple[list[str], list[Fix]]:
        """The fields with a secret or an odd number in them, perhaps, and those of a wrong type."""
        suspects = [name for name in self._free if type(record.get(name)) in WALKED]
        for name in self._unknown(record):
            path = (*self._path, name)
            self._shape.tell_unknown(path)
            if self._shape.hides(path) or type(record[name]) in WALKED:
                suspects.append(name)
        fields = (*self._values, *((name, TIMES, to_date_time) for name in self._times))
        unfit = [
            (name, fix)
            for name, kinds, fix in fields
            if record.get(name) is not None and type(record[name]) not in kinds
        ]
        size = PER_NAME * len(record) + sum(map(len, record))
        if size <= self._shape.room:
            self._shape.room -= size
            self._seen[signature] = (suspects, unfit)
        return suspects, unfit

    def _unknown(self, record: Record) -> list[str]:
        return [name for name in record if name not in self._known]

    def prune(self, record: Record, *, with_unknown: bool) -> None:
        """Take out the fields that are not selected, and the unknown ones where that is asked."""
        for name in self._dropped:
            record.pop(name, None)
        if with_unknown:
            for name in self._unknown(record):
                del record[name]
        for name, node in self._objects:
            if value := record.get(name):
                node.prune(value, with_unknown=with_unknown)

    def take_unknown(self, record: Record, found: Record, path: str = "") -> None:
        """Move the fields that are not in the schema from the record to `found`, by their paths."""
        for name in self._unknown(record):
            found[f"{path}{name}"] = record.pop(name)
        for name, node in self._objects:
            if value := record.get(name):
                node.take_unknown(value, found, f"{path}{name}.")
        for name, *_, items in self._lists:
            for at, value in enumerate((record.get(name) or ()) if items else ()):
                if items and value:
                    items.take_unknown(value, found, f"{path}{name}.{at}.")

    def _fixed(self, name: str, value: Any, fix: Callable[[Any], Any]) -> Any:
        try:
            return fix(value)
        except Unfit:
            self._shape.odd(self._named(name), value)
            return None

    def _named(self, name: str) -> str:
        return ".".join((*self._path, name))
