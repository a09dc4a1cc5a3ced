"""Streams below ad accounts: each account fails, completes and keeps bookmarks for itself.

What is asked for in batches is so across the pages of the list.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tap_pinterest.kinds.lists import ListStream
from tests.analytics_harness import DAY, TODAY, at, back
from tests.harness import Run, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

COLUMNS = ("SPEND_IN_MICRO_DOLLAR", "IMPRESSION_1", "CLICKTHROUGH_1")
STREAMS_OF_ADS = ("ad_accounts", "campaigns", "campaign_analytics")


@pytest.fixture
def sim(simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch) -> Simulator:
    simulator = simulate(ad_accounts=3, campaigns=60)
    at(monkeypatch, simulator, TODAY)
    return simulator


def run(sim: Simulator, state: Any = None, **settings: Any) -> Run:
    """Run the three streams."""
    return run_tap(sim, select=STREAMS_OF_ADS, state=state, **{"ads_lookback_days": 14, **settings})


def parts(done: Run, stream: str) -> dict[str, dict[str, Any]]:
    """What the state says of a stream, by ad account."""
    found = done.states[-1]["bookmarks"][stream]["partitions"]
    return {part["context"]["ad_account_id"]: part for part in found}


def rows_of(sim: Simulator, account: str, first: Any, last: Any) -> dict[tuple[str, str], int]:
    campaigns = [campaign["id"] for campaign in sim.world.campaigns_of(account)]
    answer = sim.world.campaign_analytics(account, campaigns, first, last, COLUMNS)
    return {
        (str(row["CAMPAIGN_ID"]), row["DATE"]): int(row.get("SPEND_IN_MICRO_DOLLAR", 0))
        for row in answer
    }


def got(done: Run, account: str) -> dict[tuple[str, str], int]:
    records = [r for r in done.records("campaign_analytics") if r["ad_account_id"] == account]
    assert len({(r["campaign_id"], r["date"]) for r in records}) == len(records)
    return {(r["campaign_id"], r["date"]): r["spend_in_micro_dollar"] or 0 for r in records}


@pytest.mark.parametrize("refusals", [((403, 29), (401, 3)), ((401, 3), (403, 29))])
def test_an_account_that_is_not_open_costs_itself(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch, refusals: Any
) -> None:
    first, second, third, *others = sim.world.accounts
    sim.world.refused_accounts |= {first: refusals[0], second: refusals[1]}
    done = run(sim)
    assert done.exit_code == 1
    assert done.crash is None
    for account in (first, second):
        assert done.said("ERROR", "campaigns", account)
    assert "campaigns (needs ads:read)" in done.last_line
    assert {r["ad_account_id"] for r in done.records("campaigns")} == {third, *others}
    assert got(done, third) == rows_of(sim, third, back(89), back(1))
    assert parts(done, "campaign_analytics")[third]["replication_key_value"] == str(back(1))
    assert "replication_key_value" not in parts(done, "campaign_analytics")[first]
    assert "replication_key_value" in parts(done, "campaigns")[third]
    # Once refused, no more is asked of an account.
    asked = Counter(seen.path.split("/")[3] for seen in sim.requests if "ad_accounts/" in seen.path)
    assert asked[first] == asked[second] == 1
    # Tomorrow asks for little: what changed, and the lookback.
    sim.clear()
    at(monkeypatch, sim, TODAY + DAY)
    again = run(sim, state=done.states[-1])
    starts = {
        seen.params()["start_date"] for seen in sim.requests if seen.path.endswith("/analytics")
    }
    assert starts == {str(back(15))}
    assert got(again, third) == rows_of(sim, third, back(15), TODAY)
    changed = parts(done, "campaigns")[third]["replication_key_value"]
    assert all(
        r["updated_time"] >= changed
        for r in again.records("campaigns")
        if r["ad_account_id"] == third
    )
    assert 0 < sum(r["ad_account_id"] == third for r in again.records("campaigns")) < 20
    # An account that is opened later is read whole.
    sim.world.refused_accounts.clear()
    later = run(sim, state=again.states[-1]).ok()
    assert got(later, first) == rows_of(sim, first, back(88), TODAY)
    assert sum(r["ad_account_id"] == first for r in later.records("campaigns")) == 60


def test_forbidden_accounts_may_be_tolerated(sim: Simulator) -> None:
    sim.world.refused_accounts[next(iter(sim.world.accounts))] = (403, 29)
    done = run(sim, skip_forbidden_streams=True).ok()
    assert done.said("WARNING", "campaigns", "403")
    assert not done.activate_versions or {n for n, _ in done.activate_versions} == {"ad_accounts"}


def test_batches_are_filled_across_the_pages_of_the_list(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand campaigns in pages of forty cost four requests, and not twenty-five."""
    sim = simulate(ad_accounts=2, campaigns=1000)
    at(monkeypatch, sim, TODAY)
    monkeypatch.setattr(ListStream, "page_size", 40)
    done = run(sim, start_days_back=1).ok()
    for account in sim.world.accounts:
        asked = [
            s for s in sim.requests if s.path == f"/v5/ad_accounts/{account}/campaigns/analytics"
        ]
        sizes = [sum(name == "campaign_ids" for name, _ in seen.query) for seen in asked]
        assert sizes == [250] * 4
        assert got(done, account) == rows_of(sim, account, back(1), back(1))


