"""What each day of the ads cost and brought; at most 89 days back."""

from __future__ import annotations

from typing import ClassVar

from tap_pinterest.kinds.batches import Batch
from tap_pinterest.kinds.tables import TableStream, TargetingTableStream
from tap_pinterest.settings import setting
from tap_pinterest.streams.ads import (
    ACCOUNT,
    BELOW_ACCOUNT,
    LEFT_OUT_BY,
    OF_ACCOUNT,
    AdAccounts,
    AdGroups,
    Ads,
    Campaigns,
    ProductGroupPromotions,
)

TYPES = (
    "KEYWORD",
    "APPTYPE",
    "GENDER",
    "LOCATION",
    "PLACEMENT",
    "COUNTRY",
    "TARGETED_INTEREST",
    "PINNER_INTEREST",
    "AUDIENCE_INCLUDE",
    "GEO",
    "AGE_BUCKET",
    "REGION",
    "AGE_BUCKET_AND_GENDER",
)
"""Targeting types that each level takes."""

BY_ACCOUNT = ("ad_account_id", "currency")


class AdsAnalytics(TableStream):
    """Metrics of an ad account, or of what is below it."""

    part_by = "ad_account_id"
    left_out_by = LEFT_OUT_BY
    adds: ClassVar = {"ad_account_id": "string", "currency": "string"}
    scopes = ("ads:read",)
    selected_by_default = False
    params: ClassVar = {
        "granularity": "DAY",
        "click_window_days": setting("click_window_days", narrows=False),
        "engagement_window_days": setting("engagement_window_days", narrows=False),
        "view_window_days": setting("view_window_days", narrows=False),
        "conversion_report_time": setting("conversion_report_time", narrows=False),
    }


class AdAccountAnalytics(AdsAnalytics):
    """Metrics per ad account and day. API: ad_account/analytics."""

    name = "ad_account_analytics"
    path = ACCOUNT + "/analytics"
    level = "ADVERTISER"
    parent_stream_type = AdAccounts
    parent_fields = BELOW_ACCOUNT
    primary_keys = ("ad_account_id", "date")


class CampaignAnalytics(AdsAnalytics):
    """Metrics per campaign and day. API: campaigns/analytics."""

    name = "campaign_analytics"
    path = ACCOUNT + "/campaigns/analytics"
    level = "CAMPAIGN"
    parent_stream_type = Campaigns
    parent_fields: ClassVar = {"campaign_id": "id", **OF_ACCOUNT}
    batch = Batch("campaign_ids", of="campaign_id", most=250, by=BY_ACCOUNT)
    primary_keys = ("campaign_id", "date")


class AdGroupAnalytics(AdsAnalytics):
    """Metrics per ad group and day. API: ad_groups/analytics."""

    name = "ad_group_analytics"
    path = ACCOUNT + "/ad_groups/analytics"
    level = "AD_GROUP"
    parent_stream_type = AdGroups
    parent_fields: ClassVar = {"ad_group_id": "id", **OF_ACCOUNT}
    batch = Batch("ad_group_ids", of="ad_group_id", most=250, by=BY_ACCOUNT)
    primary_keys = ("ad_group_id", "date")


class AdAnalytics(AdsAnalytics):
    """Metrics per ad and day. API: ads/analytics."""

    name = "ad_analytics"
    path = ACCOUNT + "/ads/analytics"
    level = "PIN_PROMOTION"
    parent_stream_type = Ads
    parent_fields: ClassVar = {"ad_id": "id", **OF_ACCOUNT}
    batch = Batch("ad_ids", of="ad_id", most=250, by=BY_ACCOUNT)
    primary_keys = ("ad_id", "date")


class ProductGroupAnalytics(AdsAnalytics):
    """Metrics per promoted product group and day. API: product_groups/analytics."""

    name = "product_group_analytics"
    path = ACCOUNT + "/product_groups/analytics"
    level = "PRODUCT_GROUP"
    parent_stream_type = ProductGroupPromotions
    parent_fields: ClassVar = {"product_group_id": "id", **OF_ACCOUNT}
    batch = Batch("product_group_ids", of="product_group_id", most=250, by=BY_ACCOUNT)
    primary_keys = ("product_group_id", "date")


class AdPinAnalytics(AdsAnalytics):
    """Metrics per campaign, Pin and day. API: ad_pins/analytics."""

    name = "ad_pin_analytics"
    path = ACCOUNT + "/pins/analytics"
    level = "CAMPAIGN"
    parent_stream_type = Ads
    parent_fields: ClassVar = {"pin_id": "pin_id", "campaign_id": "campaign_id", **OF_ACCOUNT}
    asks = ("campaign_id",)
    batch = Batch(
        "pin_ids", of="pin_id", most=100, by=(*BY_ACCOUNT, "campaign_id"), if_any=True, once=True
    )
    primary_keys = ("campaign_id", "pin_id", "date")


class AdsTargetingAnalytics(AdsAnalytics, TargetingTableStream):
    """The same, divided by who saw the ads."""

    most = 14


class AdAccountTargetingAnalytics(AdsTargetingAnalytics):
    """Metrics per ad account, day and target. API: ad_account_targeting_analytics/get."""

    name = "ad_account_targeting_analytics"
    path = ACCOUNT + "/targeting_analytics"
    level = "ADVERTISER_TARGETING"
    parent_stream_type = AdAccounts
    parent_fields = BELOW_ACCOUNT
    primary_keys = ("ad_account_id", "targeting_type", "targeting_value", "date")
    types = TYPES
    most = 15


class CampaignTargetingAnalytics(AdsTargetingAnalytics):
    """Metrics per campaign, day and target. API: campaign_targeting_analytics/get."""

    name = "campaign_targeting_analytics"
    path = ACCOUNT + "/campaigns/targeting_analytics"
    level = "CAMPAIGN_TARGETING"
    parent_stream_type = Campaigns
    parent_fields: ClassVar = {"campaign_id": "id", **OF_ACCOUNT}
    batch = Batch("campaign_ids", of="campaign_id", most=250, by=BY_ACCOUNT)
    primary_keys = ("campaign_id", "targeting_type", "targeting_value", "date")
    types = (*TYPES, "CREATIVE_TYPE", "AUDIENCE_MULTIPLIER")


class AdGroupTargetingAnalytics(AdsTargetingAnalytics):
    """Metrics per ad group, day and target. API: ad_groups_targeting_analytics/get."""

    name = "ad_group_targeting_analytics"
    path = ACCOUNT + "/ad_groups/targeting_analytics"
    level = "AD_GROUP_TARGETING"
    parent_stream_type = AdGroups
    parent_fields: ClassVar = {"ad_group_id": "id", **OF_ACCOUNT}
    batch = Batch("ad_group_ids", of="ad_group_id", most=250, by=BY_ACCOUNT)
    primary_keys = ("ad_group_id", "targeting_type", "targeting_value", "date")
    types = (*TYPES, "CREATIVE_ENHANCEMENTS")


class AdTargetingAnalytics(AdsTargetingAnalytics):
    """Metrics per ad, day and target. API: ad_targeting_analytics/get."""

    name = "ad_targeting_analytics"
    path = ACCOUNT + "/ads/targeting_analytics"
    level = "PIN_PROMOTION_TARGETING"
    parent_stream_type = Ads
    parent_fields: ClassVar = {"ad_id": "id", **OF_ACCOUNT}
    batch = Batch("ad_ids", of="ad_id", most=250, by=BY_ACCOUNT)
    primary_keys = ("ad_id", "targeting_type", "targeting_value", "date")
    types = (*TYPES, "QUIZ_RESULT")
