"""What a catalog says of keys, of bookmarks and of FULL_TABLE, and what a run makes of it."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.analytics_harness import TODAY, at, back, every_day, keys_of, state_of_stream
from tests.harness import catalog_for, run_tap, slim_catalog

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

DAILY = {"top_pins_daily": True, "start_date": str(back(9)), "lookback_days": 0}
STREAMS = {
    "account_analytics": "date",
    "pin_analytics": "date",
    "top_pins": "end_date",
    "account_snapshots": "date",
    "board_snapshots": "date",
}
"""Streams with a bookmark, of each kind, and the field that it is about."""


@pytest.fixture
def sim(simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch) -> Simulator:
    sim = simulate(boards=1, pins_per_board=2, protected_boards=0, secret_boards=0, messy=False)
    at(monkeypatch, sim, TODAY)
    return sim


def catalog_of(stream: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A catalog that selects a stream, its entry, and what that says of the stream itself."""
    catalog = json.loads(slim_catalog((stream,)))
    (entry,) = (each for each in catalog["streams"] if each["tap_stream_id"] == stream)
    (root,) = (meta["metadata"] for meta in entry["metadata"] if not meta["breadcrumb"])
    return catalog, entry, root


def full_table(stream: str, where: str) -> dict[str, Any]:
    """A catalog that wants the whole table, said in one of the places."""
    catalog, entry, root = catalog_of(stream)
    if where == "entry":
        entry |= {"replication_method": "FULL_TABLE", "replication_key": STREAMS[stream]}
    else:
        root[where] = "FULL_TABLE"
        if where == "forced-replication-method":
            entry.pop("replication_method")
    return catalog


@pytest.mark.parametrize("where", ["entry", "replication-method", "forced-replication-method"])
@pytest.mark.parametrize("stream", STREAMS)
def test_full_table_reads_everything_and_leaves_the_bookmark(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch, stream: str, where: str
) -> None:
    first = run_tap(sim, select=[stream], **DAILY).ok()
    bookmark = copy.deepcopy(state_of_stream(first, stream))
    assert bookmark["replication_key_value"] > str(back(9))
    at(monkeypatch, sim, back(-1))
    catalog = full_table(stream, where)
    full = run_tap(sim, catalog=catalog, state=first.states[-1], **DAILY).ok()
    assert state_of_stream(full, stream) == bookmark
    if not stream.endswith("snapshots"):
        days = {row[STREAMS[stream]] for row in full.records(stream)}
        assert days == {*every_day(back(9), TODAY)}
    again = run_tap(sim, select=[stream], state=full.states[-1], **DAILY).ok()
    assert (
        state_of_stream(again, stream)["replication_key_value"] > bookmark["replication_key_value"]
    )
    if not stream.endswith("snapshots"):
        days = {row[STREAMS[stream]] for row in again.records(stream)}
        assert min(days) == bookmark["replication_key_value"]


def test_a_catalog_from_before_top_pins_daily_does_not_take_its_bookmark(sim: Simulator) -> None:
    first = run_tap(sim, select=["top_pins"], **DAILY).ok()
    assert first.schemas["top_pins"]["bookmark_properties"] == ["end_date"]
    assert state_of_stream(first, "top_pins")["replication_key"] == "end_date"
    second = run_tap(sim, select=["top_pins"], state=first.states[-1], **DAILY).ok()
    assert 0 < second.counts["top_pins"] < first.counts["top_pins"]


@pytest.mark.parametrize("said", [None, ["name"], ["id", "name"]])
@pytest.mark.parametrize("where", ["entry", "metadata"])
def test_rows_are_told_apart_by_their_key_whatever_the_catalog_says(
    sim: Simulator, said: list[str] | None, where: str
) -> None:
    catalog, entry, root = catalog_of("boards")
    entry.pop("key_properties")
    root.pop("table-key-properties")
    if said:
        (entry if where == "entry" else root)[
            "key_properties" if where == "entry" else "table-key-properties"
        ] = said
    run = run_tap(sim, catalog=catalog).ok()
    assert run.schemas["boards"]["key_properties"] == [*keys_of("boards")]
    assert all(row["id"] for row in run.records("boards"))
    told = run.said("WARNING", "rows of stream boards are told apart by", "it is by id")
    assert bool(told) == bool(said)


def test_a_selected_stream_without_its_key_is_told(sim: Simulator) -> None:
    catalog, entry, root = catalog_of("boards")
    entry["key_properties"], root["table-key-properties"] = [], []
    del entry["schema"]["properties"]["id"]
    run = run_tap(sim, catalog=catalog)
    assert run.exit_code == 1
    assert "stream 'boards' needs the field 'id'" in run.last_line


@pytest.mark.parametrize("select", [["pin_analytics"], ["pins", "pin_analytics"]])
def test_a_try_sets_no_bookmark(simulate: Callable[..., Simulator], select: list[str]) -> None:
    """The list of one Pin is read to its end, and what hangs on it for one row only."""
    sim = simulate(boards=1, pins_per_board=1, protected_boards=0, secret_boards=0, likes=None)
    run = run_tap(sim, catalog=catalog_for(select), args=["--test"], start_days_back=5)
    for state in run.states:
        assert "replication_key_value" not in state["bookmarks"].get("pin_analytics", {})
