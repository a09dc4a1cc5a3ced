"""What a run keeps in memory, counted in pages."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import pytest

from tap_pinterest.kinds import lists, parents, reading
from tap_pinterest.records.pages import Page
from tests.harness import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_pinterest.kinds.stream import PinterestStream
    from tap_pinterest.records.decoding import Record
    from tests.pinterest_api import Simulator


class NoticedPage(Page):
    """A page of which it can be known when it is gone."""


@pytest.mark.parametrize(("stream", "pages"), [("pins", 3), ("board_pins", 6)])
def test_a_page_is_gone_when_the_next_is_decoded(
    simulate: Callable[..., Simulator],
    monkeypatch: pytest.MonkeyPatch,
    stream: str,
    pages: int,
) -> None:
    sim = simulate(boards=6, protected_boards=0, secret_boards=0, likes=None, pins_per_board=100)
    previous: list[weakref.ref[Page]] = []
    alive: list[Page | None] = []
    take = reading.take

    def noticed(read: PinterestStream, page: Page) -> list[Record]:
        if read.name == stream:
            alive.extend(each() for each in previous)
            previous[:] = [weakref.ref(page)]
        return take(read, page)

    monkeypatch.setattr(lists, "Page", NoticedPage)
    for module in (reading, parents):
        monkeypatch.setattr(module, "take", noticed)
    run_tap(sim, select=[stream]).ok()
    assert alive == [None] * (pages - 1)
