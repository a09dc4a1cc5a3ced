"""The token endpoint: tokens for a code, and new tokens for old ones.

https://developers.pinterest.com/docs/api/v5/oauth-token/
"""

from __future__ import annotations

import msgspec
from requests.auth import HTTPBasicAuth

from tap_pinterest import clock
from tap_pinterest.errors import (
    Action,
    Answer,
    TapError,
    TokenRejected,
    Transient,
    action_for,
    come_back_at,
    wait_named_by,
)
from tap_pinterest.network import http
from tap_pinterest.network.token_store import Tokens

CENTURY = 3_155_760_000.0
"""Seconds; no date that is shown is further away."""


class _Granted(msgspec.Struct):
    """The answer of the token endpoint; lifetimes are seconds."""

    access_token: str
    expires_in: float | None = None
    refresh_token: str | None = None
    refresh_token_expires_in: float | None = None
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
        with http.new_session(self._url) as session:
            response = http.exchange(session, "POST", self._url, auth=self._client, data=form)
        if response.status != 200:  # noqa: PLR2004
            self._refused(Answer.read(response.status, response.body, response.headers), form)
        try:
            granted = msgspec.json.decode(response.body, type=_Granted)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Transient("the token answer could not be read") from None
        refresh_token = granted.refresh_token or refresh_token
        if refresh_token is None:
            raise TokenRejected("it gave no refresh token")
        return Tokens(
            refresh_token=refresh_token,
            access_token=granted.access_token,
            expires_at=_ends(granted.expires_in),
            lifetime=granted.expires_in,
            refresh_expires_at=_ends(granted.refresh_token_expires_in),
            scope=granted.scope,
            origin=origin,
        )

    def _refused(self, answer: Answer, form: dict[str, str]) -> None:
        text = str(answer)
        for secret in ("refresh_token", "code"):
            if form.get(secret):  # an error message may quote what was sent
                text = text.replace(form[secret], "...")
        if action_for(answer) not in (Action.RETRY, Action.THROTTLE):
            raise TokenRejected(text.rstrip("."))
        wait = wait_named_by(answer)
        if wait is not None and wait > self._max_wait:
            raise TapError(
                f"Pinterest renews no token now: {text}. Run again at "
                f"{come_back_at(wait, clock.now())}."
            )
        raise Transient(text, wait)


def _ends(lifetime: float | None) -> float | None:
    """The moment at which a token ends (epoch seconds); None where that is not known."""
    return clock.now() + min(lifetime, CENTURY) if lifetime and lifetime > 0 else None
