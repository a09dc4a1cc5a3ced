"""Where the output cannot be written, the log cannot be set up, or nobody can be asked."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import SCRIPT, catalog_for, config_for, environment, files, run_process
from tests.runs.test_login import Scene, scene

if TYPE_CHECKING:
    from tests.pinterest_api import Simulator

__all__ = ["scene"]

DOCTOR, LOGIN = (SCRIPT.with_name(f"tap-pinterest-{name}") for name in ("doctor", "login"))


def bash(line: str, folder: Path, **more: str) -> tuple[int, str]:
    """Exit code and log of a command line."""
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert not done.stdout
    return done.returncode, done.stderr.decode()


@pytest.fixture
def commands(sim: Simulator, tmp_path: Path) -> dict[str, list[str]]:
    """Command lines that write."""
    args = files(tmp_path, config=config_for(sim, {}), catalog=catalog_for(["boards"]))
    tap = str(SCRIPT)
    return {
        "run": [tap, *args],
        "schema": [tap, *args, "--test=schema"],
        **{name: [tap, f"--{name}"] for name in ("discover", "about", "help", "version")},
        "doctor": [str(DOCTOR), *args[:2]],
        "login": [str(LOGIN), "--help"],
    }


COMMANDS = ("run", "schema", "discover", "about", "help", "version", "doctor", "login")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("what", COMMANDS)
def test_a_full_disk_is_a_sentence(
    commands: dict[str, list[str]], tmp_path: Path, what: str
) -> None:
    code, said = bash(f"{shlex.join(commands[what])} >/dev/full", tmp_path)
    assert code == 1
    assert "What was read could not be written: No space left on device" in said
    assert "Traceback" not in said
    assert "Exception ignored" not in said


@pytest.mark.parametrize("what", COMMANDS)
def test_a_closed_output_is_a_sentence(
    sim: Simulator, commands: dict[str, list[str]], tmp_path: Path, what: str
) -> None:
    code, said = bash(f"{shlex.join(commands[what])} >&-", tmp_path)
    assert code == 1
    assert "Standard output is closed" in said
    assert "Traceback" not in said
    assert not sim.requests


def test_a_closed_log_does_not_get_into_the_output(tmp_path: Path) -> None:
    code, said = bash(f"{shlex.quote(str(SCRIPT))} --nonsense 2>&-", tmp_path)
    assert (code, said) == (2, "")


# -- the log


LOG_CONFIGS = {
    "a folder": None,
    "empty": b"",
    "no YAML": b"{",
    "a list": b"- 1",
    "an old version": b"version: 2",
    "an unknown class": b"version: 1\nhandlers: {h: {class: no.such.Handler}}\n",
    "an unknown level": b"version: 1\nroot: {level: LOUD}\n",
    "no text": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("what", LOG_CONFIGS)
def test_a_log_that_cannot_be_set_up_is_a_sentence(tmp_path: Path, what: str) -> None:
    file, content = tmp_path / "log.yaml", LOG_CONFIGS[what]
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    done = run_process(["--version"], SINGER_SDK_LOG_CONFIG=str(file))
    assert done.exit_code == 1
    assert "The log cannot be set up as SINGER_SDK_LOG_CONFIG says (" in done.log
    assert "Traceback" not in done.log


def test_what_is_said_before_the_run_does_nothing_to_the_terminal() -> None:
    done = run_process(["--version"], SINGER_SDK_LOG_CONFIG="/nowhere/\x1b[2J\nFORGED")
    assert done.exit_code == 0
    assert "\x1b" not in done.log
    assert len(done.log.splitlines()) == 1


# -- what is handed in


@pytest.mark.parametrize("command", [SCRIPT, DOCTOR, LOGIN], ids=lambda path: path.name)
def test_json_in_the_place_of_a_file_is_not_repeated(tmp_path: Path, command: Path) -> None:
    """It is an easy slip, and holds a secret."""
    given = shlex.quote(json.dumps({"access_token": "topsecret-98765"}))
    code, said = bash(f"{shlex.quote(str(command))} --config {given}", tmp_path)
    assert code == 2
    assert "this is JSON, and not the name of a file" in said
    assert "topsecret" not in said


def test_a_secret_that_another_file_overrules_is_none_to_be_shown(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"access_token":"topsecret-98765"}')
    (tmp_path / "b.json").write_text('{"access_token":"b","board_privacy":"topsecret-98765"}')
    for second in ("b.json", "topsecret-98765"):
        line = f"{shlex.quote(str(SCRIPT))} --config a.json --config {second} --test=schema"
        code, said = bash(line, tmp_path)
        assert code in (1, 2)
        assert "***" in said
        assert "topsecret" not in said


@pytest.mark.parametrize("value", [["x"], {"a": 1}, 5, True], ids=repr)
@pytest.mark.parametrize("name", ["client_secret", "token_store"])
def test_the_login_takes_texts_alone(scene: Scene, name: str, value: Any) -> None:
    config = scene.config | {name: value}
    (scene.folder / "config.json").write_text(json.dumps(config))
    done, browsing = scene.log_in(
        args=["--config", str(scene.folder / "config.json"), *scene.place]
    )
    assert done.exit_code == 1
    assert f"Setting `{name}`: expected text, in quotes." in done.last_line
    assert not browsing.urls
    assert [each.name for each in scene.folder.iterdir()] == ["config.json"]


@pytest.mark.parametrize("command", [SCRIPT, LOGIN], ids=lambda path: path.name)
def test_a_store_in_a_folder_that_is_gone(scene: Scene, tmp_path: Path, command: Path) -> None:
    config = scene.config | {"token_store": "tokens.json"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "gone").mkdir()
    args = ["--config", str(tmp_path / "config.json"), *(scene.place if command == LOGIN else ())]
    line = f"cd gone; rmdir ../gone; {shlex.join([str(command), *args])} >../out"
    code, said = bash(line, tmp_path)
    assert code == 1
    assert "the folder from which tokens.json is to be found is gone" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("more", [[], ["--client-id", "1"], ["--no-browser"]], ids=len)
def test_a_login_that_nobody_can_answer(scene: Scene, more: list[str]) -> None:
    args = [*more, *(scene.args if "--no-browser" in more else scene.place)]
    code, said = _without_input([sys.executable, "-m", "tap_pinterest.login", *args])
    assert code in (1, 2)
    assert "There is no terminal" in said
    assert "Traceback" not in said


def _without_input(command: list[str]) -> tuple[int, str]:
    done = subprocess.run(
        ["bash", "-c", f"{shlex.join(command)} <&-"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_browser_that_cannot_be_started(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: str) -> bool:
        raise ValueError("No closing quotation")  # as of BROWSER="'a %s"

    monkeypatch.setattr("webbrowser.open", fails)
    monkeypatch.setattr("tap_pinterest.landing._Wait.over", lambda *_: False)
    from tests.harness import invoke
    from tests.runs.test_login import COMMAND

    done = invoke(scene.args, COMMAND)
    assert "No browser could be opened" in done.stdout.decode()
    assert "Nobody came back" in done.last_line


def test_a_shell_that_completes_asks_nothing() -> None:
    more = {
        "_TAP_PINTEREST_LOGIN_COMPLETE": "bash_complete",
        "COMP_WORDS": "x --",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [LOGIN], env=environment(**more), capture_output=True, text=True, input="", check=False
    )
    assert "--token-store" in done.stdout
    assert "Id of your" not in done.stdout


def test_the_doctor_does_not_try_for_minutes(sim: Simulator, tmp_path: Path) -> None:
    sim.faults.add(path="/followers$", kind="status", status=200, body=b"no JSON", times=None)
    args = files(tmp_path, config=config_for(sim, {}))
    done = subprocess.run(
        [DOCTOR, *args], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    said = " ".join(done.stdout.split())
    assert "failed 3 times" in said, said
    assert sim.paths()["/v5/user_account/followers"] == 3
