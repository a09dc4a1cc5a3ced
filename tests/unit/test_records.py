"""What happens to single records: exact numbers, wandering types, selection."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from singer_sdk.helpers._catalog import pop_deselected_record_properties
from singer_sdk.singerlib import SelectionMask

from tap_pinterest.records.decoding import decode, decode_one
from tap_pinterest.records.schemas import load_schema
from tap_pinterest.records.shape import Shape
from tap_pinterest.writer import encoder
from tests.harness import FOUNDATION, discover

RECORD_TYPES = tuple(
    f"organic/{name}" for name in ("account", "board", "interest", "pin", "user_summary")
)
NUMBERS = st.from_regex(r"\A-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?\Z")


def shape_of(schema: dict[str, Any], selected: Any = lambda crumb: True) -> tuple[Shape, list[str]]:
    notes: list[str] = []
    return Shape(schema, selected, notes.append), notes


def conformed(kind: str | list[str], value: Any, **field: Any) -> Any:
    """What a value becomes in a field of a type."""
    kinds = [kind] if isinstance(kind, str) else kind
    schema = {"properties": {"a": {"type": [*kinds, "null"], **field}}}
    shape, notes = shape_of(schema)
    record = {"a": value}
    shape.conform(record)
    assert bool(notes) == (record["a"] is None and value is not None)
    assert shape.unfit == len(notes)
    return record["a"]


# -- numbers


@given(NUMBERS)
def test_no_digit_of_a_number_is_lost(literal: str) -> None:
    written = encoder.encode(decode_one(f'{{"a":{literal}}}'.encode())).decode()
    again = json.loads(written, parse_float=Decimal, parse_int=Decimal)["a"]
    assert again == Decimal(literal)
    digits = literal.lower().partition("e")[0].replace(".", "").lstrip("-0")
    assert again.is_zero() or digits.rstrip("0") in written.replace(".", "")


@pytest.mark.parametrize(
    "literal",
    [
        "666743919837294988",
        "9007199254740993",
        "18446744073709551616",
        "123456789012345678901234567890",
        "0.123456789012345678901234567890",
        "100000000000000000000.1",
        "1.10",
        "6.0",
        "0.1",
    ],
)
def test_numbers_leave_as_they_came(literal: str) -> None:
    assert (
        encoder.encode(decode_one(f'{{"a":{literal}}}'.encode())) == f'{{"a":{literal}}}'.encode()
    )


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"{}",
        b"[1]",
        b"[null]",
        b"[[]]",
        b'[{"a":1}',
        b'[{"a":NaN}]',
        b'[{"a":"\xff"}]',
        b"",
    ],
)
def test_what_is_no_list_of_objects_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(body)


# -- types that wander


@pytest.mark.parametrize(
    ("kind", "value", "becomes"),
    [
        ("string", 666743919837294988, "666743919837294988"),
        ("string", True, "true"),
        ("string", 1.5, "1.5"),
        ("string", {"a": "ü"}, '{"a":"ü"}'),
        ("string", [1, None], "[1,null]"),
        ("string", "", ""),
        ("integer", "9700", 9700),
        ("integer", 9700.0, 9700),
        ("integer", Decimal("9700.00"), 9700),
        ("integer", "9007199254740993", 2**53 + 1),
        ("integer", "-12", -12),
        ("integer", 2**70, 2**70),
        ("integer", 9.7, None),
        ("integer", "many", None),
        ("integer", "", None),
        ("integer", "1e2", 100),
        ("integer", "Infinity", None),
        ("integer", "1_000", None),
        ("integer", "٣", None),
        ("integer", "\uff13", None),
        ("integer", " 3", None),
        ("integer", "3\n", None),
        ("integer", "+3", None),
        ("integer", "0x1F", None),
        ("integer", "1e9999999", None),
        ("integer", "1e-9999999", None),
        ("integer", "1e99999999999999999999", None),
        ("integer", "9" * 100_000, None),
        ("integer", Decimal("1e4000"), 10**4000),
        ("integer", True, None),
        ("integer", [], None),
        ("number", 7, 7),
        ("number", "0.123456789012345678901", Decimal("0.123456789012345678901")),
        ("number", "NaN", None),
        ("number", "1_0.5", None),
        ("number", "٣.\u0665", None),
        ("number", "1." + "0" * 100_000, None),
        ("number", "1e-99999999", None),
        ("number", False, None),
        ("number", {}, None),
        ("boolean", "true", True),
        ("boolean", "FALSE", False),
        ("boolean", 0, False),
        ("boolean", 1, True),
        ("boolean", 2, None),
        ("boolean", "yes", None),
        ("boolean", 10**4000, None),
        ("object", "none", None),
        ("object", [], None),
        ("array", {}, None),
        ("array", "x", None),
        (["integer", "string"], 1.5, 1.5),
    ],
)
def test_types(kind: Any, value: Any, becomes: Any) -> None:
    result = conformed(kind, value)
    assert result == becomes
    assert type(result) is type(becomes)


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        ("2021-06-08T09:37:18", "2021-06-08T09:37:18Z"),
        ("2021-06-08 09:37:18", "2021-06-08T09:37:18Z"),
        ("2021-10-25T11:17:56.715000", "2021-10-25T11:17:56.715000Z"),
        ("2021-10-25T11:17:56.123456789Z", "2021-10-25T11:17:56.123456789Z"),
        ("2021-06-08T09:37:18Z", "2021-06-08T09:37:18Z"),
        ("2021-06-08t09:37:18z", "2021-06-08T09:37:18Z"),
        ("2021-06-08T09:37:18+02:00", "2021-06-08T09:37:18+02:00"),
        ("2021-06-08T09:37:18+0200", "2021-06-08T09:37:18+02:00"),
        ("2021-06-08T09:37", "2021-06-08T09:37:00Z"),
        ("2021-06-08T09:37+01", None),
        ("2021-W23-2T09:37:18", None),
        ("0000-00-00T00:00:00", None),
        ("2021-02-30T00:00:00", None),
        ("2021-06-08T25:00:00", None),
        ("2021-06-08T09:37:18Z\n", None),
        ("2021-06-08T24:00:00", None),
        ("٢٠٢١-06-08T09:37:18", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("2021-06-08", "2021-06-08T00:00:00Z"),
        ("2021-06-31", None),
        ("yesterday", None),
        ("", None),
        (1623145038, "2021-06-08T09:37:18Z"),
        (1623145038.0, "2021-06-08T09:37:18Z"),
        (1623145038.25, "2021-06-08T09:37:18.250000Z"),
        (Decimal("1623145038.000001"), "2021-06-08T09:37:18.000001Z"),
        (1623145038715, "2021-06-08T09:37:18.715000Z"),
        (10**11, "5138-11-16T09:46:40Z"),
        (10**11 + 1, "1973-03-03T09:46:40.001000Z"),
        (-1, "1969-12-31T23:59:59Z"),
        ("1623145038", "2021-06-08T09:37:18Z"),
        ("1623145038.0", "2021-06-08T09:37:18Z"),
        ("1623145038715", "2021-06-08T09:37:18.715000Z"),
        ("20210608", None),
        ("2021", None),
        (10**30, None),
        (10**4000, None),
        (1e300, None),
        (True, None),
        ([1623145038], None),
    ],
)
def test_times(value: Any, becomes: Any) -> None:
    assert conformed("string", value, format="date-time") == becomes


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False, places=12)
    | st.sampled_from(["", "12", "-1.5", "true", "2021-06-08T09:37:18", "2021-99-99T00:00", "x"])
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def records_for(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Objects with the schema's fields, of which any may be absent or anything at all."""
    fields = {}
    for name, field in schema["properties"].items():
        inner: Any = VALUES
        items = field.get("items") or {}
        if field.get("properties"):
            inner = inner | records_for(field)
        elif items.get("properties"):
            inner = inner | st.lists(VALUES | records_for(items), max_size=2)
        fields[name] = inner
    unknown = st.dictionaries(st.text(max_size=4), VALUES, max_size=2)
    return st.builds(
        lambda known, more: more | known, st.fixed_dictionaries({}, optional=fields), unknown
    )


