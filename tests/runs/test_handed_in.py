"""What a user hands in: a file, a variable or an argument that cannot be used is told in a line."""

from __future__ import annotations

import json
import os
import subprocess
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tap_pinterest import cli, doctor, login, settings
from tests.harness import SCRIPT, Run, environment, invoke, run_process, run_tap, slim_catalog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.pinterest_api import Simulator

GOOD = {"access_token": "pina_x", "api_url": "https://api.example/v5"}
COMMANDS: dict[str, Any] = {
    "tap-pinterest": None,
    "tap-pinterest-doctor": SimpleNamespace(get_singer_command=lambda: doctor.main),
    "tap-pinterest-login": SimpleNamespace(get_singer_command=lambda: login.main),
}


def told(run: Run, code: int = 1) -> str:
    """The last line of a run that read nothing, and crashed at nothing."""
    assert run.crash is None, run.log
    assert "Traceback" not in run.log
    assert run.exit_code == code
    assert run.stdout == b""
    return run.last_line


def call(command: str, *args: str) -> Run:
    tap = COMMANDS[command]
    return invoke([*args], tap) if tap else invoke([*args])


# -- documents

NO_NUMBER = "is no number, or one that is far too large"
NO_TEXT = "holds half a character"

ODD = {
    "1" * 5000: NO_NUMBER,
    "-" + "1" * 301: NO_NUMBER,
    "1e999999": NO_NUMBER,
    "NaN": NO_NUMBER,
    "-Infinity": NO_NUMBER,
    r'"\ud800"': NO_TEXT,
    r'["a", "\udcff"]': NO_TEXT,
    r'{"\ud800": 1}': "has a name that is no text",
}


@pytest.mark.parametrize("value", ODD, ids=lambda value: value[:12])
def test_a_document_that_cannot_be_used_is_told_with_the_place(value: str) -> None:
    why = ODD[value]
    for name in ("max_wait", "client_secret", "token_store", "unknown", "stream_map_config"):
        line = told(run_tap(config=f'{{"{name}": {value}}}'))
        assert "The configuration file " in line
        assert f"cannot be used: `{name}" in line
        assert why in line
        assert "1" * 20 not in line, "it may be a secret"
    state = told(run_tap(config=GOOD, state=f'{{"bookmarks": {{"boards": {{"x": {value}}}}}}}'))
    assert "The state cannot be used: `bookmarks.boards.x" in state
    assert why in state
    catalog = json.loads(slim_catalog(("boards",)))
    catalog["streams"][0]["schema"]["properties"]["@"] = "@"
    line = told(run_tap(config=GOOD, catalog=json.dumps(catalog).replace('"@"}', f"{value}}}")))
    assert "The catalog cannot be used: `streams.0.schema.properties.@" in line
    assert why in line


def test_a_name_with_half_a_character_is_told_with_the_place() -> None:
    for config in (r'{"\ud800": 1}', r'{"stream_maps": {"\ud800": {"x": "1"}}}'):
        assert r"a name that is no text, '\\ud800'" in told(run_tap(config=config))
    state = r'{"bookmarks": {"boards": {"partitions": [{"context": {"\ud800": "a"}}]}}}'
    line = told(run_tap(config=GOOD, state=state))
    assert "`bookmarks.boards.partitions.0.context` has a name that is no text" in line


def test_bytes_that_are_half_a_character_are_told() -> None:
    assert NO_TEXT in told(run_tap(config=b'{"likes_board_name": "\xed\xa0\x80"}'))


def test_null_is_no_document() -> None:
    assert "must be a JSON object, not null" in told(run_tap(config="null"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("token_store", "a\0b"),
        ("api_url", "https://a\0b.example/v5"),
        ("likes_board_name", "\0"),
        ("search_queries", ["a", "\0"]),
        ("stream_maps", {"boards": {"x": "'\0'"}}),
        ("stream_map_config", {"a\0": 1}),
    ],
    ids=str,
)
def test_a_setting_with_a_nul_is_told(name: str, value: Any) -> None:
    credentials = {"client_id": "1", "client_secret": "abc"}
    line = told(run_tap(config={**credentials, "token_store": "x", name: value}))
    assert f"Setting `{name}`" in line
    assert "holds a NUL" in line or "a name that is no text" in line


