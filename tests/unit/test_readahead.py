"""Work done ahead: no more bytes are held than the budget allows, and they are given back."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from tap_pinterest.readahead import Budget, ReadAhead, fan_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Item(NamedTuple):
    number: int
    size: int = 10


class Source:
    """Items without end; remembers how many it has made."""

    def __init__(self, size: int = 10) -> None:
        self.made = 0
        self.ended = threading.Event()
        self._size = size

    def __call__(self, *_: object) -> Iterator[Item]:
        try:
            for number in range(100_000):
                self.made += 1
                yield Item(number, self._size)
        finally:
            self.ended.set()


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


def test_no_more_is_held_than_the_budget_allows() -> None:
    source, budget = Source(), Budget(100)
    ahead = ReadAhead(source, budget)
    for read in range(50):
        # Ten that wait and one in hand, which does not fit.
        wait_for(lambda read=read: source.made == read + 11)
        assert budget._held == 100
        assert next(ahead).number == read
    time.sleep(0.05)
    assert source.made == 50 + 11
    ahead.close()
    assert source.ended.wait(20)
    assert budget._held == 0


def test_all_readers_share_the_budget_and_each_goes_on() -> None:
    """One item of each may always wait, however little room the others leave."""
    budget = Budget(100)
    sources = [Source(), Source(60), Source(1000)]
    aheads = []
    for source in sources:
        aheads.append(ReadAhead(source, budget))
        wait_for(lambda source=source: source.made > 1)
        if source is sources[0]:
            wait_for(lambda: budget._held == 100)
    wait_for(lambda: budget._held == 100 + 60 + 1000)
    assert [next(ahead).number for ahead in aheads] == [0, 0, 0]
    assert [next(ahead).number for ahead in aheads] == [1, 1, 1]
    for ahead in aheads:
        ahead.close()
    assert all(source.ended.wait(20) for source in sources)
    assert budget._held == 0


def test_what_a_closed_reader_held_is_room_for_the_others() -> None:
    budget = Budget(100)
    first, second = Source(), Source()
    closing = ReadAhead(first, budget)
    wait_for(lambda: budget._held == 100)
    other = ReadAhead(second, budget)
    wait_for(lambda: second.made == 2)
    closing.close()
    wait_for(lambda: second.made == 11)
    assert budget._held == 100
    assert first.ended.wait(20)
    other.close()
    assert budget._held == 0


def test_readers_that_are_left_give_everything_back() -> None:
    budget = Budget(100)
    sources = {name: Source() for name in "abcd"}
    fanned = fan_out("abcd", lambda name: sources[name](), budget, width=3)
    name, items = next(fanned)
    assert (name, next(items).number) == ("a", 0)
    name, items = next(fanned)
    assert (name, next(items).number) == ("b", 0)
    fanned.close()
    assert all(source.ended.wait(20) for source in sources.values())
    assert budget._held == 0
