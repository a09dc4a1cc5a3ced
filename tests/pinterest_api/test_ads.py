"""Ad accounts, campaigns and their analytics."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.pinterest_api import Simulator, World
from tests.pinterest_api.client import TODAY, Client, as_texts, error, exact, on
from tests.pinterest_api.world.ads_metrics import COLUMNS
from tests.pinterest_api.world.ads_tree import STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator

ASKED = {
    "start_date": on(20),
    "end_date": on(1),
    "columns": "SPEND_IN_MICRO_DOLLAR,CAMPAIGN_NAME",
    "granularity": "DAY",
}


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(World(boards=1, ad_accounts=3, campaigns=60, today=TODAY)) as simulator:
        yield simulator


def campaigns(sim: Simulator, account: int = 0, **filters: Any) -> list[dict[str, Any]]:
    return list(sim.world.campaigns_of(list(sim.world.accounts)[account], **filters))


def test_several_ad_accounts(sim: Simulator, client: Client) -> None:
    accounts = client.all("/ad_accounts")
    assert accounts == list(sim.world.all_ad_accounts())
    assert [account["permissions"] for account in accounts] == [["OWNER"]] * 3 + [["ANALYST"]]
    for name in ("currency", "time_zone", "country", "name", "id"):
        assert len({account[name] for account in accounts}) == 4
    assert len(client.all("/ad_accounts", include_shared_accounts="false")) == 3


def test_campaigns(sim: Simulator, client: Client) -> None:
    account = sim.world.ad_account_id
    path = f"/ad_accounts/{account}/campaigns"
    pages = client.pages(path, entity_statuses=STATUSES, page_size=25)
    assert [len(page["items"]) for page in pages] == [25, 25, 10]
    everything = [campaign for page in pages for campaign in page["items"]]
    assert [as_texts(campaign) for campaign in everything] == campaigns(sim)
    assert {type(campaign["id"]) for campaign in everything} == {int, str}
    everything = campaigns(sim)
    assert {campaign["status"] for campaign in everything} == set(STATUSES)
    assert {campaign["ad_account_id"] for campaign in everything} == {account}
    # What is not asked for does not come.
    assert {campaign["status"] for campaign in client.all(path)} == {"ACTIVE", "PAUSED"}
    ids = [campaign["id"] for campaign in everything[3:5]]
    asked = {"entity_statuses": STATUSES, "campaign_ids": ids}
    found = [as_texts(campaign) for campaign in client.all(path, **asked)]
    assert found == everything[3:5]
    found = [as_texts(c) for c in client.all(path, **asked, order="DESCENDING")]
    assert found == [everything[4], everything[3]]
    others = campaigns(sim, 1)
    assert {c["id"] for c in others}.isdisjoint(c["id"] for c in everything)
    assert all(len(c["id"]) == 18 for c in others)


def test_campaigns_change(sim: Simulator) -> None:
    now = sim.world.today.toordinal() - TODAY.fromtimestamp(0).toordinal()
    young = [c for c in campaigns(sim) if c["updated_time"] > (now - 30) * 86_400]
    assert 15 < len(young) < 45
    assert all(c["created_time"] <= c["updated_time"] + 86_400 for c in young)


def test_analytics_of_campaigns(sim: Simulator, client: Client) -> None:
    account = sim.world.ad_account_id
    path = f"/ad_accounts/{account}/campaigns/analytics"
    ids = [campaign["id"] for campaign in campaigns(sim)]
    rows = exact(client.get(path, campaign_ids=ids, **ASKED))
    assert isinstance(rows, list)
    assert {type(row["CAMPAIGN_ID"]) for row in rows} == {int, str, Decimal}
    found = {as_texts(row)["CAMPAIGN_ID"] for row in rows}
    assert found < set(ids)  # drafts cost nothing
    assert {on(20), on(1)} <= {row["DATE"] for row in rows}
    assert {name for row in rows for name in row} == {
        "CAMPAIGN_ID",
        "DATE",
        *ASKED["columns"].split(","),
    }
    spent = sum(row["SPEND_IN_MICRO_DOLLAR"] for row in rows)
    for granularity in ("TOTAL", "WEEK", "MONTH"):
        coarse = {**ASKED, "granularity": granularity}
        answer = client.get(path, campaign_ids=ids, **coarse).json()
        assert sum(row["SPEND_IN_MICRO_DOLLAR"] for row in answer) == spent
        assert all(("DATE" in row) == (granularity != "TOTAL") for row in answer)
        assert len(answer) < len(rows)


def test_conversions_come_in_late(sim: Simulator, client: Client) -> None:
    path = f"/ad_accounts/{sim.world.ad_account_id}/campaigns/analytics"
    asked = {"campaign_ids": [c["id"] for c in campaigns(sim)], **ASKED}
    asked["columns"] = "TOTAL_CONVERSIONS,SPEND_IN_DOLLAR"

    def totals(**more: Any) -> tuple[float, float]:
        rows = client.get(path, **asked, **more).json()
        return tuple(sum(row[name] for row in rows) for name in asked["columns"].split(","))  # type: ignore[return-value]

    bought, spent = totals()
    assert totals(click_window_days=7)[0] < bought
    sim.world.today = TODAY.replace(month=4)
    later, spent_by_then = totals()
    assert later > bought
    assert spent_by_then == pytest.approx(spent)


@pytest.mark.parametrize(
    "wrong",
    [
        {"campaign_ids": None},
        {"campaign_ids": [str(n) for n in range(251)]},
        {"columns": None},
        {"columns": "SPEND"},
        {"granularity": None},
        {"granularity": "DAYS"},
        {"start_date": on(90)},
        {"start_date": on(0)},
        {"click_window_days": 2},
        {"granularity": "HOUR"},
        {"granularity": "HOUR", "start_date": on(9), "end_date": on(8)},
    ],
)
def test_analytics_that_cannot_be_asked_for(
    sim: Simulator, client: Client, wrong: dict[str, Any]
) -> None:
    path = f"/ad_accounts/{sim.world.ad_account_id}/campaigns/analytics"
    asked = {"campaign_ids": [campaigns(sim)[0]["id"]], **ASKED, **wrong}
    assert error(client.get(path, **asked)) == (400, 1)


def test_who_may_look_into_an_ad_account(sim: Simulator, client: Client) -> None:
    first, second, third, _ = sim.world.accounts
    refused = {"world": {"refused_accounts": {first: [403, 29], second: [401, 3]}}}
    control = f"http://{sim.host}:{sim.port}/_control"
    assert client.session.post(control, json=refused, timeout=5).status_code == 200
    assert len(client.all("/ad_accounts")) == 4
    for account, refusal in ((first, (403, 29)), (second, (401, 3)), ("12", (403, 29))):
        path = f"/ad_accounts/{account}/campaigns"
        assert error(client.get(path)) == refusal
        assert error(client.get(f"{path}/analytics", campaign_ids=["1"], **ASKED)) == refusal
    assert client.all(f"/ad_accounts/{third}/campaigns")
    stranger = {"campaign_ids": [campaigns(sim, 3)[0]["id"]], **ASKED}
    assert error(client.get(f"/ad_accounts/{third}/campaigns/analytics", **stranger)) == (403, 29)
    assert error(client.get(f"/ad_accounts/{'1' * 19}/campaigns")) == (400, 1)


def test_quotas_of_ads(client: Client, sim: Simulator) -> None:
    path = f"/ad_accounts/{sim.world.ad_account_id}/campaigns"
    answer = client.get(f"{path}/analytics", campaign_ids=[campaigns(sim)[0]["id"]], **ASKED)
    assert "ads_analytics" in answer.headers["x-ratelimit-limit"]
    assert "ads_read" in client.get(path).headers["x-ratelimit-limit"]


def test_every_column_can_be_asked_for(sim: Simulator, client: Client) -> None:
    ids = [campaign["id"] for campaign in campaigns(sim)]
    asked = {**ASKED, "columns": ",".join(COLUMNS), "start_date": on(3)}
    path = f"/ad_accounts/{sim.world.ad_account_id}/campaigns/analytics"
    rows = client.get(path, campaign_ids=ids, **asked).json()
    assert len({name for row in rows for name in row} & set(COLUMNS)) > 120
