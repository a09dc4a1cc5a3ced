"""Pins by the thousand: in bulk, one by one, and over several days of a small quota."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from tests.analytics_harness import (
    DAY,
    TODAY,
    asked,
    at,
    back,
    every_day,
    lifetime_rows,
    metrics_for,
    pin_rows,
    pins_of,
    ranges,
    table,
    upsert,
)
from tests.harness import Run, run_tap
from tests.pinterest_api.metrics import STANDARD_METRICS, VIDEO_METRICS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

BOTH = ["pin_analytics", "pin_lifetime_analytics"]
PLAIN = {"protected_boards": 0, "secret_boards": 0, "likes": None}
DAY_OF_QUOTA = 86_400


@pytest.fixture
def start(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Simulator]:
    """Start a simulator on TODAY."""

    def begin(**settings: Any) -> Simulator:
        sim = simulate(**settings)
        at(monkeypatch, sim, TODAY)
        return sim

    return begin


def check(run: Run, sim: Simulator, days: Any, app_types: Any = ("ALL",)) -> None:
    """The run has exactly the rows that there are, each once."""
    for stream, rows in (
        ("pin_analytics", pin_rows(sim.world, *days, app_types)),
        ("pin_lifetime_analytics", lifetime_rows(sim.world)),
    ):
        if stream in run.schemas:
            records = run.records(stream)
            assert table(stream, records) == table(stream, rows), stream
            assert len(records) == len(rows), f"{stream}: keys come twice"


def state_of(run: Run, stream: str = "pin_analytics") -> dict[str, Any]:
    return dict(run.states[-1]["bookmarks"][stream])


def pins_asked(sim: Simulator) -> list[str]:
    """The Pins asked for one by one, in the order of the requests that were answered."""
    return [
        query["path"].split("/")[-2]
        for query in asked(sim)
        if query["path"] != "/v5/pins/analytics" and query["status"] != "429"
    ]


def analytics_requests(sim: Simulator) -> int:
    return len(asked(sim))


# -- in bulk


@pytest.mark.parametrize("streams", [BOTH, BOTH[:1], BOTH[1:]])
@pytest.mark.parametrize("messy", [True, False])
def test_rows_are_what_the_api_says(start: Any, streams: list[str], messy: bool) -> None:
    sim = start(messy=messy, boards=4, pins_per_board=[70, 3])
    run = run_tap(sim, select=streams, start_days_back=6, end_days_back=0).ok()
    check(run, sim, (back(6), TODAY))
    assert set(run.counts) == set(streams)
    kinds = Counter(metrics_for(sim.world, pin) for pin in pins_of(sim.world))
    assert len(kinds) == 3, "a kind of media is missing"
    sent = [frozenset(query["metric_types"].split(",")) for query in asked(sim)]
    assert set(sent) == {frozenset(kind) for kind in kinds}


def test_all_days_that_are_kept(start: Any) -> None:
    sim = start(boards=2, pins_per_board=20, **PLAIN)
    run = run_tap(sim, select=BOTH).ok()
    check(run, sim, (back(89), back(1)))
    statuses = {row["data_status"] for row in run.records("pin_analytics")}
    assert statuses == {"READY", "ESTIMATE", "PROCESSING", "BEFORE_PIN_CREATED"}


@pytest.mark.parametrize(
    ("app_types", "streams"),
    [(["ALL", "MOBILE", "WEB"], BOTH), (["TABLET"], BOTH), (["WEB", "TABLET"], BOTH[:1])],
)
def test_each_device_is_one_more_request_per_batch(
    start: Any, app_types: list[str], streams: list[str]
) -> None:
    sim = start(boards=3, pins_per_board=90, **PLAIN)
    run = run_tap(sim, select=streams, start_days_back=3, app_types=app_types).ok()
    check(run, sim, (back(3), back(1)), app_types)
    sizes = Counter(metrics_for(sim.world, pin) for pin in pins_of(sim.world))
    batches = sum(-(-size // 100) for size in sizes.values())
    lifetime_asks_itself = "ALL" not in app_types and streams == BOTH
    probes = 1 + lifetime_asks_itself
    assert analytics_requests(sim) == batches * (len(app_types) + lifetime_asks_itself) + probes
    assert {query["app_types"] for query in asked(sim)} <= {*app_types, "ALL"}


@pytest.mark.parametrize(("mixed", "most"), [(False, 102), (True, 104)])
def test_ten_thousand_pins(start: Any, mixed: bool, most: int) -> None:
    sim = start(boards=10, pins_per_board=[1000] * 5 + [2000, 1000], **PLAIN)
    if not mixed:
        sim.world.alter["pin"] = lambda r: r | {"media": {"media_type": "image"}}
    run = run_tap(sim, select=BOTH, start_days_back=1).ok()
    assert analytics_requests(sim) <= most
    assert max(len(json.dumps(state)) for state in run.states) < 2000
    assert run.counts == {"pin_analytics": 10_000, "pin_lifetime_analytics": 10_000}
    if mixed:
        check(run, sim, (back(1), back(1)))


@pytest.mark.parametrize("stream", BOTH)
def test_each_of_the_two_streams_alone_costs_the_same(start: Any, stream: str) -> None:
    sim = start(boards=2, pins_per_board=500, **PLAIN)
    run = run_tap(sim, select=[stream], start_days_back=1).ok()
    check(run, sim, (back(1), back(1)))
    assert run.counts == {stream: 1000}
    assert analytics_requests(sim) <= 10 + 4


def test_metrics_that_nobody_knows_yet_arrive(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sim = start(boards=1, pins_per_board=4, **PLAIN)
    known = sim.world.pin_analytics

    def answer(*args: Any, **kwargs: Any) -> Any:
        parts = known(*args, **kwargs)
        for row in parts["all"]["daily_metrics"]:
            row["metrics"]["HOVER_2S"] = 2.5
            row["confidence"] = "high"
        parts["all"]["lifetime_metrics"]["TOTAL_SHARES"] = 2**60
        return parts

    monkeypatch.setattr(sim.world, "pin_analytics", answer, raising=False)
    run = run_tap(sim, select=BOTH, start_days_back=2).ok()
    rows = run.records("pin_analytics")
    assert {(row["hover_2s"], row["confidence"]) for row in rows} == {(2.5, "high")}
    assert {row["total_shares"] for row in run.records("pin_lifetime_analytics")} == {2**60}
    assert len(run.said("WARNING", "hover_2s")) == 1


def test_without_pins_there_are_tables_and_no_question(start: Any) -> None:
    sim = start(boards=0, **PLAIN)
    run = run_tap(sim, select=BOTH).ok()
    assert set(run.schemas) == set(BOTH)
    assert not asked(sim)


# -- Pins that cannot be read


@pytest.mark.parametrize("bulk", [True, False])
@pytest.mark.parametrize(
    ("gone", "forbidden"),
    [((17,), ()), ((), (0,)), ((6, 12, 50), (99, 110, 199)), ((0, 6, 12), ())],
)
def test_a_pin_that_cannot_be_read_costs_itself_alone(
    start: Any, gone: tuple[int, ...], forbidden: tuple[int, ...], bulk: bool
) -> None:
    size = [160, 40] if bulk else [25, 10]
    sim = start(boards=2, pins_per_board=size, bulk_analytics=bulk, **PLAIN)
    everything = pins_of(sim.world)
    gone, forbidden = (
        tuple(n * len(everything) // 200 for n in some) for some in (gone, forbidden)
    )
    sim.world.gone_pins |= {everything[at] for at in gone}
    sim.world.forbidden_pins |= {everything[at] for at in forbidden}
    run = run_tap(sim, select=BOTH, start_days_back=2).ok()
    check(run, sim, (back(2), back(1)))
    lost = len(gone) + len(forbidden)
    for at_ in (*gone, *forbidden):
        assert run.said("WARNING", "pin_analytics", everything[at_], "skipped")
    assert len(run.said("is skipped")) == lost
    if bulk:
        batches = len(Counter(metrics_for(sim.world, pin) for pin in everything)) + 2
        assert analytics_requests(sim) <= batches + 1 + lost * 2 * 7
    # What was not read whole moves no bookmark; the next run begins at the same day.
    assert "replication_key_value" not in state_of(run)
    assert not state_of(run)["pass"]["open"]
    again = run_tap(sim, select=BOTH, start_days_back=2, state=run.states[-1]).ok()
    check(again, sim, (back(2), back(1)))
    sim.world.gone_pins.clear()
    sim.world.forbidden_pins.clear()
    healed = run_tap(sim, select=BOTH, start_days_back=2, state=again.states[-1]).ok()
    check(healed, sim, (back(2), back(1)))
    assert state_of(healed)["replication_key_value"] == str(back(3))


@pytest.mark.parametrize("bulk", [True, False])
def test_an_answer_that_cannot_be_understood_is_said(start: Any, bulk: bool) -> None:
    sim = start(boards=1, pins_per_board=6, video_share=0, bulk_analytics=bulk, **PLAIN)
    pins = pins_of(sim.world)
    body = dict.fromkeys(pins) if bulk else [1, 2]
    sim.faults.add(
        kind="status", status=200, body=body, path="/analytics$", nth=2 if bulk else 5, times=99
    )
    run = run_tap(sim, select=BOTH, start_days_back=2)
    assert run.exit_code == 1
    assert run.crash is None or "Traceback" not in run.log
    assert "replication_key_value" not in state_of(run)
    sim.faults.clear()
    warehouse: dict[str, Any] = {}
    upsert(warehouse, run)
    for _ in range(
        2
    ):  # one by one, the next run goes on behind them, and the one after tries again
        run = run_tap(sim, select=BOTH, start_days_back=2, state=run.states[-1]).ok()
        upsert(warehouse, run)
    expected = table("pin_analytics", pin_rows(sim.world, back(2), back(1)))
    assert warehouse["pin_analytics"] == expected


# -- Pins that come later


def test_a_pin_created_later_gets_its_history_from_creation(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = start(boards=1, pins_per_board=60, **PLAIN)
    world = sim.world
    early = back(30)
    born = {pin: world.created_on(world.pin_place(pin)) for pin in pins_of(world)[20:]}
    late = {pin for pin, day in born.items() if day >= early}
    assert late
    world.pins_per_board = 20
    at(monkeypatch, sim, early)
    warehouse: dict[str, Any] = {}
    first = run_tap(sim, select=BOTH, start_days_back=5, lookback_days=0).ok()
    upsert(warehouse, first)
    at(monkeypatch, sim, TODAY)
    world.pins_per_board = 60
    second = run_tap(
        sim, select=BOTH, start_days_back=5, lookback_days=0, state=first.states[-1]
    ).ok()
    upsert(warehouse, second)
    for pin in late:
        days = [row["date"] for row in warehouse["pin_analytics"].values() if row["pin_id"] == pin]
        assert set(every_day(born[pin], back(1))) <= set(days)
    got = {key: row for key, row in warehouse["pin_analytics"].items() if key[0] in late}
    expected = pin_rows(world, min(born[pin] for pin in late), back(1), pins=sorted(late))
    assert table("pin_analytics", expected).items() <= got.items()


# -- one by one


def test_without_bulk_access_each_pin_is_asked_for_and_the_cost_is_said_once(start: Any) -> None:
    sim = start(boards=2, pins_per_board=[40, 21], bulk_analytics=False, **PLAIN)
    run = run_tap(sim, select=BOTH, start_days_back=3, max_concurrency=4).ok()
    check(run, sim, (back(3), back(1)))
    pins = pins_of(sim.world)
    assert analytics_requests(sim) == len(pins) + 1
    assert sorted(pins_asked(sim)) == sorted(pins)
    told = run.said("WARNING", "no bulk access", f"{len(pins)} Pins takes {len(pins)} requests")
    assert len(told) == len(run.said("no bulk access")) == 1
    assert "2 minutes at 60 a minute" in told[0]
    assert state_of(run)["replication_key_value"] == str(back(4))


def test_the_cost_is_said_before_it_arises(start: Any) -> None:
    sim = start(boards=2, pins_per_board=[40, 21], bulk_analytics=False, **PLAIN)
    seen: list[int] = []
    sim.faults.add(
        kind="reset", path="/pins/[0-9]+/analytics", times=0, when=lambda s: bool(seen.append(1))
    )
    run = run_tap(sim, select=BOTH, start_days_back=3, app_types=["ALL", "WEB"]).ok()
    told = next(n for n, line in enumerate(run.log_lines) if "no bulk access" in line)
    began = next(n for n, line in enumerate(run.log_lines) if "of 'pin_analytics'" in line)
    assert told < began
    assert "takes 122 requests: 3 minutes" in run.log_lines[told]
    assert len(seen) == 122


def test_young_pins_only(start: Any) -> None:
    sim = start(boards=3, pins_per_board=60, bulk_analytics=False, **PLAIN)
    world = sim.world
    young = [
        pin for pin in pins_of(world) if (TODAY - world.created_on(world.pin_place(pin))).days <= 40
    ]
    assert 5 < len(young) < 100
    run = run_tap(sim, select=BOTH, start_days_back=2, pin_created_within_days=40).ok()
    assert sorted(pins_asked(sim)) == sorted(young)
    expected = pin_rows(world, back(2), back(1), pins=young)
    assert table("pin_analytics", run.records("pin_analytics")) == table("pin_analytics", expected)
    # Pins that come in by another setting get the whole range.
    wider = run_tap(sim, select=BOTH, start_days_back=2, state=run.states[-1]).ok()
    check(wider, sim, (back(2), back(1)))


def test_a_trial_app_completes_2500_pins_in_three_days(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1,000 requests a day for everything, no bulk access; no Pin twice before every Pin once."""
    sim = start(tier="trial", boards=5, pins_per_board=500, quotas="published", **PLAIN)
    pins = pins_of(sim.world)
    assert len(pins) == 2500
    state, runs = None, []
    warehouse: dict[str, Any] = {}
    for day in range(3):
        at(monkeypatch, sim, TODAY + day * DAY)
        sim.advance(DAY_OF_QUOTA)
        run = run_tap(sim, select=BOTH, start_days_back=2, state=state, max_concurrency=16)
        upsert(warehouse, run)
        state = run.states[-1]
        runs.append(run)
        assert len(json.dumps(state)) < 2000
        assert Counter(pins_asked(sim)).most_common(1)[0][1] == 1
    assert [run.exit_code for run in runs] == [1, 1, 0]
    assert sorted(pins_asked(sim)) == sorted(pins)
    assert {key[0] for key in warehouse["pin_analytics"]} == set(pins)
    assert (
        table("pin_lifetime_analytics", lifetime_rows(sim.world))
        == (warehouse["pin_lifetime_analytics"])
    )
    for run in runs[:2]:
        assert run.said("ERROR", "pin_analytics", "quota", "comes back at")
        assert run.said("Pins, left: ", "next run goes on")
    assert "3 days at the 1000 a day" in runs[0].said("no bulk access")[0]
    assert runs[1].said("going on behind Pin")
    # The bookmark is that of the Pins that were read on the first day.
    assert state_of(runs[2])["replication_key_value"] == str(back(3))
    assert state_of(runs[2])["covered_from"] == str(back(2))
    assert not runs[2].said("pass")


