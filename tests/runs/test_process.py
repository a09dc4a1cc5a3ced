"""The real console script: signals, pipes, the environment, and what it prints where."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import re
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_pinterest.writer import FLUSH_AT, LAST_LINE
from tests.harness import SCRIPT, catalog_for, config_for, discover, environment, files, run_process
from tests.pinterest_api import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.pinterest_api import Simulator


def options(sim: Simulator, folder: Path, select: Any = None, **settings: Any) -> list[str]:
    catalog = None if select is None else catalog_for(select)
    return files(folder, config=config_for(sim, settings), catalog=catalog)


@contextlib.contextmanager
def started(
    args: list[str], stdout: Any = subprocess.PIPE, command: Sequence[str] = (str(SCRIPT),)
) -> Iterator[subprocess.Popen[bytes]]:
    """A run in a process of its own, which the end of the block ends at the latest."""
    with subprocess.Popen(
        [*command, *args], stdout=stdout, stderr=subprocess.PIPE, env=environment()
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def written(file: Path, stream: str) -> int:
    """How many records of a stream are in a file by now."""
    return file.read_bytes().count(b'{"type":"RECORD","stream":"%s"' % stream.encode())


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"]
)
def test_a_signal_ends_the_run_at_once_with_a_state(
    simulate: Callable[..., Simulator], tmp_path: Path, number: int, code: int
) -> None:
    sim = simulate(boards=12, pins_per_board=30)
    hangs = rf"/boards/{sim.world.board_id(3)}/pins"
    hanging = sim.faults.add(kind="hang", path=hangs, times=None)
    args = options(sim, tmp_path, ["account", "boards", "board_pins"])
    # Not a pipe: nobody reads while we wait.
    with (tmp_path / "out").open("wb") as target, started(args, target) as process:
        wait_for(lambda: hanging.fired and written(tmp_path / "out", "board_pins") >= 60)
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == code
    out = (tmp_path / "out").read_bytes()
    messages = [json.loads(line) for line in out.splitlines()]
    assert out.endswith(b"\n")
    assert messages[-1]["type"] == "STATE"
    assert "account" in messages[-1]["value"]["bookmarks"]
    # The third board may be on its way out when the signal comes.
    assert written(tmp_path / "out", "board_pins") in range(60, 91)
    assert not [m for m in messages if m["type"] == "ACTIVATE_VERSION" and m["stream"] != "account"]
    log = err.decode()
    assert "Traceback" not in log
    assert f"Stopped by signal {int(number)}" in log.splitlines()[-1]


def test_a_signal_while_waiting_for_a_quota(
    simulate: Callable[..., Simulator], tmp_path: Path
) -> None:
    sim = simulate()
    refused = sim.faults.add(kind="rate_limited", reset=600, path="/v5/boards", times=None)
    with started(options(sim, tmp_path, ["account", "boards"])) as process:
        wait_for(lambda: refused.fired >= 1)
        process.terminate()
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 143
    assert json.loads(out.splitlines()[-1])["type"] == "STATE"


IMPATIENT = (
    "from tap_pinterest import writer; writer.LAST_LINE = 0.5;"
    "from tap_pinterest.tap import TapPinterest; TapPinterest.cli()"
)


def wait_until_full(pipe: int) -> None:
    """Wait until a pipe takes nothing more: whoever writes into it hangs in the middle of a line."""
    most = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)

    def full() -> bool:
        held = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
        return int.from_bytes(held, sys.byteorder) > most - select.PIPE_BUF

    wait_for(full)


SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=str)
PIPES = pytest.mark.skipif(
    not hasattr(fcntl, "F_GETPIPE_SZ"), reason="pipes do not tell their size"
)


@PIPES
@SIGNALS
def test_a_signal_lets_the_line_under_way_go_out_and_no_other(
    simulate: Callable[..., Simulator], tmp_path: Path, number: int
) -> None:
    sim = simulate(boards=2, pins_per_board=1000)
    with started(options(sim, tmp_path, ["pins"])) as process:
        assert process.stdout is not None
        wait_until_full(process.stdout.fileno())
        process.send_signal(number)
        wait_for(lambda: not pending(process.pid, number))
        out, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert out.endswith(b"\n")
    messages = [json.loads(line) for line in out.splitlines()]
    assert [message["type"] for message in messages[-2:]] == ["RECORD", "STATE"]
    # What hung, and the messages around it: not the rest of the page.
    assert len(out) < FLUSH_AT * 1.5
    assert "Traceback" not in err.decode()
    assert f"Stopped by signal {int(number)};" in err.decode().splitlines()[-1]


def pending(pid: int, number: int) -> bool:
    """Whether a signal that was sent has not arrived yet."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return any(
        int(mask, 16) & 1 << (number - 1)
        for mask in re.findall(r"^(?:SigPnd|ShdPnd):\s*(\w+)", status, re.MULTILINE)
    )


