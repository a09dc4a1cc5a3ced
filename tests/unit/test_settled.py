"""What is under way comes to its end, whatever ends the process."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from tap_pinterest.network.settled import settled
from tests.harness import ROOT

if TYPE_CHECKING:
    from pathlib import Path

ENDS = """
    import os, signal, sys, threading
    from pathlib import Path
    from tap_pinterest.network import settled

    settled.GRACE = float(sys.argv[2])

    def interrupted(*_):
        raise SystemExit(9)

    signal.signal(signal.SIGTERM, interrupted)

    def work():
        os.kill(os.getpid(), signal.SIGTERM)
        while threading.main_thread().is_alive():
            pass
        if settled.GRACE < 1:
            threading.Event().wait()
        Path(sys.argv[1]).write_text("kept")

    settled.settled(work)
"""


def test_what_the_work_gives_and_raises() -> None:
    assert settled(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        settled(lambda: 1 / 0)


@pytest.mark.parametrize(("grace", "kept"), [(60, True), (0.1, False)])
def test_the_end_of_the_process_waits_for_it_but_not_for_ever(
    tmp_path: Path, grace: float, kept: bool
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(ENDS), str(tmp_path / "out"), str(grace)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (9, "")
    assert (tmp_path / "out").exists() == kept
