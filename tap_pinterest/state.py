"""The state that a run is given: what cannot be trusted in it is told and taken out, part by part.

Orchestrators merge states deeply, keep keys that a run has dropped, and hand back the state of an
older run or version. A bookmark that is believed too much loses rows for ever; one that is not
believed costs some days that are read again.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

from tap_pinterest import clock
from tap_pinterest.errors import TapError
from tap_pinterest.notes import Notes
from tap_pinterest.shown import plain
from tap_pinterest.words import some

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

SENSELESS = "makes no sense"

EARLIEST = date(2010, 1, 1)
"""Pinterest has no earlier day to offer."""


def check_state(state: Mapping[str, Any], streams: Collection[str]) -> None:
    """Take out of a state, in place, what no version of this tap wrote, and say so.

    Each stream, and each partition of one, is looked at by itself: a bad one costs itself.

    Raises:
        TapError: It is not a state, or that of another tap.
    """
    bookmarks = state.get("bookmarks", None if state else {})
    if not isinstance(bookmarks, dict):
        raise TapError(
            "The state cannot be used: `bookmarks` must be an object of one object per stream. "
            "Give the last STATE that the target confirmed, or none to read everything again."
        )
    foreign = sorted(bookmarks.keys() - set(streams))
    if foreign and len(foreign) == len(bookmarks):
        raise TapError(
            f"The state is that of another tap: it knows {some([*map(plain, foreign)])}, and none "
            "of the streams of tap-pinterest."
        )
    notes = Notes("the state")
    if foreign:
        names = some([*map(plain, foreign)])
        notes.tell(f"The state has bookmarks of streams that do not exist: {names}.")
    for stream, bookmark in bookmarks.items():
        bookmarks[stream] = _trusted(bookmark, f"stream {plain(stream)}", notes)


def _trusted(bookmark: Any, whose: str, notes: Notes) -> dict[str, Any]:
    """What can be trusted of the bookmark of a stream or partition."""
    if not isinstance(bookmark, dict):
        _tell(notes, whose, "is no object")
        return {}
    # Null is as if it were not there, but where the SDK looks for a list or an object.
    inner = ("pass", "partitions", "progress_markers")
    kept = {
        name: value for name, value in bookmark.items() if value is not None or name not in inner
    }
    if "pass" in kept and not _is_pass(kept["pass"]):
        del kept["pass"]
        notes.tell(
            f"The state of {whose} has an unfinished pass that another version began: it is not "
            "gone on with, so that days are read again.",
            level=logging.INFO,
        )
    for name, fault_of in PARTS.items():
        if kept.get(name) is not None and (fault := fault_of(kept[name])):
            del kept[name]
            _tell(notes, whose, f"has a `{name}` that {fault}")
    if "partitions" in kept:
        kept["partitions"] = list(_partitions(kept["partitions"], whose, notes))
    return kept


def _partitions(partitions: list[Any], whose: str, notes: Notes) -> Iterator[dict[str, Any]]:
    contexts = [_context(part) for part in partitions]
    times = Counter(contexts)
    for part, context in zip(partitions, contexts, strict=True):
        if context is None:
            _tell(notes, whose, f"has a partition that {SENSELESS}")
        elif times[context] > 1:  # which the SDK refuses
            _tell(notes, whose, f"has {_said(part['context'])} {times[context]} times")
        else:
            yield _trusted(part, f"{whose}, {_said(part['context'])}", notes)


def _context(part: Any) -> str | None:
    """What tells a partition from the others; None where nothing does."""
    context = part.get("context") if isinstance(part, dict) else None
    if not isinstance(context, dict) or not all(isinstance(each, str) for each in context.values()):
        return None
    return json.dumps(context, sort_keys=True) if context else None


def _said(context: Mapping[str, str]) -> str:
    """A context as people say it, which may be the same for two."""
    return some([f"{plain(name)} {plain(value)}" for name, value in sorted(context.items())])


def _tell(notes: Notes, whose: str, fault: str) -> None:
    notes.tell(f"The state of {whose} {fault}: it is ignored, so that days are read again.")


def _day(value: Any) -> str | None:
    """What is wrong with a day, or a moment on one."""
    try:
        day = date.fromisoformat(value[:10]) if isinstance(value, str) else date.min
    except ValueError:
        return SENSELESS
    if day > clock.today():
        return f"lies in the future ({plain(value)})"
    return SENSELESS if day < EARLIEST else None


def _of(kind: type) -> Callable[[Any], str | None]:
    return lambda value: None if isinstance(value, kind) else SENSELESS


PARTS: Mapping[str, Callable[[Any], str | None]] = {
    "replication_key": _of(str),
    "replication_key_value": _day,
    "covered_from": _day,
    "fingerprint": _of(str),
    "progress_markers": _of(dict),
    "partitions": _of(list),
}
"""What a bookmark keeps, and what tells that one of it is of no use."""


def _day_or_none(value: Any) -> str | None:
    return None if value == "" else _day(value)


PASS: Mapping[str, Callable[[Any], str | None]] = {
    "open": _of(bool),
    "from": _day_or_none,
    "first": _day_or_none,
    "asked": _of(str),
    "fingerprint": _of(str),
    "after": _of(str),
    "through": _day_or_none,
    "holes": _of(bool),
}
"""What an unfinished pass keeps: all of it always, each a scalar, so that no merge can mix two."""


def _is_pass(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and not any(name not in value or fault_of(value[name]) for name, fault_of in PASS.items())
        and bool(value["first"]) >= value["open"]
    )
