"""Metrics whose names are taken: what is a key, or there already, stays, and the run says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

PLAIN = {"protected_boards": 0, "secret_boards": 0, "likes": None, "messy": False}
NAMES = (
    *("DATE", "date", "DATA_STATUS", "impression", "Impression", "PIN_ID", "APP_TYPE", "APP_TYPES"),
    *("ACCOUNT_ID", "SPLIT", "SPLIT_FIELD", "SOURCE", "START_DATE", "END_DATE", "RANK", "SORT_BY"),
)


def with_more_metrics(part: Any) -> Any:
    """An answer in which each set of metrics has those names as well, behind the true ones."""
    if isinstance(part, list):
        return [with_more_metrics(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        name: value | dict.fromkeys(NAMES, 666)
        if name in ("metrics", "lifetime_metrics")
        else with_more_metrics(value)
        for name, value in part.items()
    }


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "one by one"])
def test_no_metric_takes_the_place_of_what_is_there(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch, bulk: bool
) -> None:
    sim = simulate(boards=1, pins_per_board=3, bulk_analytics=bulk, **PLAIN)
    streams = ["account_analytics", "top_pins", "pin_analytics", "pin_lifetime_analytics"]
    settings = {"select": streams, "start_days_back": 3, "end_days_back": 1}
    before = run_tap(sim, **settings).ok()
    for name in ("account_analytics", "pin_analytics", "top_pins"):
        real = getattr(sim.world, name)
        monkeypatch.setattr(
            sim.world,
            name,
            lambda *args, real=real, **options: with_more_metrics(real(*args, **options)),
        )
    run = run_tap(sim, **settings).ok()
    for stream in streams:
        for was, row in zip(before.records(stream), run.records(stream), strict=True):
            assert {name: row[name] for name in was} == was
    for stream, name in (
        ("account_analytics", "DATE"),
        ("account_analytics", "ACCOUNT_ID"),
        ("account_analytics", "impression"),
        ("pin_analytics", "PIN_ID"),
        ("pin_analytics", "APP_TYPE"),
        ("top_pins", "RANK"),
    ):
        assert len(run.said("WARNING", stream, f"the API sent {name} beside")) == 1, (stream, name)


def test_no_metric_takes_the_place_of_a_date_that_lacks(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = simulate(boards=1, pins_per_board=1, **PLAIN)
    real = sim.world.account_analytics

    def answer(*args: Any, **options: Any) -> Any:
        parts = real(*args, **options)
        (part,) = parts.values()
        day = part["daily_metrics"][0]
        part["daily_metrics"][0] = {"metrics": day["metrics"] | {"DATE": "2026-01-01"}}
        return parts

    monkeypatch.setattr(sim.world, "account_analytics", answer)
    run = run_tap(sim, select=["account_analytics"], start_days_back=2, end_days_back=1)
    assert run.exit_code == 1
    assert run.said("ERROR", "account_analytics", "a record has no `date`")
    assert len(run.records("account_analytics")) == 1
