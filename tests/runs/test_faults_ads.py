"""The faults of test_faults.py against each kind of ads stream, in a world of two ad accounts.

A fault in one ad account is no other one's: that has all its rows, and its bookmark. What passes
strikes the first, a middle and the last request of one run, in another way each; what does not pass
strikes once in a run, in the first of its ways.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.ads_faults import ADS_KINDS, below, bookmarks
from tests.ads_harness import BY_NAME
from tests.fault_harness import ALL_ROWS, KINDS, SKIPPED, STOPPED, Lab, Place, judge, judge_next
from tests.runs.test_faults import (
    ADS_ONCE,
    ALWAYS,
    DOCUMENT,
    HOW,
    NOWHERE,
    OF_ACCOUNT,
    PLACES,
    UPDATING,
    Fault,
    cells_of,
    status,
    strike_once,
    with_cells,
    write_down,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.fault_harness import Rows
    from tests.harness import Run
    from tests.pinterest_api import Simulator

BATCHES = ("campaign_analytics", "ad_pin_analytics", "ad_targeting_analytics")
ARRAYS = ("ad_account_analytics", "campaign_analytics", "ad_pin_analytics")
LISTS = ("campaigns", "product_group_promotions")
IN_BULK = {"first": STOPPED, "middle": ALL_ROWS, "last": STOPPED}

# A batch is asked for again, by halves, and what ad groups have together one by one: which works.
AGAIN = {**dict.fromkeys(ADS_KINDS, STOPPED), **dict.fromkeys(BATCHES, ALL_ROWS)}
AGAIN["keywords"] = IN_BULK
FORBIDDEN = {**dict.fromkeys(ADS_KINDS, STOPPED), "keywords": IN_BULK}
# An ad account that is not open is one to leave out, an ad group or a campaign that is not, gone.
CLOSED = {
    **AGAIN,
    "product_group_promotions": SKIPPED,
    "keywords": {**IN_BULK, "last": SKIPPED},
    "keywords_single": {"first": STOPPED, "middle": SKIPPED, "last": SKIPPED},
}
GONE = {
    **dict.fromkeys(ADS_KINDS, SKIPPED),
    **dict.fromkeys(BATCHES, ALL_ROWS),
    "keywords": {"first": SKIPPED, "middle": ALL_ROWS, "last": SKIPPED},
}
REFUSALS: dict[str, Mapping[str, Any]] = {
    "401 code 3": FORBIDDEN,
    "401 code 7": CLOSED,
    "403 code 29": CLOSED,
    "404 code 40, 50": GONE,
    "409": GONE,
    "400, other": AGAIN,
}
OF_ALL = ("six hours", "access token alone")
"""Faults that are about more than an ad account."""

USUAL: dict[str, tuple[Rows, int]] = {}
"""What a run brings to which nothing happens, and how many requests it takes, by kind."""


@pytest.fixture
def lab(
    monkeypatch: pytest.MonkeyPatch, simulate: Callable[..., Simulator], tmp_path: Path
) -> Callable[..., Lab]:
    def make(kind: str) -> Lab:
        bench = Lab(monkeypatch, simulate, tmp_path, ADS_KINDS[kind])
        if kind not in USUAL:
            rows = bench.kind.of(bench.run().ok())
            assert len({row["ad_account_id"] for row in rows.values()}) == 2
            USUAL[kind] = rows, count(bench)
            bench.repair()
        bench.rows = USUAL[kind][0]
        return bench

    return make


def others_are_whole(bench: Lab, run: Run, part: str) -> None:
    """A fault in an ad account costs nothing of another one, and moves no bookmark of its own."""
    accounts = {*bench.sim.world.accounts}
    arrived = bench.kind.of(run).keys()
    missing = {bench.rows[key]["ad_account_id"] for key in bench.rows.keys() - arrived}
    assert missing <= {part}
    if isinstance(BY_NAME[bench.kind.stream].replication_key, str):
        found = set(bookmarks(run, bench.kind.stream))
        assert accounts - {part} <= found <= accounts - missing, "not the right bookmarks"


def spoilt(bench: Lab, place: Place) -> Place:
    """All requests of the stream that are about the ad account of a place."""
    path = BY_NAME[bench.kind.stream].path.removeprefix("/ad_accounts/{ad_account_id}")
    return Place(below(place.part, path), named=place.part, part=place.part)


def can(fault: Fault, kind: str) -> bool:
    """Whether a fault can happen to a kind: some are about lists."""
    return len(fault.kinds) == len(KINDS) or kind in LISTS


def as_for(fault: Fault, kind: str) -> Fault:
    """A fault as it strikes a kind: what is an array of rows is given an object instead."""
    if kind in ARRAYS and "JSON of another kind" in fault.title:
        return replace(fault, expect=STOPPED, strikes=(status(200, body="{}"),))
    return fault


def passes(fault: Fault) -> bool:
    """Whether it costs nothing, so that it may strike several requests of a run."""
    everywhere = fault.places == PLACES and "revoked" not in fault.title
    return fault.expect == ALL_ROWS and everywhere


def cells(table: tuple[Fault, ...], which: Callable[[Fault], object] = bool) -> list[Any]:
    return [
        pytest.param(found, kind, id=f"{fault.title}-{kind}")
        for fault in table
        for kind in ADS_KINDS
        if can(fault, kind) and which(found := as_for(fault, kind))
    ]


def count(bench: Lab) -> int:
    """How many requests of its own the stream has sent."""
    return sum(
        times for path, times in bench.sim.paths().items() if re.search(bench.kind.requests, path)
    )


@pytest.mark.parametrize(("fault", "kind"), cells(ADS_ONCE, passes))
def test_what_passes_costs_nothing(lab: Callable[..., Lab], fault: Fault, kind: str) -> None:
    bench = lab(kind)
    rules = [
        strike(bench, place, 1)
        for place, strike in zip(bench.places.values(), itertools.cycle(fault.strikes))
    ]
    run = bench.run()
    assert [rule.fired for rule in rules] == [1] * len(bench.places)
    assert judge(bench, run) == ALL_ROWS
    others_are_whole(bench, run, "")
    if fault.waits is not None:
        assert fault.waits in bench.time.slept
        assert count(bench) == USUAL[kind][1] + len(rules), "a request too many"
    write_down("ads once", fault.title, kind, dict.fromkeys(bench.places, ALL_ROWS))


@pytest.mark.parametrize(("fault", "kind"), cells(ADS_ONCE, lambda fault: not passes(fault)))
def test_a_fault_that_strikes_once(lab: Callable[..., Lab], fault: Fault, kind: str) -> None:
    bench, seen = lab(kind), {}
    wanted = REFUSALS.get(fault.title, fault.expect)
    wanted = wanted if isinstance(wanted, str) else wanted[kind]
    for name, place in bench.places.items():
        if name not in fault.places:
            continue

        def look(run: Run, part: str = place.part) -> None:
            if not any(words in fault.title for words in OF_ALL):
                others_are_whole(bench, run, part)

        seen[name] = strike_once(bench, fault, fault.strikes[0], place, look)
        assert seen[name] == (wanted if isinstance(wanted, str) else wanted[name]), name
    write_down("ads once", fault.title, kind, seen)


@pytest.mark.parametrize(("fault", "kind"), cells(ALWAYS))
def test_a_fault_that_stays(lab: Callable[..., Lab], fault: Fault, kind: str) -> None:
    bench = lab(kind)
    fault.strikes[0](bench, Place(bench.kind.requests), None)
    run = bench.run()
    assert judge(bench, run) == STOPPED
    assert not bookmarks(run, bench.kind.stream)
    judge_next(bench, run)
    write_down("ads always", fault.title, kind, {"": STOPPED})


@pytest.mark.parametrize(("fault", "kind"), cells(OF_ACCOUNT))
def test_what_stays_in_one_ad_account(lab: Callable[..., Lab], fault: Fault, kind: str) -> None:
    bench = lab(kind)
    place = spoilt(bench, bench.places["first"])
    fault.strikes[0](bench, place, None)
    run = bench.run()
    others_are_whole(bench, run, place.part)
    assert {row["ad_account_id"] for row in bench.kind.of(run).values()} == {
        *bench.sim.world.accounts
    } - {place.part}
    assert run.exit_code == (1 if fault.expect == STOPPED else 0)
    told = run.last_line if run.exit_code else "".join(run.said("WARNING", "is skipped"))
    assert bench.kind.stream in told
    assert place.part in told
    assert ("ad_account_ids" in told) == (fault.title[:3] in ("401", "403"))
    tolerated = bench.run(skip_forbidden_streams=True)
    assert tolerated.exit_code == (1 if fault.title[:3] in ("400", "500") else 0)
    assert bookmarks(tolerated, bench.kind.stream) == bookmarks(run, bench.kind.stream)
    judge_next(bench, run)
    write_down("ad account", fault.title, kind, {"": fault.expected(kind)})


@pytest.mark.skipif(UPDATING, reason="the other tests are writing it")
@pytest.mark.parametrize("name", ["ads once", "ads always", "ad account"])
def test_the_document_has_these_cells_and_no_others(name: str) -> None:
    text = DOCUMENT.read_text("utf-8")
    found = cells_of(text, name)
    assert with_cells(text, name, found) == text, HOW
    filled = {cell for cell, content in found.items() if content != NOWHERE}
    table = {"ads once": ADS_ONCE, "ads always": ALWAYS, "ad account": OF_ACCOUNT}[name]
    assert filled == {(f.title, kind) for f in table for kind in ADS_KINDS if can(f, kind)}, HOW