def test_a_fault_in_one_account_is_no_other_ones(sim: Simulator) -> None:
    accounts = list(sim.world.accounts)
    sim.faults.add(kind="server_error", path=f"/{accounts[1]}/campaigns/analytics", times=None)
    done = run(sim)
    assert done.exit_code == 1
    assert "campaign_analytics: " in done.last_line
    assert accounts[1] in done.last_line
    for account in (accounts[0], *accounts[2:]):
        assert got(done, account) == rows_of(sim, account, back(89), back(1))
        assert parts(done, "campaign_analytics")[account]["replication_key_value"] == str(back(1))
    assert "replication_key_value" not in parts(done, "campaign_analytics")[accounts[1]]
    assert set(parts(done, "campaigns")) == set(accounts)


def test_what_was_read_before_a_quota_ended_is_done_with(sim: Simulator) -> None:
    """The next run begins with the account that the quota ended at."""
    first, second, third, *others = sim.world.accounts
    path = f"/{third}/campaigns$"
    sim.faults.add(kind="rate_limited", path=path, reset=50_000, times=None)
    done = run(sim, max_concurrency=1)
    assert done.exit_code == 1
    for account in (first, second):
        assert got(done, account) == rows_of(sim, account, back(89), back(1))
        assert "replication_key_value" in parts(done, "campaigns")[account]
        assert "replication_key_value" in parts(done, "campaign_analytics")[account]
    sim.faults.clear()
    sim.clear()
    again = run(sim, state=done.states[-1]).ok()
    asked: dict[str, str] = {}
    for seen in sim.requests:
        if seen.path.endswith("/analytics"):
            account, start = seen.path.split("/")[3], seen.params()["start_date"]
            asked[account] = min(start, asked.get(account, start))
    assert {asked[account] for account in (first, second)} == {str(back(15))}
    assert {asked[account] for account in (third, *others)} == {str(back(89))}
    assert got(again, third) == rows_of(sim, third, back(89), back(1))


def test_an_account_in_which_nothing_works_is_left_alone_after_a_while(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = simulate(ad_accounts=3, campaigns=1300, other_accounts=0)
    at(monkeypatch, sim, TODAY)
    first, second, third = sim.world.accounts
    sim.faults.add(kind="server_error", path=f"/{second}/campaigns/analytics", times=None)
    monkeypatch.setattr(ListStream, "page_size", 250)
    done = run(sim, start_days_back=2, max_concurrency=1)
    assert done.exit_code == 1
    assert done.said("WARNING", second, "nothing more is asked for")
    for account in (first, third):
        assert got(done, account) == rows_of(sim, account, back(2), back(1))


@pytest.mark.parametrize(("stream", "most"), [("ad_pin_analytics", 5), ("campaign_analytics", 2)])
def test_a_quota_that_is_too_small_for_a_night_reads_all_in_some(
    simulate: Callable[..., Simulator],
    monkeypatch: pytest.MonkeyPatch,
    stream: str,
    most: int,
) -> None:
    """Each night begins with the account that has waited longest."""
    sim = simulate(ad_accounts=3, campaigns=4, other_accounts=0)
    state: Any = None
    for night in range(4):
        at(monkeypatch, sim, TODAY + night * DAY)
        sim.faults.clear()
        sim.faults.add(
            kind="rate_limited", path="s/analytics$", nth=most + 1, times=None, reset=50_000
        )
        done = run_tap(sim, select=[stream], state=state, max_concurrency=1, start_days_back=3)
        assert done.exit_code == 1
        state = done.states[-1]
        found = {
            part["context"]["ad_account_id"]
            for part in state["bookmarks"][stream]["partitions"]
            if part.get("replication_key_value")
        }
        assert len(found) >= min(night + 1, 3), night
    sim.faults.clear()
    run_tap(sim, select=[stream], state=state).ok()
