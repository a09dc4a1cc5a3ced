"""The record schemas: the rules they follow, and the records they accept."""

import copy
import json
import logging
import re
from decimal import Decimal
from pathlib import Path

import pytest
from jsonschema import Draft4Validator, Draft7Validator
from singer_sdk.helpers._typing import conform_record_data_types
from singer_sdk.helpers.conform import TypeConformanceLevel

from tap_pinterest.records.schemas import public_fields
from tap_pinterest.records.secrets import is_secret
from tap_pinterest.records.shape import Shape
from tap_pinterest.streams import STREAMS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tap_pinterest" / "schemas"
SCHEMAS = {
    path.relative_to(FOLDER).with_suffix("").as_posix(): json.loads(
        path.read_text(encoding="utf-8")
    )
    for path in sorted(FOLDER.glob("*/*.json"))
}
KEYS = {
    name: set.intersection(
        *([set(s.primary_keys) for s in STREAMS if s.record_type == name] or [{"id"}])
    )
    & SCHEMAS[name]["properties"].keys()
    for name in SCHEMAS
}
"""What is never null: what is part of the key wherever the record type is used."""
EACH = pytest.mark.parametrize("name", sorted(SCHEMAS))
BIG_ID = "666743919837294988"  # a float would round it
SAMPLES = {
    "string": "żółw 🐢",
    "integer": 2**53 + 1,
    "number": 0.18,
    "boolean": True,
}


def nodes(schema, where=""):
    """Yield the place and the schema of every field, however deep."""
    yield where, schema
    for name, inner in schema.get("properties", {}).items():
        yield from nodes(inner, f"{where}.{name}".lstrip("."))
    if "items" in schema:
        yield from nodes(schema["items"], f"{where}[]")


def sample(schema):
    """Make a value with every field filled and one field nobody knows."""
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    if kind == "object":
        return {k: sample(v) for k, v in schema["properties"].items()} | {"unknown": {"a": [1]}}
    if kind == "array":
        return [sample(schema["items"])]
    dates = {"date": "2024-02-29", "date-time": "2024-02-29T23:59:59.715000Z"}
    return dates.get(schema.get("format"), SAMPLES[kind])


def assert_valid(record, schema):
    for validator in (Draft4Validator, Draft7Validator):  # target-jsonl uses the older one
        validator(schema).validate(record)


# The rules


def test_every_file_has_a_stream_and_every_stream_its_file():
    used = {stream.record_type for stream in STREAMS if stream.record_type}
    corners = {name.partition("/")[0] for name in used}
    assert {name for name in SCHEMAS if name.partition("/")[0] in corners} == used


ADS_ORDER = (
    r"(campaign|ad_group|pin|parent|owner_ad_account)_id|parent_type",
    r"name|value|promotion_title",
    r".*status",
    r"bid|(.*_)?budget|.*_spend_cap|.*_micro_currency|currency",  # money
    r".*_(time|timestamp|time_ms)",
)
"""How the fields of ads follow each other after the keys: names of these forms, then the rest."""


def rank(name, field):
    """Where a field stands in a file."""
    if name.startswith("ads/"):
        forms = (at for at, form in enumerate(ADS_ORDER) if re.fullmatch(form, field))
        return next(forms, len(ADS_ORDER)), field
    return field != "data_status", field


@EACH
def test_the_file_is_a_valid_schema_in_its_layout(name):
    Draft4Validator.check_schema(SCHEMAS[name])
    Draft7Validator.check_schema(SCHEMAS[name])
    assert list(SCHEMAS[name]) == ["type", "properties", "additionalProperties"]
    fields = list(SCHEMAS[name]["properties"])
    keys, rest = fields[: len(KEYS[name])], fields[len(KEYS[name]) :]
    assert set(keys) == KEYS[name]
    assert rest == sorted(rest, key=lambda field: rank(name, field))


@EACH
def test_every_field_keeps_the_rules(name):
    """No enum, pattern or choice; null except in keys; open objects that name their properties."""
    words = {"type", "format", "description", "properties", "additionalProperties", "items"}
    words |= {"secret"}
    for where, node in nodes(SCHEMAS[name]):
        assert set(node) <= words, where
        assert node.get("format", "date") in {"date", "date-time"}, where
        if where in KEYS[name]:
            assert node["type"] in {"string", "integer"}, where
        elif where:
            kind, null = node["type"]
            assert null == "null", where
            assert kind in {"object", "array", *SAMPLES}, where
        if "object" in node["type"]:
            assert isinstance(node["properties"], dict), where
            assert node["additionalProperties"] is True, where
        if "array" in node["type"]:
            assert isinstance(node["items"], dict), where


@EACH
def test_ids_are_strings_counts_are_integers_and_metrics_are_numbers(name):
    metrics = {"impression", "save", "outbound_click", "pin_click_rate", "video_start"}
    for where, node in nodes(SCHEMAS[name]):
        if where == "id" or where.endswith("_id"):
            kinds = node["items"]["type"] if "array" in node["type"] else node["type"]
            assert "string" in kinds, where
        if where.endswith(("_micro_currency", "_spend_cap")):
            assert "integer" in node["type"], where
        if where.endswith("_count"):
            assert "integer" in node["type"], where
        if where in metrics:
            assert "number" in node["type"], where


ADS = [name for name in sorted(SCHEMAS) if name.startswith("ads/")]


