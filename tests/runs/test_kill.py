"""SIGKILL at any instant: the next run with the last state written loses nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from tap_pinterest import clock
from tests.analytics_harness import (
    DAY,
    TODAY,
    Killable,
    Table,
    account_rows,
    at,
    pin_rows,
    table,
    upsert,
)
from tests.harness import Run, catalog_for, environment, files
from tests.pinterest_api import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.pinterest_api import Simulator

KILLS = 24
STREAMS = [
    "account_analytics",
    "account_snapshots",
    "board_snapshots",
    "pin_analytics",
    "pin_lifetime_analytics",
    "pins",
    "top_pins",
]
SETTINGS = {
    "start_days_back": 9,
    "lookback_days": 0,
    "split_fields": ["NO_SPLIT", "SOURCE"],
    "top_pins_daily": True,
    "top_pins_sort_by": ["SAVE"],
    "top_pins_count": 5,
    "max_concurrency": 4,
}
Warehouse = dict[str, Table]


class Nightly:
    """A pipeline that is killed now and then, and what its warehouse has."""

    def __init__(self, sim: Simulator, folder: Path) -> None:
        self.sim, self.folder = sim, folder
        self.catalog = catalog_for(STREAMS)
        self.config = {"access_token": TOKEN, "api_url": sim.url, **SETTINGS}
        self.begin()

    def begin(self) -> None:
        """An empty warehouse and no state."""
        self.state: Any = None
        self.warehouse: Warehouse = {}

    def start(self) -> Killable:
        """A run with the state as it is."""
        documents = {"config": self.config, "catalog": self.catalog, "state": self.state}
        return Killable(
            self.sim.world.today, files(self.folder, **documents), self.folder / "log.txt"
        )

    def take(self, tap: Killable) -> Run:
        """Load what arrived, and keep the last state."""
        run = tap.run
        upsert(self.warehouse, run)
        self.state = run.states[-1] if run.states else self.state
        return run

    def whole(self) -> Run:
        """A run that nobody disturbs."""
        run = self.take(self.start())
        assert run.exit_code == 0, (self.folder / "log.txt").read_text()
        return run

    def log(self) -> str:
        return (self.folder / "log.txt").read_text()


@pytest.fixture
def nightly(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Nightly]:
    def make(**settings: Any) -> Nightly:
        sim = simulate(
            boards=2, pins_per_board=[17, 8], protected_boards=0, secret_boards=0, likes=None,
            latency=0.003, jitter=1, **settings,
        )  # fmt: skip
        at(monkeypatch, sim, TODAY)
        return Nightly(sim, tmp_path)

    return make


@pytest.mark.parametrize("bulk", [True, False])
def test_killed_at_random_instants(nightly: Callable[..., Nightly], bulk: bool) -> None:
    dice = random.Random(f"kill {bulk}")
    pipeline = nightly(bulk_analytics=bulk)
    began = time.monotonic()
    size = len(pipeline.whole().stdout)
    seconds = time.monotonic() - began
    expected = pipeline.warehouse
    assert set(expected) == set(STREAMS)
    pipeline.begin()
    kills, resumed = 0, 0
    while kills < KILLS // 2:
        tap = pipeline.start()
        if dice.random() < 0.3:
            time.sleep(dice.uniform(0, seconds))  # wherever it is then
        else:
            tap.read(dice.randrange(size))
            time.sleep(dice.choice([0, 0, dice.uniform(0, 0.01)]))
        tap.kill()
        run = pipeline.take(tap)
        assert run.exit_code in (0, -signal.SIGKILL), pipeline.log()
        if run.exit_code:
            kills += 1
            resumed += '"after"' in json.dumps(pipeline.state)
        else:  # it was through already
            assert pipeline.warehouse == expected
            pipeline.begin()
    pipeline.whole()
    assert pipeline.warehouse == expected
    assert resumed or bulk, "no kill left a place to go on from: the test tests nothing"


@pytest.mark.parametrize("bulk", [True, False])
def test_killed_night_after_night(
    nightly: Callable[..., Nightly], monkeypatch: pytest.MonkeyPatch, bulk: bool
) -> None:
    """A pipeline that hardly ever gets to its end has, in the end, every day's final values."""
    dice = random.Random(f"nights {bulk}")
    pipeline = nightly(bulk_analytics=bulk)
    size = len(pipeline.whole().stdout)
    pipeline.begin()
    world, nights = pipeline.sim.world, 6
    for night in range(nights):
        at(monkeypatch, pipeline.sim, TODAY + night * DAY)
        tap = pipeline.start()
        tap.read(dice.randrange(size))
        tap.kill()
        pipeline.take(tap)
    at(monkeypatch, pipeline.sim, TODAY + nights * DAY)
    pipeline.whole()
    for stream in ("account_analytics", "pin_analytics"):
        rows = pipeline.warehouse[stream]
        through = date.fromisoformat(pipeline.state["bookmarks"][stream]["replication_key_value"])
        days = (date.fromisoformat(min(key[-1] for key in rows)), through)
        expected = (
            pin_rows(world, *days)
            if stream == "pin_analytics"
            else account_rows(world, *days, split_fields=["NO_SPLIT", "SOURCE"])
        )
        assert (days[1] - days[0]).days > 5
        assert table(stream, expected).items() <= rows.items()


def test_the_command_itself_is_killed(nightly: Callable[..., Nightly], tmp_path: Path) -> None:
    """The real command in a process of its own, with a pipe that nobody empties in time."""
    pipeline = nightly(bulk_analytics=False)
    script = (
        "import sys; from tap_pinterest import clock; moment = float(sys.argv.pop(1));"
        "clock.now = lambda: moment;"
        "from tap_pinterest.tap import TapPinterest; TapPinterest.cli()"
    )
    args = files(tmp_path, config=pipeline.config, catalog=pipeline.catalog)
    tap = subprocess.Popen(
        [sys.executable, "-c", script, str(clock.now()), *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    assert tap.stdout
    out = b""
    while len(out) < 20_000:
        out += os.read(tap.stdout.fileno(), 20_000 - len(out))
    tap.kill()
    out += tap.stdout.read()
    tap.stdout.close()
    assert tap.wait() == -signal.SIGKILL
    lines = out.splitlines(keepends=True)
    left = Run(b"".join(line for line in lines if line.endswith(b"\n")), "", -9)
    assert left.counts
    upsert(pipeline.warehouse, left)
    pipeline.state = left.states[-1] if left.states else None
    pipeline.whole()
    killed = pipeline.warehouse
    pipeline.begin()
    pipeline.whole()
    assert killed == pipeline.warehouse
