"""Ranges of days: what the user asks for, and what Pinterest keeps and takes at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DAY = timedelta(days=1)

KEPT_DAYS = 89
"""How far back organic analytics reach; 90 days back is refused already."""

SETTINGS = ("start_date", "start_days_back", "end_date", "end_days_back")
"""Names of the settings that say which days are asked for."""

WINDOW_DAYS = 90
"""The longest range that organic analytics take in one request."""


@dataclass(frozen=True, slots=True)
class Range:
    """Days from `first` to `last`, both included; empty when `last` comes before `first`."""

    first: date
    last: date

    def __bool__(self) -> bool:
        return self.first <= self.last

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"

    def days(self) -> Iterator[Range]:
        """Each day as a range of its own."""
        return self.windows(1)

    def windows(self, days: int) -> Iterator[Range]:
        """The range cut into pieces of at most `days` days, in order."""
        first = self.first
        while first <= self.last:
            last = min(first + (days - 1) * DAY, self.last)
            yield Range(first, last)
            first = last + DAY


def parse(text: str) -> date:
    """The date of an ISO date, or of an ISO date-time.

    Raises:
        ValueError: It is neither.
    """
    if not re.fullmatch(r"\d{4}-\d\d-\d\d([T ].+)?", text):
        raise ValueError(text)
    datetime.fromisoformat(text)
    return date.fromisoformat(text[:10])


def asked(config: Mapping[str, Any], today: date, kept_days: int = KEPT_DAYS) -> Range:
    """The range that a configuration asks for.

    Args:
        config: Settings that `problems` found nothing wrong with.
        today: The current day, UTC.
        kept_days: Where the range starts when no start is set, in days before today.
    """
    first = _end(config, "start", today)
    last = _end(config, "end", today)
    return Range(
        today - kept_days * DAY if first is None else first,
        min(today - DAY if last is None else last, today),
    )


def _end(config: Mapping[str, Any], end: str, today: date) -> date | None:
    if (text := config.get(f"{end}_date")) is not None:
        return parse(text)
    if (days := config.get(f"{end}_days_back")) is not None:
        return today - int(days) * DAY
    return None


def problems(config: Mapping[str, Any], today: date) -> Iterator[tuple[str, str]]:
    """What is wrong with the range: the name of a setting and a sentence each."""
    found = False
    for end in ("start", "end"):
        absolute, relative = f"{end}_date", f"{end}_days_back"
        text, days = config.get(absolute), config.get(relative)
        if text is not None and days is not None:
            found = True
            yield absolute, f"Settings `{absolute}` and `{relative}` are both given. Keep one."
        if text is not None and not _is_date(text):
            found = True
            yield (
                absolute,
                (
                    f"Setting `{absolute}`: expected a date that exists, such as 2026-01-31, not "
                    f"{text!r}."
                ),
            )
        if isinstance(days, int) and not 0 <= days <= 3650:  # noqa: PLR2004
            found = True
            yield relative, f"Setting `{relative}` is a number of days from 0 to 3650."
    if not found and not (span := asked(config, today)):
        name = "start_date" if config.get("start_date") is not None else "start_days_back"
        yield (
            name,
            (
                f"The range of dates is empty: it starts on {span.first} and ends on {span.last}"
                + (
                    " (yesterday, as no end is set; `end_days_back: 0` is today)."
                    if _end(config, "end", today) is None
                    else "."
                )
            ),
        )


def _is_date(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True
