"""Fixtures: simulators, short waits, and the executables of real targets."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import settings

from tap_pinterest import clock, shown
from tap_pinterest.network import retry
from tests.harness import ALL, run_tap
from tests.pinterest_api import Simulator, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness import Run
    from tests.pinterest_api import Seen

TODAY = date(2026, 3, 10)
ROOT = Path(__file__).parent.parent

# Runs of the tap are slow examples, and two cores are shared: no deadline, few examples.
settings.register_profile("suite", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Exponential waits of milliseconds; what the API names is waited for as it says.

    Threads that a test began end before the next one begins, which patches what they use.
    """
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(retry, "LONGEST_WAIT", 0.01)
    before = set(threading.enumerate())
    shown.forget_secrets()
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
        assert not thread.is_alive(), f"{thread.name} goes on"


def on_today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tap's clock begin at noon of TODAY."""
    noon = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC).timestamp()
    began = time.monotonic()
    monkeypatch.setattr(clock, "now", lambda: noon + time.monotonic() - began)


@pytest.fixture
def simulate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Simulator]]:
    """Start simulators: `simulate(boards=3, empty_pages=2)`; the test's end stops them.

    The tap's calendar then shows the day that theirs does.
    """
    on_today(monkeypatch)
    running: list[Simulator] = []
    of_server = {"latency", "jitter", "quotas", "empty_pages", "token", "token_lifetime"}

    def start(**arguments: Any) -> Simulator:
        server = {name: arguments.pop(name) for name in of_server & arguments.keys()}
        simulator = Simulator(World(**{"today": TODAY, **arguments}), **server)
        simulator.start()
        running.append(simulator)
        return simulator

    yield start
    for simulator in running:
        simulator.stop()


@pytest.fixture
def sim(simulate: Callable[..., Simulator]) -> Simulator:
    """A small account, messy as in the wild; a test may change it."""
    return simulate()


@dataclass(frozen=True)
class Everything:
    """A run over all streams of a small account, and the requests that it took."""

    world: dict[str, Any]
    settings: dict[str, Any]
    run: Run
    requests: list[Seen]


@pytest.fixture(scope="session")
def everything() -> Everything:
    """One run over all streams: what is looked at in each stream is looked at in it."""
    world: dict[str, Any] = {"boards": 4, "pins_per_board": 3, "today": TODAY}
    settings = {"search_queries": ["a"], "start_days_back": 3, "end_days_back": 1}
    with pytest.MonkeyPatch.context() as patch, Simulator(World(**world)) as simulator:
        on_today(patch)
        run = run_tap(simulator, select=ALL, **settings).ok()
        return Everything(world, settings, run, list(simulator.requests))


def executable(loader: str, name: str, variable: str) -> Path:
    """The executable of a real target; skips where it is missing, but fails in CI.

    `make test` installs the loaders of meltano.yml under .meltano; the variable names another.
    """
    place = ROOT / ".meltano" / "loaders" / loader / "venv" / "bin" / name
    if given := os.environ.get(variable):
        place = Path(given)
    if not place.exists():
        missing(f"{loader} is not installed at {place} ({variable} names another); try `make test`")
    return place


def missing(what: str) -> NoReturn:
    """Skip a test, for want of something that CI must have."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def target_jsonl() -> Path:
    """The executable of target-jsonl."""
    return executable("target-jsonl", "target-jsonl", "TARGET_JSONL")


@pytest.fixture(scope="session")
def target_duckdb() -> Path:
    """The executable of target-duckdb."""
    return executable("target-duckdb", "target-duckdb-whole", "TARGET_DUCKDB")
