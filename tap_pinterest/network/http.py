"""HTTP, and the only file that sends: bounded in time, never redirected, trouble told plainly.

An exchange is a request and its whole answer. A download is an answer of any size, read slice by
slice, from a link that needs no token and gets none.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import http.client
import io
import logging
import socket
import time
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, HTTPError, ReadTimeoutError

from tap_pinterest.errors import Refused, TapError, TooLarge, Unanswered, Unreached
from tap_pinterest.shown import plain

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

TIMEOUT = (10.0, 120.0)
"""Seconds to wait for a connection, and for an answer: headers and body, see SLOWEST."""

SLOWEST = 4096
"""Bytes of an answer that earn it another second, so that what is large may take its time."""

MOST = 64 << 20
"""Bytes of an answer at most, as it is sent and decoded; only a download may have more."""

MOST_OF_AN_ERROR = 1 << 20
"""Bytes likewise where the status says that it is none to be read."""

OK = 200

SLICE = 1 << 20
"""Bytes that are read, and decoded, at once: mostly the whole of an answer."""

HEADERS = 32 << 10
"""Bytes of headers, and of trailers, at most; of some, to take them apart is slow."""

FRAMES = 16
"""How many times its size may be sent for a content that comes in chunks."""

# At DEBUG it writes whole addresses, and that of a download opens it to everybody.
logging.getLogger("urllib3.connectionpool").addFilter(lambda line: line.levelno > logging.DEBUG)
# Of headers that are odd it tells with a traceback, and the address again.
logging.getLogger("urllib3.connection").addFilter(
    lambda line: not str(line.msg).startswith("Failed to parse headers")
)


PART = 16 << 10
"""Bytes of gzip that are decoded at once."""

GZIP = 16 + zlib.MAX_WBITS
GZIP_BEGINS = b"\x1f"


class Response(NamedTuple):
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Download(NamedTuple):
    """An answer that is read slice by slice, its content decoded; it is closed with `slices`."""

    status: int
    headers: Mapping[str, str]
    slices: Generator[bytes]


class _Timed(io.RawIOBase):
    """What a socket receives; whoever sends it too slowly is not waited for.

    A socket's own timeout is about the next byte: an answer of single bytes would never end. Only
    the time spent waiting counts, not that in which nobody asks for more.

    Attributes:
        room: Bytes that may still come before somebody sees what has.
        earns: Whether they are content, and earn time.
    """

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock, self._raw = sock, raw
        self._idle = sock.gettimeout() or TIMEOUT[1]
        self._waited, self._received = 0.0, 0
        self.room, self.earns = HEADERS, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = min(self._idle, self._idle + self._received / SLOWEST - self._waited)
        if left <= 0:
            raise TimeoutError("the answer came too slowly")
        if self.room <= 0:
            raise OSError(errno.EMSGSIZE, "the answer holds next to nothing, without end")
        if left != self._sock.gettimeout():  # a call of the system, for which others would wait
            self._sock.settimeout(left)
        began = time.monotonic()
        count = self._raw.readinto(buffer)
        self._waited += time.monotonic() - began
        self.room -= count or 0
        if self.earns:
            self._received += count or 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    """An answer, timed from its first line on."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.timed = _Timed(sock, self.fp.detach())
        self.fp = io.BufferedReader(self.timed)

    def begin(self) -> None:
        """Read the headers; what follows is content."""
        super().begin()
        for name in ("Set-Cookie", "Set-Cookie2"):
            del self.headers[name]  # none is kept, and to read them takes long and may fail
        self.timed.earns = True

    def _read_and_discard_trailer(self) -> None:
        # Private in http.client, where trailers have no end but their own.
        self.timed.room, self.timed.earns = HEADERS, False
        super()._read_and_discard_trailer()  # type: ignore[misc]


@functools.cache
def _timed(connection: type) -> type:
    """A kind of connection (plain, TLS, through a proxy) whose answers are timed."""
    return type(connection.__name__, (connection,), {"response_class": _TimedResponse})


