"""Access tokens: given ones, and ones that are refreshed.

https://developers.pinterest.com/docs/getting-started/set-up-authentication-and-authorization/
"""

from __future__ import annotations

import abc
import logging
import threading
from typing import TYPE_CHECKING

from requests.auth import AuthBase

from tap_pinterest import clock
from tap_pinterest.errors import TapError, TokenRejected, Transient
from tap_pinterest.network import retry
from tap_pinterest.network.settled import settled
from tap_pinterest.network.tokens import Tokens, fingerprint

if TYPE_CHECKING:
    from requests import PreparedRequest

    from tap_pinterest.network.oauth import App
    from tap_pinterest.network.retry import Retry
    from tap_pinterest.network.token_store import TokenStore

logger = logging.getLogger("tap-pinterest")

EARLY = 300.0
"""Seconds before its end at which a token is renewed, so that none dies on its way; at most a tenth
of its life."""

MOST_RENEWALS = 20
"""How often a run renews its token: those of Pinterest live for thirty days."""

RECONNECT = (
    "Connect the account again (tap-pinterest-login does it in the browser). Pinterest ends tokens "
    "when they expire, when the password changes or when they are revoked; a token of the sandbox "
    "does not work in production, nor the other way round."
)


class Auth(abc.ABC):
    """Knows an access token that works. Threads share one instance."""

    @abc.abstractmethod
    def token(self) -> str:
        """A token that should work now.

        Raises:
            TokenRejected: There is none to be had.
            Transient: There may be one when it is asked for again.
        """

    @abc.abstractmethod
    def renew(self, rejected: str) -> None:
        """Replace a token that the API refused, once.

        Raises:
            TokenRejected: There is no other token, or the renewed one was refused as well.
            Transient: It may work when it is tried again.
        """

    def accepted(self) -> None:  # noqa: B027 - most have nothing to learn from it
        """Hear that the API took the current token."""

    def known(self) -> Tokens | None:
        """What is known of the tokens in use; None where Pinterest has not said it."""
        return None


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

    def renew(self, rejected: str) -> None:  # noqa: ARG002
        """Stop: nothing can be renewed."""
        raise TokenRejected(
            "Pinterest refused the access token (setting `access_token`): it is wrong, expired or "
            "revoked. " + RECONNECT
        )


class RefreshedToken(Auth):
    """Access tokens made from a refresh token, which each refresh replaces as well.

    The tokens live in a store, shared with other runs, or in this object alone. One thread renews,
    and what comes of it holds for all that wait meanwhile.
    """

    def __init__(
        self,
        app: App,
        refresh_token: str | None,
        store: TokenStore | None,
        again: Retry | None = None,
    ) -> None:
        self._app = app
        self._again = again or retry.Retry()
        self._given = refresh_token
        self._store = store
        self._tokens: Tokens | None = None
        self._verdict: TapError | None = None
        self._lock = threading.Lock()
        self._on_trial = False
        self._renewals = 0

    def token(self) -> str:
        """The current access token, renewed when it is about to end."""
        with self._lock:
            if self._tokens is None:
                self._tokens = self._current()
            return _usable(self._tokens) or self._refresh(None)

    def renew(self, rejected: str) -> None:
        """Refresh, unless another thread has done so since; a second refusal in a row ends it."""
        with self._lock:
            if self._tokens and self._tokens.access_token != rejected:
                return
            if self._on_trial:
                raise TokenRejected("Pinterest refused even a fresh access token. " + RECONNECT)
            self._refresh(rejected)
            self._on_trial = True

    def accepted(self) -> None:
        """Let the next refusal be renewed again."""
        self._on_trial = False

    def known(self) -> Tokens | None:
        """The tokens in use."""
        return self._tokens

    def _current(self) -> Tokens:
        """The tokens to go on from: the stored ones, unless the user has given another since."""
        origin = fingerprint(self._given) if self._given else None
        stored = self._store.read() if self._store else self._tokens
        if stored and origin in (None, stored.origin):
            return stored
        if self._given is None:
            where = f" in the token store {self._store.path}" if self._store else ""
            raise TokenRejected(
                f"No account is connected: there are no tokens{where} yet. Connect one with "
                "tap-pinterest-login, or set `refresh_token`."
            )
        return Tokens(refresh_token=self._given, origin=origin)

    def _refresh(self, rejected: str | None) -> str:
        if self._verdict is not None:  # another thread has heard it already
            raise type(self._verdict)(str(self._verdict))
        if self._renewals == MOST_RENEWALS:
            self._verdict = TokenRejected(
                f"Pinterest has renewed the access token {MOST_RENEWALS} times in this run, and "
                "wants it renewed again. No token lives so short: run again later."
            )
            raise self._verdict
        self._renewals += 1
        try:
            self._tokens = self._again(
                "Renewing the token", lambda: settled(lambda: self._renewed(rejected))
            )
        except Transient as exc:
            self._verdict = TapError(
                f"The access token could not be renewed, tried {self._again.tries} times: {exc}. "
                "Nothing can be read without one; run again later."
            )
            raise self._verdict from exc
        except TapError as exc:
            self._verdict = exc
            raise
        return self._tokens.access_token or ""

    def _renewed(self, rejected: str | None) -> Tokens:
        if self._store is None:
            tokens = self._ask(self._current())
            if self._tokens is None or self._tokens.access_token is None:
                _warn_of_death(tokens)
            return tokens
        with self._store.locked():
            tokens = self._current()
            if _usable(tokens) not in (None, rejected):
                return tokens  # another run was faster
            with self._store.replacement() as keep:
                tokens = self._ask(tokens)
                keep(tokens)
        return tokens

    def _ask(self, tokens: Tokens) -> Tokens:
        try:
            return self._app.refresh(tokens)
        except TokenRejected as exc:
            given = tokens.refresh_token == self._given
            source = "setting `refresh_token`" if given else "from the token store"
            hint = (
                "If you have connected the account with tap-pinterest-login since, take "
                "`refresh_token` out of the settings: it goes before the token store. "
                if given and self._store
                else ""
            )
            raise TokenRejected(
                f"Pinterest refused the refresh token ({source}) of this app (settings "
                f"`client_id` and `client_secret`): {exc}. {hint}" + RECONNECT
            ) from None


def _usable(tokens: Tokens) -> str | None:
    """The access token, where there is one that lasts for a while."""
    margin = EARLY if tokens.lifetime is None else min(EARLY, tokens.lifetime / 10)
    if tokens.expires_at is not None and tokens.expires_at - margin < clock.now():
        return None
    return tokens.access_token


def _warn_of_death(tokens: Tokens) -> None:
    ends = tokens.refresh_expires_at
    logger.warning(
        "The setting `refresh_token` stops working %s: Pinterest gives a new one with every "
        "refresh, and this one is forgotten when the run ends. Set `token_store` to the path of a "
        "file, where each run leaves the newest token for the next.",
        "one day" if ends is None else f"on {clock.day(ends)} at the latest",
    )
