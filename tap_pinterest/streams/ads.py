"""Ads: the accounts, and what is set up in each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tap_pinterest.errors import (
    Forbidden,
    Gone,
    QuotaExhausted,
    Refused,
    StreamError,
    Withheld,
)
from tap_pinterest.kinds.batches import Batch
from tap_pinterest.kinds.joined import JoinedListStream
from tap_pinterest.kinds.lists import ListStream
from tap_pinterest.kinds.parents import GIVE_UP_AFTER
from tap_pinterest.records.decoding import decode_one
from tap_pinterest.records.pages import Page
from tap_pinterest.settings import setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_pinterest.records.decoding import Record

ACCOUNT = "/ad_accounts/{ad_account_id}"
BELOW_ACCOUNT: Mapping[str, str] = {"ad_account_id": "id", "currency": "currency"}
OF_ACCOUNT: Mapping[str, str] = {"ad_account_id": "ad_account_id", "currency": "currency"}
LEFT_OUT_BY = "name only the others in `ad_account_ids` to leave it out"

ROW_SIZE = 1000
"""Bytes that a decoded ad account holds, about."""


class AdAccounts(ListStream):
    """Ad accounts that the token sees. API: ad_accounts/list, ad_accounts/get."""

    name = "ad_accounts"
    path = "/ad_accounts"
    record_type = "ads/ad_account"
    primary_keys = ("id",)
    scopes = ("ads:read",)
    quota = "ads_read"
    takes_ad_account = None
    selected_by_default = False
    narrowed_by = ("ad_account_ids",)
    left_out_by = LEFT_OUT_BY

    def pages(self) -> Iterator[Page]:
        """All accounts, or those that the user named, each asked for by itself."""
        named = self.config.get("ad_account_ids")
        if not named:
            yield from super().pages()
            return
        failed = 0  # in a row, tried again and again
        for account in dict.fromkeys(named):
            request = self.request(f"{self.path}/{account}", self.query(), single=True)
            try:
                found = self.run.transport.get(request, decode_one)
            except Withheld as error:
                self.losses.forbid(f"ad account {account}", error, account)
            except (Forbidden, QuotaExhausted):
                raise  # it is about all of them
            except StreamError as error:
                failed = 0 if isinstance(error, Gone | Refused) else failed + 1
                if failed >= GIVE_UP_AFTER:
                    raise
                self.losses.lose(f"ad account {account}", error, account)
            else:
                failed = 0
                yield Page([found], ROW_SIZE)


class AdsListStream(ListStream):
    """A list of each ad account, with its id and its currency in each record."""

    parent_stream_type = AdAccounts
    parent_fields = BELOW_ACCOUNT
    part_by = "ad_account_id"
    left_out_by = LEFT_OUT_BY
    adds: ClassVar = {"ad_account_id": "string", "currency": "string"}
    primary_keys: ClassVar[Sequence[str]] = ("id",)
    scopes = ("ads:read",)
    quota = "ads_read"
    takes_ad_account = None
    selected_by_default = False


class Campaigns(AdsListStream):
    """Campaigns in every status. API: campaigns/list."""

    name = "campaigns"
    path = ACCOUNT + "/campaigns"
    record_type = "ads/campaign"
    params: ClassVar = {"entity_statuses": setting("entity_statuses")}
    replication_key = "updated_time"


class AdGroups(AdsListStream):
    """Ad groups in every status. API: ad_groups/list."""

    name = "ad_groups"
    path = ACCOUNT + "/ad_groups"
    record_type = "ads/ad_group"
    params: ClassVar = {"entity_statuses": setting("entity_statuses")}
    replication_key = "updated_time"


class Ads(AdsListStream):
    """Ads in every status. API: ads/list."""

    name = "ads"
    path = ACCOUNT + "/ads"
    record_type = "ads/ad"
    params: ClassVar = {"entity_statuses": setting("entity_statuses")}
    replication_key = "updated_time"


class Keywords(AdsListStream, JoinedListStream):
    """Keywords of ad accounts, of campaigns and of ad groups. API: keywords/get."""

    name = "keywords"
    path = ACCOUNT + "/keywords"
    record_type = "ads/keyword"
    also_below: ClassVar = {
        AdGroups: {"ad_group_id": "id", **OF_ACCOUNT},
        Campaigns: {"campaign_id": "id", **OF_ACCOUNT},
    }
    asks = ("ad_group_id", "campaign_id")
    batch = Batch("ad_group_ids", of="ad_group_id", most=250, by=("ad_account_id", "currency"))
    belongs_to = "parent_id"


class ProductGroupPromotions(AdsListStream):
    """Product groups that ad groups promote. API: product_group_promotions/list."""

    name = "product_group_promotions"
    path = ACCOUNT + "/product_group_promotions"
    record_type = "ads/product_group_promotion"
    parent_stream_type = AdGroups  # type: ignore[assignment]
    parent_fields: ClassVar = {"ad_group_id": "id", **OF_ACCOUNT}
    params: ClassVar = {"entity_statuses": setting("entity_statuses")}
    asks = ("ad_group_id",)


class Audiences(AdsListStream):
    """Audiences that an ad account owns or was given. API: audiences/list."""

    name = "audiences"
    path = ACCOUNT + "/audiences"
    record_type = "ads/audience"
    primary_keys = ("ad_account_id", "ownership_type", "id")
    over: ClassVar = {"ownership_type": ("OWNED", "RECEIVED")}
    adds: ClassVar = {**AdsListStream.adds, "ownership_type": "string"}
    renames: ClassVar = {"ad_account_id": "owner_ad_account_id"}


class Labels(AdsListStream):
    """Labels of campaigns in every status. API: labels/list."""

    name = "labels"
    path = ACCOUNT + "/labels"
    record_type = "ads/label"
    primary_keys = ("parent_id", "id")
    params: ClassVar = {"entity_statuses": ("ACTIVE", "ARCHIVED")}
    records_at = "items.labels"

    def fill(self, record: Record) -> None:
        """Where an answer does not say what carries the label, it is a label of the account."""
        if not record.get("parent_id"):
            record |= {"parent_id": record["ad_account_id"], "parent_type": "AD_ACCOUNT"}


class CustomerLists(AdsListStream):
    """Lists of customers that were uploaded. API: customer_lists/list."""

    name = "customer_lists"
    path = ACCOUNT + "/customer_lists"
    record_type = "ads/customer_list"


class ConversionTags(AdsListStream):
    """Pinterest tags, which count conversions. API: conversion_tags/list."""

    name = "conversion_tags"
    path = ACCOUNT + "/conversion_tags"
    record_type = "ads/conversion_tag"
    renames: ClassVar = {"version": "tag_version"}  # or target-postgres fails, with all streams
    page_size = None


class TargetingTemplates(AdsListStream):
    """Saved targeting of ad groups. API: targeting_template/list."""

    name = "targeting_templates"
    path = ACCOUNT + "/targeting_templates"
    record_type = "ads/targeting_template"
    params: ClassVar = {"include_sizing": True}


class LeadForms(AdsListStream):
    """Forms that ads show. API: lead_forms/list."""

    name = "lead_forms"
    path = ACCOUNT + "/lead_forms"
    record_type = "ads/lead_form"


class OrderLines(AdsListStream):
    """Order lines, from which campaigns are paid. API: order_lines/list."""

    name = "order_lines"
    path = ACCOUNT + "/order_lines"
    record_type = "ads/order_line"


class Promotions(AdsListStream):
    """Promotions that ads can show. API: promotions/list."""

    name = "promotions"
    path = ACCOUNT + "/promotions"
    record_type = "ads/promotion"


class Templates(AdsListStream):
    """Saved templates of reports. API: templates/list."""

    name = "templates"
    path = ACCOUNT + "/templates"
    record_type = "ads/template"
