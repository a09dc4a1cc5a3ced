"""What all streams of one run share, and what the run says at its end."""

from __future__ import annotations

import functools
import logging
import threading
from collections import Counter
from datetime import UTC, datetime
from textwrap import shorten
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from tap_pinterest import clock, settings
from tap_pinterest.errors import Forbidden, StreamError, TapError
from tap_pinterest.network import retry
from tap_pinterest.network.auth import GivenToken, RefreshedToken
from tap_pinterest.network.oauth import App
from tap_pinterest.network.token_store import TokenStore
from tap_pinterest.network.transport import Request, Transport
from tap_pinterest.readahead import Budget
from tap_pinterest.records.decoding import Record, decode_one
from tap_pinterest.records.pages import is_id
from tap_pinterest.report import RunReport
from tap_pinterest.shown import keep_secret
from tap_pinterest.words import counted, some

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_pinterest.network.auth import Auth

logger = logging.getLogger("tap-pinterest")

TOLD_ONE_BY_ONE = 10
"""How many reasons are logged for which a stream is incomplete; all are counted."""

IN_VERDICT = 8
"""Streams whose reasons the last line gives; each has been told in a line of its own."""

REASON = 300
"""Characters of a reason in the last line."""

READ_AHEAD = 24 << 20
"""Bytes of answers that may wait for their turn."""


class Stream(Protocol):
    """What a run needs to know of a stream."""

    name: str
    finished: bool

    @property
    def selected(self) -> bool:
        """Whether the user wants it."""

    @property
    def scopes(self) -> tuple[str, ...]:
        """Scopes that a token needs for it."""

    def start(self) -> None:
        """Begin to read ahead, where that is wanted."""


class Run:
    """One run of the tap: its way to the network, and its account of what went wrong."""

    def __init__(self, config: Mapping[str, Any], user_agent: str) -> None:
        self.config = config
        keep_secret(*settings.secrets_of(config))
        self._user_agent = user_agent
        self.budget = Budget(READ_AHEAD)
        self.report = RunReport()
        self.streams: Sequence[Stream] = ()
        self.started = datetime.fromtimestamp(clock.now(), UTC)
        self.today = self.started.date()
        self.failures: dict[str, StreamError] = {}
        self._reasons: Counter[str] = Counter()
        self._scopes: dict[str, tuple[str, ...]] = {}
        self._account: Record | None = None
        self._lock = threading.Lock()
        self._started = False
        self.patience = retry.PATIENCE
        """Seconds for which an API is tried that cannot be reached."""
        self.tries: int | None = None
        """How often something is sent before it is given up; None for as often as usual."""

    @functools.cached_property
    def again(self) -> retry.Retry:
        """What tries again, whoever sends."""
        return retry.Retry(self.patience, self.tries)

    @functools.cached_property
    def transport(self) -> Transport:
        """The way to the network, made when it is first needed."""
        self.report.network = transport = Transport(
            settings.api_url(self.config),
            self.auth,
            user_agent=self._user_agent,
            concurrency=self.config["max_concurrency"],
            max_wait=self.config["max_wait"],
            again=self.again,
        )
        return transport

    @functools.cached_property
    def auth(self) -> Auth:
        """What knows the access token."""
        config = self.config
        if token := config.get("access_token"):
            return GivenToken(token)
        app = App(
            settings.api_url(config),
            config["client_id"],
            config["client_secret"],
            max_wait=config["max_wait"],
        )
        store = TokenStore(config["token_store"]) if config.get("token_store") else None
        if store:
            _warn_of(store)
        return RefreshedToken(app, config.get("refresh_token"), store, self.again)

    @property
    def account_params(self) -> tuple[tuple[str, str], ...]:
        """The parameter that makes the API act as the owner of `ad_account_id`, where it is set."""
        account = self.config.get("ad_account_id")
        return (("ad_account_id", account),) if account else ()

    def account(self) -> Record:
        """The answer of `GET /user_account`, asked for once."""
        with self._lock:
            if self._account is None:
                self._account = self.transport.get(
                    Request("/user_account", self.account_params, rank=-1), _read_account
                )
            return dict(self._account)

    @functools.cached_property
    def account_id(self) -> str | None:
        """Id of the account; None where it cannot be learned, or is none."""
        try:
            found = self.account().get("id")
        except StreamError:
            return None
        return found if is_id(found) else None

    def start(self) -> None:
        """Let all wanted streams begin to read ahead, once."""
        if not self._started:
            self._started = True
            _ = self.transport  # before several threads ask for it at once
            for stream in self.streams:
                stream.start()

    def fail(self, stream: Stream, error: StreamError) -> None:
        """Remember why a stream is incomplete: the first reason, and how many there are."""
        name, tolerated = stream.name, self._is_tolerated(error)
        with self._lock:  # threads that fetch find losses, too
            self._reasons[name] += 1
        self._scopes[name] = stream.scopes
        if name not in self.failures or (self._is_tolerated(self.failures[name]) and not tolerated):
            self.failures[name] = error
        if self._reasons[name] <= TOLD_ONE_BY_ONE:
            level = logging.WARNING if tolerated else logging.ERROR
            logger.log(level, "Stream %s is incomplete: %s", name, error)

    def _is_tolerated(self, error: StreamError) -> bool:
        return isinstance(error, Forbidden) and bool(self.config.get("skip_forbidden_streams"))

    def unfinished(self) -> str:
        """How many of the streams that were to be read are not at their end, and the first."""
        names = [s.name for s in self.streams if s.selected and not s.finished]
        return f"{counted(len(names), 'stream')} ({some(names)})"

    def verdict(self) -> str | None:
        """What is missing and what to do about it; None after a run that read everything."""
        names, parts = [], []
        for name, error in self.failures.items():
            if self._is_tolerated(error):
                continue
            scopes = (
                f" (needs {', '.join(self._scopes[name])})" if isinstance(error, Forbidden) else ""
            )
            more = self._reasons[name] - 1
            others = f" (and {counted(more, 'other')})" if more else ""
            parts.append(f"{name}{scopes}: {shorten(str(error), REASON, placeholder=' …')}{others}")
            names.append(name)
        if not parts:
            return None
        if behind := names[IN_VERDICT:]:
            parts[IN_VERDICT:] = [f"and {some(behind)}, as said above"]
        return (
            f"The run is incomplete; {counted(len(names), 'stream')} could not be read to the end. "
            "Put right what is said, or deselect what cannot be read, and run again with the last "
            "state. " + " | ".join(parts)
        )


def _warn_of(store: TokenStore) -> None:
    """Say at once what would end the run on the day on which new tokens must be kept."""
    try:
        store.rehearse()
    except TapError as exc:
        logger.warning(
            "A run that must renew the access token will fail: new tokens could not be kept. %s",
            exc,
        )


def _read_account(body: bytes) -> Record:
    account = decode_one(body)
    if not account.get("id") and not account.get("username"):
        raise msgspec.ValidationError("an account has an id")
    return account
