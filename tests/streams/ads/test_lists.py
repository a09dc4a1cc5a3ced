"""The lists of ads: all rows of all ad accounts, in every status, once and unchanged."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.ads_harness import BY_NAME, LISTS, by_key, currencies, listed
from tests.analytics_harness import DAY, TODAY, at
from tests.harness import run_tap
from tests.streams.test_streams import check_records

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

ALL = ("ad_accounts", *LISTS)
KEYS = {name: tuple(each.primary_keys) for name, each in BY_NAME.items()}
CHANGING = ("ad_groups", "ads", "campaigns")


def asked(sim: Simulator) -> Counter[str]:
    """How often each path below an ad account was asked for."""
    return Counter(s.path.split("/", 4)[-1] for s in sim.requests if "/ad_accounts/" in s.path)


@pytest.mark.parametrize("messy", [True, False])
@pytest.mark.parametrize("nested", [True, False])
def test_every_row_of_every_account_leaves_unchanged(
    simulate: Callable[..., Simulator], messy: bool, nested: bool
) -> None:
    sim = simulate(ad_accounts=3, campaigns=20, messy=messy, labels_nested=nested)
    done = run_tap(sim, select=ALL).ok()
    check_records(done, {name: KEYS[name] for name in ALL})
    for stream in LISTS:
        assert by_key(done, stream) == listed(sim.world, stream), stream
    assert {r["id"]: r["currency"] for r in done.records("ad_accounts")} == currencies(sim.world)
    assert not done.said("did not fit")
    assert not done.said("not in the schema yet")
    assert {name for name, _ in done.activate_versions} == set(ALL) - set(CHANGING)
    statuses = {row["status"] for row in done.records("campaigns")}
    assert statuses == {"ACTIVE", "PAUSED", "ARCHIVED", "DRAFT", "DELETED_DRAFT"}
    owned = Counter(row["ownership_type"] for row in done.records("audiences"))
    assert set(owned) == {"OWNED", "RECEIVED"}
    assert {row["parent_type"] for row in done.records("labels")} == (
        {"CAMPAIGN"} if nested else {"AD_ACCOUNT"}
    )


def test_keywords_are_asked_for_together_or_one_by_one(simulate: Callable[..., Simulator]) -> None:
    sizes = {}
    for together in (True, False):
        sim = simulate(ad_accounts=1, campaigns=20, keywords_in_bulk=together, other_accounts=0)
        done = run_tap(sim, select=["keywords"]).ok()
        assert by_key(done, "keywords") == listed(sim.world, "keywords")
        seen = [s for s in sim.requests if s.path.endswith("/keywords")]
        sizes[together] = Counter(tuple(sorted({n for n, _ in s.query})) for s in seen)
        assert len({(s.path, tuple(s.query)) for s in seen}) == len(seen), "a request came twice"
    of = {"campaign": ("campaign_id", "page_size"), "account": ("page_size",)}
    for found in sizes.values():
        assert found[of["campaign"]] == 20
        assert found[of["account"]] == 1
    assert sizes[True][("ad_group_ids", "page_size")] == 1
    assert sizes[False][("ad_group_ids", "page_size")] == 1  # refused
    assert sizes[False][("ad_group_id", "page_size")] == 40


def test_a_keyword_in_two_lists_is_one_row(simulate: Callable[..., Simulator]) -> None:
    """An API that repeats an ad group's keywords in the list of its account, or of its campaign."""
    sim = simulate(ad_accounts=1, campaigns=4, other_accounts=0)
    account = sim.world.ad_account_id
    group = sim.world.ads_list("ad_group", account)[1]["id"]
    twice = list(sim.world.ads_list("keyword", account, ad_group_id=group))
    assert twice

    def repeat(answer: Any, seen: Any) -> Any:
        if not any(name.startswith("ad_group") for name, _ in seen.query):
            answer["items"] += twice
        return answer

    sim.faults.add(kind="without_days", path="/keywords", times=None).edit = repeat
    done = run_tap(sim, select=["keywords"]).ok()
    assert by_key(done, "keywords") == listed(sim.world, "keywords")


