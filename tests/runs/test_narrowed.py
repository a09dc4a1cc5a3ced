"""Pipelines that each read a part into the same tables do not delete each other's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import Run, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator


class Warehouse:
    """Tables as a target keeps them that drops rows of older versions."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[Any, tuple[int | None, Any]]] = {}

    def load(self, run: Run) -> None:
        for message in run.messages:
            rows = self.tables.setdefault(message.get("stream", ""), {})
            if message["type"] == "RECORD":
                names = run.schemas[message["stream"]]["key_properties"]
                key = tuple(message["record"][name] for name in names)
                rows[key] = (message.get("version"), message["record"])
            elif message["type"] == "ACTIVATE_VERSION":
                for key, (version, _) in list(rows.items()):
                    if version is None or version < message["version"]:
                        del rows[key]

    def keys(self, table: str) -> set[Any]:
        return set(self.tables.get(table, {}))


@pytest.fixture
def sim(simulate: Callable[..., Simulator]) -> Simulator:
    return simulate(boards=6, pins_per_board=3, protected_boards=1, secret_boards=1)


def halves(sim: Simulator) -> dict[str, tuple[list[str], list[dict[str, Any]]]]:
    """Streams, and the settings of two pipelines that each read a part of them."""
    ids = [sim.world.board_id(number) for number in range(4)]
    partner = list(sim.world.accounts)[1]
    wide = {"include_protected_pins": True}
    return {
        "board_ids": (["board_pins"], [{"board_ids": ids[:2]}, {"board_ids": ids[2:]}]),
        "board_privacy": (
            ["boards", "board_pins", "board_sections"],
            [{"board_privacy": "PUBLIC"}, {"board_privacy": "SECRET"}],
        ),
        "ad_account_id": (
            ["boards", "board_pins", "account", "pins"],
            [{"ad_account_id": sim.world.ad_account_id}, {"ad_account_id": partner}],
        ),
        "search_queries": (
            ["search_boards", "search_pins"],
            [{"search_queries": ["a"]}, {"search_queries": ["e"]}],
        ),
        "a filter": (
            ["pins"],
            [
                {"stream_maps": {"pins": {"__filter__": f"int(id) % 2 == {rest}"}}}
                for rest in (0, 1)
            ],
        ),
        "a filter of a pattern": (
            ["pins"],
            [{"stream_maps": {"p*": {"__filter__": f"int(id) % 2 == {rest}"}}} for rest in (0, 1)],
        ),
        "a filter on the parent": (
            ["board_pins"],
            [
                {"stream_maps": {"boards": {"__filter__": f"int(id) % 2 == {rest}"}}}
                for rest in (0, 1)
            ],
        ),
        "a filtered copy": (
            ["pins"],
            [
                {
                    "stream_maps": {
                        "pins": None,
                        "some": {"__source__": "pins", "__filter__": f"int(id) % 2 == {rest}"},
                    }
                }
                for rest in (0, 1)
            ],
        ),
        "include_protected_pins": (["pins"], [wide, {"include_protected_pins": False}]),
        "likes_board_name": (
            ["likes"],
            [{}, {"likes_board_name": next(b["name"] for b in sim.world.all_boards("SECRET"))}],
        ),
        "explicit_following": (
            ["following_boards", "following_users"],
            [{}, {"explicit_following": True}],
        ),
    }


CASES = (
    "board_ids", "board_privacy", "ad_account_id", "search_queries", "a filter",
    "a filter of a pattern", "a filter on the parent", "a filtered copy",
    "include_protected_pins", "likes_board_name", "explicit_following",
)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_rows_of_the_other_pipeline_stay(sim: Simulator, case: str) -> None:
    streams, (one, other) = halves(sim)[case]
    warehouse = Warehouse()
    first = run_tap(sim, select=streams, **one).ok()
    second = run_tap(sim, select=streams, **other).ok()
    warehouse.load(first)
    before = {name: warehouse.keys(name) for name in warehouse.tables}
    warehouse.load(second)
    for name, keys in before.items():
        assert warehouse.keys(name) >= keys, f"{case}: rows of {name} were deleted"
    assert any(before.values()), "nothing was read that could be deleted"


@pytest.mark.parametrize("case", [case for case in CASES if case != "search_queries"])
def test_who_has_one_pipeline_alone_can_say_so(sim: Simulator, case: str) -> None:
    """What is there no longer vanishes, restricted or not."""
    streams, (_, settings) = halves(sim)[case]
    run = run_tap(sim, select=streams, emit_activate_version_messages="alone", **settings).ok()
    sent = {name for name, _ in run.activate_versions}
    assert sent == ({"some"} if case == "a filtered copy" else set(streams))


def test_what_a_setting_says_by_itself_restricts_nothing(sim: Simulator) -> None:
    plain = {
        "board_privacy": "ALL", "board_ids": [], "explicit_following": False,
        "include_protected_pins": True, "following_feed_type": "ALL", "pin_metrics": True,
    }  # fmt: skip
    streams = ["boards", "board_pins", "pins", "following_boards", "following_users"]
    run = run_tap(sim, select=streams, **plain).ok()
    assert sorted(name for name, _ in run.activate_versions) == sorted(streams)