def as_draft7_reads_it(value: Any) -> Any:
    """Decimals as numbers that a validator knows."""
    return json.loads(encoder.encode(value))


@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_any_record_fits_its_schema_afterwards(record_type: str) -> None:
    schema = load_schema(record_type)
    validator = Draft7Validator(schema)

    @given(records_for(schema))
    def check(record: dict[str, Any]) -> None:
        keys = [name for name, field in schema["properties"].items() if field["type"] == "string"]
        assume(all(record.get(key, "x") is not None for key in keys))
        before = copy.deepcopy(record)
        shape, notes = shape_of(schema)
        shape.conform(record)
        assert [error.message for error in validator.iter_errors(as_draft7_reads_it(record))] == []
        unknown = before.keys() - schema["properties"].keys()
        assert {name: record[name] for name in unknown} == {name: before[name] for name in unknown}
        assert record.keys() == before.keys()
        assert len(notes) == len(set(notes))
        # What fitted before is what it was (times apart); what is null now was null or unfit.
        nulls = [name for name in before if record[name] is None and before[name] is not None]
        assert shape.unfit >= len(nulls)
        shape.conform(once := copy.deepcopy(record))
        assert once == record

    check()


ALIKE = st.one_of(
    st.sampled_from([5, 5.0, 5.5, True, False, "5", "", None, 2**63, 2**64, 2**80, -(2**70)]),
    st.sampled_from([Decimal("5.0"), Decimal("0.1"), Decimal("1e400"), 1e300, 10**4000]),
    st.sampled_from(["2021-06-08T09:37:18", "2021-06-08T09:37:18Z"]),
    st.sampled_from([{}, [], [5], [5.0], ["5"], [None], [{}], {"a": 5}, {"a": 5.0}]),
)


