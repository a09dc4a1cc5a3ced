"""Every setting: its name, kind, default, allowed values and description.

README.md and meltano.yml are written out of this file (`make docs`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from tap_pinterest.settings.ads import ADS

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        "any, they read nothing.",
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
    *ADS,
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
        th.CustomType({"type": ["boolean", "string"]}),
        default=True,
        allowed_values=[True, False, "alone"],
        title="Let vanished rows vanish",
        description="Whether a complete read of a stream ends with an ACTIVATE_VERSION message, on "
        "which targets that honour it remove or mark the rows that Pinterest no longer has. "
        "`true`: where no setting, ad account or filter restricts what is read, as other pipelines "
        "may fill the same table. `alone`: there too, as this pipeline alone fills its tables. "
        "`false`: never.",
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
