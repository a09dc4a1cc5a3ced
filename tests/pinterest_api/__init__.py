"""A simulator of the Pinterest API v5: a real HTTP server with a world of any size behind it.

    with Simulator(World(boards=40, pins_per_board=30)) as sim:
        requests.get(f"{sim.url}/boards", headers={"Authorization": f"Bearer {TOKEN}"})

`python -m tests.pinterest_api --help` runs it as a process.
"""

from .faults import Fault, Faults
from .oauth import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TOKEN
from .quota import PUBLISHED
from .server import Seen, Simulator
from .world import World
from .world.settings import LIKES_BOARD, SCOPES

__all__ = [
    "CLIENT_ID",
    "CLIENT_SECRET",
    "LIKES_BOARD",
    "PUBLISHED",
    "REFRESH_TOKEN",
    "SCOPES",
    "TOKEN",
    "Fault",
    "Faults",
    "Seen",
    "Simulator",
    "World",
]
