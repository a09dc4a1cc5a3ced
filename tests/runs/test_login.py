"""tap-pinterest-login: from the consent page to a store from which the tap reads."""

from __future__ import annotations

import contextlib
import html
import random
import re
import socket
import stat
import threading
import webbrowser
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit
from urllib.request import url2pathname

import click
import pytest
import requests
from click.testing import CliRunner

from tap_pinterest import clock, consent, landing, login
from tap_pinterest.network.token_store import TokenStore
from tap_pinterest.settings import SETTINGS
from tap_pinterest.streams import STREAMS
from tests.browser import Browser
from tests.harness import files, invoke, run_tap
from tests.pinterest_api import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness import Run
    from tests.pinterest_api import Simulator

HELLO = landing.Landed("Connected", "hello")

COMMAND: Any = SimpleNamespace(get_singer_command=lambda: login.main)
EVERY = "ads:read,boards:read,boards:read_secret,pins:read,pins:read_secret,user_accounts:read"
"""All scopes that streams need."""


def no_secret(text: str) -> None:
    """No token, code or secret of the simulator stands in a text."""
    assert not re.findall(r"simulator-(?:access|refresh|code|client)\S*", text), text


class Browsing:
    """Plays the user: what is done with the consent page's address, in a thread of its own."""

    def __init__(self, act: Callable[[str], Any]) -> None:
        self._act = act
        self.urls: list[str] = []
        self.addresses: list[str] = []
        self.modes: list[int] = []
        self.pages: list[requests.Response] = []
        self.error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def open(self, address: str) -> bool:
        """Go to the local file as a browser does, and to where it forwards."""
        self.addresses.append(address)
        file = Path(url2pathname(urlsplit(address).path))
        self.modes += [stat.S_IMODE(path.stat().st_mode) for path in (file, file.parent)]
        (found,) = re.findall(r'http-equiv="refresh" content="0; url=([^"]*)"', file.read_text())
        url = html.unescape(found)
        self.urls.append(url)
        self._thread = threading.Thread(target=self._run, args=(url,), daemon=True)
        self._thread.start()
        return True

    def _run(self, url: str) -> None:
        try:
            self._act(url)
        except BaseException as error:  # noqa: BLE001 - told by `end`
            self.error = error

    def end(self) -> None:
        if self._thread:
            self._thread.join()
        if self.error:
            raise self.error

    def land(self, url: str) -> requests.Response:
        page = requests.get(url, allow_redirects=False)
        self.pages.append(page)
        no_secret(page.text)
        return page

    @property
    def asked(self) -> dict[str, str]:
        """The query that the consent page was opened with."""
        return dict(parse_qsl(urlsplit(self.urls[0]).query))


def free_port() -> int:
    """A port that is free, and below those that systems hand out by themselves."""
    while True:
        number = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", number)):
            return number


