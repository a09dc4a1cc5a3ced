"""What others word reaches the log on one line, and nothing in it that a terminal obeys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_pinterest.records.shape import MOST_TOLD
from tests.harness import Run, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

HARM = (
    "\x1b]52;c;cm0gLXJmIC8=\x07\x1b[2J\x00\u202e\u2066\x9b31m\r\n2026-01-01 00:00:00,000 | INFO     | "
    "tap-pinterest                  | all is well\u2028"
)


def harmless(run: Run) -> Run:
    """Itself, after a look at each line that it printed."""
    lines = run.log.split("\n")
    assert all(line.isprintable() for line in lines)
    assert not [line for line in lines if line.startswith("2026-01-01")]
    return run


def test_an_error_is_shown_harmless(simulate: Callable[..., Simulator]) -> None:
    for status in (400, 403, 500):
        sim = simulate(boards=1)
        sim.faults.add(
            path="/boards$", kind="status", status=status, code=1, message=HARM, times=None
        )
        run = harmless(run_tap(sim, select=["boards", "account"]))
        assert run.exit_code == 1
        assert run.said(" ERROR ", "boards", "cm0gLXJmIC8=")


@pytest.mark.parametrize(
    "odd", [{HARM: 1}, {"x" * 100_000: 1}, {"created_at": HARM}, {"owner": HARM}]
)
def test_a_record_is_told_of_harmless(simulate: Callable[..., Simulator], odd: Any) -> None:
    sim = simulate(boards=2)
    sim.world.alter["board"] = lambda board: board | odd
    run = harmless(run_tap(sim, select=["boards"]).ok())
    assert run.said("WARNING", "boards", "Field ")
    assert max(map(len, run.log.split("\n"))) < 1_000


def test_a_name_is_shown_harmless(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(boards=2)
    sim.world.alter["board"] = lambda board: board | {"id": HARM, "name": HARM}
    run = harmless(run_tap(sim, select=["boards", "board_pins", "likes"]))
    assert run.exit_code == 1
    assert run.records("boards")[0]["name"] == HARM, "data stays as it is"


def test_notes_have_an_end(simulate: Callable[..., Simulator]) -> None:
    """As many new fields as an answer can hold are not as many lines."""
    sim = simulate(boards=2)
    many = {f"new_{number}": number for number in range(20_000)}
    sim.world.alter["board"] = lambda board: board | many
    run = run_tap(sim, select=["boards"]).ok()
    assert len(run.said("WARNING", "Field new_")) == MOST_TOLD
    assert run.said("WARNING", "There are more such fields, of which nothing is said")
    assert run.records("boards")[0]["new_19999"] == 19_999
