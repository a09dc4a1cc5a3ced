"""The pages that the login shows on this machine: one on the way to Pinterest, one on the way back.

A neighbour on the machine can see arguments of programs, and come to the port: what is secret
stands in a file of this user alone, and whoever comes is answered without being believed.
"""

from __future__ import annotations

import contextlib
import errno
import html
import os
import string
import tempfile
import threading
from concurrent.futures import Future, wait
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import AF_INET, AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from tap_pinterest.errors import TapError
from tap_pinterest.shown import shown
from tap_pinterest.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

PAGE = string.Template(Path(__file__).with_suffix(".html").read_text("utf-8"))

FORWARD = string.Template(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<meta http-equiv="refresh" content="0; url=$url">
<title>To Pinterest</title>
</head>
<body><p><a href="$url">To Pinterest's page</a></p></body>
</html>
"""
)

CLOSE = "You can close this window."

NO_IPV6 = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


@contextlib.contextmanager
def forwarding(url: str) -> Generator[str]:
    """The address of a file that forwards to a page, for as long as the block lasts.

    What starts a browser shows the address to everybody on this machine, as `ps` does. That of the
    file tells nothing, and nobody else can read the file.
    """
    with contextlib.ExitStack() as made:
        try:
            # Not below /tmp, nor hidden: the browsers of some systems are kept from looking there.
            page = _page_in(made, FORWARD.substitute(url=html.escape(url)), Path.home())
        except (OSError, RuntimeError):
            page = _page_in(made, FORWARD.substitute(url=html.escape(url)))
        yield page.as_uri()


def _page_in(made: contextlib.ExitStack, text: str, folder: Path | None = None) -> Path:
    """A file for this user alone in a new folder, both of which go with `made`."""
    new = tempfile.TemporaryDirectory(prefix="tap-pinterest-login-", dir=folder)
    page = Path(made.enter_context(new), "to-pinterest.html")
    with os.fdopen(os.open(page, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    return page


class Landed(NamedTuple):
    """What the page says to whom it was worth waiting for."""

    title: str
    text: str
    then: str = CLOSE


class NotTheAnswer(TapError):
    """A request that is not the answer waited for: its page says so, and the wait goes on."""


def wait_for_browser(
    port: int,
    answer: Callable[[Mapping[str, str]], Landed],
    *,
    listening: Callable[[], None],
    timeout: float,
) -> None:
    """Serve `http://localhost:PORT/` to this machine alone, until the answer has arrived.

    Args:
        port: Where to listen.
        answer: Takes the query that the browser brings; returns what the page says, or raises what
            the page, and then the caller, is to be told.
        listening: Called when the browser may come.
        timeout: Seconds to wait.

    Raises:
        TapError: The port is taken, nobody came in time, or what `answer` raises.
    """
    waiting = _Wait(answer)
    with contextlib.ExitStack() as opened:
        try:
            opened.enter_context(_listening(port, waiting))
        except OSError as exc:
            raise TapError(
                f"Port {port} of this machine cannot be listened on: {exc.strerror}. End the "
                "program that uses it, or choose another with --port and register its redirect "
                "URI too."
            ) from None
        listening()
        if not waiting.over(timeout):
            raise TapError(
                f"Nobody came back from Pinterest's page within {counted(timeout, 'second')}. Run "
                "the login again; if the browser showed an error about the redirect URI, register "
                f"http://localhost:{port}/ with your app, exactly so."
            )
        waiting.told.wait(_Handler.timeout)
        waiting.outcome.result()


class _Wait:
    """What all who come are answered with, one after the other.

    Attributes:
        outcome: Of the login; it does not depend on anybody reading the page.
        told: Set when the page has been written, or nobody reads it.
    """

    def __init__(self, answer: Callable[[Mapping[str, str]], Landed]) -> None:
        self.answer = answer
        self.outcome: Future[None] = Future()
        self.told = threading.Event()
        self.turn = threading.Lock()

    def over(self, timeout: float) -> bool:
        """Wait for the outcome, and hear to the end whoever came in the last moment."""
        wait([self.outcome], timeout)
        with self.turn:
            return self.outcome.done()

    def hear(self, query: Mapping[str, str]) -> tuple[Landed, bool]:
        """What the page is to say, and whether it is good news."""
        with self.turn:
            if self.outcome.done():
                return Landed("This login is over", "It has had its answer already."), False
            try:
                landed = self.answer(query)
            except NotTheAnswer as exc:
                then = "The login in the terminal is still waiting."
                return Landed("Not the answer", str(exc), then), False
            except TapError as exc:
                self.outcome.set_exception(exc)
                return Landed("Not connected", str(exc)), False
            except BaseException as exc:  # noqa: BLE001 - raised again in the main thread
                self.outcome.set_exception(exc)
                return Landed("Not connected", "The terminal says why."), False
            self.outcome.set_result(None)
            return landed, True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_port = False  # nobody else is to share it

    def __init__(self, family: int, address: str, port: int, waiting: _Wait) -> None:
        self.address_family = family
        self.waiting = waiting
        super().__init__((address, port), _Handler)

    def server_bind(self) -> None:
        """Take the port."""
        if self.address_family == AF_INET6:
            self.socket.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1)
        super().server_bind()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that hangs up, or of whoever else came."""


@contextlib.contextmanager
def _listening(port: int, waiting: _Wait) -> Generator[None]:
    """Answer on both addresses that a browser takes for `localhost`.

    On one of them a neighbour could wait for what is meant for us.

    Raises:
        OSError: One of them is taken.
    """
    with contextlib.ExitStack() as opened:
        servers = [opened.enter_context(_Server(AF_INET, "127.0.0.1", port, waiting))]
        try:
            servers += [opened.enter_context(_Server(AF_INET6, "::1", port, waiting))]
        except OSError as exc:
            if exc.errno not in NO_IPV6:
                raise
        for server in servers:
            thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            opened.callback(thread.join)
            opened.callback(server.shutdown)
        yield


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10  # browsers open connections that they may never use
    server_version = "tap-pinterest-login"
    sys_version = ""

    def do_GET(self) -> None:  # the name that the library looks for
        """Answer the browser."""
        try:
            url = urlsplit(self.path)
        except ValueError:
            self.send_error(400)
            return
        if url.path != "/":
            self.send_error(404)
            return
        waiting = self.server.waiting
        try:
            landed, good = waiting.hear(dict(parse_qsl(url.query)))
            self._show(landed, good=good)
        finally:
            if waiting.outcome.done():
                waiting.told.set()

    def _show(self, landed: Landed, *, good: bool) -> None:
        title, text, then = (html.escape(shown(part)) for part in landed)
        page = PAGE.substitute(
            title=title,
            text=text,
            next=then,
            mood="good" if good else "bad",
        ).encode()
        self.send_response(200 if good else 400)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")  # the address holds the code
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: the request line holds the code."""
