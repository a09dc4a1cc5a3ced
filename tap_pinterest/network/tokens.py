"""Tokens: what Pinterest gave, what it looks like, and how it is written down."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated

import msgspec

from tap_pinterest.shown import keep_secret

Moment = Annotated[float, msgspec.Meta(ge=0, le=253_402_300_799)]
"""Epoch seconds, of a day that can be shown."""

FORM = r"^[!-~]{1,4096}\Z"
"""What a token looks like. With anything else in it, it could not be sent, or would say more."""

Token = Annotated[str, msgspec.Meta(pattern=FORM)]

BEGINNING = re.compile(rb'\{\s*"refresh_token"')
"""How tokens begin that are written down."""

END = b"\n}\n"
"""How they end."""


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What Pinterest gave. Times are epoch seconds, None where unknown.

    Attributes:
        lifetime: Seconds that the access token lives in all.
        origin: Fingerprint of the setting `refresh_token` that these tokens replace.
        account: Name of the account that they open.
    """

    refresh_token: Token
    access_token: Token | None = None
    expires_at: Moment | None = None
    lifetime: float | None = None
    refresh_expires_at: Moment | None = None
    scope: str | None = None
    origin: str | None = None
    account: str | None = None

    def __post_init__(self) -> None:
        keep_secret(self.refresh_token, self.access_token)

    def __repr__(self) -> str:
        return "Tokens(...)"

    @property
    def scopes(self) -> frozenset[str] | None:
        """The scopes granted; None where unknown."""
        return None if self.scope is None else frozenset(self.scope.replace(",", " ").split())


def is_token(text: str) -> bool:
    """Whether a text can be a token."""
    return re.match(FORM, text) is not None


def fingerprint(token: str) -> str:
    """What tells one token from another without giving it away."""
    return hashlib.sha256(token.encode()).hexdigest()


def written(tokens: Tokens) -> bytes:
    """Tokens as JSON, to its `END`."""
    return msgspec.json.format(msgspec.json.encode(tokens)) + b"\n"


def parsed(content: bytes) -> Tokens | None:
    """Tokens that were written down, whatever follows them; None where it is something else."""
    end = content.find(END)
    try:
        return msgspec.json.decode(content if end < 0 else content[: end + len(END)], type=Tokens)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
