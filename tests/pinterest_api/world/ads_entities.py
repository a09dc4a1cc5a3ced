"""Who has metrics in the ads corner: ad accounts, campaigns and what is below, as parts of campaigns.

An ad is a share of its campaign, and everything else a sum of ads, so whatever is counted adds up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from tests.pinterest_api.noise import mix

from .ads_lists import AdLists
from .ads_tree import DRAFTS, WIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from .records import Record

Part = tuple["Campaign", int, int]


@dataclass(slots=True)
class Campaign:
    """What counting needs of a campaign; `edges` bound the shares of its ads, drafts have none."""

    number: int
    index: int
    record: Record
    edges: list[int]
    late: dict[int, dict[int, int]] = field(default_factory=dict)


@dataclass(slots=True)
class Entity:
    """Something with metrics: parts of campaigns (from one ad to another), and what is known of it.

    `within` is its share of those: from, to, whole.
    """

    identity: str
    parts: list[Part]
    known: Mapping[str, Any]
    within: tuple[int, int, int] | None = None


class AdEntities(AdLists):
    """Entities by level and id, and what is known of them."""

    def entities(
        self, level: str, account: str, ids: Iterable[str], campaign_id: str | None
    ) -> Iterator[Entity]:
        """The entities of a level by their ids, each once. KeyError: the account has none such."""
        of = self._campaigns(account)
        own = {"AD_ACCOUNT_ID": account, "ADVERTISER_ID": account}
        if level == "ad_account":
            whole = [of(c) for c in range(self.campaigns)]
            yield Entity(account, [(c, 0, len(c.edges) - 1) for c in whole], own)
        elif level == "pin":
            campaign = of(self._ads_index("campaign", account, campaign_id or "0"))
            known = own | _campaign_columns(campaign.record)
            shown: dict[str, list[Part]] = {}
            for leaf, ad in enumerate(self._ads_of(campaign.index)):
                part = (campaign, leaf, leaf + 1)
                shown.setdefault(self.ad_pin(account, ad), []).append(part)
            for pin in dict.fromkeys(ids):
                yield Entity(pin, shown.get(pin, []), known | {"PIN_ID": pin})
        else:
            for identity in dict.fromkeys(ids):
                yield self._entity(level, account, identity, of)

    def _entity(
        self, level: str, account: str, identity: str, of: Callable[[int], Campaign]
    ) -> Entity:
        kind = {"product_group": "product_group_promotion"}.get(level, level)
        index = self._ads_index(kind, account, identity)
        deep = {"campaign": 0, "ad_group": 1}.get(level, 2)
        campaign = of(index // WIDE**deep)
        known = {"AD_ACCOUNT_ID": account, "ADVERTISER_ID": account}
        known |= _campaign_columns(campaign.record)
        if level == "campaign":
            return Entity(identity, [(campaign, 0, len(campaign.edges) - 1)], known)
        group = index if level == "ad_group" else index // WIDE
        known |= _ad_group_columns(self.ad_group(account, group))
        first = group % WIDE * self.ads
        if level == "ad":
            leaf = first + index % WIDE
            known |= _ad_columns(self.ad(account, index))
            return Entity(identity, [(campaign, leaf, leaf + 1)], known)
        part = (campaign, first, first + self.ads)
        if level == "ad_group":
            return Entity(identity, [part], known)
        turn, many = index % WIDE, self.product_groups
        known["PRODUCT_GROUP_AD_IMAGE_TAG"] = "holiday_sale"
        return Entity(identity, [part], known, (turn, turn + 1, many))

    def _ads_index(self, kind: str, account: str, identity: str) -> int:
        index = self.ads_index(kind, account, identity)
        if index is None:
            raise KeyError(identity)
        return index

    def ads_with_pins(
        self, account: str, campaign_ids: Iterable[str], pin_ids: Iterable[str]
    ) -> list[str]:
        """The ads of some campaigns that show one of the Pins. KeyError: no such campaign."""
        pins = set(pin_ids)
        return [
            self.ads_id("ad", account, ad)
            for identity in campaign_ids
            for ad in self._ads_of(self._ads_index("campaign", account, identity))
            if self.ad_pin(account, ad) in pins
        ]

    def _ads_of(self, campaign: int) -> list[int]:
        return self.ad_indexes(self.ad_group_indexes([campaign]))

    def _campaigns(self, account: str) -> Callable[[int], Campaign]:
        """The campaigns of an account by index, remembered until something changes."""
        state, known = self.__dict__.get("_counted", (None, {}))
        if state != self.state():
            known = {}
            self.__dict__["_counted"] = self.state(), known
        late = self._late()

        def of(index: int) -> Campaign:
            found: Campaign | None = known.get((account, index))
            if found is None:
                found = known[account, index] = self._campaign(account, index, late)
            return found

        return of

    def _campaign(self, account: str, index: int, late: Sequence[tuple[str, int, int]]) -> Campaign:
        record = self.campaign(account, index)
        ads = self._ads_of(index)
        drafted = record["status"] in DRAFTS
        edges = [0]
        for ad in ads:
            statuses = {self.ads_status(ad // WIDE, 2), self.ads_status(ad, 3)}
            draft = drafted or not statuses.isdisjoint(DRAFTS)
            draft = draft and not self.busy
            edges.append(edges[-1] + (0 if draft else 1 + mix(self.seed, 27, ad) % 9))
        number = int(self.ads_id("campaign", account, index))
        found = Campaign(number, index, record, edges)
        for identity, on, more in late:
            names = (record["id"], "*", account if index == 0 else "")
            for leaf, ad in enumerate(ads):
                group = self.ads_id("ad_group", account, ad // WIDE)
                if identity in (*names, group, self.ads_id("ad", account, ad)):
                    day = found.late.setdefault(on, {})
                    day[leaf] = day.get(leaf, 0) + more
                    break
        return found

    def _late(self) -> list[tuple[str, int, int]]:
        return [
            (identity, date.fromisoformat(on).toordinal(), more)
            for (identity, on), more in self.late_conversions.items()
        ]


def _filled(**columns: Any) -> dict[str, Any]:
    return {name: value for name, value in columns.items() if value is not None}


def _campaign_columns(campaign: Record) -> dict[str, Any]:
    return _filled(
        CAMPAIGN_ID=campaign["id"],
        CAMPAIGN_NAME=campaign["name"],
        CAMPAIGN_ENTITY_STATUS=campaign["status"],
        CAMPAIGN_OBJECTIVE_TYPE=campaign["objective_type"],
        CAMPAIGN_DAILY_SPEND_CAP=campaign["daily_spend_cap"],
        CAMPAIGN_LIFETIME_SPEND_CAP=campaign["lifetime_spend_cap"],
        CAMPAIGN_BUDGET_OPTIMIZATION=campaign["is_campaign_budget_optimization"],
        IS_PREMIERE_CAMPAIGN=False,
    )


def _ad_group_columns(group: Record) -> dict[str, Any]:
    return _filled(
        AD_GROUP_ID=group["id"],
        AD_GROUP_NAME=group["name"],
        AD_GROUP_ENTITY_STATUS=group["status"],
        AD_GROUP_BUDGET_TYPE=group["budget_type"],
        AD_GROUP_BUDGET_IN_LOCAL_CURRENCY=group["budget_in_micro_currency"] / 10**6,
        AD_GROUP_BID_MULTIPLIER=group["bid_multiplier"],
    )


def _ad_columns(ad: Record) -> dict[str, Any]:
    return _filled(
        AD_ID=ad["id"], PIN_PROMOTION_ID=ad["id"], PIN_ID=ad["pin_id"], AD_NAME=ad["name"]
    )
