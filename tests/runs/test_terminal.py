"""What others word reaches the log on one line, and nothing in it that a terminal obeys."""

from __future__ import annotations

import json
import subprocess
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click
import pytest

from tap_pinterest import cli, doctor, login
from tap_pinterest.records.shape import MOST_TOLD
from tap_pinterest.tap import TapPinterest
from tests.harness import SCRIPT, Run, config_for, environment, files, invoke, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.pinterest_api import Simulator

HARM = (
    "\x1b]52;c;cm0gLXJmIC8=\x07\x1b[2J\x00\u202e\u2066\x9b31m\r\n2026-01-01 00:00:00,000 | INFO     | "
    "tap-pinterest                  | all is well\u2028"
)


def harmless(run: Run) -> Run:
    """Itself, after a look at each line that it printed."""
    lines = run.log.split("\n")
    assert all(line.isprintable() for line in lines)
    assert not [line for line in lines if line.startswith("2026-01-01")]
    return run


def test_an_error_is_shown_harmless(simulate: Callable[..., Simulator]) -> None:
    for status in (400, 403, 500):
        sim = simulate(boards=1)
        sim.faults.add(
            path="/boards$", kind="status", status=status, code=1, message=HARM, times=None
        )
        run = harmless(run_tap(sim, select=["boards", "account"]))
        assert run.exit_code == 1
        assert run.said(" ERROR ", "boards", "cm0gLXJmIC8=")


@pytest.mark.parametrize(
    "odd", [{HARM: 1}, {"x" * 100_000: 1}, {"created_at": HARM}, {"owner": HARM}]
)
def test_a_record_is_told_of_harmless(simulate: Callable[..., Simulator], odd: Any) -> None:
    sim = simulate(boards=2)
    sim.world.alter["board"] = lambda board: board | odd
    run = harmless(run_tap(sim, select=["boards"]).ok())
    assert run.said("WARNING", "boards", "Field ")
    assert max(map(len, run.log.split("\n"))) < 1_000


def test_a_name_is_shown_harmless(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(boards=2)
    sim.world.alter["board"] = lambda board: board | {"id": HARM, "name": HARM}
    run = harmless(run_tap(sim, select=["boards", "board_pins", "likes"]))
    assert run.exit_code == 1
    assert run.records("boards")[0]["name"] == HARM, "data stays as it is"


def test_notes_have_an_end(simulate: Callable[..., Simulator]) -> None:
    """As many new fields as an answer can hold are not as many lines."""
    sim = simulate(boards=2)
    many = {f"new_{number}": number for number in range(20_000)}
    sim.world.alter["board"] = lambda board: board | many
    run = run_tap(sim, select=["boards"]).ok()
    assert len(run.said("WARNING", "Field new_")) == MOST_TOLD
    assert run.said("WARNING", "There are more such fields, of which nothing is said")
    assert run.records("boards")[0]["new_19999"] == 19_999


def test_a_terminal_lacks_letters(sim: Simulator, tmp_path: Path) -> None:
    """It is told what it can show; it costs nothing else."""
    name = "\u65e5\u672c\xe9"
    sim.faults.add(
        path="/user_account$", kind="status", status=200, body={"id": "1", "username": name}
    )
    done = subprocess.run(
        [SCRIPT.with_name("tap-pinterest-doctor"), *files(tmp_path, config=config_for(sim, {}))],
        env=environment(PYTHONIOENCODING="latin-1"),
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert rb"Account        \u65e5\u672c" + b"\xe9\n" in done.stdout


# -- the command line


CLICKS = [
    ("--config", "{}"),
    ("--config={}",),
    ("{}",),
    ("--{}",),
    ("-{}",),
]

COMMANDS: dict[str, Any] = {
    "tap": TapPinterest.get_singer_command,
    "doctor": lambda: doctor.main,
    "login": lambda: login.main,
}


def call(command: str, *args: str) -> Run:
    return harmless(invoke([*args], SimpleNamespace(get_singer_command=COMMANDS[command])))  # type: ignore[arg-type]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("form", CLICKS, ids=" ".join)
def test_arguments_are_shown_harmless(command: str, form: tuple[str, ...]) -> None:
    app = ("--client-id=1", "--client-secret=2", "--token-store=x") if command == "login" else ()
    args = [part.format(HARM.replace("\x00", "\udcff")) for part in form]
    run = call(command, *app, *args)
    assert run.exit_code == 2
    assert run.crash is None
    assert run.log.startswith("Usage: tap-pinterest [OPTIONS]\n")
    assert "\nError: " in run.log
    assert form == ("-{}",) or "cm0gLXJmIC8" in run.last_line


@pytest.mark.parametrize("option", ["--catalog", "--state", "--test", "--format"])
def test_values_of_options_are_shown_harmless(option: str) -> None:
    run = call("tap", option, HARM.replace("\x00", ""))
    assert run.exit_code == 2
    assert r"\x1b]52;c;cm0gLXJmIC8=" in run.last_line


@pytest.mark.parametrize("option", ["--streams", "--port", "--timeout", "--consent-url"])
def test_values_of_the_login_are_shown_harmless(option: str) -> None:
    run = call("login", option, HARM.replace("\x00", ""))
    assert run.exit_code == 2
    assert r"\x1b]52;c;cm0gLXJmIC8=" in run.last_line


def test_a_secret_among_the_arguments_is_masked(tmp_path: Path) -> None:
    secret = "a-secret-of-this-test"
    (tmp_path / "config.json").write_text(json.dumps({"access_token": secret}))
    given = ("--config", str(tmp_path / "config.json"))
    app = ("--client-id=1", f"--client-secret={secret}", "--token-store=x")
    for run in (call("tap", *given, secret), call("login", *app, secret)):
        assert run.exit_code == 2
        assert run.last_line == "Error: Got unexpected extra argument (***)"


@pytest.mark.parametrize(
    "args",
    [
        ("--help",),
        ("--nothing",),
        ("--config",),
        ("--config", "nothing.json"),
        ("a", "b"),
        ("--catalog", "nothing.json"),
        ("--test", "x"),
        ("--version",),
        ("--port", "x"),
        ("--browser=1",),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_ordinary_is_said_as_click_says_it(
    monkeypatch: pytest.MonkeyPatch, command: str, args: tuple[str, ...]
) -> None:
    app = ("--client-id=1", "--client-secret=2", "--token-store=x") if command == "login" else ()
    ours = call(command, *app, *args)
    monkeypatch.setattr(cli.Command, "main", click.Command.main)
    theirs = call(command, *app, *args)
    assert (ours.exit_code, ours.stdout, ours.log) == (
        theirs.exit_code,
        theirs.stdout,
        theirs.log,
    )


def test_giving_up_is_said_as_click_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(click, "prompt", give_up)
    run = call("login")
    assert (run.exit_code, run.log) == (1, "\nAborted!\n")
