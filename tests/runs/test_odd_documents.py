"""States and catalogs of any content: told in sentences that have an end, never a traceback."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from tap_pinterest import clock, notes
from tap_pinterest.catalog import check_catalog
from tap_pinterest.state import check_state
from tests.harness import Run, catalog_for, run_tap

if TYPE_CHECKING:
    from _pytest.logging import LogCaptureFixture

    from tests.pinterest_api import Simulator

GOOD = {"access_token": "pina_x", "api_url": "https://api.example/v5"}
MANY = 3_000
HUGE = "x" * 1_000_000
LONGEST = 2_000
"""Characters of a line of the log that nobody wonders about."""


def catalog_of_boards() -> tuple[dict[str, Any], dict[str, Any]]:
    """A catalog of one stream, and the stream's entry in it."""
    catalog = catalog_for(["boards"])
    (entry,) = (each for each in catalog["streams"] if each["tap_stream_id"] == "boards")
    catalog["streams"] = [entry]
    return catalog, entry


def with_field(field: Any) -> Run:
    catalog, entry = catalog_of_boards()
    entry["schema"]["properties"]["name"] = field
    return run_tap(
        config=GOOD | {"flattening_enabled": True, "flattening_max_depth": 2},
        catalog=catalog,
        args=["--test=schema"],
    )


# -- schemas

ODD: tuple[Any, ...] = (5, "x", {"type": "string"}, [5], ["x"], [None], [[]], True)
DEEP = {"type": "object", "properties": {"a": {"items": {"oneOf": [{"anyOf": [5]}]}}}}


@pytest.mark.parametrize(
    "field",
    [
        *({word: odd} for word in ("anyOf", "oneOf", "allOf") for odd in ODD),
        DEEP,
        *({"type": "string", "format": odd} for odd in (5, [], {"a": 1})),
    ],
    ids=str,
)
def test_a_schema_that_is_none_is_told(field: Any) -> None:
    run = with_field(field)
    assert run.crash is None, run.log
    assert "Traceback" not in run.log
    assert run.exit_code == 1
    assert "The catalog cannot be used: " in run.last_line
    assert "the schema of stream 'boards', field 'name'" in run.last_line


@pytest.mark.parametrize("word", ["anyOf", "oneOf", "allOf"])
def test_a_choice_of_schemas_is_a_schema(word: str) -> None:
    assert with_field({word: [{"type": "string"}, {"type": "null"}]}).ok().stdout
    assert with_field({"type": ["string", "null"], word: None}).ok().stdout


def test_a_schema_that_flattening_cannot_take_is_told() -> None:
    run = with_field({"enum": ["a"]})
    assert run.crash is None, run.log
    assert "stream boards: its maps, or its flattening, do not work" in run.last_line


# -- sentences without end


def bounded(run: Run) -> None:
    """Whether a log is one that somebody reads."""
    assert run.crash is None, run.log[-2000:]
    assert "Traceback" not in run.log
    assert max(map(len, run.log_lines)) < LONGEST
    assert len(run.log_lines) < 2 * notes.MOST


@pytest.mark.parametrize("kind", ["different", "equal", "foreign streams", "long", "long names"])
def test_a_state_without_end_is_told_in_a_few_lines(sim: Simulator, kind: str) -> None:
    junk: Any = {
        "different": [{"context": {"id": f"{n}"}, "fingerprint": 5} for n in range(MANY)],
        "equal": [5] * MANY,
        "long": [{"context": {HUGE: HUGE}, "fingerprint": 5}, 5],
        "long names": [{"context": {f"{n}": "x" for n in range(MANY)}, "fingerprint": 5}],
    }
    bookmarks: dict[str, Any] = {"boards": {"partitions": junk.get(kind, [])}}
    if kind == "foreign streams":
        bookmarks |= {f"foreign_{number}": {} for number in range(MANY)} | {HUGE: 5}
    catalog, _ = catalog_of_boards()
    run = run_tap(sim, catalog=catalog, state={"bookmarks": bookmarks}).ok()
    bounded(run)
    assert run.said("WARNING", "The state ")
    more = run.said("WARNING", "There is more of that kind in the state")
    assert len(more) == (kind == "different")


