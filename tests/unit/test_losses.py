"""What was not read is counted once, whichever thread tells of it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast

from tap_pinterest.errors import Gone
from tap_pinterest.kinds.losses import Losses


class Slow(int):
    """A number that gives other threads time to read it while it is added to."""

    meeting = threading.Barrier(2)

    def __add__(self, other: Any) -> Slow:
        total = Slow(int(self) + other)
        try:
            self.meeting.wait(0.2)  # two meet here only where nothing keeps the second out
        except threading.BrokenBarrierError:
            self.meeting.reset()
        return total


def test_two_threads_skip_two_objects() -> None:
    told: list[str] = []
    losses = Losses(cast("Any", SimpleNamespace(note=told.append)))
    losses.skipped = Slow(0)
    with ThreadPoolExecutor(2) as pool:
        for number in (1, 2):
            pool.submit(losses.skip, f"Pin {number}", Gone("it is gone"))
    assert losses.skipped == 2
    assert sorted(told) == [f"Pin {number} is skipped: it is gone" for number in (1, 2)]
