"""Tokens and secrets: no run prints one, nobody but Pinterest hears one, no record carries one.

Each run of tests/test_faults.py is searched as well; here is what no fault brings about.
"""

from __future__ import annotations

import base64
import copy
import io
import json
import logging
import shutil
import socket
import ssl
import subprocess
import threading
from contextlib import closing, redirect_stdout
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import pytest

from tap_pinterest.network import auth, http, oauth
from tap_pinterest.records.secrets import SECRET
from tap_pinterest.records.shape import Shape
from tap_pinterest.streams import STREAMS
from tests.conftest import missing
from tests.fault_harness import Loud, Time, credentials, leaks, secrets_of
from tests.harness import Run, catalog_for, invoke, run_tap
from tests.pinterest_api import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TOKEN, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PASTED = "pina_AgQ7x+/=pasted"
BASIC = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()


def searched(run: Run, *secrets: str, sim: Simulator | None = None) -> Run:
    """Itself, after a look at all that it printed."""
    everything = secrets_of(sim) if sim else set()
    everything |= {form for secret in secrets for form in (secret, repr(secret)[1:-1])}
    found = leaks(run.log + run.stdout.decode(), everything)
    assert not found, found
    return run


def loud(sim: Simulator | None = None, **settings: Any) -> Run:
    return run_tap(sim, tap=Loud, **settings)


# -- the search itself


def test_the_search_finds_a_secret_in_any_form(sim: Simulator) -> None:
    for text in (
        f"Authorization: Bearer {TOKEN}",
        f"Basic {BASIC}",
        "refresh_token=simulator%2Drefresh%2Dtoken".replace("%2D", "-"),
        base64.b64encode(CLIENT_SECRET.encode()).decode(),
    ):
        assert leaks(f"some words, {text}, and more", secrets_of(sim))
    assert not leaks("some words", secrets_of(sim))


def test_a_run_at_debug_says_more_than_the_tap_does(sim: Simulator) -> None:
    """The search would be worth nothing if the libraries were silent."""
    run = searched(loud(sim, select=["boards"]).ok(), sim=sim)
    said = {line.split("|")[2].split(".")[0].strip() for line in run.log_lines if "|" in line}
    assert {"tap-pinterest", "singer_sdk"} <= said


# -- what is printed


@pytest.mark.parametrize("args", [["--about"], ["--about", "--format=json"], ["--discover"],
                                  ["--test"], ["--test=schema"], ["--version"], ["--help"]],
                         ids=" ".join)  # fmt: skip
def test_whatever_the_command_is_asked_for(
    simulate: Callable[..., Simulator], args: list[str], tmp_path: Path
) -> None:
    sim = simulate(boards=1, pins_per_board=1)
    run = run_tap(sim, args=args, tap=Loud, **credentials(tmp_path / "tokens"))
    assert run.exit_code == 0, run.log
    assert run.stdout
    searched(run, sim=sim)


@pytest.mark.parametrize("name", ["access_token", "client_secret", "refresh_token", "client_id"])
@pytest.mark.parametrize(
    "wrong",
    [
        [PASTED], {"a": {"b": PASTED}}, [[PASTED]], f" {PASTED}", f"{PASTED}\n", f"{PASTED} {PASTED}",
        f"{PASTED}\x00", f"{PASTED}ü", f'"{PASTED}"x ',
    ],
    ids=repr,
)  # fmt: skip
def test_a_wrong_credential_is_not_quoted(name: str, wrong: Any) -> None:
    config = {"api_url": "https://api.example/v5", **credentials(), name: wrong}
    config = {key: value for key, value in config.items() if value is not None}
    if name == "access_token":
        config = {"api_url": "https://api.example/v5", name: wrong}
    run = searched(loud(config=config), PASTED, CLIENT_SECRET, REFRESH_TOKEN)
    assert run.exit_code == 1
    assert f"`{name}`" in run.log
    assert "Traceback" not in run.log


def test_a_broken_configuration_file_is_not_quoted() -> None:
    for text in (f'{{"access_token": "{PASTED}"', f'{{"access_token": {PASTED}}}', f'"{PASTED}"'):
        run = searched(loud(config=text), PASTED)
        assert run.exit_code == 1


