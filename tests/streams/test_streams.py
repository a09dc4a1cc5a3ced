"""What leaves is what the API sent: every record of every stream, against schema and oracle."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft4Validator, Draft7Validator, FormatChecker

from tests.harness import FOUNDATION, Run, discover, expected, run_tap
from tests.pinterest_api import World
from tests.pinterest_api.noise import ADJECTIVES, NOUNS, REMARKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Everything
    from tests.pinterest_api import Simulator

QUERIES = ["kitchen", "été", "garden ideas 🌿", "no such thing"]
# Worlds that differ in what they hold and how it is cut into pages of at most 250.
WORLDS: dict[str, dict[str, Any]] = {
    "messy": {"boards": 5, "pins_per_board": [251, 1, 0, 3], "followers": 501},
    "tidy": {"messy": False, "pins_per_board": 7, "following_interests": 500},
    "many boards": {"boards": 250, "pins_per_board": [1, 0, 0], "protected_boards": 3},
    "empty pages": {"empty_pages": 2, "boards": 6, "followers": 251, "pins_per_board": [252, 2, 1]},
    "emptier": {"empty_pages": 3, "boards": 1, "pins_per_board": [510, 0], "likes": None},
    "empty": {
        "boards": 0,
        "protected_boards": 0,
        "secret_boards": 0,
        "likes": None,
        "followers": 0,
        "following_users": 0,
        "following_boards": 0,
        "following_interests": 0,
    },
}
SETTINGS: dict[str, dict[str, Any]] = {
    "everything": {"search_queries": QUERIES, "pin_metrics": True},
    "restricted": {
        "board_privacy": "PUBLIC_AND_SECRET",
        "following_feed_type": "RANKED_CREATOR_ONLY",
        "explicit_following": True,
        "include_protected_pins": False,
        "search_queries": ["a", "a", " a ", "é"],
    },
}


FORMATS = FormatChecker(())


@FORMATS.checks("date-time", raises=ValueError)
def is_date_time(value: Any) -> bool:
    """RFC 3339, as strict targets check it: a zone must be there."""
    return not isinstance(value, str) or (
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value) is not None
        and datetime.fromisoformat(value) is not None
    )


def check_records(run: Run, keys: dict[str, tuple[str, ...]]) -> None:
    """Every record fits the SCHEMA before it, and its keys are there and its own."""
    validators: dict[str, list[Any]] = {}
    seen: dict[str, set[Any]] = {}
    for message in run.messages:
        stream = message.get("stream")
        if message["type"] == "SCHEMA":
            assert tuple(message["key_properties"]) == keys[stream]
            validators[stream] = [
                Draft7Validator(message["schema"], format_checker=FORMATS),
                Draft4Validator(message["schema"]),
            ]
        elif message["type"] == "RECORD":
            record = message["record"]
            for validator in validators[stream]:
                for error in validator.iter_errors(record):
                    pytest.fail(f"{stream}: {error.message} at {list(error.path)} in {record}")
            key = tuple(record[name] for name in keys[stream])
            assert all(isinstance(part, str | int) for part in key), (stream, key)
            assert key not in seen.setdefault(stream, set()), f"{stream}: {key} comes twice"
            seen[stream].add(key)


@pytest.fixture(scope="module")
def keys() -> dict[str, tuple[str, ...]]:
    return {
        entry["tap_stream_id"]: tuple(entry["key_properties"]) for entry in discover()["streams"]
    }


@pytest.mark.parametrize(
    ("world", "settings"),
    [*((world, "everything") for world in WORLDS), ("messy", "restricted"), ("tidy", "restricted")],
)
def test_nothing_is_lost_or_changed(
    simulate: Callable[..., Simulator], keys: Any, world: str, settings: str
) -> None:
    sim, options = simulate(**WORLDS[world]), SETTINGS[settings]
    run = run_tap(sim, select=FOUNDATION, **options).ok()
    check_records(run, keys)
    expectation = options | {
        "search_queries": [query.strip() for query in options["search_queries"]]
    }
    for stream in FOUNDATION:
        assert run.records(stream) == expected(sim.world, stream, **expectation), stream
    assert set(run.schemas) == set(FOUNDATION)
    assert not run.said("did not fit")
    assert run.counts.get("board_pins", 0) > 0 or world == "empty"


def test_every_stream_has_records_and_they_fit_its_schema(
    everything: Everything, keys: Any
) -> None:
    check_records(everything.run, keys)
    assert set(everything.run.schemas) == set(keys), "a selected stream has no SCHEMA"
    assert set(everything.run.counts) == set(keys), "give the account something for each stream"


def test_times_have_a_zone(sim: Simulator) -> None:
    run = run_tap(sim, select=FOUNDATION).ok()
    times = [
        record[name]
        for stream in ("boards", "pins", "board_pins", "likes", "following_boards")
        for record in run.records(stream)
        for name in ("created_at", "board_pins_modified_at")
        if record.get(name)
    ]
    assert len(times) > 100
    assert all(time.endswith("Z") and time[10] == "T" for time in times)


def test_ids_beyond_a_double_stay_apart(sim: Simulator) -> None:
    run = run_tap(sim, select=["pins.*"]).ok()
    ids = [record["id"] for record in run.records("pins")]
    assert len(set(ids)) == len(ids) > len({float(identity) for identity in ids})
    assert all(isinstance(identity, str) and int(identity) > 2**53 for identity in ids)


def test_counts_are_exact_integers(sim: Simulator) -> None:
    sim.world.alter["account"] = lambda r: r | {"monthly_views": 2**60 + 1, "follower_count": 9700}
    run = run_tap(sim, select=["account.*"]).ok()
    assert b'"monthly_views":1152921504606846977' in run.stdout
    assert b'"follower_count":9700,' in run.stdout


def test_all_kinds_of_text_arrive(sim: Simulator) -> None:
    run = run_tap(sim, select=["pins.*"]).ok()
    text = "\n".join(
        str(record.get(name)) for record in run.records("pins") for name in ("title", "description")
    )
    assert all(word in text for word in (*ADJECTIVES, *NOUNS, *REMARKS))


def test_unknown_fields_survive_and_are_named_once(sim: Simulator) -> None:
    sim.world.alter["board"] = lambda r: r | {"new_thing": {"a": [1.5, None]}}
    run = run_tap(sim, select=["boards.*"]).ok()
    assert all(r["new_thing"] == {"a": [1.5, None]} for r in run.records("boards"))
    assert len(run.said("boards", "Field new_thing:")) == 1


def test_a_record_without_its_key_is_named_and_left_out(sim: Simulator) -> None:
    gone, short = sim.world.board_id(1), sim.world.board_id(2)
    sim.world.alter["board"] = lambda r: (
        r | {"id": None}
        if r["id"] == gone
        else {name: value for name, value in r.items() if name != "id"}
        if r["id"] == short
        else r
    )
    run = run_tap(sim, select=["boards.*"])
    assert run.exit_code == 1
    assert not run.activate_versions
    assert len(run.records("boards")) == sim.world.board_total - 2
    assert all(record["id"] for record in run.records("boards"))
    assert len(run.said("ERROR", "Stream boards is incomplete", "a record has no `id`")) == 2


def test_wandering_types_become_what_the_schema_says(sim: Simulator) -> None:
    sim.world.alter["board"] = lambda r: (
        r
        | {
            "id": int(r["id"]),
            "pin_count": "9700",
            "follower_count": 9700.0,
            "created_at": "2021-06-08 09:37:18",
            "is_ads_only": "false",
            "name": 12,
            "description": {"text": "x"},
        }
    )
    run = run_tap(sim, select=["boards.*", "board_pins.*"]).ok()
    for record, source in zip(run.records("boards"), World.all_boards(sim.world), strict=True):
        assert record["id"] == str(source["id"])
        assert record["pin_count"] == record["follower_count"] == 9700
        assert type(record["follower_count"]) is int
        assert record["created_at"] == "2021-06-08T09:37:18Z"
        assert record["is_ads_only"] is False
        assert record["name"] == "12"
        assert record["description"] == '{"text":"x"}'
    assert len(run.records("board_pins")) == sum(
        sim.world.pins_on(i) for i in range(sim.world.board_total)
    )


def test_what_does_not_fit_is_null_and_said_once(sim: Simulator) -> None:
    sim.world.alter["board"] = lambda r: r | {"created_at": "yesterday", "media": "none"}
    run = run_tap(sim, select=["boards.*"]).ok()
    assert {(r["created_at"], r["media"]) for r in run.records("boards")} == {(None, None)}
    assert len(run.said("Field created_at:", "yesterday")) == 1
    assert run.said("boards", f"{2 * sim.world.board_total} values did not fit")


def test_an_empty_account_has_tables(simulate: Callable[..., Simulator]) -> None:
    run = run_tap(simulate(**WORLDS["empty"]), select=FOUNDATION, search_queries=["a"]).ok()
    assert run.counts == {"account": 1}
    assert [m["stream"] for m in run.of("SCHEMA")].count("board_pins") == 1
    assert set(run.schemas) == set(FOUNDATION)


@pytest.mark.parametrize("stream", FOUNDATION)
def test_a_stream_can_be_read_alone(
    simulate: Callable[..., Simulator], keys: Any, stream: str
) -> None:
    sim = simulate(pins_per_board=3)
    run = run_tap(sim, select=[stream], search_queries=["a"]).ok()
    assert set(run.schemas) == set(run.counts) == {stream}
    check_records(run, keys)
    assert run.records(stream) == expected(sim.world, stream, search_queries=["a"])


def without_moments(run: Run) -> dict[str, list[Any]]:
    by_stream: dict[str, list[Any]] = {}
    for message in run.messages:
        kept = {k: v for k, v in message.items() if k not in ("time_extracted", "version")}
        by_stream.setdefault(message.get("stream") or "STATE", []).append(kept)
    return by_stream


def test_concurrency_changes_nothing_but_the_time(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(
        boards=30, pins_per_board=lambda i: (i * 7) % 31, latency=0.004, jitter=1, empty_pages=2
    )
    one = run_tap(sim, select=FOUNDATION, search_queries=QUERIES, max_concurrency=1).ok()
    assert sim.peak_in_flight == 1
    many = run_tap(sim, select=FOUNDATION, search_queries=QUERIES, max_concurrency=16).ok()
    assert 1 < sim.peak_in_flight <= 16
    assert without_moments(one) == without_moments(many)
    assert [m["type"] for m in one.messages] == [m["type"] for m in many.messages]
