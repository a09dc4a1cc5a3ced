"""The token endpoint: tokens for a code, and new tokens for old ones.

https://developers.pinterest.com/docs/api/v5/oauth-token/
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from requests.auth import HTTPBasicAuth

from tap_pinterest import clock
from tap_pinterest.errors import (
    Action,
    Answer,
    Refused,
    TapError,
    TokenRejected,
    Transient,
    action_for,
    come_back_at,
    wait_named_by,
)
from tap_pinterest.network import http
from tap_pinterest.network.tokens import Tokens, is_token
from tap_pinterest.shown import keep_secret

CENTURY = 3_155_760_000.0
"""Seconds; no date that is shown is further away."""


LARGEST = 1 << 16
"""Bytes of an answer of the token endpoint at most."""

SCOPE = re.compile("[a-zA-Z0-9_:., -]{1,4096}")
"""What the scopes granted look like, many times as long as all of them; else they are not known."""

PATIENCE = 30.0
"""Seconds for such an answer: other runs may wait for the token meanwhile."""


class _Granted(msgspec.Struct):
    """The answer of the token endpoint; lifetimes are seconds, and what is none is not known."""

    access_token: str
    expires_in: Any = None
    refresh_token: str | None = None
    refresh_token_expires_in: Any = None
    scope: str | None = None


class App:
    """The user's Pinterest app, for which the token endpoint hands out tokens."""

    def __init__(
        self, api_url: str, client_id: str, client_secret: str, *, max_wait: float = 0
    ) -> None:
        self._url = api_url + "/oauth/token"
        self._client = HTTPBasicAuth(client_id, client_secret)
        self._max_wait = max_wait

    def refresh(self, tokens: Tokens) -> Tokens:
        """New tokens for old ones.

        Raises:
            TokenRejected: Pinterest refuses; the text is its answer.
            Transient: It may work when it is tried again.
            TapError: The quota comes back later than `max_wait`.
        """
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        return self._ask(form, tokens.refresh_token, tokens.origin)

    def exchange(self, code: str, redirect_uri: str, origin: str | None) -> Tokens:
        """The first tokens, for the code that the user's consent gave. Raises as `refresh` does."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            # Apps made before September 2025 get a token that can be renewed only when they ask.
            "continuous_refresh": "true",
        }
        return self._ask(form, None, origin)

    def _ask(self, form: dict[str, str], refresh_token: str | None, origin: str | None) -> Tokens:
        keep_secret(form.get("code"))
        response = self._sent(form)
        if response.status != 200:  # noqa: PLR2004
            self._refused(Answer.read(response.status, response.body, response.headers))
        try:
            granted = msgspec.json.decode(response.body, type=_Granted)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Transient("the token answer could not be read") from None
        refresh_token = granted.refresh_token or refresh_token
        if refresh_token is None:
            raise TokenRejected("it gave no refresh token")
        if not all(map(is_token, (granted.access_token, refresh_token))):
            raise TapError(
                "Pinterest sent a token with characters that no token has, such as spaces or line "
                "breaks. It is not used. Check `api_url`, and any proxy between this machine and "
                "Pinterest."
            )
        lifetime = _seconds(granted.expires_in)
        return Tokens(
            refresh_token=refresh_token,
            access_token=granted.access_token,
            expires_at=_ends(lifetime),
            lifetime=lifetime,
            refresh_expires_at=_ends(_seconds(granted.refresh_token_expires_in)),
            scope=granted.scope if SCOPE.fullmatch(granted.scope or "") else None,
            origin=origin,
        )

    def _sent(self, form: dict[str, str]) -> http.Response:
        with http.new_session(self._url) as session:
            try:
                return http.exchange(
                    session,
                    "POST",
                    self._url,
                    most=LARGEST,
                    patience=PATIENCE,
                    auth=self._client,
                    data=form,
                )
            except Refused as exc:
                raise TapError(
                    f"Pinterest gave no token: {exc}. Check `api_url`, and any proxy between this "
                    "machine and Pinterest."
                ) from None

    def _refused(self, answer: Answer) -> None:
        text = str(answer)
        if action_for(answer) not in (Action.RETRY, Action.THROTTLE):
            raise TokenRejected(text.rstrip("."))
        wait = wait_named_by(answer)
        if wait is not None and wait > self._max_wait:
            raise TapError(
                f"Pinterest renews no token now: {text}. Run again at "
                f"{come_back_at(wait, clock.now())}."
            )
        raise Transient(text, wait)


def _seconds(lifetime: Any) -> float | None:
    """A lifetime that can be one, a century at most; None for any other."""
    try:
        seconds = min(float(lifetime), CENTURY)
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if seconds > 0 else None


def _ends(lifetime: float | None) -> float | None:
    """The moment at which a token ends (epoch seconds); None where that is not known."""
    return clock.now() + lifetime if lifetime else None
