"""The data behind the simulator: boards, pins and people, computed from their index.

A World stores nothing but its settings, so a board of 200,000 pins costs no memory. Every method
returns exactly what the wire carries: tests use them as the oracle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import records
from .lazy import Lazy
from .measured import Measured
from .noise import mix, remark, title
from .people import People
from .settings import CLAIMED_DOMAIN

if TYPE_CHECKING:
    from .records import Record


class World(Measured, People):
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
            "board_count": self.board_total,
            "pin_count": None if self.messy else len(self.own_places(include_protected_pins=True)),
            "follower_count": self.followers,
            "following_count": self.following_users,
            "monthly_views": mix(self.seed, self.today.toordinal()) % 10**6,
        }
        return self._emit("account", record)

    def all_ad_accounts(self, *, shared: bool = True) -> Lazy[Record]:
        """GET /ad_accounts."""
        worlds = [w for w in self.accounts.values() if shared or w is self]

        def get(i: int) -> Record:
            world = worlds[i]
            record: Record = {
                "id": next(key for key, w in self.accounts.items() if w is world),
                "name": title(mix(world.seed, 3)),
                "owner": {"username": world.username, "id": world.account_id},
                "country": "US",
                "currency": "USD",
                "permissions": ["OWNER"] if world is self else ["ANALYST"],
                "created_time": 1_600_000_000 + world.number,
                "updated_time": None if self.messy else 1_700_000_000,
            }
            return self._emit("ad_account", record)

        return Lazy(len(worlds), get)
