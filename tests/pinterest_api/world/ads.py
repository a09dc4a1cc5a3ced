"""Ad accounts, and how what they have is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

from tests.pinterest_api.lazy import Lazy

from .ads_analytics import AdsMeasured
from .ads_tree import STATUSES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import date

    from .records import Record

PLACES = (
    ("US", "USD", "America/Los_Angeles"),
    ("DE", "EUR", "Europe/Berlin"),
    ("GB", "GBP", "Europe/London"),
    ("JP", "JPY", "Asia/Tokyo"),
)
WITH_FRACTION = frozenset({"customer_list", "order_line", "template"})


class Advertising(AdsMeasured):
    """What the ads endpoints know, by the id of an ad account in `accounts`."""

    def all_ad_accounts(self, *, shared: bool = True) -> Lazy[Record]:
        """GET /ad_accounts."""
        listed = [
            (position, identity)
            for position, (identity, owner) in enumerate(self.accounts.items())
            if shared or owner is self
        ]

        def get(i: int) -> Record:
            position, identity = listed[i]
            owner = self.accounts[identity]
            country, currency, time_zone = PLACES[position % len(PLACES)]
            return self._emit(
                "ad_account",
                {
                    "id": identity,
                    "name": f"{owner.username} {country}",
                    "owner": {"username": owner.username, "id": owner.account_id},
                    "country": country,
                    "currency": currency,
                    "time_zone": time_zone,
                    "permissions": ["OWNER"] if owner is self else ["ANALYST"],
                    "created_time": 1_600_000_000 + position,
                    "updated_time": None if self.messy else 1_700_000_000,
                },
            )

        return Lazy(len(listed), get)

    def campaigns_of(
        self,
        ad_account_id: str,
        *,
        entity_statuses: Collection[str] = STATUSES,
        campaign_ids: Collection[str] | None = None,
        order: str | None = None,
    ) -> Lazy[Record]:
        """GET /ad_accounts/{ad_account_id}/campaigns; the API's own default of statuses is two."""
        return self.ads_list(
            "campaign",
            ad_account_id,
            entity_statuses=entity_statuses,
            campaign_ids=campaign_ids,
            order=order,
        )

    def wire(self, kind: str, record: Record) -> Record:
        """A record of a list as it is sent: in a messy world some have ids that are integers.

        The times of some kinds have a fraction then: 1623245885.0.
        """
        if not self.messy:
            return record
        times = (name for name in record if name.endswith("_time") and kind in WITH_FRACTION)
        sent = record | {name: float(record[name]) for name in times if record[name] is not None}
        if crc32(str(record.get("id")).encode()) % 4 == 0:
            ids = [name for name in record if name == "id" or name.endswith("_id")]
            sent |= {name: int(sent[name]) for name in ids if str(sent[name]).isdigit()}
        return sent

    def campaign_analytics(
        self,
        ad_account_id: str,
        campaign_ids: Iterable[str],
        start: date,
        end: date,
        columns: Sequence[str],
        **how: Any,
    ) -> list[Record]:
        """GET /ad_accounts/{ad_account_id}/campaigns/analytics: see `ads_analytics`."""
        return self.ads_analytics(
            "campaign", ad_account_id, campaign_ids, start, end, columns=columns, **how
        )
