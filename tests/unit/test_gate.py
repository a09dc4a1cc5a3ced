"""The gate by itself: whose turn it is."""

from __future__ import annotations

import threading
import time

import pytest

from tap_pinterest.network.gate import Gate


@pytest.mark.parametrize("categories", ["aaaaa", "ababa"])
def test_the_lowest_rank_goes_first_and_among_equals_who_came_first(categories: str) -> None:
    """Children hold up their parent, and late streams early ones, where all go as they come."""
    gate, went = Gate(concurrency=1, max_wait=60), []

    def go(category: str, rank: float, name: str) -> None:
        with gate.slot(category, rank):
            went.append(name)

    names = ["later", "child", "first", "first again", "last"]
    threads = [
        threading.Thread(target=go, args=(category, rank, name))
        for category, rank, name in zip(categories, [5, -0.5, 1, 1, 9], names, strict=True)
    ]
    with gate.slot("a", 0):
        for number, thread in enumerate(threads, 1):
            thread.start()
            until = time.monotonic() + 20
            while sum(map(len, gate._waiting.values())) < number:
                assert time.monotonic() < until
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert went == ["child", "first", "first again", "later", "last"]
