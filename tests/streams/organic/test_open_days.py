"""Days that lack in an answer: at its recent end they are still to come, an answer without any is
odd, and no bookmark moves past either."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.analytics_harness import DAY, TODAY, at, back, every_day, pins_of
from tests.harness import Run, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from tests.pinterest_api import Simulator

PLAIN = {"protected_boards": 0, "secret_boards": 0, "likes": None}
RANGE = {"start_days_back": 12, "end_days_back": 6, "lookback_days": 0}
"""Days of which all are final."""


def bookmark(run: Run, stream: str) -> str | None:
    return run.states[-1]["bookmarks"][stream].get("replication_key_value")


def start(
    simulate: Callable[..., Simulator], patch: pytest.MonkeyPatch, **settings: Any
) -> Simulator:
    sim = simulate(boards=1, **PLAIN, **{"pins_per_board": 4, **settings})
    at(patch, sim, TODAY)
    return sim


def change(sim: Simulator, patch: pytest.MonkeyPatch, pin: str, days: Any) -> None:
    """Let a Pin's days be what a function makes of them."""
    real = sim.world.pin_analytics

    def answer(pin_id: str, *args: Any, **more: Any) -> Any:
        found = real(pin_id, *args, **more)
        if pin_id == pin:
            found["all"]["daily_metrics"] = days(found["all"]["daily_metrics"])
        return found

    patch.setattr(sim.world, "pin_analytics", answer, raising=False)


@pytest.mark.parametrize("bulk", [True, False])
@pytest.mark.parametrize("which", [0, 2, 3])
def test_days_that_one_pin_lacks_at_the_recent_end_stay_open(
    simulate: Any, monkeypatch: pytest.MonkeyPatch, bulk: bool, which: int
) -> None:
    sim = start(simulate, monkeypatch, bulk_analytics=bulk)
    late = sorted(pins_of(sim.world))[which]
    change(sim, monkeypatch, late, lambda days: [d for d in days if d["date"] < str(back(8))])
    first = run_tap(sim, select=["pin_analytics"], **RANGE).ok()
    assert bookmark(first, "pin_analytics") == str(back(9))
    monkeypatch.undo()
    at(monkeypatch, sim, TODAY)
    run = run_tap(sim, select=["pin_analytics"], state=first.states[-1], **RANGE).ok()
    came = {row["date"] for row in run.records("pin_analytics") if row["pin_id"] == late}
    assert came >= set(every_day(back(8), back(6)))
    assert bookmark(run, "pin_analytics") == str(back(6))


@pytest.mark.parametrize("bulk", [True, False])
def test_days_that_lack_at_the_old_end_are_normal(
    simulate: Any, monkeypatch: pytest.MonkeyPatch, bulk: bool
) -> None:
    sim = start(simulate, monkeypatch, bulk_analytics=bulk)
    young = pins_of(sim.world)[1]
    change(sim, monkeypatch, young, lambda days: [d for d in days if d["date"] > str(back(8))])
    run = run_tap(sim, select=["pin_analytics"], **RANGE).ok()
    assert bookmark(run, "pin_analytics") == str(back(6))


@pytest.mark.parametrize("bulk", [True, False])
def test_the_days_of_a_newborn_pin_are_still_to_come(
    simulate: Any, monkeypatch: pytest.MonkeyPatch, bulk: bool
) -> None:
    sim = start(simulate, monkeypatch, bulk_analytics=bulk)
    newborn = sorted(pins_of(sim.world))[2]
    sim.world.alter["pin"] = lambda pin: (
        pin | {"created_at": f"{back(6)}T10:00:00"} if pin["id"] == newborn else pin
    )
    change(sim, monkeypatch, newborn, lambda _: [])
    run = run_tap(sim, select=["pin_analytics"], **RANGE).ok()
    assert bookmark(run, "pin_analytics") == str(back(7))


