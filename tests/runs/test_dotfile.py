"""The file `.env`: what it may say, where it may lie, and who may have written it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import SCRIPT, Run, catalog_for, config_for, files, invoke, run_process, started
from tests.pinterest_api import TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pinterest_api import Simulator

STREAM = "following_users"


def with_env(folder: Path, text: str, *more: str, **variables: str) -> Run:
    """A run in a folder, with the settings of its environment and a file `.env` in it."""
    path = folder / ".env"
    path.write_text(text)
    path.chmod(0o600)
    return run(folder, *more, **variables)


def run(folder: Path, *more: str, **variables: str) -> Run:
    catalog = files(folder, catalog=catalog_for([STREAM]))
    return run_process([*more, "--config", "ENV", *catalog], cwd=folder, **variables)


def lines(sim: Simulator, *more: str) -> str:
    given = {"ACCESS_TOKEN": TOKEN, "API_URL": sim.url}
    return "\n".join([*(f"TAP_PINTEREST_{name}={text}" for name, text in given.items()), *more, ""])


def refused(run: Run) -> str:
    """The one sentence of a run that took no settings from the file."""
    assert run.exit_code == 1
    assert "Traceback" not in run.log
    (line,) = run.said(" ERROR ")
    return line


def test_settings_come_from_the_working_directory(sim: Simulator, tmp_path: Path) -> None:
    found = with_env(tmp_path, lines(sim, "TAP_PINTEREST_EXPLICIT_FOLLOWING=true")).ok()
    assert found.counts == {STREAM: 20}
    assert {seen.params()["explicit_following"] for seen in sim.requests} == {"true"}
    assert found.said(f"Settings are taken from {tmp_path / '.env'}")


def test_no_folder_above_is_looked_into(sim: Simulator, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(lines(sim))
    inner = tmp_path / "project" / "inner"
    inner.mkdir(parents=True)
    assert "No credentials." in refused(run(inner))
    assert not sim.requests


def test_a_named_file_is_read(sim: Simulator, tmp_path: Path) -> None:
    for name in ("night.env", ".env.night"):
        (tmp_path / name).write_text(lines(sim))
        (tmp_path / name).chmod(0o640)
        catalog = files(tmp_path, catalog=catalog_for([STREAM]))
        found = run_process(["--config", str(tmp_path / name), *catalog]).ok()
        assert found.said(f"Settings are taken from {tmp_path / name}")


def test_an_explicit_file_goes_before_it(sim: Simulator, tmp_path: Path) -> None:
    config = files(tmp_path, config=config_for(sim, {}))
    text = "TAP_PINTEREST_ACCESS_TOKEN=other\nTAP_PINTEREST_API_URL=http://localhost:9/v5\n"
    assert with_env(tmp_path, text, *config).ok().counts == {STREAM: 30}


def test_nothing_is_filled_in(sim: Simulator, tmp_path: Path) -> None:
    found = with_env(
        tmp_path,
        lines(sim, "TAP_PINTEREST_LIKES_BOARD_NAME=${SOME_OTHER_KEY}", "OTHER=1"),
        SOME_OTHER_KEY="of-another-program",
    ).ok()
    assert "of-another-program" not in found.log
    about = lines(sim, "TAP_PINTEREST_START_DATE=${SOME_OTHER_KEY}")
    line = refused(with_env(tmp_path, about, SOME_OTHER_KEY="2026-01-01"))
    assert "${SOME_OTHER_KEY}" in line


def test_nothing_else_obeys_it(sim: Simulator, tmp_path: Path) -> None:
    names = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    others = [f"{name}=http://localhost:9/" for name in names]
    more = ("SINGER_SDK_LOG_CONFIG=log.yaml", "TAP_PINTEREST_LOGLEVEL=DEBUG")
    found = with_env(tmp_path, lines(sim, *others, *more)).ok()
    assert found.counts == {STREAM: 30}
    assert found.warnings == []
    assert not found.said(" DEBUG ")


def write_group(path: Path) -> str:
    path.chmod(0o660)
    return f"Other users of this machine can write {path} (mode 0660)"


def write_all(path: Path) -> str:
    path.chmod(0o602)
    return f"Other users of this machine can write {path} (mode 0602)"


def give_away(path: Path) -> str:
    if os.geteuid():
        pytest.skip("only root can give a file to another user")
    os.chown(path, 12345, -1)
    return f"{path} belongs to another user of this machine"


@pytest.mark.parametrize("change", [write_group, write_all, give_away])
def test_a_file_that_others_wrote_is_refused(sim: Simulator, tmp_path: Path, change: Any) -> None:
    path = tmp_path / ".env"
    path.write_text(lines(sim))
    what = change(path)
    assert what in refused(run(tmp_path))
    assert not sim.requests


def test_a_link_counts_as_the_file_that_it_leads_to(sim: Simulator, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere"
    real.write_text(lines(sim))
    real.chmod(0o666)
    (tmp_path / ".env").symlink_to(real)
    assert f"can write {real}" in refused(run(tmp_path))


@pytest.mark.parametrize("target", [".env", "nowhere"])
def test_a_link_that_leads_nowhere_is_told(tmp_path: Path, target: str) -> None:
    (tmp_path / ".env").symlink_to(target)
    found = run(tmp_path)
    assert found.exit_code == 2
    assert "Error: Invalid value for '--config': .env cannot be read: " in found.log
    assert "Traceback" not in found.log


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"A" * (1 << 20) + b"B"], ids=["text", "size"]
)
def test_what_is_no_text_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".env").write_bytes(content)
    (tmp_path / ".env").chmod(0o600)
    assert "is not a text file of lines such as NAME=value" in refused(run(tmp_path))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "night.env", 0o600)
    found = run_process(["--config", str(tmp_path / "night.env")])
    assert "is not a regular file" in refused(found)


def test_a_folder_of_that_name_is_none(sim: Simulator, tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    config = files(tmp_path, config=config_for(sim, {}))
    assert run(tmp_path, *config).ok().counts == {STREAM: 30}


def test_a_setting_that_does_not_exist_is_told(sim: Simulator, tmp_path: Path) -> None:
    config = json.dumps({"TAP_PINTEREST_CLIENT_ID": "1"})
    (tmp_path / "more.json").write_text(config)
    found = with_env(
        tmp_path, lines(sim, "TAP_PINTEREST_START_DAT=x"), "--config", str(tmp_path / "more.json")
    ).ok()
    first, second = found.warnings
    assert "`TAP_PINTEREST_CLIENT_ID`; it is ignored. Did you mean `client_id`?" in first
    assert "`TAP_PINTEREST_START_DAT`; it is ignored. Did you mean `start_date`?" in second


def test_the_login_takes_settings_from_it_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TAP_PINTEREST_API_URL=http://pinterest.example/v5\n")
    (tmp_path / ".env").chmod(0o600)
    given = ["--config", "ENV", "--client-id=1", "--client-secret=x", "--token-store=tokens.json"]
    with started(given, [SCRIPT.with_name("tap-pinterest-login")], cwd=tmp_path) as process:
        _, err = process.communicate()
    assert process.returncode == 1
    assert b"Setting `api_url` must be an https address" in err


@pytest.mark.parametrize("name", [".env.json", "config.env", ".env"])
def test_json_under_the_name_of_a_dotfile_is_told(
    sim: Simulator, tmp_path: Path, name: str
) -> None:
    for text in (json.dumps(config_for(sim, {})), "\ufeff\n  {\n}"):
        (tmp_path / name).write_text(text, "utf-8")
        (tmp_path / name).chmod(0o600)
        line = refused(invoke(["--config", str(tmp_path / name)]))
        assert f"{tmp_path / name} looks like JSON, and is read as lines" in line
    assert not sim.requests


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "ACCESS_TOKEN=x\n", "access_token: x\n", "tap_pinterest_a=1\n"]
)
def test_a_dotfile_without_any_setting_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.env").write_text(text)
    (tmp_path / "x.env").chmod(0o600)
    found = invoke(["--config", str(tmp_path / "x.env")])
    assert "No credentials." in refused(found)
    (warning,) = found.said(" WARNING ", "| tap-pinterest ")
    assert f"{tmp_path / 'x.env'} holds no setting. It is read as lines such as" in warning
    assert "TAP_PINTEREST_ACCESS_TOKEN=value" in warning


def test_a_dotfile_whose_settings_are_empty_is_no_reason_to_warn(tmp_path: Path) -> None:
    assert not with_env(tmp_path, "TAP_PINTEREST_ACCESS_TOKEN=\n").said(" WARNING ")
