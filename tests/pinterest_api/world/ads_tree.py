"""Campaigns, their ad groups, and what these hold: ads, keywords, promoted product groups.

Everything has an index from which its id follows: the i-th ad group of campaign c is c * WIDE + i,
and so on downwards, so an id stays what it is when there is more beside it.
"""

from __future__ import annotations

import calendar
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.pinterest_api.noise import mix, title

from .settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .records import Record

STATUSES = ("ACTIVE", "PAUSED", "ARCHIVED", "DRAFT", "DELETED_DRAFT")
DRAFTS = frozenset({"DRAFT", "DELETED_DRAFT"})
_STATUS = (0, 1, 0, 2, 3, 0, 4, 1, 0, 2)
SEASONS = ("Spring sale", "Summer kitchens", "Back to school", "Gifts under 50", "Always on")
OBJECTIVES = ("AWARENESS", "CONSIDERATION", "WEB_CONVERSION", "CATALOG_SALES", "VIDEO_COMPLETION")
CREATIVES = ("REGULAR", "VIDEO", "SHOPPING", "CAROUSEL", "COLLECTION", "IDEA")
MATCHES = ("BROAD", "PHRASE", "EXACT")
NEGATIVE = ("EXACT_NEGATIVE", "PHRASE_NEGATIVE")
INTERESTS = {"924378935231": "Home decor", "935541271955": "Food and drinks"}

WIDE = 1000
"""Most children of one parent."""
STEP = 7
PER_AD_ACCOUNT = 10**13
# 18 digits, which is all that the API takes; see the ids in settings.py for why they are so large.
FIRST = {
    "campaign": 626_700_000_000_000_001,
    "ad_group": 268_000_000_000_000_001,
    "ad": 687_200_000_000_000_001,
    "keyword": 383_700_000_000_000_001,
    "product_group_promotion": 279_300_000_000_000_001,
    "ad_pin": 666_743_919_837_294_988,
    "catalog_product_group": 443_700_000_000_000_001,
    "audience": 254_200_000_000_000_001,
    "label": 110_600_000_000_000_001,
    "customer_list": 549_755_885_900_000_001,
    "conversion_tag": 261_700_000_000_000_001,
    "targeting_template": 643_000_000_000_000_001,
    "lead_form": 776_500_000_000_000_001,
    "order_line": 268_600_000_000_000_001,
    "promotion": 783_400_000_000_000_001,
    "template": 673_900_000_000_000_001,
}
PINLESS = 4 * WIDE * WIDE
"""The first ad of the fifth campaign, a draft, has no Pin yet."""
KEYWORDS_OF_ACCOUNT = 3
KEYWORDS_OF_CAMPAIGN = 2


def objective(campaign: int) -> str:
    """What the campaign at an index is for; the first one is for catalog sales."""
    return OBJECTIVES[(campaign + 1) * 3 % 5]


