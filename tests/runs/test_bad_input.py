"""What the user hands in and cannot work: one clear line that names it, and nothing lost.

tests/test_settings.py asks for single settings and files; here are states inside known streams,
credentials, stream maps and flattening, and garbage of all kinds.
"""

from __future__ import annotations

import copy
import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from tap_pinterest.plan.dates import DAY
from tests.conftest import TODAY
from tests.fault_harness import Time, credentials
from tests.harness import Run, run_tap, slim_catalog
from tests.pinterest_api import Simulator, World

if TYPE_CHECKING:
    from collections.abc import Iterator

FUZZ = limits(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
DAYS = {"start_days_back": 9, "end_days_back": 1, "lookback_days": 1}
DAILY = ("account_analytics", "pin_analytics")
GOOD = {"access_token": "pina_x", "api_url": "https://api.example/v5"}


def check_ending(run: Run) -> None:
    """A run that worked, or one that says in a line why it could not, before any message."""
    assert run.crash is None, run.log
    assert "Traceback" not in run.log
    if run.exit_code:
        assert run.said(" ERROR ") or "Error: " in run.log
    else:
        assert not run.said(" ERROR ")


def refused(**settings: Any) -> str:
    """The one line that a run ends with when its settings cannot work."""
    run = run_tap(config=GOOD | settings)
    assert run.exit_code == 1
    assert run.crash is None
    assert "Traceback" not in run.log
    assert run.stdout == b""
    (line,) = run.said(" ERROR ")
    return line


@pytest.fixture(scope="module")
def account() -> Iterator[Simulator]:
    world = World(
        boards=1, protected_boards=0, secret_boards=0, likes=None, pins_per_board=3, today=TODAY
    )
    with Simulator(world) as sim:
        yield sim


# -- settings


@pytest.mark.parametrize(
    "secret",
    ["two words", "tab\there", "new\nline", "ü", "…", "\u200bpina_x", "pina_x\u00a0", "\x7f"],
)
@pytest.mark.parametrize("name", ["access_token", "client_id", "client_secret", "refresh_token"])
def test_credentials_are_plain_characters(name: str, secret: str) -> None:
    given = {"access_token": None, **credentials(), name: secret}
    if name == "access_token":
        given = {name: secret}
    line = refused(**given)
    assert f"Setting `{name}`" in line
    assert secret not in line


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"start_date": "2026-02-30"}, ("`start_date`", "exists", "'2026-02-30'")),
        ({"start_date": "30.01.2026"}, ("`start_date`", "2026-01-31")),
        ({"end_date": "2026-1-1"}, ("`end_date`",)),
        ({"end_date": ""}, ("`end_date`",)),
        ({"start_date": "2026-03-08", "end_date": "2026-03-07"}, ("2026-03-08", "2026-03-07")),
        ({"start_days_back": 2, "end_days_back": 3}, ("empty", "starts", "ends")),
        ({"start_days_back": -1}, ("`start_days_back`", "from 0")),
        ({"start_days_back": 10**9}, ("`start_days_back`", "from 0 to 3650")),
        ({"start_date": "2026-03-01", "start_days_back": 1}, ("`start_date`", "Keep one")),
        ({"lookback_days": -1}, ("`lookback_days`", "negative")),
        ({"lookback_days": 10**9}, ("`lookback_days`", "3650")),
        ({"pin_created_within_days": 10**12}, ("`pin_created_within_days`", "3650")),
        ({"board_ids": ["12a"]}, ("`board_ids`, entry 0", "digits", "'12a'")),
        ({"board_ids": ["12\n"]}, ("`board_ids`, entry 0", "digits")),
        ({"ad_account_id": "٣"}, ("`ad_account_id`", "digits")),
        ({"app_types": []}, ("`app_types`", "empty")),
        ({"app_types": ["PHONE"]}, ("`app_types`, entry 0", "one of ALL")),
        ({"top_pins_count": 51}, ("`top_pins_count`", "1 to 50")),
        ({"api_url": "https://:word@api.example/v5"}, ("`api_url`", "https address")),
        ({"api_url": "https://@api.example/v5"}, ("`api_url`", "https address")),
        ({"api_url": "https://api.example:99999"}, ("`api_url`", "https address")),
        ({"api_url": "https://[::1/v5"}, ("`api_url`", "https address")),
        ({"api_url": "file:///etc/passwd"}, ("`api_url`", "https address")),
        ({"flattening_enabled": True}, ("`flattening_max_depth`", "missing")),
        ({"flattening_max_key_length": 5}, ("`flattening_max_key_length`", "32")),
        ({"flattening_max_key_length": 0}, ("`flattening_max_key_length`", "32")),
        ({"flattening_max_key_length": "x"}, ("`flattening_max_key_length`", "a whole number")),
        ({"stream_maps": {"boards": {"x": ""}}}, ("`stream_maps`", "boards", "x", "empty")),
        ({"stream_maps": {"boards": {"__filter__": " "}}}, ("`stream_maps`", "empty")),
        ({"stream_maps": {"boards": {"x": "name["}}}, ("`stream_maps`", "name[")),
        ({"stream_maps": {"boards": {"__alias__": "1 +"}}}, ("`stream_maps`", "1 +")),
        ({"stream_maps": {"boards": [1]}}, ("`stream_maps`, entry boards",)),
        ({"stream_maps": {"boards": {"id": None}}}, ("`stream_maps`", "'id'")),
        ({"stream_map_config": 5}, ("`stream_map_config`", "object")),
    ],
    ids=str,
)
def test_one_line_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], words: tuple[str, ...]
) -> None:
    Time(monkeypatch)
    line = refused(**settings)
    assert all(word in line for word in words), line
    assert "word@" not in line


