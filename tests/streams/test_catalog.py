"""The catalog as it was reviewed: a change of a schema, a key or a bookmark shows as a difference.

`UPDATE_SNAPSHOTS=1 make test ARGS=tests/streams/test_catalog.py` (or `ARGS=--snapshot-update`) writes the
files under tests/snapshots/catalog anew; the difference is then for a reviewer's eyes.
"""

from __future__ import annotations

import difflib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from singer_sdk.singerlib import Catalog

from tap_pinterest.catalog import check_catalog
from tap_pinterest.tap import TapPinterest
from tests.conftest import TODAY
from tests.harness import FOUNDATION, catalog_for, discover, run_tap, slim_catalog
from tests.pinterest_api import Simulator, World

if TYPE_CHECKING:
    from collections.abc import Iterator

SNAPSHOTS = Path(__file__).parent / "snapshots" / "catalog"
STREAMS = {entry["tap_stream_id"]: entry for entry in discover()["streams"]}


def reviewed(entry: dict[str, Any]) -> str:
    """What a reviewer of a stream looks at."""
    (root,) = (m["metadata"] for m in entry["metadata"] if not m["breadcrumb"])
    view = {
        "stream": entry["tap_stream_id"],
        "keys": entry["key_properties"],
        "replication_key": entry.get("replication_key"),
        "replication_method": entry["replication_method"],
        "selected_by_default": root.get("selected-by-default"),
        "automatic": sorted(
            ".".join(m["breadcrumb"][1::2])
            for m in entry["metadata"]
            if m["metadata"].get("inclusion") == "automatic"
        ),
        "schema": entry["schema"],
    }
    return json.dumps(view, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.fixture(scope="module")
def updating(pytestconfig: pytest.Config) -> bool:
    return bool(
        os.environ.get("UPDATE_SNAPSHOTS")
        or pytestconfig.getoption("update_snapshots", default=False)
    )


@pytest.mark.parametrize("stream", STREAMS)
def test_the_catalog_is_as_it_was_reviewed(stream: str, updating: bool) -> None:
    path, now = SNAPSHOTS / f"{stream}.json", reviewed(STREAMS[stream])
    if updating:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(now, "utf-8")
    before = path.read_text("utf-8") if path.exists() else ""
    difference = "".join(
        difflib.unified_diff(
            before.splitlines(keepends=True), now.splitlines(keepends=True), "reviewed", "now"
        )
    )
    assert not difference, (
        f"{stream} is not what was reviewed in tests/snapshots/catalog/{path.name}. "
        "If that is meant, run `UPDATE_SNAPSHOTS=1 make test ARGS=tests/streams/test_catalog.py` and commit "
        f"the file with the change.\n{difference}"
    )


def test_no_snapshot_is_left_of_a_stream_that_is_gone(updating: bool) -> None:
    for path in SNAPSHOTS.glob("*.json"):
        if updating and path.stem not in STREAMS:
            path.unlink()
    assert {path.stem for path in SNAPSHOTS.glob("*.json")} == set(STREAMS)


def test_a_difference_is_found() -> None:
    entry = json.loads(json.dumps(STREAMS["boards"]))
    before = reviewed(entry)
    for change in (
        lambda: entry["schema"]["properties"]["name"].update(type="string"),
        lambda: entry["key_properties"].append("name"),
        lambda: entry.update(replication_key="created_at"),
        lambda: entry["metadata"][-1]["metadata"].update({"selected-by-default": False}),
    ):
        change()
        after = reviewed(entry)
        assert after != before
        before = after


def test_the_foundation_is_there() -> None:
    assert set(FOUNDATION) <= set(STREAMS)
    keys = {stream: tuple(STREAMS[stream]["key_properties"]) for stream in FOUNDATION}
    by_id = dict.fromkeys(
        ("account", "boards", "following_boards", "following_interests", "likes", "pins"), ("id",)
    )
    assert keys == by_id | {
        "board_pins": ("board_id", "id"),
        "followers": ("username",),
        "following_users": ("username",),
        "search_boards": ("query", "id"),
        "search_pins": ("query", "id"),
    }


@pytest.mark.parametrize("stream", STREAMS)
def test_each_schema_is_one(stream: str) -> None:
    entry = STREAMS[stream]
    Draft7Validator.check_schema(entry["schema"])
    assert entry["schema"]["type"] == "object"
    assert set(entry["key_properties"]) <= set(entry["schema"]["properties"])
    crumbs = {tuple(meta["breadcrumb"]) for meta in entry["metadata"]}
    assert {("properties", name) for name in entry["schema"]["properties"]} <= crumbs
    if entry.get("replication_key"):
        assert entry["replication_key"] in entry["schema"]["properties"]
    assert Catalog.from_dict({"streams": [entry]})


def test_discovery_needs_neither_credentials_nor_network(tmp_path: Path) -> None:
    bare = run_tap({}, args=["--discover"]).ok()
    assert json.loads(bare.stdout) == discover()
    wrong = run_tap(
        {"access_token": "x", "api_url": "http://127.0.0.1:9"}, args=["--discover"]
    ).ok()
    assert wrong.stdout == bare.stdout


# -- a catalog that was made by hand


@pytest.fixture(scope="module")
def tiny() -> Iterator[Simulator]:
    """An account of one board."""
    world = World(
        boards=1, protected_boards=0, secret_boards=0, likes=None, pins_per_board=1, today=TODAY
    )
    with Simulator(world) as sim:
        yield sim


def entry_of(catalog: dict[str, Any], stream: str) -> dict[str, Any]:
    (entry,) = (each for each in catalog["streams"] if each["tap_stream_id"] == stream)
    return entry


def meta_of(entry: dict[str, Any], *crumb: str) -> dict[str, Any]:
    (meta,) = (each for each in entry["metadata"] if each["breadcrumb"] == list(crumb))
    return meta["metadata"]


def test_a_child_is_read_without_its_parents_entry(sim: Simulator) -> None:
    whole = catalog_for(["board_section_pins", "board_pins"])
    catalog = {
        "streams": [
            entry
            for entry in whole["streams"]
            if entry["tap_stream_id"] in ("board_pins", "board_section_pins")
        ]
    }
    run = run_tap(sim, catalog=catalog).ok()
    assert run.counts == run_tap(sim, catalog=whole).ok().counts
    assert set(run.counts) == {"board_pins", "board_section_pins"}


def test_keys_leave_whatever_the_catalog_says_of_them(sim: Simulator) -> None:
    catalog = catalog_for(["board_pins", "account_snapshots"])
    for stream in ("board_pins", "account_snapshots"):
        entry = entry_of(catalog, stream)
        keys = [*entry["key_properties"], entry.get("replication_key")]
        for number, key in enumerate(filter(None, keys)):
            meta = meta_of(entry, "properties", key)
            meta["inclusion"] = ("available", "unsupported")[number % 2]
            meta["selected"] = False
    run = run_tap(sim, catalog=catalog).ok()
    for stream in ("board_pins", "account_snapshots"):
        assert run.records(stream)
        keys = STREAMS[stream]["key_properties"]
        assert all(row[key] for row in run.records(stream) for key in keys)
        assert set(keys) <= set(run.schemas[stream]["schema"]["properties"])


def test_a_stream_that_is_there_twice_is_told(sim: Simulator) -> None:
    catalog = catalog_for(["boards"])
    catalog["streams"].append(json.loads(json.dumps(entry_of(catalog, "boards"))))
    run = run_tap(sim, catalog=catalog)
    assert run.exit_code == 1
    assert "The catalog cannot be used: stream 'boards' is in it twice." in run.last_line
    assert not sim.requests


def test_words_that_mean_nothing_are_told(sim: Simulator) -> None:
    catalog = catalog_for(["boards"])
    catalog["version"] = 1
    entry = entry_of(catalog, "boards")
    entry["selected"] = False
    meta_of(entry)["selcted"] = False
    meta_of(entry, "properties", "name")["exclude"] = True
    catalog["streams"].append(entry | {"tap_stream_id": "bords", "stream": "bords"})
    run = run_tap(sim, catalog=catalog).ok()
    assert run.counts.keys() == {"boards"}
    assert run.said("WARNING", "`version` of the catalog")
    assert run.said("WARNING", "`selected` of stream boards, which means nothing")
    assert run.said("WARNING", "`selcted` of stream boards", "Did you mean `selected`?")
    assert run.said("WARNING", "`exclude` of boards.name")
    assert run.said("WARNING", "'bords'", "does not exist. Did you mean `boards`?")


def test_what_discovery_and_meltano_write_means_something(sim: Simulator) -> None:
    catalog = discover()
    run = run_tap(sim, catalog=catalog, search_queries=["a"]).ok()
    assert not run.said("WARNING", "The catalog")
    for entry in catalog["streams"]:  # as Meltano, which writes what it sets into the entry, too
        chosen = {"selected": entry["tap_stream_id"] == "boards"}
        chosen["forced-replication-method"] = "FULL_TABLE"
        meta_of(entry).update(chosen)
        entry.update({word.replace("-", "_"): said for word, said in chosen.items()})
    run = run_tap(sim, catalog=catalog).ok()
    assert run.counts.keys() == {"boards"}
    assert not run.said("WARNING", "The catalog")


@pytest.mark.parametrize("where", ["metadata", "forced", "entry"])
def test_the_replication_method_is_taken_from_each_place(where: str) -> None:
    catalog = catalog_for(["account_analytics"])
    entry = entry_of(catalog, "account_analytics")
    if where == "entry":
        entry["replication_method"] = "FULL_TABLE"
    elif where == "metadata":
        meta_of(entry)["replication-method"] = "FULL_TABLE"
    else:
        del entry["replication_method"]
        meta_of(entry)["forced-replication-method"] = "FULL_TABLE"
    keys = {name: each["key_properties"] for name, each in STREAMS.items()}
    fields = {name: each["schema"]["properties"] for name, each in STREAMS.items()}
    check_catalog(catalog, fields, keys)
    tap = TapPinterest(config={"access_token": "x"}, catalog=catalog)
    assert tap.streams["account_analytics"].replication_method == "FULL_TABLE"


@pytest.mark.parametrize("method", ["LOG_BASED", "full_table", 5])
def test_a_replication_method_that_does_not_exist_is_told(sim: Simulator, method: Any) -> None:
    catalog = catalog_for(["account_analytics"])
    entry_of(catalog, "account_analytics")["replication_method"] = method
    run = run_tap(sim, catalog=catalog)
    assert run.exit_code == 1
    assert "`replication_method` of stream 'account_analytics' is neither" in run.last_line


METADATA = st.dictionaries(
    st.sampled_from(
        ["selected", "selected-by-default", "inclusion", "replication-method", "x", "selcted"]
    ),
    st.sampled_from(
        [True, False, None, "available", "automatic", "unsupported", "FULL_TABLE", "INCREMENTAL"]
    ),
    max_size=3,
)


@limits(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    gone=st.sets(st.sampled_from(["boards", "board_sections", "board_pins"]), max_size=2),
    metadata=st.lists(
        st.tuples(
            st.sampled_from(["boards", "board_pins", "board_sections"]),
            st.sampled_from([(), ("id",), ("board_id",), ("name",), ("title",)]),
            METADATA,
        ),
        max_size=5,
    ),
    again=st.sampled_from([None, None, None, "boards", "board_pins"]),
)
def test_any_selection_keeps_the_keys(
    tiny: Simulator, gone: set[str], metadata: list[Any], again: str | None
) -> None:
    catalog = json.loads(slim_catalog(("boards", "board_pins", "board_sections")))
    for stream, crumb, more in metadata:
        entry = entry_of(catalog, stream)
        entry["metadata"].append(
            {"breadcrumb": ["properties", *crumb] if crumb else [], "metadata": more}
        )
    if again:
        catalog["streams"].append(entry_of(catalog, again))
    catalog["streams"] = [e for e in catalog["streams"] if e["tap_stream_id"] not in gone]
    run = run_tap(tiny, catalog=catalog)
    assert run.crash is None, run.log
    assert "Traceback" not in run.log
    if run.exit_code:
        assert run.said(" ERROR ")
    for message in run.of("RECORD"):
        assert all(
            message["record"].get(key) for key in STREAMS[message["stream"]]["key_properties"]
        )