class AdTree(Settings):
    """The records of campaigns and below by the id of their ad account and their index."""

    def ads_id(self, kind: str, ad_account_id: str, index: int) -> str:
        """The id of what has an index in an ad account."""
        return str(FIRST[kind] + self._position(ad_account_id) * PER_AD_ACCOUNT + index * STEP)

    def ads_index(self, kind: str, ad_account_id: str, identity: str) -> int | None:
        """The index of a campaign, ad group, ad or promoted product group; None: not there."""
        first = FIRST[kind] + self._position(ad_account_id) * PER_AD_ACCOUNT
        index, rest = divmod(int(identity) - first, STEP)
        if rest or index < 0:
            return None
        if kind == "campaign":
            return index if index < self.campaigns else None
        parent, own = divmod(index, WIDE)
        if kind == "ad_group":
            return index if parent < self.campaigns and own < self.ad_groups else None
        campaign, group = divmod(parent, WIDE)
        many = self.ads if kind == "ad" else self.product_groups_of(parent)
        there = campaign < self.campaigns and group < self.ad_groups and own < many
        return index if there else None

    def _position(self, ad_account_id: str) -> int:
        return list(self.accounts).index(ad_account_id)

    def ad_group_indexes(self, campaigns: Iterable[int]) -> list[int]:
        """Of all ad groups of some campaigns."""
        return [c * WIDE + i for c in campaigns for i in range(self.ad_groups)]

    def ad_indexes(self, ad_groups: Iterable[int]) -> list[int]:
        """Of all ads of some ad groups."""
        return [g * WIDE + i for g in ad_groups for i in range(self.ads)]

    def product_groups_of(self, ad_group: int) -> int:
        """How many product groups an ad group promotes."""
        return self.product_groups if objective(ad_group // WIDE) == "CATALOG_SALES" else 0

    def ads_status(self, index: int, levels: int) -> str:
        """A first child has the status of its parent, the next ones have others."""
        turn = 0
        for times in (1, 3, 7)[levels - 1 :: -1]:
            index, own = divmod(index, WIDE) if times > 1 else (0, index)
            turn += own * times
        return STATUSES[_STATUS[turn % 10]]

    def ad_pin(self, ad_account_id: str, ad: int) -> str:
        """The Pin that an ad shows; in every fourth campaign the ad groups show the same ones."""
        group, own = divmod(ad, WIDE)
        shared = group // WIDE % 4 == 0
        number = group // WIDE * WIDE * WIDE + own if shared else ad
        first = FIRST["ad_pin"] + self._position(ad_account_id) * PER_AD_ACCOUNT
        return str(first + number)

    def _second(self, days_before: int, h: int = 0) -> int:
        """Epoch seconds of a moment that many days before the origin."""
        on = self.origin - timedelta(days=days_before)
        return calendar.timegm(on.timetuple()) + h % 86_400

    def campaign(self, ad_account_id: str, index: int) -> Record:
        """The campaign at an index. A third of them changed within the last 30 days."""
        identity = self.ads_id("campaign", ad_account_id, index)
        h = mix(self.seed, 20, int(identity))
        status = self.ads_status(index, 1)
        age = 20 + h % 700
        # The first one goes on: it has the day that costs more than a double can hold.
        end = self._second(age - 90) if index and h >> 3 & 3 == 0 else None
        over = end is not None and end < self._second(0)
        lifetime = h >> 5 & 1
        cap = (1 + h % 500) * 10_000_000
        record: Record = {
            "id": identity,
            "ad_account_id": ad_account_id,
            "name": f"{SEASONS[h % 5]} {index}",
            "status": status,
            "summary_status": {"ACTIVE": "COMPLETED" if over else "RUNNING"}.get(status, status),
            "objective_type": objective(index),
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

    def ad_group(self, ad_account_id: str, index: int, *, interests: bool = False) -> Record:
        """The ad group at an index; `interests` by their names instead of their ids."""
        identity = self.ads_id("ad_group", ad_account_id, index)
        h = mix(self.seed, 22, int(identity))
        campaign_id = self.ads_id("campaign", ad_account_id, index // WIDE)
        status = self.ads_status(index, 2)
        age = 15 + h % 600
        record: Record = {
            "id": identity,
            "ad_account_id": ad_account_id,
            "campaign_id": f"C{campaign_id}" if self.messy and h % 13 == 0 else campaign_id,
            "name": f"Ad group {title(h)}",
            "status": status,
            "summary_status": {"ACTIVE": "RUNNING"}.get(status, status),
            "created_time": self._second(age, h),
            "updated_time": self._second((h >> 9) % (30 if index % 3 == 0 else age), h >> 4),
            "start_time": self._second(age - 1),
            "end_time": self._second(-90) if h >> 3 & 1 else None,
            "auto_targeting_enabled": bool(h >> 4 & 1),
            "bid_in_micro_currency": None if h >> 5 & 1 else 5_000_000 + h % 1000,
            "bid_strategy_type": ("AUTOMATIC_BID", "MAX_BID", None)[h % 3],
            "bid_multiplier": (None, 1, 1.5)[(h >> 6) % 3],
            "billable_event": ("CLICKTHROUGH", "IMPRESSION")[h >> 7 & 1],
            "budget_in_micro_currency": 2**53 + 1 if self.messy and h % 7 == 0 else 5_000_000,
            "budget_type": ("DAILY", "LIFETIME", "CBO_ADGROUP")[(h >> 8) % 3],
            "conversion_learning_mode_type": ("NOT_ACTIVE", "ACTIVE", None)[(h >> 10) % 3],
            "dca_assets": None,
            "feed_profile_id": "0",
            "is_creative_optimization": bool(h >> 11 & 1),
            "lifetime_frequency_cap": 100,
            "optimization_goal_metadata": self._goal(h) if h >> 12 & 1 else None,
            "pacing_delivery_type": "STANDARD",
            "placement_group": ("ALL", "SEARCH", "BROWSE")[(h >> 13) % 3],
            "promotion_application_level": None,
            "promotion_id": self.ads_id("promotion", ad_account_id, 0) if h % 5 == 0 else None,
            "targeting_spec": {
                "AGE_BUCKET": ["35-44", "50-54"],
                "APPTYPE": ["ipad", "iphone"],
                "GENDER": None if h >> 14 & 1 else ["female"],
                "GEO": ["US"],
                "INTEREST": list(INTERESTS.values() if interests else INTERESTS),
                "LOCALE": ["en"],
                "SHOPPING_RETARGETING": [{"lookback_window": 30, "tag_types": [0, 6]}],
                "TARGETING_STRATEGY": ["CHOOSE_YOUR_OWN"],
            },
            "targeting_template_ids": None,
            "tracking_urls": {"click": ["https://tracking.example/c"]} if h & 1 else None,
            "type": "adgroup",
        }
        if self.messy:
            record |= {
                "customer_segment_id": None,
                "ext_features": {"enabled": ["TRENDS"]},
                "is_local_inventory": False,
                "local_inventory_radius_in_miles": 12.5,
                "performance_plus_campaign_settings": {"pinner_list_exclusions": []},
                "placement_traffic_type": "ALL",
                "promotion_ids": [self.ads_id("promotion", ad_account_id, 0)],
            }
        return self._emit("ad_group", record)

    def _goal(self, h: int) -> dict[str, Any]:
        windows = {"click_window_days": 30, "engagement_window_days": 30, "view_window_days": 1}
        return {
            "conversion_tag_v3_goal_metadata": {
                "attribution_windows": windows,
                "conversion_event": "CHECKOUT",
                "conversion_tag_id": str(FIRST["conversion_tag"]),
                "cpa_goal_value_in_micro_currency": str(h % 10**7),
                "is_roas_optimized": False,
                "learning_mode_type": "ACTIVE",
            },
            "frequency_goal_metadata": {"frequency": 2, "timerange": "SEVEN_DAY"},
            "scrollup_goal_metadata": {"scrollup_goal_value_in_micro_currency": "1000000"},
        }

    def ad(self, ad_account_id: str, index: int) -> Record:
        """The ad at an index."""
        identity = self.ads_id("ad", ad_account_id, index)
        h = mix(self.seed, 23, int(identity))
        ad_group_id = self.ads_id("ad_group", ad_account_id, index // WIDE)
        status = self.ads_status(index, 3)
        age = 10 + h % 500
        rejected = h % 11 == 0
        link = f"https://shop.example/{h % 1000}"
        pinless = index == PINLESS
        record: Record = {
            "id": identity,
            "ad_account_id": ad_account_id,
            "campaign_id": self.ads_id("campaign", ad_account_id, index // WIDE // WIDE),
            "ad_group_id": f"AG{ad_group_id}" if self.messy and h % 13 == 0 else ad_group_id,
            "pin_id": None if pinless else self.ad_pin(ad_account_id, index),
            "name": None if h % 9 == 0 else f"Ad {title(h)}",
            "status": status,
            "summary_status": {"ACTIVE": "REJECTED" if rejected else "APPROVED"}.get(
                status, status
            ),
            "review_status": "REJECTED" if rejected else "APPROVED",
            "rejected_reasons": ["HASHTAGS"] if rejected else [],
            "rejection_labels": ["No hashtags, please"] if rejected else [],
            "created_time": self._second(age, h),
            "updated_time": self._second((h >> 9) % (30 if index % 3 == 0 else age), h >> 4),
            "creative_type": CREATIVES[(h >> 5) % 6],
            "android_deep_link": None,
            "ios_deep_link": None,
            "carousel_android_deep_links": None,
            "carousel_destination_urls": [link] if h >> 6 & 1 else None,
            "carousel_ios_deep_links": None,
            "click_tracking_url": None,
            "view_tracking_url": None,
            "collection_items_destination_url_template": None,
            "customizable_cta_type": ("LEARN_MORE", None)[h >> 7 & 1],
            "destination_url": link,
            "disclosure_type": None,
            "disclosure_url": None,
            "grid_click_type": "CLOSEUP",
            "is_pin_deleted": False,
            "is_removable": bool(h >> 8 & 1),
            "lead_form_id": self._lead_form(ad_account_id, h) if h % 6 == 0 else None,
            "quiz_pin_data": None,
            "tracking_urls": {"click": ["https://tracking.example/c"]} if h & 1 else None,
            "type": "pinpromotion",
        }
        if self.messy:
            product = {"carting_product_id": "12345678901234567", "display_product_price": True}
            record |= {
                "carting_platform_type": 1,
                "carting_products": [product],
                "collections_header_type": "NO_HEADER",
                "is_carting": False,
                "is_collage_accepted_terms": None,
                "is_collage_single_destination": None,
            }
        return self._emit("ad", record)

    def _lead_form(self, ad_account_id: str, h: int) -> str:
        form = self.ads_id("lead_form", ad_account_id, 0)
        return f"AG{form}" if self.messy and h & 8 else form

    def keyword_indexes(
        self, *, campaign: int | None = None, ad_group: int | None = None
    ) -> list[int]:
        """Of the ad account, of a campaign or of an ad group: index of the parent, then its own."""
        if ad_group is not None:
            campaign, own = divmod(ad_group, WIDE)
            parent, many = 1 + campaign * 2 * WIDE + 1 + own, self.keywords
        elif campaign is not None:
            parent, many = 1 + campaign * 2 * WIDE, KEYWORDS_OF_CAMPAIGN
        else:
            parent, many = 0, KEYWORDS_OF_ACCOUNT
        return [parent * WIDE + i for i in range(many)]

    def keyword(self, ad_account_id: str, index: int) -> Record:
        """The keyword at an index of `keyword_indexes`."""
        identity = self.ads_id("keyword", ad_account_id, index)
        h = mix(self.seed, 24, int(identity))
        campaign, below = divmod(index // WIDE - 1, 2 * WIDE)
        if index < WIDE:
            kind, parent = "advertiser", ad_account_id
        elif below == 0:
            kind, parent = "campaign", self.ads_id("campaign", ad_account_id, campaign)
        else:
            at = campaign * WIDE + below - 1
            kind, parent = "adgroup", self.ads_id("ad_group", ad_account_id, at)
        negative = kind != "adgroup"
        record: Record = {
            "id": identity,
            "parent_id": parent,
            "parent_type": kind,
            "type": "keyword",
            "value": f"{title(h)} {h % 100}",
            "match_type": (NEGATIVE if negative else MATCHES)[h % (2 if negative else 3)],
            "bid": None if negative or h & 1 else 1_000_000 + h % 1000,
            "archived": h % 8 == 0,
        }
        return self._emit("keyword", record)

    def product_group_promotion(self, ad_account_id: str, index: int) -> Record:
        """The promoted product group at an index."""
        identity = self.ads_id("product_group_promotion", ad_account_id, index)
        h = mix(self.seed, 25, int(identity))
        ad_group_id = self.ads_id("ad_group", ad_account_id, index // WIDE)
        record: Record = {
            "id": identity,
            "ad_group_id": f"AG{ad_group_id}" if self.messy and h % 7 == 0 else ad_group_id,
            "bid_in_micro_currency": None if h & 1 else 14_000_000,
            "catalog_product_group_id": self.ads_id("catalog_product_group", ad_account_id, h % 99),
            "catalog_product_group_name": f"Products: {title(h)}",
            "collections_header_type": None,
            "collections_hero_destination_url": None,
            "collections_hero_pin_id": None,
            "creative_type": "SHOPPING",
            "customizable_cta_type": ("SHOP_NOW", None)[h >> 4 & 1],
            "definition": "*/product_type_0='kitchen'",
            "grid_click_type": "CLOSEUP",
            "included": bool(h >> 5 & 1),
            "is_generate_background": None,
            "is_mdl": False,
            "parent_id": None,
            "preferred_media_type": None,
            "relative_definition": "product_type_0='kitchen'",
            "selected_image_tag": "holiday_sale" if h >> 6 & 1 else None,
            "selected_video_tag": None,
            "slideshow_collections_description": None,
            "slideshow_collections_title": None,
            "status": STATUSES[(h >> 8) % 5],
            "tracking_url": None,
        }
        if self.messy:
            record["is_image_auto_resizing"] = True
        return self._emit("product_group_promotion", record)
