"""Whatever the user hands in: one clear error per problem, before any request, and no traceback."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from tap_pinterest.settings import SETTINGS, as_meant, from_environment
from tap_pinterest.tap import TapPinterest
from tests.conftest import TODAY
from tests.harness import Run, catalog_for, run_tap
from tests.pinterest_api import TOKEN, Simulator, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "pina_this_is_secret"
GOOD = {"access_token": SECRET, "api_url": "https://api.example/v5"}
THREE = {"client_id": "1", "client_secret": "cs_secret", "refresh_token": "pinr_secret"}
NONE = {"access_token": None}


def refused(settings: dict[str, Any], *, select: Any = ()) -> Run:
    """A run of settings that cannot work, which must end before any request."""
    run = run_tap(GOOD, select=list(select), **settings)
    assert run.exit_code == 1, run.log
    assert run.crash is None
    assert "Traceback" not in run.log
    assert run.stdout == b""
    for secret in (SECRET, *THREE.values()):
        assert secret not in run.log or len(secret) < 3
    return run


def problems(run: Run) -> list[str]:
    return [line for line in run.said("ERROR") if "Setting" in line or "redentials" in line]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (NONE, ["No credentials", "`access_token`", "`client_id`"]),
        ({"access_token": ""}, ["No credentials"]),
        ({**NONE, "refresh_token": "r"}, ["Settings `client_id` and `client_secret` are missing"]),
        ({**NONE, **THREE, "client_id": None}, ["Setting `client_id` is missing"]),
        ({**NONE, **THREE, "client_secret": ""}, ["Setting `client_secret` is missing"]),
        ({**THREE}, ["`access_token`", "`refresh_token`", "both"]),
        ({"access_token": SECRET + "\n"}, ["`access_token`", "space", "line break"]),
        ({"access_token": " " + SECRET}, ["`access_token`", "space"]),
        ({"access_token": 5}, ["`access_token`", "expected text, not a number: put it in quotes."]),
        ({"ad_account_id": ""}, ["`ad_account_id`", "1 to 18 digits"]),
        ({"ad_account_id": "12a"}, ["`ad_account_id`", "1 to 18 digits"]),
        ({"ad_account_id": "1" * 19}, ["`ad_account_id`", "1 to 18 digits", "user"]),
        (
            {"ad_account_id": 549755885175},
            ["`ad_account_id`: expected text, not the number", 'put it in quotes, "549755885175".'],
        ),
        (
            {**NONE, **THREE, "client_id": 1490000},
            ["`client_id`: expected text", 'put it in quotes, "1490000".'],
        ),
        ({"board_ids": "12"}, ["`board_ids`", "expected a list", "not '12'"]),
        ({"board_ids": ["1", ""]}, ["`board_ids`, entry 1", "digits"]),
        ({"board_ids": ["https://pin.it/x"]}, ["`board_ids`, entry 0", "digits"]),
        (
            {"board_ids": ["1", 549755885175]},
            ["`board_ids`, entry 1: expected text", 'put it in quotes, "549755885175".'],
        ),
        ({"board_ids": [None]}, ["`board_ids`, entry 0", "expected text", "not null"]),
        ({"search_queries": "cats"}, ["`search_queries`", "expected a list"]),
        ({"search_queries": ["a", "  "]}, ["`search_queries`, entry 1", "empty"]),
        ({"likes_board_name": " "}, ["`likes_board_name`", "empty"]),
        ({"board_privacy": "PRIVATE"}, ["one of ALL, PUBLIC, PROTECTED", "not 'PRIVATE'."]),
        ({"board_privacy": 5}, ["`board_privacy`", "one of ALL, PUBLIC", "not the number 5."]),
        ({"app_types": ["web", "TV"]}, ["`app_types`, entry 1", "one of ALL", "not 'TV'."]),
        (
            {"emit_activate_version_messages": "always"},
            ["`emit_activate_version_messages`: expected one of true, false, alone, not 'always'."],
        ),
        ({"explicit_following": "yes"}, ["`explicit_following`", "expected true or false"]),
        ({"pin_metrics": 1}, ["`pin_metrics`", "expected true or false", "not the number 1."]),
        ({"max_wait": -1}, ["`max_wait`", "negative"]),
        ({"max_wait": "900"}, ["`max_wait`", "expected a whole number"]),
        ({"max_wait": 1.5}, ["`max_wait`", "expected a whole number"]),
        ({"max_concurrency": 0}, ["`max_concurrency`", "1 to 64"]),
        ({"max_concurrency": 65}, ["`max_concurrency`", "1 to 64"]),
        (
            {"max_concurrency": True},
            ["`max_concurrency`", "expected a whole number", "not true."],
        ),
        ({"api_url": "http://api.pinterest.com/v5"}, ["`api_url`", "https"]),
        ({"api_url": "api.pinterest.com"}, ["`api_url`", "https"]),
        ({"api_url": ""}, ["`api_url`"]),
        ({"api_url": "https://user:pass@api.example"}, ["`api_url`"]),
        ({"api_url": "https://api.example/v5?x=1"}, ["`api_url`"]),
        ({"api_url": "https://api.example:port"}, ["`api_url`"]),
        ({"api_url": "http://localhost.evil.example/v5"}, ["`api_url`"]),
        ({"api_url": {"url": "x"}}, ["`api_url`", "expected text", "not an object"]),
        ({"stream_maps": 5}, ["`stream_maps`", "expected an object"]),
        ({"flattening_enabled": "x"}, ["expected true or false, not text."]),
        ({"stream_map_config": "seed=x"}, ["`stream_map_config`: expected an object, not text."]),
    ],
    ids=str,
)
def test_one_clear_error_per_problem(settings: dict[str, Any], words: list[str]) -> None:
    found = problems(refused(settings))
    assert len(found) == 1, found
    assert all(word in found[0] for word in words), found[0]


def test_all_problems_are_told_at_once() -> None:
    run = refused(
        {
            "ad_account_id": "x",
            "board_ids": ["", "12", "y"],
            "max_wait": -5,
            "board_privacy": "NONE",
            "api_url": "ftp://x",
            "access_token": None,
        }
    )
    found = problems(run)
    assert len(found) == len(set(found)) == 7
    for name in ("ad_account_id", "max_wait", "board_privacy", "api_url", "entry 0", "entry 2"):
        assert any(name in line for line in found)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {**NONE, **THREE},
        {"api_url": "http://localhost:8080/v5"},
        {"api_url": "http://127.0.0.1:1/v5/"},
        {"api_url": "http://[::1]:1/v5"},
        {"ad_account_id": "1" * 18},
        {"max_wait": 0, "max_concurrency": 64},
        {"board_ids": []},
        {"search_queries": []},
        {"board_ids": None, "search_queries": None, "ad_account_id": None},
        {"flattening_enabled": True, "flattening_max_depth": 2},
        {"stream_maps": {"__else__": None}},
    ],
    ids=str,
)
def test_what_works_is_taken(settings: dict[str, Any]) -> None:
    config = {**GOOD, **settings}
    run = run_tap(config=config, select=[])
    (line,) = run.said(" ERROR ")
    assert "No stream is selected" in line
    assert SECRET not in run.log


def test_null_means_the_default(sim: Simulator) -> None:
    nulls = dict.fromkeys(SETTINGS["properties"])
    config = nulls | {"access_token": TOKEN, "api_url": sim.url}
    run = run_tap(config=config, select=["boards", "account"])
    assert run.crash is None, run.log
    assert run.exit_code == 0, run.log


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [
        ("board_privacy", "public_and_secret", "PUBLIC_AND_SECRET"),
        ("app_types", ["Web", "MOBILE"], ["WEB", "MOBILE"]),
        ("top_pins_sort_by", ["save"], ["SAVE"]),
        ("emit_activate_version_messages", "False", False),
        ("emit_activate_version_messages", True, True),
        ("emit_activate_version_messages", "ALONE", "alone"),
    ],
)
def test_allowed_values_are_taken_in_any_case(name: str, given: Any, meant: Any) -> None:
    tap = TapPinterest(config={**GOOD, name: given})
    assert tap.config[name] == meant


def test_the_version_setting_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for text, meant in (("alone", "alone"), ("false", False), ("on", True)):
        monkeypatch.setenv("TAP_PINTEREST_EMIT_ACTIVATE_VERSION_MESSAGES", text)
        found = as_meant(from_environment())["emit_activate_version_messages"]
        assert found == meant
        assert isinstance(found, type(meant))


COLUMNS = ["SPEND_IN_DOLLAR", "ctr"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (json.dumps(COLUMNS), COLUMNS),
        (f"  {json.dumps(COLUMNS)}\n", COLUMNS),
        (COLUMNS, COLUMNS),
        ("common", "common"),
        (" All", "all"),
    ],
)
def test_the_columns_of_ads_are_a_word_or_a_list(given: Any, meant: Any) -> None:
    """Of a list in a variable, or in `meltano config set`, Meltano makes a text."""
    assert TapPinterest(config={**GOOD, "ads_columns": given}).config["ads_columns"] == meant


def test_the_columns_of_ads_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, meant in ((json.dumps(COLUMNS), COLUMNS), ("common", "common")):
        monkeypatch.setenv("TAP_PINTEREST_ADS_COLUMNS", text)
        assert as_meant(from_environment())["ads_columns"] == meant


@pytest.mark.parametrize("given", ["[SPEND_IN_DOLLAR]", '["SPEND_IN_DOLLAR"', "spend_in_dollar"])
def test_columns_of_ads_that_are_neither_are_told(given: str) -> None:
    (found,) = problems(refused({"ads_columns": given}))
    assert f"`ads_columns` is 'common', 'all' or a list of names, not {given!r}" in found


def test_a_misspelt_setting_is_told_before_what_is_missing_for_it() -> None:
    run = refused({**NONE, "acces_token": SECRET})
    lines = [line for line in run.log_lines if "`" in line]
    assert "no setting `acces_token`" in lines[0]
    assert "Did you mean `access_token`?" in lines[0]
    assert "No credentials" in lines[1]


@pytest.mark.parametrize(
    ("maps", "words"),
    [
        ({"bords": {"name": "md5(name)"}}, ["'bords'", "Did you mean `boards`?"]),
        ({"bords": None}, ["'bords'", "Did you mean `boards`?"]),
        ({"copy": {"__source__": "Bords", "x": "1"}}, ["entry copy", "Did you mean `boards`?"]),
        ({"zz*": {"x": "1"}, "boards": {"__alias__": "pinboards"}}, ["'zz*'"]),
    ],
    ids=str,
)
def test_a_map_for_no_stream_is_an_error(maps: dict[str, Any], words: list[str]) -> None:
    """Else the column that it should mask would leave in the clear."""
    (found,) = problems(refused({"stream_maps": maps}))
    assert "Setting `stream_maps`" in found
    assert all(word in found for word in words), found


@pytest.mark.parametrize(
    ("maps", "words"),
    [
        ({"boards": {"__alias__": "'../boards'"}}, ["stream boards", "'../boards'"]),
        ({"boards": {"__alias__": "'a\\nb'"}}, ["stream boards", "'a b'"]),
        ({"boards": {"__alias__": "'1st'"}}, ["stream boards", "'1st'"]),
        ({"boards": {"__alias__": "b" * 64}}, ["stream boards"]),
        ({"\x1b[2Jcopy": {"__source__": "boards"}}, ["stream boards", r"x1b[2Jcopy"]),
        ({"copy.of": {"__source__": "boards"}}, ["stream boards", "'copy.of'"]),
        ({"*": {"__alias__": "all"}}, ["which those of account do"]),
        ({"boards": {"__alias__": "Account"}}, ["which those of account do"]),
        ({"ACCOUNT": {"__source__": "boards"}}, ["which those of account do"]),
    ],
    ids=str,
)
def test_a_stream_has_a_name_of_its_own(
    sim: Simulator, maps: dict[str, Any], words: list[str]
) -> None:
    """Targets make tables and files of names."""
    run = run_tap(sim, select=["account", "boards"], stream_maps=maps)
    assert run.exit_code == 1
    (found,) = problems(run)
    assert "Setting `stream_maps`" in found
    assert all(word in found for word in words), found
    assert not run.counts
    assert "\x1b" not in run.log


def test_maps_that_name_streams_are_taken(sim: Simulator) -> None:
    maps = {
        "b*": {"x": "1"},
        "boards": {"__alias__": "pinboards", "name": "md5(name)"},
        "again": {"__source__": "boards", "y": "2"},
        "__else__": None,
    }
    run = run_tap(sim, select=["boards", "account"], stream_maps=maps).ok()
    assert set(run.counts) == {"pinboards", "again"}


def test_an_unknown_setting_warns_and_suggests(sim: Simulator) -> None:
    run = run_tap(sim, select=["account"], boardids=["1"], zzz=1).ok()
    assert run.said("WARNING", "no setting `boardids`", "Did you mean `board_ids`?")
    (line,) = run.said("WARNING", "no setting `zzz`")
    assert "Did you mean" not in line


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("config", "{", "line 1, column 2"),
        ("config", "[]", "must be a JSON object"),
        ("config", b"\xff", "JSON text"),
        ("config", "", "is empty"),
        ("state", "\n", "The state is empty: give the last complete one"),
        ("state", "{]", "The state is not valid JSON"),
        ("state", '"x"', "The state must be a JSON object"),
        ("state", b"\xff", "The state cannot be read as text"),
        ("state", '{"bookmarks": []}', "The state cannot be used"),
        ("state", '{"bookmarks": {"users": {}}}', "The state is that of another tap"),
        ("catalog", "{'streams'}", "The catalog is not valid JSON"),
        ("catalog", "{}", "The catalog cannot be used: it has no list `streams`"),
        ("catalog", '{"streams": [{}]}', "entry 0 of `streams` has no `tap_stream_id`"),
        ("catalog", '{"streams": [{"tap_stream_id": "boards"}]}', "'boards' has no `schema`"),
        ("catalog", "[" * 100_000, "The catalog"),
    ],
)
def test_files_that_are_no_good(sim: Simulator, name: str, content: Any, words: str) -> None:
    run = run_tap(sim, **{name: content})
    assert run.exit_code != 0
    assert run.crash is None, run.log
    assert "Traceback" not in run.log
    assert words in run.log
    assert sim.requests == []
    assert run.stdout == b""


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for option in ("--config", "--catalog", "--state"):
        run = run_tap({}, args=[option, str(tmp_path / "missing.json")])
        assert run.exit_code != 0
        assert run.crash is None
        assert "missing.json" in run.log


def test_later_files_go_over_earlier_ones(sim: Simulator, tmp_path: Path) -> None:
    over = tmp_path / "over.json"
    over.write_text(json.dumps({"access_token": TOKEN}))
    run = run_tap(sim, access_token="wrong", select=["account"], args=["--config", str(over)])
    assert run.ok().counts == {"account": 1}


def test_a_catalog_of_something_else_warns(sim: Simulator) -> None:
    catalog = catalog_for(["boards"])
    catalog["streams"].append(
        copy.deepcopy(catalog["streams"][0]) | {"tap_stream_id": "gone", "stream": "gone"}
    )
    for entry in catalog["streams"]:
        if entry["tap_stream_id"] == "boards":
            crumb = ["properties", "no_field"]
            entry["metadata"].append({"breadcrumb": crumb, "metadata": {"selected": True}})
    run = run_tap(sim, catalog=catalog).ok()
    assert run.said("WARNING", "'gone'", "does not exist")
    assert run.said("WARNING", "boards.no_field", "does not exist")
    assert run.records("boards")


@pytest.mark.parametrize("name", ["access_token", "client_secret", "refresh_token"])
@pytest.mark.parametrize(
    "wrong",
    [[SECRET], {"a": SECRET}, SECRET + "\n", f" {SECRET}", f"{SECRET}\x00{SECRET}"],
    ids=repr,
)
def test_no_error_quotes_a_secret(name: str, wrong: Any) -> None:
    assert SETTINGS["properties"][name]["secret"] is True
    config = {**THREE, "api_url": "https://api.example/v5", name: wrong}
    run = run_tap(config=config, select=[])
    assert run.exit_code == 1
    assert f"`{name}`" in run.log
    assert SECRET not in run.log


# -- garbage

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", " ", "1", "ALL", "true", "https://x", "2026-01-01", "\x00", "é"]),
    st.text(max_size=8),
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
NAMES = sorted({*SETTINGS["properties"], "stream_maps", "stream_map_config", "faker_config"})


def check_ending(run: Run) -> None:
    """A run that worked, or one that says in a line why it could not."""
    assert run.crash is None, run.log
    assert "Traceback" not in run.log
    if run.exit_code:
        assert run.said("ERROR") or "Error: " in run.log
    else:
        assert all("type" in message for message in run.messages)


FUZZ = limits(max_examples=30, suppress_health_check=[HealthCheck.too_slow])


@FUZZ
@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), JSON, max_size=4))
def test_any_configuration(garbage: dict[str, Any]) -> None:
    config = {"access_token": "x", "api_url": "http://localhost:9"} | garbage
    check_ending(run_tap(config=config, select=[]))


@pytest.fixture(scope="module")
def tiny() -> Iterator[Simulator]:
    world = World(
        boards=1, protected_boards=0, secret_boards=0, likes=None, pins_per_board=1, followers=1,
        following_users=1, following_boards=1, following_interests=1, media=1, websites=1,
        businesses=1, today=TODAY,
    )  # fmt: skip
    with Simulator(world) as sim:
        yield sim


@FUZZ
@given(state=st.dictionaries(st.sampled_from(["bookmarks", "x"]), JSON, max_size=2) | JSON)
def test_any_state(tiny: Simulator, state: Any) -> None:
    check_ending(run_tap(tiny, select=["account", "websites"], state=json.dumps(state)))


BOOKMARK = st.dictionaries(
    st.sampled_from(
        [
            "replication_key",
            "replication_key_value",
            "partitions",
            "progress_markers",
            "covered_from",
        ]
    ),
    JSON | st.sampled_from(["date", "2026-03-01", "2999-01-01"]),
    max_size=4,
)


@FUZZ
@given(bookmarks=st.dictionaries(st.sampled_from(["boards", "account", "websites"]), BOOKMARK))
def test_any_bookmarks(tiny: Simulator, bookmarks: Any) -> None:
    check_ending(run_tap(tiny, select=["account", "websites"], state={"bookmarks": bookmarks}))


@FUZZ
@given(st.data())
def test_any_catalog(tiny: Simulator, data: st.DataObject) -> None:
    catalog = catalog_for(["account", "websites", "boards"])
    names = ("account", "boards", "websites")
    catalog["streams"] = [e for e in catalog["streams"] if e["tap_stream_id"] in names]
    for _ in range(data.draw(st.integers(1, 3))):
        node: Any = catalog
        while True:
            places = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not places:
                break
            place = data.draw(st.sampled_from(places))
            if isinstance(node[place], dict | list) and data.draw(st.integers(0, 3)):
                node = node[place]
                continue
            if data.draw(st.booleans()):
                del node[place]
            else:
                node[place] = data.draw(JSON)
            break
    check_ending(run_tap(tiny, catalog=catalog))


def test_whole_numbers_may_be_written_with_a_fraction(sim: Simulator) -> None:
    run = run_tap(sim, select=["boards"], max_concurrency=8.0, max_wait=60.0).ok()
    assert run.counts["boards"]


@pytest.mark.parametrize("folder", ["My Files", "José"])
def test_a_token_store_may_be_in_any_folder(tmp_path: Path, folder: str) -> None:
    store = tmp_path / folder / "tokens.json"
    run = run_tap(
        config={**GOOD, **NONE, "client_id": "1", "client_secret": "s", "token_store": str(store)},
        select=["account"],
    )
    assert run.exit_code == 1
    assert "tap-pinterest-login" in run.last_line
    assert "Setting" not in run.last_line


def test_the_home_of_nobody() -> None:
    config = {
        **GOOD,
        **NONE,
        "client_id": "1",
        "client_secret": "s",
        "token_store": "~nobody-here/t",
    }
    run = run_tap(config=config, select=["account"])
    assert run.crash is None
    assert "Setting `token_store`" in run.last_line