def test_passes_over_several_days_end_with_the_final_values(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was open when the first Pins of a pass were read is read again by the next pass."""
    sim = start(
        boards=2, pins_per_board=[40, 20], bulk_analytics=False,
        quotas={"org_analytics": (25, DAY_OF_QUOTA)}, **PLAIN,
    )  # fmt: skip
    warehouse: dict[str, Any] = {}
    state, completed, night = None, 0, 0
    while completed < 3:
        at(monkeypatch, sim, TODAY + night * DAY)
        sim.advance(DAY_OF_QUOTA)
        run = run_tap(sim, select=BOTH, start_days_back=3, state=state, lookback_days=0)
        upsert(warehouse, run)
        state = run.states[-1]
        completed += run.exit_code == 0
        night += 1
        assert night < 12
    # Everything up to the bookmark is there and final.
    through = date.fromisoformat(state_of(run)["replication_key_value"])
    assert through >= TODAY + DAY
    expected = table("pin_analytics", pin_rows(sim.world, back(3), through))
    assert expected.items() <= warehouse["pin_analytics"].items()


def test_a_resumed_pass_loses_nothing_that_was_new_meanwhile(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Pin that comes behind the cursor is read by the next pass, from its creation on."""
    sim = start(
        boards=2, pins_per_board=[40, 20], bulk_analytics=False,
        quotas={"org_analytics": (26, DAY_OF_QUOTA)}, **PLAIN,
    )  # fmt: skip
    state, codes = None, []
    warehouse: dict[str, Any] = {}
    for day in range(6):
        at(monkeypatch, sim, TODAY + day * DAY)
        sim.advance(DAY_OF_QUOTA)
        if day == 2:
            sim.world.pins_per_board = [41, 20]
        run = run_tap(sim, select=BOTH, start_days_back=3, state=state, lookback_days=0)
        upsert(warehouse, run)
        state = run.states[-1]
        codes.append(run.exit_code)
    assert codes == [1, 1, 0, 1, 1, 0]
    late = sim.world.pin_id(0, 40)
    days = {key[2] for key in warehouse["pin_analytics"] if key[0] == late}
    assert set(every_day(back(3), TODAY + 2 * DAY)) <= days


def test_a_pass_with_a_gap_moves_no_bookmark_and_the_next_begins_anew(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = start(
        boards=2, pins_per_board=[40, 20], bulk_analytics=False,
        quotas={"org_analytics": (35, DAY_OF_QUOTA)}, **PLAIN,
    )  # fmt: skip
    pins = sorted(pins_of(sim.world), key=int)
    sim.world.forbidden_pins.add(pins[5])
    state, runs = None, []
    for _ in range(2):
        sim.advance(DAY_OF_QUOTA)
        run = run_tap(sim, select=BOTH, start_days_back=2, state=state)
        state = run.states[-1]
        runs.append(run)
    assert [run.exit_code for run in runs] == [1, 0]
    assert "replication_key_value" not in state_of(runs[1])
    assert not state_of(runs[1])["pass"]["open"]
    sim.world.forbidden_pins.clear()
    sim.clear()
    for _ in range(2):
        sim.advance(DAY_OF_QUOTA)
        run = run_tap(sim, select=BOTH, start_days_back=2, state=state)
        state = run.states[-1]
    assert sorted(pins_asked(sim), key=int) == pins
    assert state_of(run)["replication_key_value"] == str(back(3))


def test_a_pin_that_always_fails_does_not_stop_the_others_nor_lose_its_days(start: Any) -> None:
    sim = start(boards=1, pins_per_board=12, bulk_analytics=False, **PLAIN)
    pins = sorted(pins_of(sim.world), key=int)
    sim.faults.add(kind="server_error", path=f"/pins/{pins[4]}/", every=1)
    run = run_tap(sim, select=BOTH, start_days_back=2)
    assert run.exit_code == 1
    assert {row["pin_id"] for row in run.records("pin_analytics")} == {*pins} - {pins[4]}
    assert "replication_key_value" not in state_of(run)
    sim.faults.clear()
    again = run_tap(sim, select=BOTH, start_days_back=2, state=run.states[-1]).ok()
    check(again, sim, (back(2), back(1)))


def test_bulk_access_that_comes_during_a_pass_reads_everything(start: Any) -> None:
    sim = start(
        boards=1, pins_per_board=30, bulk_analytics=False,
        quotas={"org_analytics": (12, DAY_OF_QUOTA)}, **PLAIN,
    )  # fmt: skip
    first = run_tap(sim, select=BOTH, start_days_back=2)
    assert first.exit_code == 1
    assert state_of(first)["pass"]["open"]
    sim.world.bulk_analytics = True
    sim.advance(DAY_OF_QUOTA)
    second = run_tap(sim, select=BOTH, start_days_back=2, state=first.states[-1]).ok()
    check(second, sim, (back(2), back(1)))
    assert state_of(second)["replication_key_value"] == str(back(3))


def test_a_second_run_on_a_day_without_quota_keeps_the_place(start: Any) -> None:
    sim = start(
        boards=1, pins_per_board=30, bulk_analytics=False,
        quotas={"safety_net": (15, DAY_OF_QUOTA)}, **PLAIN,
    )  # fmt: skip
    first = run_tap(sim, select=BOTH, start_days_back=2)
    place = state_of(first)["pass"]
    for _ in range(2):
        again = run_tap(sim, select=BOTH, start_days_back=2, state=first.states[-1])
        assert again.exit_code == 1
        assert (again.states or first.states)[-1] == first.states[-1]
    sim.advance(DAY_OF_QUOTA)
    later = run_tap(sim, select=BOTH, start_days_back=2, state=first.states[-1])
    assert later.said("going on behind Pin", place["after"])


# -- the quota


def test_a_steady_run_stays_within_the_quota(start: Any) -> None:
    sim = start(
        boards=2, pins_per_board=[80, 70], bulk_analytics=False, latency=0.005, jitter=0.5,
        quotas={"org_analytics": (60, 2.0)}, **PLAIN,
    )  # fmt: skip
    run = run_tap(sim, select=BOTH, start_days_back=1).ok()
    check(run, sim, (back(1), back(1)))
    assert analytics_requests(sim) > 120
    assert {query["status"] for query in asked(sim)} == {"200", "401"}
    moments = sorted(seen.began for seen in sim.requests if "/analytics" in seen.path)
    assert moments[-1] - moments[0] < 6, "the quota was not used"


@pytest.mark.parametrize("kind", ["rate_limited", "throttled"])
def test_a_refusal_for_the_quota_loses_nothing(start: Any, kind: str) -> None:
    sim = start(boards=2, pins_per_board=20, bulk_analytics=False, **PLAIN)
    how = {"reset": 1} if kind == "rate_limited" else {"seconds": 1}
    sim.faults.add(kind=kind, path="/pins/[0-9]+/analytics", nth=9, times=1, **how)
    run = run_tap(sim, select=BOTH, start_days_back=2).ok()
    check(run, sim, (back(2), back(1)))
    assert max(Counter(pins_asked(sim)).values()) <= 2


def test_the_metric_sets_of_the_tap_are_those_of_the_api() -> None:
    from tap_pinterest.streams.pin_analytics import METRICS, SHARED

    assert set(METRICS["image"]) == set(STANDARD_METRICS)
    assert set(METRICS["video"]) == set(VIDEO_METRICS)
    assert set(SHARED) == set(STANDARD_METRICS) & set(VIDEO_METRICS)


def test_days_are_asked_for_once_per_pin(start: Any) -> None:
    sim = start(boards=1, pins_per_board=7, bulk_analytics=False, **PLAIN)
    run_tap(sim, select=BOTH, start_days_back=9, end_days_back=4).ok()
    assert set(ranges(sim)) == set()
    assert {(q["start_date"], q["end_date"]) for q in asked(sim)} == {(str(back(9)), str(back(4)))}
