"""The world looks like a life: counts agree, some Pins are hits, weeks have weekends."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from statistics import mean, median

import pytest

from tests.pinterest_api import World
from tests.pinterest_api.client import TODAY

DAYS = [TODAY - timedelta(days=back) for back in range(5, 89)]


@pytest.fixture
def world() -> World:
    return World(boards=12, pins_per_board=30, today=TODAY)


def test_the_account_counts_what_its_lists_have(world: World) -> None:
    world.removed_boards.add(world.board_id(1))
    world.removed_pins |= {world.pin_id(0, 0), world.pin_id(0, 3)}
    account = world.account()
    assert account["board_count"] == len(world.all_boards())
    assert account["pin_count"] == len(world.all_pins(include_protected_pins=True))
    assert account["follower_count"] == len(world.all_followers())
    assert account["following_count"] == len(world.all_following())
    for board in world.all_boards():
        assert board["pin_count"] == len(world.pins_of(board["id"]))
    world.today = TODAY + timedelta(days=9)  # when all of these days are final
    rows = world.account_analytics(TODAY - timedelta(days=30), TODAY - timedelta(days=1))
    shown = sum(row["metrics"]["IMPRESSION"] for row in rows["all"]["daily_metrics"])
    assert account["monthly_views"] == shown


def test_names_differ_and_fit_their_board(world: World) -> None:
    boards = Counter(board["name"] for board in world.all_boards())
    assert boards.most_common(1)[0][1] == 1
    users = [user["username"] for user in [*world.all_followers(), *world.all_following()]]
    assert len(set(users)) == len(users)
    titles = {pin.get("title") for pin in world.pins_of(world.board_id(2))}
    assert "Tomatoes in a railing box" in titles
    assert "Lemon pasta in 20 minutes" not in titles


def test_a_few_pins_are_hits(world: World) -> None:
    seen = sorted(
        sum(world.daily_metrics(pin["id"], on)["IMPRESSION"] for on in DAYS[:14])
        for pin in world.all_pins()
    )
    assert seen[-1] > 15 * median(seen)
    assert sum(seen[-len(seen) // 10 :]) > sum(seen) / 3


def test_videos_differ(world: World) -> None:
    videos = [
        pin["id"]
        for pin in world.all_pins()
        if world.is_video(world.pin_place(pin["id"]) or (0, 0))
    ]
    watched = {
        round(mean(world.daily_metrics(pin, on)["VIDEO_AVG_WATCH_TIME"] for on in DAYS), -2)
        for pin in videos[:40]
    }
    assert len(watched) > 5


def test_weekends_are_busy_and_the_account_grows(world: World) -> None:
    answer = world.account_analytics(DAYS[-1], DAYS[0])["all"]["daily_metrics"]
    seen = {date.fromisoformat(row["date"]): row["metrics"]["IMPRESSION"] for row in answer}
    weekend = [count for on, count in seen.items() if on.weekday() > 4]
    assert mean(weekend) > 1.15 * mean(seen[on] for on in seen if on.weekday() < 4)
    assert mean(seen[on] for on in DAYS[:28]) > 1.05 * mean(seen[on] for on in DAYS[-28:])
