"""The settings: what each means, and what must hold across them."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jsonschema import Draft7Validator
from singer_sdk import typing as th

from tap_pinterest import clock
from tap_pinterest.plan import dates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Config = "Mapping[str, Any]"

PREFIX = "TAP_PINTEREST_"
"""What the names of settings begin with in the environment."""

SPELLINGS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}
"""Of settings in the environment that are true or false."""

VIDEO_RANKINGS = (
    "SAVE",
    "IMPRESSION",
    "OUTBOUND_CLICK",
    "VIDEO_MRC_VIEW",
    "VIDEO_AVG_WATCH_TIME",
    "VIDEO_V50_WATCH_TIME",
    "QUARTILE_95_PERCENT_VIEW",
    "VIDEO_10S_VIEW",
    "VIDEO_START",
)

CREDENTIALS = (
    ("access_token",),
    ("client_id", "client_secret", "token_store"),
    ("client_id", "client_secret", "refresh_token"),
)
"""The sets of settings of which one is needed."""

SETTINGS: dict[str, Any] = th.PropertiesList(
    th.Property(
        "access_token",
        th.StringType,
        secret=True,
        title="Access token",
        description="An access token, which works for 30 days. Leave it empty to use "
        "`client_id` and `client_secret` with `token_store` instead, which work for ever.",
    ),
    th.Property(
        "client_id",
        th.StringType,
        title="App id",
        description="The id of your Pinterest app. Needed with `token_store` and `refresh_token`.",
    ),
    th.Property(
        "client_secret",
        th.StringType,
        secret=True,
        title="App secret",
        description="The secret key of your Pinterest app. Needed with `token_store` and "
        "`refresh_token`.",
    ),
    th.Property(
        "refresh_token",
        th.StringType,
        secret=True,
        title="Refresh token",
        description="A refresh token got elsewhere. Not needed where `tap-pinterest-login` has "
        "filled the token store; a new one given here goes before the one stored.",
    ),
    th.Property(
        "token_store",
        th.StringType,
        title="Token store",
        description="Path of a file that keeps the newest tokens from run to run, so that the "
        "connection lives for ever; `tap-pinterest-login` makes it. Each account needs its own.",
    ),
    th.Property(
        "ad_account_id",
        th.StringType,
        title="Ad account",
        description="Act as the owner of this ad account (Business Access), where the endpoint "
        "takes it; streams whose endpoint does not take it are skipped with a message.",
    ),
    th.Property(
        "board_privacy",
        th.StringType,
        default="ALL",
        allowed_values=["ALL", "PUBLIC", "PROTECTED", "SECRET", "PUBLIC_AND_SECRET"],
        title="Privacy of boards",
        description="Which boards `boards` and its children read; ALL is every board that the "
        "token may see.",
    ),
    th.Property(
        "board_ids",
        th.ArrayType(th.StringType),
        title="Board ids",
        description="Read the children of `boards` (such as `board_pins`) for these boards only. "
        "`boards` itself stays whole; where it is not selected, it is not listed at all.",
    ),
    th.Property(
        "following_feed_type",
        th.StringType,
        default="ALL",
        allowed_values=["ALL", "RANKED", "CREATOR_ONLY", "RANKED_CREATOR_ONLY"],
        title="Kind of followed users",
        description="Which users `following_users` reads.",
    ),
    th.Property(
        "explicit_following",
        th.BooleanType,
        default=False,
        title="Explicitly followed only",
        description="Whether `following_users` and `following_boards` read only what was followed "
        "explicitly.",
    ),
    th.Property(
        "likes_board_name",
        th.StringType,
        default="Your Pinterest Likes",
        title="Name of the likes board",
        description="The secret board to which Pinterest moved likes in 2017; change it when the "
        "board was renamed or translated.",
    ),
    th.Property(
        "include_protected_pins",
        th.BooleanType,
        default=True,
        title="Include protected Pins",
        description="Whether `pins` reads Pins on protected boards too.",
    ),
    th.Property(
        "pin_metrics",
        th.BooleanType,
        default=False,
        title="Metrics of Pins",
        description="Whether `pins` and `board_pins` carry the 90-day and lifetime metrics of each "
        "Pin in `pin_metrics`.",
    ),
    th.Property(
        "search_queries",
        th.ArrayType(th.StringType),
        title="Search queries",
        description="What `search_boards` and `search_pins` search for, one pass for each. Without "
        "any, `search_boards` reads all boards and `search_pins` reads nothing.",
    ),
    th.Property(
        "start_date",
        th.DateType,
        title="First day",
        description="First day of the analytics, such as 2026-01-31. Pinterest keeps 89 days; "
        "without a start all of them are read.",
    ),
    th.Property(
        "start_days_back",
        th.IntegerType,
        title="First day, in days back",
        description="First day of the analytics as a number of days before today (UTC).",
    ),
    th.Property(
        "end_date",
        th.DateType,
        title="Last day",
        description="Last day of the analytics, such as 2026-01-31. Without an end it is "
        "yesterday.",
    ),
    th.Property(
        "end_days_back",
        th.IntegerType,
        title="Last day, in days back",
        description="Last day of the analytics as a number of days before today (UTC).",
    ),
    th.Property(
        "lookback_days",
        th.IntegerType,
        default=14,
        title="Days read again",
        description="How many days before its bookmark an analytics stream starts again, as "
        "Pinterest corrects recent days.",
    ),
    th.Property(
        "from_claimed_content",
        th.StringType,
        default="BOTH",
        allowed_values=["BOTH", "CLAIMED", "OTHER"],
        title="Claimed content",
        description="Filter of the account's analytics: Pins from claimed websites or others.",
    ),
    th.Property(
        "pin_format",
        th.StringType,
        default="ALL",
        allowed_values=[
            "ALL",
            "ORGANIC_IMAGE",
            "ORGANIC_PRODUCT",
            "ORGANIC_VIDEO",
            "ADS_STANDARD",
            "ADS_PRODUCT",
            "ADS_VIDEO",
            "ADS_IDEA",
        ],
        title="Format of Pins",
        description="Filter of the account's analytics.",
    ),
    th.Property(
        "content_type",
        th.StringType,
        default="ALL",
        allowed_values=["ALL", "PAID", "ORGANIC"],
        title="Paid or organic",
        description="Filter of the account's analytics.",
    ),
    th.Property(
        "source",
        th.StringType,
        default="ALL",
        allowed_values=["ALL", "YOUR_PINS", "OTHER_PINS"],
        title="Source of Pins",
        description="Filter of the account's analytics: your own Pins or those of others.",
    ),
    th.Property(
        "app_types",
        th.ArrayType(th.StringType(allowed_values=["ALL", "MOBILE", "TABLET", "WEB"])),
        default=["ALL"],
        title="Devices",
        description="Devices for which analytics are asked, each in requests of its own; ALL is "
        "all of them together.",
    ),
    th.Property(
        "split_fields",
        th.ArrayType(
            th.StringType(
                allowed_values=["NO_SPLIT", "APP_TYPE", "OWNED_CONTENT", "SOURCE", "PIN_FORMAT"]
            )
        ),
        default=["NO_SPLIT"],
        title="Splits",
        description="How `account_analytics` divides its metrics, each in a request of its own.",
    ),
    th.Property(
        "top_pins_daily",
        th.BooleanType,
        default=False,
        title="Top Pins per day",
        description="Whether `top_pins` and `top_video_pins` rank each day by itself, with a "
        "bookmark, instead of the whole range once per run.",
    ),
    th.Property(
        "top_pins_sort_by",
        th.ArrayType(
            th.StringType(
                allowed_values=["ENGAGEMENT", "IMPRESSION", "OUTBOUND_CLICK", "PIN_CLICK", "SAVE"]
            )
        ),
        default=["ENGAGEMENT", "IMPRESSION", "OUTBOUND_CLICK", "PIN_CLICK", "SAVE"],
        title="Rankings of top Pins",
        description="Metrics by which `top_pins` ranks, a request each.",
    ),
    th.Property(
        "top_video_pins_sort_by",
        th.ArrayType(th.StringType(allowed_values=list(VIDEO_RANKINGS))),
        default=list(VIDEO_RANKINGS),
        title="Rankings of top video Pins",
        description="Metrics by which `top_video_pins` ranks, a request each.",
    ),
    th.Property(
        "top_pins_count",
        th.IntegerType,
        default=50,
        title="Number of top Pins",
        description="How many Pins a ranking of `top_pins` and `top_video_pins` has (1 to 50).",
    ),
    th.Property(
        "pin_created_within_days",
        th.IntegerType,
        title="Age of analysed Pins",
        description="Ask for the analytics of Pins created within this many days only. Without it "
        "all Pins are analysed.",
    ),
    th.Property(
        "skip_forbidden_streams",
        th.BooleanType,
        default=False,
        title="Tolerate forbidden streams",
        description="Whether a stream that the token, the app or the account may not read is only "
        "warned about, instead of ending the run with an error after the other streams.",
    ),
    th.Property(
        "emit_activate_version_messages",
        th.BooleanType,
        default=True,
        title="Let vanished rows vanish",
        description="Whether a complete read of a stream ends with an ACTIVATE_VERSION message, on "
        "which targets that honour it remove or mark the rows that Pinterest no longer has.",
    ),
    th.Property(
        "unknown_fields",
        th.StringType,
        default="keep",
        allowed_values=["keep", "drop", "collect"],
        title="Unknown fields",
        description="What happens to fields that the API sends and no schema has yet: `keep` lets "
        "them leave as they came, which targets that are strict about columns refuse; `drop` "
        "leaves them out; `collect` puts them as JSON into one more column of each stream, "
        "`unknown_fields` (make the catalog anew after setting it).",
    ),
    th.Property(
        "max_wait",
        th.IntegerType,
        default=900,
        title="Longest wait",
        description="Seconds that a stream waits at most for a quota to come back. When it takes "
        "longer, the stream stops and the run ends with the time to come back.",
    ),
    th.Property(
        "max_concurrency",
        th.IntegerType,
        default=8,
        title="Requests at once",
        description="How many requests are under way at once at most (1 to 64).",
    ),
    th.Property(
        "api_url",
        th.StringType,
        default="https://api.pinterest.com/v5",
        title="Address of the API",
        description="Where the API is. The sandbox is at https://api-sandbox.pinterest.com/v5 and "
        "has tokens of its own.",
    ),
).to_dict()


SHORTEST_NAME = 32
"""Characters that names of flattened fields need to stay apart."""


class setting:  # noqa: N801 - reads as a word in the streams' declarations
    """Stands for the value of a setting in a stream's declaration.

    Args:
        name: The setting.
        narrows: Whether another value than its default leaves rows out.
    """

    def __init__(self, name: str, *, narrows: bool = True) -> None:
        self.name = name
        self.narrows = narrows

    def of(self, config: Mapping[str, Any]) -> Any:
        """The value in a configuration; None where it is not set."""
        return config.get(self.name)


def api_url(config: Mapping[str, Any]) -> str:
    """The API's address without a slash at its end."""
    return str(config["api_url"]).rstrip("/")


