"""Rate limits: fixed windows per category that start with their first request."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from .api import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

Limit = tuple[int, float]  # (requests, seconds)

SAFETY_NET = "safety_net"
DAY, MINUTE = 86_400.0, 60.0

# What Pinterest publishes: category -> limit, by tier of the app.
PUBLISHED: Mapping[str, Mapping[str, Limit]] = {
    "standard": {
        SAFETY_NET: (100, 1.0),
        "ads_analytics": (300, MINUTE),
        "ads_read": (1000, MINUTE),
        "catalogs_read": (100, MINUTE),
        "org_analytics": (60, MINUTE),
        "org_read": (1000, MINUTE),
        "trends_read": (60, MINUTE),
    },
    "trial": {
        SAFETY_NET: (1000, DAY),
        "ads_analytics": (1000, DAY),
        "ads_read": (1000, DAY),
        "catalogs_read": (1000, DAY),
        "org_analytics": (1000, DAY),
        "org_read": (1000, DAY),
        "trends_read": (1000, DAY),
    },
}
GENEROUS: Limit = (1_000_000, MINUTE)
OVER = (
    "This request exceeded a rate limit. This can happen if the client exceeds one of the "
    "published rate limits or if multiple write operations are applied to an object within a "
    "short time window."
)


class Clock:
    """Seconds that pass by themselves, and faster where a test says so."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic() + self._ahead

    def wall(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let this much time pass at once: windows end, tokens expire."""
        self._ahead += seconds


class Quotas:
    """Counts requests per category, and writes the headers that say so.

    `limits` maps a category to (requests, seconds); "safety_net" counts requests of all
    categories; a category that is not named has a limit that no test reaches.
    """

    def __init__(self, limits: Mapping[str, Limit], clock: Clock) -> None:
        self.limits = dict(limits)
        self._clock = clock
        self._windows: dict[str, list[float]] = {}  # category -> [end of the window, used]

    def reset(self) -> None:
        """Begin new windows."""
        self._windows.clear()

    def _window(self, category: str) -> list[float]:
        now = self._clock.now()
        window = self._windows.get(category)
        if window is None or now >= window[0]:
            seconds = self.limits.get(category, GENEROUS)[1]
            window = self._windows[category] = [now + seconds, 0]
        return window

    def spend(self, category: str) -> dict[str, str]:
        """Count one request. Returns the headers of its answer; raises ApiError 429 when over."""
        categories = [category]
        if SAFETY_NET in self.limits:
            categories.append(SAFETY_NET)
        windows = {name: self._window(name) for name in categories}
        left = {
            name: self.limits.get(name, GENEROUS)[0] - int(window[1])
            for name, window in windows.items()
        }
        binding = min(categories, key=lambda name: left[name])
        if left[binding] <= 0:
            raise ApiError(429, 8, OVER, self._headers(categories, binding, 0, windows))
        for window in windows.values():
            window[1] += 1
        return self._headers(categories, binding, left[binding] - 1, windows)

    def _headers(
        self, categories: list[str], binding: str, left: int, windows: Mapping[str, list[float]]
    ) -> dict[str, str]:
        limits = {name: self.limits.get(name, GENEROUS) for name in categories}
        listed = [
            f'{most};w={math.ceil(seconds)};name="{name}_app_id_user_id"'
            for name, (most, seconds) in reversed(limits.items())
        ]
        reset = max(1, math.ceil(windows[binding][0] - self._clock.now()))
        return {
            "x-ratelimit-limit": ", ".join([str(limits[binding][0]), *listed]),
            "x-ratelimit-remaining": str(left),
            "x-ratelimit-reset": str(reset),
        }
