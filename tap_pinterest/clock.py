"""The time, in one place, so that tests can set it."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

monotonic = time.monotonic


def now() -> float:
    """Seconds since 1970-01-01 UTC."""
    return time.time()


def today() -> date:
    """The current date in UTC, which is how Pinterest counts days."""
    return day(now())


def day(moment: float) -> date:
    """The date in UTC of a moment in epoch seconds."""
    return datetime.fromtimestamp(moment, UTC).date()
