"""Metrics of a pin or an account on a day: exact functions of who, when and where.

Counts are integers per app type; ALL is the sum of the three. Rates follow from counts. While a day
is an ESTIMATE every count differs from its final value; while it is PROCESSING most are missing.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from .noise import mix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Counts = tuple[int, ...]

APPS = ("MOBILE", "TABLET", "WEB")
ORGANIC_FORMATS = ("ORGANIC_IMAGE", "ORGANIC_PRODUCT", "ORGANIC_VIDEO")
ADS_FORMATS = ("ADS_STANDARD", "ADS_PRODUCT", "ADS_VIDEO", "ADS_IDEA")
FORMATS = ORGANIC_FORMATS + ADS_FORMATS
SOURCES = ("YOUR_PINS", "OTHER_PINS")
CLAIMED = ("CLAIMED", "OTHER")

_NAMES = (
    "IMPRESSION",
    "PIN_CLICK",
    "OUTBOUND_CLICK",
    "SAVE",
    "USER_FOLLOW",
    "PROFILE_VISIT",
    "VIDEO_START",
    "VIDEO_MRC_VIEW",
    "VIDEO_10S_VIEW",
    "QUARTILE_95_PERCENT_VIEW",
    "VIDEO_V50_WATCH_TIME",
)
NOTHING: Counts = (0,) * len(_NAMES)


def _count(at: int) -> Callable[[Counts], float]:
    return lambda c: c[at]


def _ratio(above: int, below: int) -> Callable[[Counts], float]:
    return lambda c: c[above] / c[below] if c[below] else 0.0


# How each metric follows from the counts.
METRICS: Mapping[str, Callable[[Counts], float]] = {
    **{name: _count(at) for at, name in enumerate(_NAMES)},
    "ENGAGEMENT": lambda c: c[1] + c[2] + c[3],
    "ENGAGEMENT_RATE": lambda c: (c[1] + c[2] + c[3]) / c[0] if c[0] else 0.0,
    "PIN_CLICK_RATE": _ratio(1, 0),
    "OUTBOUND_CLICK_RATE": _ratio(2, 0),
    "SAVE_RATE": _ratio(3, 0),
    "VIDEO_AVG_WATCH_TIME": _ratio(10, 7),
}
LIFETIME = ("TOTAL_COMMENTS", "TOTAL_REACTIONS")
ACCOUNT_METRICS = (
    "ENGAGEMENT",
    "ENGAGEMENT_RATE",
    "IMPRESSION",
    "OUTBOUND_CLICK",
    "OUTBOUND_CLICK_RATE",
    "PIN_CLICK",
    "PIN_CLICK_RATE",
    "SAVE",
    "SAVE_RATE",
)
_BOTH = ("IMPRESSION", "OUTBOUND_CLICK", "PIN_CLICK", "SAVE", "SAVE_RATE", *LIFETIME)
FOLLOWS = ("USER_FOLLOW", "PROFILE_VISIT")
VIDEO_ONLY = (
    "VIDEO_MRC_VIEW",
    "VIDEO_10S_VIEW",
    "QUARTILE_95_PERCENT_VIEW",
    "VIDEO_V50_WATCH_TIME",
    "VIDEO_START",
    "VIDEO_AVG_WATCH_TIME",
)
STANDARD_METRICS = (*_BOTH, *FOLLOWS)
VIDEO_METRICS = (*_BOTH, *VIDEO_ONLY)
TOP_VIDEO_METRICS = ("IMPRESSION", "SAVE", "OUTBOUND_CLICK", *VIDEO_ONLY)

READY = "READY"
ESTIMATE = "ESTIMATE"
PROCESSING = "PROCESSING"
BEFORE_PIN_CREATED = "BEFORE_PIN_CREATED"


def status(on: date, today: date) -> str:
    """How final a day is: PROCESSING for two days, ESTIMATE for two more, then READY."""
    age = (today - on).days
    return PROCESSING if age < 2 else ESTIMATE if age < 4 else READY


# Per cent of what a day has in general, from Monday to Sunday: people pin at the weekend.
WEEK = (90, 90, 90, 90, 100, 125, 120)
GROWTH = 1.012  # of the account's audience, from week to week
SINCE = date(2025, 1, 1).toordinal()


@lru_cache(maxsize=1 << 18)
def _pattern(base: int, character: int, shape: int, app: str, estimate: bool) -> Counts:
    if app == "ALL":
        return add(_pattern(base, character, shape, one, estimate) for one in APPS)
    seen = {
        "MOBILE": base * (8 + (shape & 15)),
        "TABLET": base * (shape & 7) >> 2,
        "WEB": base * (shape >> 1 & 15) >> 1,
    }[app] // 100
    clicks = seen * (1 + (character & 3) + (shape >> 3 & 3)) >> 6
    saves = seen * (1 + (character >> 1 & 3)) >> 7
    starts = seen * (4 + (character >> 2 & 3)) >> 3
    views = starts * (1 + (character & 7)) >> 3
    final = (
        seen,
        clicks,
        clicks * (1 + (character >> 1 & 1) + (shape >> 2 & 1)) >> 2,
        saves,
        saves >> 3,
        clicks >> 3,
        starts,
        views,
        views * (2 + (character >> 2 & 3)) >> 3,
        views * (1 + (character >> 1 & 3)) >> 4,
        views * (1200 + 300 * (character & 7)) + (shape if views else 0),
    )
    return tuple(n + 1 + (n >> 4) for n in final) if estimate else final


@lru_cache(maxsize=1 << 16)
def level(who: int) -> int:
    """How much is seen of somebody: a few hits, and a long tail."""
    h = mix(who)
    luck, more = h & 0xFF, h >> 8
    return 60 + (more & 63) if luck < 4 else 10 + (more & 15) if luck < 32 else 1 + (more & 3)


@lru_cache(maxsize=1 << 12)
def audience(on: date) -> float:
    """What the account's metrics are multiplied with: it grows from week to week."""
    return 2 * GROWTH ** ((on.toordinal() - SINCE) // 7)


def counts(
    who: int, on: date, app: str = "ALL", *, estimate: bool = False, scale: float = 1
) -> Counts:
    """The counts of `who` (any number) on a day; final ones unless `estimate`."""
    base = int(level(who) * scale * WEEK[on.weekday()])
    shape = mix(who ^ on.toordinal()) & 31
    return _pattern(base, who >> 7 & 15, shape, app, estimate)


def add(many: Iterable[Counts]) -> Counts:
    """The sum of counts."""
    return tuple(map(sum, zip(*many))) or NOTHING  # noqa: B905  all have the same length


@lru_cache(maxsize=1 << 16)
def _named(values: Counts, names: tuple[str, ...]) -> dict[str, float]:
    return {name: METRICS[name](values) for name in names if name in METRICS}


def named(values: Counts, names: Iterable[str]) -> dict[str, float]:
    """The metrics asked for, by name; lifetime metrics are not daily and stay out."""
    return _named(values, names if isinstance(names, tuple) else tuple(names)).copy()


_PARTLY = ("IMPRESSION", "SAVE")


def partial(values: Counts) -> Counts:
    """What is known of a day that is not over everywhere: half of the impressions and saves."""
    known = [_NAMES.index(name) for name in _PARTLY]
    return tuple(value // 2 if at in known else 0 for at, value in enumerate(values))


def partly_named(values: Counts, names: Iterable[str]) -> dict[str, float]:
    """The metrics asked for that such a day has."""
    return named(partial(values), (name for name in names if name in _PARTLY))
