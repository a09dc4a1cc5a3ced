"""States as their handlers keep them: merged deeply, cut short, older ones handed back.

Whatever happens to the state, what its bookmarks say must be in the warehouse.
"""

from __future__ import annotations

import copy
import random
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from tests.analytics_harness import (
    DAY,
    TODAY,
    account_rows,
    at,
    back,
    every_day,
    pin_rows,
    pins_of,
    table,
    top_rows,
    upsert,
)
from tests.harness import Run, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

A_DAY = 86_400
STREAMS = ("account_analytics", "pin_analytics", "top_pins")
SETTINGS: dict[str, Any] = {
    "start_date": str(back(9)),
    "lookback_days": 0,
    "top_pins_daily": True,
    "top_pins_sort_by": ["SAVE"],
    "top_pins_count": 2,
    "max_concurrency": 1,
}


def merged(newer: dict[str, Any], older: dict[str, Any]) -> dict[str, Any]:
    """An older state with a newer one over it: objects key by key, all else as a whole.

    So does Meltano with `--state-strategy=merge`, and whatever a run ended early left behind.
    """
    result = copy.deepcopy(older)
    for key, value in newer.items():
        inner = result.get(key)
        both = isinstance(value, dict) and isinstance(inner, dict)
        result[key] = merged(value, inner) if both else copy.deepcopy(value)  # type: ignore[arg-type]
    return result


