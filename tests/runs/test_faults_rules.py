"""What the settings say about faults: which are tolerated, how long is waited, where to go on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tap_pinterest.network import retry
from tests.fault_harness import KINDS, Lab, Place, judge, judge_next
from tests.harness import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.harness import Run
    from tests.pinterest_api import Simulator


@pytest.fixture
def lab(
    monkeypatch: pytest.MonkeyPatch, simulate: Callable[..., Simulator], tmp_path: Path
) -> Callable[..., Lab]:
    return lambda kind, **more: Lab(monkeypatch, simulate, tmp_path, KINDS[kind], **more)


def spoil(bench: Lab, **fault: Any) -> Any:
    """Let every request of the stream go wrong."""
    return bench.sim.faults.add(**Place(bench.kind.requests).rule(), times=None, **fault)


def others(bench: Lab, run: Run) -> None:
    """The stream that nothing happened to was read to its end."""
    assert len(run.records("followers")) == bench.sim.world.followers
    assert "followers" in {stream for stream, _ in run.activate_versions}


FORBIDDEN = [
    ("pins", {"kind": "unauthorized", "code": 3}),
    ("pins", {"kind": "unauthorized", "code": 7}),
    ("pins", {"kind": "forbidden"}),
    ("board_pins", {"kind": "unauthorized", "code": 3}),
    ("pin_analytics_single", {"kind": "unauthorized", "code": 3}),
    ("account_analytics", {"kind": "unauthorized", "code": 3}),
    ("account_analytics", {"kind": "forbidden"}),
]


@pytest.mark.parametrize("tolerated", [False, True])
@pytest.mark.parametrize(("kind", "fault"), FORBIDDEN, ids=str)
def test_a_forbidden_stream_is_red_unless_it_is_tolerated(
    lab: Callable[..., Lab], kind: str, fault: dict[str, Any], tolerated: bool
) -> None:
    bench = lab(kind)
    name = bench.kind.stream
    spoil(bench, **fault)
    run = bench.run(select=(name, "followers"), skip_forbidden_streams=tolerated)
    others(bench, run)
    assert bench.kind.of(run) == {}
    assert name not in {stream for stream, _ in run.activate_versions}
    assert name in run.schemas
    assert run.exit_code == (0 if tolerated else 1)
    told = run.said(
        " WARNING " if tolerated else " ERROR ", f"Stream {name} is incomplete: HTTP 40"
    )
    assert len(told) == 1
    if tolerated:
        assert not run.said(" ERROR ")
    else:
        assert re.search(rf"{name} \(needs [a-z_:, ]+\): HTTP 40", run.last_line)
    judge_next(bench, run)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "server_error"},
        {"kind": "not_found", "code": 404},
        {"kind": "conflict"},
        {"kind": "rate_limited", "reset": 21_600},
        {"kind": "status", "status": 400, "code": 1, "message": "no"},
        {"kind": "unauthorized", "code": 2},
    ],
    ids=lambda fault: f"{fault['kind']} {fault.get('code', '')}",
)
def test_nothing_but_a_refusal_is_tolerated(lab: Callable[..., Lab], fault: dict[str, Any]) -> None:
    bench = lab("pins")
    spoil(bench, **fault)
    run = bench.run(skip_forbidden_streams=True)
    assert run.exit_code == 1
    assert "pins" in run.last_line


def test_children_of_a_forbidden_stream_are_tolerated_with_it(lab: Callable[..., Lab]) -> None:
    bench = lab("pins")
    for path in ("/v5/pins$", "/v5/boards$"):
        bench.sim.faults.add(path=path, kind="unauthorized", code=3, times=None)
    select = ("board_pins", "pin_analytics", "pin_lifetime_analytics", "followers")
    for tolerated in (False, True):
        run = bench.run(select=select, skip_forbidden_streams=tolerated)
        others(bench, run)
        assert run.exit_code == (0 if tolerated else 1)
        assert all(run.said("WARNING" if tolerated else "ERROR", name) for name in select[:3])


def test_one_forbidden_board_is_no_forbidden_stream(lab: Callable[..., Lab]) -> None:
    bench = lab("board_pins")
    bench.sim.world.forbidden_boards.add(bench.sim.world.board_id(1))
    for tolerated in (False, True):
        run = bench.run(skip_forbidden_streams=tolerated).ok()
        assert judge(bench, run, Place("", named=bench.sim.world.board_id(1)))


WAITS: list[tuple[str, Callable[[int], dict[str, Any]]]] = [
    ("quota", lambda wait: {"kind": "rate_limited", "reset": wait}),
    ("quota", lambda wait: {"kind": "cost_limited", "seconds": wait}),
    ("quota", lambda wait: {"kind": "throttled", "seconds": wait}),
    (
        "service",
        lambda wait: {"kind": "status", "status": 503, "headers": {"retry-after": str(wait)}},
    ),
]


@pytest.mark.parametrize("what", range(len(WAITS)), ids=["429 header", "429 text", "400", "503"])
@pytest.mark.parametrize("kind", ["pins", "board_pins", "account_analytics"])
def test_a_wait_may_be_as_long_as_max_wait_and_no_longer(
    lab: Callable[..., Lab], kind: str, what: int
) -> None:
    bench = lab(kind)
    place = bench.places["first"]
    comes_back, fault = WAITS[what]
    bench.sim.faults.add(**place.rule(), **fault(60))
    bench.run(max_wait=60).ok()
    assert 60 in bench.time.slept

    bench.repair()
    bench.time.slept.clear()
    bench.sim.faults.add(**place.rule(), **fault(61))
    run = bench.run(max_wait=60)
    judge(bench, run)
    assert run.exit_code == 1
    assert max(bench.time.slept, default=0) < 60
    assert re.search(rf"the {comes_back} comes back at 2026-03-10 12:\d\d UTC", run.last_line)
    assert "`max_wait`" in run.last_line
    judge_next(bench, run)


def test_without_patience_nothing_is_waited_for(lab: Callable[..., Lab]) -> None:
    bench = lab("pins")
    bench.sim.faults.add(**bench.places["middle"].rule(), kind="rate_limited", reset=1)
    run = bench.run(max_wait=0)
    assert run.exit_code == 1
    assert bench.time.slept == []


def test_waits_that_nobody_names_grow_and_end(lab: Callable[..., Lab]) -> None:
    bench = lab("pins")
    rule = spoil(bench, kind="server_error")
    assert bench.run().exit_code == 1
    assert rule.fired == retry.TRIES == 8
    assert len(bench.time.slept) == 7
    assert all(0 <= wait <= 2**at for at, wait in enumerate(bench.time.slept))
    assert len(set(bench.time.slept)) == 7, "without chance, all runs would knock at once"


def test_pin_by_pin_the_next_run_goes_on_where_the_quota_ended_this_one(
    lab: Callable[..., Lab],
) -> None:
    bench = lab("pin_analytics_single")
    bench.sim.faults.add(
        **bench.places["middle"].rule(), kind="rate_limited", reset=21_600, times=None
    )
    run = bench.run(max_concurrency=1)
    assert run.exit_code == 1
    before = {key[0] for key in bench.kind.of(run)}
    assert 0 < len(before) < 7
    again = judge_next(bench, run)
    asked = {path.split("/")[3] for path in bench.sim.paths() if re.search("[0-9]/analytics", path)}
    assert asked == {key[0] for key in bench.kind.of(again)}
    assert asked.isdisjoint(before)


def test_a_lost_pin_in_bulk_costs_few_requests(lab: Callable[..., Lab]) -> None:
    bench = lab("pin_analytics")
    usual = bench.run().ok()
    requests = bench.sim.paths()["/v5/pins/analytics"]
    lost = max(key[0] for key in bench.kind.of(usual))
    bench.sim.world.gone_pins.add(lost)
    bench.sim.clear()
    run = bench.run()
    judge(bench, run, Place("", named=lost))
    # A bulk of ten is halved at most four times, each time in two requests.
    assert bench.sim.paths()["/v5/pins/analytics"] <= requests + 2 * 4


def test_an_end_in_the_middle_of_a_list_is_none(simulate: Callable[..., Simulator]) -> None:
    """What is an empty result on the first page would, later, let the target drop what follows."""
    sim = simulate(boards=4, pins_per_board=200)
    config = {"search_queries": ["a"], "select": ["search_pins.*"]}
    everything = run_tap(sim, **config).ok()
    assert len(everything.records("search_pins")) > 25
    nothing = sim.faults.add(path="/search/pins", kind="not_found", code=30, nth=2, times=None)
    run = run_tap(sim, **config)
    assert nothing.fired
    assert run.exit_code == 1
    assert len(run.records("search_pins")) == 25
    assert not run.activate_versions
    assert "search_pins: GET /search/pins was refused: HTTP 404 (code 30)" in run.last_line
