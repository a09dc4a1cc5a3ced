"""The data behind the simulator: boards, pins and people, computed from their index.

A World stores nothing but its settings, so a board of 200,000 pins costs no memory. Every method
returns exactly what the wire carries: tests use them as the oracle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.pinterest_api.noise import mix, remark

from . import records
from .ads import Advertising
from .organic_analytics import Measured
from .people import People
from .settings import CLAIMED_DOMAIN, SCOPES

if TYPE_CHECKING:
    from .records import Record


class World(Measured, People, Advertising):
    """One account and everything that it can see; for its settings, see `Settings`."""

    def account(self) -> Record:
        """GET /user_account."""
        record: Record = {
            "id": self.account_id,
            "username": self.username,
            "account_type": "BUSINESS",
            "about": remark(mix(self.seed)),
            "profile_image": f"{records.HOST}/avatars/{self.number}.jpg",
            "website_url": f"https://{CLAIMED_DOMAIN}/",
            "business_name": None if self.messy else "Simulated Business",
            "board_count": len(self._board_indexes("ALL", SCOPES)),
            "pin_count": len(self.own_places(include_protected_pins=True)),
            "follower_count": self.followers,
            "following_count": self.following_users,
            "monthly_views": self.views(30),
        }
        return self._emit("account", record)
