"""The columns of ads reports: all that both versions of the API know, and what is said of each."""

from __future__ import annotations

import json
import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tap_pinterest.columns import ABOVE, ALL, COMMON, columns_at
from tap_pinterest.records.secrets import is_secret

FILE = Path(__file__).parents[2] / "tap_pinterest" / "schemas" / "report_columns.json"
DECLARED: dict[str, dict[str, Any]] = json.loads(FILE.read_text("utf-8"))
WORDS: dict[str, set[Any]] = {
    "type": {"string", "integer", "number"},
    "only": {"sync", "async"},
    "from": set(ABOVE),
    "common": {True},
}
LEVELS = [*ABOVE, *(f"{level}_TARGETING" for level in ABOVE if level != "KEYWORD")]
REACH = {"TOTAL_IMPRESSION_FREQUENCY", "TOTAL_IMPRESSION_USER"}
OF_ADS = {
    *("AD_ID", "AD_NAME", "AD_STATUS", "PIN_ID", "PIN_PROMOTION_ID", "PIN_PROMOTION_NAME"),
    "PIN_PROMOTION_STATUS",
}
DBT = {  # what the public dbt package reads of every report
    *("IMPRESSION_1", "IMPRESSION_2", "CLICKTHROUGH_1", "CLICKTHROUGH_2", "SPEND_IN_MICRO_DOLLAR"),
    *("TOTAL_CONVERSIONS", "TOTAL_CONVERSIONS_QUANTITY"),
    "TOTAL_CONVERSIONS_VALUE_IN_MICRO_DOLLAR",
}


def names(level: str, kind: str, *, common: bool = False) -> list[str]:
    return [column.name for column in columns_at(level, kind, COMMON if common else ALL)]


# The file


def test_a_line_is_a_column_and_entities_come_before_metrics() -> None:
    lines = [
        f'  "{name}": {{ {json.dumps(said, ensure_ascii=False)[1:-1]} }}'
        for name, said in DECLARED.items()
    ]
    assert FILE.read_text("utf-8") == "{\n" + ",\n".join(lines) + "\n}\n"
    levels = list(ABOVE)

    def place(name: str) -> tuple[int, str]:
        origin = DECLARED[name].get("from")
        return (levels.index(origin) if origin else len(levels)), name

    assert list(DECLARED) == sorted(DECLARED, key=place)


def test_only_known_words_are_said_of_a_column() -> None:
    for name, said in DECLARED.items():
        assert set(said) <= {*WORDS, "not_at", "description"}, name
        assert all(said[word] in allowed for word, allowed in WORDS.items() if word in said), name
        for pattern in said.get("not_at", []):
            assert any(fnmatchcase(level, pattern) for level in LEVELS), name
        assert not is_secret(name.lower()), name


@pytest.mark.parametrize(
    ("kind", "found"),
    {
        "string": "CAMPAIGN_ID AD_ACCOUNT_ID PIN_ID SPEND_ORDER_LINE_ID CAMPAIGN_ENTITY_STATUS "
        "AD_GROUP_NAME CAMPAIGN_OBJECTIVE_TYPE PRODUCT_ITEM_CURRENCY PRODUCT_GROUP_AD_IMAGE_TAG",
        "integer": "IMPRESSION_1 SPEND_IN_MICRO_DOLLAR TOTAL_CONVERSIONS TOTAL_IMPRESSION_USER "
        "TOTAL_CONVERSIONS_QUANTITY TOTAL_CONVERSIONS_VALUE_IN_MICRO_DOLLAR LEADS "
        "TOTAL_VIDEO_P25_COMBINED TOTAL_CUSTOM_TABLET_ACTION_TO_MOBILE_CONVERSION TOTAL_VIEW_LEAD",
        "number": "SPEND_IN_DOLLAR CTR ECTR CTR_2 OUTBOUND_CTR_1 CPC_IN_MICRO_DOLLAR CPM_IN_DOLLAR "
        "CPCV_P95_IN_MICRO_DOLLAR ECPM_IN_MICRO_DOLLAR CHECKOUT_ROAS COST_PER_LEAD "
        "TOTAL_IMPRESSION_FREQUENCY TOTAL_VIDEO_AVG_WATCHTIME_IN_SECOND ENGAGEMENT_RATE "
        "WEB_CHECKOUT_COST_PER_ACTION AD_GROUP_BID_MULTIPLIER TOTAL_LEAD_CONVERSION_RATE "
        "SHOWCASE_AVERAGE_SUBPAGE_CLOSEUP_PER_SESSION PRODUCT_ITEM_PRICE",
    }.items(),
)
def test_types(kind: str, found: str) -> None:
    assert {DECLARED[name]["type"] for name in found.split()} == {kind}