@pytest.mark.parametrize("deep", ["-" * 5000 + "1", "+".join(["1"] * 5000), "-" * 900 + "1"])
def test_an_expression_without_end_is_told(sim: Simulator, deep: str) -> None:
    catalog = slim_catalog(("boards",))
    run = run_tap(sim, catalog=catalog, stream_maps={"boards": {"x": deep}})
    assert run.crash is None
    assert "Traceback" not in run.log
    assert "Setting `stream_maps`: " in run.last_line


def test_a_nul_elsewhere_is_text(sim: Simulator) -> None:
    """A state and a catalog may hold one: nothing makes a path or an expression of them."""
    catalog = json.loads(slim_catalog(("boards",)))
    catalog["streams"][0]["schema"]["properties"]["a\0"] = {"type": ["string", "null"]}
    state = {"bookmarks": {"boards": {"a\0": "\0"}}}
    assert run_tap(sim, catalog=catalog, state=state).ok().counts["boards"] > 0


# -- the environment


def with_bytes(variables: dict[str, bytes], *args: str, command: str = "tap-pinterest") -> Run:
    """A run with variables that need not be text."""
    given = {os.fsencode(name): os.fsencode(text) for name, text in environment().items()}
    given |= {b"TAP_PINTEREST_" + os.fsencode(name): text for name, text in variables.items()}
    script = SCRIPT.with_name(command)
    done = subprocess.run(
        [script, *args], env=given, capture_output=True, stdin=subprocess.DEVNULL, check=False
    )
    return Run(done.stdout, done.stderr.decode(), done.returncode)


APP = {"CLIENT_ID": b"1", "CLIENT_SECRET": b"abcdefghijkl", "TOKEN_STORE": b"x"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("access_token", b"pina_abcdefgh\xff"),
        ("token_store", b"/nowhere/\xff"),
        ("api_url", b"https://\xff.example/v5"),
        ("board_ids", b'["\xff"]'),
        ("stream_maps", rb'{"boards": {"x": "\ud800"}}'),
        ("max_wait", b"1" * 5000),
        ("max_wait", b"1e999"),
    ],
    ids=lambda value: str(value)[:16],
)
def test_a_variable_that_is_no_text_or_number_is_told(name: str, value: bytes) -> None:
    given = ({} if name == "access_token" else APP) | {name.upper(): value}
    run = with_bytes(given, "--config", "ENV")
    line = told(run)
    assert f"Setting `{name}`" in line
    assert NO_TEXT in line or NO_NUMBER in line
    assert "abcdefgh" not in run.log


def test_settings_given_to_the_class_are_told_alike() -> None:
    assert settings.problems(GOOD | {"access_token": "x"} | DEFAULTS) == []
    (line,) = settings.problems(GOOD | DEFAULTS | {"stream_maps": {"a": {"b": "\udcff"}}})
    assert line.startswith("Setting `stream_maps`, entry a: it holds half a character")
    (line,) = settings.problems(GOOD | DEFAULTS | {"\ud800": 1})
    assert "a name that is no text" in line


DEFAULTS = {
    name: rest["default"]
    for name, rest in settings.SETTINGS["properties"].items()
    if "default" in rest and name not in GOOD
}


def test_the_login_tells_it_too(tmp_path: Path) -> None:
    store = os.fsencode(tmp_path) + b"/tokens"
    for name, value in (("TOKEN_STORE", store + b"\xff"), ("CLIENT_ID", b"\xff")):
        given = APP | {"TOKEN_STORE": store, name: value}
        line = told(with_bytes(given, "--no-browser", command="tap-pinterest-login"))
        assert f"Setting `{name.lower()}`: it holds half a character" in line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("level", [b"nonsense", b"\xff", b"10"])
