"""The ads endpoints: ad accounts, what is in them, and analytics of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.pinterest_api.api import (
    NOT_PERMITTED,
    ApiError,
    Call,
    choice,
    endpoint,
    flag,
    invalid,
    number,
    text,
)
from tests.pinterest_api.world.ads_tree import MATCHES, NEGATIVE, STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.pinterest_api.api import Param
    from tests.pinterest_api.lazy import Lazy
    from tests.pinterest_api.world import World
    from tests.pinterest_api.world.records import Record

ADS = ("ads:read",)
ACCOUNT = "/ad_accounts/{ad_account_id}"
ID = "[0-9]{1,18}"
IDS: Mapping[str, Any] = {"pattern": ID, "many": "repeat", "most": 250}
ORDER: Mapping[str, Param] = {"order": choice(("ASCENDING", "DESCENDING"))}
IN_LISTS: Mapping[str, Param] = {"entity_statuses": choice(STATUSES, many="repeat"), **ORDER}
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


@endpoint("GET", ACCOUNT, scopes=ADS, quota="ads_read", acts_as=False, paged=False)
def ad_account(world: World, call: Call) -> Record:
    """Operation ad_accounts/get."""
    identity = account_of(world, call)
    return next(found for found in world.all_ad_accounts() if found["id"] == identity)


# -- lists: the path below the ad account, the kind of its records, the parameters of its own


@dataclass(frozen=True, slots=True)
class List:
    """A list below an ad account."""

    path: str
    kind: str
    params: Mapping[str, Param] = field(default_factory=dict)
    statuses: Sequence[str] = ("ACTIVE", "PAUSED")
    """What `entity_statuses` is where it is left out."""
    paged: bool = True
    page_size: bool = True
    refuse: Callable[[World, Call], None] | None = None


def _needs_parent(world: World, call: Call) -> None:
    if not call["ad_group_id"] and not call["product_group_promotion_ids"]:
        raise invalid("Either ad_group_id or product_group_promotion_ids must be given.")


def _one_parent(world: World, call: Call) -> None:
    given = [name for name in ("campaign_id", "ad_group_id", "ad_group_ids") if call[name]]
    if len(given) > 1:
        raise invalid(f"Only one of {given} may be given.")
    if call["ad_group_ids"] and not world.keywords_in_bulk:
        raise ApiError(403, 29, NOT_PERMITTED)


LISTS = (
    List("/campaigns", "campaign", {"campaign_ids": text(**IDS), **IN_LISTS}),
    List(
        "/ad_groups",
        "ad_group",
        {
            "campaign_ids": text(**IDS),
            "ad_group_ids": text(**IDS),
            "translate_interests_to_names": flag(),
            **IN_LISTS,
        },
    ),
    List(
        "/ads",
        "ad",
        {
            "campaign_ids": text(**IDS),
            "ad_group_ids": text(**IDS),
            "ad_ids": text(**IDS),
            **IN_LISTS,
        },
    ),
    List(
        "/keywords",
        "keyword",
        {
            "campaign_id": text(pattern=ID),
            "ad_group_id": text(pattern=ID),
            "ad_group_ids": text(**IDS),
            "match_types": choice((*MATCHES, *NEGATIVE), many="repeat", most=5),
            "page_size": number(1, 10**6, 25),  # no maximum is described
        },
        page_size=False,
        refuse=_one_parent,
    ),
    List(
        "/audiences",
        "audience",
        {"ownership_type": choice(("OWNED", "RECEIVED"), "OWNED"), "exclude_nca": flag(), **ORDER},
    ),
    List(
        "/product_group_promotions",
        "product_group_promotion",
        {"product_group_promotion_ids": text(**IDS), "ad_group_id": text(pattern=ID), **IN_LISTS},
        refuse=_needs_parent,
    ),
    List(
        "/labels",
        "label",
        {
            "campaign_ids": text(**IDS),
            "label_ids": text(**IDS),
            "entity_statuses": choice(("ACTIVE", "ARCHIVED"), many="repeat"),
            "label_types": choice(("BRAND", "CUSTOM"), many="repeat"),
        },
        statuses=("ACTIVE",),
    ),
    List("/customer_lists", "customer_list", {"exclude_nca": flag(), **ORDER}),
    List("/conversion_tags", "conversion_tag", {"filter_deleted": flag()}, paged=False),
    List(
        "/targeting_templates",
        "targeting_template",
        {"include_sizing": flag(), "search_query": text(), **ORDER},
    ),
    List("/lead_forms", "lead_form", ORDER),
    List("/order_lines", "order_line", ORDER),
    List("/promotions", "promotion", ORDER),
    List("/templates", "template", ORDER),
)


def _register(of: List) -> None:
    @endpoint(
        "GET",
        ACCOUNT + of.path,
        scopes=ADS,
        quota="ads_read",
        acts_as=False,
        params=of.params,
        paged=of.paged,
        page_size=of.page_size,
    )
    def list_entities(world: World, call: Call) -> Lazy[Record] | Record:
        account = account_of(world, call)
        if of.refuse:
            of.refuse(world, call)
        filters = {name: call[name] for name in of.params if name != "page_size"}
        if "entity_statuses" in filters:
            filters["entity_statuses"] = filters["entity_statuses"] or of.statuses
        found = world.ads_list(of.kind, account, **filters).map(partial(world.wire, of.kind))
        return found if of.paged else {"items": list(found)}


for _list in LISTS:
    _register(_list)
