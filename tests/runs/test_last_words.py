"""What a run says is one sentence that can be read, however much is missing, of one or of many."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

PLAIN = {"protected_boards": 0, "secret_boards": 0, "likes": None, "messy": False}
ODD_PLURAL = re.compile(r"(?<![0-9.,])1 [A-Za-z]+s\b")
DAYS = {"start_days_back": 1, "end_days_back": 1}


@pytest.mark.parametrize("message", ["no", "x " * 2_000], ids=["short", "long"])
def test_the_last_line_stays_readable_when_everything_is_missing(
    sim: Simulator, message: str
) -> None:
    sim.faults.add(
        path="/v5/(?!oauth)", kind="status", status=400, code=1, message=message, times=None
    )
    run = run_tap(sim, select=["*"], search_queries=["a"])
    assert run.exit_code == 1
    assert len(run.last_line) < 4_000
    number = len(run.said("ERROR", " is incomplete: "))
    assert f"{number} streams could not be read to the end. Put right what is said" in run.last_line
    assert run.last_line.endswith("more, as said above")


def test_many_missing_boards_are_counted_in_one_line(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(boards=150, pins_per_board=1, **PLAIN)
    sim.faults.add(path="/pins$", kind="status", status=400, code=1, message="no", times=None)
    run = run_tap(sim, select=["board_pins", "board_sections"])
    assert run.exit_code == 1
    assert len(run.last_line) < 1_000
    assert "(and 149 others)" in run.last_line
    assert len(run.said("ERROR", "board_pins is incomplete")) == 10


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "one by one"])
def test_of_one_thing_it_speaks_in_the_singular(
    simulate: Callable[..., Simulator], bulk: bool
) -> None:
    """One Pin, one day, one value, one second, one that is lost: no line says "1 days"."""
    sim = simulate(boards=1, pins_per_board=1, sections_per_board=1, followers=1,
        bulk_analytics=bulk, **PLAIN)  # fmt: skip
    sim.world.alter["board"] = lambda board: board | {"pin_count": "many"}
    sim.faults.add(path="/user_account/analytics", kind="rate_limited", reset=1)
    (pin,) = (each["id"] for each in sim.world.all_pins())
    runs: list[Any] = [run_tap(sim, select=["*"], search_queries=["a"], **DAYS)]
    sim.world.gone_pins.add(pin)
    runs.append(run_tap(sim, select=["pins", "pin_analytics"], **DAYS))
    runs.append(run_tap(sim, select=["*"], args=["--test"], search_queries=["a"], **DAYS))
    sim.faults.add(path="/followers", kind="forbidden", times=None)
    runs.append(run_tap(sim, select=["followers"]))
    for run in runs:
        assert not [line for line in run.log_lines if ODD_PLURAL.search(line)]
    assert runs[0].said("1 value did not fit the schema")
    if not bulk:
        assert runs[0].said("1 Pin takes 1 request: 1 minute at 60 a minute, or 1 day at")


def test_a_quota_is_waited_for_in_seconds_that_are_counted(
    simulate: Callable[..., Simulator],
) -> None:
    sim = simulate(boards=2, pins_per_board=1, quotas={"org_read": (2, 1.4)}, **PLAIN)
    run = run_tap(sim, select=["boards", "board_pins"], max_concurrency=1).ok()
    told = run.said("Quota org_read is used up: going on in ")
    assert all(re.search(r"in (1 second|\d{2,} seconds|[2-9] seconds)$", line) for line in told)
    assert told
