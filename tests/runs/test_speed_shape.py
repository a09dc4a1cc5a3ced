"""What speed rests on, without a clock: which requests are sent, and how many at once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import ALL, FOUNDATION, discover, run_tap
from tests.streams.test_streams import QUERIES, without_moments

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

BOARDS = 12
ACCOUNT = {"boards": BOARDS, "protected_boards": 0, "secret_boards": 0, "likes": None}


def kinds(sim: Simulator) -> set[str]:
    """The paths that were asked for, ids left out."""
    return {
        "/".join("*" if part.isdecimal() else part for part in path.split("/")[2:])
        for path in sim.paths()
    }


# -- nothing that is not needed


NEEDS = {
    "account": {"user_account"},
    "account_snapshots": {"user_account"},
    "board_pins": {"boards", "boards/*/pins"},
    "board_section_pins": {"boards", "boards/*/sections", "boards/*/sections/*/pins"},
    "board_sections": {"boards", "boards/*/sections"},
    "board_snapshots": {"boards"},
    "boards": {"boards"},
    "followers": {"user_account/followers"},
    "following_boards": {"user_account/following/boards"},
    "following_interests": {"user_account", "users/simulated_user/interests/follow"},
    "following_users": {"user_account/following"},
    "likes": {"boards"},
    "linked_businesses": {"user_account/businesses"},
    "media": {"media"},
    "pin_analytics": {"pins", "pins/analytics", "user_account"},
    "pin_lifetime_analytics": {"pins", "pins/analytics"},
    "pins": {"pins"},
    "search_boards": {"search/boards"},
    "search_pins": {"search/pins"},
    "websites": {"user_account/websites"},
}


@pytest.mark.parametrize("stream", NEEDS)
def test_a_stream_alone_sends_only_its_requests(
    simulate: Callable[..., Simulator], stream: str
) -> None:
    sim = simulate(**ACCOUNT)
    run_tap(sim, select=[stream], search_queries=["a"]).ok()
    assert kinds(sim) == NEEDS[stream]


def test_deselected_children_cost_no_request(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(**ACCOUNT)
    children = [name for name, needs in NEEDS.items() if len(needs) > 1 and "boards" in needs]
    assert len(children) == 3
    run_tap(sim, select=ALL, deselect=children, search_queries=["a"])
    assert not [kind for kind in kinds(sim) if kind.startswith("boards/")]


def test_discovery_asks_nothing(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(**ACCOUNT)
    run_tap(sim, args=["--discover"]).ok()
    assert not sim.requests
    assert run_tap(sim, select=[], search_queries=["a"]).exit_code == 1
    assert not sim.requests


def test_named_boards_are_not_looked_for(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(**ACCOUNT)
    wanted = [sim.world.board_id(index) for index in (2, 7)]
    run_tap(sim, select=["board_pins"], board_ids=wanted).ok()
    assert sim.paths() == Counter(f"/v5/boards/{board}/pins" for board in wanted)
    sim.clear()
    run_tap(sim, select=["boards", "board_pins"], board_ids=wanted).ok()
    assert sim.paths() == Counter(["/v5/boards", *(f"/v5/boards/{board}/pins" for board in wanted)])


def test_nothing_is_asked_for_twice(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(boards=30, followers=600, pins_per_board=[260, 3, 0])
    run = run_tap(sim, select=ALL, search_queries=QUERIES)
    asked = Counter((seen.path, tuple(sorted(seen.query))) for seen in sim.requests)
    # Whether analytics may be asked in bulk is found out with one Pin; that one is a question more.
    assert {question for question, times in asked.items() if times > 1} == set(), run.log


def test_pages_are_as_large_as_the_api_allows(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(boards=3, pins_per_board=501, followers=501, likes=None)
    run_tap(sim, select=["board_pins", "followers"]).ok()
    boards = 3 + sim.world.protected_boards + sim.world.secret_boards
    assert sim.paths()["/v5/user_account/followers"] == 3
    assert len(sim.requests) == 1 + 3 * boards + 3


# -- as many at once as allowed


@pytest.mark.parametrize("most", [1, 3, None])
def test_requests_at_once_are_bounded(simulate: Callable[..., Simulator], most: int | None) -> None:
    sim = simulate(boards=40, pins_per_board=2, latency=0.05)
    run_tap(sim, select=FOUNDATION, search_queries=["a"], max_concurrency=most).ok()
    bound = most or 8
    # How near it comes to the bound is up to the machine; that it does not stay far below is not.
    assert bound / 2 < sim.peak_in_flight <= bound


# -- as fast as the quota, and no faster


@pytest.mark.parametrize("concurrency", [1, 8, 64])
def test_a_small_quota_is_used_up_but_never_overrun(
    simulate: Callable[..., Simulator], concurrency: int
) -> None:
    sim = simulate(**ACCOUNT, pins_per_board=3, quotas={"org_read": (6, 1.0)})
    run = run_tap(sim, select=["boards", "board_pins"], max_concurrency=concurrency).ok()
    assert run.counts == {"boards": BOARDS, "board_pins": BOARDS * 3}
    assert len(sim.requests) == 1 + BOARDS
    assert {seen.status for seen in sim.requests} == {200}
    began = [seen.began for seen in sim.requests]
    # Thirteen requests take three windows of six; whoever waits longer sleeps over a window.
    assert began[-1] - began[0] < 10


# -- a fault among many requests in flight


@pytest.mark.parametrize(
    "faults",
    [
        [{"kind": "server_error", "every": 5, "times": None}],
        [{"kind": "reset", "every": 7, "times": None}],
        [{"kind": "rate_limited", "nth": 9, "reset": 1}],
    ],
    ids=["server error", "reset", "refused for the quota"],
)
def test_what_heals_leaves_no_trace(
    simulate: Callable[..., Simulator], faults: list[dict[str, Any]]
) -> None:
    def run(concurrency: int, faults: list[dict[str, Any]]) -> Any:
        sim = simulate(boards=24, pins_per_board=[3, 0, 260, 1])
        for fault in faults:
            sim.faults.add(**fault)
        return without_moments(
            run_tap(
                sim, select=["boards", "board_pins", "followers"], max_concurrency=concurrency
            ).ok()
        )

    assert run(1, []) == run(1, faults) == run(16, faults)


@pytest.mark.parametrize(
    "fault",
    [{"kind": "not_found"}, {"kind": "forbidden"}, {"kind": "unauthorized", "code": 7}],
    ids=lambda fault: fault["kind"],
)
@pytest.mark.parametrize("which", [0, 11, 23])
def test_a_board_that_fails_among_others_fails_alone(
    simulate: Callable[..., Simulator], fault: dict[str, Any], which: int
) -> None:
    def run(concurrency: int) -> Any:
        sim = simulate(boards=24, pins_per_board=3)
        sim.faults.add(path=f"/boards/{sim.world.board_id(which)}/pins", times=None, **fault)
        told = run_tap(sim, select=["boards", "board_pins"], max_concurrency=concurrency)
        return told.exit_code, without_moments(told)

    alone, many = run(1), run(16)
    assert alone == many
    assert len(many[1]["board_pins"]) > 23 * 3


def test_the_table_of_needs_is_complete() -> None:
    names = {entry["tap_stream_id"] for entry in discover()["streams"]}
    # The rest reads one answer per window and cannot ask for less.
    assert names - set(NEEDS) == {"account_analytics", "top_pins", "top_video_pins"}
