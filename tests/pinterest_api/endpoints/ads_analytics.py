"""The synchronous analytics of ads: a table of endpoints below the ad account."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.pinterest_api.api import (
    NOT_PERMITTED,
    ApiError,
    Call,
    choice,
    endpoint,
    flag,
    invalid,
    text,
)
from tests.pinterest_api.world.ads_metrics import COLUMNS, NO_TARGETING, TARGETING_TYPES

from .ads import ACCOUNT, ADS, ID, IDS, account_of
from .organic_analytics import DATES, dates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.pinterest_api.api import Param
    from tests.pinterest_api.world import World
    from tests.pinterest_api.world.records import Record

WINDOW = ("0", "1", "7", "14", "30", "60")
HOW: Mapping[str, Param] = {
    "granularity": choice(("TOTAL", "DAY", "HOUR", "WEEK", "MONTH"), required=True),
    "click_window_days": choice(WINDOW, "30"),
    "engagement_window_days": choice(WINDOW, "30"),
    "view_window_days": choice(WINDOW, "1"),
    "conversion_report_time": choice(
        ("TIME_OF_AD_ACTION", "TIME_OF_CONVERSION"), "TIME_OF_AD_ACTION"
    ),
}
ASKED: Mapping[str, Param] = {
    **DATES,
    **HOW,
    "columns": choice(COLUMNS, many="csv", required=True),
}
ZONE: Mapping[str, Param] = {
    "reporting_timezone": choice(("PINTEREST_TIME_ZONE", "AD_ACCOUNT_TIME_ZONE"))
}
TOGETHER: Mapping[str, Param] = {"aggregate_report_rows": flag()}
SORT: Mapping[str, Param] = {
    "sort_columns": text(many="repeat", most=2),
    "sort_ascending": flag(),
}


@dataclass(frozen=True, slots=True)
class Metrics:
    """An endpoint of analytics: its path, the level, the parameter that names the entities."""

    path: str
    level: str
    ids: str = ""
    params: Mapping[str, Param] = field(default_factory=dict)
    most_types: int = 0
    """Targeting types a request; 0: not by targeting."""


PINS = {**IDS, "most": 100}
ENDPOINTS = (
    Metrics("/analytics", "ad_account", "", ZONE),
    Metrics("/campaigns/analytics", "campaign", "campaign_ids", {**ZONE, **TOGETHER}),
    Metrics("/ad_groups/analytics", "ad_group", "ad_group_ids", {**ZONE, **TOGETHER}),
    Metrics(
        "/ads/analytics",
        "ad",
        "",
        {
            **ZONE,
            "ad_ids": text(**IDS),
            "campaign_ids": text(**IDS),
            "pin_ids": text(**PINS | {"pattern": "[0-9]+"}),
        },
    ),
    Metrics("/product_groups/analytics", "product_group", "product_group_ids", ZONE),
    Metrics(
        "/pins/analytics",
        "pin",
        "pin_ids",
        {
            "campaign_id": text(pattern=ID, required=True),
            "pin_ids": text(**PINS | {"pattern": "[0-9]+"}, required=True),
        },
    ),
    Metrics("/targeting_analytics", "ad_account", "", ZONE, 15),
    Metrics("/campaigns/targeting_analytics", "campaign", "campaign_ids", ZONE, 14),
    Metrics("/ad_groups/targeting_analytics", "ad_group", "ad_group_ids", {**ZONE, **SORT}, 14),
    Metrics("/ads/targeting_analytics", "ad", "ad_ids", {**ZONE, **SORT}, 14),
)


def check_hours(world: World, call: Call) -> None:
    """Hours are kept for 8 days and given for less than 3."""
    if call["granularity"] == "HOUR":
        if (world.today - call["start_date"]).days > 8:
            raise invalid("You can only get hourly data from the last 8 days.")
        if (call["end_date"] - call["start_date"]).days >= 3:
            raise invalid("HOURLY request must be less than 3 days.")


def check_columns(world: World, call: Call, of: Metrics) -> None:
    """Some columns are refused at some levels."""
    level = f"{of.level}_targeting" if of.most_types else of.level
    refused = {*world.refused_columns.get(level, ()), *(NO_TARGETING if of.most_types else ())}
    for name in call["columns"]:
        if name in refused:
            raise invalid(f"Column '{name}' is not supported at this level of reporting.")


def entities(world: World, call: Call, of: Metrics, account: str) -> list[str]:
    """The ids that are asked for."""
    if of.path != "/ads/analytics":
        return call[of.ids] if of.ids else []
    if call["ad_ids"]:
        return call["ad_ids"]  # type: ignore[no-any-return]
    if not call["campaign_ids"] or not call["pin_ids"]:
        raise invalid("The request must contain either ad_ids or both campaign_ids and pin_ids.")
    return world.ads_with_pins(account, call["campaign_ids"], call["pin_ids"])


def answer(world: World, call: Call, of: Metrics) -> list[Record] | Record:
    """A bare array; by targeting, an object with `data`."""
    account = account_of(world, call)
    start, end = dates(world, call)
    check_hours(world, call)
    check_columns(world, call, of)
    if call.values.get("aggregate_report_rows"):
        raise ApiError(403, 29, NOT_PERMITTED)  # a beta
    how: dict[str, Any] = {name: call[name] for name in ("columns", *HOW)}
    asked = (start, end)
    try:
        ids = entities(world, call, of, account)
        if not of.most_types:
            campaign = call["campaign_id"] if of.level == "pin" else None
            rows = world.ads_analytics(of.level, account, ids, *asked, campaign_id=campaign, **how)
            return world.wire_rows(of.level, rows)
        types = call["targeting_types"]
        rows = world.targeting_analytics(of.level, account, ids, *asked, types=types, **how)
    except KeyError:
        raise ApiError(403, 29, NOT_PERMITTED) from None
    if names := call.values.get("sort_columns"):
        rows.sort(
            key=lambda row: [row["metrics"].get(name, 0) for name in names],
            reverse=not call["sort_ascending"],
        )
    return {"data": world.wire_targeting(rows)}


def _register(of: Metrics) -> None:
    params = {**ASKED, **of.params}
    if of.ids and of.ids not in params:
        params[of.ids] = text(**IDS, required=True)
    if of.most_types:
        types = TARGETING_TYPES[of.level]
        params["targeting_types"] = choice(types, many="csv", most=of.most_types, required=True)
        params["attribution_types"] = choice(("INDIVIDUAL", "HOUSEHOLD"), many="csv", most=2)

    @endpoint(
        "GET",
        ACCOUNT + of.path,
        scopes=ADS,
        quota="ads_analytics",
        acts_as=False,
        paged=False,
        params=params,
    )
    def analytics(world: World, call: Call) -> list[Record] | Record:
        return answer(world, call, of)


for _of in ENDPOINTS:
    _register(_of)
