"""`--test`: one record of what is selected, and an exit code that tells the truth; `--about`."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.harness import (
    SCRIPT,
    catalog_for,
    config_for,
    environment,
    files,
    run_process,
    run_tap,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.pinterest_api import Simulator


def test_it_reads_one_record_of_each_selected_stream(sim: Simulator) -> None:
    run = run_tap(sim, select=["boards", "board_pins", "pins"], args=["--test"]).ok()
    assert run.counts == {"boards": 1, "board_pins": 1, "pins": 1}
    assert not run.activate_versions
    asked = {path.removeprefix("/v5") for path in sim.paths()}
    assert not {path for path in asked if not path.startswith(("/boards", "/pins"))}


def test_a_parent_is_read_for_its_selected_child_alone(sim: Simulator) -> None:
    run = run_tap(sim, select=["board_pins"], args=["--test"]).ok()
    assert run.counts["board_pins"] == 1
    assert Counter(run.counts).keys() <= {"board_pins", "boards"}


@pytest.mark.parametrize("path", ["/v5/boards$", "/boards/[0-9]+/pins$"])
def test_its_verdict_is_that_of_a_sync(sim: Simulator, path: str) -> None:
    sim.faults.add(path=path, kind="forbidden", times=None)
    select = ["boards", "board_pins"]
    tried, synced = (run_tap(sim, select=select, args=args) for args in (["--test"], []))
    assert tried.exit_code == synced.exit_code == 1
    assert "HTTP 403" in tried.last_line
    assert "The run is incomplete" in tried.last_line


def test_a_parent_of_one_record_lets_no_row_of_its_child_vanish(
    simulate: Callable[..., Simulator],
) -> None:
    sim = simulate(boards=1, protected_boards=0, secret_boards=0, likes=None, pins_per_board=5)
    assert not run_tap(sim, select=["board_pins"], args=["--test"]).ok().activate_versions


def test_its_word_is_checked(sim: Simulator) -> None:
    run = run_tap(sim, args=["--test=records"])
    assert run.exit_code == 2
    assert "'all', 'schema'" in run.log
    assert not sim.requests


@pytest.mark.parametrize("args", [["--about"], ["--about", "--format=json"], ["--discover"]])
def test_whoever_has_seen_enough_hears_no_error(args: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as gone:
        done = subprocess.run(
            [SCRIPT, *args],
            stdout=gone,
            stderr=subprocess.PIPE,
            env=environment(),
            timeout=30,
            check=False,
        )
    said = done.stderr.decode()
    assert done.returncode == 1
    assert not [word for word in ("ERROR", "BrokenPipe", "ignored") if word in said], said


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_what_the_sdk_says_at_every_start_is_for_debugging(
    simulate: Callable[..., Simulator], tmp_path: Path, level: str
) -> None:
    sim = simulate(today=None)
    args = files(tmp_path, config=config_for(sim, {}), catalog=catalog_for(["account"]))
    run = run_process(args, TAP_PINTEREST_LOGLEVEL=level).ok()
    for words in ("Skipping deselected stream 'boards'", "Added 'board_pins'", "Skipping parse of"):
        assert [" DEBUG " in line for line in run.said(words)] == [True] * (level == "DEBUG")
    assert run.said(" INFO ", "Beginning sync of 'account'")