EXPRESSIONS = [
    "name", "1/0", "int(name)", "nosuch", "name.foo()", "md5(pin_count)", "fake.name()", "9**9**9",
    "[x for x in 5]", "config['a']", "json.loads(name)", "self", "record", "_['id']", "'", "(", "#",
    "__import__('os')", "name + 1", "None", "True", "lambda: 1", "str(id)", "float(name)", "", " ",
]  # fmt: skip


@FUZZ
@given(
    st.dictionaries(
        st.sampled_from(["boards", "board_pins", "*", "b*", "nosuch", "__else__", "__x__"]),
        st.none()
        | st.just("__NULL__")
        | st.dictionaries(
            st.sampled_from(
                ["id", "name", "x", "__filter__", "__alias__", "__else__", "__source__"]
            ),
            st.none() | st.sampled_from(EXPRESSIONS),
            max_size=3,
        ),
        max_size=3,
    ),
    st.booleans(),
    st.none() | st.integers(-3, 300),
)
def test_any_map(account: Simulator, maps: dict[str, Any], flat: bool, length: int | None) -> None:
    run = run_tap(
        account,
        catalog=slim_catalog(("boards", "board_pins")),
        stream_maps=maps,
        flattening_enabled=flat,
        flattening_max_depth=2,
        flattening_max_key_length=length,
    )
    check_ending(run)
    if run.exit_code:
        assert "`stream_maps`" in run.log or "`flattening_max_key_length`" in run.log, run.log


# -- states


def rows(run: Run) -> set[tuple[str, ...]]:
    """The rows of the analytics, by key."""
    return {
        (stream, row.get("pin_id", ""), row["date"])
        for stream in DAILY
        for row in run.records(stream)
    }


@pytest.fixture
def nights(
    account: Simulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[set[tuple[str, ...]], dict[str, Any], Any]]:
    """All rows, the state after they were read, and how a run with another state is made."""
    Time(monkeypatch)

    def again(state: Any) -> Run:
        return run_tap(account, catalog=slim_catalog(DAILY), state=state, **DAYS)

    first = again(None).ok()
    return rows(first), first.states[-1], again


