"""With `ad_account_id`, whatever would answer for another account is skipped, and says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from tap_pinterest.kinds.lists import ListStream
from tap_pinterest.streams import STREAMS
from tap_pinterest.streams.organic import Boards
from tap_pinterest.tap import TapPinterest
from tests.harness import invoke, run_tap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_pinterest.kinds.stream import PinterestStream
    from tests.pinterest_api import Simulator


class Ribbons(ListStream):
    """A child whose endpoint knows no ad account, below a parent whose endpoint does."""

    name = "ribbons"
    path = "/boards/{board_id}/sections"
    parent_stream_type = Boards
    parent_fields: ClassVar = {"board_id": "id"}
    record_type = "organic/board_section"
    primary_keys = ("board_id", "id")
    scopes = ("boards:read",)
    takes_ad_account = False


class RibbonPins(ListStream):
    """A child of that child; its own endpoint does."""

    name = "ribbon_pins"
    path = "/boards/{board_id}/sections/{section_id}/pins"
    parent_stream_type = Ribbons
    parent_fields: ClassVar = {"board_id": "board_id", "section_id": "id"}
    record_type = "organic/pin"
    adds: ClassVar = {"section_id": "string"}
    primary_keys = ("board_id", "section_id", "id")
    scopes = ("boards:read",)


class Tap(TapPinterest):
    """The tap with these two."""

    @classmethod
    def streams_for(cls, config: Mapping[str, Any]) -> Sequence[type[PinterestStream]]:
        return (*super().streams_for(config), Ribbons, RibbonPins)


def catalog_for(*select: str) -> dict[str, Any]:
    catalog = json.loads(invoke(["--discover"], Tap).stdout)
    for entry in catalog["streams"]:
        for meta in entry["metadata"]:
            if not meta["breadcrumb"]:
                meta["metadata"]["selected"] = entry["tap_stream_id"] in select
    return catalog


@pytest.mark.parametrize("emit", [True, "alone"])
@pytest.mark.parametrize(
    "select",
    [
        ("boards", "ribbons", "ribbon_pins"),
        ("ribbons",),
        ("ribbon_pins",),
        ("boards", "ribbon_pins"),
        tuple(stream.declared_name() for stream in STREAMS if stream.takes_ad_account is False),
    ],
    ids=len,
)
def test_each_selected_stream_that_is_skipped_says_so_once(
    sim: Simulator, select: tuple[str, ...], emit: Any
) -> None:
    run = run_tap(
        sim,
        tap=Tap,
        catalog=catalog_for(*select),
        ad_account_id=sim.world.ad_account_id,
        emit_activate_version_messages=emit,
    ).ok()
    skipped = {*select} - {"boards"}
    assert set(run.counts) == {*select} - skipped
    assert {name for name, _ in run.activate_versions} <= {"boards"}, "what was not read vanishes"
    for stream in skipped:
        assert len(run.said("WARNING", f"Stream {stream} is skipped: ", "`ad_account_id`")) == 1
        assert run.said(" INFO ", f"{stream} ", "skipped: ")
    assert len(run.said("WARNING", "is skipped")) == len(skipped)
    assert all("sections" not in seen.path for seen in sim.requests)


def test_without_it_they_are_read(sim: Simulator) -> None:
    run = run_tap(sim, tap=Tap, catalog=catalog_for("ribbons", "ribbon_pins")).ok()
    assert {name for name, _ in run.activate_versions} == {"ribbons", "ribbon_pins"}