def test_what_may_have_a_fraction_is_no_whole_number_and_ids_are_text() -> None:
    average = {"RATE", "ROAS", "CTR", "COST", "AVG", "AVERAGE", "FREQUENCY", "PRICE"}
    average |= {f"{e}CP{of}" for of in ("C", "M", "V", "CV", "E") for e in ("", "E")}
    for name, said in DECLARED.items():
        if average & set(name.split("_")) or name.endswith("IN_DOLLAR"):
            assert said["type"] == "number", name
        if name.endswith(("_ID", "_NAME", "_STATUS", "_URL", "_TYPE")):
            assert said["type"] == "string", name
        if said["type"] == "string":
            assert "from" in said, name


# What a level takes


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("level", LEVELS)
def test_a_level_gets_what_it_takes_and_commonly_what_says_something(level: str, kind: str) -> None:
    every, common = names(level, kind), names(level, kind, common=True)
    assert set(common) < set(every)
    assert REACH.isdisjoint(every) == (level == "KEYWORD" or level.endswith("_TARGETING"))
    assert OF_ADS.isdisjoint(every) == level.startswith("PRODUCT_ITEM")
    assert ("QUIZ_PIN_RESULT_OPEN" in every) == (kind == "sync")
    assert ("TOTAL_CONVERSIONS_QUANTITY" in every) == (kind == "async")
    assert {*DBT, "SPEND_IN_DOLLAR"} & set(every) <= set(common)
    if kind == "async":
        assert set(common) >= DBT
    assert 35 <= len(common) <= 60


def test_commonly_a_row_has_the_ids_and_names_of_what_is_above_it() -> None:
    found = {level: set(names(level, "async", common=True)) for level in LEVELS}
    ids = {
        level: {name for name in columns if name.endswith(("_ID", "_NAME"))}
        for level, columns in found.items()
    }
    assert not ids["ADVERTISER"]
    assert ids["CAMPAIGN"] == ids["CAMPAIGN_TARGETING"] == {"CAMPAIGN_ID", "CAMPAIGN_NAME"}
    assert ids["AD_GROUP"] == ids["KEYWORD"] == ids["CAMPAIGN"] | {"AD_GROUP_ID", "AD_GROUP_NAME"}
    of_ads = {"AD_ID", "AD_NAME", "PIN_ID", "PIN_PROMOTION_ID"}
    assert ids["PIN_PROMOTION"] == ids["AD_GROUP"] | of_ads
    assert ids["PRODUCT_GROUP"] == ids["AD_GROUP"] | {"PRODUCT_GROUP_ID"}
    assert ids["PRODUCT_ITEM"] == ids["AD_GROUP"] | {"PRODUCT_ITEM_NAME"}
    assert found["AD_GROUP"] >= {"CAMPAIGN_ENTITY_STATUS", "AD_GROUP_ENTITY_STATUS"}


# Against Pinterest's own description


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    """The columns that the description knows, by the kind of report."""
    if not os.environ.get("SPEC"):
        pytest.skip("the columns were not checked: SPEC names no API description")
    document = json.loads(Path(os.environ["SPEC"]).read_text("utf-8"))

    def follow(node: Any) -> Any:
        while "$ref" in node:
            steps, node = node["$ref"].split("/")[1:], document
            for step in steps:
                node = node[step]
        return node

    def columns(node: Any) -> set[str]:
        """The values of `columns`, a parameter or a property of a body."""
        node = follow(node)
        found = {*follow(node.get("items", {})).get("enum", ())}
        for part in node.get("allOf", ()):
            found |= columns(part)
        if "columns" in node.get("properties", {}):
            found |= columns(node["properties"]["columns"])
        return found

    found: dict[str, set[str]] = {"sync": set(), "async": set()}
    for path, item in document["paths"].items():
        if not path.startswith("/ad_accounts/{ad_account_id}/"):
            continue
        for parameter in map(follow, item.get("get", {}).get("parameters", ())):
            if parameter["name"] == "columns" and path.endswith("analytics"):
                found["sync"] |= columns(parameter["schema"])
        if path.endswith("{ad_account_id}/reports"):
            content = follow(item["post"]["requestBody"])["content"]
            found["async"] = columns(content["application/json"]["schema"])
    return found


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_every_column_of_the_description_is_declared_of_its_kind(
    known: dict[str, set[str]], kind: str
) -> None:
    ours = {name for name, said in DECLARED.items() if said.get("only", kind) == kind}
    assert known[kind] <= ours
    assert ours - known[kind] in (set(), NEWER & ours)


NEWER = {
    *(f"COLLECTION_PIN_ITEM_{what}_{n}" for what in ("CLICKTHROUGH", "IMPRESSION") for n in (1, 2)),
    *("TOTAL_COLLECTION_PIN_ITEM_CLICKTHROUGH", "TOTAL_COLLECTION_PIN_ITEM_IMPRESSION"),
    *("INAPP_SKAN_APP_INSTALL", "INAPP_SKAN_APP_INSTALL_CONVERSION_RATE"),
    *("INAPP_SKAN_APP_INSTALL_COST_PER_ACTION", "INAPP_SKAN_ASSISTED_APP_INSTALL"),
    *("CAMPAIGN", "IS_CATALOG_CREATIVE_CAMPAIGN", "SPEND_ORDER_LINE_ID"),
}
"""Columns of 5.28 that 5.23 does not know."""
