"""The one way out to the network: who may send when, what is tried again, and what a failure is.

Any thread may call `Transport.get`. At most `concurrency` requests are on their way at once, each
only when its rate-limit category has room by what the last answers said; among those that wait,
the lowest rank goes first. https://developers.pinterest.com/docs/reference/rate-limits/
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import re
import threading
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import backoff
import msgspec

from tap_pinterest import clock
from tap_pinterest.errors import (
    Action,
    Answer,
    Forbidden,
    Gone,
    QuotaExhausted,
    Refused,
    StreamError,
    TapError,
    Transient,
    Withheld,
    action_for,
    come_back_at,
    leading_number,
    wait_named_by,
)
from tap_pinterest.network import http
from tap_pinterest.network.auth import Bearer

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    import requests

    from tap_pinterest.network.auth import Auth

T = TypeVar("T")

Params = tuple[tuple[str, str], ...]
"""Query parameters; one name may come several times."""

logger = logging.getLogger("tap-pinterest")

TRIES = 8
"""How often a request is sent before its stream is given up."""

FIRST_WAIT = 1.0
"""Seconds: the ceiling of the first exponential wait; it doubles up to LONGEST_WAIT."""

LONGEST_WAIT = 60.0

LONGEST_SLEEP = 0.5
"""Seconds after which whoever waits for a quota looks again."""

CLOSED = (401, 403)
"""Statuses that are about rights, and not about what exists."""

EMPTY_PAGE = b'{"items":[],"bookmark":null}'

ESCAPES = re.compile(
    rb"(?:\\[^u]|\\u(?!d[89a-f])|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})+"
    rb"|(?P<half>\\ud[89a-f][0-9a-f]{2})",
    re.IGNORECASE,
)


class Request(NamedTuple):
    """A GET request.

    Attributes:
        path: Below the API's address, beginning with a slash.
        params: The query, or what makes it: a function that is called when the request's turn has
            come, each try anew. It may raise a StreamError, which goes to whoever asked.
        quota: Rate-limit category, which operations share.
        rank: Whose turn it is when several wait: the lowest.
        single: Whether a refusal concerns one object (a board) and not the whole stream.
        stream: The stream that it is counted for.
    """

    path: str
    params: Params | Callable[[], Params] = ()
    quota: str = "org_read"
    rank: float = 0
    single: bool = False
    stream: str = ""

    def query(self) -> Params:
        """The query as it is worded now."""
        return self.params() if callable(self.params) else self.params


class Quota:
    """What is left of one rate-limit category, learned from the headers of its answers."""

    def __init__(self) -> None:
        self.limit: int | None = None
        self.remaining: int | None = None
        self.resets_at = 0.0
        self.in_flight = 0

    def learn(self, headers: Mapping[str, str], now: float) -> None:
        """Note what an answer says; answers may arrive in another order than they were given."""
        remaining = leading_number(headers.get("x-ratelimit-remaining"))
        reset = leading_number(headers.get("x-ratelimit-reset"))
        if remaining is None or reset is None:
            return
        self.limit = leading_number(headers.get("x-ratelimit-limit")) or self.limit
        resets_at = now + reset
        if self.remaining is None or now >= self.resets_at:  # a new window
            self.remaining, self.resets_at = remaining, resets_at
        else:
            self.remaining = min(self.remaining, remaining)
            self.resets_at = min(self.resets_at, resets_at)

    def exhaust(self, wait: float, now: float) -> None:
        """Note that the API refused: nothing is left for `wait` seconds."""
        if now + wait > self.resets_at or self.remaining:
            self.remaining, self.resets_at = 0, now + wait

    def wait(self, now: float) -> float:
        """Seconds until the next request may go: 0 for now, infinity until an answer arrives."""
        if self.remaining is None:
            return 0.0
        if now >= self.resets_at:
            # Unknown until the first answer of the new window; the limit bounds what may go.
            self.remaining = self.limit
            self.resets_at = float("inf") if self.limit is not None else 0.0
        # Requests on their way may or may not be counted in `remaining` yet: be careful.
        if self.remaining is None or self.remaining > self.in_flight:
            return 0.0
        return float("inf") if self.in_flight else self.resets_at - now


class Gate:
    """Lets requests out: at most `concurrency` at once, within the quotas, lowest rank first."""

    def __init__(self, concurrency: int, max_wait: float) -> None:
        self._free = concurrency
        self._max_wait = max_wait
        self._lock = threading.Lock()
        self._tickets = itertools.count()
        self._waiting: dict[str, list[tuple[float, int, threading.Event]]] = defaultdict(list)
        self.quotas: dict[str, Quota] = defaultdict(Quota)

    @contextlib.contextmanager
    def slot(self, category: str, rank: float) -> Generator[None]:
        """Hold a place among the requests on their way.

        Raises:
            QuotaExhausted: The category's quota comes back later than `max_wait`.
        """
        self._enter(category, rank)
        try:
            yield
        finally:
            with self._lock:
                self._free += 1
                self.quotas[category].in_flight -= 1
                self._let_out()

    def learn(self, category: str, headers: Mapping[str, str]) -> None:
        """Take in the quota headers of an answer, before its slot is left."""
        with self._lock:
            self.quotas[category].learn(headers, clock.monotonic())

    def exhaust(self, category: str, wait: float) -> None:
        """Close a category for `wait` seconds."""
        with self._lock:
            self.quotas[category].exhaust(wait, clock.monotonic())

    def closed_for(self, category: str) -> float:
        """Seconds until the category's quota comes back; 0 where it is not used up."""
        with self._lock:
            wait = self.quotas[category].wait(clock.monotonic())
        return wait if wait < float("inf") else 0.0

    def _enter(self, category: str, rank: float) -> None:
        ticket = (rank, next(self._tickets), threading.Event())
        go = ticket[2]
        with self._lock:
            heapq.heappush(self._waiting[category], ticket)
            self._let_out()
        told = False
        while not go.is_set():
            with self._lock:
                wait = self.quotas[category].wait(clock.monotonic())
                if self._max_wait < wait < float("inf"):
                    self._waiting[category].remove(ticket)
                    heapq.heapify(self._waiting[category])
                    raise QuotaExhausted(
                        f"the quota {category} is used up; it comes back at "
                        f"{come_back_at(wait, clock.now())}, which is longer than `max_wait`"
                    )
            if 1 < wait < float("inf") and not told:
                told = True
                logger.info("Quota %s is used up: going on in %d seconds", category, wait)
            # A fraction more than the quota's own second: it must be over when we ask again. The
            # answer to another request may say that the quota comes back too late.
            if not go.wait(min(wait + 0.01, LONGEST_SLEEP) if wait else LONGEST_SLEEP):
                with self._lock:
                    self._let_out()

    def _let_out(self) -> None:
        now = clock.monotonic()
        while self._free:
            ready = [
                (tickets[0], category)
                for category, tickets in self._waiting.items()
                if tickets and not self.quotas[category].wait(now)
            ]
            if not ready:
                return
            (_, _, go), category = min(ready)
            heapq.heappop(self._waiting[category])
            self._free -= 1
            self.quotas[category].in_flight += 1
            go.set()


