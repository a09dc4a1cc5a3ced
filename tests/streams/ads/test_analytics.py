"""What each day of the ads cost and brought: right to the last unit, and asked for no more often."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.ads_harness import ANALYTICS, BY_NAME, LEVELS, asked_columns, by_key, measured
from tests.analytics_harness import DAY, TODAY, at, back
from tests.harness import catalog_for, run_tap
from tests.streams.test_streams import check_records

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from tests.harness import Run
    from tests.pinterest_api import Simulator
    from tests.pinterest_api.server import Seen

KEYS = {name: tuple(each.primary_keys) for name, each in BY_NAME.items()}
REACH = {"total_impression_frequency", "total_impression_user"}
LAST_DAYS = {"start_days_back": 4}


@pytest.fixture
def sim(simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch) -> Simulator:
    simulator = simulate(ad_accounts=2, campaigns=5, other_accounts=0)
    at(monkeypatch, simulator, TODAY)
    return simulator


def asked(sim: Simulator, path: str = "analytics") -> list[Seen]:
    """The requests for metrics."""
    return [seen for seen in sim.requests if seen.path.endswith(path)]


def days_of(seen: Seen) -> tuple[str, str]:
    """The window that a request asks about."""
    params = seen.params()
    return params["start_date"], params["end_date"]


def columns_of(seen: Seen) -> list[str]:
    """The columns that a request asks for."""
    return str(seen.params()["columns"]).split(",")


def campaigns_on(run: Run, day: date) -> dict[str, int]:
    """Conversions of each campaign on a day."""
    rows = run.records("campaign_analytics")
    return {r["campaign_id"]: r["total_conversions"] for r in rows if r["date"] == str(day)}


@pytest.mark.parametrize("messy", [True, False])
def test_every_row_is_what_the_api_has(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch, messy: bool
) -> None:
    sim = simulate(ad_accounts=3, campaigns=5, messy=messy, ad_groups=1, other_accounts=0)
    at(monkeypatch, sim, TODAY)
    done = run_tap(sim, select=tuple(ANALYTICS), start_days_back=2).ok()
    check_records(done, {name: KEYS[name] for name in ANALYTICS})
    for stream in ANALYTICS:
        rows = by_key(done, stream)
        wanted = measured(sim.world, stream, back(2), back(1))
        if messy and stream == "ad_group_analytics":
            for row in (*rows.values(), *wanted.values()):
                del row["campaign_entity_status"]  # a number there
        assert rows == wanted, stream
        assert not {row["currency"] for row in rows.values()} - {"USD", "EUR", "GBP", "JPY"}
    assert not done.warnings
    assert not done.activate_versions
    seen = [(s.path, tuple(s.query)) for s in sim.requests]
    assert len(set(seen)) == len(seen), "a request came twice"


def test_money_beyond_a_double_is_exact(sim: Simulator) -> None:
    done = run_tap(sim, select=["campaign_analytics", "ad_account_analytics"]).ok()
    for stream in ("campaign_analytics", "ad_account_analytics"):
        most = max(row["spend_in_micro_dollar"] or 0 for row in done.records(stream))
        assert most > 2**53
        assert float(most) != most
        assert by_key(done, stream) == measured(sim.world, stream, back(89), back(1))


# -- columns


def test_only_what_is_selected_is_asked_for(sim: Simulator) -> None:
    select = ["campaign_analytics.spend_in_micro_dollar", "campaign_analytics.ctr"]
    done = run_tap(sim, select=select, **LAST_DAYS).ok()
    assert {tuple(columns_of(s)) for s in asked(sim)} == {
        ("CAMPAIGN_ID", "CTR", "SPEND_IN_MICRO_DOLLAR")
    }
    fields = {"campaign_id", "date", "ctr", "spend_in_micro_dollar"}
    assert {frozenset(row) for row in done.records("campaign_analytics")} == {frozenset(fields)}


def test_keys_alone_can_be_selected(sim: Simulator) -> None:
    select = ["ad_account_analytics.currency", "product_group_analytics.date"]
    done = run_tap(sim, select=select, **LAST_DAYS).ok()
    assert {tuple(columns_of(s)) for s in asked(sim)} == {
        ("AD_ACCOUNT_ID",),
        ("SPEND_IN_MICRO_DOLLAR",),
    }
    for stream in ("ad_account_analytics", "product_group_analytics"):
        assert set(by_key(done, stream)) == set(measured(sim.world, stream, back(4), back(1)))


@pytest.mark.parametrize("stream", ANALYTICS)
def test_all_columns_can_be_had_but_those_that_a_level_refuses(sim: Simulator, stream: str) -> None:
    catalog = BY_NAME[stream].declared_schema({"ads_columns": "all"})["properties"]
    assert REACH.isdisjoint(catalog) == ("targeting" in stream)
    entry = {
        "tap_stream_id": stream,
        "schema": {"type": "object", "properties": catalog},
        "key_properties": list(KEYS[stream]),
        "replication_key": "date",
        "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}],
    }
    done = run_tap(
        sim, catalog={"streams": [entry]}, ads_columns="all", start_days_back=2, end_days_back=1
    ).ok()
    columns = asked_columns(stream, "all")
    assert len(columns) > 170
    assert {tuple(columns_of(s)) for s in asked(sim)} == {tuple(columns)}
    wanted = measured(sim.world, stream, back(2), back(1), "all")
    rows = by_key(done, stream)
    if stream == "ad_group_analytics":
        for row in (*rows.values(), *wanted.values()):
            del row["campaign_entity_status"]  # a number there
    assert rows == wanted


def test_columns_can_be_named(sim: Simulator) -> None:
    schema = BY_NAME["campaign_analytics"].declared_schema
    fields = schema({"ads_columns": ["spend_in_dollar", "IMPRESSION_1"]})["properties"]
    windows = {"click_window_days", "engagement_window_days", "view_window_days"}
    keys = {"ad_account_id", "campaign_id", "date", "currency", "conversion_report_time"}
    assert set(fields) == keys | windows | {"spend_in_dollar", "impression_1"}
    for wrong, hint in (
        ("everything", "`ads_columns`"),
        (["SPEND_IN_DOLAR"], "SPEND_IN_DOLLAR"),
        ([], "empty"),
    ):
        done = run_tap(sim, ads_columns=wrong)
        assert done.exit_code == 1
        assert hint in done.last_line
        assert not sim.requests


def test_a_column_that_is_refused_costs_itself(sim: Simulator) -> None:
    sim.world.refused_columns = {"campaign": ["CTR", "CPM_IN_DOLLAR"]}
    done = run_tap(sim, select=["campaign_analytics", "ad_analytics"], **LAST_DAYS)
    assert done.exit_code == 1
    for column in ("CTR", "CPM_IN_DOLLAR"):
        assert done.said("ERROR", "campaign_analytics", column, f"deselect `{column.lower()}`")
    assert "ad_analytics" not in done.last_line
    wanted = measured(sim.world, "campaign_analytics", back(4), back(1))
    found = by_key(done, "campaign_analytics")
    assert found == {key: row | {"ctr": None, "cpm_in_dollar": None} for key, row in wanted.items()}
    assert len(asked(sim, "campaigns/analytics")) <= 2 + 2 * 2
    partitions = done.states[-1]["bookmarks"]["campaign_analytics"]["partitions"]
    assert not any("replication_key_value" in part for part in partitions)


# -- days


def test_a_night_asks_for_the_lookback_only(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    sim, select = simulate(ad_accounts=1, campaigns=1, other_accounts=0), tuple(ANALYTICS)
    at(monkeypatch, sim, TODAY)
    first = run_tap(sim, select=select).ok()
    for settings, days in (
        ({}, 30),
        ({"click_window_days": 60}, None),
        ({"ads_lookback_days": 3}, 3),
    ):
        sim.clear()
        at(monkeypatch, sim, TODAY + DAY)
        run_tap(sim, select=select, state=first.states[-1], **settings).ok()
        starts = {days_of(s)[0] for s in asked(sim)}
        earliest = back(1 + days) if days else TODAY + DAY - 89 * DAY
        assert min(starts) == str(earliest), settings
        assert max(days_of(s)[1] for s in asked(sim)) == str(TODAY)


def test_late_conversions_are_corrected(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run_tap(sim, select=["campaign_analytics"]).ok()
    day, campaign = back(12), first.records("campaign_analytics")[0]["campaign_id"]
    sim.world.late_conversions = {(campaign, str(day)): 7}
    at(monkeypatch, sim, TODAY + 10 * DAY)
    again = run_tap(sim, select=["campaign_analytics"], state=first.states[-1]).ok()
    wanted = measured(sim.world, "campaign_analytics", back(31), TODAY + 9 * DAY)
    assert by_key(again, "campaign_analytics") == wanted
    late = campaigns_on(again, day)[campaign] - campaigns_on(first, day)[campaign]
    assert late >= 7


@pytest.mark.parametrize(
    "setting",
    [
        {"click_window_days": 0},
        {"view_window_days": 7},
        {"engagement_window_days": 0},
        {"conversion_report_time": "TIME_OF_CONVERSION"},
    ],
)
def test_another_attribution_reads_the_range_again(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch, setting: dict[str, Any]
) -> None:
    stream = "campaign_analytics"
    first = run_tap(sim, select=[stream]).ok()
    sim.clear()
    at(monkeypatch, sim, TODAY + DAY)
    again = run_tap(sim, select=[stream], state=first.states[-1], **setting).ok()
    wanted = measured(sim.world, stream, TODAY + DAY - 89 * DAY, TODAY, **setting)
    assert by_key(again, stream) == wanted
    assert again.said("read again")
    ((name, value),) = setting.items()
    assert {s.params()[name] for s in asked(sim)} == {str(value)}
    assert {row[name] for row in again.records(stream)} == {value}


def test_a_column_that_is_added_starts_from_the_bookmark(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_tap(sim, select=["campaign_analytics.ctr"]).ok()
    sim.clear()
    at(monkeypatch, sim, TODAY + DAY)
    run_tap(sim, select=["campaign_analytics"], state=first.states[-1]).ok()
    assert {days_of(s)[0] for s in asked(sim)} == {str(back(31))}


def test_a_range_that_is_cut_says_where_older_days_are(sim: Simulator) -> None:
    done = run_tap(sim, select=["campaign_analytics"], start_days_back=400).ok()
    assert done.said("WARNING", "campaign_analytics", "keeps 89 days", "asynchronous reports")
    assert {days_of(s)[0] for s in asked(sim)} == {str(back(89))}


# -- by whom the ads were seen


def types_of(seen: Seen) -> list[str]:
    """The targeting types that a request asks for."""
    return str(seen.params()["targeting_types"]).split(",")


def test_all_types_of_a_level_are_asked_for_in_as_few_requests_as_it_takes(sim: Simulator) -> None:
    streams = [stream for stream in ANALYTICS if "targeting" in stream]
    run_tap(sim, select=streams, start_days_back=1).ok()
    for stream in streams:
        path = "/v5" + BY_NAME[stream].path.replace("{ad_account_id}", "[0-9]+")
        seen = [s for s in asked(sim) if re.fullmatch(path, s.path)]
        lists = {tuple(types_of(s)) for s in seen}
        each = Counter(name for names in lists for name in names)
        assert each == Counter(BY_NAME[stream].types), stream  # type: ignore[attr-defined]
        assert len(lists) == (2 if stream.startswith("campaign") else 1)
        assert len(seen) == 2 * len(lists)


def test_types_can_be_chosen(sim: Simulator) -> None:
    streams = [stream for stream in ANALYTICS if "targeting" in stream]
    chosen = ["GENDER", "CREATIVE_TYPE"]
    done = run_tap(sim, select=streams, targeting_types=chosen, **LAST_DAYS).ok()
    for stream in streams:
        types = {row["targeting_type"] for row in done.records(stream)}
        assert types == ({*chosen} if stream.startswith("campaign") else {"GENDER"})
    done = run_tap(sim, select=streams, targeting_types=["QUIZ_RESULT"], **LAST_DAYS).ok()
    for stream in streams:
        skipped = done.said("WARNING", f"Stream {stream} is skipped", "targeting_types")
        assert bool(skipped) == (stream != "ad_targeting_analytics")


# -- Pins of a campaign


def test_a_request_is_about_one_campaign_and_each_of_its_pins_once(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = simulate(ad_accounts=1, campaigns=3, ad_groups=5, ads=60, other_accounts=0)
    at(monkeypatch, sim, TODAY)
    done = run_tap(sim, select=["ad_pin_analytics"], start_days_back=2).ok()
    assert by_key(done, "ad_pin_analytics") == measured(
        sim.world, "ad_pin_analytics", back(2), back(1)
    )
    pins: dict[str, Counter[str]] = {}
    for seen in asked(sim, "pins/analytics"):
        campaigns = [value for name, value in seen.query if name == "campaign_id"]
        some = [value for name, value in seen.query if name == "pin_ids"]
        assert len(campaigns) == 1
        assert len(some) <= 100
        pins.setdefault(campaigns[0], Counter()).update(some)
    assert len(pins) == 3
    assert {count for each in pins.values() for count in each.values()} == {1}


def test_levels_are_told_apart() -> None:
    assert set(LEVELS) == {stream for stream in ANALYTICS if "targeting" not in stream}


def test_a_catalog_made_with_fewer_columns_asks_for_these(simulate: Callable[..., Any]) -> None:
    """Which leave by the SCHEMA; that there would be more is told."""
    sim = simulate(ad_accounts=1, campaigns=2)
    catalog = catalog_for(["campaign_analytics.*"])
    run = run_tap(sim, catalog=catalog, ads_columns="all", start_days_back=1).ok()
    columns = set(run.schemas["campaign_analytics"]["schema"]["properties"])
    assert {name for row in run.records("campaign_analytics") for name in row} == columns
    (asked,) = {seen.params()["columns"] for seen in sim.requests if "columns" in seen.params()}
    assert {name.lower() for name in asked.split(",")} <= columns
    assert run.said("INFO", "campaign_analytics", "ads_columns")
