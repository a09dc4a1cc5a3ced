"""Compare the record schemas of the tap with a description of the Pinterest API.

    python scripts/contract.py openapi.json
    python scripts/contract.py openapi.json --write ads/campaign /ad_accounts/{id}/campaigns

The second line writes a first schema file for the records that GET on a path answers with, for a
person to go on with: the order of its keys, and a description where a name does not say it all.

The description is Pinterest's own (OpenAPI, JSON), of any release: answers are looked up by path,
because components change their names between releases. Printed per schema file:

    missing      fields that the API describes and the file lacks
    retyped      fields to which the file gives another type than the API does
    gone         the operation is not there, or does not hold the record where it was
    unchecked    a file that no stream and no entry of RECORDS is about, or one that does not exist
    undescribed  fields that the API does not describe: only told, not counted as differences

Exit code: 0 all fits, 1 something differs, 2 wrong call. Records of plain lists are looked up by
the paths of their streams; what is special about others is in RECORDS.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_pinterest.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Finding = tuple[str, str, str]  # kind, field, what about it
SCHEMAS = Path(__file__).parent.parent / "tap_pinterest" / "schemas"
COLUMNS = "report_columns.json"  # no schema of a record: tests/unit/test_columns.py checks it


class Record(NamedTuple):
    """What one schema file is compared with: the answers to GET on some paths.

    Without paths they are those of the streams that have the record. The fields of a record are
    those found at all the places named by `at`, each a field of the answer or "" for the answer
    itself, however many lists and dictionaries lie around them; by default the items of a page or
    of a bare list. A dot leads further in, to what a release may lack. Where the operation takes
    `metric_types`, its other parameters are fields too.
    """

    paths: tuple[str, ...] = ()
    at: tuple[str, ...] = ()
    added: tuple[str, ...] = ()  # by the tap, or by the API without a word in the description
    skipped: frozenset[str] = frozenset()  # described, and no field of ours on purpose: paths
    renamed: tuple[str, str] = ("", "")  # the API's name, ours


ME, ANALYTICS = "/user_account", "/user_account/analytics"
PIN_ANALYTICS = ("/pins/{pin_id}/analytics", "/pins/analytics")
TOP, DAYS = ("pins", "date_availability"), ("daily_metrics",)
SCOPE = frozenset({"ad_account_id", "created_in_last_n_days", "num_of_pins"})
DAILY = SCOPE | {"start_date", "end_date"}
PIN_DAILY = DAILY | {"pin_ids", "split_field"}
PIN_TOTALS = PIN_DAILY | {"app_types", "daily_metrics", "summary_metrics"}
NO_HISTORY = frozenset({"about", "profile_image", "board_pins_modified_at", "created_at"})
NO_HISTORY |= {"description", "is_ads_only", "media", "owner"}

PIN_ADDED = (
    *("ai_disclosures", "board_owner.id", "is_product", "is_removable", "note", "product_tags"),
    *("media.images.originals", "media.items[].images.originals", "media.video_url_hls"),
    *("media.items[].video_url_hls", "url"),
)

ADS = "/ad_accounts/{ad_account_id}"
# The stream adds it to all of them: the API gives it to some.
OWN_ACCOUNT = frozenset({"ad_account_id"})
# Maps by age, device, audience …, of which the description names the kind of the keys.
MULTIPLIERS = frozenset(
    f"bid_options.{name}"
    for name in (
        *("age_bucket_multipliers.AGE_BUCKET", "app_type_multipliers.APP_TYPE"),
        *("audience_multipliers.AUDIENCE_ID", "frequency_multipliers.IMPRESSION_COUNT"),
        *("gender_multipliers.GENDER", "placement_multipliers.PLACEMENT"),
    )
)
# What only 5.28 describes, or only 5.23: real answers may be either.
EXCLUDED = ("GEO_EXCLUDE", "LOCATION_EXCLUDE")
PERFORMANCE_PLUS = "performance_plus_campaign_settings"
CAMPAIGN_ADDED = (
    *("bid_options.age_bucket_multipliers", "bid_options.freq_bid_multiplier_time_window"),
    *("bid_options.frequency_multipliers", "bid_options.gender_multipliers"),
    *("default_ad_group_budget_in_micro_currency", "intended_promotion_type", "is_carting"),
    *("is_ltv_optimized", "is_top_of_search", PERFORMANCE_PLUS),
)
AD_GROUP_ADDED = (
    *("customer_segment_id", "ext_features", "is_local_inventory", PERFORMANCE_PLUS),
    *("local_inventory_radius_in_miles", "placement_traffic_type", "promotion_ids"),
    *(f"targeting_spec.{name}" for name in EXCLUDED),
    "optimization_goal_metadata.conversion_tag_v3_goal_metadata.learning_mode_type",
)
AD_ADDED = (
    *("carting_platform_type", "carting_products", "collections_header_type", "is_carting"),
    *("is_collage_accepted_terms", "is_collage_single_destination"),
)
TEMPLATE_ADDED = (
    *("ade_columns", "attribution_type", "date_range", "display_metadata", "is_default"),
    *("reporting_time_zone", "sort_by"),
)


def of_ads(name: str, added: tuple[str, ...] = (), at: tuple[str, ...] = ()) -> Record:
    """The records of a list below each ad account, of which the path has the same name."""
    return Record((f"{ADS}/{name}",), at, added, OWN_ACCOUNT)


RECORDS = {
    "ads/ad": of_ads("ads", AD_ADDED),
    "ads/ad_account": Record(("/ad_accounts",), added=("time_zone",)),
    "ads/ad_group": of_ads("ad_groups", AD_GROUP_ADDED),
    # Its own ad_account_id is the owner's, and not that of the account below which it is listed.
    "ads/audience": of_ads("audiences", ("is_nca",))._replace(
        skipped=frozenset(), renamed=("ad_account_id", "owner_ad_account_id")
    ),
    "ads/campaign": of_ads("campaigns", CAMPAIGN_ADDED)._replace(skipped=OWN_ACCOUNT | MULTIPLIERS),
    "ads/conversion_tag": of_ads("conversion_tags")._replace(renamed=("version", "tag_version")),
    "ads/customer_list": of_ads("customer_lists", ("is_nca",)),
    "ads/keyword": of_ads("keywords"),
    # 5.23 puts them into lists, beside errors of which only writing has any.
    "ads/label": of_ads("labels", ("parent_id", "parent_type"), ("items", "items.labels"))._replace(
        skipped=frozenset({"errors", "labels"})
    ),
    "ads/lead_form": of_ads("lead_forms"),
    "ads/order_line": of_ads("order_lines"),
    "ads/product_group_promotion": of_ads("product_group_promotions", ("is_image_auto_resizing",)),
    "ads/promotion": of_ads("promotions"),
    "ads/targeting_template": of_ads(
        "targeting_templates", tuple(f"targeting_attributes.{name}" for name in EXCLUDED)
    ),
    "ads/template": of_ads("templates", TEMPLATE_ADDED),
    "organic/account": Record((ME,), ("",), ("url",)),
    "organic/account_analytics": Record((ANALYTICS,), DAYS, ("account_id", "split"), DAILY),
    "organic/account_snapshot": Record((ME,), ("",), ("date",), NO_HISTORY, ("id", "account_id")),
    "organic/board": Record(added=("owner.id",)),
    "organic/board_snapshot": Record(
        ("/boards",), ("items",), ("date",), NO_HISTORY, ("id", "board_id")
    ),
    "organic/pin": Record(added=PIN_ADDED),
    "organic/pin_analytics": Record(PIN_ANALYTICS, DAYS, (), PIN_DAILY, ("app_types", "app_type")),
    "organic/pin_lifetime_analytics": Record(PIN_ANALYTICS, ("",), (), PIN_TOTALS),
    "organic/top_pin": Record((f"{ANALYTICS}/top_pins",), TOP, ("rank",), SCOPE),
    "organic/top_video_pin": Record((f"{ANALYTICS}/top_video_pins",), TOP, ("rank",), SCOPE),
    "organic/user_summary": Record(added=("url",)),
}


def records() -> dict[str, Record]:
    """What each schema file is compared with: RECORDS, and what follows from the streams."""
    found = dict(RECORDS)
    for stream in STREAMS:
        if not stream.record_type:  # its fields are the columns of reports
            continue
        known = found.get(stream.record_type, Record())
        if stream.record_type in RECORDS and RECORDS[stream.record_type].paths:
            continue
        path = getattr(stream, "path", None)  # a stream with a way of its own needs an entry
        found[stream.record_type] = known._replace(
            paths=tuple(dict.fromkeys([*known.paths, *([path] if path else [])])),
            added=(*known.added, *stream.parent_fields),
        )
    return found


# Dictionaries of metrics, and the field that each metric of theirs becomes.
PER_METRIC = {"metrics": "{}", "lifetime_metrics": "{}", "data_status": "{}_status"}
LIFETIME = frozenset({"total_comments", "total_reactions"})  # metrics that have no value per day
WHOLE = (  # counts, days and micro units
    *("latest_available_timestamp", "num_batches"),
    *("num_removed_user_records", "num_uploaded_user_records", "click_window_days"),
    *("engagement_window_days", "view_window_days", "report_end_relative_days_in_past"),
    *("report_start_relative_days_in_past", "date_range.relative_date_range.end_days_in_past"),
    "date_range.relative_date_range.start_days_in_past",
)
MICRO = (
    "optimization_goal_metadata.conversion_tag_v3_goal_metadata.cpa_goal_value_in_micro_currency",
    "optimization_goal_metadata.scrollup_goal_metadata.scrollup_goal_value_in_micro_currency",
)
NUMBERED = (
    *("quiz_pin_data.questions[].question_id", "quiz_pin_data.questions[].options[].id"),
    *("quiz_pin_data.results[].result_id", "quiz_pin_data.tie_breaker_custom_result.result_id"),
)
CHOSEN = {  # the API's type, ours on purpose
    **dict.fromkeys(WHOLE, ("number", "integer")),
    **dict.fromkeys(MICRO, ("string", "integer")),
    **dict.fromkeys(NUMBERED, ("number", "string")),
    "rule.event_data.line_items.product_id": ("integer", "string"),
    "rule.url": ("array", "string"),  # its text allows a text or an object as well
}
NULL = frozenset({"null"})


class Shape(NamedTuple):
    """What a schema comes down to, theirs or ours. No types: anything goes."""

    types: frozenset[str] = frozenset()
    format: str = ""
    properties: Mapping[str, Shape] = {}
    items: Shape | None = None
    values: Shape | None = None  # of a dictionary, the keys of which are data
    enum: tuple[str, ...] = ()


def merge(one: Shape, other: Shape, *, either: bool = False) -> Shape:
    """Merge two parts of an allOf, of which the later wins, or two alternatives (`either`)."""
    types, shared = one.types | other.types, one.properties.keys() & other.properties.keys()
    both = {n: merge(one.properties[n], other.properties[n], either=True) for n in shared}
    items = other.items or one.items
    if either and one.items and other.items:
        items = merge(one.items, other.items, either=True)
    return Shape(
        types=types if either else (other.types - NULL or one.types) | types & NULL,
        format="" if either and one.format != other.format else other.format or one.format,
        properties={**one.properties, **other.properties, **(both if either else {})},
        items=items,
        values=other.values or one.values,
        enum=one.enum + other.enum if either else other.enum or one.enum,
    )


def follow(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The node itself, or what its $ref points to."""
    while "$ref" in node:
        node = reduce(lambda found, key: found[key], node["$ref"].split("/")[1:], document)
    return node


