"""Where the browser lands when it comes back from Pinterest: one small page on this machine."""

from __future__ import annotations

import html
import string
import threading
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from tap_pinterest.errors import TapError
from tap_pinterest.shown import shown
from tap_pinterest.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PAGE = string.Template(Path(__file__).with_suffix(".html").read_text("utf-8"))

CLOSE = "You can close this window."


class NotTheAnswer(TapError):
    """A request that is not the answer waited for: its page says so, and the wait goes on."""


def wait_for_browser(
    port: int,
    answer: Callable[[Mapping[str, str]], str],
    *,
    listening: Callable[[], None],
    timeout: float,
) -> None:
    """Serve `http://localhost:PORT/` to this machine alone, until the answer has arrived.

    Args:
        port: Where to listen.
        answer: Takes the query that the browser brings; returns a sentence for the page, or
            raises what the page, and then the caller, is to be told.
        listening: Called when the browser may come.
        timeout: Seconds to wait.

    Raises:
        TapError: The port is taken, nobody came in time, or what `answer` raises.
    """
    try:
        server = _Server(port, answer)
    except OSError as exc:
        raise TapError(
            f"Port {port} of this machine cannot be listened on: {exc.strerror}. End the program "
            "that uses it, or choose another with --port and register its redirect URI too."
        ) from None
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            listening()
            server.outcome.result(timeout)
        except TimeoutError:
            raise TapError(
                f"Nobody came back from Pinterest's page within {counted(timeout, 'second')}. Run "
                "the login again; if the browser showed an error about the redirect URI, register "
                f"http://localhost:{port}/ with your app, exactly so."
            ) from None
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, answer: Callable[[Mapping[str, str]], str]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.outcome: Future[None] = Future()
        self.answer = answer
        self.turn = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10  # browsers open connections that they may never use
    server_version = "tap-pinterest-login"
    sys_version = ""

    def do_GET(self) -> None:  # the name that the library looks for
        """Answer the browser."""
        url = urlsplit(self.path)
        if url.path != "/":
            self.send_error(404)
            return
        with self.server.turn:
            if self.server.outcome.done():
                self._show("This login is over", "It has had its answer already.", CLOSE)
            else:
                self._settle(dict(parse_qsl(url.query)))

    def _settle(self, query: Mapping[str, str]) -> None:
        outcome = self.server.outcome
        try:
            text = self.server.answer(query)
        except NotTheAnswer as exc:
            self._show("Not the answer", str(exc), "The login in the terminal is still waiting.")
        except TapError as exc:
            self._show("Not connected", str(exc), CLOSE)
            outcome.set_exception(exc)
        except BaseException as exc:  # noqa: BLE001 - raised again in the main thread
            self._show("Not connected", "The terminal says why.", CLOSE)
            outcome.set_exception(exc)
        else:
            self._show("Connected", text, CLOSE, good=True)
            outcome.set_result(None)

    def _show(self, title: str, text: str, then: str, *, good: bool = False) -> None:
        page = PAGE.substitute(
            title=html.escape(title),
            text=html.escape(shown(text)),
            next=html.escape(then),
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
