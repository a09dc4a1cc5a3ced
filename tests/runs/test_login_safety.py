"""The login among odd visitors, neighbours and signals, and whose tokens it replaces."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tap_pinterest import landing
from tap_pinterest.network.token_store import TokenStore
from tests.harness import environment, wait_for
from tests.runs.test_login import (
    HELLO,
    Browsing,
    Scene,
    known_state,
    no_secret,
    paste,
    scene,
    serving,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_pinterest.network.tokens import Tokens

__all__ = ["known_state", "scene"]


def kept(scene: Scene) -> Tokens:
    tokens = TokenStore(scene.store).read()
    assert tokens is not None
    return tokens


# -- odd visitors


def hang_up(port: int, target: str) -> None:
    """Ask for a page, and be gone before there is any."""
    with socket.create_connection(("127.0.0.1", port)) as visitor:
        visitor.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        # With a reset, so that whoever writes then hears of it.
        visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_browser_that_hangs_up_is_connected_all_the_same(scene: Scene) -> None:
    gone = threading.Event()
    scene.sim.faults.add(path="/oauth/token", kind="reset", when=lambda _: not gone.wait())

    def act(_: Browsing, url: str) -> None:
        address = urlsplit(scene.decide(url))
        try:
            hang_up(scene.port, f"/?{address.query}")
        finally:
            gone.set()

    done, _ = scene.log_in(act=act)
    assert done.exit_code == 0, done.log
    assert "Connected   simulated_user" in done.stdout.decode()
    assert kept(scene).account == "simulated_user"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET http://[ HTTP/1.1", 400),
        (b"GET //[ HTTP/1.1", 404),
        (b"GET /?state=%ff%fe&code=\xff\xfe HTTP/1.1", 400),
        (b"GET /?" + b"a=1&" * 15_000 + b" HTTP/1.1", 400),
        (b"GET /?state=" + b"a" * 70_000 + b" HTTP/1.1", 414),
        (b"\xff\xfe\x00", 400),
        (b"GET / HTTP/9.9", 505),
    ],
)
def test_an_odd_request_is_answered_and_the_right_one_awaited(
    scene: Scene, line: bytes, status: int
) -> None:
    heard: list[bytes] = []

    def act(browsing: Browsing, url: str) -> None:
        with socket.create_connection(("127.0.0.1", scene.port)) as visitor:
            visitor.sendall(line + b"\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):  # the rest of what is too long
                heard.append(visitor.recv(4096))
        browsing.land(scene.decide(url))

    done, _ = scene.log_in(act=act)
    assert done.exit_code == 0, done.log
    assert f" {status} ".encode() in heard[0] or f"code: {status}".encode() in heard[0]


@pytest.mark.parametrize("typed", [b"\xff\xfe\n", b"http://localhost:8085/?state=\xff\n"])
def test_a_pasted_address_that_is_no_text(scene: Scene, caplog: Any, typed: Any) -> None:
    done = paste([*scene.args, "--no-browser"], typed)
    assert done.exit_code == 1
    assert "What was typed is no text (UTF-8)" in caplog.text


@pytest.mark.parametrize("code", ["a%0Ab", "%C3%A9", "a" * 3000])
def test_a_code_that_is_none(scene: Scene, code: str) -> None:
    def act(browsing: Browsing, url: str) -> None:
        state = dict(parse_qsl(urlsplit(url).query))["state"]
        browsing.land(f"http://localhost:{scene.port}/?code={code}&state={state}")

    done, _ = scene.log_in(act=act)
    assert done.exit_code == 1
    assert "holds no `code`" in done.last_line
    assert not scene.sim.paths()["/v5/oauth/token"]


@pytest.mark.parametrize("lifetime", [1e300, -1e300, 0, 1e-300, None])
@pytest.mark.parametrize("name", ["expires_in", "refresh_token_expires_in"])
def test_an_odd_lifetime_is_no_trouble(scene: Scene, name: str, lifetime: float | None) -> None:
    body = {
        "access_token": "x",
        "refresh_token": "y",
        "expires_in": 100,
        "refresh_token_expires_in": 200,
        name: lifetime,
    }
    scene.sim.faults.add(path="/oauth/token", kind="status", status=200, body=body)
    done, _ = scene.log_in()
    assert done.exit_code == 0, done.log
    assert "Lives" in done.stdout.decode()
    assert kept(scene).refresh_token == "y"


def test_what_a_refusal_says_does_nothing_to_the_terminal(scene: Scene) -> None:
    def act(browsing: Browsing, url: str) -> None:
        state = dict(parse_qsl(urlsplit(url).query))["state"]
        said = "error=no%1b[2J&error_description=not%0Athis%07one"
        browsing.land(f"http://localhost:{scene.port}/?{said}&state={state}")

    done, browsing = scene.log_in(act=act)
    assert done.exit_code == 1
    assert r"gave no access (no\x1b[2J: not this\x07one)" in done.last_line
    assert "not this" in browsing.pages[0].text
    assert "\x1b" not in browsing.pages[0].text


# -- neighbours on the machine


def test_what_starts_the_browser_tells_a_neighbour_nothing(scene: Scene) -> None:
    done, browsing = scene.log_in()
    assert done.exit_code == 0, done.log
    (address,) = browsing.addresses
    assert address.startswith("file:///")
    assert browsing.asked["state"] not in address
    assert browsing.modes == [0o600, 0o700]
    assert not Path(urlsplit(address).path).parent.exists()


def test_there_is_no_home_for_the_page_that_forwards(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(scene.folder / "nowhere"))
    done, browsing = scene.log_in()
    assert done.exit_code == 0, done.log
    assert browsing.modes == [0o600, 0o700]


def test_the_page_that_forwards_is_escaped(scene: Scene) -> None:
    with landing.forwarding('https://x.test/?"><script>alert(1)</script>') as address:
        page = Path(urlsplit(address).path).read_text()
    assert scene.folder in Path(urlsplit(address).path).parents
    assert "<script" not in page
    assert 'name="referrer" content="no-referrer"' in page


@pytest.fixture
def ipv6() -> None:
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return
    pytest.skip("this machine has no IPv6")


@pytest.mark.usefixtures("ipv6")
def test_a_neighbour_cannot_wait_on_the_other_address(scene: Scene) -> None:
    with socket.create_server(("::1", scene.port), family=socket.AF_INET6):
        done, browsing = scene.log_in()
    assert done.exit_code == 1
    assert f"Port {scene.port} of this machine cannot be listened on" in done.last_line
    assert not browsing.urls


@pytest.mark.usefixtures("ipv6")
@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
def test_both_addresses_of_localhost_are_served(scene: Scene, address: str) -> None:
    with serving(scene.port, lambda _: HELLO) as ends:
        assert "hello" in requests.get(f"http://{address}:{scene.port}/").text
    assert not ends


@pytest.mark.parametrize("number", landing.NO_IPV6)
def test_one_address_is_enough_where_there_is_no_ipv6(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    bind = socketserver.TCPServer.server_bind

    def without_ipv6(server: socketserver.TCPServer) -> None:
        if server.address_family == socket.AF_INET6:
            raise OSError(number, os.strerror(number))
        bind(server)

    monkeypatch.setattr(socketserver.TCPServer, "server_bind", without_ipv6)
    done, _ = scene.log_in()
    assert done.exit_code == 0, done.log


# -- signals


@contextlib.contextmanager
def logging_in(scene: Scene, *more: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, with a browser that does nothing."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tap_pinterest.login", *scene.args, *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(BROWSER="true", HOME=str(scene.folder)),
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("browser", [True, False])
def test_a_signal_during_the_exchange_waits_for_the_tokens(
    scene: Scene, number: int, browser: bool
) -> None:
    signalled = threading.Event()
    scene.sim.faults.add(path="/oauth/token", kind="reset", when=lambda _: not signalled.wait())
    with logging_in(scene, *([] if browser else ["--no-browser"])) as process:
        assert process.stdout
        assert process.stdin
        lines = iter(process.stdout.readline, "")
        url = next(line.strip() for line in lines if line.startswith(scene.sim.authorize_url))
        landing_page = scene.decide(url)
        visitor = threading.Thread(target=land_on, args=(landing_page,), daemon=True)
        try:
            if browser:
                visitor.start()
            else:
                process.stdin.write(landing_page + "\n")
                process.stdin.flush()
            wait_for(lambda: scene.sim.paths()["/v5/oauth/token"])
            process.send_signal(number)
        finally:
            signalled.set()  # only now the tokens are sent
        _, said = process.communicate()
    assert process.returncode == 128 + number, said
    assert f"Stopped by signal {number:d}; what Pinterest has granted is kept" in said
    assert "Traceback" not in said
    no_secret(said)
    scene.sim.oauth.scopes(kept(scene).access_token)  # which is good
    assert not list(scene.folder.glob("tap-pinterest-login-*"))


def land_on(address: str) -> None:
    with contextlib.suppress(requests.RequestException):  # the page may be cut, or not come
        requests.get(address)
