"""What else an ad account has, and the lists of everything in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.pinterest_api.lazy import Lazy
from tests.pinterest_api.noise import mix, remark, title

from .ads_tree import STATUSES, WIDE, AdTree

if TYPE_CHECKING:
    from .records import Record

Make = Callable[["AdLists", str, int, str, int], dict[str, Any]]


def _audience(world: AdLists, account: str, i: int, identity: str, h: int) -> Record:
    kind = ("CUSTOMER_LIST", "ACTALIKE", "VISITOR", "ENGAGEMENT")[i % 4]
    record: Record = {
        "ad_account_id": account,
        "audience_type": kind,
        "created_by_company_name": None if h & 1 else "Pinterest",
        "created_timestamp": world._second(300 + h % 99, h),
        "description": remark(h) if h & 2 else None,
        "id": identity,
        "name": f"People for {title(h)}",
        "rule": {
            "CUSTOMER_LIST": {"customer_list_id": world.ads_id("customer_list", account, 0)},
            "ACTALIKE": {"seed_id": [identity], "country": "US", "percentage": 10},
            "VISITOR": {"retention_days": 180, "event_source": {"=": ["web", "mobile"]}},
            "ENGAGEMENT": {"engagement_domain": ["www.shop.example"], "engager_type": 1},
        }[kind],
        "size": None if h & 4 else 1000 + h % 9000,
        "status": "READY",
        "type": "audience",
        "updated_timestamp": None if i % 4 == 3 else world._second(h % 300, h),
    }
    if world.messy:
        record["is_nca"] = i % 5 == 4
    return record


def _label(world: AdLists, account: str, i: int, identity: str, h: int) -> Record:
    record: Record = {
        "id": identity,
        "label_type": ("BRAND", "CUSTOM")[i % 2],
        "status": "ARCHIVED" if i % 3 == 2 else "ACTIVE",
        "value": title(h),
    }
    if world.labels_nested:
        parent = world.ads_id("campaign", account, world.labelled(i))
        record |= {"parent_id": parent, "parent_type": "CAMPAIGN"}
    return record


def _customer_list(world: AdLists, account: str, i: int, identity: str, h: int) -> Record:
    record: Record = {
        "ad_account_id": account,
        "created_time": world._second(200 + h % 99, h),
        "exceptions": {},
        "id": identity,
        "name": f"Customers of {title(h)}",
        "num_batches": 2,
        "num_removed_user_records": h % 9,
        "num_uploaded_user_records": 2**53 + 1 if world.messy else 11,
        "status": ("PROCESSING", "READY", "TOO_SMALL", "UPLOADING")[i % 4],
        "type": "customerlist",
        "updated_time": world._second(h % 200, h),
    }
    if world.messy:
        record["is_nca"] = i % 4 == 3
    return record


def _conversion_tag(world: AdLists, account: str, i: int, identity: str, h: int) -> Record:
    return {
        "ad_account_id": account,
        "code_snippet": f"<script type=text/javascript> load('{identity}') </script>",
        "configs": {"aem_enabled": bool(i % 2), "md_frequency": 0.6, "aem_db_enabled": None},
        "enhanced_match_status": None if i % 3 else "VALIDATION_COMPLETE",
        "id": identity,
        "last_fired_time_ms": None if i % 3 == 1 else world._second(h % 30, h) * 1000,
        "name": f"Tag {title(h)}",
        "status": ("ACTIVE", "PAUSED", "DELETED_DRAFT")[i % 3],
        "version": "3",
    }


def _targeting_template(world: AdLists, account: str, i: int, identity: str, h: int) -> Record:
    low = 1000 + h % 9000
    return {
        "ad_account_id": account,
        "auto_targeting_enabled": True,
        "created_time": world._second(200 + h % 99, h),
        "id": identity,
        "keywords": [{"match_type": "BROAD", "value": title(h >> 8)}],
        "name": f"Template {title(h)}",
        "placement_group": "ALL",
        "sizing": {
            "reach_estimate": {"estimate": low * 2, "lower_bound": low, "upper_bound": low * 3}
        },
        "status": ("ACTIVE", "DELETED")[i % 3 == 2],
        "targeting_attributes": {"GENDER": ["female"], "GEO": None, "LOCATION": ["500"]},
        "tracking_urls": None,
        "updated_time": world._second(h % 200, h),
        "valid": None if i % 2 else True,
    }


def _lead_form(world: AdLists, account: str, i: int, identity: str, h: int) -> Record:
    return {
        "ad_account_id": account,
        "completion_message": None if i % 2 else remark(h),
        "created_time": world._second(200 + h % 99, h),
        "disclosure_language": None,
        "has_accepted_terms": True,
        "id": identity,
        "name": f"Lead form {title(h)}",
        "policy_links": [{"label": "Terms", "link": "https://shop.example/terms"}],
        "privacy_policy_link": "https://shop.example/privacy",
        "questions": [
            {"question_type": "EMAIL", "custom_question_options": None},
            {
                "question_type": "CUSTOM",
                "custom_question_field_type": "RADIO_LIST",
                "custom_question_label": title(h >> 4),
                "custom_question_options": ["yes", "no"],
            },
        ],
        "status": ("DRAFT", "ACTIVE")[i % 2],
        "updated_time": world._second(h % 200, h),
    }


def _order_line(world: AdLists, account: str, i: int, identity: str, h: int) -> Record:
    many = min(i, world.campaigns)
    return {
        "ad_account_id": account,
        "budget": None if i % 3 == 2 else 5_000_000.5,
        "campaign_ids": [world.ads_id("campaign", account, c) for c in range(many)],
        "end_time": None if i % 2 else world._second(-30),
        "id": identity,
        "name": f"Order line {title(h)}",
        "paid_budget": 5_000_000,
        "paid_type": ("PAID", "BONUS", None)[i % 3],
        "purchase_order_id": f"PO{h % 10**5}",
        "start_time": world._second(100 + h % 99),
        "status": ("ACTIVE", "PAUSED", "DELETED")[i % 3],
        "type": "orderline",
    }


def _promotion(world: AdLists, account: str, i: int, identity: str, h: int) -> Record:
    return {
        "ad_account_id": account,
        "discount_status": ("ACTIVE", "EXPIRED")[i % 2],
        "end_time": world._second(-30),
        "external_id": f"x{i}",
        "id": identity,
        "platform_type": "DEFAULT",
        "promotion_code": "blackfriday10",
        "promotion_custom_id": f"sale_{i}",
        "promotion_title": title(h),
        "promotion_type": "VARIABLE",
        "start_time": world._second(100 + h % 99),
        "status": STATUSES[i % 5],
        "template_values": [{"amount": 100, "currency_code": "USD", "percent": 10}],
    }


def _template(world: AdLists, account: str, i: int, identity: str, h: int) -> Record:
    record: Record = {
        "ad_account_id": account,
        "ad_account_ids": [account],
        "click_window_days": 7,
        "columns": ["SPEND_IN_DOLLAR"],
        "conversion_report_time_type": "TIME_OF_AD_ACTION",
        "creation_source": "ADS_MANAGER_REPORT_BUILDER",
        "custom_column_ids": None if i % 2 else ["1597252063"],
        "engagement_window_days": 7,
        "filters_json": '[{"field": "SPEND_IN_DOLLAR", "operator": "=", "value": 1}]',
        "granularity": "DAY",
        "id": identity,
        "ingestion_sources": None if i % 2 else ["TAG"],
        "is_deleted": i % 3 == 2,
        "is_owned_by_user": True,
        "is_scheduled": False,
        "name": f"Report {title(h)}",
        "report_end_relative_days_in_past": 7,
        "report_format": "CSV",
        "report_level": "CAMPAIGN",
        "report_start_relative_days_in_past": 14,
        "type": "TABLE",
        "updated_time": world._second(h % 200, h),
        "user_id": world.account_id,
        "view_window_days": 1,
    }
    if world.messy:
        record |= {
            "ade_columns": [],
            "attribution_type": ["INDIVIDUAL"],
            "display_metadata": "{}",
            "is_default": False,
            "reporting_time_zone": "PINTEREST_TIME_ZONE",
            "sort_by": None,
        }
    else:
        past = {"start_days_in_past": 14, "end_days_in_past": 7, "type": "relative"}
        record["date_range"] = {"relative_date_range": past}
    return record


# Kind -> what makes its record, and how many there are.
FLAT: Mapping[str, tuple[Make, int | str]] = {
    "audience": (_audience, "audiences"),
    "label": (_label, 7),
    "customer_list": (_customer_list, 4),
    "conversion_tag": (_conversion_tag, 3),
    "targeting_template": (_targeting_template, 4),
    "lead_form": (_lead_form, 3),
    "order_line": (_order_line, 3),
    "promotion": (_promotion, 5),
    "template": (_template, 4),
}


class AdLists(AdTree):
    """The lists of what is in an ad account, by the kind of record."""

    def labelled(self, label: int) -> int:
        """Index of the campaign that a label is for; each has up to two of them."""
        return label // 2 % max(1, self.campaigns)

    def flat(self, kind: str, ad_account_id: str, index: int) -> Record:
        """A record of a kind in FLAT."""
        identity = self.ads_id(kind, ad_account_id, index)
        h = mix(self.seed, 26, int(identity))
        return self._emit(kind, FLAT[kind][0](self, ad_account_id, index, identity, h))

    def ads_list(self, kind: str, ad_account_id: str, **filters: Any) -> Lazy[Record]:
        """What the list of a kind has: the oracle of GET /ad_accounts/{ad_account_id}/…s.

        Ids are texts and times whole seconds: `wire` makes of them what is sent in a messy world.

        Args:
            kind: "campaign", "ad_group", "ad", "keyword", "product_group_promotion", or a name in
                FLAT.
            ad_account_id: a key of `accounts`.
            filters: the parameters of the endpoint, by their names there; what is None or left out
                does not filter, so statuses are all of them, not the API's default. Keywords are
                those of `campaign_id`, `ad_group_id` or `ad_group_ids`, else the ad account's.
        """
        chosen = {name: value for name, value in filters.items() if value is not None}
        down = chosen.pop("order", None) == "DESCENDING"
        if kind == "label":
            return self._labels(ad_account_id, chosen)
        if kind == "audience" and chosen.pop("ownership_type", "OWNED") == "RECEIVED":
            ad_account_id, indexes = self._received(ad_account_id)
        elif kind in FLAT:
            many = FLAT[kind][1]
            indexes = range(getattr(self, many) if isinstance(many, str) else many)
        else:
            indexes = self._ads_indexes(kind, ad_account_id, chosen)
        if down:
            indexes = indexes[::-1]
        if kind == "ad_group" and chosen.pop("translate_interests_to_names", False):
            make = partial(self.ad_group, ad_account_id, interests=True)
        elif kind in FLAT:
            make = partial(self.flat, kind, ad_account_id)
        else:
            make = partial(getattr(self, kind), ad_account_id)
        found: Lazy[Record] = Lazy(len(indexes), lambda n: make(indexes[n]))
        for name, wanted in chosen.items():
            if name in KEEP:
                found = found.where(partial(KEEP[name], wanted))
        if kind == "targeting_template" and not chosen.get("include_sizing", True):
            return found.map(lambda record: record | {"sizing": None})
        return found

    def _received(self, ad_account_id: str) -> tuple[str, Any]:
        """Audiences that the next ad account shares with this one: its first two."""
        names = list(self.accounts)
        giver = names[(names.index(ad_account_id) + 1) % len(names)]
        return giver, range(min(2, self.audiences) if giver != ad_account_id else 0)

    def _ads_indexes(self, kind: str, account: str, chosen: dict[str, Any]) -> list[int]:
        """Of the tree, below the parents that are asked for: nothing else is looked at."""
        if kind == "keyword":
            return self._keyword_indexes(account, chosen)
        own = self._ads_known(kind, account, chosen.pop(f"{kind}_ids", None))
        groups, campaigns = None, None
        if kind != "campaign":
            campaigns = self._ads_known("campaign", account, chosen.pop("campaign_ids", None))
        if kind in ("ad", "product_group_promotion"):
            asked = chosen.pop("ad_group_ids", None)
            one = chosen.pop("ad_group_id", None)
            groups = self._ads_known("ad_group", account, [one] if one else asked)
        if own is not None:
            wide = WIDE if kind == "ad_group" else WIDE * WIDE
            return [
                i
                for i in own
                if (campaigns is None or i // wide in campaigns)
                and (groups is None or i // WIDE in groups)
            ]
        if kind == "campaign":
            return list(range(self.campaigns))
        if groups is None:
            groups = self.ad_group_indexes(
                range(self.campaigns) if campaigns is None else campaigns
            )
        elif campaigns is not None:
            groups = [g for g in groups if g // WIDE in campaigns]
        if kind == "ad_group":
            return groups
        if kind == "ad":
            return self.ad_indexes(groups)
        return [g * WIDE + i for g in groups for i in range(self.product_groups_of(g))]

    def _ads_known(self, kind: str, account: str, ids: Collection[str] | None) -> list[int] | None:
        """The indexes of ids, in order; what there is not has none."""
        if ids is None:
            return None
        found = {self.ads_index(kind, account, identity) for identity in ids}
        return sorted(index for index in found if index is not None)

    def _keyword_indexes(self, account: str, chosen: dict[str, Any]) -> list[int]:
        if "campaign_id" in chosen:
            parents = self._ads_known("campaign", account, [chosen.pop("campaign_id")]) or []
            return [i for c in parents for i in self.keyword_indexes(campaign=c)]
        groups = chosen.pop("ad_group_ids", None)
        if "ad_group_id" in chosen:
            groups = [chosen.pop("ad_group_id")]
        if groups is None:
            return self.keyword_indexes()
        parents = self._ads_known("ad_group", account, groups) or []
        return [i for g in parents for i in self.keyword_indexes(ad_group=g)]

    def _labels(self, account: str, chosen: dict[str, Any]) -> Lazy[Record]:
        campaigns = self._ads_known("campaign", account, chosen.pop("campaign_ids", None))
        parents: dict[int, list[Record]] = {}
        for i in range(int(FLAT["label"][1])):
            label = self.flat("label", account, i)
            asked = campaigns is None or self.labelled(i) in campaigns
            if asked and all(KEEP[name](wanted, label) for name, wanted in chosen.items()):
                parents.setdefault(self.labelled(i), []).append(label)
        if self.labels_nested:
            items: list[Record] = [{"labels": own, "errors": []} for own in parents.values()]
        else:
            items = [label for own in parents.values() for label in own]
        return Lazy(len(items), lambda n: items[n])


# Filters that look at the record.
KEEP: Mapping[str, Callable[[Any, Record], bool]] = {
    "entity_statuses": lambda wanted, record: record["status"] in wanted,
    "match_types": lambda wanted, record: record["match_type"] in wanted,
    "label_ids": lambda wanted, record: record["id"] in wanted,
    "label_types": lambda wanted, record: record["label_type"] in wanted,
    "search_query": lambda wanted, record: wanted.lower() in record["name"].lower(),
    "exclude_nca": lambda wanted, record: not (wanted and record.get("is_nca")),
    "filter_deleted": lambda wanted, record: not (wanted and record["status"] == "DELETED_DRAFT"),
}
