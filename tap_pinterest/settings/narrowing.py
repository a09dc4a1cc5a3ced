"""Which settings leave rows out that the token could read."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from tap_pinterest.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping


def is_changed(config: Mapping[str, Any], name: str) -> bool:
    """Whether a setting has another value than the one it has by itself."""
    default, value = SETTINGS["properties"][name].get("default"), config.get(name)
    return value not in (None, "", []) and value != default


def has_filter(config: Mapping[str, Any], stream: str) -> bool:
    """Whether a stream map keeps back some of a stream's records, or of a copy of it."""
    maps = config.get("stream_maps") or {}
    return any(
        isinstance(rules, dict)
        and "__filter__" in rules
        and fnmatchcase(stream, rules.get("__source__", pattern))
        for pattern, rules in maps.items()
    )
