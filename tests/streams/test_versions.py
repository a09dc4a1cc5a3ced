"""What is gone can go downstream: ACTIVATE_VERSION after a complete read, and only then."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import FOUNDATION, Run, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

QUERIES = ["a", "kitchen"]
WHOLE = tuple(stream for stream in FOUNDATION if not stream.startswith("search"))
"""What is read whole; searches find what their queries say, and so a part."""


def check_versions(run: Run, *replaced: str) -> None:
    """One ACTIVATE_VERSION per stream that is replaced, after its last record, of its version."""
    sent = Counter(stream for stream, _ in run.activate_versions)
    assert sent == Counter(replaced), run.log
    versions: dict[str, int] = {}
    for message in run.messages:
        stream = message.get("stream")
        if message["type"] == "RECORD" and stream in replaced:
            assert stream not in versions, f"{stream}: a record after its ACTIVATE_VERSION"
        if message["type"] == "ACTIVATE_VERSION":
            versions[stream] = message["version"]
    for stream in replaced:
        found = {message.get("version") for message in run.of("RECORD", stream)}
        assert found <= {versions[stream]}, stream


def test_a_complete_read_ends_with_one(sim: Simulator) -> None:
    run = run_tap(sim, select=FOUNDATION, search_queries=QUERIES).ok()
    check_versions(run, *WHOLE)
    assert all(run.counts[stream] for stream in FOUNDATION)


def test_the_version_rises_from_run_to_run(sim: Simulator) -> None:
    first, second = (run_tap(sim, select=["account"]).ok() for _ in range(2))
    ((_, before),) = first.activate_versions
    ((_, after),) = second.activate_versions
    assert isinstance(before, int)
    assert 10**9 < before < after < 2**53


def test_children_send_one_for_all_batches(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(boards=260, pins_per_board=[1, 0], empty_pages=2)
    run = run_tap(sim, select=["boards", "board_pins"]).ok()
    check_versions(run, "boards", "board_pins")


def test_children_of_deselected_parents_send_theirs(sim: Simulator) -> None:
    check_versions(run_tap(sim, select=["board_pins"]).ok(), "board_pins")


def test_empty_streams_send_theirs(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(
        boards=0, protected_boards=0, secret_boards=0, likes=None, followers=0, following_users=0
    )
    run = run_tap(sim, select=["boards", "board_pins", "followers", "pins", "following_users"]).ok()
    assert run.counts == {}
    check_versions(run, "boards", "board_pins", "followers", "pins", "following_users")


def test_without_a_likes_board_nothing_vanishes(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(likes=None)
    run = run_tap(sim, select=["likes", "account"]).ok()
    check_versions(run, "account")
    assert "likes" in run.schemas
    assert len(run.said("Your Pinterest Likes")) == 1


@pytest.mark.parametrize("on", [True, False, "alone"])
def test_the_setting_says_when(sim: Simulator, on: Any) -> None:
    run = run_tap(
        sim, select=FOUNDATION, search_queries=QUERIES, emit_activate_version_messages=on
    ).ok()
    check_versions(run, *(FOUNDATION if on == "alone" else WHOLE if on else ()))
    assert any("version" in message for message in run.of("RECORD")) == bool(on)


@pytest.mark.parametrize(
    ("fault", "incomplete"),
    [
        ({"kind": "server_error", "path": "/v5/pins", "nth": 2}, {"pins"}),
        ({"kind": "server_error", "path": "/following$"}, {"following_users"}),
        ({"kind": "status", "status": 400, "path": "/search/boards"}, {"search_boards"}),
        ({"kind": "forbidden", "path": "/v5/user_account$"}, {"account", "following_interests"}),
        ({"kind": "not_found", "path": r"/boards/\d+/pins", "nth": 5}, {"board_pins"}),
        ({"kind": "server_error", "path": r"/boards/\d+/pins", "nth": 4}, {"board_pins"}),
        ({"kind": "server_error", "path": r"/v5/boards$", "nth": 2}, {"boards", "board_pins"}),
    ],
    ids=lambda value: value["path"] if isinstance(value, dict) else "",
)
def test_an_incomplete_read_sends_none(
    simulate: Callable[..., Simulator], fault: dict[str, Any], incomplete: set[str]
) -> None:
    sim = simulate(boards=3, pins_per_board=[3, 1], empty_pages=2)
    sim.faults.add(times=None, **fault)
    streams = [stream for stream in FOUNDATION if stream != "likes"]
    run = run_tap(sim, select=streams, search_queries=QUERIES, max_concurrency=1)
    check_versions(run, *(set(WHOLE) & set(streams) - incomplete))
    # The records that did come still carry the version: what arrived replaces what was there.
    for stream in incomplete & set(WHOLE):
        assert all("version" in message for message in run.of("RECORD", stream))


@pytest.mark.parametrize(
    ("settings", "streams", "skipped"),
    [
        ({"ad_account_id": "OWN"}, ["followers", "following_interests", "boards"], 2),
        ({}, ["search_pins", "boards"], 1),
    ],
)
def test_a_skipped_stream_sends_none(
    sim: Simulator, settings: dict[str, Any], streams: list[str], skipped: int
) -> None:
    if "ad_account_id" in settings:
        settings = {"ad_account_id": sim.world.ad_account_id}
    run = run_tap(sim, select=streams, emit_activate_version_messages="alone", **settings).ok()
    check_versions(run, *streams[skipped:])
    assert set(run.schemas) == set(streams)
    assert len(run.said("WARNING", "is skipped: ")) == skipped


def test_renamed_and_removed_streams(sim: Simulator) -> None:
    maps = {"account": {"__alias__": "me"}, "boards": None, "pins": {"__filter__": "is_owner"}}
    run = run_tap(sim, select=["account", "boards", "pins"], stream_maps=maps).ok()
    # Of Pins, a filter lets some pass: the others are not gone.
    assert [stream for stream, _ in run.activate_versions] == ["me"]


def test_a_run_of_one_record_per_stream_replaces_nothing(
    simulate: Callable[..., Simulator],
) -> None:
    run = run_tap(simulate(pins_per_board=2), args=["--test"])
    assert {stream for stream, _ in run.activate_versions} <= {"account"}