@pytest.fixture
def sim(simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """An account of six Pins and a small quota, in which Pins are asked for one by one."""
    monkeypatch.setattr("tap_pinterest.kinds.stream.PinterestStream.STATE_MSG_FREQUENCY", 5)
    simulator = simulate(
        boards=1, pins_per_board=6, protected_boards=0, secret_boards=0, likes=None,
        bulk_analytics=False, quotas={"org_analytics": (9, A_DAY)},
    )  # fmt: skip
    at(monkeypatch, simulator, TODAY)
    return simulator


def rows_up_to(sim: Simulator, stream: str, first: date, last: date) -> list[dict[str, Any]]:
    if stream == "account_analytics":
        return account_rows(sim.world, first, last)
    if stream == "pin_analytics":
        return pin_rows(sim.world, first, last)
    days = [(date.fromisoformat(day),) * 2 for day in every_day(first, last)]
    return top_rows(sim.world, days, ["SAVE"], count=2)


def check(sim: Simulator, state: dict[str, Any], warehouse: dict[str, Any]) -> None:
    """What the bookmarks say is in the warehouse, as it will stay."""
    for stream in STREAMS:
        bookmark = state.get("bookmarks", {}).get(stream, {})
        if not (last := bookmark.get("replication_key_value")):
            continue
        first = date.fromisoformat(bookmark["covered_from"])
        expected = table(stream, rows_up_to(sim, stream, first, date.fromisoformat(last)))
        got = {key: warehouse[stream].get(key) for key in expected}
        for row in [*expected.values(), *filter(None, got.values())]:
            row.pop("latest_available_timestamp", None)  # which says when it was asked
        assert got == expected, f"{stream}: the bookmark {last} says what is not there"


@pytest.mark.parametrize("seed", range(6))
def test_bookmarks_say_what_is_there_whatever_becomes_of_the_state(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    kept: list[dict[str, Any]] = [{}]  # what the orchestrator had, night after night
    warehouse: dict[str, Any] = {}
    ids = sorted(pins_of(sim.world), key=int)
    today = TODAY
    for _ in range(10):
        today += chance.choice((0, 1, 1, 2)) * DAY
        at(monkeypatch, sim, today)
        sim.advance(A_DAY)
        sim.quotas.limits["org_analytics"] = (chance.choice((4, 9, 14, 60)), A_DAY)
        sim.quotas.reset()
        sim.faults.clear()
        if chance.random() < 0.3:
            path = f"/pins/{chance.choice(ids)}/analytics"
            sim.faults.add(path=path, kind="status", status=400, code=1, times=None)
        run = run_tap(sim, select=STREAMS, state=kept[-1], **SETTINGS)
        assert run.crash is None, run.log
        if chance.random() < 0.4:  # killed
            lines = run.stdout.splitlines(keepends=True)
            run = Run(b"".join(lines[: chance.randrange(1, len(lines))]), run.log, -9)
        upsert(warehouse, run)
        states = run.states[-1:]
        kept.append(states[0] if states else kept[-1])
        if (what := chance.random()) < 0.3:
            kept[-1] = merged(kept[-1], kept[-2])
        elif what < 0.45:
            kept[-1] = merged(chance.choice(kept), kept[-1])
        elif what < 0.6:
            kept[-1] = chance.choice(kept)
        check(sim, kept[-1], warehouse)

    sim.quotas.limits.clear()
    sim.quotas.reset()
    sim.faults.clear()
    state = kept[-1]
    for _ in range(2):  # the second one, where an earlier run left something out
        today += DAY
        at(monkeypatch, sim, today)
        run = run_tap(sim, select=STREAMS, state=state, **SETTINGS).ok()
        upsert(warehouse, run)
        state = merged(run.states[-1], state)
    for stream in STREAMS:
        assert state["bookmarks"][stream]["replication_key_value"] >= str(today - 5 * DAY)
    check(sim, state, warehouse)


@pytest.mark.parametrize("newer_over_older", [True, False])
def test_a_finished_reading_that_comes_back_is_not_gone_on_with(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch, newer_over_older: bool
) -> None:
    """The state of a night that its quota ended is merged with that of every later one."""
    streams = ["pin_analytics", "top_pins"]
    sim.quotas.limits["org_analytics"] = (5, A_DAY)
    first = run_tap(sim, select=streams, **SETTINGS)
    assert first.exit_code == 1
    state = unfinished = first.states[-1]
    assert all(unfinished["bookmarks"][stream]["pass"]["open"] for stream in streams)
    sim.quotas.limits.clear()
    for night in range(1, 4):
        at(monkeypatch, sim, TODAY + night * DAY)
        sim.advance(A_DAY)
        run = run_tap(sim, select=streams, state=state, **SETTINGS).ok()
        if night > 1:
            read = {row["pin_id"] for row in run.records("pin_analytics")}
            assert read == set(pins_of(sim.world)), "Pins were passed over"
            days = {row["end_date"] for row in run.records("top_pins")}
            assert days == set(every_day(TODAY + (night - 5) * DAY, TODAY + (night - 1) * DAY))
        both = (run.states[-1], unfinished)
        state = merged(*(both if newer_over_older else both[::-1]))


def test_totals_have_no_bookmark_that_tells_a_finished_reading(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim.quotas.limits["org_analytics"] = (5, A_DAY)
    run = run_tap(sim, select=["pin_lifetime_analytics"], **SETTINGS)
    assert run.exit_code == 1
    sim.quotas.limits.clear()
    state = run.states[-1]
    counts = []
    for night in range(1, 4):
        at(monkeypatch, sim, TODAY + night * DAY)
        sim.advance(A_DAY)
        run = run_tap(sim, select=["pin_lifetime_analytics"], state=state, **SETTINGS).ok()
        counts.append(run.counts["pin_lifetime_analytics"])
        state = merged(run.states[-1], state)
    assert counts == [2, 6, 6]


@pytest.mark.parametrize("stream", ["account_analytics", "pin_analytics", "top_pins"])
@pytest.mark.parametrize("key", ["replication_key_value", "covered_from"])
def test_a_state_from_the_future_is_told_and_every_day_is_read(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch, stream: str, key: str
) -> None:
    """As a clock leaves it that was wrong for a night, and is right again."""
    sim.quotas.limits.clear()
    state = run_tap(sim, select=[stream], **SETTINGS).ok().states[-1]
    state["bookmarks"][stream][key] = str(TODAY + 30 * DAY)
    warehouse: dict[str, Any] = {}
    for night in range(1, 3):
        at(monkeypatch, sim, TODAY + night * DAY)
        run = run_tap(sim, select=[stream], state=state, **SETTINGS).ok()
        told = run.said("WARNING", f"stream {stream} has a `{key}` that lies in the future")
        assert len(told) == (night == 1)
        upsert(warehouse, run)
        state = merged(run.states[-1], state)
    bookmark = state["bookmarks"][stream]
    assert bookmark["covered_from"] == str(back(9))
    last = date.fromisoformat(bookmark["replication_key_value"])
    assert last >= TODAY + 2 * DAY - 5 * DAY
    assert table(stream, rows_up_to(sim, stream, back(9), last)).keys() <= warehouse[stream].keys()
