"""What the ads streams must say, computed from the simulator's world."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_pinterest.columns import columns_at
from tap_pinterest.streams import ADS
from tap_pinterest.streams.ads import AdsListStream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from tap_pinterest.kinds.stream import PinterestStream
    from tests.harness import Run
    from tests.pinterest_api import World

Row = dict[str, Any]

BY_NAME: dict[str, type[PinterestStream]] = {each.declared_name(): each for each in ADS}
LISTS = {name: each for name, each in BY_NAME.items() if issubclass(each, AdsListStream)}
ANALYTICS = {name: each for name, each in BY_NAME.items() if name.endswith("_analytics")}


def key_of(stream: str, row: Row) -> tuple[Any, ...]:
    """What identifies a row of a stream."""
    return tuple(row[name] for name in BY_NAME[stream].primary_keys)


def by_key(run: Run, stream: str) -> dict[tuple[Any, ...], Row]:
    """The rows of a stream in a run, by their keys; none comes twice."""
    records = run.records(stream)
    found = {key_of(stream, row): row for row in records}
    assert len(found) == len(records), f"{stream}: a key came twice"
    return found


def currencies(world: World) -> dict[str, str]:
    """The currency of each ad account."""
    return {account["id"]: account["currency"] for account in world.all_ad_accounts()}


def listed(world: World, stream: str) -> dict[tuple[Any, ...], Row]:
    """The rows of a list, of all ad accounts, by their keys."""
    rows = (
        leaving(stream, record) | {"ad_account_id": account, "currency": currency}
        for account, currency in currencies(world).items()
        for record in _sent(world, stream, account)
    )
    return {key_of(stream, row): row for row in rows}


def _sent(world: World, stream: str, account: str) -> Iterator[Row]:
    """What the API has for a list of an ad account, whatever it takes to get all of it."""
    kind = stream.removesuffix("s")
    if kind == "audience":
        for ownership in ("OWNED", "RECEIVED"):
            for record in world.ads_list(kind, account, ownership_type=ownership):
                theirs = {name: value for name, value in record.items() if name != "ad_account_id"}
                owner = record["ad_account_id"]
                yield theirs | {"ownership_type": ownership, "owner_ad_account_id": owner}
    elif kind == "keyword":
        yield from world.ads_list(kind, account)
        for parent in ("campaign", "ad_group"):
            for record in world.ads_list(parent, account):
                yield from world.ads_list(kind, account, **{f"{parent}_id": record["id"]})
    elif kind == "label":
        for record in world.ads_list(kind, account):
            for label in record.get("labels", [record]):
                yield {"parent_id": account, "parent_type": "AD_ACCOUNT"} | label
    else:
        renames = BY_NAME[stream].renames
        for record in world.ads_list(kind, account):
            yield {renames.get(name, name): value for name, value in record.items()}


def leaving(stream: str, record: Row, columns: Any = "common") -> Row:
    """A record as it must leave: all fields, times as timestamps, ids as text."""
    schema = BY_NAME[stream].declared_schema({"ads_columns": columns})
    return dict.fromkeys(schema["properties"]) | _fitting(record, schema)


def _fitting(value: Any, schema: Any) -> Any:
    kinds, is_time = schema.get("type", ()), schema.get("format") == "date-time"
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        value = {name: _fitting(part, fields.get(name, {})) for name, part in value.items()}
    elif isinstance(value, list) and "string" not in kinds:
        value = [_fitting(part, schema.get("items", {})) for part in value]
    elif value is not None and is_time:
        seconds = float(value) / (1000 if float(value) > 1e11 else 1)
        value = datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    elif isinstance(value, str) and "integer" in kinds:
        value = int(value)
    elif value is not None and "string" in kinds and not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    elif isinstance(value, float):
        value = Decimal(str(value))  # as `Run` reads it
    return value


LEVELS = {
    "ad_account_analytics": "ad_account",
    "campaign_analytics": "campaign",
    "ad_group_analytics": "ad_group",
    "ad_analytics": "ad",
    "product_group_analytics": "product_group",
    "ad_pin_analytics": "pin",
}
"""The simulator's level of each stream of metrics; those by target are of the same levels."""


def asked_columns(stream: str, chosen: Any = "common") -> list[str]:
    """The columns of a stream, by the API's names."""
    return [column.name for column in columns_at(BY_NAME[stream].level, "sync", chosen)]  # type: ignore[attr-defined]


def measured(
    world: World, stream: str, first: date, last: date, columns: Any = "common", **windows: Any
) -> dict[tuple[Any, ...], Row]:
    """The rows of a stream of metrics, of all ad accounts, by their keys.

    Args:
        world: Whose metrics.
        stream: The stream.
        first, last: Days.
        columns: The setting `ads_columns`.
        windows: Attribution windows, such as `click_window_days`.
    """
    asked = {"columns": asked_columns(stream, columns)}
    facts = {
        "click_window_days": int(windows.get("click_window_days", 30)),
        "engagement_window_days": int(windows.get("engagement_window_days", 30)),
        "view_window_days": int(windows.get("view_window_days", 1)),
        "conversion_report_time": windows.get("conversion_report_time", "TIME_OF_AD_ACTION"),
    }
    found = {}
    for account, currency in currencies(world).items():
        for row in _measured(world, stream, account, (first, last), asked | windows):
            about = {"ad_account_id": account, "currency": currency, **facts}
            whole = leaving(stream, row | about, columns)
            found[key_of(stream, whole)] = whole
    return found


def _measured(
    world: World, stream: str, account: str, days: tuple[date, date], asked: Any
) -> Iterator[Row]:
    targeted = stream.replace("_targeting", "")
    level = LEVELS[targeted]
    ids = [account]
    if level not in ("ad_account", "pin"):
        kind = "product_group_promotion" if level == "product_group" else level
        ids = [record["id"] for record in world.ads_list(kind, account)]
    if level == "pin":
        pins: dict[str, dict[str, None]] = {}
        for ad in world.ads_list("ad", account):
            if ad["pin_id"]:
                pins.setdefault(ad["campaign_id"], {})[ad["pin_id"]] = None
        for campaign, some in pins.items():
            for row in world.ads_analytics(
                level, account, some, *days, campaign_id=campaign, **asked
            ):
                yield _lower(row) | {"campaign_id": campaign}
    elif targeted == stream:
        for row in world.ads_analytics(level, account, ids, *days, **asked):
            yield _lower(row)
    else:
        types = BY_NAME[stream].types  # type: ignore[attr-defined]
        for row in world.targeting_analytics(level, account, ids, *days, types=types, **asked):
            target = {"targeting_type": row["targeting_type"]}
            yield _lower(row["metrics"]) | target | {"targeting_value": row["targeting_value"]}


def _lower(row: Row) -> Row:
    return {name.lower(): value for name, value in row.items()}
