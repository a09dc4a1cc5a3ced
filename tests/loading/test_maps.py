"""Stream maps and flattening do what the SDK promises, and our short way out equals its long one."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk import Stream

from tap_pinterest.kinds.stream import PinterestStream
from tap_pinterest.settings.checks import SHORTEST_NAME
from tests.harness import Run, expected, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

MAPS: dict[str, dict[str, Any]] = {
    "no map": {},
    "rename": {"stream_maps": {"boards": {"__alias__": "my_boards"}}},
    "add and change": {
        "stream_maps": {
            "boards": {"shouted": "name.upper()", "pin_count": "pin_count + 1", "by": "md5(id)"}
        }
    },
    "remove a field": {"stream_maps": {"boards": {"description": None, "owner": "__NULL__"}}},
    "only some fields": {
        "stream_maps": {"boards": {"id": "id", "n": "int(pin_count)", "__else__": None}}
    },
    "filter": {"stream_maps": {"boards": {"__filter__": "privacy == 'PUBLIC'"}}},
    "filter pins by a part": {
        "stream_maps": {"pins": {"__filter__": "media['media_type'] == 'video'"}}
    },
    "other keys": {"stream_maps": {"pins": {"__key_properties__": ["link"]}}},
    "no keys": {"stream_maps": {"pins": {"__key_properties__": []}}},
    "duplicate": {"stream_maps": {"boards_2": {"__source__": "boards", "twin": "'yes'"}}},
    "all streams": {"stream_maps": {"*": {"source": "'pinterest'"}}},
    "streams by pattern": {"stream_maps": {"board*": {"source": "__stream_name__"}}},
    "remove a stream": {"stream_maps": {"pins": None}},
    "only one stream": {"stream_maps": {"boards": {}, "__else__": None}},
    "config": {
        "stream_maps": {"boards": {"salted": "md5(config['seed'] + id)"}},
        "stream_map_config": {"seed": "salt"},
    },
    "flat": {"flattening_enabled": True, "flattening_max_depth": 1},
    "flatter": {
        "flattening_enabled": True,
        "flattening_max_depth": 3,
        "flattening_separator": "_",
    },
    "flattened to depth 0": {"flattening_enabled": True, "flattening_max_depth": 0},
    "flat and mapped": {
        "flattening_enabled": True,
        "flattening_max_depth": 2,
        "stream_maps": {"boards": {"__alias__": "flat_boards", "owner_name": "owner['username']"}},
    },
}
SELECTIONS: dict[str, dict[str, Any]] = {
    "everything": {"select": ["boards", "board_pins", "pins"]},
    "some": {
        "select": [
            "boards",
            "board_pins.title",
            "board_pins.media",
            "board_pins.media.images*",
            "pins",
        ],
        "deselect": ["pins.board_owner.username", "pins.alt_text", "boards.media"],
    },
}


@pytest.fixture
def tidy(simulate: Callable[..., Simulator]) -> Simulator:
    return simulate(messy=False, boards=4, protected_boards=1, secret_boards=0, pins_per_board=8)


def content(run: Run) -> list[Any]:
    """The messages without the moments at which they were written."""
    return [
        {
            name: value
            for name, value in message.items()
            if name not in ("time_extracted", "version")
        }
        for message in run.messages
    ]


@pytest.mark.parametrize(
    ("name", "selection"),
    [
        *((name, "everything") for name in MAPS),
        *((name, "some") for name in ("no map", "add and change", "all streams", "flatter")),
    ],
)
def test_the_short_way_equals_the_long_one(
    tidy: Simulator, monkeypatch: pytest.MonkeyPatch, name: str, selection: str
) -> None:
    ours = run_tap(tidy, **SELECTIONS[selection], **MAPS[name]).ok()
    with monkeypatch.context() as patch:
        patch.setattr(PinterestStream, "_write_record_message", Stream._write_record_message)
        theirs = run_tap(tidy, **SELECTIONS[selection], **MAPS[name]).ok()
    columns = {name: [*m["schema"]["properties"]] for name, m in ours.schemas.items()}
    for message in theirs.of("RECORD"):
        message["record"] = {n: message["record"].get(n) for n in columns[message["stream"]]}
    assert content(ours) == content(theirs)
    assert ours.counts
    for message in ours.of("RECORD"):
        assert [*message["record"]] == columns[message["stream"]]


def test_rename(tidy: Simulator) -> None:
    run = run_tap(tidy, select=["boards"], **MAPS["rename"]).ok()
    assert run.records("my_boards") == expected(tidy.world, "boards")
    assert set(run.schemas) == {"my_boards"}
    assert [stream for stream, _ in run.activate_versions] == ["my_boards"]


def test_add_and_change(tidy: Simulator) -> None:
    run = run_tap(tidy, select=["boards"], **MAPS["add and change"]).ok()
    for record, source in zip(run.records("boards"), tidy.world.all_boards(), strict=True):
        assert record["shouted"] == source["name"].upper()
        assert record["pin_count"] == source["pin_count"] + 1
        assert len(record["by"]) == 32


def test_a_duplicate_leaves_the_original(tidy: Simulator) -> None:
    run = run_tap(tidy, select=["boards"], **MAPS["duplicate"]).ok()
    boards = expected(tidy.world, "boards")
    assert run.records("boards") == boards
    assert run.records("boards_2") == [board | {"twin": "yes"} for board in boards]


def test_flattening(tidy: Simulator) -> None:
    run = run_tap(tidy, select=["boards"], **MAPS["flatter"]).ok()
    for record, source in zip(run.records("boards"), tidy.world.all_boards(), strict=True):
        assert record["owner_username"] == source["owner"]["username"]
        assert "owner" not in record
        assert isinstance(record["media_pin_thumbnail_urls"], str | None)


def test_big_numbers_survive_a_map(tidy: Simulator) -> None:
    literal = Decimal("0.123456789012345678901234567890")
    tidy.world.alter["board"] = lambda r: r | {"pin_count": 2**60 + 1}
    tidy.world.alter["pin"] = lambda r: (
        r | {"media": {"media_type": "video", "duration": 1.5, "width": 2**40}}
    )
    run = run_tap(tidy, select=["boards", "pins"], stream_maps={"*": {"x": "1"}}).ok()
    assert {record["pin_count"] for record in run.records("boards")} == {2**60 + 1}
    assert {record["media"]["duration"] for record in run.records("pins")} == {Decimal("1.5")}
    assert literal


ROUGH = {
    "title": None,
    "media": None,
    "board_owner": {"username": "anna", "new": {"a": 1}},
    "new_thing": {"a": [1]},
    "new_text": "x",
}


@pytest.mark.parametrize(
    ("depth", "separator", "longest", "maps"),
    [
        (1, "__", None, None),
        (2, "__", SHORTEST_NAME, None),
        (3, "_", None, {"pins": {"a": "title or 'none'"}}),
        (8, "__", None, {"pins": {"a": "title or 'none'", "__alias__": "mine"}}),
        (8, "_", SHORTEST_NAME, None),
    ],
)
def test_flattened_records_have_the_columns_of_their_schema(
    tidy: Simulator, depth: int, separator: str, longest: int | None, maps: Any
) -> None:
    """Null objects, absent ones, and members that the schema does not declare included."""
    tidy.world.alter["pin"] = lambda pin: (
        ({"id": pin["id"]} if int(pin["id"]) % 3 else pin)
        | (ROUGH if int(pin["id"]) % 2 else {"media": pin["media"] | {"new": {"b": {"c": 1}}}})
    )
    run = run_tap(
        tidy,
        select=["pins"],
        flattening_enabled=True,
        flattening_max_depth=depth,
        flattening_separator=separator,
        flattening_max_key_length=longest,
        stream_maps=maps,
    ).ok()
    ((name, schema),) = run.schemas.items()
    columns, records = [*schema["schema"]["properties"]], run.records(name)
    assert all([*record] == columns for record in records)
    assert any(record[f"board_owner{separator}username"] == "anna" for record in records)
    assert run.said("Field new_thing: not in the schema yet; it gets no column")


def test_a_map_sees_every_declared_field_and_unknown_ones(tidy: Simulator) -> None:
    tidy.world.alter["board"] = lambda board: {"id": board["id"], "new_thing": 5}
    fields = {"d": "description or 'none'", "n": "new_thing + 1", "__filter__": "not is_ads_only"}
    run = run_tap(tidy, select=["boards"], stream_maps={"boards": fields}).ok()
    columns = [*run.schemas["boards"]["schema"]["properties"]]
    assert run.counts
    for record in run.records("boards"):
        assert [*record] == columns
        assert (record["d"], record["n"]) == ("none", 6)


@pytest.mark.parametrize(
    ("stream", "field", "expression", "remedy"),
    [
        ("pins", "by", "md5(title)", "`md5(title) if title else None`"),
        ("pins", "title", "md5(self)", "`md5(self) if self else None`"),
        ("pins", "by", "_['title'].upper()", "`_['title'].upper() if _['title'] else None`"),
        ("pins", "n", "1 + score", "Change it so that it works"),
        ("boards", "n", "pin_count + 1", "`pin_count + 1 if pin_count is not None else None`"),
        ("boards", "__filter__", "pin_count > 1", "if pin_count is not None else False`"),
        ("board*", "n", "int(pin_count) if id else 0", "`(int(pin_count) if id else 0) if"),
    ],
)
def test_a_map_that_fails_on_a_record_says_where_and_what_helps(
    tidy: Simulator, stream: str, field: str, expression: str, remedy: str
) -> None:
    tidy.world.alter["pin"] = lambda pin: {name: pin[name] for name in pin if name != "title"}
    tidy.world.alter["board"] = lambda board: board | {"pin_count": None}
    name = "boards" if stream == "board*" else stream
    run = run_tap(tidy, select=[name], stream_maps={stream: {field: expression}})
    assert (run.exit_code, run.crash) == (1, None)
    (line,) = run.said("ERROR", "`stream_maps`")
    for part in (f"stream {name}, property {field}", f"`{expression}`", "the record with id "):
        assert part in line
    assert remedy in line


def test_the_filter_of_a_parent_says_so_where_its_children_are_read(tidy: Simulator) -> None:
    tidy.world.alter["board"] = lambda board: board | {"description": None}
    maps = {"boards": {"__filter__": "description.strip() != ''"}}
    run = run_tap(tidy, select=["board_pins"], stream_maps=maps)
    (line,) = run.said("ERROR", "`stream_maps`")
    assert "stream boards, property __filter__" in line
    assert "`description.strip() != '' if description else False`" in line


@pytest.mark.parametrize("select", [["boards"], ["account"], None])
def test_a_map_of_what_is_deselected_does_no_harm(tidy: Simulator, select: Any) -> None:
    maps = {"likes": {"__filter__": "id != ''"}, "*": {"a": "'b'"}, "search_pins": None}
    run = run_tap(tidy, select=select, stream_maps=maps, start_days_back=2, end_days_back=1)
    assert "Traceback" not in run.log
    assert all(message["record"]["a"] == "b" for message in run.of("RECORD"))
    assert run.counts


@pytest.mark.parametrize(
    "maps",
    [
        {"boards": {"x": "name.upper("}},
        {"boards": {"x": 5}},
        {"boards": {"__filter__": "no_such_field > 3"}},
        {"boards": {"x": "1 / 0"}},
        {"boards": {"id": None}},
        {"boards": {"__else__": "something"}},
        {"boards": "something"},
        {"__else__": "something"},
        {"__what__": None},
    ],
    ids=str,
)
def test_a_map_that_cannot_work_is_one_clear_line(tidy: Simulator, maps: dict[str, Any]) -> None:
    run = run_tap(tidy, select=["boards"], stream_maps=maps)
    assert run.exit_code == 1
    assert run.crash is None, run.log
    assert "Traceback" not in run.log
    errors = run.said("ERROR", "`stream_maps`")
    assert len(errors) == 1, run.log
