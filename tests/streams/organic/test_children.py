"""Boards and what hangs on them: batches, filters, siblings, restrictions, and what stays small."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from tap_pinterest import streams, tap
from tap_pinterest.streams.organic import BoardPins
from tests.harness import Run, catalog_for, expected, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

BOARDS = ["boards.*", "board_pins.*"]
MANY = {"protected_boards": 0, "secret_boards": 0, "likes": None}


def pins_read(run: Run) -> list[Any]:
    return [(record["board_id"], record["id"]) for record in run.records("board_pins")]


def pins_of(sim: Simulator, keep: Callable[[dict[str, Any]], bool]) -> list[Any]:
    return [
        (board["id"], pin["id"])
        for board in sim.world.all_boards()
        if keep(dict(board))
        for pin in sim.world.pins_of(board["id"])
    ]


# -- what must not grow


def test_500_boards_leave_a_small_state(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(boards=500, pins_per_board=2, **MANY)
    run = run_tap(sim, select=BOARDS).ok()
    assert len(run.records("boards")) == 500
    assert pins_read(run) == pins_of(sim, lambda board: True)
    states = [len(line) for line in run.stdout.splitlines() if b'"type":"STATE"' in line]
    assert states
    assert states[-1] < 2_000
    assert sum(states) < 200_000
    assert 1 <= len(run.of("SCHEMA", "board_pins")) <= 20
    assert len(run.of("SCHEMA")) <= 40


def test_state_and_log_do_not_grow_with_boards(simulate: Callable[..., Simulator]) -> None:
    few, many = {"boards": 50, **MANY}, {"boards": 500, **MANY}
    small = run_tap(simulate(pins_per_board=1, messy=False, **few), select=BOARDS).ok()
    large = run_tap(simulate(pins_per_board=1, messy=False, **many), select=BOARDS).ok()
    assert len(large.records("board_pins")) == 500
    assert len(large.log_lines) == len(small.log_lines)
    assert len(large.of("STATE")) == len(small.of("STATE"))
    assert len(large.of("SCHEMA")) == len(small.of("SCHEMA"))
    assert len(json.dumps(large.states[-1])) == len(json.dumps(small.states[-1]))


def test_log_and_state_do_not_grow_with_pins(simulate: Callable[..., Simulator]) -> None:
    few, many = {"pins_per_board": 1, **MANY}, {"pins_per_board": 900, **MANY}
    small = run_tap(simulate(boards=2, messy=False, **few), select=BOARDS).ok()
    large = run_tap(simulate(boards=2, messy=False, **many), select=BOARDS).ok()
    assert len(large.log_lines) == len(small.log_lines)
    assert not small.warnings
    assert large.states[-1] == small.states[-1]


# -- which boards


def test_children_come_in_the_order_of_their_parents(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(boards=30, pins_per_board=lambda i: i * 5 % 7, latency=0.003, jitter=1)
    run = run_tap(sim, select=BOARDS, max_concurrency=8).ok()
    assert pins_read(run) == pins_of(sim, lambda board: True)


def test_deselected_boards_are_still_walked_for_their_pins(sim: Simulator) -> None:
    run = run_tap(sim, select=["board_pins.*"]).ok()
    assert set(run.schemas) == {"board_pins"}
    assert pins_read(run) == pins_of(sim, lambda board: True)


@pytest.mark.parametrize("privacy", ["ALL", "PUBLIC", "PROTECTED", "SECRET", "PUBLIC_AND_SECRET"])
def test_board_privacy_restricts_boards_and_children(sim: Simulator, privacy: str) -> None:
    run = run_tap(sim, select=BOARDS, board_privacy=privacy).ok()
    for stream in ("boards", "board_pins"):
        assert run.records(stream) == expected(sim.world, stream, board_privacy=privacy)
    found = {record["privacy"] for record in run.records("boards")}
    wanted = {"ALL": {"PUBLIC", "PROTECTED", "SECRET"}}.get(privacy, set(privacy.split("_AND_")))
    assert found == wanted


def test_board_ids_restrict_the_children_alone(sim: Simulator) -> None:
    ids = [sim.world.board_id(i) for i in (7, 2)]
    run = run_tap(sim, select=BOARDS, board_ids=[*ids, ids[0]]).ok()
    assert run.records("boards") == expected(sim.world, "boards")
    assert pins_read(run) == pins_of(sim, lambda board: board["id"] in ids)
    assert {path for path in sim.paths() if "pins" in path} == {
        f"/v5/boards/{identity}/pins" for identity in ids
    }
    assert not run.said("was not in the list")


def test_with_board_ids_deselected_boards_are_not_listed(sim: Simulator) -> None:
    ids = [sim.world.board_id(i) for i in (7, 2, 7)]
    run = run_tap(sim, select=["board_pins.*"], board_ids=ids).ok()
    assert dict(sim.paths()) == {f"/v5/boards/{identity}/pins": 1 for identity in ids}
    assert sorted(pins_read(run)) == sorted(pins_of(sim, lambda board: board["id"] in ids))


@pytest.mark.parametrize("select", [BOARDS, ["board_pins.*"]])
def test_a_board_id_that_does_not_exist_is_told(sim: Simulator, select: Any) -> None:
    here, nowhere = sim.world.board_id(1), "99999"
    run = run_tap(sim, select=select, board_ids=[nowhere, here]).ok()
    assert pins_read(run) == pins_of(sim, lambda board: board["id"] == here)
    assert len([line for line in run.warnings if nowhere in line]) == 1


def test_a_board_id_outside_of_the_privacy_is_told(sim: Simulator) -> None:
    secret = next(b["id"] for b in sim.world.all_boards("SECRET"))
    run = run_tap(sim, select=BOARDS, board_ids=[secret], board_privacy="PUBLIC").ok()
    assert pins_read(run) == []
    assert run.said("WARNING", secret, "was not in the list")
    assert set(run.schemas) == {"boards", "board_pins"}


# -- stream maps on the parent

FILTERS: dict[str, tuple[str, Callable[[dict[str, Any]], bool]]] = {
    "the first of a page": ("int(name.split()[-1]) > 0", lambda b: not b["name"].endswith(" 0")),
    "every second": (
        "int(name.split()[-1]) % 2 == 1",
        lambda b: int(b["name"].split()[-1]) % 2 == 1,
    ),
    "all but one on the last page": ("name.endswith(' 252')", lambda b: b["name"].endswith(" 252")),
    "all": ("name == 'no such board'", lambda b: False),
    "none": ("True", lambda b: True),
}


def number_boards(sim: Simulator) -> None:
    """Let the name of each board end with its number in the list."""
    sim.world.alter["board"] = lambda board: (
        board | {"name": f"{board['name']} {sim.world.board_index(board['id'])}"}
    )


@pytest.mark.parametrize(
    ("name", "select"),
    [*((name, BOARDS) for name in FILTERS), ("the first of a page", ["board_pins.*"])],
)
def test_a_filter_on_boards_costs_exactly_their_pins(
    simulate: Callable[..., Simulator], name: str, select: Any
) -> None:
    sim = simulate(boards=253, pins_per_board=1, **MANY)  # two pages
    number_boards(sim)
    text, keeps = FILTERS[name]
    run = run_tap(sim, select=select, stream_maps={"boards": {"__filter__": text}}).ok()
    assert pins_read(run) == pins_of(sim, keeps)
    assert "board_pins" in run.schemas
    if select == BOARDS:
        kept = [board["id"] for board in sim.world.all_boards() if keeps(dict(board))]
        assert [record["id"] for record in run.records("boards")] == kept
    asked = {path for path in sim.paths() if path.endswith("/pins")}
    assert len(asked) == len({board for board, _ in pins_read(run)})


def test_a_filter_sees_boards_with_board_ids_too(sim: Simulator) -> None:
    number_boards(sim)
    ids = [sim.world.board_id(i) for i in (1, 2, 3)]
    maps = {"boards": {"__filter__": "not name.endswith(' 2')"}}
    run = run_tap(sim, select=["board_pins.*"], board_ids=ids, stream_maps=maps).ok()
    assert pins_read(run) == pins_of(sim, lambda b: b["id"] in (ids[0], ids[2]))


@pytest.mark.parametrize("maps", [{"boards": None}, {"board_pins": {"x": "id"}, "__else__": None}])
def test_a_map_that_removes_boards_leaves_their_pins(sim: Simulator, maps: dict[str, Any]) -> None:
    """It is about the table of boards. The SDK would sync no child, and here empty its table."""
    run = run_tap(sim, select=BOARDS, stream_maps=maps).ok()
    assert pins_read(run) == pins_of(sim, lambda board: True)
    assert set(run.schemas) == {"board_pins"}


# -- siblings


class PinsAgain(BoardPins):
    """A second child of boards."""

    name = "pins_again"
    params: ClassVar = {"pin_metrics": True}


@pytest.fixture
def two_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap, "STREAMS", (*streams.STREAMS, PinsAgain))


def _catalog(*selected: str) -> dict[str, Any]:
    catalog = catalog_for([name for name in selected if name != "pins_again"])
    (pins,) = (
        e for e in catalog_for(["board_pins"])["streams"] if e["tap_stream_id"] == "board_pins"
    )
    twin = json.loads(json.dumps(pins).replace('"board_pins"', '"pins_again"'))
    for meta in twin["metadata"]:
        meta["metadata"]["selected"] = "pins_again" in selected
    catalog["streams"].append(twin)
    return catalog


@pytest.mark.usefixtures("two_children")
@pytest.mark.parametrize("boards", [True, False])
def test_two_children_both_get_everything(simulate: Callable[..., Simulator], boards: bool) -> None:
    sim = simulate(boards=252, pins_per_board=[1, 1, 0], **MANY)
    names = ["board_pins", "pins_again", *(["boards"] if boards else [])]
    run = run_tap(sim, catalog=_catalog(*names)).ok()
    assert set(run.schemas) == set(names)
    assert run.records("board_pins") == expected(sim.world, "board_pins")
    assert run.records("pins_again") == expected(sim.world, "board_pins", pin_metrics=True)
    assert sorted(stream for stream, _ in run.activate_versions) == sorted(names)


@pytest.mark.usefixtures("two_children")
def test_a_failing_child_leaves_its_sibling_alone(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(boards=4, pins_per_board=2)
    sim.faults.add(kind="unauthorized", code=3, contains={"pin_metrics": "false"}, times=None)
    run = run_tap(sim, catalog=_catalog("boards", "board_pins", "pins_again"))
    assert run.exit_code == 1
    assert run.records("board_pins") == []
    assert run.records("pins_again") == expected(sim.world, "board_pins", pin_metrics=True)
    assert sorted(stream for stream, _ in run.activate_versions) == ["boards", "pins_again"]


# -- parents that fail


def test_boards_that_break_off_take_their_children_along(
    simulate: Callable[..., Simulator],
) -> None:
    sim = simulate(boards=300, pins_per_board=1, **MANY)
    sim.faults.add(kind="server_error", path="/boards$", nth=2, times=None)
    run = run_tap(sim, select=[*BOARDS, "account"])
    assert run.exit_code == 1
    assert len(run.records("boards")) == len(run.records("board_pins")) == 250
    assert [stream for stream, _ in run.activate_versions] == ["account"]
    assert "board_pins: " in run.last_line
    assert "boards was not read to the end" in run.last_line


def test_a_test_run_reaches_the_children(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(boards=3, pins_per_board=3)
    run = run_tap(sim, args=["--test"], search_queries=["a"], start_days_back=2, end_days_back=1)
    assert run.counts["board_pins"] == run.counts["boards"] == 1
    assert set(run.counts.values()) == {1}
    assert {stream for stream, _ in run.activate_versions} <= {"account"}, "more than one record"