def shape_of(document: Mapping[str, Any], node: Any, seen: frozenset[str] = frozenset()) -> Shape:
    """Reduce a schema, with all that it refers to, to its shape."""
    if not isinstance(node, dict) or node.get("$ref") in seen:  # it contains itself
        return Shape()
    seen |= {node["$ref"]} if "$ref" in node else set()
    node = follow(document, node)
    inner = partial(shape_of, document, seen=seen)
    said = node.get("type", [])
    types = frozenset([said] if isinstance(said, str) else said)
    own = Shape(
        types=types | NULL if node.get("nullable") else types,
        format=node.get("format", ""),
        properties={name: inner(x) for name, x in node.get("properties", {}).items()},
        items=inner(node["items"]) if "items" in node else None,
        values=inner(node["additionalProperties"]) if node.get("additionalProperties") else None,
        enum=tuple(x for x in node.get("enum", ()) if isinstance(x, str)),
    )
    parts = [inner(x) for x in node.get("allOf", ())]
    for choices in (node.get("oneOf"), node.get("anyOf")):
        parts += [reduce(partial(merge, either=True), map(inner, choices))] if choices else []
    whole = reduce(merge, [*parts, own])
    if whole.types <= NULL and (whole.items or whole.properties or whole.values):
        return whole._replace(types=whole.types | {"array" if whole.items else "object"})
    return whole


