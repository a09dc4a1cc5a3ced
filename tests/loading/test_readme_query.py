"""The README's query of ads, asked in DuckDB, says what the simulator's world does."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tests.ads_harness import currencies
from tests.harness import ROOT, catalog_for, config_for, files, pipe
from tests.loading.databases import ask_duckdb

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.pinterest_api import Simulator, World

MICRO = 10**6
DAYS = 20


def query() -> str:
    """What stands in the README."""
    (found,) = re.findall(
        r"\.sql\('''(.*?)'''\)", (ROOT / "README.md").read_text("utf-8"), re.DOTALL
    )
    assert not set(found) & set('"`$\\')  # as it stands between quotes of the shell
    return str(found)


def expected(world: World, first: date, last: date) -> list[list[Any]]:
    """Spend, clicks and cost per click of each campaign and week with any rows."""
    spent: Counter[tuple[str, ...]] = Counter()
    clicks: Counter[tuple[str, ...]] = Counter()
    columns = ("CAMPAIGN_NAME", "SPEND_IN_MICRO_DOLLAR", "CLICKTHROUGH_1")
    for account, currency in currencies(world).items():
        ids = [each["id"] for each in world.ads_list("campaign", account)]
        for row in world.campaign_analytics(account, ids, first, last, columns):
            day = date.fromisoformat(row["DATE"])
            week = (day - timedelta(days=day.weekday())).isoformat()
            key = (row["CAMPAIGN_ID"], row["CAMPAIGN_NAME"], week, currency)
            spent[key] += row.get("SPEND_IN_MICRO_DOLLAR", 0)
            clicks[key] += row.get("CLICKTHROUGH_1", 0)
    return [
        [
            name,
            week,
            pytest.approx(spent[key] / MICRO),
            currency,
            clicks[key],
            pytest.approx(spent[key] / MICRO / clicks[key]),
        ]
        for key in spent
        for _, name, week, currency in (key,)
    ]


def test_spend_clicks_and_cost_per_click_by_campaign_and_week(
    simulate: Callable[..., Simulator], target_duckdb: Path, tmp_path: Path
) -> None:
    sim = simulate(today=None, ad_accounts=2, campaigns=5)
    last = sim.world.today - timedelta(days=1)
    first = last - timedelta(days=DAYS - 1)
    days = {"start_date": first.isoformat(), "end_date": last.isoformat()}
    database = tmp_path / "pinterest.duckdb"
    run, _ = pipe(
        files(
            tmp_path, config=config_for(sim, days), catalog=catalog_for(["campaign_analytics.*"])
        ),
        target_duckdb,
        {"filepath": str(database), "default_target_schema": "main"},
        tmp_path,
    )
    run.ok()
    (found,) = ask_duckdb(target_duckdb, database, query())
    wanted = expected(sim.world, first, last)
    assert len({row[3] for row in wanted}) > 2  # currencies, which do not mix
    names_and_weeks = itemgetter(0, 1, 3)  # accounts have campaigns of the same names
    assert sorted(found, key=names_and_weeks) == sorted(wanted, key=names_and_weeks)
    assert [(row[1], -row[2]) for row in found] == sorted((row[1], -row[2]) for row in found)


@pytest.mark.parametrize("clicks", [0, None])
def test_spend_without_a_click_has_no_cost_per_click(clicks: int | None) -> None:
    with duckdb.connect() as database:
        database.execute(
            "CREATE TABLE campaign_analytics AS SELECT 'a' campaign_id, 'b' campaign_name, "
            "'2026-03-04' date, 'EUR' currency, 5000000 spend_in_micro_dollar, "
            "$1::BIGINT clickthrough_1",
            [clicks],
        )
        found = database.execute(query()).fetchall()
    assert found == [("b", date(2026, 3, 2), 5.0, "EUR", clicks, None)]
