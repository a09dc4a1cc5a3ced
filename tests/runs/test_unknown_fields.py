"""The setting `unknown_fields`: what becomes of fields that no schema has yet."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import Run, catalog_for, discover, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

NEW = {
    "new_number": 5,
    "api_token": "hunter2",
    "owner": {"username": "anna", "rank": {"a": [1]}},
}
COLLECTED = {"new_number": 5, "api_token": "***", "owner.rank": {"a": [1]}}


@pytest.fixture
def sim(simulate: Callable[..., Simulator]) -> Simulator:
    sim = simulate(boards=3, secret_boards=0, pins_per_board=2, messy=False)
    sim.world.alter["board"] = lambda board: board | copy.deepcopy(NEW)
    return sim


def catalog(sim: Simulator, *deselect: str, **settings: Any) -> dict[str, Any]:
    """What `--discover` prints with these settings, and the boards in it selected."""
    found = json.loads(run_tap(sim, args=["--discover"], **settings).ok().stdout)
    for entry in found["streams"]:
        for meta in entry["metadata"]:
            path = ".".join((entry["tap_stream_id"], *meta["breadcrumb"][1::2]))
            chosen = entry["tap_stream_id"] == "boards" and path not in deselect
            meta["metadata"]["selected"] = chosen
    return found


def columns(run: Run) -> list[str]:
    return [*run.schemas["boards"]["schema"]["properties"]]


@pytest.mark.parametrize("settings", [{}, {"unknown_fields": "keep"}])
def test_keep_lets_them_leave(sim: Simulator, settings: Any) -> None:
    run = run_tap(sim, select=["boards"], **settings).ok()
    for record in run.records("boards"):
        assert [*record] == [*columns(run), "new_number", "api_token"]
        assert (record["new_number"], record["api_token"]) == (5, "***")
        assert record["owner"]["rank"] == {"a": [1]}
    assert run.said("Field new_number: not in the schema yet; it leaves as the API sent it")


@pytest.mark.parametrize("more", [{}, {"stream_maps": {"boards": {"a": "'b'"}}}])
def test_drop_leaves_them_out_at_any_depth(sim: Simulator, more: Any) -> None:
    run = run_tap(sim, select=["boards"], unknown_fields="drop", **more).ok()
    assert run.counts
    for record in run.records("boards"):
        assert [*record] == columns(run)
        assert record["owner"] == {"username": "anna"}
    assert run.said("Field owner.rank: not in the schema yet; it is left out")


def test_drop_looks_into_lists(sim: Simulator) -> None:
    items = [{"item_type": "image", "new": 1}, {"item_type": "video", "images": {"8x": {}}}]
    sim.world.alter["pin"] = lambda pin: pin | {"media": {"items": items}}
    run = run_tap(sim, select=["pins"], unknown_fields="drop").ok()
    for record in run.records("pins"):
        assert record["media"]["items"] == [
            {"item_type": "image"},
            {"item_type": "video", "images": {}},
        ]


@pytest.mark.parametrize("more", [{}, {"stream_maps": {"boards": {"a": "unknown_fields"}}}])
def test_collect_puts_them_into_one_declared_column(sim: Simulator, more: Any) -> None:
    settings = {"unknown_fields": "collect", **more}
    sim.world.alter["board"] = lambda board: board | (copy.deepcopy(NEW) if next(turn) else {})
    turn = iter(range(99))
    run = run_tap(sim, catalog=catalog(sim, **settings), **settings).ok()
    first, *rest = run.records("boards")
    assert rest
    assert first["unknown_fields"] is None
    for record in (first, *rest):
        assert [*record] == columns(run)
    for record in rest:
        assert json.loads(record["unknown_fields"]) == COLLECTED
        assert record["owner"] == {"username": "anna"}
    assert run.said("Field owner.rank: not in the schema yet; it leaves in the column")


def test_collect_has_a_column_in_every_stream_and_only_then(sim: Simulator) -> None:
    assert "unknown_fields" not in json.dumps(discover())
    for entry in catalog(sim, unknown_fields="collect")["streams"]:
        assert entry["schema"]["properties"]["unknown_fields"] == {"type": ["string", "null"]}


def test_collect_beside_deselected_fields(sim: Simulator) -> None:
    """What stands in a deselected object is not collected."""
    given = catalog(sim, "boards.owner", "boards.name", unknown_fields="collect")
    run = run_tap(sim, catalog=given, unknown_fields="collect").ok()
    for record in run.records("boards"):
        assert [*record] == columns(run)
        assert not {"owner", "name"} & {*record}
        assert json.loads(record["unknown_fields"]) == {"new_number": 5, "api_token": "***"}


@pytest.mark.parametrize("deselected", [False, True])
def test_collect_without_its_column_says_what_to_do(sim: Simulator, deselected: bool) -> None:
    """With a catalog from before the setting, as Meltano caches them, or the column deselected."""
    given = catalog(sim, "boards.unknown_fields", unknown_fields="collect")
    run = run_tap(
        sim, catalog=given if deselected else catalog_for(["boards"]), unknown_fields="collect"
    ).ok()
    for record in run.records("boards"):
        assert [*record] == columns(run)
        assert "rank" not in record["owner"]
    assert run.said("new_number: not in the schema yet; it is left out, as the column")


def test_another_value_is_refused(sim: Simulator) -> None:
    run = run_tap(sim, select=["boards"], unknown_fields="hide")
    assert run.exit_code == 1
    assert run.said("ERROR", "`unknown_fields`: expected one of keep, drop, collect")
