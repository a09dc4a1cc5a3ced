"""Whatever JSON an answer holds, its records fit their schema: what is absurd costs itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from tap_pinterest.records.decoding import decode, decode_one
from tap_pinterest.records.schemas import load_schema
from tap_pinterest.records.shape import Shape
from tap_pinterest.writer import encoder


def shaped(schema: dict[str, Any], notes: list[str] | None = None) -> Shape:
    return Shape(schema, lambda crumb: True, [].append if notes is None else notes.append)


ABSURD = (
    "1e5000",
    "-1e99999999",
    "1e-99999999",
    "1e" + "9" * 50,
    "9" * 5_000,
    "-" + "9" * 100_000,
    "1." + "1" * 100_000,
    "9" * 5_000 + ".5",
    "9" * 5_000 + "e5",
)


@pytest.mark.parametrize("literal", ABSURD, ids=lambda text: text[:12])
@pytest.mark.parametrize(
    "where",
    [
        '{{"pin_count":{}}}',
        '{{"name":{}}}',
        '{{"created_at":{}}}',
        '{{"media":{{"pin_thumbnail_urls":["x",{}]}}}}',
        '{{"description":{{"a":[{}]}}}}',
        '{{"new":{}}}',
        '{{"new":[[{{"a":{}}}]]}}',
        '{{"owner":{{"new":{}}}}}',
    ],
)
def test_a_number_of_absurd_size_costs_itself_and_is_told(literal: str, where: str) -> None:
    notes: list[str] = []
    shape = shaped(load_schema("organic/board"), notes)
    body = '{"id":"1","text":"%s", "n":[-1.5e3,"\\"9"],' % ("9" * 5_000) + where.format(literal)[1:]
    (record,) = decode(f"[{body}]".encode())
    shape.conform(record)
    assert (record["id"], record["text"], record["n"]) == ("1", "9" * 5_000, [-1500, '"9'])
    assert len(encoder.encode(record)) < 5_200
    assert shape.unfit == 1
    (told,) = (note for note in notes if "such values are null" in note)
    assert len(told) < 200


LITERALS = st.sampled_from(
    [
        *ABSURD,
        *("0", "6.0", "1e3", "null", "true", "9" * 4_300, "1623145038", "[" * 99 + "]" * 99),
        *map(json.dumps, ("", "12", "1_0", "1e9999999", "2021-06-08", "1623145038", "٣", "\0")),
    ]
)


def json_texts(names: list[str]) -> st.SearchStrategy[str]:
    """Any JSON, written out, with these names of fields."""
    quoted = [json.dumps(name) for name in names]
    return st.recursive(
        LITERALS,
        lambda inner: (
            st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]")
            | st.dictionaries(st.sampled_from(quoted), inner, max_size=4).map(
                lambda parts: f"{{{','.join(map('{0[0]}:{0[1]}'.format, parts.items()))}}}"
            )
        ),
        max_leaves=12,
    )


@pytest.mark.parametrize("record_type", ["organic/board", "organic/pin"])
def test_any_json_becomes_a_record_that_fits(record_type: str) -> None:
    schema = load_schema(record_type)
    schema["properties"]["free"] = {"type": ["object", "null"]}
    schema["properties"]["open"] = {
        "type": ["array", "null"],
        "items": {"type": ["object", "null"]},
    }
    names = ["id", "created_at", "media", "items", "images", "owner", "pin_count", "free", "open"]
    names += ["title", "link", "is_owner", "pin_thumbnail_urls", "new", "api_token", "product_tags"]
    validator = Draft7Validator(schema)

    @settings(max_examples=60)
    @given(st.dictionaries(st.sampled_from(names), json_texts(names), max_size=8))
    def check(fields: dict[str, str]) -> None:
        body = ",".join(f'"{name}":{text}' for name, text in {**fields, "id": '"1"'}.items())
        records = decode(f"[{{{body}}},{{{body}}}]".encode())
        shape = shaped(schema)
        shape.conform_all(records)
        line = encoder.encode(records[0])
        assert line == encoder.encode(records[1])
        assert list(validator.iter_errors(json.loads(line))) == []

    check()


@pytest.mark.parametrize("depth", [150, 400, 800, 20_000])
@pytest.mark.parametrize(
    "name", ["new", "api_token", "free", "description", "created_at", "media", "pin_count"]
)
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_what_lies_too_deep_costs_itself(opening: str, name: str, depth: int) -> None:
    schema = load_schema("organic/board")
    schema["properties"]["free"] = {"type": ["object", "null"]}
    inside = opening * depth + "1" + {"[": "]"}.get(opening, "}") * depth
    shape = shaped(schema)
    for _ in range(2):
        record = decode_one(f'{{"id":"1","{name}":{inside}}}'.encode())
        shape.conform(record)
        assert record["id"] == "1"
        assert len(encoder.encode(record)) < 1000
        assert Draft7Validator(schema).is_valid(json.loads(encoder.encode(record)))


def test_a_number_that_is_too_long_beside_what_is_too_deep() -> None:
    text = '[{"n":' + "1" * 4_301 + ',"x":' + "[" * 2_000 + "]" * 2_000 + ',"id":"1"}]'
    (record,) = decode(text.encode())
    assert record["id"] == "1"
    assert str(record["n"]).startswith("a number of absurd size (1111")


@pytest.mark.parametrize("digits", [4_299, 4_300, 4_301])
@pytest.mark.parametrize("sign", ["", "-"])
def test_no_digit_of_a_long_number_is_lost_unsaid(sign: str, digits: int) -> None:
    literal = sign + "1" * digits
    (record,) = decode(f'[{{"n":{literal}}}]'.encode())
    assert str(record["n"]) == literal or "absurd size" in str(record["n"])