def _waits() -> Generator[float, Any, None]:
    """Waits for the backoff library: what the API named, else a jittered exponential."""
    exponential = backoff.expo(factor=FIRST_WAIT, max_value=LONGEST_WAIT)
    next(exponential)
    exc: Transient = yield 0
    while True:
        named = exc.wait
        exc = yield named if named is not None else backoff.full_jitter(next(exponential))


class Transport:
    """Sends GET requests for all streams of a run."""

    def __init__(
        self,
        api_url: str,
        auth: Auth,
        *,
        user_agent: str,
        concurrency: int = 8,
        max_wait: float = 900.0,
    ) -> None:
        self._api_url = api_url
        self._auth = auth
        self._headers = {"User-Agent": user_agent, "Accept": "application/json"}
        self._max_wait = max_wait
        self._gate = Gate(concurrency, max_wait)
        self._sessions: list[requests.Session] = []
        self._answered = False
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        """Requests sent so far for each stream, tries counted singly."""

    @property
    def quotas(self) -> Mapping[str, Quota]:
        """What is known of each rate-limit category."""
        return self._gate.quotas

    def waiting(self) -> list[tuple[str, float]]:
        """The rate-limit categories that requests wait for, and when each comes back (epoch)."""
        with self._lock:
            wanted = sorted(+self._under_way)
        waits = [(category, self._gate.closed_for(category)) for category in wanted]
        return [(category, clock.now() + wait) for category, wait in waits if wait]

    def get(self, request: Request, read: Callable[[bytes], T]) -> T:
        """The answer's body, as `read` makes it out of the bytes.

        Raises:
            TapError: The API was never reached, or the credentials do not work.
            Gone: The object asked for does not exist any more or is not ours (`single` requests).
            Forbidden: The endpoint is not open to this account, app or token.
            QuotaExhausted: The quota comes back later than `max_wait`.
            Refused: Another definite answer, which trying again does not change.
            StreamError: Trying again did not heal it.
        """
        with self._lock:
            self._under_way[request.quota] += 1
        try:
            return self._try(request, read)
        except Transient as exc:
            if not self._answered:
                raise TapError(
                    f"Nothing answered at {self._api_url}, tried {TRIES} times: {exc}. Check the "
                    "network and `api_url`, and run again."
                ) from exc
            raise StreamError(
                f"GET {request.path} failed {TRIES} times, the last time because {exc}; "
                "run again later",
                exc.answer,
            ) from exc
        finally:
            with self._lock:
                self._under_way[request.quota] -= 1

    @backoff.on_exception(
        _waits,
        Transient,
        max_tries=lambda: TRIES,
        jitter=None,
        logger=None,
        on_backoff=lambda details: logger.warning(
            "GET %s: %s; try %d follows in %.1f seconds",
            details["args"][1].path,
            details["exception"],
            details["tries"] + 1,
            details["wait"],
        ),
    )
    def _try(self, request: Request, read: Callable[[bytes], T]) -> T:
        with self._gate.slot(request.quota, request.rank):
            token = self._auth.token()
            query = request.query()
            response = self._send(request, query, token)
            self._answered = True
            self._gate.learn(request.quota, response.headers)
        if response.status != 200:  # noqa: PLR2004
            goes_on = any(name == "bookmark" for name, _ in query)
            return read(self._refused(request, response, token, goes_on=goes_on))
        self._auth.accepted()
        if not response.body or response.body.isspace():
            raise Transient("the answer was empty")
        try:
            try:
                return read(response.body)
            except msgspec.DecodeError:
                return read(with_whole_characters(response.body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise Transient("the answer was not the JSON that the API describes") from exc

    def _send(self, request: Request, query: Params, token: str) -> http.Response:
        try:
            session = self._sessions.pop()
        except IndexError:
            session = http.new_session(self._api_url)
        with self._lock:
            self.requests[request.stream] += 1
        try:
            return http.exchange(
                session,
                "GET",
                self._api_url + request.path,
                auth=Bearer(token),
                params=query,
                headers=self._headers,
            )
        finally:
            self._sessions.append(session)

    def _refused(
        self, request: Request, response: http.Response, token: str, *, goes_on: bool
    ) -> bytes:
        # An error page may quote the request.
        body = response.body.replace(token.encode(), b"...")
        answer = Answer.read(response.status, body, response.headers, request.path)
        match action_for(answer):
            case Action.EMPTY if not goes_on:
                return EMPTY_PAGE
            case Action.RETRY | Action.THROTTLE as action:
                raise self._later(request, answer, quota=action is Action.THROTTLE)
            case Action.REFRESH:
                self._auth.renew(token)
                raise Transient("the access token was refused and is renewed", wait=0)
            case Action.SKIP if request.single:
                raise (Withheld if answer.status in CLOSED else Gone)(str(answer), answer)
            case Action.SKIP | Action.FORBID if answer.status in CLOSED:
                raise Forbidden(str(answer), answer)
            case _:
                raise Refused(f"GET {request.path} was refused: {answer}", answer)

    def _later(self, request: Request, answer: Answer, *, quota: bool) -> Exception:
        wait = wait_named_by(answer)
        if wait is None:
            return Transient(str(answer), answer=answer)
        if quota:
            self._gate.exhaust(request.quota, wait)
        if wait > self._max_wait:
            return QuotaExhausted(
                f"{answer}; the {'quota' if quota else 'service'} comes back at "
                f"{come_back_at(wait, clock.now())}, which is longer than `max_wait`",
                answer,
            )
        return Transient(str(answer), wait, answer)


def with_whole_characters(body: bytes) -> bytes:
    """JSON without halves of characters, such as those of texts that were cut inside an emoji.

    UTF-8 has no place for them: each becomes U+FFFD. It is no reason to lose a page.
    """
    return ESCAPES.sub(lambda found: rb"\ufffd" if found["half"] else found[0], body)
