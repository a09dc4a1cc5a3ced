"""HTTP by itself, against servers of few lines: deadlines, downloads, and what cannot be reached."""

from __future__ import annotations

import contextlib
import gzip
import json
import logging
import random
import re
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import pytest

from tap_pinterest.errors import Refused, StreamError, Unanswered, Unreached
from tap_pinterest.network import http, oauth, retry
from tap_pinterest.network.auth import GivenToken
from tap_pinterest.network.tokens import Tokens
from tap_pinterest.network.transport import Request, Transport
from tests.harness import run_tap
from tests.pinterest_api import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Send = Callable[[bytes], None]
    Play = Callable[[Send], None]

MEMBER = gzip.compress(b"c", mtime=0)
GZIP_HEAD = gzip.compress(b"")[:10]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def whole(body: bytes, head: bytes = HEAD) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


class Server:
    """Answers each request on a connection of its own, as `plays` say; the last one again."""

    def __init__(self, *plays: Play) -> None:
        self.heard: list[bytes] = []
        self._plays = list(plays)
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the test."""
        if self._closing.wait(seconds):
            raise BrokenPipeError

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._closing.is_set():
                connection, _ = self._listener.accept()
                thread = threading.Thread(target=self._answer, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            asked = b""
            while not is_whole(asked):
                part = connection.recv(65536)
                if not part:
                    return
                asked += part
            self.heard.append(asked)
            play = self._plays.pop(0) if len(self._plays) > 1 else self._plays[0]
            play(connection.sendall)


def is_whole(asked: bytes) -> bool:
    """Whether a request has arrived with its body."""
    head, end, body = asked.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return bool(end) and len(body) >= int(length[1] if length else 0)


def sends(answer: bytes) -> Play:
    return lambda send: send(answer)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT", (5.0, 0.5))
    monkeypatch.setattr(oauth, "PATIENCE", 0.5)
    monkeypatch.setattr(retry, "TRIES", 2)


def ask(server: Server) -> http.Response:
    with http.new_session(server.url) as session:
        return http.exchange(session, "GET", server.url)


# -- deadlines


@contextlib.contextmanager
def dripping(rest: bytes, before: bytes = b"") -> Iterator[Server]:
    """A server that sends a part of its answers, and then a byte now and then, never all."""

    def play(send: Send) -> None:
        send(before)
        for byte in rest * 1000:
            send(bytes([byte]))
            server.pause(0.05)

    with Server(play) as server:
        yield server


DRIPS = {
    "its first line": (b"H", b""),
    "its headers": (b"x", HEAD + b"X-Endless: "),
    "its body": (b" ", HEAD + b"Content-Length: 1000000\r\n\r\n{"),
    "its chunks": (b"1\r\n \r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
    "its end": (b" ", HEAD + b"\r\n{"),
}


@pytest.mark.parametrize("what", DRIPS)
@pytest.mark.usefixtures("impatient")
def test_an_answer_that_drips_is_not_waited_for(what: str) -> None:
    began = time.monotonic()
    with dripping(*DRIPS[what]) as server, pytest.raises(Unanswered, match="in time"):
        ask(server)
    assert time.monotonic() - began < 10


@pytest.mark.usefixtures("impatient")
def test_a_token_that_drips_is_not_waited_for() -> None:
    with dripping(*DRIPS["its body"]) as server, pytest.raises(Unanswered, match="in time"):
        oauth.App(server.url, "id", "secret").refresh(Tokens(refresh_token="old"))


@pytest.mark.usefixtures("impatient")
def test_a_run_against_one_that_drips_ends_and_says_so() -> None:
    with dripping(*DRIPS["its body"]) as server:
        run = run_tap({"access_token": TOKEN, "api_url": f"{server.url}/v5"}, select=["boards.*"])
    assert run.exit_code == 1
    assert "Pinterest does not answer: 127.0.0.1" in run.last_line
    assert "did not answer in time" in run.last_line


@pytest.mark.usefixtures("impatient")
def test_silence_after_a_large_part_is_not_waited_for_any_longer() -> None:
    def play(send: Send) -> None:
        send(HEAD + b"Content-Length: 1000000\r\n\r\n" + b" " * 500_000)
        server.pause(60)

    began = time.monotonic()
    with Server(play) as server, pytest.raises(Unanswered, match="in time"):
        ask(server)
    assert time.monotonic() - began < 10


def test_what_is_large_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than an answer may take, at a speed that is worth it."""
    monkeypatch.setattr(http, "TIMEOUT", (5.0, 1.0))

    def play(send: Send) -> None:
        send(HEAD + b"Content-Length: 300000\r\n\r\n")
        for _ in range(30):
            send(b"x" * 10_000)
            server.pause(0.05)

    with Server(play) as server:
        assert ask(server).body == b"x" * 300_000


