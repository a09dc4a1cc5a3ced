"""The organic analytics endpoints."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from tests.pinterest_api import metrics
from tests.pinterest_api.api import (
    ApiError,
    Call,
    Param,
    choice,
    day,
    endpoint,
    invalid,
    number,
    text,
)
from tests.pinterest_api.world.organic_analytics import SPLITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.pinterest_api.world import World
    from tests.pinterest_api.world.records import Record

ALL_APPS = ("ALL", *metrics.APPS)
DATES: Mapping[str, Param] = {"start_date": day(), "end_date": day()}
APP_TYPES = choice(ALL_APPS, "ALL")
FILTERS: Mapping[str, Param] = {
    "from_claimed_content": choice((*metrics.CLAIMED, "BOTH"), "BOTH"),
    "pin_format": choice(("ALL", *metrics.FORMATS), "ALL"),
    "app_types": APP_TYPES,
    "content_type": choice(("ALL", "PAID", "ORGANIC"), "ALL"),
    "source": choice(("ALL", *metrics.SOURCES), "ALL"),
}
PIN_METRIC_TYPES = choice(
    dict.fromkeys((*metrics.STANDARD_METRICS, *metrics.VIDEO_METRICS)), many="csv", required=True
)
NOT_YOURS = "Not authorized to access board or Pin."


def dates(world: World, call: Call) -> tuple[date, date]:
    """The range asked for, within what Pinterest keeps."""
    start, end = call["start_date"], call["end_date"]
    if end < start:
        raise invalid("end_date must not be before start_date.")
    if end - start > timedelta(days=90):
        raise invalid("end_date cannot be more than 90 days past start_date.")
    if end > world.today:
        raise invalid("end_date cannot be in the future.")
    if world.today - start >= timedelta(days=90):
        raise invalid("You can only get data from the last 90 days.")
    return start, end


def filters(call: Call) -> dict[str, Any]:
    """The filters that account and top pins share."""
    return {name: call[name] for name in FILTERS}


@endpoint(
    "GET",
    "/user_account/analytics",
    scopes=("user_accounts:read",),
    quota="org_analytics",
    params={
        **DATES,
        **FILTERS,
        "metric_types": choice(metrics.ACCOUNT_METRICS, many="csv"),
        "split_field": choice(("NO_SPLIT", *SPLITS), "NO_SPLIT"),
    },
    paged=False,
)
def account_analytics(world: World, call: Call) -> Record:
    """Operation user_account/analytics."""
    return world.account_analytics(
        *dates(world, call),
        call["metric_types"] or metrics.ACCOUNT_METRICS,
        split_field=call["split_field"],
        **filters(call),
    )


def _top(path: str, names: tuple[str, ...], sortable: tuple[str, ...], *, video: bool) -> None:
    @endpoint(
        "GET",
        path,
        scopes=("pins:read", "user_accounts:read"),
        quota="org_analytics",
        params={
            **DATES,
            **FILTERS,
            "sort_by": choice(sortable, required=True),
            "metric_types": choice(names, many="csv"),
            "num_of_pins": number(1, 50, 10),
            "created_in_last_n_days": number(30, 30),
        },
        paged=False,
    )
    def top(world: World, call: Call) -> Record:
        return world.top_pins(
            *dates(world, call),
            call["sort_by"],
            call["metric_types"] or names,
            video=video,
            num_of_pins=call["num_of_pins"],
            created_in_last_n_days=call["created_in_last_n_days"],
            **filters(call),
        )


_top(
    "/user_account/analytics/top_pins",
    metrics.ACCOUNT_METRICS,
    ("ENGAGEMENT", "IMPRESSION", "OUTBOUND_CLICK", "PIN_CLICK", "SAVE"),
    video=False,
)
_top(
    "/user_account/analytics/top_video_pins",
    metrics.TOP_VIDEO_METRICS,
    metrics.TOP_VIDEO_METRICS,
    video=True,
)


def pin_metric_types(call: Call) -> list[str]:
    """The metrics asked for: all from the standard set, or all from the video set."""
    asked: list[str] = call["metric_types"]
    sets = (metrics.STANDARD_METRICS, metrics.VIDEO_METRICS)
    if not any(set(asked) <= set(known) for known in sets):
        raise invalid("Invalid pins analytics parameters.")
    return asked


def find_pin(world: World, call: Call, pin_id: str) -> str:
    """Why a pin cannot be looked at: "" if it can, else "gone" or "forbidden"."""
    place = world.pin_place(pin_id)
    if place is None:
        strangers = (other for other in world.accounts.values() if other is not world)
        return "forbidden" if any(other.pin_place(pin_id) for other in strangers) else "gone"
    if pin_id in world.gone_pins:
        return "gone"
    secret = world.privacy(place[0]) == "SECRET"
    if pin_id in world.forbidden_pins or (secret and "pins:read_secret" not in call.scopes):
        return "forbidden"
    return ""


@endpoint(
    "GET",
    "/pins/{pin_id}/analytics",
    scopes=("boards:read", "pins:read"),
    quota="org_analytics",
    params={
        **DATES,
        "app_types": APP_TYPES,
        "metric_types": PIN_METRIC_TYPES,
        "split_field": choice(("NO_SPLIT", "APP_TYPE"), "NO_SPLIT"),
    },
    paged=False,
)
def pin_analytics(world: World, call: Call) -> Record:
    """Operation pins/analytics."""
    names = pin_metric_types(call)
    start, end = dates(world, call)
    trouble = find_pin(world, call, call["pin_id"])
    if trouble == "gone":
        raise ApiError(404, 50, "Pin not found.")
    if trouble:
        raise ApiError(403, 403, NOT_YOURS)
    return world.pin_analytics(
        call["pin_id"],
        start,
        end,
        names,
        app_types=call["app_types"],
        split_field=call["split_field"],
    )


@endpoint(
    "GET",
    "/pins/analytics",
    scopes=("boards:read", "pins:read"),
    quota="org_analytics",
    params={
        **DATES,
        "app_types": APP_TYPES,
        "metric_types": PIN_METRIC_TYPES,
        "pin_ids": text(pattern="[0-9]+", required=True, many="repeat", most=100),
    },
    paged=False,
)
def bulk_pin_analytics(world: World, call: Call) -> Record:
    """Operation multi_pins/analytics: one pin that fails, fails them all."""
    if not world.bulk_analytics:
        message = "Your application does not have access to this restricted feature."
        raise ApiError(401, 3, message)
    names = pin_metric_types(call)
    start, end = dates(world, call)
    troubles = {find_pin(world, call, pin_id) for pin_id in call["pin_ids"]}
    if "gone" in troubles:
        raise ApiError(404, 50, "Pin not found.")
    if "forbidden" in troubles:
        raise ApiError(401, 7, NOT_YOURS)
    return {
        pin_id: world.pin_analytics(pin_id, start, end, names, app_types=call["app_types"])
        for pin_id in call["pin_ids"]
    }
