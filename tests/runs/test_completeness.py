"""A record without its key is not emitted, is named, and leaves its stream and all that hangs on it
incomplete: no ACTIVATE_VERSION, exit code 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_pinterest.kinds.lists import ListStream
from tap_pinterest.streams import STREAMS
from tests.harness import run_tap
from tests.kinds import representatives

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Seen, Simulator

LISTS = {
    stream.declared_name(): stream
    for stream in STREAMS
    if issubclass(stream, ListStream)
    and not stream.declared_name().startswith("search")
    and (not stream.part_by or stream in representatives().values())
}
"""Lists; of those that ad accounts have one of each kind."""

MISSING: dict[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
    "null": lambda record, key: record | {key: None},
    "empty": lambda record, key: record | {key: ""},
    "absent": lambda record, key: {name: record[name] for name in record if name != key},
    "an object": lambda record, key: record | {key: {"a": 1}},
}


def sent_key(name: str) -> str:
    """The part of a stream's key that the API sends."""
    stream = LISTS[name]
    return next(key for key in reversed(stream.primary_keys) if key not in stream.parent_fields)


@pytest.fixture
def sim(simulate: Callable[..., Simulator]) -> Simulator:
    return simulate(boards=4, secret_boards=1, pins_per_board=4, sections_per_board=2, followers=6)


def spoil(sim: Simulator, path: str, how: str, key: str) -> Any:
    """Let the first record of a list come without its key."""

    def edit(answer: Any, _: Seen) -> Any:
        records = answer if isinstance(answer, list) else answer["items"]
        if records:
            records[0] = MISSING[how](records[0], key)
        return answer

    rule = sim.faults.add(path=path, kind="without_days")
    rule.edit = edit
    return rule


def path_of(name: str) -> str:
    path = LISTS[name].path
    for placeholder in ("board_id", "section_id", "id", "username", "ad_account_id"):
        path = path.replace(f"{{{placeholder}}}", "[^/]+")
    return f"/v5{path}$"


@pytest.mark.parametrize("how", MISSING)
@pytest.mark.parametrize("name", LISTS)
def test_a_record_without_its_key_leaves_its_stream_incomplete(
    sim: Simulator, name: str, how: str
) -> None:
    complete = run_tap(sim, select=[name]).ok().counts[name]
    rule = spoil(sim, path_of(name), how, key := sent_key(name))
    run = run_tap(sim, select=[name, "account"], max_concurrency=1)
    assert rule.fired
    assert run.exit_code == 1
    assert run.counts.get(name, 0) == complete - 1
    assert f"{name}: " in run.last_line
    assert f"a record has no `{key}`" in run.last_line
    assert [stream for stream, _ in run.activate_versions] == ["account"]
    assert "Traceback" not in run.log


@pytest.mark.parametrize("how", MISSING)
@pytest.mark.parametrize("selected", [True, False])
@pytest.mark.parametrize("stream", ["board_pins", "board_section_pins", "board_sections"])
def test_what_hangs_on_a_board_without_an_id_is_incomplete(
    sim: Simulator, stream: str, selected: bool, how: str
) -> None:
    complete = run_tap(sim, select=[stream]).ok()
    spoil(sim, "/v5/boards$", how, "id")
    run = run_tap(sim, select=[stream, "account", *(["boards"] if selected else [])])
    assert run.exit_code == 1
    assert "boards: a record has no `id`" in run.last_line
    assert [name for name, _ in run.activate_versions] == ["account"]
    lost = next(iter(sim.world.all_boards()))["id"]
    assert run.records(stream) == [
        row for row in complete.records(stream) if row["board_id"] != lost
    ]


def test_snapshots_of_what_has_no_key_move_no_bookmark(sim: Simulator) -> None:
    spoil(sim, "/v5/boards$", "null", "id")
    run = run_tap(sim, select=["board_snapshots"])
    assert run.exit_code == 1
    assert run.counts["board_snapshots"] == sim.world.board_total - 1
    assert "replication_key_value" not in run.states[-1]["bookmarks"].get("board_snapshots", {})


@pytest.mark.parametrize("how", ["null", "empty", "absent"])
def test_an_account_without_an_id_moves_no_bookmark(sim: Simulator, how: str) -> None:
    def edit(answer: Any, _: Seen) -> Any:
        return MISSING[how](answer, "id")

    sim.faults.add(path="/v5/user_account$", kind="without_days", times=None).edit = edit
    streams = ["account", "account_snapshots", "account_analytics", "top_pins"]
    run = run_tap(sim, select=streams, start_days_back=3)
    assert run.exit_code == 1
    assert run.counts == {}
    assert not run.activate_versions
    assert all(f"{stream}: " in run.last_line for stream in streams)
    for stream in streams:
        bookmark = run.states[-1]["bookmarks"].get(stream, {})
        assert "replication_key_value" not in bookmark


@pytest.mark.parametrize("value", [None, [None], {}, "x"], ids=str)
def test_likes_are_incomplete_where_their_board_may_be_among_odd_ones(
    sim: Simulator, value: Any
) -> None:
    sim.faults.add(path="/v5/boards$", kind="member", name="items", value=value, times=None)
    run = run_tap(sim, select=["likes"])
    assert run.exit_code == 1
    assert "likes: " in run.last_line
    assert "'Your Pinterest Likes'" in run.last_line
    assert not run.activate_versions
