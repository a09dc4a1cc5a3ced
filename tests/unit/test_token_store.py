"""The token store: what it keeps, and that nothing loses the only valid token."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tap_pinterest import clock
from tap_pinterest.errors import TokenRejected
from tap_pinterest.network import auth, retry, token_store
from tap_pinterest.network.auth import EARLY, RefreshedToken
from tap_pinterest.network.oauth import App
from tap_pinterest.network.token_store import TokenStore
from tap_pinterest.network.tokens import Tokens, fingerprint
from tests.harness import (
    ROOT,
    SCRIPT,
    catalog_for,
    environment,
    files,
    run_process,
    run_tap,
    started,
    wait_for,
)
from tests.pinterest_api import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from subprocess import Popen

    from tests.harness import Run
    from tests.pinterest_api import Simulator

TOKEN_PATH = "/v5/oauth/token"
DAY = 86_400


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "tokens.json"


def settings(sim: Simulator, path: Path | None, **more: Any) -> dict[str, Any]:
    """A configuration with the app's credentials, and the first refresh token."""
    return {
        "api_url": sim.url,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN,
        "token_store": str(path) if path else None,
    } | more


def run(sim: Simulator, path: Path | None, **more: Any) -> Run:
    """Read the account, which takes a single request, and look for secrets in what was said."""
    config = {name: value for name, value in settings(sim, path, **more).items() if value}
    done = run_tap(config, select=["account.*"])
    assert "simulator-" not in done.log
    assert b"simulator-" not in done.stdout
    return done


def refreshes(sim: Simulator) -> int:
    return sim.paths()[TOKEN_PATH]


def keep(path: Path, **content: Any) -> Tokens:
    """Put tokens into a store as if an earlier run had left them."""
    tokens = Tokens(
        **{"refresh_token": REFRESH_TOKEN, "origin": fingerprint(REFRESH_TOKEN)} | content
    )
    store = TokenStore(path)
    with store.locked(), store.replacement() as write:
        write(tokens)
    return tokens


# -- the file


def test_a_store_gives_back_what_it_was_given_to_its_owner_alone(path: Path) -> None:
    tokens = keep(path, access_token="a", expires_at=1.5, refresh_expires_at=2.5, scope="x y")
    assert TokenStore(path).read() == tokens
    assert tokens.scopes == {"x", "y"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert sorted(item.name for item in path.parent.iterdir()) == [
        "tokens.json",
        "tokens.json.lock",
    ]


def test_the_umask_changes_nothing(path: Path) -> None:
    before = os.umask(0)
    try:
        keep(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.with_name("tokens.json.lock").stat().st_mode) == 0o600


def test_there_is_no_store_yet(path: Path) -> None:
    assert TokenStore(path).read() is None


def test_tokens_do_not_show_themselves() -> None:
    tokens = Tokens(refresh_token="hidden-one", access_token="hidden-two")
    assert "hidden" not in repr(tokens) + str(tokens) + f"{[tokens]}"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777, 0o610])
def test_a_store_that_others_can_reach_is_refused(sim: Simulator, path: Path, mode: int) -> None:
    keep(path)
    path.chmod(mode)
    done = run(sim, path)
    assert done.exit_code == 1
    assert f"chmod 600 {path}" in done.last_line
    assert f"{mode:04o}" in done.last_line
    assert refreshes(sim) == 0


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '"hidden-one"',
        '{"access_token": "hidden-one"}',
        '{"refresh_token": {"hidden-one": 1}}',
        '{"refresh_token": "hidden-one", "expires_at": "hidden-two"}',
        b"\xff\xfe hidden-one",
    ],
)
def test_a_damaged_store_is_told_without_its_content(
    sim: Simulator, path: Path, content: str | bytes
) -> None:
    keep(path)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = run(sim, path)
    assert done.exit_code == 1
    assert "is damaged" in done.last_line
    assert "tap-pinterest-login" in done.last_line
    assert "hidden" not in done.log
    assert "Traceback" not in done.log


def test_a_home_folder_is_understood(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(path.parent))
    assert TokenStore("~/tokens.json").path == path


# -- runs