# -- what cannot be reached


def test_a_name_that_does_not_resolve_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    url = "https://api.pinterest.example"
    with http.new_session(url) as session, pytest.raises(Unreached) as told:
        http.exchange(session, "GET", url)
    assert str(told.value) == "the name api.pinterest.example does not resolve"


@pytest.mark.parametrize("proxy", [False, True])
def test_a_refused_connection_is_told(monkeypatch: pytest.MonkeyPatch, proxy: bool) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{closed.getsockname()[1]}"
        if proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://user:secret@{place}")
        url = "https://api.pinterest.example" if proxy else f"http://{place}"
        with http.new_session(url) as session, pytest.raises(Unreached) as told:
            http.exchange(session, "GET", url)
    assert str(told.value) == f"the connection to {place} was refused"


# -- POST


def test_a_body_is_sent_as_json() -> None:
    with Server(sends(whole(b'{"token": 1}'))) as server:
        request = Request("/reports", method="POST", body={"columns": ["A"]}, stream="reports")
        transport = Transport(server.url, GivenToken(TOKEN), user_agent="tests")
        assert json.loads(transport.get(request, bytes)) == {"token": 1}
    ((head, _, body),) = (heard.partition(b"\r\n\r\n") for heard in server.heard)
    assert head.startswith(b"POST /reports HTTP/1.1")
    assert b"Content-Type: application/json" in head
    assert json.loads(body) == {"columns": ["A"]}


def test_no_cookie_is_kept() -> None:
    with Server(
        sends(whole(b"{}", HEAD + b"Connection: close\r\nSet-Cookie: a=b; Path=/\r\n"))
    ) as server:
        with http.new_session(server.url) as session:
            http.exchange(session, "GET", server.url)
            http.exchange(session, "GET", server.url)
            assert not session.cookies
        assert len(server.heard) == 2
        assert b"Cookie" not in server.heard[1]


# -- bounds


def endless(*parts: bytes) -> Play:
    """Some bytes, and then the last of them for ever."""

    def play(send: Send) -> None:
        for part in parts[:-1]:
            send(part)
        while True:
            send(parts[-1] * max(1, (1 << 16) // len(parts[-1])))

    return play


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param((b"HTTP/1.1 100 Continue\r\n\r\n",), id="continue"),
        pytest.param((HEAD, b"X-More: " + b"x" * 60_000 + b"\r\n"), id="headers"),
        pytest.param((HEAD, b"x"), id="a header"),
        pytest.param((b"x",), id="a status line"),
        pytest.param((CHUNKED, b"\r\n", b"0\r\n", b"X-More: y\r\n"), id="trailers"),
        pytest.param((CHUNKED, b"\r\n", b"1;" + b"x" * 60_000 + b"\r\n \r\n"), id="framing"),
    ],
)
def test_an_answer_of_next_to_nothing_is_not_read_for_ever(parts: tuple[bytes, ...]) -> None:
    with Server(endless(*parts)) as server, pytest.raises(Unanswered):
        ask(server)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param((CHUNKED, b"\r\n", b"4000\r\n" + b" " * 0x4000 + b"\r\n"), id="chunks"),
        pytest.param((HEAD, b"\r\n", b" "), id="until it closes"),
        pytest.param((HEAD, b"Content-Length: 99999999999\r\n\r\n", b" "), id="by its length"),
        pytest.param(
            (HEAD, b"Content-Encoding: gzip\r\n\r\n", GZIP_HEAD, b"\0\0\0\xff\xff"),
            id="gzip of nothing",
        ),
    ],
)
def test_an_answer_without_end_is_read_up_to_the_bound(parts: tuple[bytes, ...]) -> None:
    with Server(endless(*parts)) as server, pytest.raises(Refused, match="65,536 KB"):
        ask(server)


