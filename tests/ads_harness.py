"""What the ads streams must say, computed from the simulator's world."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_pinterest.streams import ADS
from tap_pinterest.streams.ads import AdsListStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_pinterest.kinds.stream import PinterestStream
    from tests.harness import Run
    from tests.pinterest_api import World

Row = dict[str, Any]

BY_NAME: dict[str, type[PinterestStream]] = {each.declared_name(): each for each in ADS}
LISTS = {name: each for name, each in BY_NAME.items() if issubclass(each, AdsListStream)}
ANALYTICS = {name: each for name, each in BY_NAME.items() if name.endswith("_analytics")}
DEFAULTS: dict[str, Any] = {"ads_columns": "common"}


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
        yield from world.ads_list(kind, account)


def leaving(stream: str, record: Row) -> Row:
    """A record as it must leave: all fields, times as timestamps, ids as text."""
    schema = BY_NAME[stream].declared_schema(DEFAULTS)
    return dict.fromkeys(schema["properties"]) | _fitting(record, schema)


def _fitting(value: Any, schema: Any) -> Any:
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        return {name: _fitting(part, fields.get(name, {})) for name, part in value.items()}
    if isinstance(value, list) and "string" not in schema.get("type", ()):
        return [_fitting(part, schema.get("items", {})) for part in value]
    if value is not None and schema.get("format") == "date-time":
        seconds = float(value) / (1000 if float(value) > 1e11 else 1)
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, str) and "integer" in schema.get("type", ()):
        return int(value)
    if isinstance(value, float):
        return Decimal(str(value))  # as `Run` reads it
    if value is not None and "string" in schema.get("type", ()) and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value
