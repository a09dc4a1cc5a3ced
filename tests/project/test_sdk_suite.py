"""The SDK's own test suite over the simulator, and the invariants that it lacks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from tap_pinterest.streams import STREAMS
from tap_pinterest.tap import TapPinterest
from tests.conftest import TODAY, Everything
from tests.harness import ALL, discover, run_tap
from tests.kinds import representatives
from tests.pinterest_api import TOKEN, Simulator, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The suite refuses fields that no schema knows: a tidy world has none.
SETTINGS: dict[str, Any] = {
    "access_token": TOKEN,
    "api_url": "http://localhost:1",
    "search_queries": ["a"],
    "start_date": "2026-03-01",
    "end_date": "2026-03-05",
}
SIMULATED = {
    "messy": False,
    "boards": 3,
    "protected_boards": 1,
    "secret_boards": 0,
    "pins_per_board": 3,
    "today": TODAY,
}

Suite = get_tap_test_class(
    TapPinterest,
    config=SETTINGS,
    suite_config=SuiteConfig(max_records_limit=20),
    parse_env_config=False,
)
# Attribute by attribute for one stream of each kind; that every record of every stream fits its
# schema, a test sees in one run.
ONE_OF_EACH = representatives()
for _name, _params in Suite.params.items():
    Suite.params[_name] = [
        each
        for each in _params
        # A field of the newer API, which the simulator sends where it is messy.
        if each.id.partition(".")[0] in ONE_OF_EACH and each.id != "audiences.is_nca"
    ]


@pytest.mark.filterwarnings("ignore:Fields in transformed catalog but not in records:UserWarning")
class TestSuite(Suite):  # type: ignore[misc, valid-type]
    """Every test of the SDK for every kind of stream."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def simulated(cls) -> Iterator[None]:
        """The suite makes its tap from one dictionary of settings, read anew each time."""
        with pytest.MonkeyPatch.context() as patch, Simulator(World(**SIMULATED)) as sim:
            patch.setitem(SETTINGS, "api_url", sim.url)
            patch.setattr("tap_pinterest.clock.now", lambda: 1_773_144_000.0)  # noon of TODAY
            yield


# -- what the suite does not see


@pytest.fixture
def small(simulate: Callable[..., Simulator]) -> Simulator:
    return simulate(boards=4, pins_per_board=3)


def test_the_last_state_has_no_progress_markers(everything: Everything) -> None:
    run = everything.run
    assert run.states
    assert "progress_markers" not in json.dumps(run.states[-1])
    assert set(run.states[-1]) == {"bookmarks"}
    assert len(json.dumps(run.states[-1])) < 12_000
    accounts = len(World(**everything.world).accounts)
    parts = {each.declared_name(): each.part_by for each in STREAMS}
    for stream, bookmark in run.states[-1]["bookmarks"].items():
        assert len(bookmark.get("partitions", ())) <= (accounts if parts[stream] else 0), stream


def test_a_second_run_from_the_last_state_reads_everything_again(
    everything: Everything, simulate: Callable[..., Simulator]
) -> None:
    first, sim = everything.run, simulate(**everything.world)
    second = run_tap(sim, select=ALL, state=first.states[-1], **everything.settings).ok()
    whole = {e["tap_stream_id"] for e in discover()["streams"] if not e.get("replication_key")}
    for stream in whole - {"pin_lifetime_analytics"}:
        assert second.records(stream) == first.records(stream), stream
    assert second.states[-1] == first.states[-1]


def test_every_message_is_one_that_singer_knows(everything: Everything) -> None:
    run = everything.run
    fields = {
        "SCHEMA": {"type", "stream", "schema", "key_properties", "bookmark_properties"},
        "RECORD": {"type", "stream", "record", "version", "time_extracted"},
        "STATE": {"type", "value"},
        "ACTIVATE_VERSION": {"type", "stream", "version"},
    }
    described: set[str] = set()
    for message in run.messages:
        assert message.keys() <= fields[message["type"]]
        if message["type"] == "SCHEMA":
            described.add(message["stream"])
        elif message["type"] == "RECORD":
            assert message["stream"] in described
            assert (
                message["time_extracted"][-6:] == "+00:00" or message["time_extracted"][-1] == "Z"
            )


@pytest.mark.parametrize("kind", ["all", "schema"])
def test_the_test_mode(small: Simulator, kind: str) -> None:
    run = run_tap(small, args=[f"--test={kind}"], search_queries=["a"], start_days_back=3)
    assert "Traceback" not in run.log
    assert set(run.schemas) == {
        stream.declared_name()
        for stream in STREAMS
        if kind == "schema" or stream.selected_by_default
    }
    assert bool(run.counts) == bool(small.requests) == (kind == "all")
    assert set(run.counts.values()) <= {1}


def test_about_tells_of_every_setting() -> None:
    for form in ("json", "markdown"):
        run = run_tap({}, args=["--about", f"--format={form}"]).ok()
        text = run.stdout.decode()
        for name in TapPinterest.config_jsonschema["properties"]:
            assert name in text
    about = json.loads(run_tap({}, args=["--about", "--format=json"]).stdout)
    assert {"catalog", "discover", "state", "activate-version", "stream-maps"} <= set(
        about["capabilities"]
    )
    assert "batch" not in about["capabilities"]


def test_the_version_is_told() -> None:
    run = run_tap({}, args=["--version"]).ok()
    assert run.stdout.decode().startswith("tap-pinterest v")