def test_the_state_of_another_tap_is_told_in_a_line() -> None:
    foreign = {f"a{number:06}": {} for number in range(MANY)} | {HUGE: {}}
    run = run_tap(config=GOOD, state={"bookmarks": foreign})
    bounded(run)
    assert f"a000000, a000001, a000002 and {MANY - 2} more" in run.last_line


@pytest.mark.parametrize("kind", ["streams", "words", "fields", "long stream", "long words"])
def test_a_catalog_without_end_is_told_in_a_few_lines(sim: Simulator, kind: str) -> None:
    catalog, entry = catalog_of_boards()
    root = entry["metadata"][0]
    other = {**copy.deepcopy(entry), "metadata": [], "key_properties": []}
    del other["stream"]
    if kind == "streams":
        catalog["streams"] += [other | {"tap_stream_id": f"s{number}"} for number in range(MANY)]
    elif kind == "long stream":
        catalog["streams"].append(other | {"tap_stream_id": HUGE})
    elif kind == "words":
        entry |= {f"word {number}": 1 for number in range(MANY)}
    elif kind == "fields":
        entry["metadata"] += [
            {"breadcrumb": ["properties", f"f{number}"], "metadata": {"selected": True}}
            for number in range(MANY)
        ]
    else:
        catalog[HUGE] = entry[HUGE] = root["metadata"][HUGE] = 1
        field = {"breadcrumb": ["properties", HUGE], "metadata": {"selected": True, HUGE: 1}}
        entry["metadata"].append(field)
        root["metadata"]["table-key-properties"] = [f"k{n}" for n in range(MANY)] + [HUGE]
        del entry["key_properties"]
        entry["schema"]["properties"] |= {
            name: {"type": "string"} for name in root["metadata"]["table-key-properties"]
        }
    run = run_tap(sim, catalog=catalog)
    bounded(run)
    assert run.said("WARNING", "The catalog ")
    more = run.said("WARNING", "There is more of that kind in the catalog")
    assert len(more) == (not kind.startswith("long"))


@pytest.mark.parametrize("kind", ["twice", "key", "field", "no schema", "another name"])
def test_a_catalog_with_a_long_name_that_cannot_be_used_is_told(kind: str) -> None:
    catalog, entry = catalog_of_boards()
    long = copy.deepcopy(entry) | {"tap_stream_id": HUGE, "stream": HUGE}
    if kind == "twice":
        catalog["streams"] += [long, long]
    elif kind == "key":
        entry["replication_key"] = HUGE
    elif kind == "field":
        entry["schema"]["properties"][HUGE] = {"properties": {HUGE: 5}}
    elif kind == "no schema":
        catalog["streams"].append(long | {"schema": 5})
    else:
        catalog["streams"].append(long | {"stream": "x"})
    run = run_tap(config=GOOD, catalog=catalog)
    bounded(run)
    assert "The catalog cannot be used: " in run.last_line


def test_no_word_is_looked_for_after_the_last_note(
    monkeypatch: pytest.MonkeyPatch, caplog: LogCaptureFixture
) -> None:
    """To look among the known ones takes a moment for each."""
    asked = []
    monkeypatch.setattr(notes, "nearest", lambda *given: asked.append(given))
    catalog, entry = catalog_of_boards()
    entry |= {f"word {number}": 1 for number in range(MANY)}
    check_catalog(catalog, {"boards": ["id"]}, {"boards": ["id"]})
    assert len(asked) == notes.MOST
    assert len(caplog.records) == notes.MOST + 1


# -- partitions


def test_partitions_are_told_apart_by_all_that_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by what a sentence shows of them."""
    now = clock.datetime(2026, 3, 10, tzinfo=clock.UTC).timestamp()
    monkeypatch.setattr(clock, "now", lambda: now)
    contexts = [
        {"id": "x" * 100 + "a"},
        {"id": "x" * 100 + "b"},
        {"id": "a  b"},
        {"id": "a b"},
        {"a": "1, b 2"},
        {"a": "1", "b": "2"},
    ]
    part = {"replication_key": "date", "replication_key_value": "2026-03-08"}
    partitions = [{"context": context, **part} for context in contexts]
    twice = [{"context": {"b": "2", "a": "3"}}, {"context": {"a": "3", "b": "2"}}]
    bookmark = {"partitions": copy.deepcopy([*partitions, *twice])}
    state = {"bookmarks": {"boards": bookmark}}
    check_state(state, ["boards"])
    assert state == {"bookmarks": {"boards": {"partitions": partitions}}}
