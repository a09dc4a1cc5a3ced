"""meltano.yml: what it says of the tap, and that Meltano runs it as it stands there."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import tomllib
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from tap_pinterest.streams import STREAMS
from tests.conftest import missing
from tests.harness import ROOT, environment, run_process
from tests.pinterest_api import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.pinterest_api import Simulator

PROJECT = YAML(typ="safe").load(ROOT / "meltano.yml")
(TAP,) = PROJECT["plugins"]["extractors"]
LOADERS = {loader["name"]: loader for loader in PROJECT["plugins"]["loaders"]}
KINDS = {"string": "string", "integer": "integer", "boolean": "boolean", "array": "array"}


@pytest.fixture(scope="module")
def about() -> dict[str, Any]:
    """What the tap says of itself."""
    return json.loads(run_process(["--about", "--format=json"]).ok().stdout)


# -- what it says


def test_project_is_what_meltano_can_read() -> None:
    schema = resources.files("meltano.schemas") / "meltano.schema.json"
    validator = Draft202012Validator(json.loads(schema.read_text("utf-8")))
    assert [error.message for error in validator.iter_errors(PROJECT)] == []


def test_capabilities_are_those_of_the_tap(about: dict[str, Any]) -> None:
    assert TAP["capabilities"] == about["capabilities"]


def test_settings_are_those_of_the_tap(about: dict[str, Any]) -> None:
    listed = {entry["name"]: entry for entry in TAP["settings"]}
    known = about["settings"]["properties"]
    assert list(listed) == list(known)
    for name, schema in known.items():
        entry = listed[name]
        kinds = set(schema["type"]) - {"null"}
        kind = "string" if "string" in kinds else kinds.pop()
        assert entry["kind"] == KINDS.get(kind, "object"), name
        text, _, values = entry["description"].partition(" One of: ")
        assert text == schema["description"], name
        allowed = [
            value if isinstance(value, str) else str(value).lower()
            for value in schema.get("enum", ())
        ]
        assert values.removesuffix(".").split(", ") == (allowed or [""]), name
        assert entry["label"] == schema["title"], name
        assert entry.get("value") == schema.get("default"), name
        assert entry.get("sensitive", False) == schema.get("secret", False), name


def test_streams_that_need_rare_scopes_are_left_out() -> None:
    left_out = {entry[1:-2] for entry in TAP["select"] if entry.startswith("!")}
    assert left_out == {each.declared_name() for each in STREAMS if not each.selected_by_default}
    assert "*.*" in TAP["select"]


def test_telemetry_is_off_and_plugins_need_no_hub() -> None:
    assert PROJECT["send_anonymous_usage_stats"] is False
    for plugin in (TAP, *LOADERS.values()):
        assert {"namespace", "pip_url", "executable", "settings"} <= plugin.keys()
        assert "variant" not in plugin


def test_commands_are_installed_with_the_tap() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    executables = {each["executable"] for each in TAP["commands"].values()}
    assert executables | {TAP["executable"]} == set(scripts)


def test_no_credential_is_in_the_project() -> None:
    secrets = {entry["name"] for entry in TAP["settings"] if entry.get("sensitive")}
    assert not secrets & TAP.get("config", {}).keys()
    for each in PROJECT["environments"]:
        for plugin in each.get("config", {}).get("plugins", {}).get("extractors", ()):
            given = {name: plugin["config"].get(name) for name in secrets & plugin["config"].keys()}
            assert given in ({}, {"access_token": TOKEN})


# -- what it does


class Meltano:
    """Runs `meltano` in this project, with a state of its own."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.folder = folder
        self.settings = {
            "TAP_PINTEREST_API_URL": simulator.url,
            "TAP_PINTEREST_ACCESS_TOKEN": TOKEN,
            "TARGET_JSONL_DESTINATION_PATH": str(folder),
            "TARGET_JSONL_DO_TIMESTAMP_FILE": "false",
            "TARGET_DUCKDB_FILEPATH": str(folder / "rows.duckdb"),
            "MELTANO_DATABASE_URI": f"sqlite:///{folder / 'meltano.db'}",
            "MELTANO_CLI_DISABLE_VERSION_CHECK": "true",
            "NO_COLOR": "1",
        }

    def __call__(self, *args: str, **settings: str) -> str:
        done = subprocess.run(
            [Path(sys.executable).with_name("meltano"), f"--env-file={os.devnull}", *args],
            cwd=ROOT,
            env=environment(**self.settings, **settings),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def lines(self, stream: str) -> list[dict[str, Any]]:
        """What target-jsonl wrote of a stream."""
        text = (self.folder / f"{stream}.jsonl").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def sim(simulate: Callable[..., Simulator]) -> Simulator:
    """A small account that lives today, as the tap in its own process does."""
    return simulate(today=None)


@pytest.fixture
def meltano(tmp_path: Path, sim: Simulator) -> Iterator[Meltano]:
    """Meltano in this project; skips where its plugins are not installed, but fails in CI."""
    if not (ROOT / ".meltano" / "installed").exists():
        missing("the plugins of meltano.yml are not installed; `make test` does it")
    # Runs share files under .meltano, such as the catalog: one at a time.
    with (ROOT / ".meltano" / "tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Meltano(tmp_path, sim)


def test_selected_fields_of_a_selected_stream_are_all_that_leaves(
    meltano: Meltano, sim: Simulator
) -> None:
    meltano(
        "run", "tap-pinterest", "target-jsonl", TAP_PINTEREST__SELECT='["boards.id", "pins.title"]'
    )
    assert sorted(path.name for path in meltano.folder.glob("*.jsonl")) == [
        "boards.jsonl",
        "pins.jsonl",
    ]
    assert meltano.lines("boards") == [{"id": board["id"]} for board in sim.world.all_boards("ALL")]
    assert meltano.lines("pins") == [
        {name: pin.get(name) for name in ("id", "title")}
        for pin in sim.world.all_pins(include_protected_pins=True)
    ]
    assert set(sim.paths()) == {"/v5/boards", "/v5/pins"}


def test_two_nights_into_duckdb_leave_each_row_once(meltano: Meltano, sim: Simulator) -> None:
    select = '["account.*", "boards.*", "board_pins.*", "followers.*", "pins.*"]'
    for _ in range(2):
        meltano("run", "tap-pinterest", "target-duckdb", TAP_PINTEREST__SELECT=select)
    boards = list(sim.world.all_boards("ALL"))
    expected = {
        "account": [("700000000000000001",)],
        "boards": [(board["id"],) for board in boards],
        "board_pins": [
            (board["id"], pin["id"]) for board in boards for pin in sim.world.pins_of(board["id"])
        ],
        "followers": [(user["username"],) for user in sim.world.all_followers()],
        "pins": [(pin["id"],) for pin in sim.world.all_pins(include_protected_pins=True)],
    }
    keys = {each.declared_name(): ", ".join(each.primary_keys) for each in STREAMS}
    with duckdb.connect(str(meltano.folder / "rows.duckdb"), read_only=True) as database:
        for stream, rows in expected.items():
            found = database.execute(f"SELECT {keys[stream]} FROM {stream}").fetchall()
            assert Counter(found) == Counter(rows), stream


def test_what_is_selected_by_default_needs_common_scopes_only(
    meltano: Meltano, sim: Simulator
) -> None:
    common = {scope for each in STREAMS if each.selected_by_default for scope in each.scopes}
    assert not {scope for scope in common if scope.endswith("_secret")}
    sim.world.scopes = frozenset(common)
    meltano("run", "tap-pinterest", "target-jsonl")
    asked = {path.removeprefix("/v5") for path in sim.paths()}
    assert {"/boards", "/pins", "/user_account"} <= asked
    assert not {path for path in asked if path.startswith("/search")}
    assert {path.stem for path in meltano.folder.glob("*.jsonl")} == {
        each.declared_name() for each in STREAMS if each.selected_by_default
    }
