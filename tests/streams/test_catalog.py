"""The catalog as it was reviewed: a change of a schema, a key or a bookmark shows as a difference.

`UPDATE_SNAPSHOTS=1 make test ARGS=tests/streams/test_catalog.py` (or `ARGS=--snapshot-update`) writes the
files under tests/snapshots/catalog anew; the difference is then for a reviewer's eyes.
"""

from __future__ import annotations

import difflib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from singer_sdk.singerlib import Catalog

from tests.harness import FOUNDATION, discover, run_tap

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
