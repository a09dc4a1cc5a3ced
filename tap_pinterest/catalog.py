"""The catalog that a run is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_pinterest.errors import TapError
from tap_pinterest.notes import Notes
from tap_pinterest.shown import plain
from tap_pinterest.words import some

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

TYPES = frozenset(("array", "boolean", "integer", "null", "number", "object", "string"))
FLAGS = ("selected", "selected-by-default")
WORDS = ("inclusion", "replication-key", "replication-method", "forced-replication-method")

ENTRY = frozenset(
    (
        *("tap_stream_id", "stream", "schema", "metadata", "key_properties"),
        *("replication_key", "replication_method", "stream_alias", "table_name"),
        *("database_name", "is_view", "row_count"),
    )
)
"""What the entry of a stream may say."""

METADATA = frozenset(
    (
        *FLAGS,
        *WORDS,
        *("table-key-properties", "valid-replication-keys", "view-key-properties"),
        *("schema-name", "database-name", "is-view", "row-count", "sql-datatype"),
    )
)
"""What the metadata of a stream or field may say."""

CHOICES = ("anyOf", "oneOf", "allOf")
"""What a JSON schema may say instead of one `type`: a list of schemas."""

METHODS = (None, "FULL_TABLE", "INCREMENTAL")


def check_catalog(
    catalog: dict[str, Any],
    fields: Mapping[str, Collection[str]],
    keys: Mapping[str, Collection[str]],
) -> None:
    """Check a catalog before the SDK reads it, and write into it, in place, what always holds.

    What it says and means nothing is warned about. Keys always leave, whatever it says of them.

    Args:
        catalog: The catalog.
        fields: The fields of each stream that exists.
        keys: The primary key of each stream.

    Raises:
        TapError: It is not a catalog.
    """
    _stop_at(_catalog_problems(catalog))
    notes = Notes("the catalog")
    _warn_of_unknown(notes, catalog, ("streams",), "the catalog")
    for entry in catalog["streams"]:
        name = entry["tap_stream_id"]
        if name not in fields:
            notes.tell(
                f"The catalog names the stream {plain(name)!r}, which does not exist.", name, fields
            )
            continue
        _warn_of_unknown(notes, entry, {*ENTRY, *_repeated(entry)}, f"stream {name}")
        _set_keys(notes, entry, keys[name])
        for meta in entry.get("metadata", ()):
            _complete(entry, meta, keys[name])
            crumb, what = meta["breadcrumb"], meta["metadata"]
            field = crumb[1] if len(crumb) > 1 else None
            where = f"{name}.{plain(field)}" if field else f"stream {name}"
            _warn_of_unknown(notes, what, METADATA, where)
            if field and what.get("selected") and field not in fields[name]:
                notes.tell(f"The catalog selects {where}, which does not exist.")


def _stop_at(problems: Iterator[str]) -> None:
    for problem in problems:
        raise TapError(
            f"The catalog cannot be used: {problem}. Make a new one: `tap-pinterest --discover`."
        )


def _set_keys(notes: Notes, entry: dict[str, Any], keys: Collection[str]) -> None:
    """Let rows be told apart by what tells them apart, whatever the catalog says."""
    name, root = entry["tap_stream_id"], _root(entry)
    if root.get("selected") is False:
        return
    said = entry.get("key_properties") or root.get("table-key-properties")
    if said and set(said) != set(keys):
        notes.tell(
            f"The catalog says that rows of stream {name} are told apart by "
            f"{some([*map(plain, said)])}; it is by {', '.join(keys)}."
        )
    entry["key_properties"] = [*keys]
    _stop_at(_key_problems(entry, f"stream {name!r}"))


def _root(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of the stream itself."""
    return next((m["metadata"] for m in entry.get("metadata", ()) if not m["breadcrumb"]), {})


def _repeated(entry: Mapping[str, Any]) -> list[str]:
    """What an entry repeats of its metadata in an older spelling: so Meltano writes catalogs."""
    old = {word.replace("-", "_"): said for word, said in _root(entry).items()}
    return [word for word, said in old.items() if entry.get(word) == said]


def _complete(entry: dict[str, Any], meta: dict[str, Any], keys: Collection[str]) -> None:
    """Make keys leave, and let the words of the Singer specification reach the SDK."""
    crumb, what = meta["breadcrumb"], meta["metadata"]
    if not crumb and what.get("replication-method"):  # which Meltano's `metadata` sets
        entry["replication_method"] = what["forced-replication-method"] = what["replication-method"]
    if crumb in [["properties", key] for key in (*keys, entry.get("replication_key"))]:
        what["inclusion"] = "automatic"