SENSELESS = {
    "a number": {"replication_key_value": 5},
    "a word": {"replication_key_value": "garbage"},
    "a list": {"replication_key_value": ["2026-03-01"]},
    "a day that does not exist": {"replication_key_value": "2026-02-30"},
    "the first day of all": {"replication_key_value": "0001-01-01"},
    "no beginning": {"covered_from": []},
    "a beginning that is a number": {"covered_from": 20260301},
    "a fingerprint that is none": {"fingerprint": {"a": 1}},
}


FUTURE = {
    "tomorrow": {"replication_key_value": str(TODAY + DAY)},
    "the last day of all": {"replication_key_value": "2999-01-01"},
    "a moment": {"replication_key_value": f"{TODAY + DAY}T00:00:00Z"},
    "a beginning to come": {"covered_from": str(TODAY + DAY)},
}
UNTRUSTED = {name: (part, "makes no sense") for name, part in SENSELESS.items()} | {
    name: (part, "lies in the future") for name, part in FUTURE.items()
}


@pytest.mark.parametrize("name", UNTRUSTED)
def test_a_bookmark_that_cannot_be_trusted_is_as_if_it_were_not_there(
    nights: Any, name: str
) -> None:
    everything, state, again = nights
    part, why = UNTRUSTED[name]
    for bookmark in state["bookmarks"].values():
        bookmark.update(copy.deepcopy(part))
    run = again(state).ok()
    assert rows(run) == everything
    for stream in DAILY:
        (key,) = part
        assert len(run.said(" WARNING ", f"stream {stream} ", f"`{key}`", why)) == 1
    assert again(run.states[-1]).ok().states[-1] == run.states[-1], "the state is not mended"


def test_a_bookmark_of_today_is_none_of_the_future(nights: Any) -> None:
    _, state, again = nights
    for bookmark in state["bookmarks"].values():
        bookmark["replication_key_value"] = str(TODAY)
    assert not again(state).ok().said("WARNING", "The state")


@pytest.mark.parametrize(
    "shape",
    [5, [], "2026-03-01", {"partitions": "x"}, {"partitions": [{}]}, {"progress_markers": 1}],
)
def test_a_bookmark_of_another_shape_costs_itself(nights: Any, shape: Any) -> None:
    everything, state, again = nights
    usual = rows(again(copy.deepcopy(state)).ok())
    if isinstance(shape, dict):
        state["bookmarks"]["account_analytics"].update(shape)
    else:
        state["bookmarks"]["account_analytics"] = shape
    run = again(state).ok()
    assert len(run.said(" WARNING ", "stream account_analytics ")) == 1
    if isinstance(shape, dict):
        assert rows(run) == usual
    else:
        mine = {row for row in everything if row[0] == "account_analytics"}
        assert rows(run) == usual | mine