class _Adapter(HTTPAdapter):
    """Keeps one connection, and tries nothing again: that is for others to decide."""

    def __init__(self) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        """The pool that a request goes through; its answers are timed."""
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        if getattr(pool.ConnectionCls, "response_class", None) is not _TimedResponse:
            pool.ConnectionCls = _timed(pool.ConnectionCls)
        return pool


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere: also where none is followed, requests takes it apart, and reads the body."""


def new_session(url: str) -> requests.Session:
    """A session for one host, with one kept connection.

    What the environment says of proxies and certificates is looked up once, not with each request;
    what it says of passwords (a netrc file), never. No cookie is kept.
    """
    session = _Session()
    found = session.merge_environment_settings(url, {}, None, None, None)
    session.proxies, session.verify, session.cert = found["proxies"], found["verify"], found["cert"]
    session.trust_env = False
    session.headers["Accept-Encoding"] = "gzip"
    session.mount("https://", _Adapter())
    session.mount("http://", _Adapter())
    return session


def exchange(
    session: requests.Session,
    method: str,
    url: str,
    *,
    most: int = MOST,
    patience: float | None = None,
    **options: Any,
) -> Response:
    """Send a request and read the whole answer, whatever its status.

    Args:
        session: Whose connection to use.
        method: GET or POST.
        url: Where to.
        most: Bytes of the answer at most, as it is sent and decoded.
        patience: Seconds to wait for it, without those that its size earns.
        options: What `requests` takes: auth, params, data, headers.

    Raises:
        Unanswered: The connection failed, took too long or ended before the answer did.
        Refused: The answer is too large, or compressed in a way that was not asked for.
        TapError: The server's certificate is not to be trusted, or the address cannot be used.
    """
    with _opened(session, method, url, patience, **options) as response:
        pieces, size, piece = [], 0, b""
        if response.status_code != OK:
            most = min(most, MOST_OF_AN_ERROR)
        try:
            for piece in _decoded(response, most):
                pieces.append(piece)
                size += len(piece)
                _bound(size, most)
            return Response(response.status_code, response.headers, b"".join(pieces))
        finally:
            pieces.clear()  # an error that is kept to be told keeps this frame
            piece = b""


def download(url: str, headers: Mapping[str, str]) -> Download:
    """Ask for a link's content in a session of its own, without token, cookie or password.

    Raises:
        Unanswered: The connection failed or took too long; also while the slices are read.
        Refused: It is compressed in a way that was not asked for; likewise.
        TapError: As with `exchange`.
    """

    def answer() -> Generator[Any]:
        with (
            new_session(url) as session,
            _opened(session, "GET", url, headers=headers) as response,
        ):
            yield response
            yield from _decoded(response)

    slices = answer()
    response = next(slices)
    return Download(response.status_code, response.headers, slices)


def _decoded(response: requests.Response, most: int | None = None) -> Iterator[bytes]:
    """The content, in pieces of `SLICE` bytes at most; of what is sent no more than `most` is read.

    Not by urllib3, which decodes as much as there is, and as often as the headers say.
    """
    encoding = (response.headers.get("Content-Encoding") or "identity").strip().lower()
    sent = _sent(response, most)
    if encoding == "identity":
        yield from sent
    elif encoding in ("gzip", "x-gzip"):
        yield from _unzipped(sent)
    else:
        raise Refused(f"the answer is compressed as {plain(encoding)}, and only gzip was asked for")


def _sent(response: requests.Response, most: int | None) -> Iterator[bytes]:
    # As requests itself gets at it.
    timed = cast("_TimedResponse", response.raw._original_response).timed  # noqa: SLF001
    size = 0
    while True:
        timed.room = FRAMES * SLICE
        piece = response.raw.read(SLICE, decode_content=False)
        if not piece:
            return
        size += len(piece)
        _bound(size, most)
        yield piece


def _unzipped(sent: Iterable[bytes]) -> Iterator[bytes]:
    """What is in a gzip file, and in those that may follow it; what else follows is left out."""
    member, begun, ended = zlib.decompressobj(GZIP), False, False
    # In small parts, as each end of a member copies what is behind it.
    for part in (piece[at : at + PART] for piece in sent for at in range(0, len(piece), PART)):
        left = part
        while left or begun:
            if ended and not begun and left[:1] != GZIP_BEGINS:
                return
            out, begun = member.decompress(left, SLICE), True
            yield out
            left = member.unconsumed_tail
            if member.eof:
                left, member = member.unused_data, zlib.decompressobj(GZIP)
                begun, ended = False, True
            elif len(out) < SLICE:
                break  # until more arrives
    if begun:
        raise zlib.error("it ends before its end")


def _bound(size: int, most: int | None) -> None:
    if most is not None and size > most:
        raise TooLarge(f"the answer has more than {most >> 10:,} KB, which is not read")


@contextlib.contextmanager
def _opened(
    session: requests.Session, method: str, url: str, patience: float | None = None, **options: Any
) -> Generator[requests.Response]:
    """Send a request; its body may be read inside of the `with` block.

    Redirects are not followed: the token never travels to another place than the one configured.
    """
    # An address may hold a password, and that of a download is one.
    host = requests.utils.urlparse(url).netloc.rpartition("@")[2]  # type: ignore[attr-defined]
    try:
        with session.request(
            method,
            url,
            timeout=(TIMEOUT[0], patience or TIMEOUT[1]),
            # Plain http never leaves this machine, not even towards a proxy.
            proxies={"http": ""},
            allow_redirects=False,
            stream=True,
            **options,
        ) as response:
            yield response
    except requests.exceptions.SSLError as exc:
        if "CERTIFICATE_VERIFY_FAILED" not in str(exc):
            raise Unanswered(f"the connection to {host} failed ({type(exc).__name__})") from exc
        raise TapError(
            f"The certificate of {host} could not be verified. Check `api_url`, and any proxy "
            "between this machine and Pinterest."
        ) from exc
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as exc:
        raise TapError(
            f"`api_url` (or a proxy set for this machine) does not work: {host!r} cannot be used "
            "as a host to connect to."
        ) from exc
    except zlib.error as exc:
        raise Unanswered(f"the answer of {host} is not the gzip that it says it is") from exc
    except (
        requests.exceptions.RequestException,
        HTTPError,
        http.client.HTTPException,
        OSError,
        ValueError,  # of http.client, which believes sizes and numbers
    ) as exc:
        if reason := _unreached(exc):
            raise Unreached(reason) from exc
        if isinstance(exc, requests.exceptions.Timeout | ReadTimeoutError):
            raise Unanswered(f"{host} did not answer in time") from exc
        raise Unanswered(f"the connection to {host} failed ({type(exc).__name__})") from exc


def _unreached(error: BaseException) -> str | None:
    """Why there is no connection, be it to a proxy; None where there was one."""
    chain = list(_chain(error))
    failed = next((each for each in chain if isinstance(each, ConnectTimeoutError)), None)
    if failed is None:
        return None
    connection = getattr(failed, "conn", None) or failed.args[0]
    place = f"{connection.host}:{connection.port}"
    match chain[-1]:
        case socket.gaierror():
            return f"the name {connection.host} does not resolve"
        case ConnectionRefusedError():
            return f"the connection to {place} was refused"
        case TimeoutError():
            return f"no connection to {place} in time"
        case reason:
            return f"no connection to {place} ({getattr(reason, 'strerror', None) or reason})"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it, to the first cause."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
