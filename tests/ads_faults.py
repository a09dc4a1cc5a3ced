"""Each kind of ads stream, as a small world of two ad accounts shows it to the tests of faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.ads_harness import BY_NAME
from tests.fault_harness import BACK, Kind, Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness import Run
    from tests.pinterest_api import Seen, World

SMALL: dict[str, Any] = {
    "ad_accounts": 2,
    "other_accounts": 0,
    "campaigns": 2,
    "ad_groups": 3,
    "ads": 2,
    "keywords": 2,
    "busy": True,
}
COLUMNS = {"ads_columns": ["SPEND_IN_MICRO_DOLLAR", "IMPRESSION_1"]}
MEASURED = {**BACK, **COLUMNS, "ads_lookback_days": 1, "targeting_types": ["GENDER", "APPTYPE"]}


def below(account: str, path: str) -> str:
    """The pattern of a path below an ad account."""
    return f"/v5/ad_accounts/{account}{path}$"


def _in_order(path: str, *nth: int) -> Callable[[World], dict[str, Place]]:
    """A first and a middle request of the first ad account, the last one of the second."""

    def places(world: World) -> dict[str, Place]:
        one, two = world.accounts
        whose = ((one, "first"), (one, "middle"), (two, "last"))
        return {
            name: Place(below(account, path), number, named=account, part=account)
            for (account, name), number in zip(whose, nth, strict=True)
        }

    return places


def _asks(**wanted: str) -> Callable[[Seen], bool]:
    """Whether a request has these parameters; without any, whether it is about no one object."""
    names = {"ad_group_id", "ad_group_ids", "campaign_id"}

    def about(seen: Seen) -> bool:
        if not wanted:
            return not names & {name for name, _ in seen.query}
        return set(wanted.items()) <= set(seen.query)

    return about


def _keywords(world: World) -> dict[str, Place]:
    """An ad account's own list, that of some ad groups or of one, and that of a campaign."""
    one, two = world.accounts
    path, param = "/keywords", "ad_group_ids" if world.keywords_in_bulk else "ad_group_id"
    group = world.ads_list("ad_group", one)[3]["id"]
    campaign = world.ads_list("campaign", two)[1]["id"]
    return {
        "first": Place(below(one, path), when=_asks(), named=one, part=one),
        "middle": Place(below(one, path), when=_asks(**{param: group}), named=group, part=one),
        "last": Place(below(two, path), when=_asks(campaign_id=campaign), named=campaign, part=two),
    }


def _product_groups(world: World) -> dict[str, Place]:
    """Pages of ad groups of the first campaign, which is for catalog sales."""
    one, two = world.accounts
    found = {}
    for name, account, group, page in (
        ("first", one, 0, 1),
        ("middle", one, 1, 2),
        ("last", two, 2, 2),
    ):
        identity = world.ads_list("ad_group", account)[group]["id"]
        found[name] = Place(
            below(account, "/product_group_promotions"),
            page,
            _asks(ad_group_id=identity),
            identity,
            account,
        )
    return found


def _accounts(path: str) -> Callable[[World], dict[str, Place]]:
    """The one request of each ad account."""

    def places(world: World) -> dict[str, Place]:
        return {
            name: Place(below(account, path), named=account, part=account)
            for name, account in zip(("first", "last"), world.accounts, strict=True)
        }

    return places


def _kind(title: str, stream: str, places: Any, lost: str = "ad_account_id", **more: Any) -> Kind:
    settings = more.pop("settings", {})
    return Kind(
        title=f"{title}: `{stream}`",
        stream=stream,
        requests=BY_NAME[stream].path.replace("{ad_account_id}", "[0-9]+") + "$",
        world={**SMALL, **more},
        places=places,
        rows=lambda _: {},  # what a run brings to which nothing happens
        key=tuple(BY_NAME[stream].primary_keys),
        settings=settings,
        lost=lost,
    )


ADS_KINDS = {
    "campaigns": _kind("a list", "campaigns", _in_order("/campaigns", 1, 2, 2), campaigns=30),
    "product_group_promotions": _kind(
        "of ad groups",
        "product_group_promotions",
        _product_groups,
        "ad_group_id",
        campaigns=1,
        product_groups=25,
        messy=False,
    ),
    "keywords": _kind("of several", "keywords", _keywords, "parent_id"),
    "keywords_single": _kind(
        "one by one", "keywords", _keywords, "parent_id", keywords_in_bulk=False
    ),
    "ad_account_analytics": _kind(
        "of accounts", "ad_account_analytics", _accounts("/analytics"), settings=MEASURED
    ),
    "campaign_analytics": _kind(
        "in batches",
        "campaign_analytics",
        _in_order("/campaigns/analytics", 1, 2, 3),
        campaigns=25,
        settings=MEASURED,
    ),
    "ad_pin_analytics": _kind(
        "of campaigns' Pins",
        "ad_pin_analytics",
        _in_order("/pins/analytics", 1, 2, 2),
        settings=MEASURED,
    ),
    "ad_targeting_analytics": _kind(
        "by target",
        "ad_targeting_analytics",
        _in_order("/ads/targeting_analytics", 1, 2, 2),
        settings=MEASURED,
    ),
}
"""Those with rows of metrics have no row of an object that is lost alone: see the tests."""


def bookmarks(run: Run, stream: str) -> dict[str, str]:
    """The bookmarks that the last state has of a stream, by ad account."""
    parts = run.states[-1]["bookmarks"].get(stream, {}).get("partitions", [])
    return {
        part["context"]["ad_account_id"]: part["replication_key_value"]
        for part in parts
        if "replication_key_value" in part
    }
