"""Consent: to Pinterest's page and back, with the tokens kept and an account of what they open."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from tap_pinterest import clock, settings
from tap_pinterest.accounts import UNKNOWN, account_of
from tap_pinterest.choosing import listed
from tap_pinterest.errors import TapError, TokenRejected, Transient
from tap_pinterest.landing import Landed, NotTheAnswer
from tap_pinterest.network.handover import Handover
from tap_pinterest.network.oauth import App
from tap_pinterest.network.settled import settled
from tap_pinterest.network.token_store import TokenStore
from tap_pinterest.network.tokens import Tokens, fingerprint
from tap_pinterest.shown import keep_secret, plain
from tap_pinterest.streams import STREAMS
from tap_pinterest.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tap_pinterest.kinds.stream import PinterestStream

DAY = 86_400

CODE = re.compile(r"[!-~]{1,2048}")
"""What a code looks like."""


class Consent:
    """One way to Pinterest's consent page and back.

    Attributes:
        url: Where the user gives consent.
        redirect_uri: Where the browser is sent then; the app must have registered it.
        handover: How the store gets what was granted.
        tokens: What was granted, once `finish` is through.
        account: Who gave it.
        replaced: Name of the account whose tokens are still kept: this may be another one. `keep`
            ends that. None where there was nothing to ask.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        asked: Iterable[str],
        port: int,
        consent_url: str,
        *,
        replace: bool = False,
    ) -> None:
        self.config = config
        self.replace = replace
        keep_secret(*settings.secrets_of(config))
        self.asked = frozenset(asked)
        self.redirect_uri = f"http://localhost:{port}/"
        self._state = secrets.token_urlsafe(24)
        keep_secret(self._state)
        self.url = f"{consent_url}?" + urlencode(
            {
                "client_id": config["client_id"],
                "redirect_uri": self.redirect_uri,
                "response_type": "code",
                "scope": ",".join(sorted(self.asked)),
                "state": self._state,
            }
        )
        self.handover = Handover(TokenStore(config["token_store"]))
        self.tokens: Tokens | None = None
        self.account = UNKNOWN
        self.replaced: str | None = None

    def finish(self, query: Mapping[str, str]) -> Landed:
        """Take what the browser brought back, and keep the tokens unless the user must be asked.

        Returns:
            What the browser may say.

        Raises:
            NotTheAnswer: The query answers another login.
            TapError: The account is not connected; the message says why.
        """
        if not secrets.compare_digest(_bytes(query.get("state", "")), _bytes(self._state)):
            raise NotTheAnswer(
                "The address does not belong to this login (its `state` is missing or another "
                "one): it may be that of an earlier try. Use the page that this login opened."
            )
        if "code" not in query:
            said = [plain(query[name]) for name in ("error", "error_description") if name in query]
            raise TapError(
                f"Pinterest gave no access ({': '.join(said) or 'no reason given'}). Run the login "
                "again and agree on Pinterest's page."
            )
        code = query["code"]
        if not CODE.fullmatch(code):
            raise TapError("The address holds no `code` of Pinterest's. Run the login again.")
        keep_secret(code)
        self.tokens = settled(
            lambda: self.handover.take(lambda old: self._ask(code, old), at_once=self.replace)
        )
        self._introduce()
        if self.replaced:
            return Landed(
                "One question more",
                f"Pinterest gave access to {self.account.described}.",
                f"Go back to the terminal: it asks about the tokens of {self.replaced}.",
            )
        return Landed("Connected", f"tap-pinterest can read {self.account.described} now.")

    def _introduce(self) -> None:
        """Learn whose tokens these are; the store gets them unless the user must be asked."""
        assert self.tokens is not None  # noqa: S101 - for the type checker
        self.account = account_of(self.tokens, self.config)
        self.tokens = msgspec.structs.replace(self.tokens, account=self.account.name)
        if self.handover.waits:
            self.replaced = self._other_than(self.account.name)
        if not self.replaced:
            self.handover.finish(self.tokens)

    def keep(self) -> None:
        """Keep the tokens in the place of another account's.

        Raises:
            TapError: They cannot be kept; the message says why.
        """
        assert self.tokens is not None  # noqa: S101 - for the type checker
        self.handover.finish(self.tokens)

    def _ask(self, code: str, old: Tokens | None) -> Tokens:
        app = App(
            settings.api_url(self.config), self.config["client_id"], self.config["client_secret"]
        )
        # What the setting `refresh_token` holds now is replaced by this login.
        given = self.config.get("refresh_token")
        origin = fingerprint(given) if given else old.origin if old else None
        try:
            return app.exchange(code, self.redirect_uri, origin)
        except TokenRejected as exc:
            raise TapError(
                f"Pinterest gave no tokens: {exc}. Run the login again. A code works once and "
                "for some minutes only, client id and client secret must be those of one app, "
                f"and {self.redirect_uri} must be registered with it."
            ) from None
        except Transient as exc:
            raise TapError(f"Pinterest gave no tokens: {exc}. Run the login again.") from None

    def _other_than(self, name: str | None) -> str | None:
        """The account whose tokens are kept, unless it is known to be the same one."""
        old = self.handover.old
        kept = (old.account or account_of(old, self.config).name) if old else None
        if kept is None:
            return "an account that cannot be told"
        return plain(kept) if kept != name else None

    @property
    def granted(self) -> frozenset[str] | None:
        """The scopes that Pinterest granted; None where it did not say."""
        return self.tokens.scopes if self.tokens else None

    def report(self) -> Iterator[tuple[str, str]]:
        """What has come of it, as labels and texts."""
        assert self.tokens is not None  # noqa: S101 - for the type checker
        granted = self.granted
        yield "Connected", self.account.described
        yield "Kept in", str(self.handover.store.path)
        if granted is None:
            yield "Granted", "Pinterest did not say which scopes"
        else:
            yield "Granted", ", ".join(sorted(granted)) or "nothing"
            if missing := self.asked - granted:
                yield "Refused", ", ".join(sorted(missing))
            opened = [stream for stream in STREAMS if scopes_of(stream) <= granted]
            yield "Opens", _listed(opened) or "no stream"
            if closed := [stream for stream in STREAMS if stream not in opened]:
                needs = sorted(frozenset().union(*map(scopes_of, closed)) - granted)
                yield "Not opened", f"{_listed(closed)} (need {', '.join(needs)})"
                yield (
                    "To add some",
                    "connect again and name all that you want, such as --streams organic,ads",
                )
        yield "Lives", _lifetime(self.tokens)


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")


def _lifetime(tokens: Tokens) -> str:
    if tokens.refresh_expires_at is None:
        return "Pinterest did not say how long"
    lives = f"until {clock.day(tokens.refresh_expires_at)} if it is never used"
    if tokens.expires_at is None or tokens.expires_at > tokens.refresh_expires_at:
        return lives
    days = int((tokens.refresh_expires_at - tokens.expires_at) // DAY)
    return f"{lives}; for ever with a run at least every {counted(days, 'day')}"


def scopes_of(stream: type[PinterestStream]) -> frozenset[str]:
    """The scopes that reading a stream takes, its parents' included."""
    parent: Any = stream.parent_stream_type
    return frozenset(stream.scopes) | (scopes_of(parent) if parent else frozenset())


def _listed(streams: Sequence[type[PinterestStream]]) -> str:
    return listed([stream.declared_name() for stream in streams])
