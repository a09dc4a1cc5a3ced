"""Where a stream's bookmarks are, what they are about, and whether the user wants them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.mapper import RemoveRecordTransform
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_pinterest.settings import maps_of, setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk import Stream

    from tap_pinterest.kinds.stream import PinterestStream

    State = dict[str, Any]


def partition(state: State, name: str | None, value: str) -> State:
    """The part of a stream's state that is about a partition, made where there is none yet.

    Args:
        state: The stream's state.
        name: The field that names its partitions; None where it has none.
        value: The partition.
    """
    if name is None:
        return state
    parts: list[State] = state.setdefault("partitions", [])
    for part in parts:
        if part["context"] == {name: value}:
            return part
    parts.append({"context": {name: value}})
    return parts[-1]


def read_to(state: State, name: str | None, value: str) -> str:
    """The bookmark of a partition, see above; "" where there is none, and none is made."""
    parts = state.get("partitions", ()) if name else ()
    found = [each for each in parts if each["context"] == {name: value}]
    return str(found[0].get("replication_key_value") or "") if found else ""


def is_full_table(stream: Stream) -> bool:
    """Whether the user's catalog says FULL_TABLE of a stream that has a bookmark."""
    full = stream.forced_replication_method == REPLICATION_FULL_TABLE
    return full and stream.replication_key is not None


def fingerprint(stream: PinterestStream, *, columns: bool = True) -> str:
    """Changes when the rows of a stream get another meaning, or more columns where these count.

    It is `meaning:account`, the account empty where it is unknown or the partition says it. What
    leaves out records above is part of it: days of their children before the bookmark lack.
    """
    above = list(_above(stream))
    settings = [value.name for value in _settings(stream)]
    settings += [value.name for each in above for value in _settings(each) if value.narrows]
    acts_as = ("ad_account_id",) if stream.takes_ad_account else ()
    meaning = {
        name: sorted({*value}) if isinstance(value, list) else value
        for name in (*settings, *stream.meaning, *acts_as)
        for value in [stream.config.get(name)]
    }
    names = [name for name in stream.schema["properties"] if stream.mask["properties", name]]
    maps = stream.config.get("stream_maps") or {}
    own = maps_of(maps, stream.name)
    if type(stream.stream_maps[0]) is RemoveRecordTransform:
        own = own or {stream.name: None}  # by `__else__`, which the SDK takes out of the setting
    found = (own, *(maps_of(maps, each.name) for each in above))
    mapped = [each for each in found if each]
    text = msgspec.json.encode([meaning, sorted(names) if columns else [], *mapped], order="sorted")
    account = "" if stream.part_by else stream.run.account_id or ""
    return f"{hashlib.sha256(text).hexdigest()[:12]}:{account}"


def _settings(stream: PinterestStream) -> Iterator[setting]:
    """The settings that a stream takes as parameters."""
    declared = (*stream.params.values(), *stream.over.values())
    return (value for value in declared if isinstance(value, setting))


def _above(stream: PinterestStream) -> Iterator[PinterestStream]:
    """The streams whose records a stream is read for, and those that these are read for."""
    for source in stream.family.above:
        yield source
        yield from _above(source)
