"""One bad thing costs itself: a Pin, a board or a page that cannot be read, tonight and every night."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.analytics_harness import DAY, TODAY, asked, at, back, pin_rows, pins_of, table, upsert
from tests.harness import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tests.pinterest_api import Seen, Simulator

PLAIN = {"protected_boards": 0, "secret_boards": 0, "likes": None}
A_DAY = 86_400
NO = {"kind": "status", "status": 400, "code": 1, "message": "no"}
FAULTS: dict[str, dict[str, Any]] = {"400": NO, "500": {"kind": "server_error"}}
RANGE = {"start_date": str(back(9)), "lookback_days": 0}


@pytest.fixture
def start(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Simulator]:
    """Start a simulator on TODAY."""

    def begin(**settings: Any) -> Simulator:
        sim = simulate(**{**PLAIN, "boards": 1, **settings})
        at(monkeypatch, sim, TODAY)
        return sim

    return begin


def asks_for(pins: Collection[str]) -> Callable[[Seen], bool]:
    """Whether a request is about one of these Pins, in bulk or not."""

    def about(seen: Seen) -> bool:
        asked_for = {value for name, value in seen.query if name == "pin_ids"}
        return bool({*asked_for, seen.path.split("/")[-2]} & {*pins})

    return about


def read(run: Any) -> set[str]:
    return {row["pin_id"] for row in run.records("pin_analytics")}


# -- Pins


@pytest.mark.parametrize("bulk", [True, False])
@pytest.mark.parametrize("odd", [{"all": {"daily_metrics": [5]}}, 5, None, [], {"all": "x"}])
def test_a_pin_whose_answer_is_odd_costs_itself_and_is_named(
    start: Any, monkeypatch: pytest.MonkeyPatch, odd: Any, bulk: bool
) -> None:
    sim = start(pins_per_board=6, video_share=0, bulk_analytics=bulk)
    pins = sorted(pins_of(sim.world), key=int)
    bad, real = pins[2], sim.world.pin_analytics
    monkeypatch.setattr(
        sim.world,
        "pin_analytics",
        lambda pin, *args, **more: odd if pin == bad else real(pin, *args, **more),
        raising=False,
    )
    run = run_tap(sim, select=["pin_analytics"], start_days_back=2)
    assert run.exit_code == 1
    assert read(run) == {*pins} - {bad}
    assert bad in run.last_line, "no message names the Pin"
    assert "Traceback" not in run.log
    assert not run.states[-1]["bookmarks"]["pin_analytics"].get("replication_key_value")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("which", [(0,), (5,), (0, 1, 2), (3, 17, 29), range(9)])
def test_pins_that_fail_a_bulk_for_all_cost_themselves(
    start: Any, fault: str, which: Collection[int]
) -> None:
    sim = start(pins_per_board=60, video_share=0)
    sim.world.alter["pin"] = lambda pin: pin | {"media": {"media_type": "image"}}
    pins = [pin["id"] for pin in sim.world.all_pins()]
    bad = {pins[number] for number in which}
    sim.faults.add(path="analytics$", when=asks_for(bad), times=None, **FAULTS[fault])
    run = run_tap(sim, select=["pin_analytics"], start_days_back=1)
    assert run.exit_code == 1
    if fault == "500" and len(bad) > 1:
        return  # both halves may fail: then it is taken for an outage
    assert read(run) == {*pins} - bad
    named = "\n".join(run.said("ERROR", "pin_analytics is incomplete"))
    assert all(pin in named for pin in bad)
    assert len(asked(sim)) <= 5 + 15 * len(bad) * (8 if fault == "500" else 1)


def test_a_bulk_that_is_refused_whatever_it_asks_for_costs_few_requests(start: Any) -> None:
    sim = start(pins_per_board=100, video_share=0)
    sim.faults.add(path="/pins/analytics$", times=None, **NO)
    run = run_tap(sim, select=["pin_analytics"], start_days_back=1)
    assert run.exit_code == 1
    assert "HTTP 400 (code 1): no" in run.last_line
    assert len(asked(sim)) <= 5 + 3 * 15


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("which", [(0, 1, 2), (4, 5, 6, 7), (9,), (0, 3, 6, 9)])
def test_pins_that_fail_for_ever_keep_no_quota_from_those_behind_them(
    start: Any, monkeypatch: pytest.MonkeyPatch, fault: str, which: Collection[int]
) -> None:
    """Night by night all others are read; when the reading is at its end they are tried again."""
    monkeypatch.setattr("tap_pinterest.network.retry.TRIES", 1)
    sim = start(pins_per_board=10, bulk_analytics=False, quotas={"org_analytics": (6, A_DAY)})
    pins = sorted(pins_of(sim.world), key=int)
    bad = {pins[number] for number in which}
    sim.faults.add(path="[0-9]/analytics$", when=asks_for(bad), times=None, **FAULTS[fault])
    state, nights, tried = None, [], []
    for night in range(8):
        at(monkeypatch, sim, TODAY + night * DAY)
        sim.advance(A_DAY)
        sim.clear()
        run = run_tap(sim, select=["pin_analytics"], state=state, max_concurrency=1, **RANGE)
        state = run.states[-1]
        nights.append(read(run))
        tried.append({query["path"].split("/")[-2] for query in asked(sim)} & bad)
        assert "replication_key_value" not in state["bookmarks"]["pin_analytics"]
    assert set.union(*nights[:4]) == {*pins} - bad, "not all had their turn"
    assert sum(bool(some) for some in tried) > 1, "they are not tried again"
    sim.faults.clear()
    warehouse: dict[str, Any] = {}
    for night in range(8, 14):
        at(monkeypatch, sim, TODAY + night * DAY)
        sim.advance(A_DAY)
        run = run_tap(sim, select=["pin_analytics"], state=state, max_concurrency=1, **RANGE)
        state = run.states[-1]
        upsert(warehouse, run)
    last = state["bookmarks"]["pin_analytics"]["replication_key_value"]
    rows = pin_rows(sim.world, back(9), TODAY + 5 * DAY)
    expected = {key for key in table("pin_analytics", rows) if key[2] <= last}
    assert expected <= warehouse["pin_analytics"].keys()


BULK_REFUSALS: dict[str, dict[str, Any]] = {
    "403 code 29": {"kind": "forbidden"},
    "403 code 403": {"kind": "status", "status": 403, "code": 403},
    "403 with HTML": {"kind": "status", "status": 403, "body": "<html>"},
    "401 code 29": {"kind": "unauthorized", "code": 29},
    "401 code 7": {"kind": "unauthorized", "code": 7},
    "401 code 3": {"kind": "unauthorized", "code": 3},
}


@pytest.mark.parametrize("refusal", BULK_REFUSALS)
def test_without_bulk_access_every_pin_is_read(start: Any, refusal: str) -> None:
    sim = start(pins_per_board=8)
    sim.world.forbidden_pins.add(min(pins_of(sim.world), key=int))  # the first that is tried
    sim.faults.add(path="/pins/analytics$", times=None, **BULK_REFUSALS[refusal])
    run = run_tap(sim, select=["pin_analytics"], start_days_back=1).ok()
    assert read(run) == {*pins_of(sim.world)}
    assert len(run.said("WARNING", "is skipped")) == 1
    assert run.said("no bulk access")


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("refusal", BULK_REFUSALS)
def test_bulk_access_that_ends_in_the_middle_of_a_run_loses_nothing(
    start: Any, refusal: str, skip: bool
) -> None:
    sim = start(pins_per_board=250, video_share=0)
    sim.world.alter["pin"] = lambda pin: pin | {"media": {"media_type": "image"}}
    sim.faults.add(path="/pins/analytics$", times=None, nth=3, **BULK_REFUSALS[refusal])
    settings = {"start_days_back": 1, "max_concurrency": 1, "skip_forbidden_streams": skip}
    run = run_tap(sim, select=["pin_analytics"], **settings)
    assert run.exit_code == (0 if skip else 1)
    assert len(read(run)) == 100
    assert not run.said("Pin", "is skipped")
    assert run.said("pin_analytics is incomplete")
    again = run_tap(sim, select=["pin_analytics"], state=run.states[-1], **settings).ok()
    assert read(again) == {pin["id"] for pin in sim.world.all_pins()}


def test_a_pin_that_is_refused_in_bulk_and_answered_by_itself_is_read(start: Any) -> None:
    sim = start(pins_per_board=20, video_share=0)
    pins = sorted(pins_of(sim.world), key=int)
    rule = {"path": "/pins/analytics$", "when": asks_for(pins[7:8]), "times": None}
    sim.faults.add(**rule, kind="unauthorized", code=7)
    run = run_tap(sim, select=["pin_analytics"], start_days_back=1).ok()
    assert read(run) == {*pins}
    assert not run.said("is skipped")


# -- boards


@pytest.mark.parametrize("which", [0, 2, 4])
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "member", "name": "items", "value": [None]},
        {"kind": "member", "name": "items", "value": None},
        {"kind": "member", "name": "items", "value": {}},
        {"kind": "member", "name": "items", "value": "x"},
        {"kind": "unauthorized", "code": 3},
        NO,
    ],
    ids=lambda fault: str(fault.get("value", fault["kind"])),
)
@pytest.mark.parametrize("stream", ["board_pins", "board_sections"])
def test_a_board_that_cannot_be_read_costs_itself(
    start: Any, stream: str, fault: dict[str, Any], which: int
) -> None:
    sim = start(boards=5, pins_per_board=3, sections_per_board=2)
    boards = [board["id"] for board in sim.world.all_boards()]
    path = "pins" if stream == "board_pins" else "sections"
    sim.faults.add(path=f"/boards/{boards[which]}/{path}$", times=None, **fault)
    everything = {row["board_id"] for row in run_tap(sim, select=[stream]).records(stream)}
    sim.faults.clear()
    complete = {row["board_id"] for row in run_tap(sim, select=[stream]).ok().records(stream)}
    assert everything == complete - {boards[which]}
    sim.faults.add(path=f"/boards/{boards[which]}/{path}$", times=None, **fault)
    run = run_tap(sim, select=[stream])
    assert run.exit_code == 1
    assert f"board_id {boards[which]}: " in run.last_line
    assert not run.activate_versions
    assert "Traceback" not in run.log


@pytest.mark.parametrize("stream", ["pins", "followers", "boards", "board_pins", "media"])
@pytest.mark.parametrize("items", [None, {}, "x", 5, [None]], ids=str)
def test_what_lies_behind_a_page_that_is_no_list_is_read(
    start: Any, monkeypatch: pytest.MonkeyPatch, stream: str, items: Any
) -> None:
    monkeypatch.setattr("tap_pinterest.kinds.lists.ListStream.page_size", 4)
    sim = start(boards=12, pins_per_board=[13], followers=12, media=12)
    complete = run_tap(sim, select=[stream]).ok().counts[stream]
    path = {"board_pins": f"/boards/{sim.world.board_id(3)}/pins$"}.get(stream, f"/{stream}$")
    rule = sim.faults.add(path=path, nth=2, times=1, kind="member", name="items", value=items)
    run = run_tap(sim, select=[stream], max_concurrency=1)
    assert rule.fired
    assert run.exit_code == 1
    assert run.counts[stream] == complete - 4
    assert stream in run.last_line
    assert not run.activate_versions


@pytest.mark.parametrize("kind", [{"kind": "unauthorized", "code": 3}, {"kind": "server_error"}])
def test_a_stream_of_which_nothing_is_open_is_given_up_soon(
    start: Any, monkeypatch: pytest.MonkeyPatch, kind: dict[str, Any]
) -> None:
    monkeypatch.setattr("tap_pinterest.network.retry.TRIES", 1)
    sim = start(boards=40, pins_per_board=1)
    sim.faults.add(path=r"/boards/\d+/pins", times=None, **kind)
    run = run_tap(sim, select=["board_pins"], max_concurrency=1)
    assert run.exit_code == 1
    assert sum(path.endswith("/pins") for path in sim.paths().elements()) <= 5
