"""What analytics say is what Pinterest says: rows, keys, schemas, requests, and sums in a target."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator, FormatChecker

from tap_pinterest.settings import VIDEO_RANKINGS
from tests.analytics_harness import (
    TODAY,
    account_rows,
    asked,
    at,
    back,
    every_day,
    keys_of,
    lifetime_rows,
    pin_rows,
    table,
    top_rows,
)
from tests.harness import Run, environment, files, run_tap
from tests.loading.test_targets import ask_duckdb
from tests.pinterest_api.metrics import ACCOUNT_METRICS, TOP_VIDEO_METRICS
from tests.streams.test_requests import SPEC, Description

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

SORTS = ("ENGAGEMENT", "IMPRESSION", "OUTBOUND_CLICK", "PIN_CLICK", "SAVE")
ANALYTICS = [
    "account_analytics",
    "account_snapshots",
    "board_snapshots",
    "pin_analytics",
    "pin_lifetime_analytics",
    "top_pins",
    "top_video_pins",
]
WEEK = {"start_days_back": 7, "end_days_back": 0}
FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "devices": {"app_types": ["ALL", "WEB"]},
    "claimed": {"from_claimed_content": "CLAIMED"},
    "format": {"pin_format": "ORGANIC_VIDEO"},
    "paid": {"content_type": "PAID"},
    "own": {"source": "YOUR_PINS"},
    "all of them": {
        "from_claimed_content": "OTHER",
        "content_type": "ORGANIC",
        "pin_format": "ORGANIC_IMAGE",
        "source": "OTHER_PINS",
        "app_types": ["TABLET"],
    },
}

FORMATS = FormatChecker(())


@FORMATS.checks("date", raises=ValueError)
def is_date(value: Any) -> bool:
    """A date as targets parse it."""
    return not isinstance(value, str) or (
        re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None and bool(date.fromisoformat(value))
    )


def check(run: Run) -> None:
    """Each record fits the SCHEMA before it, and its key is its own."""
    validators: dict[str, Draft7Validator] = {}
    seen: dict[str, set[Any]] = {}
    for message in run.messages:
        stream = message.get("stream")
        if message["type"] == "SCHEMA":
            assert tuple(message["key_properties"]) == keys_of(stream)
            assert "null" not in {
                kind
                for key in message["key_properties"]
                for kind in message["schema"]["properties"][key]["type"]
            }
            validators[stream] = Draft7Validator(message["schema"], format_checker=FORMATS)
        elif message["type"] == "RECORD":
            record = message["record"]
            for error in validators[stream].iter_errors(record):
                pytest.fail(f"{stream}: {error.message} at {list(error.path)} in {record}")
            key = tuple(record[name] for name in keys_of(stream))
            assert key not in seen.setdefault(stream, set()), f"{stream}: {key} comes twice"
            seen[stream].add(key)


@pytest.fixture
def sim(simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch) -> Simulator:
    simulator = simulate(boards=4, pins_per_board=[30, 3])
    at(monkeypatch, simulator, TODAY)
    return simulator


# -- the account


@pytest.mark.parametrize("filters", FILTERS)
def test_account_analytics_are_what_the_api_says(sim: Simulator, filters: str) -> None:
    splits = ["NO_SPLIT", "APP_TYPE", "OWNED_CONTENT", "SOURCE", "PIN_FORMAT"]
    settings = {**FILTERS[filters], "split_fields": splits}
    run = run_tap(sim, select=["account_analytics"], **WEEK, **settings).ok()
    expected = account_rows(sim.world, back(7), TODAY, **settings)
    assert run.records("account_analytics") == expected
    check(run)


def test_all_days_of_the_account(sim: Simulator) -> None:
    run = run_tap(sim, select=["account_analytics"], end_days_back=0).ok()
    rows = run.records("account_analytics")
    assert rows == account_rows(sim.world, back(89), TODAY)
    metrics = {name.lower() for name in ACCOUNT_METRICS}
    for row in rows:
        # What Pinterest does not know yet is null, and no number is made of it.
        have = {name for name in metrics if row[name] is not None}
        assert have == metrics or row["data_status"] == "PROCESSING"
        assert (row["date"] == str(TODAY)) == (not have)
    assert [row["data_status"] for row in rows[-5:]] == (
        ["READY"] + ["ESTIMATE"] * 2 + ["PROCESSING"] * 2
    )


def test_the_parts_of_a_split_add_up_to_the_whole(sim: Simulator) -> None:
    splits = ["NO_SPLIT", "APP_TYPE", "OWNED_CONTENT", "SOURCE", "PIN_FORMAT"]
    run = run_tap(sim, select=["account_analytics"], split_fields=splits, start_days_back=20).ok()
    sums: dict[str, dict[str, int]] = {}
    for row in run.records("account_analytics"):
        days = sums.setdefault(row["split_field"], {})
        days[row["date"]] = days.get(row["date"], 0) + row.get("impression", 0)
    assert set(sums) == set(splits)
    for split, days in sums.items():
        final = {day: count for day, count in days.items() if day < str(back(3))}
        assert final == {day: sums["NO_SPLIT"][day] for day in final}, split


def test_a_metric_that_nobody_knows_yet_arrives(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = sim.world.account_analytics

    def answer(*args: Any, **kwargs: Any) -> Any:
        parts = known(*args, **kwargs)
        for row in parts["all"]["daily_metrics"]:
            row["metrics"]["NEW_METRIC"] = 2**60 + 1
        return parts

    monkeypatch.setattr(sim.world, "account_analytics", answer, raising=False)
    run = run_tap(sim, select=["account_analytics"], **WEEK).ok()
    assert {row["new_metric"] for row in run.records("account_analytics")} == {2**60 + 1}
    assert len(run.said("WARNING", "new_metric")) == 1


# -- top Pins


@pytest.mark.parametrize("filters", FILTERS)
def test_top_pins_are_what_the_api_says(sim: Simulator, filters: str) -> None:
    settings = {**FILTERS[filters], "top_pins_count": 7}
    run = run_tap(sim, select=["top_pins", "top_video_pins"], **WEEK, **settings).ok()
    window = [(back(7), TODAY)]
    how = {**FILTERS[filters], "count": 7}
    assert run.records("top_pins") == top_rows(sim.world, window, SORTS, **how)
    assert set(VIDEO_RANKINGS) == set(TOP_VIDEO_METRICS)
    expected = top_rows(sim.world, window, VIDEO_RANKINGS, video=True, **how)
    assert run.records("top_video_pins") == expected
    check(run)


def test_top_pins_by_default_are_one_window_in_all_orders_with_fifty_pins(sim: Simulator) -> None:
    sim.world.pins_per_board = 30
    run = run_tap(sim, select=["top_pins"]).ok()
    rows = run.records("top_pins")
    assert {(row["start_date"], row["end_date"]) for row in rows} == {(str(back(89)), str(back(1)))}
    assert {row["sort_by"] for row in rows} == set(SORTS)
    assert max(row["rank"] for row in rows) == 50
    assert [query["num_of_pins"] for query in asked(sim, "/top_pins")] == ["50"] * 5
    assert len(rows) == 250


def test_top_pins_per_day(sim: Simulator) -> None:
    settings = {"top_pins_daily": True, "top_pins_sort_by": ["SAVE", "PIN_CLICK"]}
    run = run_tap(sim, select=["top_pins"], **WEEK, **settings).ok()
    days = [(date.fromisoformat(day),) * 2 for day in every_day(back(7), TODAY)]
    assert run.records("top_pins") == top_rows(sim.world, days, ["SAVE", "PIN_CLICK"])
    status = {row["end_date"]: row["save_status"] for row in run.records("top_pins")}
    assert status[str(back(4))] == "READY"
    assert status[str(back(3))] == "ESTIMATE"
    check(run)


# -- everything


@pytest.mark.parametrize("messy", [True, False])
def test_records_fit_their_schema_and_requests_the_description(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch, messy: bool
) -> None:
    sim = simulate(boards=4, pins_per_board=[70, 3], messy=messy)
    at(monkeypatch, sim, TODAY)
    settings = {
        **WEEK,
        "app_types": ["ALL", "MOBILE"],
        "split_fields": ["NO_SPLIT", "SOURCE"],
        "content_type": "ORGANIC",
        "top_pins_daily": messy,
    }
    run = run_tap(sim, select=ANALYTICS, **settings).ok()
    check(run)
    assert set(run.schemas) == set(run.counts) == set(ANALYTICS)
    sim.world.bulk_analytics = False
    check(run_tap(sim, select=ANALYTICS[3:5], **settings).ok())
    if SPEC:
        description = Description(json.loads(Path(SPEC).read_text("utf-8")))
        for seen in sim.requests:
            path = seen.path.removeprefix("/v5")
            assert not description.problems(seen.method, path, seen.query), (path, seen.query)


@pytest.mark.parametrize("stream", ANALYTICS)
def test_a_stream_can_be_read_alone(sim: Simulator, stream: str) -> None:
    run = run_tap(sim, select=[stream], **WEEK).ok()
    assert set(run.schemas) == set(run.counts) == {stream}
    check(run)


def test_sums_in_a_warehouse_are_those_of_the_account(
    sim: Simulator, target_duckdb: Path, tmp_path: Path
) -> None:
    """Two nights into a real target, summed there."""
    settings = {"start_days_back": 30, "top_pins_daily": True, "top_pins_sort_by": ["SAVE"]}
    streams = [*ANALYTICS[:6]]
    database = tmp_path / "rows.duckdb"
    settings_of_target = {"filepath": str(database), "default_target_schema": "main"}
    load = [str(target_duckdb), *files(tmp_path, config=settings_of_target)]
    state = None
    for _ in range(2):
        run = run_tap(sim, select=streams, state=state, **settings).ok()
        subprocess.run(load, input=run.stdout, env=environment(), check=True, timeout=60)
        state = run.states[-1]
    days = (back(30), back(1))
    rows = {
        "account_analytics": account_rows(sim.world, *days),
        "pin_analytics": pin_rows(sim.world, *days),
        "pin_lifetime_analytics": lifetime_rows(sim.world),
        "top_pins": top_rows(
            sim.world, [(date.fromisoformat(day),) * 2 for day in every_day(*days)], ["SAVE"]
        ),
    }
    sums = {
        "account_analytics": ("impression", "save", "engagement", "pin_click"),
        "pin_analytics": ("impression", "save", "video_v50_watch_time", "user_follow"),
        "pin_lifetime_analytics": ("total_comments", "total_reactions"),
        "top_pins": ("save", "rank"),
    }
    queries = [
        f"SELECT count(*), {', '.join(f'sum({column})' for column in columns)} FROM {stream}"
        for stream, columns in sums.items()
    ]
    *found, snapshots = ask_duckdb(
        target_duckdb, database, *queries, "SELECT count(*) FROM board_snapshots"
    )
    for (stream, columns), (totals,) in zip(sums.items(), found, strict=True):
        expected = table(stream, rows[stream]).values()
        assert [int(total) for total in totals] == [
            len(expected),
            *(sum(row.get(column) or 0 for row in expected) for column in columns),
        ], stream
    assert snapshots == [[sim.world.board_total]]