def test_a_run_refreshes_only_when_it_must(sim: Simulator, path: Path) -> None:
    run(sim, path).ok()
    assert refreshes(sim) == 1
    kept = TokenStore(path).read()
    assert kept is not None
    assert kept.refresh_token != REFRESH_TOKEN
    assert kept.origin == fingerprint(REFRESH_TOKEN)
    assert kept.expires_at == pytest.approx(clock.now() + 30 * DAY, abs=60)
    assert kept.refresh_expires_at == pytest.approx(clock.now() + 60 * DAY, abs=60)
    assert "boards:read" in (kept.scopes or ())
    assert not run(sim, path).ok().warnings
    assert refreshes(sim) == 1


def test_the_store_alone_is_enough(sim: Simulator, path: Path) -> None:
    run(sim, path).ok()
    run(sim, path, refresh_token=None).ok()
    assert refreshes(sim) == 1


@pytest.mark.parametrize("lifetime", [None, 30 * DAY])
def test_a_token_that_is_about_to_end_is_renewed(
    sim: Simulator, path: Path, lifetime: float | None
) -> None:
    """Stores of earlier versions do not know how long a token lives in all."""
    ends = clock.now() + EARLY - 10
    keep(path, access_token="ending", expires_at=ends, lifetime=lifetime)
    run(sim, path).ok()
    assert refreshes(sim) == 1
    kept = TokenStore(path).read()
    assert kept is not None
    assert kept.lifetime == 30 * DAY


@pytest.mark.parametrize("lifetime", [EARLY - 10, 5])
def test_tokens_that_live_shortly_are_not_renewed_with_each_request(
    simulate: Any, path: Path, lifetime: float
) -> None:
    sim = simulate(token_lifetime=lifetime, followers=5000)
    config = {name: value for name, value in settings(sim, path).items() if value}
    began = time.monotonic()
    run_tap(config, select=["followers.*"]).ok()
    seconds = time.monotonic() - began
    assert sim.paths()["/v5/user_account/followers"] == 20
    assert refreshes(sim) <= 1 + seconds / (0.9 * lifetime)


def test_another_refresh_token_in_the_settings_wins(sim: Simulator, path: Path) -> None:
    run(sim, path).ok()
    sim.oauth.add_refresh_token("another-one")
    run(sim, path, refresh_token="another-one").ok()
    assert refreshes(sim) == 2
    assert b"refresh_token=another-one" in sim.requests[-2].body
    kept = TokenStore(path).read()
    assert kept is not None
    assert kept.origin == fingerprint("another-one")
    run(sim, path, refresh_token="another-one").ok()
    assert refreshes(sim) == 2


def test_a_refused_refresh_token_of_the_settings_points_at_the_store(
    sim: Simulator, path: Path
) -> None:
    keep(path, access_token="good", origin=None)
    done = run(sim, path, refresh_token="stale-one")
    assert done.exit_code == 1
    assert "take `refresh_token` out of the settings" in done.last_line
    assert "stale-one" not in done.log


def test_a_revoked_access_token_is_renewed_once(sim: Simulator, path: Path) -> None:
    run(sim, path).ok()
    sim.revoke_tokens()
    run(sim, path).ok()
    assert refreshes(sim) == 2
    run(sim, path).ok()
    assert refreshes(sim) == 2


def test_a_revoked_refresh_token_is_told(sim: Simulator, path: Path) -> None:
    run(sim, path).ok()
    sim.revoke_tokens(refresh_tokens=True)
    done = run(sim, path)
    assert done.exit_code == 1
    assert "refused the refresh token (from the token store)" in done.last_line
    assert "tap-pinterest-login" in done.last_line


def test_a_fresh_token_that_is_refused_ends_the_run(sim: Simulator, path: Path) -> None:
    sim.faults.add(path="/user_account$", kind="unauthorized", times=None)
    done = run(sim, path)
    assert done.exit_code == 1
    assert "refused even a fresh access token" in done.last_line
    assert refreshes(sim) == 2


def test_nothing_is_connected_yet(sim: Simulator, path: Path) -> None:
    done = run(sim, path, refresh_token=None)
    assert done.exit_code == 1
    assert f"there are no tokens in the token store {path} yet" in done.last_line
    assert "tap-pinterest-login" in done.last_line


