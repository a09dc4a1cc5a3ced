"""The settings of the ads streams."""

from __future__ import annotations

from singer_sdk import typing as th

STATUSES = ("ACTIVE", "PAUSED", "ARCHIVED", "DRAFT", "DELETED_DRAFT")
"""Of campaigns, ad groups, ads and what is below them."""

TARGETING_TYPES = (
    "KEYWORD",
    "APPTYPE",
    "GENDER",
    "LOCATION",
    "PLACEMENT",
    "COUNTRY",
    "TARGETED_INTEREST",
    "PINNER_INTEREST",
    "AUDIENCE_INCLUDE",
    "GEO",
    "AGE_BUCKET",
    "REGION",
    "AGE_BUCKET_AND_GENDER",
    "CREATIVE_TYPE",
    "AUDIENCE_MULTIPLIER",
    "CREATIVE_ENHANCEMENTS",
    "QUIZ_RESULT",
)
"""By what the metrics of ads can be divided; not every level takes all of them."""

WINDOWS = (0, 1, 7, 14, 30, 60)
"""Days after which a conversion still counts."""

ADS = (
    th.Property(
        "ad_account_ids",
        th.ArrayType(th.StringType),
        title="Ad accounts",
        description="Read these ad accounts only, each of 1 to 18 digits. Without it the ads "
        "streams read every ad account that the token sees, shared ones too.",
    ),
    th.Property(
        "entity_statuses",
        th.ArrayType(th.StringType(allowed_values=list(STATUSES))),
        default=list(STATUSES),
        title="Statuses",
        description="Which campaigns, ad groups, ads and product groups are read, and the metrics "
        "of which. By default all: the API itself leaves out what is archived, and so its costs.",
    ),
    th.Property(
        "ads_columns",
        th.CustomType({"type": ["string", "array"], "items": {"type": "string"}}),
        default="common",
        title="Columns of ads metrics",
        description="Which columns the streams of ads metrics have in the catalog: `common` (those "
        "that most people use), `all`, or a list of names such as "
        '["SPEND_IN_MICRO_DOLLAR", "IMPRESSION_1"]. Only what is selected of them is asked for.',
    ),
    th.Property(
        "targeting_types",
        th.ArrayType(th.StringType(allowed_values=list(TARGETING_TYPES))),
        title="Targeting types",
        description="By what the streams `…_targeting_analytics` divide the metrics. Without it, "
        "by all that their level takes.",
    ),
    th.Property(
        "click_window_days",
        th.IntegerType(allowed_values=list(WINDOWS)),
        default=30,
        title="Attribution window of clicks",
        description="Days after a click within which a conversion counts; 0 is the same day.",
    ),
    th.Property(
        "engagement_window_days",
        th.IntegerType(allowed_values=list(WINDOWS)),
        default=30,
        title="Attribution window of engagements",
        description="Days after an engagement, such as a save, within which a conversion counts.",
    ),
    th.Property(
        "view_window_days",
        th.IntegerType(allowed_values=list(WINDOWS)),
        default=1,
        title="Attribution window of views",
        description="Days after a view within which a conversion counts.",
    ),
    th.Property(
        "conversion_report_time",
        th.StringType,
        default="TIME_OF_AD_ACTION",
        allowed_values=["TIME_OF_AD_ACTION", "TIME_OF_CONVERSION"],
        title="Day of a conversion",
        description="Whether a conversion counts on the day of the ad's view or click, or on its "
        "own day.",
    ),
    th.Property(
        "ads_lookback_days",
        th.IntegerType,
        title="Days of ads metrics read again",
        description="How many days before its bookmark a stream of ads metrics starts again, as "
        "conversions come in late. Without it, the longest of the attribution windows.",
    ),
)
"""Their names, kinds, defaults, allowed values and descriptions."""
