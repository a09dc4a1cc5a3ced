"""Lists that do not end, and lists that Pinterest does not give to their end."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.analytics_harness import at, back, pins_of, state_of_stream
from tests.harness import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Seen, Simulator

PLAIN = {"protected_boards": 0, "secret_boards": 0, "likes": None, "messy": False}
LISTS = {
    "followers": "/user_account/followers",
    "boards": "/v5/boards$",
    "board_pins": "/boards/[0-9]+/pins",
    "board_section_pins": "/sections/[0-9]+/pins",
    "likes": "/v5/boards$",
}


def with_empty_pages(sim: Simulator, path: str, count: int, items: Any = ()) -> None:
    """Let a list go on with so many pages without a record before its first one."""
    numbers = itertools.count(1)

    def body() -> Any:
        return {"items": items if items is None else [*items], "bookmark": f"m{next(numbers)}"}

    sim.faults.add(path=path, kind="status", status=200, body=body, times=count)

    def first_page(seen: Seen) -> bool:
        return seen.params().get("bookmark") == f"m{count}"

    page = {"items": [], "bookmark": None}
    sim.faults.add(path=path, kind="status", status=200, body=page, when=first_page, times=None)


@pytest.mark.parametrize("stream", LISTS)
@pytest.mark.parametrize(("count", "ends_well"), [(49, True), (50, False)])
def test_empty_pages_in_a_row_are_borne_up_to_fifty(
    simulate: Callable[..., Simulator], stream: str, count: int, ends_well: bool
) -> None:
    sim = simulate(boards=2, pins_per_board=2, **{**PLAIN, "likes": 1})
    with_empty_pages(sim, LISTS[stream], count)
    run = run_tap(sim, select=[stream], max_concurrency=1)
    assert run.exit_code == (0 if ends_well else 1), run.log
    told = run.said("ERROR", f"Stream {stream} is incomplete", "50 pages in a row without a record")
    assert bool(told) == (not ends_well)


@pytest.mark.parametrize("items", [None, [None], [{}], [[], 5]], ids=str)
def test_pages_of_nothing_are_empty_too(simulate: Callable[..., Simulator], items: Any) -> None:
    sim = simulate(**PLAIN)
    with_empty_pages(sim, LISTS["followers"], 1_000, items)
    run = run_tap(sim, select=["followers"])
    assert run.exit_code == 1
    assert sum("followers" in seen.path for seen in sim.requests) == 50


@pytest.mark.parametrize("kind", ["bookmark_loop", "empty_page"])
def test_boards_whose_lists_do_not_end_cost_themselves(
    simulate: Callable[..., Simulator], kind: str
) -> None:
    sim = simulate(boards=6, pins_per_board=[251, 251, 251, 251, 2], **PLAIN)
    ids = [board["id"] for board in sim.world.all_boards()]
    for board in ids[:4]:
        sim.faults.add(path=f"/boards/{board}/pins", kind=kind, times=None)
    run = run_tap(sim, select=["board_pins"], max_concurrency=1)
    assert run.exit_code == 1
    assert {row["board_id"] for row in run.records("board_pins")} >= {*ids[4:]}
    assert all(run.said("ERROR", "board_pins", board) for board in ids[:4])
    assert not run.activate_versions


def test_boards_of_more_than_can_be_listed_cost_what_lies_beyond(
    simulate: Callable[..., Simulator],
) -> None:
    sim = simulate(boards=5, pins_per_board=[600, 600, 600, 600, 3], sections_per_board=1, **PLAIN)
    ids = [board["id"] for board in sim.world.all_boards()]
    large = "|".join(ids[:4])
    sim.faults.add(
        path=f"/boards/({large})/pins",
        kind="beyond_100_000_pins",
        when=lambda seen: "bookmark" in seen.params(),
        times=None,
    )
    run = run_tap(sim, select=["boards", "board_pins", "board_sections", "board_section_pins"])
    assert run.exit_code == 1
    read = [row["board_id"] for row in run.records("board_pins")]
    assert [read.count(board) for board in ids] == [250, 250, 250, 250, 3]
    assert all(run.said("ERROR", "board_pins", board, "100.000 pins") for board in ids[:4])
    assert {row["board_id"] for row in run.records("board_section_pins")} == {*ids}
    assert {name for name, _ in run.activate_versions} == {
        "boards",
        "board_sections",
        "board_section_pins",
    }


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "one by one"])
def test_pins_that_can_be_listed_have_their_analytics_every_night(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch, bulk: bool
) -> None:
    sim = simulate(boards=1, pins_per_board=320, bulk_analytics=bulk, **PLAIN)
    sim.faults.add(
        path="/v5/pins$",
        kind="beyond_100_000_pins",
        when=lambda seen: "bookmark" in seen.params(),
        times=None,
    )
    state = None
    for night in range(3):
        at(monkeypatch, sim, back(-night))
        run = run_tap(sim, select=["pin_analytics"], start_days_back=1, state=state)
        assert run.exit_code == 1
        listed = {row["pin_id"] for row in run.records("pin_analytics")}
        assert len(listed) == 250, f"night {night}"
        assert "replication_key_value" not in state_of_stream(run, "pin_analytics")
        state = run.states[-1]
    sim.faults.clear()
    run = run_tap(sim, select=["pin_analytics"], start_date=str(back(1)), state=state).ok()
    assert {row["pin_id"] for row in run.records("pin_analytics")} == {*pins_of(sim.world)}
