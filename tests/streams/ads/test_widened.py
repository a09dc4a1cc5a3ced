"""What a setting or a stream map kept back, and lets through later, is read from the beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.ads_faults import MEASURED, SMALL
from tests.ads_harness import by_key
from tests.harness import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

LAST_DIGIT_IS_EVEN = {"__filter__": "id[-1] in '02468'"}
WIDENED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "statuses": (
        {"entity_statuses": ["ACTIVE"]},
        ("campaigns", "campaign_analytics", "campaign_targeting_analytics"),
    ),
    "a filter two levels above": (
        {"stream_maps": {"ad_groups": LAST_DIGIT_IS_EVEN}},
        ("ad_groups", "product_group_analytics"),
    ),
    "a filter for a pattern of names": (
        {"stream_maps": {"ad_group?": LAST_DIGIT_IS_EVEN}},
        ("ad_groups", "product_group_analytics"),
    ),
    "what is not named": (
        {"stream_maps": {"campaign_analytics": {}, "__else__": None}},
        ("campaigns", "campaign_analytics"),
    ),
}


@pytest.mark.parametrize("widened", WIDENED)
def test_what_was_kept_back_is_read_whole(simulate: Callable[..., Any], widened: str) -> None:
    narrow, streams = WIDENED[widened]
    sim = simulate(**{**SMALL, "messy": False})
    settings = {**MEASURED, "start_days_back": 20}
    before = run_tap(sim, select=streams, **settings, **narrow).ok()
    after = run_tap(sim, select=streams, state=before.states[-1], **settings).ok()
    whole = run_tap(sim, select=streams, **settings).ok()
    for stream in streams:
        assert by_key(before, stream).items() <= by_key(whole, stream).items()
        assert {**by_key(before, stream), **by_key(after, stream)} == by_key(whole, stream)
    assert len(before.records(streams[0])) < len(whole.records(streams[0]))
    # It is read once.
    again = run_tap(sim, select=streams, state=after.states[-1], **settings).ok()
    for stream in streams:
        assert len(again.records(stream)) < len(whole.records(stream))
