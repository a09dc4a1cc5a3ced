"""What speed rests on, without a clock: which requests are sent, and how many at once."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tap_pinterest.streams import STREAMS
from tests.harness import ALL, FOUNDATION, run_tap
from tests.kinds import representatives
from tests.streams.test_streams import QUERIES, without_moments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_pinterest.kinds.stream import PinterestStream
    from tests.conftest import Everything
    from tests.pinterest_api import Simulator

BOARDS = 12
ACCOUNT = {"boards": BOARDS, "protected_boards": 0, "secret_boards": 0, "likes": None}


def kinds(paths: Iterable[str]) -> set[str]:
    """The paths that were asked for, ids left out."""
    return {
        "/".join("*" if part.isdecimal() else part for part in path.split("/")[2:])
        for path in paths
    }


# -- nothing that is not needed


# What a stream asks for beside, or instead of, its path and those above it.
SPECIAL: dict[str, set[str]] = {
    "account": {"user_account"},
    "account_analytics": {"user_account", "user_account/analytics"},
    "account_snapshots": {"user_account"},
    "board_snapshots": {"boards"},
    "following_interests": {"user_account", "users/simulated_user/interests/follow"},
    "likes": {"boards"},
    "pin_analytics": {"pins", "pins/analytics", "user_account"},
    "pin_lifetime_analytics": {"pins", "pins/analytics"},
    "top_pins": {"user_account", "user_account/analytics/top_pins"},
    "top_video_pins": {"user_account", "user_account/analytics/top_video_pins"},
}


def needs(stream: type[PinterestStream]) -> set[str]:
    """The paths that a stream asks for when it is read alone, ids left out."""
    name = stream.declared_name()
    paths, above = SPECIAL.get(name, set()), stream if name not in SPECIAL else None
    while above is not None:
        paths = paths | {re.sub(r"{\w+}", "*", above.path).strip("/")}
        for beside in above.also_below:
            paths |= needs(beside)
        above = above.parent_stream_type
    return paths


BY_NAME = {stream.declared_name(): stream for stream in STREAMS}


@pytest.mark.parametrize("stream", sorted(representatives().keys() | SPECIAL))
def test_a_stream_alone_sends_only_its_requests(
    simulate: Callable[..., Simulator], stream: str
) -> None:
    sim = simulate(**ACCOUNT)
    run_tap(sim, select=[stream], search_queries=["a"], start_days_back=2).ok()
    assert kinds(sim.paths()) == needs(BY_NAME[stream])


def test_all_streams_together_send_only_theirs(everything: Everything) -> None:
    asked = kinds(seen.path for seen in everything.requests)
    assert asked == set().union(*map(needs, STREAMS)) | {"boards/*/pins"}


def test_deselected_children_cost_no_request(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(**ACCOUNT)
    children = [
        name
        for name, stream in BY_NAME.items()
        if any(path.startswith("boards/") for path in needs(stream))
    ]
    assert len(children) == 3
    run_tap(sim, select=ALL, deselect=children, search_queries=["a"], start_days_back=2)
    assert not [kind for kind in kinds(sim.paths()) if kind.startswith("boards/")]


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
    run = run_tap(sim, select=ALL, search_queries=QUERIES, start_days_back=2)
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
