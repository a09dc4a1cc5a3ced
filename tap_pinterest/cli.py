"""The command line: what the user hands in is read with plain words, and never a traceback."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import sys
import textwrap
import warnings
from datetime import date
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
from singer_sdk.exceptions import ConfigValidationError, MappingError
from singer_sdk.plugin_base import SingerCommand

from tap_pinterest.errors import TapError
from tap_pinterest.writer import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

logger = logging.getLogger("tap-pinterest")

TYPES = frozenset(("array", "boolean", "integer", "null", "number", "object", "string"))
FLAGS = ("selected", "selected-by-default")
WORDS = ("inclusion", "replication-key", "forced-replication-method")


class Command(SingerCommand):
    """Ends with one line for what the user can mend, and with the exit code of a signal."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command and exit."""
        try:
            return super().main(*args, **kwargs)
        except ConfigValidationError as exc:
            for error in exc.errors:
                logger.error("%s", error)
            sys.exit(1)
        except TapError as exc:
            logger.error("%s", exc)
            sys.exit(1)
        except MappingError as exc:
            logger.error("Setting `stream_maps`: %s", exc)
            sys.exit(1)
        except Interrupted as exc:
            logger.error("%s; the next run goes on from the last state.", exc)
            sys.exit(exc.exit_code)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command.

        Raises:
            TapError: The target went away; click would end without a word.
        """
        # As the SDK's command does, whose last words on wrong settings say less than ours.
        logging.captureWarnings(capture=True)
        warnings.filterwarnings("once", category=DeprecationWarning)
        sys.excepthook = self.excepthook
        try:
            return super(SingerCommand, self).invoke(ctx)
        except BrokenPipeError:
            # What is still buffered cannot be written either: keep the interpreter from trying.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise TapError(
                "The target closed its input before everything was written; its own messages say "
                "why. Run again with the last state that it confirmed."
            ) from None


def show(*cells: str, widths: Sequence[int]) -> None:
    """Print a row of a table; its last cell is wrapped to the width of the terminal."""
    start = "".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False))
    room = max(40, shutil.get_terminal_size((100, 0)).columns - len(start))
    lines = textwrap.wrap(cells[-1], room, break_on_hyphens=False, break_long_words=False) or [""]
    click.echo((start + ("\n" + " " * len(start)).join(lines)).rstrip())


def read_config(path: str) -> dict[str, Any]:
    """Read a configuration file.

    Raises:
        click.BadParameter: It is not there, cannot be read, or is not a JSON object.
    """
    try:
        return as_object(Path(path).read_bytes(), f"The configuration file {path}")
    except OSError as exc:
        raise click.BadParameter(f"{path} cannot be read: {exc.strerror}.") from None


def read_document(file: IO[str] | None, what: str) -> dict[str, Any] | None:
    """Read a file given on the command line, such as the catalog; None where none was given."""
    if file is None:
        return None
    try:
        return as_object(file.read(), what)
    except (OSError, UnicodeDecodeError):
        raise TapError(f"{what} cannot be read as text.") from None


def as_object(text: str | bytes, what: str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        TapError: It is none; the message says where it breaks.
    """
    if not text.strip():
        raise TapError(f"{what} is empty: give the last complete one, or leave the option out.")
    try:
        content = json.loads(text)
    except json.JSONDecodeError as exc:
        raise TapError(
            f"{what} is not valid JSON: {exc.msg} at line {exc.lineno}, column {exc.colno}."
        ) from None
    except (UnicodeDecodeError, RecursionError):
        raise TapError(f"{what} is not JSON text.") from None
    if not isinstance(content, dict):
        raise TapError(f"{what} must be a JSON object, not {type(content).__name__}.")
    return content


def check_catalog(catalog: Mapping[str, Any], streams: Mapping[str, Collection[str]]) -> None:
    """Check a catalog before the SDK reads it; what it names and does not exist is warned about.

    Args:
        catalog: The catalog.
        streams: The fields of each stream that exists.

    Raises:
        TapError: It is not a catalog.
    """
    for problem in _catalog_problems(catalog):
        raise TapError(
            f"The catalog cannot be used: {problem}. Make a new one: `tap-pinterest --discover`."
        )
    for entry in catalog["streams"]:
        name = entry["tap_stream_id"]
        if name not in streams:
            logger.warning("The catalog names the stream %r, which does not exist.", name)
            continue
        for meta in entry.get("metadata", ()):
            crumb = meta["breadcrumb"]
            field = crumb[1] if len(crumb) > 1 else None
            if field and meta["metadata"].get("selected") and field not in streams[name]:
                logger.warning("The catalog selects %s.%s, which does not exist.", name, field)


def _catalog_problems(catalog: Mapping[str, Any]) -> Iterator[str]:
    entries = catalog.get("streams")
    if not isinstance(entries, list):
        yield "it has no list `streams`"
        return
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("tap_stream_id"), str):
            yield f"entry {number} of `streams` has no `tap_stream_id`"
        else:
            yield from _entry_problems(entry, f"stream {entry['tap_stream_id']!r}")


