"""What the columns of ads analytics are made of: thirteen counts, and formulas over them.

Counts of parts add up to those of the whole, and so does every column that is no rate, no cost per
something and no TOTAL_IMPRESSION_USER (people: the same ones see several ads).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

from tests.pinterest_api.noise import mix

COLUMNS = tuple(Path(__file__).with_name("ads_columns.txt").read_text("utf-8").split())
"""What the synchronous analytics endpoints can be asked for."""

NO_TARGETING = frozenset({"TOTAL_IMPRESSION_FREQUENCY", "TOTAL_IMPRESSION_USER"})
"""What none of the targeting endpoints takes."""

Counts = tuple[int, ...]
Formula = Callable[[Counts], Any]

# Paid and earned impressions, clicks, outbound clicks and saves; spend in micro units of the
# account's currency; videos seen to their end; conversions after a click, an engagement, a view.
I1, I2, C1, C2, O1, O2, S1, S2, SPEND, VIDEO, CLICKED, ENGAGED, VIEWED = range(13)
CONVERTED = (CLICKED, ENGAGED, VIEWED)
PRICE = 31_990_000

SETTLED = 30
"""Days after which no more conversions are attributed to a day."""


def day_of(
    h: int, age: int, windows: tuple[int, int, int], *, video: bool, late: bool = True
) -> Counts:
    """The counts of a day from its random number.

    Args:
        h: 64 bits.
        age: days since; conversions within the `windows` go on to come in for SETTLED days.
        windows: days after a click, an engagement and a view.
        video: whether there is a video to see.
        late: False: conversions count on the day when they happen, and none comes in later.
    """
    seen = 200 + h % 4000
    clicks = seen * (1 + (h >> 12) % 5) // 100
    earned = seen * (h >> 16 & 3) // 50
    done = min(SETTLED, max(0, age)) if late else SETTLED - 3
    click, engagement, view = windows
    return (
        seen,
        earned,
        clicks,
        earned // 40,
        clicks * 3 // 4,
        earned // 60,
        clicks // 3,
        earned // 50,
        clicks * 430_000,
        seen // 9 if video else 0,
        clicks * (30 + click) * done // (400 * SETTLED),
        clicks * (10 + engagement) * done // (800 * SETTLED),
        seen * view * done // (2000 * SETTLED),
    )


def share(counts: Counts, low: int, high: int, whole: int) -> Counts:
    """The part from `low` to `high` of a `whole`; parts side by side add up to it."""
    return tuple([n * high // whole - n * low // whole for n in counts])


def with_conversions(counts: Counts | None, more: int) -> Counts:
    """Counts with some more conversions after a click."""
    counts = counts or (0,) * 13
    return (*counts[:CLICKED], counts[CLICKED] + more, *counts[CLICKED + 1 :])


def without_conversions(counts: Counts) -> Counts:
    """Counts as they are by the hour."""
    return (*counts[:CLICKED], 0, 0, 0)


# -- formulas


def _sum(*at: int, times: int = 1) -> Formula:
    if len(at) == 1 and times == 1:
        only = at[0]
        return lambda c: c[only]
    if len(at) == 2:
        one, other = at
        return lambda c: (c[one] + c[other]) * times
    return lambda c: sum([c[n] for n in at]) * times


def _ratio(above: Formula, below: Formula, scale: float = 1) -> Formula:
    def ratio(c: Counts) -> float | None:
        under = below(c)
        return above(c) / under * scale if under else None

    return ratio


def _whole(above: Formula, below: Formula, scale: int = 1) -> Formula:
    def whole(c: Counts) -> int | None:
        under = below(c)
        return above(c) * scale // under if under else None

    return whole


_spend, _dollars = _sum(SPEND), _ratio(_sum(SPEND), lambda _: 10**6)
_seen, _clicks, _outbound = _sum(I1, I2), _sum(C1, C2), _sum(O1, O2)
_engaged = _sum(C1, C2, S1, S2)
_people: Formula = lambda c: -(-c[I1] // 3)  # noqa: E731

_FORMULAS: Mapping[str, Formula] = {
    "SPEND_IN_MICRO_DOLLAR": _spend,
    "SPEND_IN_DOLLAR": _dollars,
    "PAID_IMPRESSION": _sum(I1),
    "IMPRESSION_1": _sum(I1),
    "IMPRESSION_1_GROSS": _sum(I1),
    "IMPRESSION_2": _sum(I2),
    "TOTAL_IMPRESSION": _seen,
    "TOTAL_IMPRESSION_USER": _people,
    "TOTAL_IMPRESSION_FREQUENCY": _ratio(_sum(I1), _people),
    "CLICKTHROUGH_1": _sum(C1),
    "CLICKTHROUGH_1_GROSS": _sum(C1),
    "CLICKTHROUGH_2": _sum(C2),
    "TOTAL_CLICKTHROUGH": _clicks,
    "OUTBOUND_CLICK_1": _sum(O1),
    "OUTBOUND_CLICK_2": _sum(O2),
    "REPIN_1": _sum(S1),
    "REPIN_2": _sum(S2),
    "ENGAGEMENT_1": _sum(C1, S1),
    "ENGAGEMENT_2": _sum(C2, S2),
    "TOTAL_ENGAGEMENT": _engaged,
    "CTR": _ratio(_sum(C1), _sum(I1)),
    "CTR_2": _ratio(_sum(C2), _sum(I2)),
    "ECTR": _ratio(_clicks, _seen),
    "OUTBOUND_CTR_1": _ratio(_sum(O1), _sum(I1)),
    "ENGAGEMENT_RATE": _ratio(_sum(C1, S1), _sum(I1)),
    "EENGAGEMENT_RATE": _ratio(_engaged, _seen),
    "REPIN_RATE": _ratio(_sum(S1), _sum(I1)),
    "TOTAL_REPIN_RATE": _ratio(_sum(S1, S2), _seen),
    "CPC_IN_MICRO_DOLLAR": _whole(_spend, _sum(C1)),
    "ECPC_IN_MICRO_DOLLAR": _whole(_spend, _clicks),
    "ECPC_IN_DOLLAR": _ratio(_dollars, _clicks),
    "ECPE_IN_DOLLAR": _ratio(_dollars, _engaged),
    "CPM_IN_MICRO_DOLLAR": _whole(_spend, _sum(I1), 1000),
    "CPM_IN_DOLLAR": _ratio(_dollars, _sum(I1), 1000),
    "ECPM_IN_MICRO_DOLLAR": _whole(_spend, _seen, 1000),
    "COST_PER_OUTBOUND_CLICK_IN_DOLLAR": _ratio(_dollars, _outbound),
    "COST_PER_OUTBOUND_CLICK_IN_DOLLAR_1": _ratio(_dollars, _sum(O1)),
    "TOTAL_CONVERSIONS": _sum(*CONVERTED),
    "LEADS": _sum(*CONVERTED),
    "COST_PER_LEAD": _ratio(_dollars, _sum(*CONVERTED)),
    "VIDEO_SPEND_IN_DOLLAR": lambda c: c[SPEND] / 10**6 if c[VIDEO] else None,
    "VIDEO_LENGTH": lambda c: 15 if c[VIDEO] else None,
    "TOTAL_VIDEO_AVG_WATCHTIME_IN_SECOND": lambda c: 6.25 if c[VIDEO] else None,
    "PAID_VIDEO_VIEWABLE_RATE": lambda c: 0.5 if c[VIDEO] else None,
    "ECPV_IN_DOLLAR": _ratio(_dollars, _sum(VIDEO, times=4)),
    "ECPCV_IN_DOLLAR": _ratio(_dollars, _sum(VIDEO)),
    "ECPCV_P95_IN_DOLLAR": _ratio(_dollars, _sum(VIDEO, times=2)),
}
_EVENTS = {"PAGE_VISIT": 9, "SIGNUP": 2, "ADD_TO_CART": 3}  # for each checkout
_PARTS = {"ENGAGEMENT": (ENGAGED,), "CLICK": (CLICKED,), "VIEW": (VIEWED,), None: CONVERTED}
_CONVERSIONS = re.compile(
    r"(?:TOTAL_)?(?:WEB_|INAPP_|OFFLINE_)?(?:(ENGAGEMENT|CLICK|VIEW)_)??"
    r"(SIGNUP|CHECKOUT|LEAD|ADD_TO_CART|PAGE_VISIT|CUSTOM|ADD_TO_WISHLIST|SUBSCRIBE|VIEW_CATEGORY"
    r"|SEARCH|WATCH_VIDEO|UNKNOWN|APP_INSTALL|INAPP_APP_INSTALL|SKAN_APP_INSTALL"
    r"|SKAN_ASSISTED_APP_INSTALL)"
    r"(?:_(VALUE_IN_MICRO_DOLLAR|COST_PER_ACTION|ROAS|CONVERSION_RATE))?"
)
_VIDEOS = re.compile(r"(TOTAL_)?VIDEO_(\w+?)(_[12])?")
_VIEWS = {"P0_COMBINED": 8, "P25_COMBINED": 6, "P50_COMBINED": 4, "P75_COMBINED": 3}
_VIEWS |= {"P95_COMBINED": 2, "P100_COMPLETE": 1, "MRC_VIEWS": 5, "3SEC_VIEWS": 7}


def _conversions(by: str | None, event: str, what: str | None) -> Formula:
    count = _sum(*_PARTS[by], times=_EVENTS.get(event, 1))
    value: Formula = lambda c: count(c) * PRICE  # noqa: E731
    return {
        None: count,
        "VALUE_IN_MICRO_DOLLAR": value,
        "COST_PER_ACTION": _ratio(_dollars, count),
        "ROAS": _ratio(value, _spend),
        "CONVERSION_RATE": _ratio(count, _seen),
    }[what]


def _formula(name: str) -> Formula | None:
    """How a column follows from the counts; None for one that says what an entity is."""
    if name in _FORMULAS:
        return _FORMULAS[name]
    if found := _CONVERSIONS.fullmatch(name):
        return _conversions(*found.groups())
    if found := _VIDEOS.fullmatch(name):
        views = _VIEWS.get(found[2], 2)
        times = {None: views, "_1": views - 1, "_2": 1}[found[3]] if not found[1] else views
        return lambda c: c[VIDEO] * times if c[VIDEO] else None
    if name.startswith(("SHOWCASE", "QUIZ", "IDEA", "TOTAL_IDEA", "COLLECTION", "TOTAL_COLL")):
        count = _sum(S1, times=1 + crc32(name.encode()) % 4)
        return _ratio(count, _seen) if name.endswith(("RATE", "SESSION")) else count
    if "WEB_SESSIONS" in name:
        return _sum(O1, O2)
    return None


METRICS = {name: found for name in COLUMNS if (found := _formula(name))}
"""Column -> its formula. A value None is not sent: it has none."""


# -- targeting

TARGETED: Mapping[str, tuple[str, ...]] = {
    "KEYWORD": ("christmas decor ideas", "Größte Küche", "簡単な soups"),
    "APPTYPE": ("iphone", "android_mobile", "web"),
    "GENDER": ("female", "male", "unknown"),
    "LOCATION": ("500", "501", "803"),
    "PLACEMENT": ("SEARCH", "BROWSE"),
    "COUNTRY": ("US", "DE", "GB"),
    "TARGETED_INTEREST": ("Home decor", "Food and drinks"),
    "PINNER_INTEREST": ("924378935231", "935541271955"),
    "AUDIENCE_INCLUDE": ("254200000000000001", "254200000000000008"),
    "GEO": ("US", "US:94103"),
    "AGE_BUCKET": ("18-24", "25-34", "65+"),
    "REGION": ("US-CA", "US-NY", "DE-BE"),
    "AGE_BUCKET_AND_GENDER": ("18-24: female", "18-24: male"),
    "CREATIVE_TYPE": ("REGULAR", "VIDEO"),
    "AUDIENCE_MULTIPLIER": ("0.5", "1.5"),
    "CREATIVE_ENHANCEMENTS": ("NONE", "RESIZED"),
    "QUIZ_RESULT": ("1", "2"),
}
"""Targeting type -> its values."""

_ALL = tuple(TARGETED)[:13]
TARGETING_TYPES: Mapping[str, tuple[str, ...]] = {
    "ad_account": _ALL,
    "campaign": (*_ALL, "CREATIVE_TYPE", "AUDIENCE_MULTIPLIER"),
    "ad_group": (*_ALL, "CREATIVE_ENHANCEMENTS"),
    "ad": (*_ALL, "QUIZ_RESULT"),
}


def by_value(kind: str, entity: str) -> list[tuple[str, int, int, int]]:
    """How an entity divides by a targeting type: value, from, to, whole; some is nobody's."""
    edges = [0]
    for value in TARGETED[kind]:
        edges.append(edges[-1] + 1 + mix(int(entity), crc32(f"{kind}{value}".encode())) % 7)
    whole = edges[-1] + 1
    pairs = zip(TARGETED[kind], edges, edges[1:], strict=False)
    return [(value, low, high, whole) for value, low, high in pairs]
