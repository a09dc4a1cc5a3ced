"""What happens to a record between the page it came on and the message it leaves in."""

from __future__ import annotations

import functools
import json
import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from importlib import resources
from typing import TYPE_CHECKING, Any

import msgspec

from tap_pinterest.records.familiar import Familiar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Record = dict[str, Any]

DATE_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?(?:Z|([+-]\d\d):?(\d\d))?$",
    re.IGNORECASE,
)


SEEN = 4096
"""How many combinations of names and types are remembered per object of a schema."""


MARKS = "--T::"
"""Every third character of a time to the second, from the fifth on."""


SECRET = re.compile(
    r"password|passphrase|secret|credential|cryptographic_key|api_key|private_key|tokens?$",
    re.IGNORECASE,
)
"""Names of fields that hold what opens somebody's door: `partner_access_token`, `credentials`."""

MASK = "***"
NOT_JSON = "it is not UTF-8, or nested too deeply"


class Unfit(Exception):
    """A value cannot be turned into what the schema says without inventing something."""


def _number(text: str) -> float | Decimal:
    """A JSON number that has a fraction: a float where that is exact, else a Decimal."""
    value = float(text)
    return value if repr(value) == text else Decimal(text)


_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(list[dict[str, Any]], float_hook=_number)
_one_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=_number)


def decode(items: msgspec.Raw | bytes) -> list[Record]:
    """A JSON list of objects; integers of any size and fractions keep every digit.

    Raises:
        msgspec.DecodeError: It is not a list of objects.
    """
    try:
        return _decoder.decode(items)
    except (UnicodeDecodeError, RecursionError) as exc:
        raise msgspec.DecodeError(NOT_JSON) from exc


def decode_one(body: bytes) -> Record:
    """A JSON object, likewise exact.

    Raises:
        msgspec.DecodeError: It is not an object.
    """
    try:
        return _one_decoder.decode(body)
    except (UnicodeDecodeError, RecursionError) as exc:
        raise msgspec.DecodeError(NOT_JSON) from exc


@functools.cache
def _schema_text(record_type: str) -> str:
    return (resources.files("tap_pinterest") / "schemas" / f"{record_type}.json").read_text("utf-8")