class Scene:
    """A simulator, a store, a free port, and somebody who uses the command."""

    def __init__(self, sim: Simulator, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sim = sim
        self.folder = folder
        self.store = folder / "kept" / "tokens.json"
        self.port = free_port()
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("HOME", str(folder))

    @property
    def args(self) -> list[str]:
        """The options that reach the simulator."""
        return [
            *("--client-id", CLIENT_ID, "--client-secret", CLIENT_SECRET),
            *("--token-store", str(self.store), "--api-url", self.sim.url, *self.place),
        ]

    @property
    def place(self) -> list[str]:
        """Those that are no settings of the tap."""
        return ["--port", str(self.port), "--consent-url", self.sim.authorize_url]

    @property
    def config(self) -> dict[str, Any]:
        """The tap's configuration after a login."""
        return {
            "api_url": self.sim.url,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "token_store": str(self.store),
        }

    def decide(self, url: str, decision: str = "allow") -> str:
        """Press a button on the consent page; where the browser is sent."""
        assert requests.get(url).status_code == 200
        form = {**dict(parse_qsl(urlsplit(url).query)), "decision": decision}
        answer = requests.post(self.sim.authorize_url, data=form, allow_redirects=False)
        assert answer.status_code == 302
        return answer.headers["location"]

    def allowing(self, monkeypatch: pytest.MonkeyPatch) -> Browsing:
        """Somebody at the browser who allows all."""
        browsing = Browsing(lambda url: browsing.land(self.decide(url)))
        monkeypatch.setattr(webbrowser, "open", browsing.open)
        return browsing

    def log_in(
        self,
        *more: str,
        act: Callable[[Browsing, str], Any] | None = None,
        args: list[str] | None = None,
    ) -> tuple[Run, Browsing]:
        """Run the command with somebody at the browser, who allows all where `act` is not given."""
        act = act or (lambda browsing, url: browsing.land(self.decide(url)))
        browsing = Browsing(lambda url: act(browsing, url))
        self._monkeypatch.setattr(webbrowser, "open", browsing.open)
        done = invoke([*(self.args if args is None else args), *more], COMMAND)
        browsing.end()
        no_secret(done.log)
        no_secret(done.stdout.decode())
        assert "Traceback" not in done.log
        return done, browsing


@pytest.fixture
def scene(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(sim, tmp_path, monkeypatch)


def paste(args: list[str], text: str = "\n") -> Any:
    """Run the command without a browser, with what is typed."""
    done = CliRunner().invoke(login.main, args, input=text, prog_name="tap-pinterest-login")
    assert isinstance(done.exception, SystemExit | None)
    return done


# -- with a browser


def test_an_account_is_connected(scene: Scene) -> None:
    done, browsing = scene.log_in()
    said = " ".join(done.stdout.decode().split())
    assert done.exit_code == 0, said + done.log
    assert f"http://localhost:{scene.port}/" in said
    assert "Connected simulated_user (business account)" in said
    assert "Granted boards:read, pins:read, user_accounts:read" in said
    assert re.search(r"Opens .*\bboard_pins\b", said)
    assert re.search(r"Not opened .*\blikes\b.*boards:read_secret, pins:read_secret", said)
    day = clock.day(clock.now() + 60 * 86_400)
    assert f"until {day} if it is never used; for ever with a run at least every 30 days" in said
    assert str(scene.store) in said
    (page,) = browsing.pages
    assert page.status_code == 200
    assert "<h1>Connected</h1>" in page.text
    assert "simulated_user" in page.text
    (exchange,) = [seen for seen in scene.sim.requests if seen.path == "/v5/oauth/token"]
    assert b"continuous_refresh=true" in exchange.body
    assert CLIENT_SECRET.encode() not in exchange.body


def test_the_tap_reads_with_what_the_login_kept(scene: Scene) -> None:
    done, _ = scene.log_in()
    assert done.exit_code == 0, done.log
    scene.sim.clear()
    run = run_tap(scene.config, select=["account.*", "boards.*"]).ok()
    assert run.counts["account"] == 1
    assert run.counts["boards"] > 10
    assert scene.sim.paths()["/v5/oauth/token"] == 0


@pytest.mark.parametrize("before", [True, False])
def test_the_login_replaces_the_token_of_the_settings(scene: Scene, before: bool) -> None:
    """Told by the configuration, or by the store that the old token had filled."""
    config = scene.config | {"refresh_token": REFRESH_TOKEN}
    if before:
        run_tap(config, select=["account.*"]).ok()
        args = [*scene.args, "--replace"]  # for whose they were, nobody says any more
    else:
        args = [*scene.place, *files(scene.folder, config=config)]
    scene.sim.revoke_tokens(refresh_tokens=True)
    done, _ = scene.log_in(args=args)
    assert done.exit_code == 0, done.log
    run_tap(config, select=["account.*"]).ok()


def test_a_refused_consent(scene: Scene) -> None:
    done, browsing = scene.log_in(
        act=lambda browsing, url: browsing.land(scene.decide(url, "deny"))
    )
    assert done.exit_code == 1
    assert "Pinterest gave no access (access_denied)" in done.last_line
    assert "Not connected" in browsing.pages[0].text
    assert "access_denied" in browsing.pages[0].text
    assert not scene.store.exists()


def test_a_wrong_state_is_told_and_the_right_one_awaited(scene: Scene) -> None:
    def act(browsing: Browsing, url: str) -> None:
        good = scene.decide(url)
        for bad in (
            re.sub(r"state=[^&]*", "state=forged", good),
            re.sub(r"state=[^&]*", "state=%C3%A9%00", good),
            good.split("?")[0],
            re.sub(r"&state=[^&]*", "", good),
        ):
            page = browsing.land(bad)
            assert page.status_code == 400
            assert "Not the answer" in page.text
            assert "still waiting" in page.text
        browsing.land(good)

    done, browsing = scene.log_in(act=act)
    assert done.exit_code == 0, done.log
    assert "<h1>Connected</h1>" in browsing.pages[-1].text


def test_nobody_comes(scene: Scene) -> None:
    done, _ = scene.log_in(
        "--timeout",
        "1",
        act=lambda browsing, url: browsing.land(
            f"http://localhost:{scene.port}/?code=x&state=forged"
        ),
    )
    assert done.exit_code == 1
    assert "Nobody came back from Pinterest's page within 1 second." in done.last_line
    assert f"http://localhost:{scene.port}/" in done.last_line


def test_an_expired_code(scene: Scene) -> None:
    def act(browsing: Browsing, url: str) -> None:
        back = scene.decide(url)
        scene.sim.advance(700)
        browsing.land(back)

    done, browsing = scene.log_in(act=act)
    assert done.exit_code == 1
    assert "Pinterest gave no tokens: HTTP 400 (code 283)" in done.last_line
    assert "Run the login again" in done.last_line
    assert "Not connected" in browsing.pages[0].text
    assert not scene.store.exists()


def test_a_wrong_client_secret(scene: Scene) -> None:
    args = [*scene.args, "--client-secret", "hidden-one"]
    done, _ = scene.log_in(args=args)
    assert done.exit_code == 1
    assert "HTTP 401 (code 2)" in done.last_line
    assert "client id and client secret must be those of one app" in done.last_line
    assert "hidden-one" not in done.log


def test_a_token_endpoint_that_is_down(scene: Scene) -> None:
    scene.sim.faults.add(path="/oauth/token", kind="server_error")
    done, _ = scene.log_in()
    assert done.exit_code == 1
    assert "Pinterest gave no tokens: HTTP 500" in done.last_line


def test_an_account_that_cannot_be_read_is_connected_all_the_same(scene: Scene) -> None:
    scene.sim.faults.add(path="/user_account$", kind="forbidden", times=None)
    done, _ = scene.log_in()
    assert done.exit_code == 0, done.log
    assert "which one could not be read: HTTP 403" in done.stdout.decode()
    assert TokenStore(scene.store).read() is not None


def test_a_taken_port(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        done, browsing = scene.log_in("--port", str(number))
    assert done.exit_code == 1
    assert f"Port {number} of this machine cannot be listened on: Address already in use" in (
        done.last_line
    )
    assert "--port" in done.last_line
    assert not browsing.urls


def test_a_store_that_cannot_be_written_is_known_before_anybody_is_asked(scene: Scene) -> None:
    (scene.folder / "file").write_text("no folder")
    store = str(scene.folder / "file" / "tokens.json")
    done, browsing = scene.log_in("--token-store", store)
    assert done.exit_code == 1
    assert "The token store" in done.last_line
    assert not browsing.urls


@pytest.mark.parametrize("mode", [0o600, 0o644])
@pytest.mark.parametrize("content", ["my notes", "{}"])
def test_another_kind_of_file_is_left_as_it_is(scene: Scene, content: str, mode: int) -> None:
    scene.store.parent.mkdir(0o700)
    scene.store.write_text(content)
    scene.store.chmod(mode)
    before = scene.store.stat().st_ino
    done, browsing = scene.log_in()
    assert done.exit_code == 1
    assert ("Move it away" if mode == 0o600 else "chmod 600") in done.last_line
    assert not browsing.urls
    assert scene.store.read_text() == content
    assert scene.store.stat().st_ino == before


def test_an_empty_file_is_taken(scene: Scene) -> None:
    scene.store.parent.mkdir(0o700)
    scene.store.touch(0o600)
    done, _ = scene.log_in()
    assert done.exit_code == 0, done.log
    assert TokenStore(scene.store).read() is not None


def test_no_browser_can_be_opened(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    done = invoke([*scene.args, "--timeout", "1"], COMMAND)
    assert "open the address yourself" in done.stdout.decode()


# -- what is asked for


@pytest.mark.parametrize(
    ("streams", "scopes"),
    [
        (None, "boards:read,pins:read,user_accounts:read"),
        ("boards", "boards:read"),
        (" board_pins , followers ", "boards:read,pins:read,user_accounts:read"),
        ("likes", "boards:read,boards:read_secret,pins:read,pins:read_secret"),
        ("organic", "boards:read,pins:read,user_accounts:read"),
        ("ads", "ads:read"),
        ("campaign_analytics", "ads:read"),
        ("organic,ads", "ads:read,boards:read,pins:read,user_accounts:read"),
        ("everything", EVERY),
        ("all", EVERY),
    ],
)
def test_the_scopes_of_the_chosen_streams_are_asked_for(
    scene: Scene, streams: str | None, scopes: str
) -> None:
    more = () if streams is None else ("--streams", streams)
    done, browsing = scene.log_in(*more)
    assert done.exit_code == 0, done.log
    asked = browsing.asked
    assert asked["scope"] == scopes
    assert asked["response_type"] == "code"
    assert asked["client_id"] == CLIENT_ID
    assert asked["redirect_uri"] == f"http://localhost:{scene.port}/"
    assert len(asked["state"]) >= 32


def test_each_login_has_a_state_of_its_own(scene: Scene) -> None:
    config = {"client_id": "1", "client_secret": "2", "token_store": str(scene.store)}
    urls = {consent.Consent(config, ["a"], 1, scene.sim.authorize_url).url for _ in range(20)}
    assert len(urls) == 20


def test_a_parent_and_its_scopes_come_with_a_child() -> None:
    for stream in STREAMS:
        parent: Any = stream.parent_stream_type
        if parent:
            assert consent.scopes_of(parent) <= consent.scopes_of(stream)


def test_an_unknown_stream(scene: Scene) -> None:
    done = paste([*scene.args, "--streams", "boards,bord_pins"])
    assert done.exit_code == 2
    assert "there is no stream 'bord_pins'. Did you mean `board_pins`?" in done.output


def test_an_account_that_lacks_a_scope_tells_which_streams_stay_closed(scene: Scene) -> None:
    done, _ = scene.log_in("--streams", "boards")
    said = " ".join(done.stdout.decode().split())
    assert done.exit_code == 0, said
    assert "an account (which one needs the scope user_accounts:read)" in said
    assert re.search(r"Opens boards, board_sections, board_snapshots Not", said)


# -- where the settings come from


def test_settings_are_asked_for(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _: True)
    args = [*scene.place, "--timeout", "1"]
    done = paste(args, f"{CLIENT_ID}\n {CLIENT_SECRET} \n{scene.store}\n")
    assert "Id of your Pinterest app:\n" in done.output
    assert CLIENT_SECRET not in done.output
    assert f"client_id={CLIENT_ID}" in done.output
    assert scene.store.with_name("tokens.json.lock").exists()


@pytest.mark.parametrize("answer", ["\n", ""])
def test_the_store_has_a_place_where_none_is_named(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """Just Enter, or nobody who can be asked."""
    monkeypatch.setenv("HOME", str(scene.folder))
    args = ["--client-id", CLIENT_ID, "--client-secret", CLIENT_SECRET, *scene.place]
    act = scene.allowing(monkeypatch)
    done = paste([*args, "--api-url", scene.sim.url], answer)
    act.end()
    assert done.exit_code == 0, done.output
    assert "[~/.tap-pinterest/tokens.json]" in done.output
    assert TokenStore(scene.folder / ".tap-pinterest" / "tokens.json").read() is not None
    assert "the last is ~/.tap-pinterest/tokens.json." in done.output


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], ["give --client-id, or set TAP_PINTEREST_CLIENT_ID"]),
        (["--client-id", "1"], ["give --client-secret", "TAP_PINTEREST_CLIENT_SECRET", "--config"]),
    ],
)
def test_without_a_terminal_it_says_what_to_give(given: list[str], words: list[str]) -> None:
    done = paste(given, "")
    assert done.exit_code == 2
    assert "There is no terminal to ask at" in done.output
    assert all(word in " ".join(done.output.split()) for word in words)
    assert "Aborted" not in done.output


def test_without_a_terminal_there_is_nowhere_to_paste(scene: Scene, caplog: Any) -> None:
    done = paste([*scene.args, "--no-browser"], "")
    assert done.exit_code == 1
    assert "There is no terminal to paste the address into" in caplog.text
    assert "Aborted" not in done.output


def test_an_interrupted_question_is_no_missing_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: Any, **__: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(click.termui, "visible_prompt_func", interrupted)
    done = invoke([], COMMAND)
    assert done.exit_code == 1
    assert "Aborted!" in done.log
    assert "terminal" not in done.log


@pytest.mark.parametrize("source", ["file", "environment"])
def test_settings_come_from_the_configuration(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    config = scene.config | {"refresh_token": None, "board_ids": ["1"]}
    args = [*scene.place, "--no-browser"]
    if source == "file":
        args += files(scene.folder, config=config)
    else:
        args += ["--config", "ENV"]
        for name, value in scene.config.items():
            monkeypatch.setenv(f"TAP_PINTEREST_{name.upper()}", value)
    done = paste(args, "nonsense\n")
    assert "app:" not in done.output
    assert CLIENT_SECRET not in done.output
    assert "paste it here:\nnonsense" in done.output
    assert f"client_id={CLIENT_ID}" in done.output


def test_settings_that_cannot_work(scene: Scene) -> None:
    args = [*scene.args, "--api-url", "http://example.org/v5"]
    done = paste(args)
    assert done.exit_code == 1
    assert not scene.store.exists()


def test_a_configuration_that_cannot_be_read(tmp_path: Path) -> None:
    done = paste(["--config", str(tmp_path / "none.json")])
    assert done.exit_code == 2
    assert "none.json cannot be read" in done.output


# -- without a browser


@pytest.fixture
def known_state(monkeypatch: pytest.MonkeyPatch) -> str:
    """A state that a test can foresee, so that it can paste the whole conversation at once."""
    monkeypatch.setattr(consent.secrets, "token_urlsafe", lambda _: "known-state")
    return "known-state"


def back(scene: Scene, state: str, *, allow: bool = True) -> str:
    query = {
        "client_id": CLIENT_ID,
        "redirect_uri": f"http://localhost:{scene.port}/",
        "response_type": "code",
        "scope": "boards:read,pins:read,user_accounts:read",
        "state": state,
    }
    return scene.sim.oauth.decide(query, allow=allow)


def test_the_address_can_be_pasted(scene: Scene, known_state: str) -> None:
    address = back(scene, known_state)
    done = paste([*scene.args, "--no-browser"], f"  {address} \n")
    assert done.exit_code == 0, done.output
    assert scene.sim.authorize_url in done.output
    assert "Connected   simulated_user" in done.output
    assert TokenStore(scene.store).read() is not None


def test_a_pasted_refusal(scene: Scene, known_state: str, caplog: Any) -> None:
    address = back(scene, known_state, allow=False)
    done = paste([*scene.args, "--no-browser"], f"{address}\n")
    assert done.exit_code == 1
    assert "Pinterest gave no access (access_denied)" in caplog.text


def test_a_pasted_address_of_another_login(scene: Scene, caplog: Any) -> None:
    address = back(scene, "of-another")
    done = paste([*scene.args, "--no-browser"], f"{address}\n")
    assert done.exit_code == 1
    assert "does not belong to this login" in caplog.text
    assert not scene.store.exists()


@pytest.mark.parametrize(
    "text", ["nonsense", "http://localhost:8085/", "http://[/?", "simulator-code-1"]
)
def test_something_else_is_pasted(scene: Scene, caplog: Any, text: str) -> None:
    done = paste([*scene.args, "--no-browser"], f"{text}\n")
    assert done.exit_code == 1
    assert "This is not the address that the browser was sent to" in caplog.text


def test_no_scope_that_was_asked_for_is_hidden(scene: Scene, known_state: str) -> None:
    address = back(scene, known_state)
    args = [*scene.args, "--no-browser", "--streams", "all"]
    done = paste(args, f"{address}\n")
    assert done.exit_code == 0
    assert "Refused     ads:read, boards:read_secret, pins:read_secret" in done.output


# -- the page itself


@pytest.fixture
def port(scene: Scene) -> int:
    return scene.port


@contextlib.contextmanager
def serving(port: int, answer: Callable[[Any], landing.Landed]) -> Any:
    """The landing page, until its answer or the end of the block."""
    ready = threading.Event()
    ends: list[BaseException] = []

    def serve() -> None:
        try:
            landing.wait_for_browser(port, answer, listening=ready.set, timeout=60)
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            ends.append(error)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    ready.wait()
    yield ends
    thread.join()


def test_the_page_answers_its_own_path_only(port: int) -> None:
    with serving(port, lambda query: HELLO._replace(text=f"hello {query['name']}")) as ends:
        for path in ("/favicon.ico", "/other?name=x", "//x/?name=x"):
            answer = requests.get(f"http://127.0.0.1:{port}{path}")
            assert answer.status_code == 404
        assert requests.post(f"http://127.0.0.1:{port}/").status_code == 501
        page = requests.get(f"http://localhost:{port}/", {"name": "<b>&"})
    assert not ends
    assert "hello &lt;b&gt;&amp;" in page.text
    assert "<b>" not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert not re.findall(r"""(?:src|href|url)\s*[=(]""", page.text)


def test_the_page_shows_nothing_that_is_obeyed(port: int) -> None:
    harm = "\x1b[2J\u202e"
    with serving(port, lambda _: landing.Landed(harm, harm, harm)):
        page = requests.get(f"http://localhost:{port}/")
    assert page.text.count(r"\x1b[2J\u202e") >= 3
    assert not {"\x1b", "\u202e"} & {*page.text}


def test_the_page_is_for_this_machine_only(port: int) -> None:
    with serving(port, lambda _: HELLO):
        # Linux gives a machine all of 127.0.0.0/8: whoever listened everywhere would answer here.
        with socket.socket() as other, pytest.raises(OSError, match="refused"):
            other.connect(("127.0.0.2", port))
        requests.get(f"http://127.0.0.1:{port}/")


def test_what_a_refusal_quotes_is_escaped(scene: Scene) -> None:
    def act(browsing: Browsing, url: str) -> None:
        state = dict(parse_qsl(urlsplit(url).query))["state"]
        browsing.land(
            f"http://localhost:{scene.port}/?error=<script>alert(1)</script>&state={state}"
        )

    done, browsing = scene.log_in(act=act)
    assert done.exit_code == 1
    assert "<script" not in browsing.pages[0].text
    assert "&lt;script&gt;" in browsing.pages[0].text


def test_a_fault_of_ours_is_told_too(port: int) -> None:
    def answer(_: Any) -> landing.Landed:
        raise ZeroDivisionError("hidden-one")

    with serving(port, answer) as ends:
        page = requests.get(f"http://127.0.0.1:{port}/")
    assert "Not connected" in page.text
    assert "hidden-one" not in page.text
    assert isinstance(ends[0], ZeroDivisionError)


# -- a real browser


def brightness(colour: str) -> float:
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_in_a_real_browser(scene: Scene, decision: str) -> None:
    seen: dict[str, Any] = {}
    with Browser() as chromium:

        def act(browsing: Browsing, url: str) -> None:
            chromium.open(browsing.addresses[0])
            assert "Give this app access to simulated_user?" in chromium.text("h1")
            chromium.click(f"#{decision}")
            seen["text"] = chromium.text("main footer") and chromium.text("main")
            for scheme in ("light", "dark"):
                chromium.picture(scene.folder / f"{decision}-{scheme}.png", scheme=scheme)
                seen[scheme] = (
                    chromium.style("main", "background-color"),
                    chromium.style("main", "color"),
                )
            chromium.picture(scene.folder / f"{decision}-narrow.png", scheme="light", width=340)
            seen["wide"] = chromium.run("document.documentElement.scrollWidth")
            seen["html"] = chromium.run("document.documentElement.outerHTML")

        done, _ = scene.log_in(act=act)
    assert done.exit_code == (0 if decision == "allow" else 1), done.log
    heading = "Connected" if decision == "allow" else "Not connected"
    assert seen["text"].startswith(heading + "\n")
    assert ("simulated_user" if decision == "allow" else "access_denied") in seen["text"]
    assert scene.store.exists() == (decision == "allow")
    for scheme, dark in (("light", False), ("dark", True)):
        back, front = map(brightness, seen[scheme])
        assert (back < front) == dark
        assert abs(back - front) > 150
    assert seen["wide"] <= 340
    no_secret(seen["html"])


def test_the_default_address_is_pinterests() -> None:
    (option,) = [each for each in login.main.params if each.name == "consent_url"]
    assert option.default == "https://www.pinterest.com/oauth/"
    assert set(login.SHARED) <= set(SETTINGS["properties"])