def _warn_of_unknown(
    notes: Notes, found: Mapping[str, Any], known: Collection[str], where: str
) -> None:
    for word in sorted(found.keys() - {*known}):
        sentence = f"The catalog says `{plain(word)}` of {where}, which means nothing"
        notes.tell(f"{sentence}; it is ignored.", word, known)


def _catalog_problems(catalog: Mapping[str, Any]) -> Iterator[str]:
    entries = catalog.get("streams")
    if not isinstance(entries, list):
        yield "it has no list `streams`"
        return
    names = set()
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("tap_stream_id"), str):
            yield f"entry {number} of `streams` has no `tap_stream_id`"
        elif entry["tap_stream_id"] in names:
            yield f"stream {plain(entry['tap_stream_id'])!r} is in it twice"
        else:
            names.add(entry["tap_stream_id"])
            yield from _entry_problems(entry, f"stream {plain(entry['tap_stream_id'])!r}")


def _entry_problems(entry: Mapping[str, Any], stream: str) -> Iterator[str]:
    schema = entry.get("schema")
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        yield f"{stream} has no `schema` with `properties`"
    else:
        yield from _schema_problems(schema, f"the schema of {stream}")
    if entry.get("stream") not in (None, entry["tap_stream_id"]):
        yield f"{stream} has another name in `stream`; rename it with the setting `stream_maps`"
    if not isinstance(entry.get("replication_key"), str | None):
        yield f"`replication_key` of {stream} is not a text"
    if entry.get("replication_method") not in METHODS:
        yield f"`replication_method` of {stream} is neither FULL_TABLE nor INCREMENTAL"
    if not _are_texts(entry.get("key_properties") or []):
        yield f"`key_properties` of {stream} is not a list of names"
    metadata = entry.get("metadata", [])
    if not isinstance(metadata, list) or not all(map(_is_metadata, metadata)):
        yield f"the metadata of {stream} is not a list of breadcrumbs and what holds for them"
    else:
        yield from _key_problems(entry, stream)


def _key_problems(entry: Mapping[str, Any], stream: str) -> Iterator[str]:
    """Keys and bookmarks that are no fields; everything else of the entry was looked at before."""
    root = _root(entry)
    names = entry.get("key_properties") or root.get("table-key-properties") or []
    bookmark = entry.get("replication_key") or root.get("replication-key")
    for name in [*names, *([bookmark] if bookmark else [])]:
        if not (entry["schema"]["properties"].get(name) or {}).get("type"):
            yield f"{stream} needs the field {plain(name)!r}, and its schema has none with a `type`"


def _is_metadata(meta: Any) -> bool:
    if not isinstance(meta, dict) or not _are_texts(meta.get("breadcrumb")):
        return False
    what = meta.get("metadata")
    return (
        isinstance(what, dict)
        and all(isinstance(what.get(name), bool | None) for name in FLAGS)
        and all(isinstance(what.get(name), str | None) for name in WORDS)
        and all(what.get(name) in METHODS for name in WORDS if name.endswith("-method"))
        and _are_texts(what.get("table-key-properties") or [])
    )


def _schema_problems(schema: Any, what: str) -> Iterator[str]:
    """What makes a JSON schema, or a part of one, unusable to us and to the SDK."""
    if not isinstance(schema, dict):
        yield f"{what} is not an object"
        return
    kinds = schema.get("type") or []
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not _are_texts(kinds) or not TYPES.issuperset(kinds):
        yield f"the `type` in {what} is none of JSON's"
    if not isinstance(schema.get("format"), str | None):
        yield f"the `format` in {what} is not a text"
    if not _are_texts(schema.get("required") or []):
        yield f"`required` in {what} is not a list of names"
    if not isinstance(schema.get("properties"), dict | None):
        yield f"the `properties` in {what} are not an object"
    for word in CHOICES:
        if not isinstance(schema.get(word), list | None):
            yield f"`{word}` in {what} is not a list"
    for place, part in _parts(schema):
        yield from _schema_problems(part, f"{what}, {place}")


def _parts(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The schemas in a schema, each with the words for its place."""
    for name, field in (schema.get("properties") or {}).items():
        yield f"field {plain(name)!r}", field
    if (items := schema.get("items")) is not None:
        yield "items", items
    for word in CHOICES:
        for number, choice in enumerate(schema.get(word) or ()):
            yield f"{word} {number}", choice


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
