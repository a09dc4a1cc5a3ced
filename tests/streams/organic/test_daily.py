"""Streams of days, night after night: nothing stays unfinished, nothing is left out."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from tests.analytics_harness import (
    DAY,
    TODAY,
    account_rows,
    asked,
    at,
    back,
    every_day,
    pin_rows,
    ranges,
    table,
    top_rows,
    upsert,
)
from tests.harness import Run, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

ACCOUNT = ["account_analytics.*"]
SMALL = {"boards": 2, "protected_boards": 0, "secret_boards": 0, "likes": None, "pins_per_board": 3}
ORDER = {"top_pins_sort_by": ["SAVE"]}


@pytest.fixture
def sim(simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """A small account, on TODAY."""
    simulator = simulate(**SMALL)
    at(monkeypatch, simulator, TODAY)
    return simulator


def bookmark(run: Run, stream: str = "account_analytics") -> dict[str, Any]:
    return dict(run.states[-1]["bookmarks"][stream])


def dates_of(run: Run, stream: str = "account_analytics") -> list[str]:
    return sorted({record["date"] for record in run.records(stream)})


def cut(run: Run, lines: int) -> tuple[Run, Any]:
    """What a target has of a run that was killed after so many lines, and the state it kept."""
    left = Run(b"".join(run.stdout.splitlines(keepends=True)[:lines]), run.log, -9)
    return left, left.states[-1] if left.states else None


# -- days become final


@pytest.mark.parametrize("lookback", [0, 14])
def test_after_some_nights_every_day_has_its_final_values(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch, lookback: int
) -> None:
    streams = ["account_analytics", "pin_analytics", "top_pins"]
    settings = {
        **ORDER,
        "start_days_back": 6,
        "end_days_back": 0,
        "lookback_days": lookback,
        "top_pins_daily": True,
        "split_fields": ["NO_SPLIT", "SOURCE"],
    }
    warehouse: dict[str, Any] = {}
    state, nights = None, 7
    for night in range(nights + 1):
        today = TODAY + night * DAY
        at(monkeypatch, sim, today)
        run = run_tap(sim, select=streams, state=state, **settings).ok()
        upsert(warehouse, run)
        state = run.states[-1]
        for stream in streams:
            # Four days are open: two PROCESSING before yesterday's and today's, two ESTIMATE.
            assert bookmark(run, stream)["replication_key_value"] == str(today - 4 * DAY)
    first, last = back(6), TODAY + nights * DAY
    world = sim.world
    days = [(date.fromisoformat(day),) * 2 for day in every_day(first, last)]
    expected = {
        "account_analytics": account_rows(world, first, last, split_fields=["NO_SPLIT", "SOURCE"]),
        "pin_analytics": pin_rows(world, first, last),
        "top_pins": top_rows(world, days, ["SAVE"]),
    }
    for stream, rows in expected.items():
        got = warehouse[stream]
        if stream == "top_pins":  # this one says when it was asked
            for row in [*rows, *got.values()]:
                row.pop("latest_available_timestamp")
        assert got == table(stream, rows), stream
    statuses = {row["date"]: row["data_status"] for row in warehouse["account_analytics"].values()}
    assert [statuses[day] for day in every_day(first, last)] == (
        ["READY"] * (len(days) - 4) + ["ESTIMATE"] * 2 + ["PROCESSING"] * 2
    )


def test_a_day_that_is_open_from_the_start_is_read_again(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if it is the only day, and the configuration has moved on to the next one."""
    settings = {"start_days_back": 1, "end_days_back": 1, "lookback_days": 0}
    first = run_tap(sim, select=ACCOUNT, **settings).ok()
    assert bookmark(first)["replication_key_value"] == str(back(2))
    at(monkeypatch, sim, TODAY + 4 * DAY)
    later = run_tap(sim, select=ACCOUNT, state=first.states[-1], **settings).ok()
    assert dates_of(later) == every_day(back(1), TODAY + 3 * DAY)


