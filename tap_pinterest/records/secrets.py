"""Secrets in answers: which fields hold one, and what of them leaves."""

from __future__ import annotations

import functools
import re
from typing import Any

from tap_pinterest.bounds import DEEPEST, LONGEST_NAME

SECRET = re.compile(
    r"password|passphrase|passcode|credential|secret(?!_?(?:board|pin|section))|tokens?$"
    r"|(?:access|api|cryptographic|encryption|private|signing)_?keys?(?![a-z])",
    re.IGNORECASE,
)
"""Names of fields that hold what opens somebody's door: `partner_access_token`, `credentials`."""

HARMLESS = re.compile(
    r"^(?:is|has|can)_|_(?:at|counts?|date|expir\w+|ids?|status|time|type)$", re.IGNORECASE
)
"""Names of fields that only tell something about a secret."""

MASK = "***"


def is_secret(name: str) -> bool:
    """Whether a field of this name holds a secret, as far as a name can tell."""
    # To look for harmless ends in a name of megabytes would take days; it is masked in doubt.
    return _is_secret(name) if len(name) <= LONGEST_NAME else SECRET.search(name) is not None


@functools.lru_cache(4096)
def _is_secret(name: str) -> bool:
    return SECRET.search(name) is not None and HARMLESS.search(name) is None


def masked(value: Any, depth: int = DEEPEST) -> Any:
    """A secret, with its shape and nothing else left."""
    if isinstance(value, dict | list) and depth:
        if isinstance(value, list):
            return [masked(part, depth - 1) for part in value]
        return {name: masked(part, depth - 1) for name, part in value.items()}
    return value if value is None or isinstance(value, bool) else MASK
