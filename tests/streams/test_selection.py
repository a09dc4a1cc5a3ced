"""What is not wanted is not asked for and does not leave; settings say which rows are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import FOUNDATION, catalog_for, discover, expected, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

# What a stream asks for, beside the pins of each board.
PATHS = {
    "account": {"/v5/user_account"},
    "boards": {"/v5/boards"},
    "board_pins": {"/v5/boards"},
    "followers": {"/v5/user_account/followers"},
    "following_boards": {"/v5/user_account/following/boards"},
    "following_interests": {"/v5/user_account", "/v5/users/simulated_user/interests/follow"},
    "following_users": {"/v5/user_account/following"},
    "likes": {"/v5/boards"},
    "pins": {"/v5/pins"},
    "search_boards": {"/v5/search/boards"},
    "search_pins": {"/v5/search/pins"},
}


def asked(sim: Simulator) -> set[str]:
    return {path for path in sim.paths() if not path.endswith("/pins") or path == "/v5/pins"} | {
        path for path in sim.paths() if path == "/v5/search/pins"
    }


def boards_looked_into(sim: Simulator) -> int:
    return sum(path.startswith("/v5/boards/") for path in sim.paths())


# -- streams


@pytest.mark.parametrize("stream", FOUNDATION)
def test_only_what_is_selected_is_asked_for(sim: Simulator, stream: str) -> None:
    run = run_tap(sim, select=[stream], search_queries=["a"]).ok()
    assert asked(sim) == PATHS[stream]
    looked_into = {"board_pins": sim.world.board_total, "likes": 1}.get(stream, 0)
    assert boards_looked_into(sim) == looked_into
    assert {message.get("stream") for message in run.messages} - {None} == {stream}


@pytest.mark.parametrize("stream", FOUNDATION)
def test_what_is_deselected_is_not_asked_for(
    simulate: Callable[..., Simulator], stream: str
) -> None:
    sim = simulate(boards=2, pins_per_board=1)
    run = run_tap(sim, select=FOUNDATION, deselect=[stream], search_queries=["a"]).ok()
    others = set(FOUNDATION) - {stream}
    assert asked(sim) == set().union(*(PATHS[other] for other in others))
    assert set(run.schemas) == others
    assert others <= set(run.states[-1]["bookmarks"]) <= others | {"boards"}


def test_nothing_selected_asks_for_nothing(sim: Simulator) -> None:
    for catalog in ({"streams": []}, catalog_for([])):
        run = run_tap(sim, catalog=catalog)
        assert run.exit_code == 1, "a typing error in the selection must not look like success"
        assert "No stream is selected" in run.last_line
        assert run.messages == []
    assert sim.requests == []


def test_without_a_catalog_the_defaults_are_read(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(boards=2, protected_boards=0, secret_boards=0, pins_per_board=1)
    days = {"start_days_back": 3, "end_days_back": 2}
    run = run_tap(sim, **days).ok()
    by_default = {
        entry["tap_stream_id"]
        for entry in discover()["streams"]
        if entry["metadata"][-1]["metadata"].get("selected-by-default")
    }
    assert set(run.schemas) == by_default
    assert set(FOUNDATION) - by_default == {"likes", "search_boards", "search_pins"}
    assert run_tap(sim, catalog=discover(), **days).ok().counts == run.counts


def test_the_username_is_asked_for_once(sim: Simulator) -> None:
    run_tap(sim, select=["account", "following_interests"]).ok()
    assert sim.paths()["/v5/user_account"] == 1


# -- fields


def test_selecting_one_field_leaves_the_key_and_it(sim: Simulator) -> None:
    run = run_tap(
        sim, select=["boards.name", "board_pins.title", "board_pins.media.images.600x"]
    ).ok()
    assert {frozenset(record) for record in run.records("boards")} == {frozenset({"id", "name"})}
    keys = {frozenset(record) for record in run.records("board_pins")}
    assert frozenset({"board_id", "id", "title", "media"}) in keys or keys
    assert set().union(*keys) <= {"board_id", "id", "title", "media"}


def test_the_key_alone_can_be_selected(sim: Simulator) -> None:
    run = run_tap(sim, select=["boards.id"]).ok()
    assert run.records("boards") == [{"id": board["id"]} for board in sim.world.all_boards()]
    assert list(run.schemas["boards"]["schema"]["properties"]) == ["id"]


def test_deselected_fields_stay_and_unknown_ones_with_them(sim: Simulator) -> None:
    sim.world.alter["pin"] = lambda r: r | {"new_thing": 1}
    run = run_tap(
        sim,
        select=["pins", "board_pins"],
        deselect=["pins.description", "pins.media.images.600x.url"],
    ).ok()
    known = set(run.schemas["board_pins"]["schema"]["properties"])
    for record in run.records("pins"):
        assert record.keys() <= known - {"description"}
        assert "url" not in record["media"].get("images", {}).get("600x", {})
    assert "description" not in run.schemas["pins"]["schema"]["properties"]
    assert all("new_thing" in record for record in run.records("board_pins"))
    assert any("description" in record for record in run.records("board_pins"))


def test_keys_cannot_be_deselected(sim: Simulator) -> None:
    run = run_tap(sim, select=["boards"], deselect=["boards.id"]).ok()
    assert all(record["id"] for record in run.records("boards"))


def test_children_work_whatever_fields_their_parents_leave(sim: Simulator) -> None:
    run = run_tap(sim, select=["boards.name", "board_pins"]).ok()
    assert run.records("board_pins") == expected(sim.world, "board_pins")


def test_a_catalog_with_an_old_schema_keeps_new_fields(sim: Simulator) -> None:
    catalog = discover()
    for entry in catalog["streams"]:
        entry["schema"]["properties"].pop("name", None)
        entry["metadata"] = [
            meta for meta in entry["metadata"] if meta["breadcrumb"] != ["properties", "name"]
        ]
        entry["metadata"][-1]["metadata"]["selected"] = entry["tap_stream_id"] == "boards"
    run = run_tap(sim, catalog=catalog).ok()
    assert run.records("boards") == expected(sim.world, "boards")
    assert len(run.said("Field name: not in the schema yet")) == 1


# -- whose data


def test_ad_account_id_acts_as_its_owner(sim: Simulator) -> None:
    partner = next(w for w in sim.world.accounts.values() if w is not sim.world)
    run = run_tap(
        sim, select=FOUNDATION, search_queries=["a"], ad_account_id=partner.ad_account_id
    ).ok()
    skipped = {"followers", "following_interests"}
    for stream in set(FOUNDATION) - skipped:
        assert run.records(stream) == expected(partner, stream, search_queries=["a"]), stream
    assert all(seen.params()["ad_account_id"] == partner.ad_account_id for seen in sim.requests)
    for stream in skipped:
        assert run.records(stream) == []
        (line,) = run.said("WARNING", f"Stream {stream} is skipped")
        assert "`ad_account_id`" in line
    assert set(run.schemas) == set(FOUNDATION)


def test_an_ad_account_of_somebody_else(sim: Simulator) -> None:
    run = run_tap(sim, select=["boards"], ad_account_id="12345")
    assert run.exit_code == 1
    assert "HTTP 403" in run.last_line
    assert "Traceback" not in run.log


# -- settings that choose rows


@pytest.mark.parametrize("feed", ["ALL", "RANKED", "CREATOR_ONLY", "RANKED_CREATOR_ONLY"])
@pytest.mark.parametrize("explicit", [True, False])
def test_following(sim: Simulator, feed: str, explicit: bool) -> None:
    options: dict[str, Any] = {"following_feed_type": feed, "explicit_following": explicit}
    run = run_tap(sim, select=["following_users", "following_boards"], **options).ok()
    for stream in ("following_users", "following_boards"):
        assert run.records(stream) == expected(sim.world, stream, **options)


@pytest.mark.parametrize("protected", [True, False, None])
def test_protected_pins_are_read_unless_told_otherwise(sim: Simulator, protected: Any) -> None:
    run = run_tap(sim, select=["pins"], include_protected_pins=protected).ok()
    wanted = protected is not False
    assert run.records("pins") == expected(sim.world, "pins", include_protected_pins=wanted)
    protected_boards = {board["id"] for board in sim.world.all_boards("PROTECTED")}
    assert any(record["board_id"] in protected_boards for record in run.records("pins")) == wanted


def test_pin_metrics_come_on_demand(sim: Simulator) -> None:
    streams = ["pins", "board_pins"]
    plain, rich = (run_tap(sim, select=streams, pin_metrics=on).ok() for on in (False, True))
    for stream in streams:
        assert not any(record["pin_metrics"] for record in plain.records(stream))
        assert rich.records(stream) == expected(sim.world, stream, pin_metrics=True)
        assert any(record["pin_metrics"] for record in rich.records(stream))


def test_the_board_of_likes_may_have_another_name(sim: Simulator) -> None:
    sim.world.alter["board"] = lambda r: (
        r | {"name": "Mes likes"} if r["name"] == "Your Pinterest Likes" else r
    )
    found = run_tap(sim, select=["likes"], likes_board_name="Mes likes").ok()
    assert len(found.records("likes")) == 5
    lost = run_tap(sim, select=["likes"]).ok()
    assert lost.counts == {}
    assert "likes" in lost.schemas
    assert len(lost.said("no secret board named 'Your Pinterest Likes'")) == 1


def test_likes_ask_for_secret_boards_themselves(sim: Simulator) -> None:
    run_tap(sim, select=["likes", "boards"], board_privacy="PUBLIC").ok()
    listed = [seen.params()["privacy"] for seen in sim.requests if seen.path == "/v5/boards"]
    assert sorted(listed) == ["PUBLIC", "SECRET"]


def test_searching_without_queries(sim: Simulator) -> None:
    run = run_tap(sim, select=["search_boards", "search_pins"]).ok()
    assert run.counts == {}
    assert not sim.paths()
    for stream in ("search_boards", "search_pins"):
        assert len(run.said("WARNING", f"{stream} is skipped", "`search_queries`")) == 1
    assert set(run.schemas) == {"search_boards", "search_pins"}


def test_each_distinct_query_is_asked_once(sim: Simulator) -> None:
    queries = ["kitchen", " kitchen", "garden", "kitchen", "100 % & ü+?#/"]
    run = run_tap(sim, select=["search_pins", "search_boards"], search_queries=queries).ok()
    distinct = ["kitchen", "garden", "100 % & ü+?#/"]
    for stream, path in (
        ("search_pins", "/v5/search/pins"),
        ("search_boards", "/v5/search/boards"),
    ):
        asked_for = [s.params()["query"] for s in sim.requests if s.path == path]
        assert list(dict.fromkeys(asked_for)) == distinct
        assert run.records(stream) == expected(sim.world, stream, search_queries=distinct)
    assert all("page_size" not in s.params() for s in sim.requests if s.path == "/v5/search/pins")


def test_a_pin_found_by_two_queries_is_two_rows(sim: Simulator) -> None:
    run = run_tap(sim, select=["search_pins"], search_queries=["kitchens", "kitchen"]).ok()
    keys = [(record["query"], record["id"]) for record in run.records("search_pins")]
    assert len(keys) == len(set(keys)) > len({identity for _, identity in keys}) > 0