def test_a_secret_in_the_wrong_setting_is_not_quoted_either() -> None:
    config = {"access_token": PASTED, "api_url": f"https://user:{PASTED}@api.example/v5"}
    run = searched(loud(config=config), PASTED)
    assert run.exit_code == 1
    assert "`api_url`" in run.log


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 429, 500])
def test_an_answer_that_quotes_the_request_is_not_repeated(sim: Simulator, status: int) -> None:
    message = f"Bad request: GET /boards, Authorization: Bearer {TOKEN}"
    sim.faults.add(
        kind="status", path="/boards$", status=status, code=1, message=message, times=None
    )
    with pytest.MonkeyPatch.context() as patch:
        Time(patch)
        run = searched(loud(sim, select=["boards"]), sim=sim)
    assert run.exit_code == 1
    assert "Bearer ***" in run.log


def test_nothing_of_a_token_is_in_what_python_shows_of_objects(tmp_path: Path) -> None:
    tokens = oauth.Tokens(refresh_token=REFRESH_TOKEN, access_token=TOKEN)
    app = oauth.App("https://api.example/v5", CLIENT_ID, CLIENT_SECRET)
    shown = [
        repr(thing) + str(thing)
        for thing in (
            tokens,
            app,
            auth.Bearer(TOKEN),
            auth.GivenToken(TOKEN),
            auth.RefreshedToken(app, REFRESH_TOKEN, None),
        )
    ]
    assert not leaks("".join(shown), {TOKEN, REFRESH_TOKEN, CLIENT_SECRET})


def test_the_state_knows_no_secret(sim: Simulator, tmp_path: Path) -> None:
    run = loud(sim, start_days_back=2, end_days_back=1, **credentials(tmp_path / "tokens"))
    assert run.states
    assert not leaks(json.dumps(run.states), secrets_of(sim))


# -- who hears a token


class Eavesdropper:
    """A server on this machine that writes down whatever it is sent, and answers nothing useful."""

    def __init__(self, context: ssl.SSLContext | None = None, *, hang_up: int = 0) -> None:
        self._context, self._hang_up = context, hang_up
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.heard = b""
        self.connections = 0
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # `close` alone would not wake the thread
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            with closing(connection):
                try:
                    self._serve(connection)
                except OSError:
                    continue

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(60)
        if self.connections <= self._hang_up:
            connection.recv(1)
            return
        if self._context:
            connection = self._context.wrap_socket(connection, server_side=True)
        self.heard += connection.recv(65536)
        body = b'{"id": "1", "username": "somebody"}'
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        connection.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(sim: Simulator, status: int) -> None:
    with Eavesdropper() as other:
        for place in (f"http://127.0.0.1:{other.port}/v5/boards", f"//localhost:{other.port}/"):
            sim.faults.clear()
            sim.faults.add(kind="redirect", path="/boards$", url=place, status=status, times=None)
            run = loud(sim, select=["boards"])
            assert run.exit_code == 1
            assert "redirect" in run.last_line
            assert "`api_url`" in run.last_line
        assert other.connections == 0


@pytest.mark.parametrize("status", [302, 307, 308])
def test_the_secret_of_the_app_is_not_sent_elsewhere(
    sim: Simulator, status: int, tmp_path: Path
) -> None:
    with Eavesdropper() as other:
        sim.faults.add(
            kind="redirect",
            path="/oauth/token",
            url=f"http://127.0.0.1:{other.port}/v5/oauth/token",
            status=status,
            times=None,
        )
        run = searched(loud(sim, select=["boards"], **credentials(tmp_path / "tokens")), sim=sim)
        assert run.exit_code == 1
        assert other.connections == 0