def test_without_a_store_one_warning_names_the_day(simulate: Any) -> None:
    sim = simulate(token_lifetime=EARLY - 10)
    done = run(sim, None).ok()
    day = clock.day(clock.now() + 60 * DAY)
    (warning,) = done.said("`token_store`")
    assert "WARNING" in warning
    assert f"on {day} at the latest" in warning


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"refresh_token": None, "token_store": None}, "`token_store`"),
        ({"client_secret": None}, "`client_secret` is missing"),
        ({"client_id": None, "client_secret": None}, "`client_id` and `client_secret` are missing"),
        ({"access_token": "x"}, "`access_token` and `refresh_token` are both given"),
        ({"access_token": "x", "refresh_token": None}, "`access_token` and `token_store` are both"),
        (
            dict.fromkeys(("client_id", "client_secret", "refresh_token", "token_store")),
            "tap-pinterest-login",
        ),
    ],
)
def test_credentials_that_are_not_enough(
    sim: Simulator, path: Path, given: dict[str, Any], said: str
) -> None:
    done = run(sim, path, **given)
    assert done.exit_code == 1
    assert said in done.log
    assert not sim.requests


# -- trouble at the token endpoint


def test_a_token_endpoint_in_trouble_is_asked_again(sim: Simulator, path: Path) -> None:
    sim.faults.add(path="/oauth/token", kind="server_error", times=2)
    done = run(sim, path).ok()
    assert refreshes(sim) == 3
    assert len(done.said("Renewing the token: HTTP 500")) == 2


def test_one_stream_asks_for_a_token_and_all_take_its_verdict(sim: Simulator, path: Path) -> None:
    sim.faults.add(path="/oauth/token", kind="server_error", times=None)
    config = {name: value for name, value in settings(sim, path).items() if value}
    done = run_tap(config)
    assert done.exit_code == 1
    assert len(sim.requests) == refreshes(sim) == retry.TRIES
    assert f"could not be renewed, tried {retry.TRIES} times: HTTP 500 (code 0)" in done.last_line
    assert "run again later" in done.last_line
    assert len(done.said("Renewing the token: HTTP 500")) == retry.TRIES - 1
    assert not done.said("Check the network")


def test_a_refusal_is_heard_once(sim: Simulator, path: Path) -> None:
    for fault in (
        {"kind": "status", "status": 400, "code": 283},
        {"kind": "rate_limited", "reset": 7200},
    ):
        sim.clear()
        sim.faults.clear()
        sim.faults.add(path="/oauth/token", times=None, **fault)
        config = {name: value for name, value in settings(sim, path).items() if value}
        assert run_tap(config).exit_code == 1
        assert len(sim.requests) == refreshes(sim) == 1


@pytest.mark.parametrize("kind", ["truncate", "reset"])
def test_an_answer_that_broke_off_is_asked_for_again(simulate: Any, path: Path, kind: str) -> None:
    sim = simulate()
    sim.oauth.keep_old_refresh_token = True
    sim.faults.add(path="/oauth/token", kind=kind, times=1)
    run(sim, path).ok()
    assert refreshes(sim) == 2


def test_a_quota_that_comes_back_late_is_told(sim: Simulator, path: Path) -> None:
    sim.faults.add(path="/oauth/token", kind="rate_limited", reset=7200)
    done = run(sim, path)
    assert done.exit_code == 1
    assert "renews no token now" in done.last_line
    assert "Run again at 20" in done.last_line
    assert refreshes(sim) == 1


@pytest.mark.parametrize("body", ['{"access_token": 1}', "{}", "[]"])
def test_an_answer_without_a_token_is_no_answer(sim: Simulator, path: Path, body: str) -> None:
    sim.faults.add(path="/oauth/token", kind="status", status=200, body=body, times=None)
    before = keep(path)
    done = run(sim, path)
    assert done.exit_code == 1
    assert "the token answer could not be read" in done.last_line
    assert TokenStore(path).read() == before


# -- nothing loses the only valid token


def start(
    sim: Simulator, path: Path, folder: Path, command: Sequence[str | Path] = (SCRIPT,)
) -> AbstractContextManager[Popen[bytes]]:
    """A real process that reads the account."""
    args = files(folder, config=settings(sim, path), catalog=catalog_for(["account.*"]))
    return started(args, command=command)


def end_of_four(
    sim: Simulator, path: Path, folder: Path, command: Sequence[str | Path] = (SCRIPT,)
) -> None:
    """Start four runs at once, which must all end well."""
    with contextlib.ExitStack() as running:
        runs = [running.enter_context(start(sim, path, folder, command)) for _ in range(4)]
        ends = [(each.communicate(), each.returncode) for each in runs]
    assert [code for _, code in ends] == [0] * 4, ends


