"""What a run could not read: when it is an accident of one object, when a fault of the stream, and
that no bookmark moves past it."""

from __future__ import annotations

import sys
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from tests.analytics_harness import (
    DAY,
    TODAY,
    at,
    back,
    every_day,
    pin_rows,
    pins_of,
    table,
    upsert,
)
from tests.harness import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.pinterest_api import Simulator

PLAIN = {"protected_boards": 0, "secret_boards": 0, "likes": None}
KEPT_DAYS = 89
A_DAY = 86_400


@pytest.fixture
def start(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Simulator]:
    """Start a simulator on TODAY."""

    def begin(**settings: Any) -> Simulator:
        sim = simulate(**PLAIN, **settings)
        at(monkeypatch, sim, TODAY)
        return sim

    return begin


# -- one object, or all of them


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("why", ["gone", "forbidden"])
@pytest.mark.parametrize("what", ["boards", "Pins in bulk", "Pins one by one"])
def test_one_object_of_one_is_no_fault_of_the_stream_and_all_of_several_are(
    start: Any, what: str, why: str, count: int
) -> None:
    """One deleted board says nothing about access; two of two may mean that there is none."""
    boards = count if what == "boards" else 1
    sim = start(boards=boards, pins_per_board=count, bulk_analytics=what != "Pins one by one")
    if what == "boards":
        stream, lost, ids = "board_pins", "boards", [sim.world.board_id(i) for i in range(count)]
    else:
        stream, lost, ids = "pin_analytics", "pins", pins_of(sim.world)
    getattr(sim.world, f"{why}_{lost}").update(ids)
    run = run_tap(sim, select=[stream], start_days_back=1)
    assert run.exit_code == (0 if count == 1 else 1), run.log
    assert len(run.said("WARNING", stream, "is skipped")) == count
    assert bool(run.said("ERROR", stream, f"all {count} objects were refused")) == (count > 1)
    assert run.counts == {}
    # With one that answers beside them they are accidents, however many they are.
    getattr(sim.world, f"{why}_{lost}").remove(ids[0])
    run = run_tap(sim, select=[stream], start_days_back=1).ok()
    assert len(run.said("WARNING", stream, "is skipped")) == count - 1


@pytest.fixture
def hurried() -> Iterator[None]:
    """Threads take turns as often as the interpreter lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("bulk", [True, False])
def test_objects_that_many_threads_leave_out_are_counted_right(start: Any, bulk: bool) -> None:
    sim = start(boards=2, pins_per_board=60, bulk_analytics=bulk)
    lost = pins_of(sim.world)[20:]
    sim.world.gone_pins.update(lost)
    run = run_tap(sim, select=["pin_analytics"], start_days_back=1, max_concurrency=64).ok()
    assert len(run.said("WARNING", "is skipped")) == 10
    assert len(run.said("WARNING", f"{len(lost)} objects were skipped in all")) == 1


# -- days that nobody read in time


@pytest.mark.parametrize("late", [0, 1, 2])
def test_days_are_missed_in_time_exactly_when_they_are_told(
    start: Any, monkeypatch: pytest.MonkeyPatch, late: int
) -> None:
    """A pause is told of from the first day that Pinterest has dropped meanwhile, and not before."""
    sim = start(boards=1, pins_per_board=2)
    first = run_tap(sim, select=["account_analytics"], lookback_days=0).ok()
    state = first.states[-1]
    bookmark = date.fromisoformat(state["bookmarks"]["account_analytics"]["replication_key_value"])
    oldest = bookmark + (1 + late) * DAY  # what is left of it when the pause is over
    today = oldest + KEPT_DAYS * DAY
    at(monkeypatch, sim, today)
    run = run_tap(sim, select=["account_analytics"], lookback_days=0, state=state).ok()
    days = list(dict.fromkeys(row["date"] for row in run.records("account_analytics")))
    assert days == every_day(oldest, today - DAY)
    told = run.said("WARNING", "account_analytics", "was not read in time")
    assert len(told) == (1 if late else 0), told
    for line in told:
        assert str(bookmark + DAY) in line
        assert str(oldest - DAY) in line
        assert str(oldest) not in line


# -- no bookmark moves past what failed


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "forbidden"},
        {"kind": "not_found", "code": 50},
        {"kind": "server_error"},
        {"kind": "status", "status": 400, "code": 1, "message": "no"},
    ],
    ids=lambda fault: fault["kind"],
)
@pytest.mark.parametrize("which", [0, 4, 9])
def test_a_bookmark_says_that_every_pin_is_there_up_to_it(
    start: Any, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any], which: int
) -> None:
    """A Pin fails on two nights of a small quota, and is well again from then on."""
    sim = start(
        boards=1, pins_per_board=10, bulk_analytics=False, quotas={"org_analytics": (7, A_DAY)}
    )
    failing = sorted(pins_of(sim.world), key=int)[which]
    sim.faults.add(path=f"/pins/{failing}/", times=None, **fault)
    settings = {"start_date": str(back(9)), "lookback_days": 0, "max_concurrency": 1}
    warehouse: dict[str, Any] = {}
    state: Any = None
    bookmark = ""
    for night in range(8):
        at(monkeypatch, sim, TODAY + night * DAY)
        sim.advance(A_DAY)
        if night == 2:
            sim.faults.clear()
        run = run_tap(sim, select=["pin_analytics"], state=state, **settings)
        upsert(warehouse, run)
        state = run.states[-1]
        bookmark = state["bookmarks"]["pin_analytics"].get("replication_key_value", "")
        if bookmark:
            rows = pin_rows(sim.world, back(9), date.fromisoformat(bookmark))
            missing = table("pin_analytics", rows).keys() - warehouse["pin_analytics"].keys()
            assert not missing, f"night {night}: {len(missing)} days of Pins are missing"
    assert bookmark > str(back(3)), "nothing fails any more, and the bookmark does not move"