@PIPES
@SIGNALS
def test_one_signal_is_enough_where_nobody_reads(
    simulate: Callable[..., Simulator], tmp_path: Path, number: int
) -> None:
    sim = simulate(followers=100_000)
    args = options(sim, tmp_path, ["followers"])
    with started(args, command=[sys.executable, "-c", IMPATIENT]) as process:
        assert process.stdout is not None
        wait_until_full(process.stdout.fileno())
        process.send_signal(number)
        assert process.wait(timeout=20) == 128 + number
        assert process.stderr is not None
        said = process.stderr.read().decode()
    assert f"Stopped by signal {int(number)}; the target took nothing" in said.splitlines()[-1]
    assert "Traceback" not in said


@PIPES
def test_one_signal_is_enough_where_nobody_reads_the_state(
    simulate: Callable[..., Simulator], tmp_path: Path
) -> None:
    """The target hangs already, and the run waits for the network."""
    sim = simulate()
    hanging = sim.faults.add(kind="hang", path="/followers")
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb"), os.fdopen(writing, "wb", buffering=0) as pipe:
        args = options(sim, tmp_path, ["followers"])
        with started(args, pipe, command=[sys.executable, "-c", IMPATIENT]) as process:
            wait_for(lambda: hanging.fired)
            # Its SCHEMA is written before it asks.
            os.set_blocking(writing, False)
            while pipe.write(b" " * 4096):
                pass
            os.set_blocking(writing, True)
            process.terminate()
            assert process.wait(timeout=20) == 143


@PIPES
def test_a_target_that_does_not_read_is_not_read_ahead_of_without_end(
    simulate: Callable[..., Simulator], tmp_path: Path
) -> None:
    ahead, pages = 1 << 20, 400
    sim = simulate(followers=pages * 250)
    script = f"from tap_pinterest import run; run.READ_AHEAD = {ahead};" + IMPATIENT
    args = options(sim, tmp_path, ["followers"])
    with started(args, command=[sys.executable, "-c", script]) as process:
        assert process.stdout is not None
        wait_until_full(process.stdout.fileno())
        asked, still = -1, 0
        while still < 20:  # for a second
            time.sleep(0.05)
            still = still + 1 if len(sim.requests) == asked else 0
            asked = len(sim.requests)
    page = len(json.dumps(list(itertools.islice(sim.world.all_followers(), 250))))
    assert 5 < asked < 2 * ahead / page + 5
    assert asked < pages / 2


@PIPES
def test_a_second_signal_needs_no_patience(
    simulate: Callable[..., Simulator], tmp_path: Path
) -> None:
    sim = simulate(followers=100_000)
    with started(options(sim, tmp_path, ["followers"])) as process:
        assert process.stdout is not None
        wait_until_full(process.stdout.fileno())
        began = time.monotonic()
        # Two that come at once are one.
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)
        assert time.monotonic() - began < LAST_LINE
        assert process.returncode == 130