def test_runs_at_once_refresh_once(simulate: Any, path: Path, tmp_path: Path) -> None:
    sim = simulate(latency=0.5)
    keep(path, access_token="ended", expires_at=time.time())
    end_of_four(sim, path, tmp_path)
    assert refreshes(sim) == 1


def test_runs_at_once_that_all_must_refresh_do_so_one_by_one(
    simulate: Any, path: Path, tmp_path: Path
) -> None:
    sim = simulate(latency=0.2)
    impatient = (
        "from tap_pinterest.network import auth; auth._usable = lambda tokens: None;"
        "from tap_pinterest.tap import TapPinterest; TapPinterest.cli()"
    )
    end_of_four(sim, path, tmp_path, [sys.executable, "-c", impatient])
    assert refreshes(sim) >= 4


def full(*_: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_noticed_before_the_refresh(
    sim: Simulator, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keep(path)
    monkeypatch.setattr(token_store, "_write", full)
    done = run(sim, path)
    assert done.exit_code == 1
    assert "No space left on device" in done.last_line
    assert str(path) in done.last_line
    monkeypatch.undo()
    assert refreshes(sim) == 0
    assert TokenStore(path).read() == before
    assert not path.with_name("tokens.json.new").exists()
    run(sim, path).ok()


def test_a_file_that_cannot_be_written_is_noticed_before_the_refresh(
    sim: Simulator, path: Path, tmp_path: Path
) -> None:
    """With the kernel's own refusal: no file of this process may grow beyond 4 kB."""
    before = keep(path)
    config = settings(sim, path)
    args = files(tmp_path, config=config, catalog=catalog_for(["account.*"]))
    limited = ["bash", "-c", 'ulimit -f 4 && exec "$0" "$@"', str(SCRIPT), *args]
    done = subprocess.run(limited, capture_output=True, env=environment(), check=False)
    said = done.stderr.decode()
    assert done.returncode == 1, said
    assert f"The token store {path} cannot be replaced: File too large" in said
    assert "Traceback" not in said
    assert refreshes(sim) == 0
    assert TokenStore(path).read() == before


def test_a_file_that_cannot_be_replaced_is_noticed_before_the_refresh(
    sim: Simulator, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keep(path)

    def busy(*_: Any) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(Path, "replace", busy)
    done = run(sim, path)
    monkeypatch.undo()
    assert done.exit_code == 1
    assert "mount the folder and not the file" in done.last_line
    assert refreshes(sim) == 0
    assert TokenStore(path).read() == before


def in_mounts_of_its_own(script: str, *args: object) -> subprocess.CompletedProcess[str]:
    """Run a shell script that may mount what it likes; skips where that is not allowed."""
    unshare = ["unshare", "--map-root-user", "--mount"]
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], check=False).returncode:
        pytest.skip("this machine lets nobody mount anything")
    return subprocess.run(
        [*unshare, "bash", "-euc", textwrap.dedent(script), *map(str, args)],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )


def test_a_disk_that_is_really_full(sim: Simulator, path: Path, tmp_path: Path) -> None:
    keep(path)
    args = files(tmp_path, config=settings(sim, path), catalog=catalog_for(["account.*"]))
    script = """
        mkdir "$1"; mount -t tmpfs -o size=64k,mode=700 none "$1"; cp -p "$0" "$1"
        mount --move "$1" "$(dirname "$0")"
        dd if=/dev/zero of="$(dirname "$0")"/filler bs=1k 2> /dev/null || true
        "${@:2}" > /dev/null && exit 3
        rm "$(dirname "$0")"/filler
        exec "${@:2}"
    """
    done = in_mounts_of_its_own(script, path, tmp_path / "small", SCRIPT, *args)
    assert done.returncode == 0, done.stderr
    assert "cannot be replaced: No space left on device" in done.stderr
    assert refreshes(sim) == 1


def test_a_store_that_cannot_be_replaced_is_told_long_before_it_must_be(
    sim: Simulator, path: Path, tmp_path: Path
) -> None:
    """The run is good; the one on the day on which the token ends would not be."""
    sim.oauth.add_token("simulator-good")
    before = keep(path, access_token="simulator-good", expires_at=time.time() + 20 * DAY)
    args = files(tmp_path, config=settings(sim, path), catalog=catalog_for(["account.*"]))
    by_itself = 'mount --bind "$0" "$0"; exec "$@"'
    read_only = (
        'd=$(dirname "$0"); mount --bind "$d" "$d"; mount -o remount,ro,bind "$d"; exec "$@"'
    )
    for mounts in (by_itself, read_only):
        done = in_mounts_of_its_own(mounts, path, SCRIPT, *args)
        assert done.returncode == 0, done.stderr
        (told,) = (line for line in done.stderr.splitlines() if "WARNING" in line)
        assert "new tokens could not be kept" in told
        assert "mount the folder and not the file" in told
    assert TokenStore(path).read() == before
    assert refreshes(sim) == 0
    assert not run(sim, path).ok().warnings
    assert sorted(item.name for item in path.parent.iterdir()) == [
        "tokens.json",
        "tokens.json.lock",
    ]


def test_a_file_that_is_mounted_by_itself(sim: Simulator, path: Path, tmp_path: Path) -> None:
    keep(path)
    args = files(tmp_path, config=settings(sim, path), catalog=catalog_for(["account.*"]))
    done = in_mounts_of_its_own('mount --bind "$0" "$0"; exec "$@"', path, SCRIPT, *args)
    assert done.returncode == 1
    assert "mount the folder and not the file" in done.stderr
    assert refreshes(sim) == 0


def test_new_tokens_that_cannot_be_written_are_told(
    sim: Simulator, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, write = keep(path), os.write

    def fails(file: int, content: bytes) -> int:
        return write(file, content) if b'access_token": "s' not in bytes(content) else full()

    monkeypatch.setattr(token_store.os, "write", fails)
    done = run(sim, path)
    assert done.exit_code == 1
    assert "New tokens arrived, but" in done.last_line
    assert "tap-pinterest-login" in done.last_line
    assert TokenStore(path).read() == before


@pytest.mark.parametrize("step", ["ftruncate", "fsync"])
def test_new_tokens_that_are_written_are_kept_whatever_follows(
    sim: Simulator, path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    keep(path)
    do = getattr(os, step)
    with monkeypatch.context() as patch:
        patch.setattr(token_store.os, step, lambda *args: full() if refreshes(sim) else do(*args))
        done = run(sim, path)
    assert done.exit_code == 1
    assert "They are kept in" in done.last_line
    run(sim, path).ok()
    assert refreshes(sim) == 1


def test_a_token_that_is_renewed_for_ever_ends_the_run(
    simulate: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each renewal is a secret more to look for, and a quota that somebody else may need."""
    monkeypatch.setattr(auth, "MOST_RENEWALS", 3)
    sim = simulate(followers=250 * 9)
    keep(path)
    asked = itertools.count()
    sim.faults.add(
        path="/followers$", kind="status", status=401, code=2, message="again", times=None,
        when=lambda _: next(asked) % 2 == 1,
    )  # fmt: skip
    done = run_tap(settings(sim, path, max_concurrency=1), select=["followers"])
    assert done.exit_code == 1
    assert "renewed the access token 3 times in this run" in done.last_line
    assert refreshes(sim) == 3


def test_a_folder_that_cannot_be_made(sim: Simulator, path: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file, not a folder")
    done = run(sim, path)
    assert done.exit_code == 1
    assert f"The token store {path} cannot be" in done.last_line
    assert refreshes(sim) == 0


def test_a_kill_during_the_refresh_leaves_the_old_tokens(
    sim: Simulator, path: Path, tmp_path: Path
) -> None:
    before = keep(path)
    sim.faults.add(path="/oauth/token", kind="hang")
    with start(sim, path, tmp_path) as process:
        wait_for(lambda: refreshes(sim))
        process.kill()
        process.communicate()
    assert path.with_name("tokens.json.new").exists()  # reserved, and not filled
    assert TokenStore(path).read() == before
    sim.faults.clear()
    run(sim, path).ok()
    assert not path.with_name("tokens.json.new").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_the_refresh_waits_for_the_new_tokens(
    simulate: Any, path: Path, tmp_path: Path, number: int
) -> None:
    sim = simulate()
    keep(path)
    signalled = threading.Event()
    sim.faults.add(path="/oauth/token", kind="reset", when=lambda _: not signalled.wait())
    with start(sim, path, tmp_path) as process:
        try:
            wait_for(lambda: refreshes(sim))
            process.send_signal(number)
        finally:
            signalled.set()  # only now the tokens are sent
        _, said = process.communicate()
    assert process.returncode == 128 + number, said.decode()
    kept = TokenStore(path).read()
    assert kept is not None
    assert kept.refresh_token != REFRESH_TOKEN
    run(sim, path).ok()
    assert refreshes(sim) == 1


CRASHES = """
    import errno, os, sys
    from pathlib import Path
    from tap_pinterest.errors import TapError
    from tap_pinterest.network.token_store import TokenStore
    from tap_pinterest.network.tokens import Tokens

    store, mode, partly = TokenStore(sys.argv[1]), sys.argv[2], sys.argv[3] == "partly"
    steps = ("open", "write", "fsync", "ftruncate", "close", "lseek")
    real = {name: getattr(os, name) for name in steps}
    arrived = Path(sys.argv[1] + ".arrived")

    def keep(name, ends_at):
        count = 0

        def ending(name_of_step, step):
            def do(*args, **more):
                nonlocal count
                count += 1
                if count >= ends_at and (count == ends_at or name_of_step == "write"):
                    if name_of_step == "write" and partly:
                        step(args[0], bytes(args[1])[:len(args[1]) // 2])
                    if mode == "crash":
                        os._exit(9)
                    raise OSError(errno.ENOSPC, "full")
                done = step(*args, **more)
                if name_of_step == "write" and name.encode() in bytes(args[1]):
                    real["close"](real["open"](arrived, os.O_CREAT | os.O_WRONLY, 0o600))
                return done
            return do

        if ends_at:
            for step in steps:
                setattr(os, step, ending(step, real[step]))
            Path.replace = ending("replace", Path.replace)
            Path.unlink = ending("unlink", Path.unlink)
        try:
            with store.locked(), store.replacement() as write:
                write(Tokens(refresh_token=name))
        except (TapError, OSError):
            os._exit(9)

    def attempt(name, ends_at=0):
        child = os.fork()
        if not child:
            keep(name, ends_at)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    for ends_at in range(1, 100):
        assert attempt(f"old-{ends_at}") == 0, "the next one goes on"
        assert store.read().refresh_token == f"old-{ends_at}"
        left = {each.name for each in store.path.parent.iterdir()}
        assert left == {"tokens.json", "tokens.json.lock"}, left
        code = attempt(f"new-{ends_at}", ends_at)
        found = store.read().refresh_token.partition("-")[0]
        print(code, found, arrived.exists())
        arrived.unlink(missing_ok=True)
        if code == 0:
            break
        assert code == 9, code
"""


@pytest.mark.parametrize("partly", ["partly", "wholly"])
@pytest.mark.parametrize("mode", ["crash", "full"])
def test_a_trouble_at_any_step_leaves_a_whole_store(path: Path, mode: str, partly: str) -> None:
    """The old tokens, or the new ones once they are written; and whoever comes next goes on."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CRASHES), str(path), mode, partly],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *ended, last = [line.split() for line in done.stdout.splitlines()]
    assert len(ended) > 20
    assert last == ["0", "new", "True"]
    assert {found for _, found, _ in ended} == {"old", "new"}
    for code, found, arrived in ended:
        # A step may fail and nothing be lost by it, such as the unlinking of what is not there.
        assert code == "9" or mode == "full"
        assert arrived == "False" or found == "new"


class Disk:
    """What would be left of a folder if the power failed: what was synchronized, as it was then."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._contents: dict[int, bytes] = {}
        self._names: dict[str, int] = {}
        self._sync, self._rename = os.fsync, Path.replace
        self.left: list[bytes | None] = []
        patch.setattr(os, "fsync", self.sync)
        patch.setattr(Path, "replace", self.rename())

    def sync(self, file: int) -> None:
        self._sync(file)
        state = os.fstat(file)
        if stat.S_ISDIR(state.st_mode):
            self._names = {item.name: item.stat().st_ino for item in self._folder.iterdir()}
        else:
            self._contents[state.st_ino] = os.pread(file, state.st_size, 0)
        self.look()

    def rename(self) -> Callable[[Path, Path], None]:
        def replace(source: Path, target: Path) -> None:
            self._rename(source, target)
            # The name may reach the disk at once, or only with the folder.
            self.look({**self._names, target.name: target.stat().st_ino})

        return replace

    def look(self, names: dict[str, int] | None = None) -> None:
        number = (self._names if names is None else names).get("tokens.json")
        self.left.append(None if number is None else self._contents.get(number, b""))


@pytest.mark.parametrize("first", [True, False], ids=["the first tokens", "later tokens"])
def test_a_power_failure_leaves_a_whole_store(
    path: Path, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    path.parent.mkdir()
    disk = Disk(path.parent, monkeypatch)
    if not first:
        keep(path, access_token="old")
    old = disk.left[-1] if disk.left else None
    disk.left.clear()
    store = TokenStore(path)
    with store.locked(), store.replacement() as write:
        # Room for the new tokens is on the disk before they are asked for.
        assert len(disk._contents[disk._names["tokens.json.new"]]) == token_store.RESERVED
        write(Tokens(refresh_token="new"))
    assert disk._names["tokens.json"] == path.stat().st_ino
    new = path.read_bytes()
    assert disk.left[-1] == new
    assert set(disk.left) == {old, new}


def test_a_lock_that_is_held_for_too_long_is_told(
    sim: Simulator, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(path)
    monkeypatch.setattr(token_store, "PATIENCE", 0.2)
    lock = path.with_name("tokens.json.lock")
    with lock.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = run(sim, path)
    assert done.exit_code == 1
    assert f"Another process has held {lock}" in done.last_line
    assert done.said("waiting for it")
    assert refreshes(sim) == 0
    run(sim, path).ok()


def test_a_real_process_does_it_too(sim: Simulator, path: Path, tmp_path: Path) -> None:
    args = files(tmp_path, config=settings(sim, path), catalog=catalog_for(["account.*"]))
    assert run_process(args).ok().counts == {"account": 1}
    assert TokenStore(path).read() is not None


# -- the object in use


def test_threads_share_one_refresh(sim: Simulator, path: Path) -> None:
    auth = RefreshedToken(App(sim.url, CLIENT_ID, CLIENT_SECRET), REFRESH_TOKEN, TokenStore(path))
    first = auth.token()
    assert auth.token() == first
    auth.renew(first)
    second = auth.token()
    assert second != first
    auth.renew(first)  # another thread's late news
    assert auth.token() == second
    with pytest.raises(TokenRejected):
        auth.renew(second)
    assert refreshes(sim) == 2


def test_a_run_takes_what_another_has_refreshed_meanwhile(sim: Simulator, path: Path) -> None:
    one, other = (
        RefreshedToken(App(sim.url, CLIENT_ID, CLIENT_SECRET), REFRESH_TOKEN, TokenStore(path))
        for _ in range(2)
    )
    first = one.token()
    assert other.token() == first
    other.renew(first)
    one.renew(first)
    assert one.token() == other.token() != first
    assert refreshes(sim) == 2


def test_what_pinterest_quotes_is_not_repeated(sim: Simulator) -> None:
    sim.faults.add(
        path="/oauth/token",
        kind="status",
        status=400,
        code=1,
        message="'echoed-one' does not match.",
        times=2,
    )
    app = App(sim.url, CLIENT_ID, CLIENT_SECRET)
    with pytest.raises(TokenRejected) as refused:
        app.refresh(Tokens(refresh_token="echoed-one"))
    assert str(refused.value) == "HTTP 400 (code 1): '***' does not match"
    with pytest.raises(TokenRejected) as refused:
        app.exchange("echoed-one", "http://localhost:1/", None)
    assert "echoed-one" not in str(refused.value)


def test_the_file_is_plain_json(path: Path) -> None:
    keep(path)
    content = msgspec.json.decode(path.read_bytes())
    assert set(content) == {
        "refresh_token",
        "access_token",
        "expires_at",
        "lifetime",
        "refresh_expires_at",
        "scope",
        "origin",
        "account",
    }
    assert REFRESH_TOKEN not in content["origin"]


def test_days_are_counted_in_utc() -> None:
    assert str(clock.day(1_767_225_599)) == "2025-12-31"


def test_a_token_that_lives_for_ages_is_no_trouble(sim: Simulator) -> None:
    body = {"access_token": "x", "expires_in": 1e300, "refresh_token_expires_in": 1e300}
    sim.faults.add(path="/oauth/token", kind="status", status=200, body=body)
    tokens = App(sim.url, CLIENT_ID, CLIENT_SECRET).refresh(Tokens(refresh_token="y"))
    assert clock.day(tokens.refresh_expires_at or 0).year == clock.today().year + 100
