"""Records as no description has them: each odd value costs itself, and the run says so."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.harness import catalog_for, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator


@pytest.fixture
def sim(simulate: Callable[..., Simulator]) -> Simulator:
    return simulate(boards=5, secret_boards=0, pins_per_board=2, messy=False)


def verbatim(text: str) -> msgspec.Raw:
    """A value that the simulator writes as it is given."""
    return msgspec.Raw(text.encode())


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (verbatim("1e5000"), "a number of absurd size (1e5000…)"),
        (verbatim("1e99999999"), "a number of absurd size (1e99999999…)"),
        (verbatim("9" * 100_000), "a number of absurd size (" + "9" * 20),
        ("1e9999999", "the text '1e9999999'"),
        ("1_000", "the text '1_000'"),
        ("٣", "the text '٣'"),
        ({"password": "hunter2"}, "an object"),
    ],
    ids=lambda value: str(value)[:16],
)
@pytest.mark.parametrize("maps", [None, {"*": {"a": "'b'"}}], ids=["", "mapped"])
def test_a_number_that_is_none_costs_itself(
    sim: Simulator, value: Any, told: str, maps: Any
) -> None:
    boards = list(sim.world.all_boards())
    first = boards[0]["id"]
    odd = {"pin_count": value, "new": {"a": [value, 1]}}
    sim.world.alter["board"] = lambda board: board | (odd if board["id"] == first else {})
    run = run_tap(sim, select=["boards", "board_pins"], stream_maps=maps).ok()
    assert [record["pin_count"] for record in run.records("boards")] == [
        None if board["id"] == first else board["pin_count"] for board in boards
    ]
    assert {pin["board_id"] for pin in run.records("board_pins")} >= {
        board["id"] for board in boards if board["pin_count"]
    }
    assert run.said("WARNING", "boards", f"Field pin_count: the API sent {told}")
    assert run.said("did not fit the schema and became null")
    assert "hunter2" not in run.log + run.stdout.decode()


def test_every_selected_field_is_in_every_record_in_the_order_of_the_schema(
    sim: Simulator,
) -> None:
    sim.world.alter["board"] = lambda board: (
        dict(reversed(board.items())) if int(board["id"]) % 2 else {"id": board["id"]}
    )
    run = run_tap(sim, select=["boards"], deselect=["boards.owner", "boards.name"]).ok()
    columns = [*run.schemas["boards"]["schema"]["properties"]]
    assert "pin_count" in columns
    assert not {"owner", "name"} & {*columns}
    assert run.counts["boards"] > 2
    assert all([*record] == columns for record in run.records("boards"))


def test_times_in_every_form_leave_with_their_zone(sim: Simulator) -> None:
    forms = (1623145038, 1623145038.0, "1623145038", 1623145038000, "2021-06-08T09:37:18")
    turn = itertools.cycle(forms)
    sim.world.alter["board"] = lambda board: (
        board | {"created_at": next(turn), "board_pins_modified_at": "2021-06-08"}
    )
    run = run_tap(sim, select=["boards"]).ok()
    records = run.records("boards")
    assert len(records) >= len(forms)
    assert {record["created_at"] for record in records} == {"2021-06-08T09:37:18Z"}
    assert {record["board_pins_modified_at"] for record in records} == {"2021-06-08T00:00:00Z"}


def test_a_real_account_has_no_field_that_is_not_in_the_schema(
    simulate: Callable[..., Simulator],
) -> None:
    """The simulator sends what accounts were seen to send, and what release 5.28 added.

    But for linked businesses: a field of theirs stands for those that nobody knows.
    """
    sim = simulate(boards=6, pins_per_board=12, messy=True)
    images = {"originals": {"width": 1, "height": 1, "url": "u"}}
    added = {"ai_disclosures": {"values": ["AI_MODIFIED"]}, "is_product": False}
    sim.world.alter["pin"] = lambda pin: (
        pin
        | added
        | {"board_owner": {"username": "anna", "id": "1"}}
        | {"media": pin["media"] | {"video_url_hls": "u", "items": [{"images": images}]}}
    )
    run = run_tap(
        sim,
        select=["*"],
        deselect=["linked_businesses*"],
        start_days_back=2,
        end_days_back=1,
        search_queries=["a"],
    )
    assert run.counts["pins"] > 20
    assert run.said("not in the schema yet") == []


def keys_only(select: list[str]) -> dict[str, Any]:
    """A catalog that knows keys and bookmarks alone: made by hand, or before the fields were declared."""
    catalog = catalog_for(select)
    for entry in catalog["streams"]:
        fields = entry["schema"]["properties"]
        keys = [name for name in (*entry["key_properties"], entry.get("replication_key")) if name]
        entry["schema"]["properties"] = {name: fields[name] for name in keys}
        entry["metadata"] = [
            meta
            for meta in entry["metadata"]
            if not meta["breadcrumb"] or meta["breadcrumb"][1] in keys
        ]
    return catalog


@pytest.mark.parametrize(
    "value", [5, 1.5, "x", True, [], [1], {}, {"a": [1]}, "9999-99-99", "2026-01-01T"], ids=repr
)
def test_what_no_catalog_gives_a_type_may_be_anything(sim: Simulator, value: Any) -> None:
    """The tap itself looks at such fields, too: at the time of creation, the kind of media."""
    streams = ["pins", "boards", "board_pins", "pin_analytics", "account_analytics", "top_pins"]

    def odd(record: dict[str, Any]) -> dict[str, Any]:
        return dict.fromkeys(record, value) | {"id": record["id"]}

    sim.world.alter |= {"pin": odd, "board": odd}
    day = {"date": "2021-06-01", "data_status": value, "metrics": {"SAVE": value}}
    top = {"pins": [{"pin_id": "1", "data_status": {"SAVE": value}, "metrics": {"SAVE": value}}]}
    bodies = {
        "/user_account/analytics$": {
            "all": {"daily_metrics": [day, {**day, "date": "2021-06-02"}]}
        },
        "/top_pins$": top | {"date_availability": {"latest_available_timestamp": value}},
        "/pins/.*analytics": {"all": {"daily_metrics": [day], "lifetime_metrics": value}},
    }
    for path, body in bodies.items():
        sim.faults.add(path=path, kind="status", status=200, body=body, times=None)
    run = run_tap(sim, catalog=keys_only([*streams, "pin_lifetime_analytics"]), start_days_back=5)
    assert run.crash is None
    assert "Traceback" not in run.log
    assert run.counts["boards"] == len(sim.world.all_boards())
    assert run.counts["pins"] >= len(sim.world.all_pins())