def load_schema(
    record_type: str, keys: Iterable[str] = (), adds: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The JSON schema of a record type.

    Args:
        record_type: Name of a file in `schemas/`.
        keys: Fields that identify a record: never null.
        adds: Fields that the stream adds to what the API sends, with their JSON types.
    """
    schema: dict[str, Any] = json.loads(_schema_text(record_type))
    properties = schema["properties"]
    for name, kind in (adds or {}).items():
        properties[name] = {"type": [kind, "null"]}
    for key in keys:
        kinds = properties[key]["type"]
        if isinstance(kinds, list):
            (properties[key]["type"],) = (kind for kind in kinds if kind != "null")
    return schema


def _to_string(value: Any) -> str:
    return value if isinstance(value, str) else _encoder.encode(value).decode()


def _to_integer(value: Any) -> int:
    try:
        number = Decimal(value if isinstance(value, str) else str(value))
        if number == int(number):
            return int(number)
    except (InvalidOperation, ValueError, OverflowError):
        pass
    raise Unfit


def _to_number(value: Any) -> Any:
    try:
        number = Decimal(value) if isinstance(value, str) else Decimal(str(value))
    except (InvalidOperation, ValueError):
        raise Unfit from None
    if not number.is_finite():
        raise Unfit
    return number


def _to_boolean(value: Any) -> bool:
    known = {"true": True, "false": False, "1": True, "0": False}
    try:
        return known[str(value).lower()]
    except KeyError:
        raise Unfit from None


def _to_date_time(value: Any) -> str:
    """ISO time with a zone; times without one are UTC."""
    found = DATE_TIME.match(value) if isinstance(value, str) else None
    if not found:
        raise Unfit
    day, minute, second, hours, minutes = found.groups()
    time = f"{day}T{minute}{second or ':00'}" + (f"{hours}:{minutes}" if hours else "Z")
    try:
        datetime.fromisoformat(time)
    except ValueError:  # such as 0000-00-00
        raise Unfit from None
    return time


def _to_date_time_fast(value: Any) -> str | None:
    """The usual form, a time to the second without a zone; None for any other."""
    if type(value) is str and len(value) == 19 and value[4::3] == MARKS:  # noqa: PLR2004
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return None
        return value + "Z"
    return None


def _unfit(value: Any) -> Any:  # noqa: ARG001
    raise Unfit


def _masked(value: Any) -> Any:
    """A secret, with its shape and nothing else left."""
    if isinstance(value, dict):
        return {name: _masked(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_masked(part) for part in value]
    return value if value is None or isinstance(value, bool) else MASK


@functools.lru_cache(SEEN)
def _is_secret(name: str) -> bool:
    return SECRET.search(name) is not None


def _mask(record: Record, names: Iterable[str]) -> None:
    """Mask what looks like a secret in some fields and everywhere below them, in place."""
    for name in names:
        value = record[name]
        if _is_secret(name):
            record[name] = _masked(value)
        elif type(value) is dict:
            _mask(value, value)
        elif type(value) is list:
            for part in value:
                if type(part) is dict:
                    _mask(part, part)
                elif type(part) is list:
                    _mask({"": part}, ("",))


KINDS: dict[str, tuple[frozenset[type], Callable[[Any], Any]]] = {
    "string": (frozenset({str}), _to_string),
    "integer": (frozenset({int}), _to_integer),
    "number": (frozenset({int, float, Decimal}), _to_number),
    "boolean": (frozenset({bool}), _to_boolean),
    "object": (frozenset({dict}), _unfit),
    "array": (frozenset({list}), _unfit),
}


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
    """

    def __init__(
        self,
        schema: Mapping[str, Any],
        selected: Callable[[tuple[str, ...]], bool],
        note: Callable[[str], None],
    ) -> None:
        self._note = note
        self._told: set[str] = set()
        self.unfit = 0
        self._root = _Node(self, schema, (), selected)
        self._keeps_all = not self._root.prunes()
        self._familiar = Familiar(lambda name: not _is_secret(name))

    def conform(self, record: Record) -> None:
        """Make the values of a record fit the schema, in place."""
        self.conform_all([record])

    def conform_all(self, records: list[Record]) -> None:
        """Make the values of many records fit the schema, in place."""
        self._familiar.remember()
        known = self._familiar.knows
        whole = known(records)
        for record in records:
            if whole or known(record):
                if self._root.timed:
                    self._root.add_zones(record)
            else:
                self._root.conform(record)
                self._familiar.learn(record)

    def prune(self, record: Record) -> None:
        """Take out of a record what is not selected, in place.

        Where the user left fields out, fields that the schema does not know stay behind too.
        """
        if not self._keeps_all:
            self._root.prune(record)

    def tell(self, field: str, sentence: str) -> None:
        """Tell something about a field, once."""
        if field not in self._told:
            self._told.add(field)
            self._note(f"Field {field}: {sentence}")


def _kind(field: Mapping[str, Any]) -> str | None:
    """The one JSON type of a field beside null; None where a user's catalog allows any."""
    kinds = field.get("type") or ()
    kinds = {kinds} if isinstance(kinds, str) else set(kinds) - {"null"}
    return kinds.pop() if len(kinds) == 1 else None


class _Node:
    """An object of the schema."""

    def __init__(
        self,
        shape: Shape,
        schema: Mapping[str, Any],
        path: tuple[str, ...],
        selected: Callable[[tuple[str, ...]], bool],
    ) -> None:
        self._shape = shape
        self._path = path
        self._fitting: dict[tuple[object, ...], tuple[str, ...]] = {}
        self._known = frozenset(schema.get("properties", ()))
        self._secrets: set[str] = set()
        self._dropped: list[str] = []
        self._kept: set[str] = set()
        self._values: list[tuple[str, frozenset[type], Callable[[Any], Any]]] = []
        self._times: list[str] = []
        self._objects: list[tuple[str, _Node]] = []
        self._lists: list[tuple[str, frozenset[type], Callable[[Any], Any], _Node | None]] = []
        for name, field in schema.get("properties", {}).items():
            crumb = tuple(part for step in (*path, name) for part in ("properties", step))
            (self._kept.add if selected(crumb) else self._dropped.append)(name)
            kind = _kind(field)
            if _is_secret(name) and kind not in ("integer", "number", "boolean"):
                self._secrets.add(name)
            if kind is None:
                continue
            if field.get("format") == "date-time":
                self._times.append(name)
                continue
            self._values.append((name, *KINDS[kind]))
            inner = field.get("items", {}) if kind == "array" else field
            node = None
            if inner.get("properties"):
                node = _Node(shape, inner, (*path, name), selected)
            if kind == "array":
                if kind_of_items := _kind(inner):
                    self._lists.append((name, *KINDS[kind_of_items], node))
            elif node:
                self._objects.append((name, node))

    @functools.cached_property
    def timed(self) -> bool:
        """Whether there are times in this object or below."""
        below = [node for _, node in self._objects]
        below += [node for *_, node in self._lists if node]
        return bool(self._times) or any(node.timed for node in below)

    def add_zones(self, record: Record) -> None:
        """Give times their zone in a record that fits otherwise."""
        get = record.get
        for name in self._times:
            value = get(name)
            if value is not None:
                record[name] = _to_date_time_fast(value) or self._fixed(name, value, _to_date_time)
        for name, node in self._objects:
            if node.timed and (value := get(name)):
                node.add_zones(value)
        for name, *_, items in self._lists:
            if items and items.timed:
                for value in get(name) or ():
                    if value:
                        items.add_zones(value)

    def prunes(self) -> bool:
        """Whether anything in this object is left out."""
        return bool(self._dropped) or any(node.prunes() for _, node in self._objects)

    def conform(self, record: Record) -> None:
        # Records of one stream hardly differ in their names and types: what was found to fit once
        # needs no second look.
        if self._secrets:
            _mask(record, self._secrets & record.keys())
        get = record.get
        signature = (*record, *map(type, record.values()))
        suspects = self._fitting.get(signature)
        if suspects is None:
            suspects = self._check(record, signature)
        if suspects:
            _mask(record, suspects)
        for name in self._times:
            value = get(name)
            if value is not None:
                record[name] = _to_date_time_fast(value) or self._fixed(name, value, _to_date_time)
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

    def _check(self, record: Record, signature: tuple[object, ...]) -> tuple[str, ...]:
        """Make the types fit; the unknown fields that may hold a secret, or have one inside."""
        suspects = []
        for name in record.keys() - self._known:
            leaves = "masked, as secrets do" if _is_secret(name) else "as the API sent it"
            self._shape.tell(self._named(name), f"not in the schema yet; it leaves {leaves}")
            if _is_secret(name) or isinstance(record[name], dict | list):
                suspects.append(name)
        fitted = True
        for name, kinds, fix in self._values:
            value = record.get(name)
            if value is not None and type(value) not in kinds:
                record[name] = self._fixed(name, value, fix)
                fitted = False
        if fitted and len(self._fitting) < SEEN:
            self._fitting[signature] = tuple(suspects)
        return tuple(suspects)

    def prune(self, record: Record) -> None:
        for name in record.keys() - self._kept:
            del record[name]
        for name, node in self._objects:
            if value := record.get(name):
                node.prune(value)

    def _fixed(self, name: str, value: Any, fix: Callable[[Any], Any]) -> Any:
        try:
            return fix(value)
        except Unfit:
            self._shape.unfit += 1
            self._shape.tell(
                self._named(name),
                f"the API sent {type(value).__name__} {str(value)[:40]!r}, which does not fit the "
                "schema; such values are null",
            )
            return None

    def _named(self, name: str) -> str:
        return ".".join((*self._path, name))
