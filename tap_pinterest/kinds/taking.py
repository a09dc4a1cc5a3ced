"""What is taken from a page: its records, without those that cannot be used, which are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_pinterest.errors import StreamError
from tap_pinterest.records.pages import Page
from tap_pinterest.shown import plain
from tap_pinterest.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_pinterest.kinds.stream import PinterestStream
    from tap_pinterest.records.decoding import Record

NO_KEY = (None, "")
"""What a key that is missing is."""


def take(stream: PinterestStream, page: Page) -> list[Record]:
    """A page's records, completed and made to fit; what is none of them is told.

    A record without its key is left out: two of them would be one row.
    """
    losses, what, part = stream.losses, named(page.adds), page.part
    try:
        records = page.records()
    except StreamError as error:
        losses.miss(what, error, part)
        return []
    for odd in page.odd:
        losses.miss(what, odd, part)
    for note in page.notes:
        losses.note(note)
    losses.served = losses.served or bool(records) or type(page) is Page
    adds, fill, keys = page.adds, stream.fill, stream.primary_keys
    _rename(records, stream.renames)
    for record in records:
        if adds:
            record.update(adds)
        fill(record)
    _without_odd_keys(records, keys)
    stream.emission.fit(records)
    whole = []
    for record in records:
        for key in keys:
            if record.get(key) in NO_KEY:
                losses.miss(what, StreamError(f"a record has no `{key}`: {plain(record)}"), part)
                break
        else:
            whole.append(record)
    stream.took(page, whole)
    return whole


def _rename(records: Sequence[Record], renames: Mapping[str, str]) -> None:
    """Keep the API's own fields of names that the tap's fields have."""
    for theirs, ours in renames.items():
        for record in records:
            if theirs in record:
                record[ours] = record.pop(theirs)


def _without_odd_keys(records: Sequence[Record], keys: Sequence[str]) -> None:
    """Take out keys that are no single values: as texts they would be the keys of other rows."""
    for key in keys:
        for record in records:
            if isinstance(record.get(key), dict | list):
                record[key] = None


def named(values: Mapping[str, object], noun: str = "") -> str:
    """An object as the user knows it, or a batch of them by its first.

    Args:
        values: A parent or a batch of parents; or what the records of a page get of one.
        noun: What people call it, where the names of its fields do not say that.
    """
    members = values.get("members")
    if isinstance(members, list | tuple):
        others = f" and {counted(len(members) - 1, 'other')}" if members[1:] else ""
        return named(members[0], noun) + others
    if noun:
        return f"{noun} {plain(values.get('id'))}"
    ids = {name: value for name, value in values.items() if name.endswith("id")} or values
    return ", ".join(
        f"{name} {plain(value)}" for name, value in ids.items() if isinstance(value, str | int)
    )
