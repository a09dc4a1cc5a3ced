"""The one way to the API and back: a request goes in, its answer or what its failure is comes out.

Any thread may call `Transport.get`. At most `concurrency` requests are on their way at once, each
only when its rate-limit category has room; among those that wait, the lowest rank goes first.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from tap_pinterest import clock
from tap_pinterest.bounds import MOST_VALUES, crowded, replaced, shallow
from tap_pinterest.errors import (
    Action,
    Answer,
    Forbidden,
    Gone,
    QuotaExhausted,
    Refused,
    StreamError,
    TapError,
    TooLarge,
    Transient,
    Withheld,
    action_for,
    come_back_at,
    wait_named_by,
)
from tap_pinterest.network import http, retry
from tap_pinterest.network.auth import Bearer
from tap_pinterest.network.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    import requests

    from tap_pinterest.network.auth import Auth
    from tap_pinterest.network.gate import Quota

T = TypeVar("T")

Params = tuple[tuple[str, str], ...]
"""Query parameters; one name may come several times."""

OK = 200

CLOSED = (401, 403)
"""Statuses that are about rights, and not about what exists."""

EMPTY_PAGE = b'{"items":[],"bookmark":null}'

# So many at once, as each takes memory until then. Not `++`: Python 3.11.2 finds the wrong ones so.
ESCAPES = re.compile(
    rb"(?:\\[^u]|\\u(?!d[89a-f])|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}){1,100}"
    rb"|(?P<half>\\ud[89a-f][0-9a-f]{2})",
    re.IGNORECASE,
)

SURROGATE = re.compile(rb"\\ud[89a-f]", re.IGNORECASE)


class Request(NamedTuple):
    """A request to the API.

    Attributes:
        path: Below the API's address, beginning with a slash.
        params: The query, or what makes it: a function that is called when the request's turn has
            come, each try anew. It may raise a StreamError, which goes to whoever asked.
        quota: Rate-limit category, which operations share.
        rank: Whose turn it is when several wait: the lowest.
        single: Whether a refusal concerns one object (a board) and not the whole stream.
        stream: The stream that it is counted for.
        method: GET, or POST.
        body: What is sent along as JSON; None for nothing.
    """

    path: str
    params: Params | Callable[[], Params] = ()
    quota: str = "org_read"
    rank: float = 0
    single: bool = False
    stream: str = ""
    method: str = "GET"
    body: Any = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def query(self) -> Params:
        """The query as it is worded now."""
        return self.params() if callable(self.params) else self.params


class Transport:
    """Sends requests for all streams of a run."""

    def __init__(
        self,
        api_url: str,
        auth: Auth,
        *,
        user_agent: str,
        concurrency: int = 8,
        max_wait: float = 900.0,
        again: retry.Retry | None = None,
    ) -> None:
        self._api_url = api_url
        self._auth = auth
        self._agent = {"User-Agent": user_agent}
        self._max_wait = max_wait
        self._again = again or retry.Retry()
        self._gate = Gate(concurrency, max_wait)
        self._sessions: list[requests.Session] = []
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
            return self._persist(str(request), lambda: self._try(request, read))
        finally:
            with self._lock:
                self._under_way[request.quota] -= 1

    def download(self, url: str) -> Generator[bytes]:
        """The decoded content of a link that the API handed out, slice by slice.

        Neither the token nor a place among the requests to the API goes into it. Once the content
        has begun nothing is tried again.

        Raises:
            Refused: The host answered something else than the content: the link has expired, say.
            StreamError: Trying again did not heal it, or the content broke off.
        """
        if not url.startswith(self._api_url.partition("//")[0] + "//"):
            raise StreamError("a download was given an address that is not https")
        try:
            slices = self._persist("Download", lambda: self._download(url))
        except StreamError:
            raise
        except TapError as exc:  # of this host, which is not the API's
            raise StreamError(f"a download failed: {exc}") from exc
        with contextlib.closing(slices):
            try:
                yield from slices
            except Transient as exc:
                raise StreamError(f"a download broke off because {exc}; run again later") from exc

    def _download(self, url: str) -> Generator[bytes]:
        status, headers, slices = http.download(url, self._agent)
        if status == OK:
            return slices
        with contextlib.closing(slices):
            answer = Answer.read(status, next(slices, b""), headers)
        if action_for(answer) in (Action.RETRY, Action.THROTTLE):
            raise Transient(str(answer), wait_named_by(answer), answer)
        raise Refused(f"a download was refused: {answer}", answer)

    def _persist(self, what: str, send: Callable[[], T]) -> T:
        """Try until it works.

        Raises:
            StreamError: It does not.
        """
        try:
            return self._again(what, send)
        except Transient as exc:
            raise StreamError(
                f"{what} failed {self._again.tries} times, the last time because {exc}; run again "
                "later",
                exc.answer,
            ) from exc

    def _try(self, request: Request, read: Callable[[bytes], T]) -> T:
        with self._gate.slot(request.quota, request.rank):
            token = self._auth.token()
            query = request.query()
            response = self._send(request, query, token)
            self._gate.learn(request.quota, response.headers)
        if response.status != OK:
            goes_on = any(name == "bookmark" for name, _ in query)
            return read(self._refused(request, response, token, goes_on=goes_on))
        self._auth.accepted()
        if not response.body or response.body.isspace():
            raise Transient("the answer was empty")
        if crowded(response.body):
            raise TooLarge(f"the answer has more than {MOST_VALUES:,} values, which are not read")
        try:
            try:
                return read(response.body)
            except (msgspec.DecodeError, RecursionError):
                return read(shallow(with_whole_characters(response.body)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise Transient("the answer was not the JSON that the API describes") from exc

    def _send(self, request: Request, query: Params, token: str) -> http.Response:
        try:
            session = self._sessions.pop()
        except IndexError:
            session = http.new_session(self._api_url)
        headers = {**self._agent, "Accept": "application/json"}
        data = None
        if request.body is not None:
            data = msgspec.json.encode(request.body)
            headers["Content-Type"] = "application/json"
        with self._lock:
            self.requests[request.stream] += 1
        try:
            return http.exchange(
                session,
                request.method,
                self._api_url + request.path,
                auth=Bearer(token),
                params=query,
                data=data,
                headers=headers,
            )
        finally:
            self._sessions.append(session)

    def _refused(
        self, request: Request, response: http.Response, token: str, *, goes_on: bool
    ) -> bytes:
        answer = Answer.read(response.status, response.body, response.headers, request.path)
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
                raise Refused(f"{request} was refused: {answer}", answer)

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
    if not SURROGATE.search(body):
        return body
    return replaced(ESCAPES, body, lambda found: rb"\ufffd" if found["half"] else None)
