"""meltano.yml: what it says of the tap, and that Meltano runs it as it stands there."""

from __future__ import annotations

import fcntl
import json
import os
import re
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

from tap_pinterest.choosing import SELECTED, selected
from tap_pinterest.settings import as_meant
from tap_pinterest.streams import ADS, PRESETS, STREAMS
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


def selection(environment: str) -> list[str]:
    """What is selected in an environment of the project."""
    (found,) = (each for each in PROJECT["environments"] if each["name"] == environment)
    for plugin in found.get("config", {}).get("plugins", {}).get("extractors", ()):
        if plugin["name"] == TAP["name"]:
            return list(plugin["select"])
    return list(TAP["select"])


@pytest.mark.parametrize(
    ("environment", "preset"), [("dev", "organic"), ("ads", "ads"), ("everything", "everything")]
)
def test_environments_select_what_the_presets_say(environment: str, preset: str) -> None:
    found = selected({SELECTED: json.dumps(selection(environment))})
    assert found == PRESETS[preset]


def test_the_default_needs_no_rare_scopes() -> None:
    assert PROJECT["default_environment"] == "dev"
    chosen = {entry.removesuffix(".*") for entry in TAP["select"]}
    assert chosen == {each.declared_name() for each in STREAMS if each.selected_by_default}


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
            config = plugin.get("config", {})
            given = {name: config[name] for name in secrets & config.keys()}
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


@pytest.fixture
def advertiser(simulate: Callable[..., Simulator], meltano: Meltano) -> Simulator:
    """Somebody with few ads, at whom Meltano looks: an Analyst, whose token is for ads alone."""
    sim = simulate(
        today=None, campaigns=2, ad_groups=1, ads=1, other_accounts=0, scopes={"ads:read"}
    )
    meltano.settings |= {
        "TAP_PINTEREST_API_URL": sim.url,
        "TAP_PINTEREST_START_DAYS_BACK": "2",
        "TAP_PINTEREST_TARGETING_TYPES": '["GENDER"]',
    }
    return sim


def test_ads_are_an_environment_with_bookmarks_of_its_own(
    meltano: Meltano, advertiser: Simulator
) -> None:
    for _ in range(2):
        log = meltano("--environment=ads", "run", "tap-pinterest", "target-jsonl")
        assert "The catalog says" not in log
    found = {path.stem for path in meltano.folder.glob("*.jsonl")}
    assert found <= {each.declared_name() for each in ADS}
    assert {"campaigns", "campaign_analytics", "ad_targeting_analytics"} <= found
    assert {"/".join(path.split("/")[:3]) for path in advertiser.paths()} == {"/v5/ad_accounts"}
    # Nothing changed before the second run: it wrote the newest again, as its bookmark says.
    assert len(meltano.lines("campaigns")) == 3
    assert "ads:tap-pinterest-to-target-jsonl" in meltano("state", "list")


def test_the_doctor_of_an_environment_is_about_what_it_selects(
    meltano: Meltano, advertiser: Simulator
) -> None:
    said = meltano("--environment=ads", "invoke", "tap-pinterest:doctor")
    assert f"{advertiser.world.ad_account_id} (" in said
    assert re.search("^boards +no ", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("columns", "spelled"),
    [(["SPEND_IN_DOLLAR"], '["SPEND_IN_DOLLAR"]'), (["CTR", "ECTR"], '["ctr", "ectr"]')],
)
def test_columns_of_ads_are_taken_from_a_variable(
    meltano: Meltano, advertiser: Simulator, columns: list[str], spelled: str
) -> None:
    meltano(
        *("run", "tap-pinterest", "target-jsonl"),
        TAP_PINTEREST__SELECT='["campaign_analytics.*"]',
        TAP_PINTEREST_ADS_COLUMNS=spelled,
    )
    asked = [dict(seen.query) for seen in advertiser.requests if "analytics" in seen.path]
    assert asked
    for query in asked:
        metrics = [each for each in query["columns"].split(",") if not each.endswith("_ID")]
        assert metrics == columns


def test_columns_of_ads_are_a_list_or_a_word_in_the_project(tmp_path: Path) -> None:
    """What `meltano config set` writes, and a list that somebody writes into meltano.yml."""
    project = tmp_path / "meltano.yml"
    project.write_text((ROOT / "meltano.yml").read_text("utf-8"), "utf-8")
    config = ("config", "set", "tap-pinterest", "ads_columns")
    for given, meant in (('["SPEND_IN_DOLLAR"]', ["SPEND_IN_DOLLAR"]), ("common", "common")):
        alone(tmp_path, *config, given)
        assert as_meant(printed(tmp_path))["ads_columns"] == meant
    written = YAML(typ="safe").load(project)
    written["plugins"]["extractors"][0]["config"] = {"ads_columns": ["SPEND_IN_DOLLAR", "CTR"]}
    YAML(typ="safe").dump(written, project)
    assert as_meant(printed(tmp_path))["ads_columns"] == ["SPEND_IN_DOLLAR", "CTR"]


def alone(project: Path, *args: str) -> str:
    """What Meltano says in another project, whose plugins are not installed."""
    return subprocess.run(
        [Path(sys.executable).with_name("meltano"), f"--env-file={os.devnull}", *args],
        cwd=project,
        env=environment(MELTANO_CLI_DISABLE_VERSION_CHECK="true", NO_COLOR="1"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def printed(project: Path) -> dict[str, Any]:
    """The settings that Meltano hands to the tap."""
    settings: dict[str, Any] = json.loads(alone(project, "config", "print", "tap-pinterest"))
    return settings