def inside(shape: Shape) -> Shape:
    """The thing that lists and dictionaries are made of."""
    while not shape.properties and (within := shape.items or shape.values):
        shape = within
    return shape


def operation_of(document: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """GET on a path, whatever its placeholders are called; LookupError where there is none."""
    unnamed = re.sub(r"\{\w+\}", "{}", path)
    for known, item in document["paths"].items():
        if re.sub(r"\{\w+\}", "{}", known) == unnamed and "get" in item:
            found: Mapping[str, Any] = item["get"]
            return found
    raise LookupError(path)


def described(document: Mapping[str, Any], record: Record, path: str) -> dict[str, Shape]:
    """The fields of the record in the description; LookupError where they are not found."""
    operation = operation_of(document, path)
    answer = follow(document, operation["responses"]["200"])["content"]["application/json"]
    whole = shape_of(document, answer["schema"])
    root, usual = inside(whole), ("",) if "array" in whole.types else ("items",)
    fields: dict[str, Shape] = {}
    for place in record.at or usual:
        first, *deeper = place.split(".")
        found = root.properties[first] if place else root
        for name in deeper:
            found = inside(found).properties.get(name, Shape())
        fields |= inside(found).properties
    if not fields:
        raise LookupError("fields")
    listed = [follow(document, x) for x in operation.get("parameters", [])]
    parameters = {x["name"]: shape_of(document, x["schema"]) for x in listed}
    if "metric_types" in parameters:
        fields = parameters | per_metric(fields, inside(parameters.pop("metric_types")).enum)
    theirs, ours = record.renamed
    return {ours if n == theirs else n: x for n, x in fields.items() if n not in record.skipped}


def per_metric(fields: Mapping[str, Shape], names: Iterable[str]) -> dict[str, Shape]:
    """Put one field per metric in the place of each dictionary of metrics."""
    known, columns = {name.lower() for name in names}, dict[str, Shape]()
    for name, shape in fields.items():
        metrics = known & LIFETIME if name == "lifetime_metrics" else known - LIFETIME
        if name in PER_METRIC and shape.values:
            columns |= {PER_METRIC[name].format(metric): shape.values for metric in metrics}
        else:
            columns[name] = shape
    return columns


def compare(ours: Shape, theirs: Shape, where: str = "") -> Iterator[Finding]:
    """Tell how our schema of a field, and of all below it, differs from the described one."""
    mine, other = (" or ".join(sorted(x.types - NULL)) or "anything" for x in (ours, theirs))
    # Seconds or milliseconds since 1970 leave as a time with its zone.
    epoch = ours.format == "date-time" and theirs.types <= {"integer", "number", *NULL}
    if other == "anything" or epoch or CHOSEN.get(where) == (other, mine):
        return
    if mine != other:
        yield "retyped", where, f"{mine} in the file, {other} in the API"
        return
    if theirs.types & NULL > ours.types & NULL:
        yield "retyped", where, "never null in the file, nullable in the API"
    if theirs.format in {"date", "date-time"} and ours.format not in {theirs.format, "date-time"}:
        yield "retyped", where, f"no {theirs.format} in the file, one in the API"
    if theirs.items:
        yield from compare(ours.items or Shape(), theirs.items, f"{where}[]")
    for name, shape in theirs.properties.items():
        inner = f"{where}.{name}".lstrip(".")
        if name in ours.properties:
            yield from compare(ours.properties[name], shape, inner)
        else:
            yield "missing", inner, " or ".join(sorted(shape.types - NULL))
    if theirs.properties:  # else the API leaves open what is in it, and the file may say more
        for name in ours.properties.keys() - theirs.properties.keys():
            yield "undescribed", f"{where}.{name}".lstrip("."), "only in the file"


def check(document: Any, record: Record, schema: Any) -> dict[Finding, list[str]]:
    """Compare one schema with each operation: what was found, and on which paths."""
    found: dict[Finding, list[str]] = {}
    for path in record.paths:
        try:
            theirs = Shape(frozenset({"object"}), properties=described(document, record, path))
            for finding in compare(shape_of({}, schema), theirs):
                if finding[1] not in record.skipped:
                    found.setdefault(finding, []).append(path)
        except LookupError as error:
            found["gone", f"GET {path}", f"{error} not found"] = [""]
    for finding in [x for x in found if x[0] == "undescribed"]:  # by any of the operations
        if finding[1] in record.added or len(found[finding]) < len(record.paths):
            del found[finding]
    return found


def draft(shape: Shape, name: str = "") -> dict[str, Any]:
    """A field of a first schema: nullable, without enums, patterns and other people's words."""
    types = shape.types - NULL
    if shape.properties or types == {"object"}:
        fields = {inner: draft(x, inner) for inner, x in sorted(shape.properties.items())}
        return {"type": ["object", "null"], "properties": fields, "additionalProperties": True}
    if types == {"array"}:
        return {"type": ["array", "null"], "items": draft(shape.items or Shape())}
    if types <= {"integer", "number"} and EPOCH.search(name):
        return {"type": ["string", "null"], "format": "date-time"}
    kind = "number" if types == {"integer", "number"} else "string"  # text takes anything
    field: dict[str, Any] = {"type": [next(iter(types)) if len(types) == 1 else kind, "null"]}
    return field | ({"format": shape.format} if shape.format in {"date", "date-time"} else {})


EPOCH = re.compile(r"_(?:at|time|timestamp)$")
"""Names of numbers that are seconds or milliseconds since 1970."""


def first_schema(document: Mapping[str, Any], name: str, path: str) -> dict[str, Any]:
    """A schema for the records of a list; the keys of its streams, or its id, come first."""
    fields = described(document, RECORDS.get(name, Record()), path)
    keys = [key for s in STREAMS if s.record_type == name for key in s.primary_keys] or ["id"]
    order = [*dict.fromkeys(key for key in keys if key in fields), *sorted(fields)]
    properties = {field: draft(fields[field], field) for field in order}
    for key in keys:
        if key in fields:
            properties[key]["type"] = properties[key]["type"][0]
    return {"type": "object", "properties": properties, "additionalProperties": True}


def laid_out(node: Any, indent: str = "") -> str:
    """A schema as the files have it: what holds no other object is on one line."""
    if not isinstance(node, dict) or not node:
        return json.dumps(node, ensure_ascii=False)
    deeper = indent + "  "
    parts = [f"{json.dumps(name)}: {laid_out(part, deeper)}" for name, part in node.items()]
    if not any(isinstance(part, dict) for part in node.values()):
        return f"{{ {', '.join(parts)} }}"
    return "{\n" + ",\n".join(f"{deeper}{part}" for part in parts) + f"\n{indent}}}"


def main(arguments: list[str] | None = None) -> int:
    """Print the comparison, or write a first schema; the exit code says whether all went well."""
    parser = argparse.ArgumentParser(description="Compare schemas with an API description.")
    parser.add_argument("description", type=Path, help="OpenAPI description, a JSON file")
    parser.add_argument(
        "--write",
        nargs=2,
        metavar=("RECORD", "PATH"),
        help="write a first schema file, such as ads/campaign, for the answers to GET on a path",
    )
    options = parser.parse_args(arguments)
    path = options.description
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        release = f"{document['info']['title']} {document['info']['version']}"
    except (OSError, ValueError, LookupError, TypeError) as error:
        parser.error(f"{path} is no API description: {error!r}")
    if options.write:
        return write(parser, document, *options.write)
    return report(document, release)


def write(
    parser: argparse.ArgumentParser, document: Mapping[str, Any], name: str, path: str
) -> int:
    """Write a first schema file; an existing one stays."""
    file = SCHEMAS / f"{name}.json"
    if file.exists():
        parser.error(f"{file} exists: remove it to have it written anew")
    try:
        schema = first_schema(document, name, path)
    except LookupError as error:
        parser.error(f"GET {path} holds no record in the description: {error} not found")
    file.parent.mkdir(exist_ok=True)
    file.write_text(laid_out(schema) + "\n", encoding="utf-8")
    print(f"{file} written: {len(schema['properties'])} fields")
    return 0


def report(document: Mapping[str, Any], release: str) -> int:
    """Print how each schema file differs from the description; 1 where any does."""
    files = {
        file.relative_to(SCHEMAS).with_suffix("").as_posix(): file
        for file in SCHEMAS.rglob("*.json")
        if file.name != COLUMNS
    }
    known, differences = records(), 0
    for name in sorted(files | known):
        found = {("unchecked", f"{name}.json", "file, or stream that reads it, lacking"): [""]}
        if name in files and name in known:
            found = check(document, known[name], json.loads(files[name].read_text("utf-8")))
        wrong = sum(kind != "undescribed" for kind, _, _ in found)
        differences += wrong
        print(f"{name}: {f'{wrong} to look at' if wrong else 'fits'}")
        for (kind, where, text), paths in sorted(found.items()):
            print(f"  {kind:<11} {where}: {text} {' '.join(paths)}".rstrip())
    print(f"{release}, {len(files)} schema files: {differences or 'no'} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
