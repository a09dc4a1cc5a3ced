"""The token goes to the configured host, over a connection that is verified, and nowhere else."""

from __future__ import annotations

import http.server
import shutil
import socket
import ssl
import subprocess
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tap_pinterest import clock, doctor
from tests.fault_harness import Time
from tests.harness import files, invoke, run_tap
from tests.pinterest_api import TOKEN, Simulator, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Stranger(http.server.ThreadingHTTPServer):
    """Another server, which writes down what it is sent."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.heard: list[Any] = []
        heard = self.heard

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                heard.append((self.path, dict(self.headers)))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *args: Any) -> None: ...

        super().__init__(("127.0.0.1", 0), Handler)
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request: Any, client_address: Any) -> None: ...

    @property
    def at(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    server = Stranger()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_host_is_not_followed(stranger: Stranger, status: int) -> None:
    with Simulator(World(boards=2)) as sim:
        sim.faults.add(
            path="/v5/boards$", kind="redirect", url=f"http://{stranger.at}/", status=status
        )
        run = run_tap(sim, select=["boards.*"])
    assert stranger.heard == []
    assert run.exit_code == 1
    assert "boards" in run.last_line
    assert "redirect" in run.last_line


def test_a_netrc_file_does_not_replace_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with Simulator(World(boards=2)) as sim:
        assert run_tap(sim, select=["boards.*"]).exit_code == 0
        assert {seen.token for seen in sim.requests} == {TOKEN}


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("openssl, which makes the certificate, is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    subprocess.run(
        [openssl, *words.split(), "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = Stranger(context)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        run = run_tap({"access_token": TOKEN, "api_url": f"https://{server.at}/v5"})
    finally:
        server.shutdown()
        server.server_close()
    assert server.heard == []
    assert run.exit_code == 1
    assert "certificate" in run.last_line
    assert "Traceback" not in run.log
    assert TOKEN not in run.log


# -- an API that cannot be reached

DOCTOR: Any = SimpleNamespace(get_singer_command=lambda: doctor.main)
KEYS = {"client_id": "1", "client_secret": "2", "refresh_token": "3"}
UNKNOWN = "https://api.pinterest.example/v5"


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)


@pytest.mark.usefixtures("no_names")
@pytest.mark.parametrize("credentials", [{"access_token": TOKEN}, KEYS], ids=["token", "app"])
@pytest.mark.parametrize(("examined", "seconds"), [(False, 30), (True, 10)])
def test_a_name_that_does_not_resolve_costs_little_time(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    credentials: dict[str, str],
    examined: bool,
    seconds: float,
) -> None:
    Time(monkeypatch)
    began = clock.monotonic()
    config = {**credentials, "api_url": UNKNOWN}
    if examined:
        run = invoke(files(tmp_path, config=config), DOCTOR)
    else:
        run = run_tap(config, select=["boards.*"])
    assert clock.monotonic() - began < seconds + 5
    assert run.exit_code == 1
    told = "Pinterest cannot be reached: the name api.pinterest.example does not resolve"
    assert told in run.last_line
    assert "`api_url`" in run.last_line
    assert "Traceback" not in run.log
    assert run.said("WARNING", "try 2 follows")


def test_an_api_that_is_lost_later_is_tried_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    time_ = Time(monkeypatch)
    with Simulator(World(boards=2, followers=600)) as sim:
        lost = sim.faults.add(kind="reset", path="/followers", nth=2, times=None)
        run = run_tap(sim, select=["followers.*"])
    assert run.exit_code == 1
    assert "failed 8 times" in run.last_line
    assert lost.fired == 8
    assert len(time_.slept) == 7
