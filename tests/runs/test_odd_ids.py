"""Ids as no description has them: each costs itself, and what stands beside it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.analytics_harness import state_of_stream
from tests.harness import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

PLAIN = {"protected_boards": 0, "secret_boards": 0, "likes": None, "messy": False}
IDS = ("ab", "ab/cd", "a?b#c%2F", "ü ✓", "9" * 300, 10**30, " ", "a,b", "_-")
STEPS = (".", "..")
ANALYTICS = ["pin_analytics", "pin_lifetime_analytics"]


def short(value: Any) -> str:
    return ascii(value)[:12]


@pytest.mark.parametrize("odd", [*IDS, *STEPS], ids=short)
def test_a_board_with_an_odd_id_costs_itself(simulate: Callable[..., Simulator], odd: Any) -> None:
    sim = simulate(boards=3, pins_per_board=2, **PLAIN)
    ids = [board["id"] for board in sim.world.all_boards()]
    sim.world.alter["board"] = lambda board: board | {"id": odd} if board["id"] == ids[1] else board
    run = run_tap(sim, select=["boards", "board_pins", "board_sections", "board_section_pins"])
    assert run.crash is None
    assert run.counts["boards"] == 3
    sent = run.records("boards")[1]["id"]
    for stream in ("board_pins", "board_sections", "board_section_pins"):
        assert {row["board_id"] for row in run.records(stream)} == {ids[0], ids[2]}
        assert stream not in {name for name, _ in run.activate_versions}
    assert run.said("board_pins", f"board_id {sent[:77]}".strip())
    asked = {seen.path for seen in sim.requests if "/boards" in seen.path}
    names = {*ids, *({sent} & {"ab", "_-", str(10**30)})} - {ids[1]}
    lists = {f"/v5/boards/{name}/{kind}" for name in names for kind in ("pins", "sections")}
    assert {path for path in asked if not path.endswith("/pins") or "sections" not in path} == {
        "/v5/boards",
        *lists,
    }, "an id that is a step of a path, or has some, leads to another list"


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "one by one"])
@pytest.mark.parametrize("place", [0, 3], ids=["first", "inside"])
@pytest.mark.parametrize("odd", [*IDS, *STEPS], ids=short)
def test_a_pin_with_an_odd_id_costs_itself(
    simulate: Callable[..., Simulator], odd: Any, place: int, bulk: bool
) -> None:
    sim = simulate(boards=1, pins_per_board=6, bulk_analytics=bulk, **PLAIN)
    ids = [pin["id"] for pin in sim.world.all_pins()]
    sim.world.alter["pin"] = lambda pin: pin | {"id": odd} if pin["id"] == ids[place] else pin
    run = run_tap(sim, select=["pins", *ANALYTICS], start_days_back=2)
    assert run.crash is None
    assert run.exit_code == 1 or run.said("WARNING", "is skipped")
    sent = run.records("pins")[place]["id"]
    others = {*ids} - {ids[place]}
    for stream in ANALYTICS:
        assert {row["pin_id"] for row in run.records(stream)} == others
    assert run.said("pin_analytics", f"Pin {sent[:77]}".strip()), run.log
    asked = {value for seen in sim.requests for name, value in seen.query if name == "pin_ids"}
    assert "a,b" not in asked, "which are two in a list with commas"
    assert "replication_key_value" not in state_of_stream(run, "pin_analytics")


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "one by one"])
def test_metrics_that_are_refused_for_all_cost_few_requests(
    simulate: Callable[..., Simulator], bulk: bool
) -> None:
    """A question that is not taken is no fault of a hundred Pins, to be found by halves."""
    sim = simulate(boards=1, pins_per_board=100, bulk_analytics=bulk, **PLAIN)
    sim.faults.add(path="/analytics", kind="status", status=400, code=1, message="no", times=None)
    run = run_tap(sim, select=["pin_analytics"], start_days_back=1)
    assert run.exit_code == 1
    assert len([seen for seen in sim.requests if "analytics" in seen.path]) < 60
