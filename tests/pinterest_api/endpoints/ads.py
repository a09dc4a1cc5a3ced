"""The ads endpoints: ad accounts, what is in them, and analytics of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from tests.pinterest_api.world.ads import COLUMNS, STATUSES

from .organic_analytics import DATES, dates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.pinterest_api.api import Param
    from tests.pinterest_api.lazy import Lazy
    from tests.pinterest_api.world import World
    from tests.pinterest_api.world.records import Record

ADS = ("ads:read",)
ACCOUNT = "/ad_accounts/{ad_account_id}"
IDS = {"pattern": "[0-9]{1,18}", "many": "repeat", "most": 250}
IN_LISTS: Mapping[str, Param] = {
    "entity_statuses": choice(STATUSES, many="repeat"),
    "order": choice(("ASCENDING", "DESCENDING")),
}
WINDOW = ("0", "1", "7", "14", "30", "60")
REFUSALS = {3: "Your token does not have the permissions for this operation.", 29: NOT_PERMITTED}


@endpoint(
    "GET",
    "/ad_accounts",
    scopes=("ads:read",),
    quota="ads_read",
    acts_as=False,
    params={"include_shared_accounts": flag(default=True)},
)
def ad_accounts(world: World, call: Call) -> Lazy[Record]:
    """Operation ad_accounts/list."""
    return world.all_ad_accounts(shared=call["include_shared_accounts"])


def account_of(world: World, call: Call) -> str:
    """The ad account in the path, if this token may look into it."""
    identity: str = call["ad_account_id"]
    if len(identity) > 18:
        raise invalid("ad_account_id is too long. The maximum length is 18 characters.")
    status, code = world.refused_accounts.get(identity, (0, 0))
    if identity not in world.accounts:
        status, code = 403, 29
    if status:
        raise ApiError(status, code, REFUSALS.get(code, "Not authorized."))
    return identity


# -- plain lists: the path below the ad account, what answers, and the parameters of its own


LISTS: Mapping[str, tuple[Callable[..., Lazy[Record]], Mapping[str, Param]]] = {
    "/campaigns": (lambda world: world.campaigns_of, {"campaign_ids": text(**IDS), **IN_LISTS}),
}


def _register(path: str, of: Callable[..., Lazy[Record]], params: Mapping[str, Param]) -> None:
    @endpoint("GET", ACCOUNT + path, scopes=ADS, quota="ads_read", acts_as=False, params=params)
    def list_entities(world: World, call: Call) -> Lazy[Record]:
        filters = {name: call[name] for name in params}
        filters["entity_statuses"] = filters["entity_statuses"] or ("ACTIVE", "PAUSED")
        return of(world)(account_of(world, call), **filters)


for _path, (_of, _params) in LISTS.items():
    _register(_path, _of, _params)


# -- analytics


def check_hours(world: World, call: Call) -> None:
    """Hours are kept for 8 days and given for less than 3."""
    if call["granularity"] == "HOUR":
        if (world.today - call["start_date"]).days > 8:
            raise invalid("You can only get hourly data from the last 8 days.")
        if (call["end_date"] - call["start_date"]).days >= 3:
            raise invalid("HOURLY request must be less than 3 days.")


@endpoint(
    "GET",
    ACCOUNT + "/campaigns/analytics",
    scopes=ADS,
    quota="ads_analytics",
    acts_as=False,
    paged=False,
    params={
        **DATES,
        "campaign_ids": text(**IDS, required=True),
        "columns": choice(COLUMNS, many="csv", required=True),
        "granularity": choice(("TOTAL", "DAY", "HOUR", "WEEK", "MONTH"), required=True),
        "click_window_days": choice(WINDOW, "30"),
        "engagement_window_days": choice(WINDOW, "30"),
        "view_window_days": choice(WINDOW, "1"),
        "conversion_report_time": choice(
            ("TIME_OF_AD_ACTION", "TIME_OF_CONVERSION"), "TIME_OF_AD_ACTION"
        ),
        "aggregate_report_rows": flag(),
        "reporting_timezone": choice(("PINTEREST_TIME_ZONE", "AD_ACCOUNT_TIME_ZONE")),
    },
)
def campaign_analytics(world: World, call: Call) -> list[Record]:
    """Operation campaigns/analytics: a bare array."""
    ad_account_id = account_of(world, call)
    start, end = dates(world, call)
    check_hours(world, call)
    if call["aggregate_report_rows"]:
        raise ApiError(403, 29, NOT_PERMITTED)  # a beta
    names = ("columns", "granularity", "click_window_days", "view_window_days")
    try:
        return world.campaign_analytics(
            ad_account_id, call["campaign_ids"], start, end, **{name: call[name] for name in names}
        )
    except KeyError:
        raise ApiError(403, 29, NOT_PERMITTED) from None
