"""Settings for stream maps that cannot work: a sentence before the first record, no traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator

from tap_pinterest import settings
from tap_pinterest.shown import forget_secrets
from tap_pinterest.tap import TapPinterest
from tests.harness import Run, run_tap, slim_catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.pinterest_api import Simulator

GOOD = {"access_token": "pina_x", "api_url": "https://api.example/v5"}


def told(**given: Any) -> str:
    """The last line of a run that writes schemas, and crashed at nothing."""
    catalog = slim_catalog(("boards", "pins"))
    run = run_tap(config=GOOD | given, catalog=catalog, args=["--test=schema"])
    return refused(run)


def refused(run: Run) -> str:
    assert run.crash is None, run.log
    assert "Traceback" not in run.log
    assert run.exit_code == 1
    assert run.stdout == b""
    return run.last_line


# -- names

NO_NAME = {
    "5": "5",
    "[1]": "[1]",
    "None": "None",
    "True": "True",
    "b'x'": "b'x'",
    "{'a': 1}": "{'a': 1}",
    "randint": "<function",
}


@pytest.mark.parametrize("alias", NO_NAME)
def test_a_name_that_is_no_text_is_told(alias: str) -> None:
    line = told(stream_maps={"pins": {"__alias__": alias}})
    assert f"records of the stream pins would leave as {NO_NAME[alias]}" in line
    assert "which is no name" in line


@pytest.mark.parametrize(
    ("alias", "why"),
    [
        ("1/0", "ZeroDivisionError: division by zero"),
        ("'a'+1", "TypeError: can only concatenate"),
        ("__stream_name__+1", "TypeError: can only concatenate"),
        ("__stream_name__[99]", "IndexError: string index out of range"),
        ("int('x')", "ValueError: invalid literal"),
        ("lambda: 1", "Failed to evaluate"),
        ("(" + "x" * 90_000, "Failed to evaluate"),
    ],
    ids=lambda text: text[:20],
)
def test_a_name_that_fails_is_told_with_its_stream(alias: str, why: str) -> None:
    line = told(stream_maps={"pins": {"__alias__": alias}})
    assert "Setting `stream_maps`: stream pins: " in line
    assert why in line
    assert len(line) < 1000


@pytest.mark.parametrize("alias", ["-" * 90_000 + "x", "1 + " * 9_000 + "1"], ids=["-", "+"])
def test_a_name_without_end_is_told(alias: str) -> None:
    assert "too long or too deep" in told(stream_maps={"pins": {"__alias__": alias}})


@pytest.mark.parametrize("keys", [[["id"]], ["id", 5], [None]])
def test_keys_that_are_none_are_told(keys: Any) -> None:
    assert "`stream_maps`" in told(stream_maps={"boards": {"__key_properties__": keys}})


def test_columns_that_would_be_the_same_are_told() -> None:
    maps = {"boards": {"owner__username": "id"}}
    flat = {"flattening_enabled": True, "flattening_max_depth": 2}
    line = told(stream_maps=maps, **flat)
    assert "stream boards: its maps, or its flattening, do not work" in line
    assert "owner__username" in line


# -- expressions

STATEMENTS = ("x = 1", "name; id", "name\n+ 1", "*name", "yield 1", "import os", "# name", "pass")


@pytest.mark.parametrize("field", ["__filter__", "name", "more"])
@pytest.mark.parametrize("text", STATEMENTS)
def test_what_is_no_expression_is_told(field: str, text: str) -> None:
    line = told(stream_maps={"boards": {field: text}})
    assert f"Setting `stream_maps`, entry boards: the expression of {field} is not one" in line


FAILING = ("1 / 0", "name[999]", "[each for each in 5]", "name()", "await name")


@pytest.mark.parametrize(
    ("field", "text"),
    [
        *((field, text) for field in ("__filter__", "name", "more") for text in FAILING),
        ("name", "'\\ud800'"),
    ],
)
def test_an_expression_that_fails_at_a_record_is_told(
    sim: Simulator, field: str, text: str
) -> None:
    maps = {"boards": {field: text}}
    run = run_tap(sim, catalog=slim_catalog(("boards",)), stream_maps=maps)
    assert run.crash is None, run.log
    assert "Traceback" not in run.log
    assert run.exit_code == 1
    assert f"stream boards, property {field}: `{text}` fails" in run.last_line


# -- every setting, with values of every kind

ODD: tuple[Any, ...] = (5, -1, 1.5, "x", "", True, [], [5], [[]], ["x"], {}, {"a": 1}, {"a": [5]})


@pytest.fixture
def schema() -> dict[str, Any]:
    TapPinterest.append_builtin_config(TapPinterest.config_jsonschema)
    return TapPinterest.config_jsonschema


def wrong(schema: dict[str, Any]) -> Iterator[Any]:
    """Values of every kind for a schema, for its properties and for what it knows no name of."""
    yield from ODD
    others = schema.get("additionalProperties")
    inner = dict(schema.get("properties") or {})
    for choice in others.get("anyOf", ()) if isinstance(others, dict) else ():
        inner |= {"other": choice} if choice.get("properties") else {}
    for name, each in inner.items():
        yield from ({name: value} for value in wrong(each))


def constraints(schema: Any, top: bool = True) -> Iterator[str]:
    """The words of a schema that can fail by themselves, those within a choice left out."""
    for word, value in schema.items():
        if word == "properties":
            for each in value.values():
                yield from constraints(each)
        elif word in ("items", "additionalProperties"):
            yield from constraints(value) if isinstance(value, dict) else ()
        elif word in Draft7Validator.VALIDATORS and word != "format":
            yield word


def test_each_setting_with_a_value_of_another_kind_is_told(schema: dict[str, Any]) -> None:
    seen = set()
    for name, field in schema["properties"].items():
        for value in wrong(field):
            config = GOOD | {name: value}
            errors = [*Draft7Validator(schema).iter_errors(config)]
            seen |= {error.validator for error in errors}
            found = settings.problems(config, schema)
            for error in errors:
                assert any(f"`{error.path[0]}`" in sentence for sentence in found), (name, value)
    assert seen == {*constraints(schema)}
    assert {"anyOf", "oneOf", "enum", "type"} <= seen


@pytest.mark.parametrize("word", ["minimum", "pattern", "maxItems", "not", "const"])
def test_a_word_that_no_schema_has_today_is_told(word: str) -> None:
    value = {"minimum": 9, "pattern": "^x", "maxItems": 1, "not": {}, "const": 9}[word]
    given = {"pattern": "a", "maxItems": [1, 2]}.get(word, 5)
    schema = {"properties": {"max_wait": {word: value}}}
    config = GOOD | DEFAULTS | {"max_wait": given}
    (line,) = settings.problems(config, schema)
    assert line.startswith("Setting `max_wait`: expected ")


DEFAULTS = {
    name: rest["default"]
    for name, rest in settings.SETTINGS["properties"].items()
    if "default" in rest and name not in GOOD
}


@pytest.mark.parametrize("given", [{"seed": {"a": 1}}, {"locale": 5}], ids=str)
def test_a_setting_of_the_faker_is_told(given: Any) -> None:
    (name,) = given
    assert f"Setting `faker_config`, entry {name}: expected what https://" in told(
        faker_config=given
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"flattening_max_depth": -1}, "cannot be negative"),
        ({"flattening_enabled": True, "flattening_max_depth": -1}, "cannot be negative"),
        ({"flattening_enabled": True}, "is missing"),
    ],
    ids=str,
)
def test_a_depth_that_makes_no_sense_is_told(given: Any, words: str) -> None:
    line = told(**given)
    assert "Setting `flattening_max_depth` " in line
    assert words in line


# -- secrets


def test_secrets_are_found_at_any_depth() -> None:
    config = {
        "access_token": ["secret-1", {"a": ["secret-2"]}],
        "board_ids": ["1234"],
        "stream_map_config": {
            "hash_seed": "secret-3",
            "salts": [{"a": "secret-4"}],
            "inner": [{"api_key": "secret-5", "table": "boards"}],
            "column": "name",
            "keyboard": "name",
        },
        "faker_config": {"seed": "secret-6", "locale": "en_US"},
        "stream_maps": {"seed": "x"},
    }
    assert settings.secrets_of(config) == [f"secret-{number}" for number in range(1, 7)]
    assert settings.secrets_of({"stream_map_config": 5, "faker_config": ["x"]}) == []


def test_a_seed_is_masked_in_the_log() -> None:
    forget_secrets()
    maps = {"boards": {"__alias__": "'grain-of-salt' + 1", "x": "'grain-of-salt'["}}
    run = run_tap(
        config=GOOD | {"stream_map_config": {"hash_salt": "grain-of-salt"}, "stream_maps": maps},
        catalog=slim_catalog(("boards",)),
        args=["--test=schema"],
    )
    line = refused(run)
    assert "`stream_maps`" in line
    assert "***" in line
    assert "grain-of-salt" not in run.log


def test_a_token_in_a_list_is_masked_in_the_log() -> None:
    forget_secrets()
    run = run_tap(config={"access_token": ["abcdefghijkl"], "board_ids": ["abcdefghijkl"]})
    assert "Setting `board_ids`, entry 0: a board's id is digits, not '***'" in run.log
    assert "abcdefghijkl" not in run.log