def problems(config: Mapping[str, Any], schema: Mapping[str, Any] = SETTINGS) -> list[str]:
    """Everything that is wrong with a configuration, a sentence each; no value of a secret."""
    found = list(_type_problems(config, schema))
    wrong = {text.split("`")[1] for text in found}
    sound = {name: value for name, value in config.items() if name not in wrong}
    for check in CHECKS:
        found += [text for name, text in check(sound) if name not in wrong]
    return found


def from_environment(
    schema: Mapping[str, Any] = SETTINGS, environment: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """The settings in variables `TAP_PINTEREST_…`: texts as they are, all else as JSON.

    What is no JSON stays text, for `problems` to complain about.
    """
    found: dict[str, Any] = {}
    for name, field in schema["properties"].items():
        kinds, text = field.get("type", ()), environment.get(PREFIX + name.upper())
        if not text:
            continue
        found[name] = text
        if "boolean" in kinds:
            found[name] = SPELLINGS.get(text.lower(), text)
        elif "string" not in kinds:
            with contextlib.suppress(ValueError):
                found[name] = json.loads(text)
    return found


def unknown(
    config: Mapping[str, Any],
    schema: Mapping[str, Any] = SETTINGS,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[str]:
    """A warning for each setting that does not exist, in the configuration or the environment."""
    # With two underscores begin what Meltano itself takes, such as TAP_PINTEREST__SELECT.
    variables = [name for name in environment if re.match(f"{PREFIX}(?!_|LOGLEVEL$)", name)]
    given = {name: f"`{name}`" for name in config}
    given |= {name[len(PREFIX) :].lower(): f"`{name}`" for name in variables}
    for name in sorted(given.keys() - schema["properties"].keys()):
        near = difflib.get_close_matches(name, schema["properties"], 1)
        yield f"There is no setting {given[name]}; it is ignored." + (
            f" Did you mean `{near[0]}`?" if near else ""
        )


def _type_problems(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    for error in Draft7Validator(schema).iter_errors(config):
        name = str(error.path[0]) if error.path else ""
        if error.validator == "enum":
            expected = "one of " + ", ".join(str(value) for value in error.validator_value if value)
        elif error.validator == "anyOf":  # in the SDK's `stream_maps` alone
            expected = "what https://sdk.meltano.com/en/latest/stream_maps.html describes"
        else:
            kinds = error.validator_value
            kinds = [kinds] if isinstance(kinds, str) else list(kinds)
            expected = " or ".join(KINDS[kind] for kind in kinds if kind != "null")
        where = "" if len(error.path) < 2 else f", entry {error.path[1]}"  # noqa: PLR2004
        yield f"Setting `{name}`{where}: expected {expected}, not {_kind(error.instance)}."


def without_loose_ends(schema: Any) -> Any:
    """A JSON schema without the choices that are no schemas."""
    if not isinstance(schema, dict):
        return schema
    return {
        name: [without_loose_ends(choice) for choice in value if isinstance(choice, dict)]
        if name == "anyOf"
        else without_loose_ends(value)
        for name, value in schema.items()
    }


KINDS = {
    "array": 'a list such as ["a", "b"]',
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object",
    "string": "text",
}
"""JSON's types in the user's words."""


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", bool: "true or false", str: "text"}
    names[type(None)] = "null"
    return names.get(type(value), "this number")


Check = "Callable[[Mapping[str, Any]], Iterator[tuple[str, str]]]"


def _credentials(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    apps = ("client_id", "client_secret")
    sources = [name for name in ("refresh_token", "token_store") if config.get(name)]
    if config.get("access_token"):
        if sources:
            yield (
                "access_token",
                f"Settings `access_token` and `{sources[0]}` are both given. Keep one: an access "
                "token alone, or `client_id` and `client_secret` with `token_store`.",
            )
    elif not sources and not any(config.get(name) for name in apps):
        yield (
            "access_token",
            "No credentials. Run tap-pinterest-login and set `client_id`, `client_secret` and "
            "`token_store`, or set `access_token`.",
        )
    else:
        missing = [name for name in apps if not config.get(name)]
        if not sources:
            missing.append("token_store")
        if missing:
            what, verb = ("Settings", "are") if len(missing) > 1 else ("Setting", "is")
            yield (
                missing[0],
                f"{what} `{'` and `'.join(missing)}` {verb} missing: `client_id` and "
                "`client_secret` are needed together with `token_store` (or `refresh_token`).",
            )


def _no_space_in_credentials(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in sorted({name for names in CREDENTIALS for name in names} - {"token_store"}):
        value = config.get(name)
        if isinstance(value, str) and not re.fullmatch(r"[!-~]*", value):
            yield (
                name,
                (
                    f"Setting `{name}` holds a space, a line break or another character that none "
                    "has: copy it again."
                ),
            )


def _ids(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    account = config.get("ad_account_id")
    if account is not None and not re.fullmatch(r"[0-9]{1,18}", account):
        hint = (
            " This one is longer: it may be the id of a user."
            if re.fullmatch(r"[0-9]{19,}", account)
            else ""
        )
        yield (
            "ad_account_id",
            (f"Setting `ad_account_id`: an ad account's id is 1 to 18 digits.{hint}"),
        )
    for number, board in enumerate(config.get("board_ids") or ()):
        if not re.fullmatch(r"[0-9]+", board or ""):
            yield (
                "board_ids",
                (f"Setting `board_ids`, entry {number}: a board's id is digits, not {board!r}."),
            )


def _texts(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for number, query in enumerate(config.get("search_queries") or ()):
        if not (query or "").strip():
            yield (
                "search_queries",
                (f"Setting `search_queries`, entry {number}: a query cannot be empty."),
            )
    if not (config.get("likes_board_name") or "").strip():
        yield "likes_board_name", "Setting `likes_board_name` cannot be empty."


def _maps(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for stream, fields in (config.get("stream_maps") or {}).items():
        for field, expression in fields.items() if isinstance(fields, dict) else ():
            given = isinstance(expression, str) and bool(expression.strip())
            if not given and (isinstance(expression, str) or field in ("__alias__", "__source__")):
                yield (
                    "stream_maps",
                    f"Setting `stream_maps`, entry {stream}: the expression of {field} is empty.",
                )


def _numbers(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if (config.get("max_wait") or 0) < 0:
        yield "max_wait", "Setting `max_wait` is a number of seconds and cannot be negative."
    if not 1 <= (config.get("top_pins_count") or 0) <= 50:  # noqa: PLR2004
        yield "top_pins_count", "Setting `top_pins_count` is a number from 1 to 50."
    for name in ("lookback_days", "pin_created_within_days"):
        if not 0 <= (config.get(name) or 0) <= 3650:  # noqa: PLR2004
            yield name, f"Setting `{name}` is a number of days up to 3650 and cannot be negative."
    for name in ("app_types", "split_fields", "top_pins_sort_by", "top_video_pins_sort_by"):
        if not config.get(name):
            yield name, f"Setting `{name}` cannot be empty; leave it out for its default."
    if (config.get("flattening_max_key_length", SHORTEST_NAME) or 0) < SHORTEST_NAME:
        yield (
            "flattening_max_key_length",
            (
                f"Setting `flattening_max_key_length` is {SHORTEST_NAME} or more: shorter names "
                "would be the same for different fields."
            ),
        )
    if not 1 <= (config.get("max_concurrency") or 0) <= 64:  # noqa: PLR2004
        yield "max_concurrency", "Setting `max_concurrency` is a number from 1 to 64."


def _address(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    try:
        url = urlsplit(config.get("api_url") or "")
        local = url.hostname in ("localhost", "127.0.0.1", "::1")
        good = bool(url.hostname) and (url.scheme == "https" or (url.scheme == "http" and local))
        _ = url.port
    except ValueError:
        good = False
    if not good or url.query or url.fragment or "@" in url.netloc:
        yield (
            "api_url",
            (
                "Setting `api_url` must be an https address such as https://api.pinterest.com/v5 "
                "(http is allowed for localhost only)."
            ),
        )


CHECKS: tuple[Callable[[Mapping[str, Any]], Iterator[tuple[str, str]]], ...] = (
    _credentials,
    _no_space_in_credentials,
    _ids,
    _texts,
    _maps,
    _numbers,
    lambda config: dates.problems(config, clock.today()),
    _address,
)
