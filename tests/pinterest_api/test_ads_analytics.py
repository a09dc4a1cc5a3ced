"""Analytics of ads: every level, what adds up, what is refused, and what is sent how."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.pinterest_api import Simulator, World
from tests.pinterest_api.client import TODAY, Client, as_texts, error, exact, on
from tests.pinterest_api.endpoints.ads_analytics import ENDPOINTS, Metrics
from tests.pinterest_api.world.ads_analytics import COSTLY_DAY, KEYS
from tests.pinterest_api.world.ads_metrics import NO_TARGETING, TARGETED, TARGETING_TYPES
from tests.pinterest_api.world.ads_tree import DRAFTS

if TYPE_CHECKING:
    from collections.abc import Iterator

FROM, TO = TODAY - timedelta(20), TODAY - timedelta(1)
ADDING = (
    "SPEND_IN_MICRO_DOLLAR",
    "IMPRESSION_1",
    "TOTAL_IMPRESSION",
    "CLICKTHROUGH_2",
    "TOTAL_CONVERSIONS",
    "TOTAL_CLICK_CHECKOUT_VALUE_IN_MICRO_DOLLAR",
    "TOTAL_VIDEO_MRC_VIEWS",
)
COLUMNS = (*ADDING, "CAMPAIGN_NAME", "AD_ACCOUNT_ID", "CTR")
ASKED = {
    "start_date": FROM.isoformat(),
    "end_date": TO.isoformat(),
    "columns": ",".join(COLUMNS),
    "granularity": "DAY",
}
KINDS = {"product_group": "product_group_promotion"}
PATHS = {of.path: of for of in ENDPOINTS}


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(World(boards=1, ad_accounts=3, campaigns=30, today=TODAY)) as simulator:
        yield simulator


def ids_of(world: World, level: str, account: str | None = None) -> list[str]:
    account = account or world.ad_account_id
    if level == "pin":
        return [ad["pin_id"] for ad in world.ads_list("ad", account)][:4]
    if level == "ad_account":
        return []
    return [item["id"] for item in world.ads_list(KINDS.get(level, level), account)]


def asking(world: World, of: Metrics) -> dict[str, Any]:
    """The parameters of a request that is right."""
    ids = ids_of(world, of.level)
    asked: dict[str, Any] = dict(ASKED)
    if of.path == "/ads/analytics":
        asked["ad_ids"] = ids
    elif of.ids:
        asked[of.ids] = ids
    if of.level == "pin":
        asked["campaign_id"] = ids_of(world, "campaign")[0]
    if of.most_types:
        asked["targeting_types"] = "GENDER,LOCATION"
    return asked


def get(client: Client, path: str, **more: Any) -> Any:
    world = client.sim.world
    asked = asking(world, PATHS[path]) | more
    return client.get(f"/ad_accounts/{world.ad_account_id}{path}", **asked)


def rows(client: Client, path: str, **more: Any) -> list[dict[str, Any]]:
    """The rows of an answer, as exact as they are, ids as texts."""
    return [as_texts(row) for row in exact(get(client, path, **more))]


def sums(found: list[dict[str, Any]], *keys: str) -> dict[tuple[Any, ...], Counter[str]]:
    """What of the columns adds up, by other columns."""
    total: dict[tuple[Any, ...], Counter[str]] = {}
    for row in found:
        values = {name: int(row[name]) for name in ADDING if name in row}
        total.setdefault(tuple(row[key] for key in keys), Counter()).update(values)
    return {key: +count for key, count in total.items()}


@pytest.mark.parametrize("path", [of.path for of in ENDPOINTS if not of.most_types])
def test_rows_are_those_of_the_world(client: Client, path: str) -> None:
    world, level = client.sim.world, PATHS[path].level
    campaign = ids_of(world, "campaign")[0] if level == "pin" else None
    expected = world.ads_analytics(
        level,
        world.ad_account_id,
        ids_of(world, level),
        FROM,
        TO,
        columns=COLUMNS,
        campaign_id=campaign,
    )
    assert expected
    found = rows(client, path)
    assert len(found) == len(expected)
    for row, wanted in zip(found, expected, strict=True):
        ctr, wanted_ctr = row.pop("CTR", None), wanted.pop("CTR", None)
        assert row == wanted
        assert (None if ctr is None else float(ctr)) == wanted_ctr
    keys = [(row[KEYS[level]], row["DATE"]) for row in found]
    assert len(set(keys)) == len(keys)


def test_metrics_add_up(client: Client) -> None:
    world = client.sim.world
    of_account = sums(rows(client, "/analytics"), "DATE")
    columns = ",".join((*ADDING, "CAMPAIGN_ID", "AD_GROUP_ID"))
    campaigns = rows(client, "/campaigns/analytics", columns=columns)
    groups = rows(client, "/ad_groups/analytics", columns=columns)
    ads = rows(client, "/ads/analytics", columns=columns)
    assert len(of_account) == 20
    for level in (campaigns, groups, ads):
        assert sums(level, "DATE") == of_account
    assert sums(ads, "AD_GROUP_ID", "DATE") == sums(groups, "AD_GROUP_ID", "DATE")
    assert sums(groups, "CAMPAIGN_ID", "DATE") == sums(campaigns, "CAMPAIGN_ID", "DATE")
    promoted = rows(client, "/product_groups/analytics", columns=columns)
    of_groups = sums(groups, "AD_GROUP_ID", "DATE")
    for key, total in sums(promoted, "AD_GROUP_ID", "DATE").items():
        assert total == of_groups[key]
    pins = rows(client, "/pins/analytics")
    first = ids_of(world, "campaign")[0]
    of_first = sums([row for row in campaigns if row["CAMPAIGN_ID"] == first], "DATE")
    assert sums(pins, "DATE") == of_first
    drafts = {ad["id"] for ad in world.ads_list("ad", world.ad_account_id, entity_statuses=DRAFTS)}
    assert drafts.isdisjoint(row["AD_ID"] for row in ads)


@pytest.mark.parametrize("path", [of.path for of in ENDPOINTS if of.most_types])
def test_targeting(client: Client, path: str) -> None:
    world, of = client.sim.world, PATHS[path]
    types = TARGETING_TYPES[of.level][: of.most_types]
    columns = ",".join((*ADDING, "AD_ACCOUNT_ID"))
    answer = exact(get(client, path, targeting_types=",".join(types), columns=columns))
    assert set(answer) == {"data"}
    expected = world.targeting_analytics(
        of.level,
        world.ad_account_id,
        ids_of(world, of.level),
        FROM,
        TO,
        columns=columns.split(","),
        types=types,
    )
    data = answer["data"]
    assert [row["metrics"] for row in data] == [row["metrics"] for row in expected]
    assert [str(row["targeting_value"]) for row in data] == [r["targeting_value"] for r in expected]
    assert {row["targeting_type"] for row in data} == set(types)
    kinds = {(row["targeting_type"], type(row["targeting_value"])) for row in data}
    assert ("LOCATION", int) in kinds
    assert ("GENDER", str) in kinds
    for kind in types:
        values = {row["targeting_value"] for row in data if row["targeting_type"] == kind}
        assert len(values) == len(TARGETED[kind]) > 1
    assert {type(row["metrics"]["AD_ACCOUNT_ID"]) for row in data} == {int}
    # Each type of each entity comes to no more than the entity.
    key = KEYS[of.level]
    plain = path.replace("targeting_", "")
    whole = sums(rows(client, plain, columns=columns), key, "DATE")
    parts = [{**row["metrics"], "type": row["targeting_type"]} for row in data]
    for (entity, day, _), part in sums(parts, key, "DATE", "type").items():
        assert part <= whole[str(entity), day]


def test_accounts_are_not_named_by_targeting(client: Client) -> None:
    found = exact(get(client, "/targeting_analytics", columns="IMPRESSION_1"))["data"]
    assert {*found[0]["metrics"]} == {"DATE", "IMPRESSION_1"}


@pytest.mark.parametrize("path", ["/ad_groups/targeting_analytics", "/ads/targeting_analytics"])
def test_targeting_is_sorted(client: Client, path: str) -> None:
    asked = {"sort_columns": "IMPRESSION_1", "columns": "IMPRESSION_1"}
    found = exact(get(client, path, sort_ascending="true", **asked))["data"]
    values = [row["metrics"]["IMPRESSION_1"] for row in found]
    assert values == sorted(values)
    down = exact(get(client, path, **asked))["data"]
    assert [row["metrics"]["IMPRESSION_1"] for row in down] == values[::-1]


def test_ads_by_campaign_and_pin(client: Client) -> None:
    world = client.sim.world
    ads = list(world.ads_list("ad", world.ad_account_id))
    one = next(ad for ad in ads if ad["status"] == "ACTIVE")
    asked = {"ad_ids": None, "campaign_ids": [one["campaign_id"]], "pin_ids": [one["pin_id"]]}
    found = {row["AD_ID"] for row in rows(client, "/ads/analytics", **asked)}
    same = [ad for ad in ads if ad["pin_id"] == one["pin_id"]]
    assert len(same) == 2
    assert found <= {ad["id"] for ad in same}
    assert one["id"] in found


def test_an_amount_that_a_double_cannot_hold(client: Client) -> None:
    day = {"start_date": on(COSTLY_DAY), "end_date": on(COSTLY_DAY)}
    found = rows(client, "/campaigns/analytics", **day)
    most = max(row["SPEND_IN_MICRO_DOLLAR"] for row in found)
    assert most > 2**53
    assert most % 2 == 1
    assert int(float(most)) != most
    assert rows(client, "/analytics", **day)[0]["SPEND_IN_MICRO_DOLLAR"] > most


def test_numbers_wander(client: Client) -> None:
    found = exact(get(client, "/ads/analytics", columns="IMPRESSION_1,CAMPAIGN_ENTITY_STATUS"))
    assert {type(row["AD_ID"]) for row in found} == {int, str, Decimal}
    assert {type(row["IMPRESSION_1"]) for row in found} == {int, Decimal}
    assert {type(row["CAMPAIGN_ENTITY_STATUS"]) for row in found} == {str}
    groups = rows(client, "/ad_groups/analytics", columns="CAMPAIGN_ENTITY_STATUS")
    assert {type(row["CAMPAIGN_ENTITY_STATUS"]) for row in groups} == {int}
    client.sim.world.messy = False
    found = exact(get(client, "/ads/analytics", columns="IMPRESSION_1"))
    assert {(type(row["AD_ID"]), type(row["IMPRESSION_1"])) for row in found} == {(str, int)}


def conversions(client: Client, path: str = "/campaigns/analytics", **more: Any) -> int:
    found = rows(client, path, columns="TOTAL_CONVERSIONS", **more)
    return sum(int(row["TOTAL_CONVERSIONS"]) for row in found)


def test_windows(client: Client) -> None:
    usual = conversions(client)
    assert usual == conversions(
        client, click_window_days=30, engagement_window_days=30, view_window_days=1
    )
    for name in ("click", "engagement", "view"):
        assert conversions(client, **{f"{name}_window_days": 0}) < usual
        assert conversions(client, **{f"{name}_window_days": 60}) > usual
    assert conversions(client, conversion_report_time="TIME_OF_CONVERSION") != usual
    hours = {"granularity": "HOUR", "start_date": on(2), "end_date": on(1)}
    assert conversions(client, **hours) == 0


@pytest.mark.parametrize("whose", ["campaign", "ad_group", "ad", "*"])
def test_a_conversion_that_comes_late(client: Client, whose: str) -> None:
    world = client.sim.world
    before = {path: conversions(client, path) for path in ("/campaigns/analytics", "/analytics")}
    younger = conversions(client, start_date=on(9))
    ids = ids_of(world, whose) if whose != "*" else ["*"]
    world.late_conversions[ids[0], on(10)] = 5
    more = 5 * (30 if whose == "*" else 1)
    for path, earlier in before.items():
        assert conversions(client, path) == earlier + more
    for path in ("/ad_groups/analytics", "/ads/analytics"):
        assert conversions(client, path) == before["/analytics"] + more
    assert conversions(client, start_date=on(9)) == younger


def test_every_day_of_a_busy_world(client: Client) -> None:
    client.sim.world.busy = True
    for path, level in (("/campaigns/analytics", "campaign"), ("/ads/analytics", "ad")):
        found = rows(client, path)
        assert len(found) == 20 * len(ids_of(client.sim.world, level))


@pytest.mark.parametrize("path", PATHS)
def test_what_cannot_be_asked_for(client: Client, path: str) -> None:
    of = PATHS[path]
    assert get(client, path).status_code == 200
    far = get(client, path, start_date=on(90))
    assert error(far) == (400, 1)
    assert far.json()["message"] == "You can only get data from the last 90 days."
    wrong: list[dict[str, Any]] = [
        {"columns": "SPEND"},
        {"columns": None},
        {"granularity": None},
        {"view_window_days": 2},
        {"page_size": 25},
        {"granularity": "HOUR", "start_date": on(5)},
    ]
    if of.ids:
        most = 100 if of.level == "pin" else 250
        wrong += [{of.ids: ["1"] * (most + 1)}, {of.ids: None}]
    if of.level == "pin":
        wrong += [{"campaign_id": None}, {"reporting_timezone": "PINTEREST_TIME_ZONE"}]
    if path == "/ads/analytics":
        wrong += [{"ad_ids": None}, {"ad_ids": None, "campaign_ids": ["1"]}]
        wrong += [{"ad_ids": ["1"] * 251}, {"pin_ids": ["1"] * 101}]
    if of.most_types:
        types = [*TARGETING_TYPES[of.level], *["GENDER"] * 3]
        wrong += [{"targeting_types": ",".join(types[: of.most_types + 1])}]
        wrong += [{"targeting_types": "QUIZ_RESULT" if of.level != "ad" else "CREATIVE_TYPE"}]
    for change in wrong:
        assert error(get(client, path, **change)) == (400, 1), change


@pytest.mark.parametrize("path", PATHS)
def test_columns_that_a_level_refuses(client: Client, path: str) -> None:
    of = PATHS[path]
    for name in NO_TARGETING:
        answer = get(client, path, columns=f"CTR,{name}")
        assert answer.status_code == (400 if of.most_types else 200)
        assert not of.most_types or name in answer.json()["message"]
    level = f"{of.level}_targeting" if of.most_types else of.level
    client.sim.world.refused_columns[level] = ["CTR"]
    refused = get(client, path, columns="IMPRESSION_1,CTR")
    assert error(refused) == (400, 1)
    assert "'CTR'" in refused.json()["message"]
    assert get(client, path, columns="IMPRESSION_1").status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_whose_entities_may_be_asked_for(client: Client, path: str) -> None:
    world, of = client.sim.world, PATHS[path]
    first, second, *_ = world.accounts
    asked = asking(world, of)
    assert error(client.get(f"/ad_accounts/12{path}", **asked)) == (403, 29)
    if of.level != "ad_account":
        assert error(client.get(f"/ad_accounts/{second}{path}", **asked)) == (403, 29)
    world.refused_accounts[first] = (401, 3)
    assert error(client.get(f"/ad_accounts/{first}{path}", **asked)) == (401, 3)


@pytest.mark.parametrize("path", ["/campaigns", "/ads/analytics", "/targeting_analytics"])
def test_four_faces_of_throttling(client: Client, path: str) -> None:
    wire = f"/ad_accounts/{client.sim.world.ad_account_id}{path}"
    asked = asking(client.sim.world, PATHS[path]) if path in PATHS else {}
    for kind, options, (status, code), text in (
        ("rate_limited", {"reset": 7}, (429, 8), "rate limit"),
        (
            "cost_limited",
            {"seconds": 5},
            (429, 2726),
            "Reporting query cost limit exceeded. Retry after 5 seconds",
        ),
        ("throttled", {"seconds": 3}, (400, 1), "Retry after 3 seconds"),
        ("something_went_wrong", {}, (400, 12), "Something went wrong on our end"),
    ):
        client.sim.faults.add(path=f"{wire}$", kind=kind, **options)
        answer = client.get(wire, **asked)
        assert error(answer) == (status, code)
        assert text in answer.json()["message"]
        if kind == "rate_limited":
            assert answer.headers["x-ratelimit-reset"] == "7"
        assert client.get(wire, **asked).status_code == 200