@pytest.mark.parametrize("record_type", ["organic/board", "organic/pin", "organic/account"])
def test_what_was_seen_before_changes_no_record(record_type: str) -> None:
    """Records are recognised by what was learned from others: never to a different end."""
    schema = load_schema(record_type)
    alike = st.fixed_dictionaries(
        {"id": st.sampled_from(["1", 2])},
        optional={
            name: ALIKE for name in (*schema["properties"], "new", 'n"\\\x00') if name != "id"
        },
    )
    parts = st.sampled_from(["pin_count", "created_at", "media", "note", "new", "name", "link"])
    change = st.tuples(parts, ALIKE)

    @settings(max_examples=40)
    @given(alike | records_for(schema), st.lists(change, min_size=1, max_size=8), st.booleans())
    def check(first: dict[str, Any], changes: list[Any], at_once: bool) -> None:
        records = [first, *(first | {name: value} for name, value in changes), first]
        alone = copy.deepcopy(records)
        for record in alone:
            shape_of(schema)[0].conform(record)
        shape, _ = shape_of(schema)
        if at_once:
            shape.conform_all(records := copy.deepcopy(records))
        else:
            for record in (records := copy.deepcopy(records)):
                shape.conform(record)
        assert encoder.encode(records) == encoder.encode(alone)

    check()


def test_unfit_values_are_told_once_per_field_and_all_are_counted() -> None:
    shape, notes = shape_of(load_schema("organic/board"))
    for value in ("many", "few", 3):
        shape.conform({"id": "1", "pin_count": value, "media": {"pin_thumbnail_urls": value}})
    assert shape.unfit == 5
    assert sorted(note.split(":")[0] for note in notes) == [
        "Field media.pin_thumbnail_urls",
        "Field pin_count",
    ]
    assert "'many'" in " ".join(notes)


def test_items_of_lists_and_parts_of_objects_are_looked_into() -> None:
    shape, notes = shape_of(load_schema("organic/pin"))
    record = {
        "id": 1,
        "media": {
            "items": [{"width": "720", "new": 1}, None, "x"],
            "images": {"600x": {"width": 6.0}},
        },
    }
    shape.conform(record)
    assert record["id"] == "1"
    assert record["media"]["items"][0] == {"width": 720, "new": 1}
    assert record["media"]["images"]["600x"]["width"] == 6
    assert any("media.items.new" in note for note in notes)


# -- selection


def all_crumbs(schema: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    crumbs = []
    for name, field in schema.get("properties", {}).items():
        crumb = (*path, "properties", name)
        crumbs += [crumb, *all_crumbs(field, crumb)]
    return crumbs


@given(st.data())
def test_pruning_equals_the_sdk(data: st.DataObject) -> None:
    schema = load_schema("organic/pin")
    crumbs = all_crumbs(schema)
    dropped = data.draw(st.sets(st.sampled_from(crumbs), max_size=12))
    mask = SelectionMask({(): True} | {crumb: crumb not in dropped for crumb in crumbs})
    record = data.draw(full_records(schema))
    ours, theirs = copy.deepcopy(record), copy.deepcopy(record)
    shape, _ = shape_of(schema, lambda crumb: mask[crumb])
    shape.prune(ours)
    pop_deselected_record_properties(theirs, schema, mask)
    assert ours == theirs
    for crumb in dropped:
        parent: Any = ours
        for name in crumb[1:-1:2]:
            parent = (parent or {}).get(name) if isinstance(parent, dict) else None
        assert not (isinstance(parent, dict) and crumb[-1] in parent)


def full_records(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Records of known fields only, each of its type or null."""
    fields: dict[str, Any] = {}
    for name, field in schema["properties"].items():
        if field.get("properties"):
            fields[name] = st.none() | full_records(field)
        elif (field.get("items") or {}).get("properties"):
            fields[name] = st.none() | st.lists(full_records(field["items"]), max_size=1)
        else:
            fields[name] = st.sampled_from([None, 1, "x", [1]])
    return st.fixed_dictionaries({}, optional=fields)


@pytest.mark.parametrize(
    ("dropped", "left"),
    [
        ((), {"id", "name", "new", "media"}),
        ((("properties", "description"),), {"id", "name", "media"}),
        ((("properties", "media", "properties", "image_cover_url"),), {"id", "name", "media"}),
    ],
)
def test_unknown_fields_stay_behind_where_fields_were_left_out(dropped: Any, left: Any) -> None:
    record = {"id": "1", "name": "n", "new": 1, "media": {"image_cover_url": "u", "new": 2}}
    shape, _ = shape_of(load_schema("organic/board"), lambda crumb: crumb not in dropped)
    shape.prune(record)
    assert set(record) == left
    assert ("new" in record["media"]) == (not dropped)
    assert ("image_cover_url" in record["media"]) == (len(dropped[0]) == 2 if dropped else True)


# -- schemas


@pytest.mark.parametrize("stream", FOUNDATION)
def test_keys_are_not_nullable_and_all_else_is(stream: str) -> None:
    (entry,) = (e for e in discover()["streams"] if e["tap_stream_id"] == stream)
    properties, keys = entry["schema"]["properties"], set(entry["key_properties"])
    assert keys <= set(properties)
    assert keys
    for name, field in properties.items():
        kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
        assert ("null" in kinds) == (name not in keys), name