def test_a_level_of_the_log_that_does_not_exist_ends_nothing(level: bytes) -> None:
    run = with_bytes({"LOGLEVEL": level}, "--version")
    assert run.exit_code == 0, run.log
    assert "is no level of the log" in run.log.replace("which ", "")


# -- files


@pytest.fixture
def link(tmp_path: Path) -> Callable[[str], str]:
    """A link to itself."""

    def make(name: str) -> str:
        (tmp_path / name).symlink_to(name)
        return str(tmp_path / name)

    return make


@pytest.mark.parametrize("command", COMMANDS)
def test_a_configuration_that_cannot_be_read_is_told(
    link: Any, tmp_path: Path, command: str
) -> None:
    circle = "Too many levels of symbolic links"
    faults = {
        link("a.json"): circle,
        link("a.env"): circle,
        str(tmp_path): "Is a directory",
        str(tmp_path / "none.json"): "No such file or directory",
        "/proc/self/mem": "Input/output error",
    }
    for path, why in faults.items():
        line = told(call(command, "--config", path), code=2)
        assert line == f"Error: Invalid value for '--config': {path} cannot be read: {why}."


@pytest.mark.parametrize("option", ["--catalog", "--state"])
def test_a_document_that_cannot_be_read_is_told(link: Any, tmp_path: Path, option: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(GOOD))
    for path, why in (
        (link("a.json"), "Too many levels of symbolic links"),
        (str(tmp_path), "Is a directory"),
    ):
        assert why in told(invoke(["--config", str(tmp_path / "config.json"), option, path]), 2)
    given = ["--config", str(tmp_path / "config.json"), option]
    assert "cannot be read as text" in told(invoke([*given, "/proc/self/mem"]))


def test_a_device_without_end_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cli, "LARGEST", 1 << 20)
    assert "The configuration file /dev/zero has no end" in told(invoke(["--config", "/dev/zero"]))
    (tmp_path / "config.json").write_text(json.dumps(GOOD))
    for option in ("--catalog", "--state"):
        line = told(invoke(["--config", str(tmp_path / "config.json"), option, "/dev/zero"]))
        assert f"The {option.removeprefix('--')} has no end, or more than 1 MB" in line


def test_a_configuration_comes_through_a_pipe(sim: Simulator) -> None:
    """As `--config <(…)` of a shell hands it in."""
    config = json.dumps({"access_token": "simulator-token", "api_url": sim.url})
    line = f"{SCRIPT} --config <(printf %s {json.dumps(config)!s}) --discover"
    done = subprocess.run(["bash", "-c", line], env=environment(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b'"streams"' in done.stdout


# -- arguments


@pytest.mark.parametrize("option", ["--config", "--catalog", "--state"])
def test_an_argument_with_a_nul_is_told(option: str) -> None:
    assert "An argument holds a NUL" in told(invoke([option, "a\0b"]), code=2)


@pytest.mark.parametrize(
    "args",
    [
        ("--timeout", "nan"),
        ("--timeout", "inf"),
        ("--timeout", "1e300"),
        ("--timeout", "9" * 5000),
        ("--port", "9" * 5000),
        ("--consent-url", "https://a\x1b.example/"),
        ("--consent-url", "javascript:alert(1)"),
        ("--consent-url", "https://a\udcff.example/"),
    ],
    ids=lambda args: " ".join(args)[:30],
)
def test_an_option_of_the_login_that_makes_no_sense_is_told(args: tuple[str, ...]) -> None:
    line = told(call("tap-pinterest-login", *args), code=2)
    assert line.startswith(f"Error: Invalid value for '{args[0]}': ")


def test_an_undecodable_name_is_a_name(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.json"
    with open(path, "w") as file:  # noqa: PTH123 - a name that is no text
        file.write("[]")
    done = run_process(["--config", os.fsdecode(path)])
    assert r"\udcff.json must be a JSON object, not list" in told(done)
