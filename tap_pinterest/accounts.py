"""Accounts: whose tokens these are, and how people speak of an account."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_pinterest.errors import TapError
from tap_pinterest.network.settled import within
from tap_pinterest.run import Run
from tap_pinterest.shown import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_pinterest.network.tokens import Tokens

PATIENCE = 10
"""Seconds for which the API is asked at most: somebody waits for the answer."""

TRIES = 2
"""How often."""

NAME = re.compile(r"[!-~]{1,100}")
"""What a name looks like that tells one account from another."""


class Account(NamedTuple):
    """An account; without a name where it is not known which."""

    name: str | None
    described: str


UNKNOWN = Account(None, "an account")


def account_of(tokens: Tokens, config: Mapping[str, Any]) -> Account:
    """The account that an access token opens; asked for as long as somebody waits for it.

    Args:
        tokens: The tokens.
        config: The configuration of a run, of which the credentials are not looked at.
    """
    if tokens.scopes is not None and "user_accounts:read" not in tokens.scopes:
        return Account(None, "an account (which one needs the scope user_accounts:read)")
    if not tokens.access_token:
        return UNKNOWN
    run = Run(
        {**config, "access_token": tokens.access_token, "max_wait": PATIENCE},
        f"tap-pinterest/{version('tap-pinterest')}",
    )
    run.tries = TRIES
    try:
        found = within(PATIENCE, run.account)
    except TimeoutError:
        return Account(None, "an account (which one was not answered in time)")
    except TapError as exc:
        return Account(None, f"an account (which one could not be read: {exc})")
    name = found.get("username") or found.get("id")
    is_name = isinstance(name, str) and NAME.fullmatch(name)
    return Account(name if is_name else None, account_name(found))


def account_name(account: Mapping[str, Any]) -> str:
    """An account as people speak of it."""
    name = plain(account.get("username") or account.get("id"))
    kind = account.get("account_type")
    return f"{name} ({plain(kind).lower()} account)" if kind else name