def test_accounts_can_be_chosen(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(ad_accounts=3, campaigns=3)
    first, second, third, *_ = sim.world.accounts
    done = run_tap(sim, select=["ad_accounts", "campaigns"], ad_account_ids=[third, first]).ok()
    assert [row["id"] for row in done.records("ad_accounts")] == [third, first]
    assert {row["ad_account_id"] for row in done.records("campaigns")} == {third, first}
    assert not any(second in s.path for s in sim.requests)
    assert not done.activate_versions, "another pipeline may read the other accounts"
    sim.world.refused_accounts[first] = (403, 29)
    done = run_tap(sim, select=["ad_accounts", "campaigns"], ad_account_ids=[third, first])
    assert done.exit_code == 1
    assert done.said("ERROR", "ad_accounts", first, "ad_account_ids")
    assert {row["ad_account_id"] for row in done.records("campaigns")} == {third}
    assert done.states[-1]["bookmarks"]["campaigns"]["partitions"][0]["replication_key_value"]


def test_statuses_can_be_chosen_and_a_wider_choice_is_read_whole(
    simulate: Callable[..., Simulator],
) -> None:
    sim = simulate(ad_accounts=1, campaigns=30, other_accounts=0)
    done = run_tap(sim, select=CHANGING, entity_statuses=["ACTIVE"]).ok()
    for stream in CHANGING:
        assert {row["status"] for row in done.records(stream)} == {"ACTIVE"}, stream
    again = run_tap(sim, select=CHANGING, state=done.states[-1]).ok()
    for stream in CHANGING:
        assert by_key(again, stream) == listed(sim.world, stream), stream


def test_a_night_without_changes_asks_for_no_more_pages_and_emits_next_to_nothing(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = simulate(ad_accounts=2, campaigns=300, other_accounts=0)
    at(monkeypatch, sim, TODAY)
    first = run_tap(sim, select=CHANGING).ok()
    counted = asked(sim)
    assert counted == {"campaigns": 4, "ad_groups": 6, "ads": 10}
    sim.clear()
    at(monkeypatch, sim, TODAY + DAY)
    again = run_tap(sim, select=CHANGING, state=first.states[-1]).ok()
    assert asked(sim) == counted
    for stream in CHANGING:
        whole = by_key(first, stream)
        assert len(again.records(stream)) < len(whole) / 20, stream
        bookmarks = {
            part["context"]["ad_account_id"]: part["replication_key_value"]
            for part in first.states[-1]["bookmarks"][stream]["partitions"]
        }
        for key, row in by_key(again, stream).items():
            assert row == whole[key]
            assert row["updated_time"] >= bookmarks[row["ad_account_id"]]


def test_what_changed_arrives_and_what_did_not_change_does_not_cost_its_children(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = simulate(ad_accounts=2, campaigns=20, other_accounts=0)
    at(monkeypatch, sim, TODAY)
    select = ("ad_groups", "product_group_promotions", "campaigns")
    first = run_tap(sim, select=select).ok()
    changed = sim.world.ads_list("campaign", sim.world.ad_account_id)[7]["id"]
    noon = int((TODAY - TODAY.fromtimestamp(0)).total_seconds()) + 86_400 + 43_200

    def touch(record: Any) -> Any:
        return record | {"updated_time": noon, "name": "New"} if record["id"] == changed else record

    sim.world.alter["campaign"] = touch
    at(monkeypatch, sim, TODAY + DAY, hour=23)
    again = run_tap(sim, select=select, state=first.states[-1]).ok()
    assert by_key(again, "campaigns")[(changed,)]["name"] == "New"
    assert len(again.records("campaigns")) < 5
    assert by_key(again, "product_group_promotions") == by_key(first, "product_group_promotions")


@pytest.mark.parametrize("sent", [666743919837294988, "666743919837294988", "float"])
def test_an_id_stays_exact_however_it_is_sent(
    simulate: Callable[..., Simulator], sent: int | str
) -> None:
    sim = simulate(ad_accounts=1, campaigns=1, ad_groups=1, ads=1, other_accounts=0)
    exact = 666743919837294988

    def edit(answer: Any, _: Any) -> Any:
        for ad in answer["items"]:
            ad["pin_id"] = msgspec.Raw(b"%d.0" % exact) if sent == "float" else sent
        return answer

    sim.faults.add(kind="without_days", path="/ads$", times=None).edit = edit
    done = run_tap(sim, select=["ads"]).ok()
    assert [row["pin_id"] for row in done.records("ads")] == [str(exact)]


@pytest.mark.parametrize("bookmark", ["2026-01-01", "2026-01-01T00:00:00"])
def test_a_bookmark_that_somebody_set_by_hand_is_utc(
    simulate: Callable[..., Simulator], bookmark: str
) -> None:
    sim = simulate(ad_accounts=1, campaigns=20, other_accounts=0)
    state = run_tap(sim, select=["campaigns"]).ok().states[-1]
    (part,) = state["bookmarks"]["campaigns"]["partitions"]
    part["replication_key_value"] = bookmark
    done = run_tap(sim, select=["campaigns"], state=state).ok()
    assert by_key(done, "campaigns") == {
        key: row
        for key, row in listed(sim.world, "campaigns").items()
        if not row["updated_time"] or row["updated_time"] >= "2026-01-01T00:00:00Z"
    }
    assert 0 < len(done.records("campaigns")) < 20
