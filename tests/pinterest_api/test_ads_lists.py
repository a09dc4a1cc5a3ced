"""The lists below an ad account: what they have, and what they leave out unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.pinterest_api import Simulator, World
from tests.pinterest_api.client import TODAY, Client, as_texts, error
from tests.pinterest_api.endpoints.ads import LISTS
from tests.pinterest_api.world.ads_tree import STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = {of.path: of.kind for of in LISTS}
SORTED = [of.path for of in LISTS if "order" in of.params]


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(World(boards=1, ad_accounts=3, campaigns=60, today=TODAY)) as simulator:
        yield simulator


def listed(client: Client, path: str, **params: Any) -> list[dict[str, Any]]:
    """All of a list below the first ad account, ids as texts."""
    account = client.sim.world.ad_account_id
    return [as_texts(item) for item in client.all(f"/ad_accounts/{account}{path}", **params)]


def world_has(client: Client, path: str, account: int = 0, **filters: Any) -> list[dict[str, Any]]:
    world = client.sim.world
    return list(world.ads_list(KINDS[path], list(world.accounts)[account], **filters))


def needs(client: Client, path: str) -> dict[str, Any]:
    """What a list cannot be asked for without."""
    if path != "/product_group_promotions":
        return {}
    return {"product_group_promotion_ids": [item["id"] for item in world_has(client, path)][:250]}


def test_one_ad_account(client: Client) -> None:
    for account in client.all("/ad_accounts"):
        assert client.get(f"/ad_accounts/{account['id']}").json() == account
    assert error(client.get("/ad_accounts/12")) == (403, 29)
    client.sim.world.refused_accounts[account["id"]] = (401, 3)
    assert error(client.get(f"/ad_accounts/{account['id']}")) == (401, 3)


@pytest.mark.parametrize("path", [p for p in KINDS if p != "/conversion_tags"])
def test_every_list_is_paged(client: Client, path: str) -> None:
    everything = needs(client, path)
    if "entity_statuses" in next(of.params for of in LISTS if of.path == path):
        labels = path == "/labels"
        everything |= {"entity_statuses": ("ACTIVE", "ARCHIVED") if labels else STATUSES}
    account = client.sim.world.ad_account_id
    pages = client.pages(f"/ad_accounts/{account}{path}", page_size=2, **everything)
    found = [as_texts(item) for page in pages for item in page["items"]]
    filters = {"include_sizing": False} if path == "/targeting_templates" else {}
    assert found == world_has(client, path, **filters)
    assert len(pages) > 1
    ids = {item["id"] for item in found}
    assert len(ids) == len(found)
    assert ids.isdisjoint(item["id"] for item in world_has(client, path, 1))
    assert all(len(identity) == 18 for identity in ids)


def test_what_comes_in_the_wild(client: Client) -> None:
    account = client.sim.world.ad_account_id
    sent = {path: client.all(f"/ad_accounts/{account}{path}") for path in ("/ads", "/ad_groups")}
    assert {type(ad["id"]) for ad in sent["/ads"]} == {int, str}
    assert any(str(group["campaign_id"]).startswith("C") for group in sent["/ad_groups"])
    assert any(str(ad["ad_group_id"]).startswith("AG") for ad in sent["/ads"])
    for path in ("/customer_lists", "/order_lines", "/templates"):
        for item in client.all(f"/ad_accounts/{account}{path}"):
            times = [value for name, value in item.items() if name.endswith("_time")]
            assert {type(value) for value in times} <= {float, type(None)}
    client.sim.world.messy = False
    for path in ("/ads", "/customer_lists"):
        for item in client.all(f"/ad_accounts/{account}{path}"):
            assert isinstance(item["id"], str)
            assert isinstance(item["updated_time"], int)


@pytest.mark.parametrize("path", SORTED)
def test_order_is_that_of_ids(client: Client, path: str) -> None:
    up = listed(client, path, **needs(client, path))
    assert [int(item["id"]) for item in up] == sorted(int(item["id"]) for item in up)
    assert listed(client, path, order="DESCENDING", **needs(client, path)) == up[::-1]


@pytest.mark.parametrize("path", ["/ad_groups", "/ads", "/product_group_promotions"])
def test_archived_ones_and_drafts_come_when_asked_for(client: Client, path: str) -> None:
    asked = needs(client, path)
    assert {item["status"] for item in listed(client, path, **asked)} == {"ACTIVE", "PAUSED"}
    found = listed(client, path, entity_statuses=STATUSES, **asked)
    assert {item["status"] for item in found} == set(STATUSES)
    some = listed(client, path, entity_statuses=["DRAFT"], **asked)
    assert some == [item for item in found if item["status"] == "DRAFT"]


def test_below_a_parent(client: Client) -> None:
    groups = world_has(client, "/ad_groups")
    campaigns = [campaign["id"] for campaign in world_has(client, "/campaigns")]
    every = {"entity_statuses": STATUSES}
    assert listed(client, "/ad_groups", campaign_ids=campaigns[2:4], **every) == groups[4:8]
    ids = [groups[3]["id"], groups[7]["id"]]
    assert [g["id"] for g in listed(client, "/ad_groups", ad_group_ids=ids, **every)] == ids
    ads = listed(client, "/ads", ad_group_ids=ids, **every)
    assert len(ads) == 4
    assert {ad["ad_group_id"].removeprefix("AG") for ad in ads} == set(ids)
    assert listed(client, "/ads", ad_ids=[ads[1]["id"], "12"], **every) == [ads[1]]
    assert len(listed(client, "/ads", campaign_ids=campaigns[:2], **every)) == 8
    assert listed(client, "/ads", campaign_ids=campaigns[:1], ad_group_ids=ids, **every) == []
    names = listed(client, "/ad_groups", translate_interests_to_names="true")[0]
    assert names["targeting_spec"]["INTEREST"] == ["Home decor", "Food and drinks"]


def test_pins_of_ads(client: Client) -> None:
    ads = world_has(client, "/ads")
    shown = [(ad["campaign_id"], ad["pin_id"]) for ad in ads if ad["pin_id"]]
    assert 0 < len(shown) - len(set(shown)) < len(shown) // 4
    (pinless,) = [ad for ad in ads if ad["pin_id"] is None]
    assert pinless["status"] == "DRAFT"


def test_keywords_by_parent(client: Client) -> None:
    own = listed(client, "/keywords")
    assert {keyword["parent_type"] for keyword in own} == {"advertiser"}
    campaign = world_has(client, "/campaigns")[1]["id"]
    groups = [group["id"] for group in world_has(client, "/ad_groups")]
    negative = listed(client, "/keywords", campaign_id=campaign)
    assert {keyword["parent_id"] for keyword in negative} == {campaign}
    assert {keyword["match_type"] for keyword in negative} <= {"EXACT_NEGATIVE", "PHRASE_NEGATIVE"}
    one = listed(client, "/keywords", ad_group_id=groups[2])
    many = listed(client, "/keywords", ad_group_ids=groups)
    assert one == many[6:9]
    assert len(many) == 3 * len(groups)
    everything = [keyword["id"] for keyword in (*own, *negative, *many)]
    assert len(set(everything)) == len(everything)
    exact = listed(client, "/keywords", ad_group_ids=groups, match_types=["EXACT"])
    assert exact == [keyword for keyword in many if keyword["match_type"] == "EXACT"] != []
    path = f"/ad_accounts/{client.sim.world.ad_account_id}/keywords"
    assert error(client.get(path, campaign_id=campaign, ad_group_id=groups[0])) == (400, 1)
    assert error(client.get(path, ad_group_ids=["1"] * 251)) == (400, 1)
    client.sim.world.keywords_in_bulk = False
    assert error(client.get(path, ad_group_ids=groups[:1])) == (403, 29)
    assert listed(client, "/keywords", ad_group_id=groups[2]) == one


def test_product_groups_need_a_parent(client: Client) -> None:
    path = "/product_group_promotions"
    assert error(client.get(f"/ad_accounts/{client.sim.world.ad_account_id}{path}")) == (400, 1)
    of_campaign = {c["id"]: c["objective_type"] for c in world_has(client, "/campaigns")}
    found = []
    for group in world_has(client, "/ad_groups"):
        promoted = listed(client, path, ad_group_id=group["id"], entity_statuses=STATUSES)
        assert {p["ad_group_id"].removeprefix("AG") for p in promoted} <= {group["id"]}
        catalog = of_campaign[group["campaign_id"].removeprefix("C")] == "CATALOG_SALES"
        assert len(promoted) == (2 if catalog else 0)
        found += promoted
    assert found == world_has(client, path) != []


def test_audiences_of_others(client: Client) -> None:
    owned = listed(client, "/audiences")
    assert len(owned) == 5
    received = listed(client, "/audiences", ownership_type="RECEIVED")
    assert received == world_has(client, "/audiences", 1)[:2]
    assert {audience["ad_account_id"] for audience in owned}.isdisjoint(
        audience["ad_account_id"] for audience in received
    )
    assert len(listed(client, "/audiences", exclude_nca="true")) == 4


def test_labels_in_two_shapes(client: Client) -> None:
    flat = listed(client, "/labels", entity_statuses=["ACTIVE", "ARCHIVED"])
    active = listed(client, "/labels")
    assert active == [label for label in flat if label["status"] == "ACTIVE"] != flat
    client.sim.world.labels_nested = True
    items = listed(client, "/labels", entity_statuses=["ACTIVE", "ARCHIVED"])
    nested = [label for item in items for label in item["labels"]]
    assert any(len(item["labels"]) > 1 for item in items)
    assert [{name: label[name] for name in flat[0]} for label in nested] == flat
    campaign = nested[2]["parent_id"]
    (item,) = listed(client, "/labels", campaign_ids=[campaign], label_types=["CUSTOM"])
    assert [label["parent_id"] for label in item["labels"]] == [campaign]
    assert {label["label_type"] for label in item["labels"]} == {"CUSTOM"}


def test_conversion_tags_come_at_once(client: Client) -> None:
    path = f"/ad_accounts/{client.sim.world.ad_account_id}/conversion_tags"
    answer = client.get(path).json()
    assert set(answer) == {"items"}
    assert [as_texts(tag) for tag in answer["items"]] == world_has(client, "/conversion_tags")
    assert len(client.get(path, filter_deleted="true").json()["items"]) == 2
    assert error(client.get(path, page_size=5)) == (400, 1)


def test_targeting_templates_are_searched(client: Client) -> None:
    everything = listed(client, "/targeting_templates", include_sizing="true")
    assert all(template["sizing"] for template in everything)
    words = everything[1]["name"].upper()
    (found,) = listed(client, "/targeting_templates", search_query=words)
    assert found == everything[1] | {"sizing": None}


def test_who_may_not_look(client: Client) -> None:
    first = client.sim.world.ad_account_id
    client.sim.world.refused_accounts[first] = (403, 29)
    for path in KINDS:
        assert error(client.get(f"/ad_accounts/{first}{path}")) == (403, 29)
        assert error(client.get(f"/ad_accounts/12{path}")) == (403, 29)