def test_a_target_that_goes_away(simulate: Callable[..., Simulator], tmp_path: Path) -> None:
    sim = simulate(followers=3000)
    args = " ".join(options(sim, tmp_path, ["account", "followers"]))
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{SCRIPT} {args} | head -1"],
        capture_output=True,
        env=environment(),
        timeout=30,
        check=False,
    )
    log = done.stderr.decode()
    assert done.returncode not in (0, 141)
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in log
    assert "Exception ignored" not in log
    assert "BrokenPipe" not in log
    assert len(re.findall("The target closed its input", log)) == 1
    assert "The target closed its input" in log.splitlines()[-1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk(sim: Simulator, tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [str(SCRIPT), *options(sim, tmp_path, ["boards"])],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            timeout=30,
            check=False,
        )
    assert done.returncode != 0
    assert "No space left" in done.stderr.decode()


def test_a_run_as_users_make_it(sim: Simulator, tmp_path: Path) -> None:
    run = run_process(options(sim, tmp_path, ["account", "boards", "board_pins"])).ok()
    assert run.counts == {"account": 1, "boards": 17, "board_pins": 325}
    assert run.messages[-1]["type"] in ("STATE", "ACTIVATE_VERSION")
    assert TOKEN not in run.log


def test_a_failing_run_as_users_make_it(sim: Simulator, tmp_path: Path) -> None:
    run = run_process(options(sim, tmp_path, ["account"], access_token="pina_wrong_secret"))
    assert run.exit_code == 1
    assert "setting `access_token`" in run.last_line
    assert "Traceback" not in run.log
    assert "wrong_secret" not in run.log


def test_settings_from_the_environment(sim: Simulator, tmp_path: Path) -> None:
    args = files(tmp_path, catalog=catalog_for(["account", "following_users"]))
    run = run_process(
        ["--config", "ENV", *args],
        TAP_PINTEREST_ACCESS_TOKEN=TOKEN,
        TAP_PINTEREST_API_URL=sim.url,
        TAP_PINTEREST_EXPLICIT_FOLLOWING="true",
        TAP_PINTEREST_MAX_CONCURRENCY="2",
    ).ok()
    assert run.counts == {"account": 1, "following_users": 20}
    assert {s.params()["explicit_following"] for s in sim.requests if s.query} == {"true"}


def test_a_variable_goes_before_the_file(sim: Simulator, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "TAP_PINTEREST_ACCESS_TOKEN=of-the-file\nTAP_PINTEREST_EXPLICIT_FOLLOWING=true\n"
        "TAP_PINTEREST_START_DAT=2026-01-01\nTAP_PINTEREST__SELECT=[]\n"
    )
    run = run_process(
        ["--config", "ENV", *files(tmp_path, catalog=catalog_for(["following_users"]))],
        cwd=tmp_path,
        TAP_PINTEREST_ACCESS_TOKEN=TOKEN,
        TAP_PINTEREST_API_URL=sim.url,
    ).ok()
    assert run.counts == {"following_users": 20}
    (warning,) = run.warnings
    assert "`TAP_PINTEREST_START_DAT`; it is ignored. Did you mean `start_date`?" in warning


def test_variables_that_cannot_be_used() -> None:
    run = run_process(
        ["--config", "ENV"],
        TAP_PINTEREST_ACCESS_TOKEN=TOKEN,
        TAP_PINTEREST_MAX_WAIT="abc",
        TAP_PINTEREST_SEARCH_QUERIES="lamp, garden",
        TAP_PINTEREST_PIN_METRICS="maybe",
    )
    assert run.exit_code == 1
    assert "Traceback" not in run.log
    assert sorted(line.partition("Setting ")[2] for line in run.said(" ERROR ")) == [
        "`max_wait`: expected a whole number, not 'abc'.",
        "`pin_metrics`: expected true or false, not 'maybe'.",
        '`search_queries`: expected a list such as ["a", "b"], not \'lamp, garden\'.',
    ]


def test_discovery_as_users_make_it() -> None:
    run = run_process(["--discover"]).ok()
    assert json.loads(run.stdout) == discover()


def test_the_module_runs_too(sim: Simulator, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tap_pinterest", *options(sim, tmp_path, ["account"])],
        capture_output=True,
        env=environment(),
        timeout=30,
        check=False,
    )
    assert done.returncode == 0
    assert b'"type":"RECORD","stream":"account"' in done.stdout


def test_no_proxy_password_file_or_redirect_gets_the_token(sim: Simulator, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    run_process(options(sim, tmp_path, ["account"]), NETRC=str(netrc)).ok()
    assert {seen.headers["Authorization"] for seen in sim.requests} == {f"Bearer {TOKEN}"}


def test_a_kill_leaves_whole_lines(simulate: Callable[..., Simulator], tmp_path: Path) -> None:
    sim = simulate(followers=5000)
    hanging = sim.faults.add(kind="hang", path="/followers", nth=6, times=None)
    args = options(sim, tmp_path, ["account", "followers"])
    with (tmp_path / "out").open("wb") as out, started(args, out) as process:
        wait_for(lambda: hanging.fired and written(tmp_path / "out", "followers") >= 1000)
        process.kill()
        process.wait()
    lines = (tmp_path / "out").read_bytes()
    assert lines.endswith(b"\n")
    messages = [json.loads(line) for line in lines.splitlines()]
    followers = [m for m in messages if m["type"] == "RECORD" and m["stream"] == "followers"]
    assert len(followers) in (1000, 1250), "all but the last page read should be there"
