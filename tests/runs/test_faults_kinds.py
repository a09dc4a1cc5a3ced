"""Faults against every kind of reading that test_faults.py has no table for.

The kinds are told from the classes, and what must arrive from a run that nothing happens to. Then
either all of it arrives, or the run ends red and names the stream, or what is missing is named; and
the run after it completes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests import fault_harness
from tests.fault_harness import BACK, Kind, Lab, Place, judge_next
from tests.kinds import by_kind, representatives

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fault_harness import Rows
    from tests.harness import Run
    from tests.pinterest_api import Simulator, World

WORLD: dict[str, Any] = {
    "boards": 3,
    "protected_boards": 0,
    "secret_boards": 0,
    "pins_per_board": [25, 2, 4],
    "followers": 45,
    "likes": 3,
}
SETTINGS = {**BACK, "search_queries": ["a"], "max_concurrency": 1}
API = "/v5/(?!oauth)"

IN_TABLES = {kind.stream for kind in fault_harness.KINDS.values()}
OTHERS = {
    streams[0].declared_name()
    for streams in by_kind().values()
    if not IN_TABLES & {stream.declared_name() for stream in streams}
}
ONE_OF_EACH = {name: each for name, each in representatives().items() if name in OTHERS}

ONCE: dict[str, dict[str, Any]] = {
    "401 code 3": {"kind": "unauthorized", "code": 3},
    "404": {"kind": "not_found", "code": 50},
    "400": {"kind": "status", "status": 400, "code": 1, "message": "no"},
}
ALWAYS = ("401 code 3", "404")


@pytest.fixture
def lab(
    monkeypatch: pytest.MonkeyPatch, simulate: Callable[..., Simulator], tmp_path: Path
) -> Callable[[str], Lab]:
    def make(stream: str) -> Lab:
        keys = tuple(ONE_OF_EACH[stream].primary_keys)
        rows: Rows = {}
        kind = Kind("", stream, API, WORLD, places, lambda _: rows, keys, SETTINGS)
        bench = Lab(monkeypatch, simulate, tmp_path, kind)
        rows.update(kind.of(bench.run().ok()))
        assert rows, f"{stream}: give WORLD or SETTINGS something that this kind of stream can read"
        count = sum(times for path, times in bench.sim.paths().items() if "/oauth/" not in path)
        bench.places = {str(nth): Place(API, nth) for nth in sorted({1, (count + 1) // 2, count})}
        bench.repair()
        return bench

    return make


def places(_: World) -> dict[str, Place]:
    """None until a run has shown what the stream asks for."""
    return {}


def lineage(stream: str) -> list[str]:
    """A stream, and those above it."""
    names, parent = [stream], ONE_OF_EACH[stream].parent_stream_type
    while parent:
        names.append(parent.declared_name())  # type: ignore[attr-defined]
        parent = parent.parent_stream_type
    return names


def fair(bench: Lab, run: Run) -> None:
    """Nothing is lost in silence, and the next run brings what is missing."""
    stream = bench.kind.stream
    arrived = bench.kind.of(run)
    assert arrived.items() <= bench.rows.items(), "rows that do not exist, or were changed"
    missing = bench.rows.keys() - arrived.keys()
    if run.exit_code:
        assert " ERROR " in run.last_line
        assert any(name in run.last_line for name in lineage(stream)), run.last_line
    skipped = "\n".join(run.said("WARNING", "is skipped"))
    names = (*bench.kind.key, *ONE_OF_EACH[stream].parent_fields)
    for key in missing if not run.exit_code else ():
        of_row = [bench.rows[key][name] for name in names]
        assert any(str(part) in skipped for part in of_row), f"{key} is missing and not named"
    if missing:
        assert stream not in {name for name, _ in run.activate_versions}
    if run.exit_code or missing:
        judge_next(bench, run)


@pytest.mark.parametrize("stream", ONE_OF_EACH)
def test_what_passes_costs_nothing(lab: Callable[[str], Lab], stream: str) -> None:
    bench = lab(stream)
    passing = [{"kind": "server_error"}, {"kind": "truncate"}, {"kind": "status", "status": 200}]
    rules = [
        bench.sim.faults.add(**place.rule(), **fault)
        for place, fault in zip(bench.places.values(), passing, strict=False)
    ]
    run = bench.run().ok()
    assert all(rule.fired for rule in rules)
    assert bench.kind.of(run) == bench.rows
    assert not run.said(" ERROR ")


@pytest.mark.parametrize("stream", ONE_OF_EACH)
def test_a_refusal_is_told(lab: Callable[[str], Lab], stream: str) -> None:
    bench = lab(stream)
    for fault in ONCE.values():
        for place in bench.places.values():
            bench.repair()
            rule = bench.sim.faults.add(**place.rule(), **fault)
            run = bench.run()
            assert rule.fired
            fair(bench, run)


@pytest.mark.parametrize("stream", ONE_OF_EACH)
def test_a_refusal_of_everything_is_red(lab: Callable[[str], Lab], stream: str) -> None:
    bench = lab(stream)
    for fault in ALWAYS:
        bench.repair()
        bench.sim.faults.add(path=API, times=None, **ONCE[fault])
        run = bench.run()
        assert run.exit_code == 1
        assert bench.kind.of(run) == {}
        fair(bench, run)


def test_every_kind_is_here_or_in_the_tables() -> None:
    assert len(ONE_OF_EACH) + len(IN_TABLES) == len(by_kind())
