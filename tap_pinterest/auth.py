"""Access tokens: given ones, and ones that are refreshed.

https://developers.pinterest.com/docs/getting-started/set-up-authentication-and-authorization/
"""

from __future__ import annotations

import abc
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import backoff
import msgspec
from requests.auth import AuthBase, HTTPBasicAuth

from tap_pinterest import clock, http
from tap_pinterest.errors import Action, Answer, TokenRejected, Transient, action_for

if TYPE_CHECKING:
    from requests import PreparedRequest

EARLY = 300.0
"""Seconds before its end at which a token is renewed, so that none dies on its way."""

RECONNECT = (
    "Connect the account again and put the new credentials into the settings. Pinterest ends "
    "tokens when they expire, when the password changes or when they are revoked; a token of the "
    "sandbox does not work in production, nor the other way round."
)


class Auth(abc.ABC):
    """Knows an access token that works. Threads share one instance."""

    @abc.abstractmethod
    def token(self) -> str:
        """A token that should work now.

        Raises:
            TokenRejected: There is none to be had.
        """

    @abc.abstractmethod
    def renew(self, rejected: str) -> None:
        """Replace a token that the API refused, once.

        Raises:
            TokenRejected: There is no other token, or the renewed one was refused as well.
        """

    def accepted(self) -> None:
        """Hear that the API took the current token."""


class Bearer(AuthBase):
    """Puts an access token on a request; being an auth object, no netrc file overrules it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Set the header."""
        r.headers["Authorization"] = f"Bearer {self._token}"
        return r


class GivenToken(Auth):
    """An access token that the user pasted; it lives for 30 days and cannot be renewed."""

    def __init__(self, access_token: str) -> None:
        self._access_token = access_token

    def token(self) -> str:
        """The token given."""
        return self._access_token

    def renew(self, rejected: str) -> None:
        """Stop: nothing can be renewed."""
        raise TokenRejected(
            "Pinterest refused the access token (setting `access_token`): it is wrong, expired or "
            "revoked. " + RECONNECT
        )


@dataclass(slots=True)
class Tokens:
    """What a token answer carries. Times are epoch seconds, None where unknown."""

    refresh_token: str = field(repr=False)
    access_token: str | None = field(default=None, repr=False)
    expires_at: float | None = None
    refresh_expires_at: float | None = None
    scope: str | None = None

    @classmethod
    def read(cls, answer: dict[str, Any], refresh_token: str) -> Tokens:
        """Read a token answer; `refresh_token` is kept where the answer brings no new one."""
        now = clock.now()
        lifetime, renewable = answer.get("expires_in"), answer.get("refresh_token_expires_in")
        return cls(
            refresh_token=answer.get("refresh_token") or refresh_token,
            access_token=answer["access_token"],
            expires_at=now + lifetime if lifetime else None,
            refresh_expires_at=now + renewable if renewable else None,
            scope=answer.get("scope"),
        )


class RefreshedToken(Auth):
    """Access tokens made from a refresh token, which each refresh replaces as well."""

    def __init__(self, api_url: str, client_id: str, client_secret: str, tokens: Tokens) -> None:
        self._url = api_url + "/oauth/token"
        self._client = HTTPBasicAuth(client_id, client_secret)
        self._tokens = tokens
        self._lock = threading.Lock()
        self._on_trial = False

    def token(self) -> str:
        """The current access token, renewed when it is about to end."""
        with self._lock:
            tokens = self._tokens
            ends = tokens.expires_at
            if tokens.access_token is None or (ends is not None and ends - EARLY < clock.now()):
                tokens = self._refresh()
            assert tokens.access_token is not None  # noqa: S101 - for the type checker
            return tokens.access_token

    def renew(self, rejected: str) -> None:
        """Refresh, unless another thread has done so since; a second refusal in a row ends it."""
        with self._lock:
            if self._tokens.access_token != rejected:
                return
            if self._on_trial:
                raise TokenRejected("Pinterest refused even a fresh access token. " + RECONNECT)
            self._on_trial = True
            self._refresh()

    def accepted(self) -> None:
        """Let the next refusal be renewed again."""
        self._on_trial = False

    @backoff.on_exception(backoff.expo, Transient, max_tries=5, max_value=30, logger=None)
    def _refresh(self) -> Tokens:
        form = {"grant_type": "refresh_token", "refresh_token": self._tokens.refresh_token}
        with http.new_session() as session:
            response = http.exchange(session, "POST", self._url, auth=self._client, data=form)
        if response.status != 200:  # noqa: PLR2004
            answer = Answer.read(response.status, response.body, response.headers)
            if action_for(answer) in (Action.RETRY, Action.THROTTLE):
                raise Transient(str(answer))
            raise TokenRejected(
                "Pinterest refused to refresh the access token (settings `client_id`, "
                f"`client_secret`, `refresh_token`): {answer}. " + RECONNECT
            )
        try:
            content = msgspec.json.decode(response.body)
            self._tokens = Tokens.read(content, self._tokens.refresh_token)
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
            raise Transient("the token answer could not be read") from None
        return self._tokens