@pytest.mark.parametrize("after", [b"", b"\0" * 10, b"more", MEMBER], ids=repr)
@pytest.mark.parametrize("size", [0, 1, http.SLICE, http.SLICE * 3 + 1])
def test_gzip_is_decoded_as_its_programs_do(size: int, after: bytes) -> None:
    content = random.Random(1).randbytes(size)
    body = gzip.compress(content, 0) + gzip.compress(b"b") + after
    with Server(sends(whole(body, HEAD + b"Content-Encoding: gzip\r\n"))) as server:
        assert ask(server).body == content + b"b" + (b"c" if after[:1] == b"\x1f" else b"")
        assert b"Accept-Encoding: gzip\r\n" in server.heard[0]


def test_an_empty_answer_is_empty_whatever_it_says_of_itself() -> None:
    with Server(sends(whole(b"", HEAD + b"Content-Encoding: gzip\r\n"))) as server:
        assert ask(server).body == b""


# -- downloads

CONTENT = b"".join(b'{"PIN_ID":"%d"}\n' % number for number in range(100_000))


def downloads(server: Server, *, api: str | None = None) -> Iterator[bytes]:
    api_url = f"{server.url}/v5" if api is None else api
    transport = Transport(api_url, GivenToken(TOKEN), user_agent="tests")
    return transport.download(f"{server.url}/report?Signature=secret-one")


def test_a_download_is_decoded_slice_by_slice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    head = HEAD + b"Content-Encoding: gzip\r\nSet-Cookie: a=b\r\n"
    with Server(sends(whole(gzip.compress(CONTENT), head))) as server:
        slices = list(downloads(server))
        assert b"".join(slices) == CONTENT
        assert max(map(len, slices)) <= http.SLICE
        list(downloads(server))
    for heard in server.heard:
        assert b"Authorization" not in heard
        assert b"Cookie" not in heard
        assert TOKEN.encode() not in heard


def test_nothing_of_a_link_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    odd = HEAD + b"no header\r\nX-Other: 1\r\n"
    busy = whole(b"", b"HTTP/1.1 503 Busy\r\n")
    with Server(sends(busy), sends(whole(CONTENT, odd))) as server:
        list(downloads(server))
    assert "Download: HTTP 503" in caplog.text
    assert "Traceback" not in caplog.text
    assert "secret-one" not in caplog.text


@pytest.mark.parametrize(
    ("status", "location"), [(b"403 Forbidden", b""), (b"302 Found", b"Location: /other\r\n")]
)
def test_a_download_that_is_refused_is_not_tried_again(status: bytes, location: bytes) -> None:
    with Server(sends(whole(b"<Error/>", b"HTTP/1.1 " + status + b"\r\n" + location))) as server:
        with pytest.raises(Refused) as refused:
            next(iter(downloads(server)))
        assert refused.value.answer is not None
        assert refused.value.answer.status == int(status[:3])
        assert "secret-one" not in str(refused.value)
        assert len(server.heard) == 1


def test_a_download_is_begun_again_but_not_gone_on_with() -> None:
    busy = whole(b"", b"HTTP/1.1 503 Busy\r\n")
    with Server(sends(busy), sends(b""), sends(whole(CONTENT))) as server:
        assert b"".join(downloads(server)) == CONTENT
    with Server(sends(whole(CONTENT)[:-1])) as server:
        with pytest.raises(StreamError, match="a download broke off") as broken:
            list(downloads(server))
        assert "secret-one" not in str(broken.value)
        assert len(server.heard) == 1


def test_a_download_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "TRIES", 3)
    with Server(sends(whole(b"", b"HTTP/1.1 503 Busy\r\n"))) as server:
        with pytest.raises(StreamError, match="Download failed 3 times"):
            list(downloads(server))
        assert len(server.heard) == 3


def test_a_download_waits_for_whoever_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that is slow is no host that is."""
    monkeypatch.setattr(http, "TIMEOUT", (5.0, 1.0))
    monkeypatch.setattr(http, "SLOWEST", 1 << 40)  # nothing is earned by what has arrived

    def play(send: Send) -> None:
        send(HEAD + b"Content-Length: %d\r\n\r\n" % len(CONTENT))
        for at in range(0, len(CONTENT), 1 << 16):
            send(CONTENT[at : at + (1 << 16)])

    with Server(play) as server:
        slices = downloads(server)
        content = next(slices)
        time.sleep(1.2)
        assert content + b"".join(slices) == CONTENT


def test_a_download_over_an_open_line_is_not_asked_for() -> None:
    with Server(sends(whole(b""))) as server:
        with pytest.raises(StreamError, match="not https"):
            list(downloads(server, api="https://api.example/v5"))
        assert server.heard == []
