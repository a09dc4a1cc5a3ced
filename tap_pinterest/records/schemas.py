"""The record schemas: the files in `schemas/`, read and completed for a stream."""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Path = tuple[str, ...]
"""The names of a field and of the objects and lists that it is in, outermost first."""


@functools.cache
def _text(record_type: str) -> str:
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
    schema: dict[str, Any] = json.loads(_text(record_type))
    for _ in _without_word(schema, ()):
        pass
    properties = schema["properties"]
    for name, kind in (adds or {}).items():
        properties[name] = {"type": [kind, "null"]}
    for key in keys:
        kinds = properties[key]["type"]
        if isinstance(kinds, list):
            (properties[key]["type"],) = (kind for kind in kinds if kind != "null")
    return schema


@functools.cache
def public_fields(record_type: str) -> frozenset[Path]:
    """The fields of which the file says `"secret": false`, though their names sound like secrets.

    The files say so, and not a stream's schema: that may be the user's catalog.
    """
    return frozenset(_without_word(json.loads(_text(record_type)), ()) if record_type else ())


def _without_word(schema: dict[str, Any], path: Path) -> Iterator[Path]:
    """Take the word `secret`, which is for the tap alone, out of a schema; the fields with it."""
    if schema.pop("secret", None) is False:
        yield path
    for name, field in schema.get("properties", {}).items():
        yield from _without_word(field, (*path, name))
    if "items" in schema:
        yield from _without_word(schema["items"], path)