def test_lookback_reads_again_what_was_final(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = run_tap(sim, select=ACCOUNT).ok().states[-1]
    for lookback, first in ((14, back(18)), (0, back(4)), (200, back(89))):
        run = run_tap(sim, select=ACCOUNT, state=state, lookback_days=lookback).ok()
        assert dates_of(run)[0] == str(first)


def test_lookback_does_not_go_before_the_start(sim: Simulator) -> None:
    state = run_tap(sim, select=ACCOUNT, start_days_back=6).ok().states[-1]
    run = run_tap(sim, select=ACCOUNT, state=state, start_days_back=6).ok()
    assert dates_of(run) == every_day(back(6), back(1))


# -- days that are not left out


def test_a_pause_of_twenty_days_leaves_no_hole(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse: dict[str, Any] = {}
    streams = ["account_analytics", "pin_analytics"]
    settings = {"start_days_back": 10, "end_days_back": 5}
    first = run_tap(sim, select=streams, **settings).ok()
    upsert(warehouse, first)
    at(monkeypatch, sim, TODAY + 20 * DAY)
    second = run_tap(sim, select=streams, state=first.states[-1], **settings).ok()
    upsert(warehouse, second)
    days = (back(10), TODAY + 15 * DAY)
    assert warehouse["account_analytics"] == table(
        "account_analytics", account_rows(sim.world, *days)
    )
    assert warehouse["pin_analytics"] == table("pin_analytics", pin_rows(sim.world, *days))


def test_a_pause_beyond_what_pinterest_keeps_is_said(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = run_tap(sim, select=ACCOUNT).ok().states[-1]
    today = TODAY + 100 * DAY
    at(monkeypatch, sim, today)
    run = run_tap(sim, select=ACCOUNT, state=state).ok()
    assert dates_of(run) == every_day(today - 89 * DAY, today - DAY)
    lost = run.said("WARNING", "account_analytics", str(back(3)), str(today - 90 * DAY))
    assert len(lost) == 1
    again = run_tap(sim, select=ACCOUNT, state=run.states[-1]).ok()
    assert not again.said("not read in time")


def test_an_earlier_start_reads_the_older_days(sim: Simulator) -> None:
    state = run_tap(sim, select=ACCOUNT, start_days_back=10).ok().states[-1]
    run = run_tap(sim, select=ACCOUNT, state=state, start_days_back=40).ok()
    assert dates_of(run) == every_day(back(40), back(1))
    assert bookmark(run)["covered_from"] == str(back(40))
    assert run.said("account_analytics", "earlier", str(back(40)))
    again = run_tap(sim, select=ACCOUNT, state=run.states[-1], start_days_back=40).ok()
    assert dates_of(again)[0] == str(back(18))


@pytest.mark.parametrize("daily", [False, True])
def test_a_kill_at_any_line_of_a_backfill_loses_nothing(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch, daily: bool
) -> None:
    """A killed run is a beginning of its output: every place to cut it is tried."""
    stream = "top_pins" if daily else "account_analytics"
    settings = {**ORDER, "top_pins_daily": True, "top_pins_count": 2, "end_days_back": 5}
    monkeypatch.setattr("tap_pinterest.kinds.stream.PinterestStream.STATE_MSG_FREQUENCY", 3)
    before = run_tap(sim, select=[stream], start_days_back=8, **settings).ok()
    backfill = run_tap(
        sim, select=[stream], state=before.states[-1], start_days_back=14, **settings
    ).ok()
    days = [(date.fromisoformat(day),) * 2 for day in every_day(back(14), back(5))]
    expected = table(
        stream,
        top_rows(sim.world, days, ["SAVE"], count=2)
        if daily
        else account_rows(sim.world, back(14), back(5)),
    )
    outcomes: dict[str, Run] = {}
    for lines in range(len(backfill.stdout.splitlines())):
        left, state = cut(backfill, lines)
        state = state or before.states[-1]
        warehouse: dict[str, Any] = {}
        upsert(warehouse, before)
        upsert(warehouse, left)
        known = json.dumps(state, sort_keys=True)
        if known not in outcomes:
            outcomes[known] = run_tap(
                sim, select=[stream], state=state, start_days_back=14, **settings
            ).ok()
        upsert(warehouse, outcomes[known])
        assert warehouse[stream] == expected, f"killed after {lines} lines"
        assert bookmark(outcomes[known], stream)["covered_from"] == str(back(14))
    assert len(outcomes) > (5 if daily else 0)


def test_what_a_killed_run_began_is_finished_on_the_next_day(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that is relative to today has moved on by then."""
    streams = ["account_analytics", "pin_analytics"]
    settings = {"start_days_back": 3, "end_days_back": 1}
    first = run_tap(sim, select=streams, **settings).ok()
    at(monkeypatch, sim, TODAY + 2 * DAY)
    days = (back(3), TODAY + DAY)
    expected = {
        "account_analytics": table("account_analytics", account_rows(sim.world, *days)),
        "pin_analytics": table("pin_analytics", pin_rows(sim.world, *days)),
    }
    outcomes: dict[str, Run] = {}
    for lines in range(1, len(first.stdout.splitlines())):
        left, state = cut(first, lines)
        known = json.dumps(state, sort_keys=True)
        if known not in outcomes:
            outcomes[known] = run_tap(sim, select=streams, state=state, **settings).ok()
        warehouse: dict[str, Any] = {}
        upsert(warehouse, left)
        begun = {stream for stream in streams if (state or {}).get("bookmarks", {}).get(stream)}
        assert warehouse.keys() <= begun
        upsert(warehouse, outcomes[known])
        for stream in begun:
            assert warehouse[stream] == expected[stream], f"killed after {lines} lines"
    assert len(outcomes) > 2


def test_another_range_ends_an_unfinished_pass(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = simulate(**SMALL, quotas={"org_analytics": (10, 3600.0)})
    at(monkeypatch, sim, TODAY)
    settings = {"top_pins_daily": True, **ORDER}
    first = run_tap(sim, select=["top_pins"], start_days_back=40, **settings)
    assert first.exit_code == 1
    sim.advance(3600)
    sim.clear()
    state = first.states[-1]
    run = run_tap(sim, select=["top_pins"], state=state, start_days_back=5, **settings).ok()
    assert min(ranges(sim, "/top_pins")) == (back(5), back(5))
    assert bookmark(run, "top_pins")["covered_from"] == str(back(5))


def test_ranges_that_do_not_touch_leave_no_hole_between_them(sim: Simulator) -> None:
    """What lies between an older range and a younger one is read when the range spans both."""
    state = run_tap(sim, select=ACCOUNT, start_days_back=10).ok().states[-1]
    old = {"start_days_back": 60, "end_days_back": 50}
    state = run_tap(sim, select=ACCOUNT, state=state, **old).ok().states[-1]
    run = run_tap(sim, select=ACCOUNT, state=state, start_days_back=60).ok()
    assert dates_of(run) == every_day(back(60), back(1))


def test_a_range_that_is_over_asks_for_its_last_days_and_then_for_nothing(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = ["account_analytics", "pin_analytics", "pin_lifetime_analytics", "top_pins"]
    settings = {"start_date": str(back(30)), "end_date": str(back(20)), "top_pins_daily": True}
    state = run_tap(sim, select=streams, **settings).ok().states[-1]
    at(monkeypatch, sim, TODAY + 80 * DAY)
    sim.clear()
    run = run_tap(sim, select=streams, state=state, **settings).ok()
    assert set(run.counts) == {"pin_lifetime_analytics"}
    assert {(end - start).days for start, end in ranges(sim, "/analytics")} == {0}
    assert run.said("account_analytics", "nothing is read")
    assert run.states[-1] == state


def test_a_range_beyond_what_pinterest_keeps_is_cut_with_one_warning(sim: Simulator) -> None:
    run = run_tap(sim, select=ACCOUNT, start_date="2025-01-01").ok()
    assert dates_of(run) == every_day(back(89), back(1))
    cuts = run.said("WARNING", "account_analytics", "2025-01-01", str(back(89)), str(back(1)))
    assert len(cuts) == len(run.said("was asked for")) == 1
    again = run_tap(sim, select=ACCOUNT, state=run.states[-1], start_date="2025-01-01").ok()
    assert not again.said("was asked for")


def test_a_range_that_pinterest_has_dropped_reads_nothing_and_says_so(sim: Simulator) -> None:
    run = run_tap(
        sim,
        select=["account_analytics", "pin_analytics", "top_pins"],
        start_date="2025-01-01",
        end_date="2025-02-01",
    ).ok()
    assert not run.counts
    assert not ranges(sim, "analytics")
    assert not ranges(sim, "top_pins")
    for stream in ("account_analytics", "pin_analytics", "top_pins"):
        assert len(run.said("WARNING", stream, "2025-01-01 to 2025-02-01", "nothing")) == 1


# -- rows that mean something else


CHANGES: dict[str, dict[str, Any]] = {
    "filter": {"content_type": "ORGANIC"},
    "source": {"source": "YOUR_PINS"},
    "format": {"pin_format": "ORGANIC_VIDEO"},
    "claimed": {"from_claimed_content": "CLAIMED"},
    "device": {"app_types": ["MOBILE", "WEB"]},
    "split": {"split_fields": ["NO_SPLIT", "PIN_FORMAT"]},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_meaning_reads_the_range_again_and_overwrites_nothing(
    sim: Simulator, change: str
) -> None:
    warehouse: dict[str, Any] = {}
    settings = {"start_days_back": 30}
    before = run_tap(sim, select=ACCOUNT, **settings).ok()
    upsert(warehouse, before)
    after = run_tap(sim, select=ACCOUNT, state=before.states[-1], **settings, **CHANGES[change])
    upsert(warehouse, after.ok())
    days = (back(30), back(1))
    expected = table("account_analytics", account_rows(sim.world, *days))
    table("account_analytics", account_rows(sim.world, *days, **CHANGES[change]), expected)
    assert warehouse["account_analytics"] == expected
    assert len(dates_of(after)) == 30
    assert after.said("account_analytics", "read again")
    settled = run_tap(
        sim, select=ACCOUNT, state=after.states[-1], **settings, **CHANGES[change]
    ).ok()
    assert dates_of(settled)[0] == str(back(18))


def test_a_column_selected_later_gets_its_history(sim: Simulator) -> None:
    few = run_tap(sim, select=ACCOUNT, deselect=["account_analytics.save"], start_days_back=30).ok()
    assert not any("save" in record for record in few.records("account_analytics"))
    all_of_them = run_tap(sim, select=ACCOUNT, state=few.states[-1], start_days_back=30).ok()
    assert len(dates_of(all_of_them)) == 30


def test_another_account_gets_its_own_history(
    sim: Simulator, simulate: Callable[..., Simulator]
) -> None:
    streams = ["account_analytics", "pin_analytics"]
    state = run_tap(sim, select=streams, start_days_back=30).ok().states[-1]
    other = simulate(**SMALL, number=7)
    run = run_tap(other, select=streams, state=state, start_days_back=30).ok()
    for stream in streams:
        assert dates_of(run, stream) == every_day(back(30), back(1))
    partner = sim.world.accounts[list(sim.world.accounts)[1]]
    acting = run_tap(
        sim,
        select=streams,
        state=state,
        start_days_back=30,
        ad_account_id=partner.ad_account_id,
    ).ok()
    assert dates_of(acting) == every_day(back(30), back(1))
    assert acting.records("account_analytics") == account_rows(partner, back(30), back(1))


def test_an_account_that_cannot_be_asked_for_changes_nothing(sim: Simulator) -> None:
    """Tokens without that scope read Pins all the same, and go on where they were."""
    state = run_tap(sim, select=["pin_analytics"]).ok().states[-1]
    sim.faults.add(kind="unauthorized", code=3, path="/user_account$", times=None)
    run = run_tap(sim, select=["pin_analytics"], state=state).ok()
    assert dates_of(run, "pin_analytics")[0] == str(back(18))
    sim.faults.clear()
    again = run_tap(sim, select=["pin_analytics"], state=run.states[-1]).ok()
    assert dates_of(again, "pin_analytics")[0] == str(back(18))


def test_an_outage_does_not_hide_that_the_account_is_another(
    sim: Simulator, simulate: Callable[..., Simulator]
) -> None:
    state = run_tap(sim, select=["pin_analytics"]).ok().states[-1]
    sim.faults.add(kind="forbidden", path="/user_account$", times=None)
    state = run_tap(sim, select=["pin_analytics"], state=state).ok().states[-1]
    run = run_tap(simulate(**SMALL, number=7), select=["pin_analytics"], state=state).ok()
    assert dates_of(run, "pin_analytics")[0] == str(back(89))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"include_protected_pins": False}, {}),
        ({"stream_maps": {"pins": {"__filter__": "id > '2'"}}}, {}),
        ({"stream_maps": {"pin_analytics": {"__filter__": "save > 5"}}}, {}),
    ],
    ids=["protected Pins", "a filter on Pins", "a filter on rows"],
)
def test_pins_that_were_left_out_get_their_history(
    sim: Simulator, before: dict[str, Any], after: dict[str, Any]
) -> None:
    state = run_tap(sim, select=["pin_analytics"], **before).ok().states[-1]
    whole = run_tap(sim, select=["pin_analytics"], **after).ok()
    run = run_tap(sim, select=["pin_analytics"], state=state, **after).ok()
    assert run.records("pin_analytics") == whole.records("pin_analytics")


@pytest.mark.parametrize("path", ["/pins/analytics", "/user_account/analytics$", "/top_pins"])
@pytest.mark.parametrize("wrong", ["x", [None], {"ALL": 5}, {"daily_metrics": [None]}], ids=str)
def test_an_answer_of_another_shape_costs_its_stream_alone(
    sim: Simulator, path: str, wrong: Any
) -> None:
    pin = sim.world.all_pins()[0]["id"]
    bodies: dict[str, Any] = {
        "/pins/analytics": {pin: {"all": wrong}},
        "/user_account/analytics$": {"all": {"daily_metrics": wrong}},
        "/top_pins": {"pins": wrong},
    }
    sim.faults.add(kind="status", status=200, body=bodies[path], path=path, times=None)
    streams = ["account_analytics", "pin_analytics", "top_pins", "websites"]
    run = run_tap(sim, select=streams, start_days_back=3)
    assert run.crash is None, run.log
    assert "Traceback" not in run.log
    missing = [stream for stream in streams if stream not in run.counts]
    assert run.exit_code == 1
    assert len(missing) == 1
    assert missing[0] in run.last_line


def test_the_order_of_a_list_means_nothing(sim: Simulator) -> None:
    one = {"app_types": ["WEB", "ALL"], "split_fields": ["SOURCE", "NO_SPLIT", "SOURCE"]}
    other = {"app_types": ["ALL", "WEB", "ALL"], "split_fields": ["NO_SPLIT", "SOURCE"]}
    first = run_tap(sim, select=ACCOUNT, **one).ok()
    run = run_tap(sim, select=ACCOUNT, state=first.states[-1], **other).ok()
    assert dates_of(run)[0] == str(back(18))
    rows = first.records("account_analytics")
    assert len(table("account_analytics", rows)) == len(rows)


# -- incomplete runs


def test_what_was_read_in_part_moves_no_bookmark(sim: Simulator) -> None:
    sim.faults.add(
        kind="server_error", path="/user_account/analytics$", every=1,
        contains={"split_field": "SOURCE"},
    )  # fmt: skip
    settings = {"split_fields": ["NO_SPLIT", "SOURCE"], "start_days_back": 30}
    run = run_tap(sim, select=ACCOUNT, **settings)
    assert run.exit_code == 1
    assert len(run.records("account_analytics")) == 30
    assert "replication_key_value" not in bookmark(run)
    sim.faults.clear()
    again = run_tap(sim, select=ACCOUNT, state=run.states[-1], **settings).ok()
    assert len(again.records("account_analytics")) == 90


def test_a_spurious_refusal_of_the_dates_is_asked_again(sim: Simulator) -> None:
    for path in ("/user_account/analytics$", "/top_pins", "/pins/analytics"):
        sim.faults.add(kind="last_90_days", path=path, times=2)
    streams = ["account_analytics", "top_pins", "pin_analytics"]
    run = run_tap(sim, select=streams, **ORDER).ok()
    assert run.records("account_analytics") == account_rows(sim.world, back(89), back(1))
    assert set(run.counts) == set(streams)
    assert [query["status"] for query in asked(sim, "/user_account/analytics")] == ["400"] * 2 + [
        "200"
    ]


# -- top Pins


def test_top_pins_per_window_have_no_bookmark(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = None
    for night in range(3):
        at(monkeypatch, sim, TODAY + night * DAY)
        sim.clear()
        run = run_tap(sim, select=["top_pins"], state=state, start_days_back=10, **ORDER).ok()
        state = run.states[-1]
        assert ranges(sim, "/top_pins") == [(back(10 - night), back(1 - night))]
        assert bookmark(run, "top_pins") == {}


def test_a_window_does_not_depend_on_what_was_read_per_day(sim: Simulator) -> None:
    daily = {"start_days_back": 40, "top_pins_daily": True, **ORDER}
    first = run_tap(sim, select=["top_pins"], **daily).ok()
    sim.clear()
    whole = run_tap(
        sim, select=["top_pins"], state=first.states[-1], start_days_back=10, **ORDER
    ).ok()
    assert ranges(sim, "/top_pins") == [(back(10), back(1))]
    assert not whole.said("read again")
    sim.clear()
    run_tap(sim, select=["top_pins"], state=whole.states[-1], **daily).ok()
    assert min(ranges(sim, "/top_pins")) == (back(18), back(18))


def test_top_pins_per_day_go_on_where_a_quota_ended_them(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = simulate(**SMALL, quotas={"org_analytics": (30, 3600.0)})
    at(monkeypatch, sim, TODAY)
    settings = {"top_pins_daily": True, "top_pins_sort_by": ["SAVE", "IMPRESSION"]}
    warehouse: dict[str, Any] = {}
    state, runs = None, []
    while not runs or runs[-1].exit_code:
        run = run_tap(sim, select=["top_pins"], state=state, start_days_back=40, **settings)
        runs.append(run)
        upsert(warehouse, run)
        state = run.states[-1]
        sim.advance(3600)
        assert len(runs) < 5
    queries = [
        (q["start_date"], q["sort_by"]) for q in asked(sim, "/top_pins") if q["status"] == "200"
    ]
    assert len(runs) == 3
    assert len(queries) == len(set(queries)) == 80
    days = [(date.fromisoformat(day),) * 2 for day in every_day(back(40), back(1))]
    expected = table("top_pins", top_rows(sim.world, days, ["SAVE", "IMPRESSION"]))
    assert warehouse["top_pins"] == expected
    # A pass in several parts is worth as much as one in a single run.
    assert bookmark(runs[-1], "top_pins")["replication_key_value"] == str(back(4))
    assert bookmark(runs[-1], "top_pins")["covered_from"] == str(back(40))
    assert not bookmark(runs[-1], "top_pins")["pass"]["open"]


def test_days_without_top_pins_are_read_too(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = simulate(**SMALL, video_share=0)
    at(monkeypatch, sim, TODAY)
    sim.world.alter["pin"] = lambda r: r
    monkeypatch.setattr(sim.world, "is_video", lambda place: False, raising=False)
    settings = {"top_pins_daily": True, "top_video_pins_sort_by": ["SAVE"], "start_days_back": 20}
    run = run_tap(sim, select=["top_video_pins"], **settings).ok()
    assert not run.counts
    # Up to where Pinterest says that days are available.
    assert bookmark(run, "top_video_pins")["replication_key_value"] == str(back(2))
    sim.clear()
    run_tap(sim, select=["top_video_pins"], state=run.states[-1], **settings).ok()
    assert min(ranges(sim, "/top_video_pins")) == (back(16), back(16))


# -- snapshots


def test_snapshots_build_a_history(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse: dict[str, Any] = {}
    streams = ["account_snapshots", "board_snapshots"]
    state, counts = None, {}
    for night in range(3):
        today = TODAY + night * DAY
        at(monkeypatch, sim, today)
        sim.world.followers = 60 + night
        # A range is about analytics: it does not keep snapshots from being taken.
        run = run_tap(sim, select=streams, state=state, end_days_back=5).ok()
        upsert(warehouse, run)
        state = run.states[-1]
        counts[str(today)] = 60 + night
        assert bookmark(run, "account_snapshots")["replication_key_value"] == str(today)
        assert bookmark(run, "board_snapshots")["replication_key_value"] == str(today)
    account = warehouse["account_snapshots"]
    assert {key: row["follower_count"] for key, row in account.items()} == {
        (sim.world.account_id, day): count for day, count in counts.items()
    }
    boards = {
        (board["id"], day): {
            "board_id": board["id"],
            "date": day,
            **{
                name: board.get(name)
                for name in (
                    "name", "privacy", "pin_count", "follower_count", "collaborator_count",
                )
            },
        }
        for board in sim.world.all_boards()
        for day in counts
    }  # fmt: skip
    assert warehouse["board_snapshots"] == boards


def test_two_runs_on_one_day_leave_one_row_per_key(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = ["account_snapshots", "board_snapshots"]
    warehouse: dict[str, Any] = {}
    first = run_tap(sim, select=streams).ok()
    upsert(warehouse, first)
    at(monkeypatch, sim, TODAY, hour=23)
    sim.world.followers += 7
    upsert(warehouse, run_tap(sim, select=streams, state=first.states[-1]).ok())
    ((_, row),) = warehouse["account_snapshots"].items()
    assert row["follower_count"] == 67
    assert len(warehouse["board_snapshots"]) == sim.world.board_total


def test_snapshots_of_a_list_that_broke_off_move_no_bookmark(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = run_tap(sim, select=["board_snapshots"]).ok().states[-1]
    at(monkeypatch, sim, TODAY + DAY)
    sim.faults.add(kind="server_error", path="/boards$", every=1)
    run = run_tap(sim, select=["board_snapshots"], state=state)
    assert run.exit_code == 1
    assert run.states[-1] == state


def test_snapshots_give_no_reason_to_remove_older_rows(sim: Simulator) -> None:
    run = run_tap(
        sim,
        select=["account_snapshots", "board_snapshots", "account_analytics", "top_pins"],
        start_days_back=3,
    ).ok()
    assert not run.activate_versions
