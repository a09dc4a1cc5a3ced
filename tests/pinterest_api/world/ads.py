"""Ad accounts, their campaigns, and what the campaigns cost and brought."""

from __future__ import annotations

import calendar
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from tests.pinterest_api.lazy import Lazy
from tests.pinterest_api.noise import mix

from .ads_lists import AdLists
from .ads_tree import STATUSES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from .records import Record

COLUMNS = tuple(Path(__file__).with_name("ads_columns.txt").read_text("utf-8").split())
"""What the synchronous analytics endpoints can be asked for."""

PLACES = (
    ("US", "USD", "America/Los_Angeles"),
    ("DE", "EUR", "Europe/Berlin"),
    ("GB", "GBP", "Europe/London"),
    ("JP", "JPY", "Asia/Tokyo"),
)
WITH_FRACTION = frozenset({"customer_list", "order_line", "template"})
SETTLED = 30
"""Days after which no more conversions are attributed to a day."""


class Advertising(AdLists):
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

    # -- analytics ----------------------------------------------------------------------------

    def campaign_analytics(
        self,
        ad_account_id: str,
        campaign_ids: Iterable[str],
        start: date,
        end: date,
        columns: Sequence[str],
        *,
        granularity: str = "DAY",
        click_window_days: str = "30",
        view_window_days: str = "1",
    ) -> list[Record]:
        """GET /ad_accounts/{ad_account_id}/campaigns/analytics: rows where anything happened.

        Conversions are counted within the windows, and go on to come in for 30 days.

        KeyError: no such campaign of this ad account.
        """
        windows = int(click_window_days) + int(view_window_days)
        rows = []
        for campaign_id in campaign_ids:
            index = self.ads_index("campaign", ad_account_id, campaign_id)
            if index is None:
                raise KeyError(campaign_id)
            campaign = self.campaign(ad_account_id, index)
            for label, days in _pieces(start, end, granularity):
                totals: Counter[str] = Counter()
                for on in days:
                    totals.update(self._day(campaign, on, windows))
                if totals:
                    row = {**label, "CAMPAIGN_ID": campaign_id}
                    row |= self._columns(campaign, totals, columns)
                    rows.append(self._as_it_comes(row, index) if self.messy else row)
        return rows

    def _day(self, campaign: Record, on: date, windows: int) -> Counter[str]:
        """What was counted on a day; nothing before the start, after the end, or on idle days."""
        noon = calendar.timegm(on.timetuple()) + 43_200
        end = campaign["end_time"]
        drafted = campaign["status"] in ("DRAFT", "DELETED_DRAFT")
        h = mix(self.seed, 21, int(campaign["id"]), on.toordinal())
        if drafted or noon < campaign["start_time"] or (end and noon > end) or h % 9 == 0:
            return Counter()
        age = min(SETTLED, max(0, (self.today - on).days))
        seen = 200 + h % 4000
        clicks = seen * (1 + (h >> 12) % 5) // 100
        bought = clicks * (30 + windows) * age // (100 * SETTLED * 4)
        return Counter(
            impressions=seen,
            clicks=clicks,
            saves=clicks // 3,
            spend=clicks * 430_000,
            bought=bought,
        )

    def _columns(
        self, campaign: Record, totals: Counter[str], columns: Sequence[str]
    ) -> dict[str, Any]:
        values = {
            "CAMPAIGN_NAME": campaign["name"],
            "CAMPAIGN_ENTITY_STATUS": campaign["status"],
            "CAMPAIGN_OBJECTIVE_TYPE": campaign["objective_type"],
            "CAMPAIGN_DAILY_SPEND_CAP": campaign["daily_spend_cap"],
            "CAMPAIGN_LIFETIME_SPEND_CAP": campaign["lifetime_spend_cap"],
            "CAMPAIGN_ID": campaign["id"],
            "AD_ACCOUNT_ID": campaign["ad_account_id"],
            "ADVERTISER_ID": campaign["ad_account_id"],
            "SPEND_IN_MICRO_DOLLAR": totals["spend"],
            "SPEND_IN_DOLLAR": totals["spend"] / 10**6,
            "PAID_IMPRESSION": totals["impressions"],
            "IMPRESSION_1": totals["impressions"],
            "TOTAL_IMPRESSION": totals["impressions"],
            "CLICKTHROUGH_1": totals["clicks"],
            "TOTAL_CLICKTHROUGH": totals["clicks"],
            "REPIN_1": totals["saves"],
            "CTR": totals["clicks"] / totals["impressions"],
            "TOTAL_CHECKOUT": totals["bought"],
            "TOTAL_CONVERSIONS": totals["bought"],
        }
        found = {}
        for name in columns:
            value = values[name] if name in values else self._other(campaign, name)
            if value is not None:  # a column without a value is not in the row
                found[name] = value
        return found

    @staticmethod
    def _other(campaign: Record, name: str) -> float | None:
        h = mix(int(campaign["id"]), crc32(name.encode()))
        if h % 3 == 0 or name.endswith(("_ID", "_NAME", "_TAG", "_LABEL", "_STATUS")):
            return None
        return h % 1000 / 1000 if name.endswith(("RATE", "ROAS")) else h % 500

    @staticmethod
    def _as_it_comes(row: Record, index: int) -> Record:
        """Ids of every other campaign as numbers, counts of some as 6.0: as in the wild."""
        if index % 2:
            row |= {name: int(row[name]) for name in row if name.endswith("_ID")}
        if index % 3 == 0 and "IMPRESSION_1" in row:
            row["IMPRESSION_1"] = float(row["IMPRESSION_1"])
        return row


def _pieces(
    start: date, end: date, granularity: str
) -> Iterator[tuple[dict[str, str], list[date]]]:
    """What labels each row of a range, and the days that it covers."""
    dates = [date.fromordinal(n) for n in range(start.toordinal(), end.toordinal() + 1)]
    if granularity == "TOTAL":
        yield {}, dates
    elif granularity == "HOUR":
        for on in dates:
            for hour in range(24):
                at = datetime(on.year, on.month, on.day, hour, tzinfo=UTC)
                yield {"DATE": f"{at:%Y-%m-%dT%H:00:00}"}, [on] if hour == 12 else []
    else:
        firsts = {
            "DAY": lambda on: on,
            "WEEK": lambda on: on - timedelta(days=on.weekday()),
            "MONTH": lambda on: on.replace(day=1),
        }[granularity]
        pieces: dict[date, list[date]] = {}
        for on in dates:
            pieces.setdefault(firsts(on), []).append(on)
        for first, days in pieces.items():
            yield {"DATE": first.isoformat()}, days