@pytest.mark.parametrize("name", ADS)
def test_times_of_ads_leave_as_times_whatever_form_they_come_in(name):
    times = [where for where, node in nodes(SCHEMAS[name]) if node.get("format") == "date-time"]
    shape = Shape(SCHEMAS[name], selected=lambda crumb: True, note=lambda sentence: None)
    for field in times:
        for value in (
            1623245885,
            1623245885.0,
            "1623245885",
            Decimal("1623245885.0"),
            1623245885000,
        ):
            shape.conform(record := {"id": BIG_ID, field: value})
            assert record[field] == "2021-06-09T13:38:05Z"
    named = {where for where, _ in nodes(SCHEMAS[name]) if where.endswith(("_time", "_timestamp"))}
    assert named <= set(times)


@pytest.mark.parametrize("name", ADS)
def test_no_field_of_ads_sounds_like_a_secret(name):
    """All that is described is for the advertiser's eyes; a name that misleads needs the word."""
    public = public_fields(name)
    for where, _ in nodes(SCHEMAS[name]):
        field = where.rpartition(".")[2].removesuffix("[]")
        path = tuple(part.removesuffix("[]") for part in where.split("."))
        assert not is_secret(field) or path in public, where


# What they accept


@EACH
def test_filled_empty_and_null_records_validate(name):
    schema = SCHEMAS[name]
    keys = {key: sample(schema["properties"][key]) for key in KEYS[name]}
    assert_valid(sample(schema), schema)
    assert_valid(keys, schema)
    assert_valid(dict.fromkeys(schema["properties"]) | keys, schema)


@EACH
@pytest.mark.parametrize("level", list(TypeConformanceLevel))
def test_the_sdk_conforms_records_without_changing_them(name, level):
    schema = SCHEMAS[name]
    for record in (sample(schema), dict.fromkeys(schema["properties"])):
        conformed = conform_record_data_types(
            name, copy.deepcopy(record), schema, level, logging.getLogger(__name__)
        )
        assert conformed == record


@EACH
def test_a_wrong_type_is_refused(name):
    schema = SCHEMAS[name]
    for field in schema["properties"]:
        wrong = sample(schema) | {field: object}
        assert not Draft4Validator(schema).is_valid(wrong), field
        assert not Draft7Validator(schema).is_valid(wrong), field


def images(*, deep=True):
    size = {"width": 400, "height": None, "url": "https://i.pinimg.com/400x300/a.jpg"}
    return dict.fromkeys(("150x150", "400x300", "600x", "1200x", "originals"), size) if deep else {}


VIDEO = {
    "cover_image_url": "https://i.pinimg.com/v.jpg",
    "video_url": None,
    "duration": 12033.5,
    "height": 1920,
    "width": 1080,
}
IMAGE_ITEM = {
    "item_type": "image",
    "title": None,
    "description": "日本語",
    "link": "https://example.com/?q=ü",
    "images": images(),
}
VIDEO_ITEM = VIDEO | {"item_type": "video", "duration": None, "height": None, "width": None}
MEDIA = {
    "image": {"media_type": "image", "images": images()},
    "image without sizes": {"media_type": "image", "images": images(deep=False)},
    "video": {"media_type": "video", "images": images(), **VIDEO},
    "video in the making": {"media_type": "video", "images": None, **dict.fromkeys(VIDEO)},
    "multiple_images": {"media_type": "multiple_images", "items": [IMAGE_ITEM, IMAGE_ITEM]},
    "multiple_videos": {"media_type": "multiple_videos", "items": [VIDEO_ITEM]},
    "multiple_mixed": {"media_type": "multiple_mixed", "items": [IMAGE_ITEM, VIDEO_ITEM]},
    "no items": {"media_type": "multiple_mixed", "items": []},
    "a kind to come": {"media_type": "hologram", "depth": {"layers": [1, 2.5, None]}},
    "none": None,
}


@pytest.mark.parametrize("media", MEDIA.values(), ids=MEDIA)
def test_pins_with_every_kind_of_media_validate(media):
    pin = {
        "id": BIG_ID,
        "board_id": "18446744073709551617",
        "board_section_id": None,
        "board_owner": {"username": "anna", "id": BIG_ID},
        "created_at": "2025-05-21T01:13:01Z",
        "title": "Crème brûlée 🍮",
        "media": media,
        "pin_metrics": {
            "90d": {"pin_click": 7, "impression": 2.0, "clickthrough": None},
            "lifetime_metrics": {"reaction": 10, "comment": 2, "save": 1},
        },
        "product_tags": [{"pin_id": BIG_ID}],
    }
    assert_valid(pin, SCHEMAS["organic/pin"])
    assert_valid(pin | {"pin_metrics": None}, SCHEMAS["organic/pin"])
    assert not Draft7Validator(SCHEMAS["organic/pin"]).is_valid(pin | {"id": int(BIG_ID)})


@pytest.mark.parametrize("media", [MEDIA["image"], MEDIA["video"], MEDIA["multiple_mixed"]])
def test_a_wrong_type_deep_in_the_media_is_refused(media):
    wrong = copy.deepcopy(media)
    holder = wrong["items"][0]["images"] if "items" in wrong else wrong["images"]
    holder["600x"] = holder["600x"] | {"width": "400"}
    assert not Draft7Validator(SCHEMAS["organic/pin"]).is_valid({"id": "1", "media": wrong})
