"""The simulator on the wire: a real HTTP server in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from . import control, wire
from . import endpoints as _endpoints  # noqa: F401  registers them
from .api import ENDPOINTS, NOT_PERMITTED, ApiError, Call, Endpoint, Router, invalid
from .faults import Fault, Faults
from .lazy import Lazy
from .noise import mix
from .oauth import OAuth
from .paging import Cache, Pager
from .quota import PUBLISHED, Clock, Limit, Quotas
from .world import World

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from types import TracebackType

PREFIX = "/v5"
TOKEN_PATH = f"{PREFIX}/oauth/token"
LISTINGS = 64  # kept between pages
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Seen:
    """A request that arrived. `status` is None while it is unanswered, and after a hang.

    `query` holds (name, value) pairs in their order; `body` what was sent; `began` and `ended` are
    monotonic seconds.
    """

    method: str
    path: str
    query: list[tuple[str, str]]
    token: str | None
    headers: Mapping[str, str]
    body: bytes
    began: float
    status: int | None = None
    ended: float | None = None

    def params(self) -> dict[str, str]:
        """The query as a dict; of a repeated name the last value."""
        return dict(self.query)


LONGEST_LINE = 1 << 16
"""Bytes of a request's first line: 250 ids and 185 columns take 16,000."""


class Simulator:
    """Serves a World at `url`, inside a `with` block or between start() and stop().

    Args:
        world: the data; default: a small one.
        host, port: where to listen; port 0 takes a free one.
        latency: seconds before each answer. Requests wait side by side.
        jitter: part of the latency by which single answers come earlier or later (0.5: ±50 %).
        quotas: category -> (requests, seconds), or "published" for those of the world's tier;
            default: limits that no test reaches, announced all the same.
        empty_pages: see Pager.
        cache: megabytes of finished answers to keep.
        log: how many requests to remember.
        oauth: settings of OAuth (token, token_lifetime, keep_old_refresh_token, redirect_uris).
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        latency: float = 0.0,
        jitter: float = 0.0,
        quotas: Mapping[str, Limit] | str | None = None,
        empty_pages: int | None = None,
        cache: float = 256,
        log: int = 20_000,
        **oauth: Any,
    ) -> None:
        self.world = world or World()
        self.host, self.port = host, port
        self.latency, self.jitter = latency, jitter
        self.clock = Clock()
        if isinstance(quotas, str):
            if quotas != "published":
                raise ValueError(f"quotas: a mapping or 'published', not {quotas!r}")
            quotas = PUBLISHED[self.world.tier]
        self.quotas = Quotas(quotas or {}, self.clock)
        self.pager = Pager(empty_pages)
        self.faults = Faults()
        self.oauth = OAuth(self.world, self.clock, **oauth)
        self.served = 0
        self.in_flight = 0
        self.peak_in_flight = 0
        self._cache = Cache(cache)
        self._listings: OrderedDict[Any, Lazy[Any]] = OrderedDict()
        self._log: deque[Seen] = deque(maxlen=log)
        self._router = Router(ENDPOINTS)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping: asyncio.Event | None = None

    # -- life -------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to serve, in a background thread. Returns when connections are accepted."""
        ready = threading.Event()
        failed: list[BaseException] = []

        def run() -> None:
            try:
                asyncio.run(self.serve(ready.set))
            except BaseException as error:  # noqa: BLE001  handed to the caller of start()
                failed.append(error)
                ready.set()

        self._thread = threading.Thread(target=run, name="pinterest-simulator", daemon=True)
        self._thread.start()
        ready.wait()
        if failed:
            raise failed[0]

    def stop(self) -> None:
        """Close every connection and end the thread."""
        if self._loop and self._stopping and self._thread:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(timeout=10)
        self._thread = None

    async def serve(self, ready: Any = None) -> None:
        """Serve until stop(), or until the task is cancelled; calls `ready` once listening."""
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        server = web.Server(
            self._handle, access_log=None, keepalive_timeout=75, max_line_size=LONGEST_LINE
        )
        listener = await self._loop.create_server(server, self.host, self.port, backlog=512)
        self.port = listener.sockets[0].getsockname()[1]
        if ready:
            ready()
        try:
            await self._stopping.wait()
        finally:
            listener.close()
            await server.shutdown(timeout=0.001)

    # -- for tests --------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Base URL of the API, without a slash at its end."""
        return f"http://{self.host}:{self.port}{PREFIX}"

    @property
    def authorize_url(self) -> str:
        """The page to which a user is sent for consent."""
        return f"http://{self.host}:{self.port}/oauth/"

    @property
    def requests(self) -> list[Seen]:
        """The requests so far, in the order of their arrival; control requests are left out."""
        return list(self._log)

    def clear(self) -> None:
        """Forget the requests seen."""
        self._log.clear()
        self.served = self.peak_in_flight = 0

    def paths(self) -> Counter[str]:
        """Number of requests per path."""
        return Counter(seen.path for seen in tuple(self._log))

    def revoke_tokens(self, *, refresh_tokens: bool = False) -> None:
        """All access tokens die now: 401 code 2."""
        self.oauth.revoke(refresh_tokens=refresh_tokens)

    def advance(self, seconds: float) -> None:
        """Let time pass for quotas and tokens. The calendar is `world.today`."""
        self.clock.advance(seconds)

    def warm(self, path: str, **params: Any) -> int:
        """Compute the pages of a listing beforehand, e.g. warm("/pins", page_size=250).

        Returns the number of pages.
        """
        pages, bookmark = 0, None
        query = [(name, str(value)) for name, value in params.items()]
        while True:
            pairs = query + ([("bookmark", bookmark)] if bookmark else [])
            body = self._body("GET", PREFIX + path, pairs, self.world.scopes)
            pages += 1
            bookmark = msgspec.json.decode(body).get("bookmark")
            if not bookmark:
                return pages

    # -- a request --------------------------------------------------------------------------

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read() if request.body_exists else b""
        path = request.rel_url.raw_path
        if path == "/_control":
            return control.answer(self, request, body)
        kind, _, credential = request.headers.get("Authorization", "").partition(" ")
        seen = Seen(
            method=request.method,
            path=path,
            query=parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True),
            token=credential if kind.lower() == "bearer" else None,
            headers=request.headers,
            body=body,
            began=time.monotonic(),
        )
        self._log.append(seen)
        self.served += 1
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        try:
            await self._wait()
            fault = self.faults.pick(seen)
            if fault and fault.kind in ("hang", "reset"):
                return await wire.break_off(request, fault)
            response = self._respond(seen, fault)
            response.headers["x-pinterest-rid"] = f"{self.served:016d}"
            if fault and fault.kind == "truncate":
                return wire.truncate(request, response)
            seen.status = response.status
            if fault and fault.kind == "drip":
                return await wire.drip(request, response)
            return response
        finally:
            self.in_flight -= 1
            seen.ended = time.monotonic()

    async def _wait(self) -> None:
        latency = self.latency
        if latency and self.jitter:
            latency *= 1 + self.jitter * ((mix(self.world.seed, self.served) % 2001) / 1000 - 1)
        if latency:
            await asyncio.sleep(latency)

    def _respond(self, seen: Seen, fault: Fault | None) -> web.Response:
        headers: dict[str, str] = {}
        try:
            if seen.path.rstrip("/") == "/oauth":
                return self._consent(seen)
            if fault and fault.answer and seen.path == TOKEN_PATH:
                return wire.answered(fault.answer, headers)
            if seen.path == TOKEN_PATH:
                return self._token(seen)
            scopes = self.oauth.scopes(seen.token)
            endpoint, _ = self._find(seen.method, seen.path)
            _check_scopes(endpoint, scopes)
            headers = self.quotas.spend(endpoint.quota)
            if fault and fault.answer:
                return wire.answered(fault.answer, headers)
            body = self._body(seen.method, seen.path, seen.query, scopes)
        except ApiError as error:
            return wire.as_json(error.status, _encode(error.body()), {**headers, **error.headers})
        if fault and fault.kind == "invalid_json":
            body = body[: len(body) * 2 // 3]
        elif fault and fault.edit:
            body = _encode(fault.edit(msgspec.json.decode(body), seen))
        return wire.as_json(200, body, headers)

    def _find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
        return self._router.find(method, path.removeprefix(PREFIX) if _below(path) else "")

    def _body(
        self,
        method: str,
        path: str,
        query: list[tuple[str, str]],
        scopes: frozenset[str],
    ) -> bytes:
        key = (
            method,
            path,
            tuple(sorted(query)),
            scopes,
            self.pager.empty_pages,
            self.world.state(),
        )
        body = self._cache.get(key)
        if body is None:
            endpoint, in_path = self._find(method, path)
            body = _encode(self._value(endpoint, in_path, path, query, scopes))
            self._cache.put(key, body)
        return body

    def _value(
        self,
        endpoint: Endpoint,
        in_path: dict[str, str],
        path: str,
        query: list[tuple[str, str]],
        scopes: frozenset[str],
    ) -> Any:
        call = Call(endpoint.parse(query, in_path), scopes)
        acts_as = call.values.pop("ad_account_id", None) if endpoint.acts_as else None
        world = self._acting_as(acts_as)
        size, bookmark = call.values.pop("page_size", 25), call.values.pop("bookmark", None)
        listing = f"{path}?{sorted(call.values.items(), key=str)}{world.number}"
        key = (listing, scopes, self.world.state())
        value = self._listings.get(key) or endpoint.handler(world, call)
        if not isinstance(value, Lazy):
            return value
        # A filtered listing has looked at every item: keep it for its next page.
        self._listings[key] = value
        while len(self._listings) > LISTINGS:
            self._listings.popitem(last=False)
        return self.pager.page(value, size, bookmark, listing)

    def _acting_as(self, ad_account_id: str | None) -> World:
        if ad_account_id is None:
            return self.world
        if len(ad_account_id) > 18:
            raise invalid("ad_account_id is too long. The maximum length is 18 characters.")
        if ad_account_id not in self.world.accounts:
            raise ApiError(403, 29, NOT_PERMITTED)
        return self.world.accounts[ad_account_id]

    def _token(self, seen: Seen) -> web.Response:
        if seen.method != "POST":
            raise ApiError(405, 5, "Method not allowed.")
        form = dict(parse_qsl(seen.body.decode(), keep_blank_values=True))
        answer = self.oauth.token(seen.headers.get("Authorization", ""), form)
        return wire.as_json(200, _encode(answer), {})

    def _consent(self, seen: Seen) -> web.Response:
        try:
            if seen.method == "POST":
                form = dict(parse_qsl(seen.body.decode(), keep_blank_values=True))
                allow = form.pop("decision", "") == "allow"
                to = self.oauth.decide(form, allow=allow)
                return web.Response(status=302, headers={"location": to})
            page = self.oauth.consent_page(seen.params())
        except ApiError as error:
            return web.Response(status=error.status, text=error.message)
        return web.Response(text=page, content_type="text/html")


def _below(path: str) -> bool:
    return path.startswith(PREFIX + "/")


def _check_scopes(endpoint: Endpoint, scopes: Collection[str]) -> None:
    missing = [scope for scope in endpoint.scopes if scope not in scopes]
    if missing:
        raise ApiError(401, 3, f"Missing: {missing}. Your token does not have this scope.")