def _entry_problems(entry: Mapping[str, Any], stream: str) -> Iterator[str]:
    schema = entry.get("schema")
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        yield f"{stream} has no `schema` with `properties`"
    else:
        yield from _schema_problems(schema, f"the schema of {stream}")
    if entry.get("stream") not in (None, entry["tap_stream_id"]):
        yield f"{stream} has another name in `stream`; rename it with the setting `stream_maps`"
    for name in ("replication_key", "replication_method"):
        if not isinstance(entry.get(name), str | None):
            yield f"`{name}` of {stream} is not a text"
    if not _are_texts(entry.get("key_properties") or []):
        yield f"`key_properties` of {stream} is not a list of names"
    metadata = entry.get("metadata", [])
    if not isinstance(metadata, list) or not all(map(_is_metadata, metadata)):
        yield f"the metadata of {stream} is not a list of breadcrumbs and what holds for them"
    else:
        yield from _key_problems(entry, stream)


def _key_problems(entry: Mapping[str, Any], stream: str) -> Iterator[str]:
    """Keys and bookmarks that are no fields; everything else of the entry was looked at before."""
    root: dict[str, Any] = next(
        (m["metadata"] for m in entry.get("metadata", []) if not m["breadcrumb"]), {}
    )
    names = entry.get("key_properties") or root.get("table-key-properties") or []
    bookmark = entry.get("replication_key") or root.get("replication-key")
    for name in [*names, *([bookmark] if bookmark else [])]:
        if not (entry["schema"]["properties"].get(name) or {}).get("type"):
            yield f"{stream} needs the field {name!r}, and its schema has none with a `type`"


def _is_metadata(meta: Any) -> bool:
    if not isinstance(meta, dict) or not _are_texts(meta.get("breadcrumb")):
        return False
    what = meta.get("metadata")
    return (
        isinstance(what, dict)
        and all(isinstance(what.get(name), bool | None) for name in FLAGS)
        and all(isinstance(what.get(name), str | None) for name in WORDS)
        and _are_texts(what.get("table-key-properties") or [])
    )


def _schema_problems(schema: Any, what: str) -> Iterator[str]:
    """What makes a JSON schema, or a part of one, unusable to us and to the SDK."""
    if not isinstance(schema, dict):
        yield f"{what} is not an object"
        return
    kinds = schema.get("type") or []
    if not _are_texts([kinds] if isinstance(kinds, str) else kinds) or not TYPES.issuperset(
        [kinds] if isinstance(kinds, str) else kinds
    ):
        yield f"the `type` in {what} is none of JSON's"
    if not _are_texts(schema.get("required") or []):
        yield f"`required` in {what} is not a list of names"
    properties = schema.get("properties")
    if not isinstance(properties, dict | None):
        yield f"the `properties` in {what} are not an object"
        return
    for name, field in (properties or {}).items():
        yield from _schema_problems(field, f"{what}, field {name!r}")
    if (items := schema.get("items")) is not None:
        yield from _schema_problems(items, f"{what}, items")


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_bookmark(bookmark: Any) -> bool:
    if not isinstance(bookmark, dict) or not isinstance(bookmark.get("progress_markers", {}), dict):
        return False
    partitions = bookmark.get("partitions", [])
    return isinstance(partitions, list) and all(
        _is_bookmark(part) and isinstance(part.get("context"), dict) for part in partitions
    )


def _is_day(value: Any) -> bool:
    """Whether a value is a day of this century, or a moment on one."""
    try:
        return bool(re.match("20[1-9]", value) and date.fromisoformat(value[:10]))
    except (TypeError, ValueError):
        return False


BOOKMARK: Mapping[str, Callable[[Any], bool]] = {
    "replication_key_value": _is_day,
    "covered_from": _is_day,
    "fingerprint": lambda value: isinstance(value, str),
    "pass": lambda value: isinstance(value, dict),
}
"""What a bookmark keeps, and what it must look like."""


def check_state(state: Mapping[str, Any], streams: Collection[str]) -> None:
    """Check a state before the SDK reads it; parts of bookmarks that make no sense are taken out.

    Raises:
        TapError: It is not a state, or that of another tap.
    """
    bookmarks = state.get("bookmarks", None if state else {})
    if not isinstance(bookmarks, dict) or not all(map(_is_bookmark, bookmarks.values())):
        raise TapError(
            "The state cannot be used: `bookmarks` must be an object of one object per stream. "
            "Give the last STATE that the target confirmed, or none to read everything again."
        )
    foreign = sorted(bookmarks.keys() - set(streams))
    if foreign and len(foreign) == len(bookmarks):
        raise TapError(
            f"The state is that of another tap: it knows {', '.join(foreign[:3])} and none of the "
            "streams of tap-pinterest."
        )
    if foreign:
        logger.warning("The state has bookmarks of streams that do not exist: %s.", foreign)
    for stream, bookmark in bookmarks.items():
        for name, makes_sense in BOOKMARK.items():
            if bookmark.get(name) is not None and not makes_sense(bookmark[name]):
                logger.warning(
                    "The state of stream %s has a `%s` that makes no sense: it is ignored, so that "
                    "days are read again.",
                    stream,
                    name,
                )
                del bookmark[name]
