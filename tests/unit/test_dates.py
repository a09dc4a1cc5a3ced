"""Ranges: what the user asks for becomes the right days, or a sentence that says what is wrong."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_pinterest import clock, settings
from tap_pinterest.plan import dates
from tap_pinterest.plan.dates import KEPT_DAYS, WINDOW_DAYS, Range
from tests.analytics_harness import DAY, TODAY, at, back, ranges
from tests.harness import run_tap

if TYPE_CHECKING:
    from tests.pinterest_api import Simulator

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
RANGES = st.tuples(DAYS, DAYS).map(lambda ends: Range(min(ends), max(ends)))

# The four menus of the old connector, and what each end may be besides.
MENUS: dict[str, tuple[dict[str, Any], Range]] = {
    "a specific date": (
        {"start_date": "2026-03-01", "end_date": "2026-03-01"},
        Range(date(2026, 3, 1), date(2026, 3, 1)),
    ),
    "one date n days back": (
        {"start_days_back": 7, "end_days_back": 7},
        Range(back(7), back(7)),
    ),
    "a range of dates": (
        {"start_date": "2026-02-01", "end_date": "2026-02-28"},
        Range(date(2026, 2, 1), date(2026, 2, 28)),
    ),
    "10 days back to 5 days back": (
        {"start_days_back": 10, "end_days_back": 5},
        Range(back(10), back(5)),
    ),
    "nothing": ({}, Range(back(89), back(1))),
    "today": ({"start_days_back": 0, "end_days_back": 0}, Range(TODAY, TODAY)),
    "a date until yesterday": ({"start_date": "2026-03-01"}, Range(date(2026, 3, 1), back(1))),
    "a date until n days back": (
        {"start_date": "2026-03-01", "end_days_back": 3},
        Range(date(2026, 3, 1), back(3)),
    ),
    "n days back until a date": (
        {"start_days_back": 20, "end_date": "2026-03-01"},
        Range(back(20), date(2026, 3, 1)),
    ),
    "a moment counts as its date": (
        {"start_date": "2026-03-01T23:59:59.9-08:00", "end_date": "2026-03-02 00:00:00Z"},
        Range(date(2026, 3, 1), date(2026, 3, 2)),
    ),
    "an end that is still to come": (
        {"start_days_back": 2, "end_date": "2027-01-01"},
        Range(back(2), TODAY),
    ),
}


@pytest.mark.parametrize("menu", MENUS)
def test_a_menu_means_these_days(menu: str) -> None:
    config, expected = MENUS[menu]
    assert not list(dates.problems(config, TODAY))
    assert dates.asked(config, TODAY) == expected


@pytest.mark.parametrize("menu", MENUS)
def test_a_menu_asks_for_these_days(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch, menu: str
) -> None:
    config, expected = MENUS[menu]
    at(monkeypatch, sim, TODAY)
    run = run_tap(sim, select=["account_analytics"], **config).ok()
    assert ranges(sim) == [(expected.first, expected.last)]
    days = [record["date"] for record in run.records("account_analytics")]
    assert days == [str(day.first) for day in expected.days()]


WRONG: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "both forms of the start": (
        {"start_date": "2026-03-01", "start_days_back": 3},
        ("`start_date`", "`start_days_back`", "both"),
    ),
    "both forms of the end": (
        {"end_date": "2026-03-01", "end_days_back": 0},
        ("`end_date`", "`end_days_back`", "both"),
    ),
    "no such day": ({"start_date": "2026-02-30"}, ("`start_date`", "exists", "2026-02-30")),
    "no date": ({"end_date": "yesterday"}, ("`end_date`", "'yesterday'")),
    "no such moment": ({"start_date": "2026-03-01T25:00"}, ("`start_date`", "25:00")),
    "another calendar": ({"start_date": "2026-W05-1"}, ("`start_date`", "2026-W05-1")),
    "without dashes": ({"start_date": "20260301"}, ("`start_date`", "20260301")),
    "empty text": ({"end_date": ""}, ("`end_date`",)),
    "negative": ({"start_days_back": -1}, ("`start_days_back`", "from 0")),
    "negative end": ({"end_days_back": -3}, ("`end_days_back`", "from 0")),
    "far back": ({"start_days_back": 10**9}, ("`start_days_back`", "3650")),
    "end before start": (
        {"start_date": "2026-03-05", "end_date": "2026-03-01"},
        ("empty", "2026-03-05", "2026-03-01"),
    ),
    "end further back": ({"start_days_back": 5, "end_days_back": 10}, ("empty", "02-28")),
    "start today, end yesterday": ({"start_days_back": 0}, ("yesterday", "`end_days_back: 0`")),
    "start to come": ({"start_date": "2026-12-01"}, ("empty", "2026-12-01")),
    "negative lookback": ({"lookback_days": -1}, ("`lookback_days`", "negative")),
    "a fraction": ({"start_days_back": 1.5}, ("`start_days_back`", "whole number")),
    "a word": ({"end_days_back": "5"}, ("`end_days_back`", "whole number")),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_before_anything_is_asked(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    config, words = WRONG[case]
    at(monkeypatch, sim, TODAY)
    run = run_tap(sim, select=["account_analytics"], **config)
    assert run.exit_code != 0
    assert run.said(*words), run.log
    assert not run.stdout
    assert not sim.requests
    assert "Traceback" not in run.log


@given(span=RANGES, most=st.integers(1, 200))
def test_windows_cover_exactly_and_never_exceed(span: Range, most: int) -> None:
    windows = list(span.windows(most))
    covered = [day.first for window in windows for day in window.days()]
    assert covered == [span.first + n * DAY for n in range((span.last - span.first).days + 1)]
    assert all(0 <= (window.last - window.first).days < most for window in windows)
    assert all((window.last - window.first).days == most - 1 for window in windows[:-1])


@given(span=RANGES)
def test_the_days_of_a_range(span: Range) -> None:
    assert [(day.first, day.last) for day in span.days()] == [
        (window.first, window.last) for window in span.windows(1)
    ]
    assert not list(Range(span.last + DAY, span.first).windows(7))
    assert not Range(span.last + DAY, span.first)
    assert span


ENDS = st.one_of(
    st.none(),
    st.integers(-5, 4000),
    st.dates(date(2015, 1, 1), date(2027, 12, 31)).map(str),
    st.sampled_from(["2026-02-30", "2026-3-1", "2026-03-01T00:00", "x", ""]),
)


@given(start=ENDS, end=ENDS, today=DAYS)
def test_whatever_is_configured_is_days_or_a_sentence(start: Any, end: Any, today: date) -> None:
    config = {
        f"{name}_{'days_back' if isinstance(value, int) else 'date'}": value
        for name, value in (("start", start), ("end", end))
    }
    problems = list(dates.problems(config, today))
    if problems:
        for name, sentence in problems:
            assert name in settings.SETTINGS["properties"]
            assert sentence.endswith(".")
    else:
        asked = dates.asked(config, today)
        assert asked
        assert asked.last <= today
        if isinstance(start, int):
            assert asked.first == today - timedelta(days=start)
        if isinstance(end, int):
            assert asked.last == today - timedelta(days=end)


@given(text=st.text(max_size=30))
def test_only_dates_are_dates(text: str) -> None:
    try:
        day = dates.parse(text)
    except ValueError:
        return
    assert text.startswith(day.isoformat())


@pytest.mark.parametrize("end_days_back", [0, 1])
def test_all_that_pinterest_keeps_is_one_window_and_never_90_full_days_back(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch, end_days_back: int
) -> None:
    at(monkeypatch, sim, TODAY)
    run = run_tap(
        sim,
        select=["account_analytics", "pin_analytics", "top_pins", "top_video_pins"],
        end_days_back=end_days_back,
    ).ok()
    for ending in ("/user_account/analytics", "/pins/analytics", "/top_pins", "/top_video_pins"):
        for first, last in ranges(sim, ending):
            assert (TODAY - first).days <= KEPT_DAYS == 89
            assert (last - first).days < WINDOW_DAYS == 90
    assert set(ranges(sim)) == {(back(89), back(end_days_back))}
    assert not run.said("was asked for")


def test_midnight_passes_while_the_tap_runs(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was the 89th day when the run started is refused after midnight: it is left out."""
    at(monkeypatch, sim, TODAY, hour=23)
    pins = sim.world.all_pins

    def midnight(*args: Any, **kwargs: Any) -> Any:
        at(monkeypatch, sim, TODAY + DAY, hour=0)
        return pins(*args, **kwargs)

    monkeypatch.setattr(sim.world, "all_pins", midnight, raising=False)
    run = run_tap(sim, select=["account_snapshots", "pin_analytics"]).ok()
    assert clock.today() == TODAY + DAY
    assert set(ranges(sim, "/pins/analytics")) == {(back(88), back(1))}
    assert {seen.status for seen in sim.requests} == {200}
    # The run's day is the one on which it started.
    assert [record["date"] for record in run.records("account_snapshots")] == [str(TODAY)]


def test_seconds_before_midnight_the_day_that_is_about_to_go_is_not_asked_for(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request may be on its way until after midnight."""
    at(monkeypatch, sim, TODAY, hour=23, minute=59)
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + 30)
    run = run_tap(
        sim,
        select=["account_analytics", "top_pins"],
        start_days_back=89,
        top_pins_daily=True,
        top_pins_sort_by=["SAVE"],
    ).ok()
    assert ranges(sim) == [(back(88), back(1))]
    assert min(ranges(sim, "top_pins")) == (back(88), back(88))
    assert len(run.said("account_analytics", str(back(89)), str(back(88)), "89 days")) == 1
