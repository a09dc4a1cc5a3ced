"""A run that waits across midnight asks for the days that are kept then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.analytics_harness import DAY, TODAY, asked, at, back
from tests.harness import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from tests.harness import Run
    from tests.pinterest_api import Simulator

PLAIN = {"protected_boards": 0, "secret_boards": 0, "likes": None, "messy": False}
OLDEST = back(89)
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "account": ("account_analytics", {}, {}),
    "top Pins": ("top_pins", {}, {}),
    "top Pins daily": ("top_pins", {}, {"top_pins_daily": True}),
    "Pins in bulk": ("pin_analytics", {}, {}),
    "Pins one by one": ("pin_analytics", {"bulk_analytics": False}, {}),
}


@pytest.fixture
def across(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Run, Simulator]]:
    """A run whose first question about figures is throttled at 23:50 and asked again at 0:20."""

    def run(case: str, end: date) -> tuple[Run, Simulator]:
        stream, world, settings = CASES[case]
        sim = simulate(boards=1, pins_per_board=12, **PLAIN, **world)
        at(monkeypatch, sim, TODAY, 23, 50)

        def midnight(_: Any) -> bool:
            at(monkeypatch, sim, TODAY + DAY, 0, 20)
            return True

        sim.faults.add(path="analytics", kind="throttled", seconds=1, when=midnight)
        span = {"start_date": str(OLDEST), "end_date": str(end)}
        return run_tap(sim, select=[stream], max_wait=3_600, **span, **settings), sim

    return run


def told(run: Run) -> list[str]:
    return run.said("WARNING", f"{OLDEST} was not read in time")


@pytest.mark.parametrize("case", CASES)
def test_the_day_that_is_gone_is_not_asked_for_and_is_told_once(
    across: Callable[..., tuple[Run, Simulator]], case: str
) -> None:
    run, sim = across(case, OLDEST + 3 * DAY)
    run.ok()
    queries = [query for query in asked(sim, "") if "start_date" in query]
    late = [query for query in queries if query["status"] == "200"]
    assert late
    assert min(query["start_date"] for query in late) == str(OLDEST + DAY)
    assert len([query for query in queries if query["start_date"] == str(OLDEST)]) == 1
    assert len(told(run)) == 1
    (stream,) = run.counts
    key = "date" if "date" in run.schemas[stream]["schema"]["properties"] else "start_date"
    assert min(row[key] for row in run.records(stream)) == str(OLDEST + DAY)


@pytest.mark.parametrize("case", CASES)
def test_days_that_are_all_gone_are_no_fault_of_a_pin(
    across: Callable[..., tuple[Run, Simulator]], case: str
) -> None:
    run, _ = across(case, OLDEST)
    run.ok()
    assert run.counts == {}
    assert len(told(run)) == 1
    assert not run.said("is skipped")
    assert not run.said("skipped in all")
