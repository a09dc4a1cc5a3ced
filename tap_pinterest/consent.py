"""Consent: to Pinterest's page and back, with the tokens kept and an account of what they open."""

from __future__ import annotations

import secrets
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tap_pinterest import clock, settings
from tap_pinterest.errors import TapError, TokenRejected, Transient
from tap_pinterest.landing import NotTheAnswer
from tap_pinterest.network.oauth import App
from tap_pinterest.network.token_store import Tokens, TokenStore, fingerprint
from tap_pinterest.run import Run
from tap_pinterest.shown import keep_secret, plain
from tap_pinterest.streams import STREAMS
from tap_pinterest.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tap_pinterest.kinds.stream import PinterestStream

DAY = 86_400


class Consent:
    """One way to Pinterest's consent page and back.

    Attributes:
        url: Where the user gives consent.
        redirect_uri: Where the browser is sent then; the app must have registered it.
        tokens: What was granted, once `finish` is through.
        account: Who was connected, as people say it.
    """

    def __init__(
        self, config: Mapping[str, Any], asked: Iterable[str], port: int, consent_url: str
    ) -> None:
        self.config = config
        keep_secret(*settings.secrets_of(config))
        self.asked = frozenset(asked)
        self.redirect_uri = f"http://localhost:{port}/"
        self._state = secrets.token_urlsafe(24)
        self.url = f"{consent_url}?" + urlencode(
            {
                "client_id": config["client_id"],
                "redirect_uri": self.redirect_uri,
                "response_type": "code",
                "scope": ",".join(sorted(self.asked)),
                "state": self._state,
            }
        )
        self.store = TokenStore(config["token_store"])
        self.tokens: Tokens | None = None
        self.account = "an account"

    def rehearse(self) -> None:
        """Find out before anybody is asked whether the tokens can be kept.

        Raises:
            TapError: They cannot; the message says why.
        """
        with self.store.locked(), self.store.replacement():
            pass

    def finish(self, query: Mapping[str, str]) -> str:
        """Take what the browser brought back; the account that is connected now.

        Raises:
            NotTheAnswer: The query answers another login.
            TapError: The account is not connected; the message says why.
        """
        if not secrets.compare_digest(query.get("state", "").encode(), self._state.encode()):
            raise NotTheAnswer(
                "The address does not belong to this login (its `state` is missing or another "
                "one): it may be that of an earlier try. Use the page that this login opened."
            )
        if "code" not in query:
            raise TapError(
                f"Pinterest gave no access ({plain(query.get('error', 'no reason given'))}). Run "
                "the login again and agree on Pinterest's page."
            )
        self.tokens = self._exchange(query["code"])
        self.account = self._who()
        return f"tap-pinterest can read {self.account} now."

    def _exchange(self, code: str) -> Tokens:
        app = App(
            settings.api_url(self.config), self.config["client_id"], self.config["client_secret"]
        )
        with self.store.locked(), self.store.replacement() as keep:
            try:
                tokens = app.exchange(code, self.redirect_uri, self._origin())
            except TokenRejected as exc:
                raise TapError(
                    f"Pinterest gave no tokens: {exc}. Run the login again. A code works once and "
                    "for some minutes only, client id and client secret must be those of one app, "
                    f"and {self.redirect_uri} must be registered with it."
                ) from None
            except Transient as exc:
                raise TapError(f"Pinterest gave no tokens: {exc}. Run the login again.") from None
            keep(tokens)
        return tokens

    def _origin(self) -> str | None:
        """What the setting `refresh_token` holds now is replaced by this login."""
        if token := self.config.get("refresh_token"):
            return fingerprint(token)
        try:
            old = self.store.read()
        except TapError:  # damaged, or open to others: it is written anew
            return None
        return old.origin if old else None

    def _who(self) -> str:
        scopes = self.granted
        if scopes is not None and "user_accounts:read" not in scopes:
            return "an account (which one needs the scope user_accounts:read)"
        try:
            account = Run(self.config, f"tap-pinterest/{version('tap-pinterest')}").account()
        except TapError as exc:
            return f"an account (which one could not be read: {exc})"
        return account_name(account)

    @property
    def granted(self) -> frozenset[str] | None:
        """The scopes that Pinterest granted; None where it did not say."""
        return self.tokens.scopes if self.tokens else None

    def report(self) -> Iterator[tuple[str, str]]:
        """What has come of it, as labels and texts."""
        assert self.tokens is not None  # noqa: S101 - for the type checker
        granted = self.granted
        yield "Connected", self.account
        yield "Kept in", str(self.store.path)
        if granted is None:
            yield "Granted", "Pinterest did not say which scopes"
        else:
            yield "Granted", ", ".join(sorted(granted)) or "nothing"
            if missing := self.asked - granted:
                yield "Refused", ", ".join(sorted(missing))
            opened = [stream for stream in STREAMS if scopes_of(stream) <= granted]
            yield "Opens", _names(opened) or "no stream"
            if closed := [stream for stream in STREAMS if stream not in opened]:
                needs = sorted(frozenset().union(*map(scopes_of, closed)) - granted)
                yield "Not opened", f"{_names(closed)} (need {', '.join(needs)})"
        yield "Lives", _lifetime(self.tokens)


def _lifetime(tokens: Tokens) -> str:
    if tokens.refresh_expires_at is None:
        return "Pinterest did not say how long"
    lives = f"until {clock.day(tokens.refresh_expires_at)} if it is never used"
    if tokens.expires_at is None or tokens.expires_at > tokens.refresh_expires_at:
        return lives
    days = int((tokens.refresh_expires_at - tokens.expires_at) // DAY)
    return f"{lives}; for ever with a run at least every {counted(days, 'day')}"


def account_name(account: Mapping[str, Any]) -> str:
    """An account as people speak of it."""
    name, kind = plain(account.get("username")), account.get("account_type")
    return f"{name} ({plain(kind).lower()} account)" if kind else name


def scopes_of(stream: type[PinterestStream]) -> frozenset[str]:
    """The scopes that reading a stream takes, its parents' included."""
    parent: Any = stream.parent_stream_type
    return frozenset(stream.scopes) | (scopes_of(parent) if parent else frozenset())


def _names(streams: Iterable[type[PinterestStream]]) -> str:
    return ", ".join(stream.declared_name() for stream in streams)