@pytest.mark.parametrize("bulk", [True, False])
def test_a_pin_without_any_day_is_told_beside_another_odd_one(
    simulate: Any, monkeypatch: pytest.MonkeyPatch, bulk: bool
) -> None:
    sim = start(simulate, monkeypatch, bulk_analytics=bulk)
    odd, without = sorted(pins_of(sim.world), key=int)[1:3]
    change(sim, monkeypatch, odd, lambda days: [5, *days[1:]])
    change(sim, monkeypatch, without, lambda _: [])
    run = run_tap(sim, select=["pin_analytics"], **RANGE)
    assert run.exit_code == 1
    assert run.said("ERROR", "pin_analytics", odd, "the answer has 5 among its days")
    assert run.said("ERROR", "pin_analytics", without, "it has no day in it")
    assert {row["pin_id"] for row in run.records("pin_analytics")} == {*pins_of(sim.world)} - {
        without
    }
    assert bookmark(run, "pin_analytics") is None


@pytest.mark.parametrize("lacks", ["all", "recent"])
def test_one_part_of_a_split_that_lacks_days_keeps_them_open(
    simulate: Any, monkeypatch: pytest.MonkeyPatch, lacks: str
) -> None:
    sim = start(simulate, monkeypatch)
    real = sim.world.account_analytics

    def answer(*args: Any, **more: Any) -> Any:
        parts = real(*args, **more)
        part = parts[min(parts)]
        part["daily_metrics"] = [] if lacks == "all" else part["daily_metrics"][:-3]
        return parts

    monkeypatch.setattr(sim.world, "account_analytics", answer, raising=False)
    settings = {**RANGE, "split_fields": ["SOURCE"]}
    run = run_tap(sim, select=["account_analytics"], **settings).ok()
    assert bookmark(run, "account_analytics") == str(back(13 if lacks == "all" else 9))
    assert bool(run.said("WARNING", "account_analytics", "has no day for")) == (lacks == "all")


@pytest.mark.parametrize("body", [{}, {"all": {}}, {"all": {"daily_metrics": []}}, {"all": None}])
def test_an_answer_without_any_day_is_told(
    simulate: Any, monkeypatch: pytest.MonkeyPatch, body: Any
) -> None:
    sim = start(simulate, monkeypatch)
    state = run_tap(sim, select=["account_analytics"], **RANGE).ok().states[-1]
    at(monkeypatch, sim, TODAY + 3 * DAY)
    sim.faults.add(path="/user_account/analytics", kind="status", status=200, body=body, times=None)
    run = run_tap(sim, select=["account_analytics"], state=state, **RANGE)
    assert run.exit_code == 1
    assert "account_analytics" in run.last_line
    assert "has no day in it" in run.last_line
    assert bookmark(run, "account_analytics") == str(back(6))
    assert run.counts == {}


@pytest.mark.parametrize("body", [{}, {"pins": None}, {"pins": {}}])
def test_a_ranking_without_a_list_is_told(
    simulate: Any, monkeypatch: pytest.MonkeyPatch, body: Any
) -> None:
    sim = start(simulate, monkeypatch)
    sim.faults.add(path="/top_pins", kind="status", status=200, body=body, nth=3, times=1)
    settings = {**RANGE, "top_pins_daily": True, "top_pins_sort_by": ["SAVE"], "max_concurrency": 1}
    run = run_tap(sim, select=["top_pins"], **settings)
    assert run.exit_code == 1
    assert f"the answer about {back(10)} has no list of Pins" in run.last_line
    assert bookmark(run, "top_pins") is None
    assert len({row["end_date"] for row in run.records("top_pins")}) == 6
    healed = run_tap(sim, select=["top_pins"], state=run.states[-1], **settings).ok()
    assert bookmark(healed, "top_pins") == str(back(6))
    assert str(back(10)) in {row["end_date"] for row in healed.records("top_pins")}


def test_a_day_of_a_ranking_that_is_not_available_yet_stays_open(
    simulate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Pins it may be that nothing was seen, or that nothing is known yet."""
    sim = start(simulate, monkeypatch)
    real = sim.world.top_pins

    def answer(first: date, last: date, *args: Any, **more: Any) -> Any:
        found = real(first, last, *args, **more)
        return found | ({"pins": []} if last >= back(4) else {})

    monkeypatch.setattr(sim.world, "top_pins", answer, raising=False)
    settings = {"start_days_back": 8, "lookback_days": 0}
    settings |= {"top_pins_daily": True, "top_pins_sort_by": ["SAVE"]}
    run = run_tap(sim, select=["top_pins"], **settings).ok()
    # The simulator has figures up to the day before yesterday.
    assert bookmark(run, "top_pins") == str(back(2))