def test_no_proxy_hears_what_is_sent_on_this_machine(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Eavesdropper() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        loud(sim, select=["account"]).ok()
        assert proxy.connections == 0


def test_a_proxy_hears_the_host_and_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    Time(monkeypatch)
    with Eavesdropper() as proxy:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://me:proxy-word@127.0.0.1:{proxy.port}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        config = {"access_token": PASTED, "api_url": "https://api.invalid/v5"}
        run = searched(loud(config=config, select=["account"]), PASTED, "proxy-word")
        assert run.exit_code == 1
        assert proxy.heard.startswith(b"CONNECT api.invalid:443")
        assert PASTED.encode() not in proxy.heard


@pytest.mark.parametrize("where", ["NETRC", "HOME"])
def test_a_netrc_file_is_not_asked(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password netrc-word\ndefault login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv(where, str(netrc if where == "NETRC" else tmp_path))
    searched(loud(sim, select=["account"]).ok(), "netrc-word", sim=sim)
    loud(sim, select=["account"], **credentials(tmp_path / "tokens")).ok()
    heard = {
        seen.headers["Authorization"] for seen in sim.requests if seen.path != "/v5/oauth/token"
    }
    assert heard == {f"Bearer {TOKEN}", "Bearer simulator-access-1"}
    assert {s.headers["Authorization"] for s in sim.requests} == heard | {f"Basic {BASIC}"}


# -- certificates


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody has signed, and its key, in one file."""
    tool = shutil.which("openssl")
    if tool is None:
        missing("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            tool, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost", "-keyout", folder / "key", "-out", folder / "cert",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    both = folder / "both.pem"
    both.write_bytes((folder / "key").read_bytes() + (folder / "cert").read_bytes())
    return both


def context_of(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def over_tls(port: int, **settings: Any) -> Run:
    config = {"access_token": PASTED, "api_url": f"https://localhost:{port}/v5"}
    return searched(loud(config=config | settings, select=["account"]), PASTED)


def test_a_certificate_that_nobody_vouches_for_is_refused(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Time(monkeypatch)
    with Eavesdropper(context_of(certificate)) as server:
        run = over_tls(server.port)
        assert run.exit_code == 1
        assert "Traceback" not in run.log
        assert f"The certificate of localhost:{server.port} could not be verified" in run.last_line
        assert "`api_url`" in run.last_line
        assert len(run.said(" ERROR ", "certificate")) == 1
        assert server.connections == 1, "it was tried again"
        assert server.heard == b""
    assert clock.slept == []


def test_a_certificate_of_another_host_is_refused(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Time(monkeypatch)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Eavesdropper(context_of(certificate)) as server:
        config = {"access_token": PASTED, "api_url": f"https://127.0.0.1:{server.port}/v5"}
        run = searched(loud(config=config, select=["account"]), PASTED)
        assert run.exit_code == 1
        assert "could not be verified" in run.last_line
        assert server.heard == b""


def test_a_certificate_that_the_user_vouches_for_is_taken(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Eavesdropper(context_of(certificate)) as server:
        assert over_tls(server.port).ok().counts == {"account": 1}
        assert f"Bearer {PASTED}".encode() in server.heard


def test_a_connection_that_breaks_before_the_certificate_came_is_tried_again(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Time(monkeypatch)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Eavesdropper(context_of(certificate), hang_up=2) as server:
        assert over_tls(server.port).ok().counts == {"account": 1}
        assert server.connections == 3
    assert len(clock.slept) == 2


def test_no_setting_turns_the_verification_off() -> None:
    session = http.new_session("https://api.pinterest.com/v5")
    assert session.verify not in (False, None)
    assert not any(
        "verify" in name or "ssl" in name for name in Loud.config_jsonschema["properties"]
    )


# -- secrets inside records

FEED = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "name": {"type": ["string", "null"]},
        "credentials": {
            "type": ["object", "null"],
            "properties": {
                "username": {"type": ["string", "null"]},
                "password": {"type": ["string", "null"]},
            },
        },
        "partner_access_token": {"type": ["string", "null"]},
        "partner_access_token_expiry": {"type": ["integer", "null"]},
        "cryptographic_key": {"type": ["string", "null"]},
        "has_token": {"type": ["boolean", "null"]},
        "keys": {
            "type": ["array", "null"],
            "items": {"type": "object", "properties": {"private_key": {"type": "string"}}},
        },
        "locales": {"type": ["array", "null"], "items": {"type": "string"}},
    },
}
RECORD = {
    "id": "1",
    "name": "Shop",
    "credentials": {"username": "me", "password": "hunter2", "more": {"deep": ["hunter3"]}},
    "partner_access_token": "hunter4",
    "partner_access_token_expiry": 1_773_144_000,
    "cryptographic_key": 12_345_678,
    "has_token": True,
    "keys": [{"private_key": "hunter5"}, {"private_key": None}],
    "locales": ["en"],
    "unknown": {"list": [[{"refresh_token": "hunter6", "token_type": "bearer"}]], "n": 1.5},
    "webhook_secret": "hunter7",
    "api_key": 99_887_766,
}
MASKED = {
    "id": "1",
    "name": "Shop",
    "credentials": {"username": "***", "password": "***", "more": {"deep": ["***"]}},
    "partner_access_token": "***",
    "partner_access_token_expiry": 1_773_144_000,
    "cryptographic_key": "***",
    "has_token": True,
    "keys": [{"private_key": "***"}, {"private_key": None}],
    "locales": ["en"],
    "unknown": {"list": [[{"refresh_token": "***", "token_type": "bearer"}]], "n": 1.5},
    "webhook_secret": "***",
    "api_key": "***",
}


def test_secrets_leave_masked_from_the_first_record_to_the_last() -> None:
    notes: list[str] = []
    shape = Shape(FEED, lambda crumb: True, notes.append)
    for _ in range(5):  # those that look like one before are recognised, not looked at
        records = [copy.deepcopy(RECORD) for _ in range(3)]
        shape.conform_all(records)
        assert records == [MASKED] * 3
        record = copy.deepcopy(RECORD)
        shape.conform(record)
        assert record == MASKED
    assert not leaks(" ".join(notes), {"hunter", "12345678", "99887766"})
    assert any("webhook_secret" in note and "masked" in note for note in notes)


def test_a_secret_of_a_wrong_type_is_not_told() -> None:
    notes: list[str] = []
    shape = Shape(FEED, lambda crumb: True, notes.append)
    for wrong in ("hunter2", ["hunter2"], 123_456_789, [{"a": "hunter2"}]):
        record = {"id": "1", "credentials": copy.deepcopy(wrong), "cryptographic_key": wrong}
        shape.conform(record)
        assert not leaks(json.dumps(record) + " ".join(notes), {"hunter2", "123456789"})
    assert notes


def test_a_record_without_secrets_stays_as_it_is() -> None:
    shape = Shape(FEED, lambda crumb: True, lambda note: None)
    for record in (
        {"id": "1", "credentials": None, "partner_access_token": None},
        {"id": "1"},
        {"id": "1", "credentials": {}, "keys": []},
    ):
        before = copy.deepcopy(record)
        shape.conform(record)
        assert record == before


def test_the_catalog_of_a_user_cannot_unmask(sim: Simulator) -> None:
    """Such as one that Meltano has kept from a version that did not know the field."""
    secret = {"credentials": {"password": "hunter2"}, "partner_access_token": "hunter3"}
    sim.world.alter["board"] = lambda record: record | secret
    catalog = catalog_for(["boards"])
    for entry in catalog["streams"]:
        if entry["tap_stream_id"] == "boards":
            entry["schema"]["properties"]["partner_access_token"] = {"type": "string"}
    for settings in (
        {},
        {"stream_maps": {"boards": {"copy": "partner_access_token"}}},
        {"flattening_enabled": True, "flattening_max_depth": 3},
    ):
        run = searched(loud(sim, catalog=catalog, **settings).ok(), "hunter2", "hunter3")
        assert {record["partner_access_token"] for record in run.records("boards")} == {"***"}


def test_no_field_of_today_is_taken_for_a_secret() -> None:
    def names(schema: Any) -> Iterator[str]:
        for name, field in (schema.get("properties") or {}).items():
            yield name
            yield from names(field)
            yield from names(field.get("items") or {})

    every = {
        name for stream in STREAMS for name in names(stream.declared_schema({"ads_columns": "all"}))
    }
    assert len(every) > 100
    assert [name for name in every if SECRET.search(name)] == []


def test_what_is_printed_to_the_terminal_at_once_is_searched_too() -> None:
    """`run_tap` sees what is written past the logging: a print would be found."""

    class Chatty(Loud):
        @classmethod
        def get_singer_command(cls) -> Any:
            command = super().get_singer_command()
            logging.getLogger("somebody").debug("logged %s", PASTED)
            print(PASTED)  # noqa: T201
            return command

    with redirect_stdout(io.StringIO()):
        run = invoke(["--version"], Chatty)
    assert len(leaks(run.log, {PASTED})) == 1
    assert len(leaks(run.stdout.decode(), {PASTED})) == 1


# -- secrets that others word


def escaped(secret: str) -> str:
    """A text as JSON may write it."""
    return "".join(f"\\u{ord(char):04x}" for char in secret)


@pytest.mark.parametrize("word", [escaped, lambda secret: quote(secret, safe=""), str])
def test_a_token_is_not_repeated_however_it_is_written(sim: Simulator, word: Any) -> None:
    body = f'{{"code":29,"message":"{word("Bearer " + TOKEN)} is not permitted"}}'
    sim.faults.add(kind="status", path="/boards$", status=403, body=body, times=None)
    run = searched(loud(sim, select=["boards"]), sim=sim)
    assert run.exit_code == 1
    assert "*** is not permitted" in run.log


@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_what_the_token_endpoint_quotes_is_not_repeated(
    sim: Simulator, tmp_path: Path, status: int
) -> None:
    message = f"Authorization: Basic {BASIC}, refresh_token={REFRESH_TOKEN}"
    sim.faults.add(
        kind="status", path="/oauth/token", status=status, code=1, message=message, times=None
    )
    run = searched(loud(sim, **credentials(tmp_path / "tokens")), BASIC, sim=sim)
    assert run.exit_code == 1
    assert "Authorization: Basic " in run.log
    assert "***, refresh_token=***" in run.log


@pytest.mark.parametrize("odd", ["a\\nSet-Cookie: b", "a b", "\\u2603tail", "\\u0000", "x" * 9000])
@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_a_token_that_is_none_is_refused(
    sim: Simulator, tmp_path: Path, name: str, odd: str
) -> None:
    secret = f"pinx-of-the-endpoint-{odd}"
    body = f'{{"access_token":"x","refresh_token":"y","{name}":"{secret}","expires_in":"1e300"}}'
    sim.faults.add(kind="status", path="/oauth/token", status=200, body=body, times=None)
    run = searched(loud(sim, **credentials(tmp_path / "tokens")), "of-the-endpoint", sim=sim)
    assert run.exit_code == 1
    assert "characters that no token has" in run.log_lines[-1]
    assert "Traceback" not in run.log


@pytest.mark.parametrize(
    "lifetime", ["1e300", '"3600"', '"soon"', "-1", "0", "null", "[1]", "true"]
)
def test_a_lifetime_that_is_odd_ends_nothing(sim: Simulator, tmp_path: Path, lifetime: str) -> None:
    body = (
        f'{{"access_token":"{TOKEN}","refresh_token":"{REFRESH_TOKEN}",'
        f'"expires_in":{lifetime},"refresh_token_expires_in":{lifetime}}}'
    )
    sim.faults.add(kind="status", path="/oauth/token", status=200, body=body, times=None)
    loud(sim, select=["account"], **credentials(tmp_path / "tokens")).ok()
    loud(sim, select=["account"], **credentials(tmp_path / "tokens")).ok()


def test_scopes_without_end_do_not_close_the_store(sim: Simulator, tmp_path: Path) -> None:
    body = {"access_token": TOKEN, "refresh_token": REFRESH_TOKEN, "scope": "boards:read " * 5000}
    sim.faults.add(kind="status", path="/oauth/token", status=200, body=body, times=None)
    for _ in range(2):
        loud(sim, select=["account"], **credentials(tmp_path / "tokens")).ok()
