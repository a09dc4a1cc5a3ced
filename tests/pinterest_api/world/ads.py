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

from .settings import Settings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from .records import Record

COLUMNS = tuple(Path(__file__).with_name("ads_columns.txt").read_text("utf-8").split())
"""What the synchronous analytics endpoints can be asked for."""

STATUSES = ("ACTIVE", "PAUSED", "ARCHIVED", "DRAFT", "DELETED_DRAFT")
PLACES = (
    ("US", "USD", "America/Los_Angeles"),
    ("DE", "EUR", "Europe/Berlin"),
    ("GB", "GBP", "Europe/London"),
    ("JP", "JPY", "Asia/Tokyo"),
)
SEASONS = ("Spring sale", "Summer kitchens", "Back to school", "Gifts under 50", "Always on")
OBJECTIVES = ("AWARENESS", "CONSIDERATION", "WEB_CONVERSION", "CATALOG_SALES", "VIDEO_COMPLETION")

CAMPAIGN_IDS = 626_700_000_000_000_001  # 18 digits, which is all that the API takes
PER_AD_ACCOUNT = 10**9
STEP = 7

SETTLED = 30
"""Days after which no more conversions are attributed to a day."""


class Advertising(Settings):
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

    # -- campaigns ----------------------------------------------------------------------------

    def _first_campaign(self, ad_account_id: str) -> int:
        return CAMPAIGN_IDS + list(self.accounts).index(ad_account_id) * PER_AD_ACCOUNT

    def _campaign_index(self, ad_account_id: str, campaign_id: str) -> int | None:
        index, rest = divmod(int(campaign_id) - self._first_campaign(ad_account_id), STEP)
        return index if rest == 0 and 0 <= index < self.campaigns else None

    def campaign(self, ad_account_id: str, index: int) -> Record:
        """The campaign at an index. A third of them changed within the last 30 days."""
        identity = str(self._first_campaign(ad_account_id) + index * STEP)
        h = mix(self.seed, 20, int(identity))
        status = STATUSES[(0, 1, 0, 2, 3, 0, 4, 1, 0, 2)[index % 10]]
        age = 20 + h % 700
        end = self._second(age - 90) if h >> 3 & 3 == 0 else None
        over = end is not None and end < self._second(0)
        lifetime = h >> 5 & 1
        cap = (1 + h % 500) * 10_000_000
        record: Record = {
            "id": identity,
            "ad_account_id": ad_account_id,
            "name": f"{SEASONS[h % 5]} {index}",
            "status": status,
            "summary_status": {"ACTIVE": "COMPLETED" if over else "RUNNING"}.get(status, status),
            "objective_type": OBJECTIVES[(h >> 7) % 5],
            "created_time": self._second(age, h),
            "updated_time": self._second((h >> 9) % (30 if index % 3 == 0 else age), h >> 4),
            "start_time": self._second(age - 1),
            "end_time": end,
            "daily_spend_cap": None if lifetime else cap,
            "lifetime_spend_cap": cap * 30 if lifetime else None,
            "order_line_id": None,
            "tracking_urls": {"impression": ["https://tracking.example/i"]} if h & 1 else None,
            "bid_options": None,
            "is_campaign_budget_optimization": bool(h >> 11 & 1),
            "is_flexible_daily_budgets": bool(h >> 12 & 1),
            "is_automated_campaign": False,
            "is_performance_plus": bool(h >> 13 & 1),
            "type": "campaign",
        }
        if self.messy:  # 5.28, and an amount that a double cannot hold
            record |= {
                "default_ad_group_budget_in_micro_currency": 2**53 + 1 + index,
                "intended_promotion_type": "STANDARD_AD",
                "is_carting": False,
                "is_ltv_optimized": None,
                "is_top_of_search": None,
                "performance_plus_campaign_settings": {"boost_prospecting_ad_group_bid": False},
            }
        return self._emit("campaign", record)

    def _second(self, days_before: int, h: int = 0) -> int:
        """Epoch seconds of a moment that many days before the origin."""
        on = self.origin - timedelta(days=days_before)
        return calendar.timegm(on.timetuple()) + h % 86_400

    def campaigns_of(
        self,
        ad_account_id: str,
        *,
        entity_statuses: Collection[str] = STATUSES,
        campaign_ids: Collection[str] | None = None,
        order: str | None = None,
    ) -> Lazy[Record]:
        """GET /ad_accounts/{ad_account_id}/campaigns; the API's own default of statuses is two."""
        last, down = self.campaigns - 1, order == "DESCENDING"
        campaigns = Lazy(
            self.campaigns, lambda i: self.campaign(ad_account_id, last - i if down else i)
        )
        return campaigns.where(
            lambda record: (
                record["status"] in entity_statuses
                and (campaign_ids is None or record["id"] in campaign_ids)
            )
        )

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
            index = self._campaign_index(ad_account_id, campaign_id)
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