@pytest.mark.parametrize(
    "unfinished",
    ["x", 5, [], [1], {}, {"first": 5}, {"after": {}}, {"first": "2999-01-01"}, {"through": "x"}],
    ids=str,
)
@pytest.mark.parametrize("bulk", [True, False])
def test_an_unfinished_pass_that_makes_no_sense_loses_nothing(
    account: Simulator, nights: Any, unfinished: Any, bulk: bool
) -> None:
    everything, state, again = nights
    usual = rows(again(state).ok())
    assert usual < everything
    for bookmark in state["bookmarks"].values():
        bookmark["pass"] = unfinished
    account.world.bulk_analytics = bulk
    try:
        run = again(state).ok()
    finally:
        account.world.bulk_analytics = True
    assert usual <= rows(run) <= everything


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"bookmarks": None}, "one object per stream"),
        ({"bookmarks": []}, "one object per stream"),
        ({"singer_state": {"bookmarks": {}}}, "`bookmarks`"),
        ({"users": "2026-01-01"}, "`bookmarks`"),
        ({"bookmarks": {"users": {}, "orders": {"x": 1}}}, "state of another tap|another tap"),
    ],
    ids=str,
)
def test_what_is_no_state_is_refused(account: Simulator, state: Any, words: str) -> None:
    account.clear()
    run = run_tap(account, select=["boards"], state=state)
    assert run.exit_code == 1
    assert run.crash is None
    assert any(part in run.last_line for part in words.split("|"))
    assert run.stdout == b""
    assert account.requests == []


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("name", ["config", "catalog", "state"])
def test_a_file_that_was_cut_off(account: Simulator, name: str, kept: float) -> None:
    account.clear()
    state = {"bookmarks": {"boards": {"x": 1}}}
    whole: dict[str, Any] = {
        "config": {"access_token": "x" * 30, "api_url": account.url},
        "catalog": json.loads(slim_catalog(("boards",))),
        "state": state,
    }
    text = json.dumps(whole[name])
    run = run_tap(**{**whole, name: text[: int(len(text) * kept)]})
    assert run.exit_code == 1
    assert run.crash is None, run.log
    assert "not valid JSON" in run.last_line
    assert name in run.last_line.lower() or "configuration" in run.last_line
    assert run.stdout == b""
    assert account.requests == []


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", "2026-03-01", "2026-03-09", "2025-01-01", "2026-03-04T00:00:00Z", "2026-03-0\u0661"]
    ),
    st.text(max_size=6),
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
NAMES = ["replication_key", "replication_key_value", "covered_from", "fingerprint", "pass",
         "partitions", "progress_markers", "replication_key_signpost", "starting_replication_value",
         "holes", "x"]  # fmt: skip
PASS = st.dictionaries(
    st.sampled_from(["open", "from", "first", "after", "through", "asked", "fingerprint", "holes"]),
    JSON,
)


@FUZZ
@given(st.dictionaries(st.sampled_from(NAMES), JSON | PASS, max_size=4), st.booleans())
def test_any_bookmark_of_a_daily_stream_loses_nothing(
    account: Simulator, bookmark: dict[str, Any], bulk: bool
) -> None:
    # A made-up bookmark never has the fingerprint of these settings: everything must come.
    with pytest.MonkeyPatch.context() as patch:
        Time(patch)
        patch.setattr(account.world, "bulk_analytics", bulk)
        state = {"bookmarks": {stream: copy.deepcopy(bookmark) for stream in DAILY}}
        run = run_tap(account, catalog=slim_catalog(DAILY), state=state, **DAYS)
        assert len(rows(run.ok())) == 9 * (1 + 3)


# -- catalogs


def test_a_catalog_that_was_changed_in_any_place(
    account: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Single values of a catalog are replaced by values of every kind."""
    Time(monkeypatch)
    dice = random.Random(7)
    catalog = json.loads(slim_catalog(("boards", "account_analytics")))
    catalog["streams"] = [
        entry for entry in catalog["streams"] if entry["schema"]["properties"]
    ]  # those that are selected
    places: list[tuple[Any, ...]] = []

    def walk(node: Any, path: tuple[Any, ...]) -> None:
        places.append(path)
        if isinstance(node, dict):
            for key, inner in node.items():
                walk(inner, (*path, key))
        elif isinstance(node, list):
            for at, inner in enumerate(node):
                walk(inner, (*path, at))

    walk(catalog, ())
    run_tap(account, catalog=catalog, **DAYS).ok()
    refused = 0
    for path in dice.sample(places, 40):
        changed = copy.deepcopy(catalog)
        node: Any = changed
        for key in path[:-1]:
            node = node[key]
        wrong = dice.choice([None, 5, "x", [], {}, True, [None], {"a": []}, [[]]])
        if path:
            node[path[-1]] = wrong
        else:
            changed = wrong
        run = run_tap(account, catalog=json.dumps(changed), **DAYS)
        check_ending(run)
        refused += run.exit_code
    assert 5 < refused < 40, "either nothing or everything is refused"
