"""A small world, served, and somebody who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.pinterest_api import Simulator, World
from tests.pinterest_api.client import TODAY, Client

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def sim() -> Iterator[Simulator]:
    world = World(boards=12, pins_per_board=[40, 9, 3], today=TODAY)
    with Simulator(world) as simulator:
        yield simulator


@pytest.fixture
def client(sim: Simulator) -> Iterator[Client]:
    client = Client(sim)
    with client.session:
        yield client
