"""Who may send when: at most so many requests at once, within the quotas, lowest rank first.

Quotas are per rate-limit category, as the headers of the answers announce them.
https://developers.pinterest.com/docs/reference/rate-limits/
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import threading
from collections import defaultdict
from typing import TYPE_CHECKING

from tap_pinterest import clock
from tap_pinterest.errors import QuotaExhausted, come_back_at, leading_number
from tap_pinterest.words import counted

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

logger = logging.getLogger("tap-pinterest")

LONGEST_SLEEP = 0.5
"""Seconds after which whoever waits for a quota looks again."""


class Quota:
    """What is left of one rate-limit category, learned from the headers of its answers."""

    def __init__(self) -> None:
        self.limit: int | None = None
        self.remaining: int | None = None
        self.resets_at = 0.0
        self.in_flight = 0

    def learn(self, headers: Mapping[str, str], now: float) -> None:
        """Note what an answer says; answers may arrive in another order than they were given."""
        remaining = leading_number(headers.get("x-ratelimit-remaining"))
        reset = leading_number(headers.get("x-ratelimit-reset"))
        if remaining is None or reset is None:
            return
        self.limit = leading_number(headers.get("x-ratelimit-limit")) or self.limit
        resets_at = now + reset
        if self.remaining is None or now >= self.resets_at:  # a new window
            self.remaining, self.resets_at = remaining, resets_at
        else:
            self.remaining = min(self.remaining, remaining)
            self.resets_at = min(self.resets_at, resets_at)

    def exhaust(self, wait: float, now: float) -> None:
        """Note that the API refused: nothing is left for `wait` seconds."""
        if now + wait > self.resets_at or self.remaining:
            self.remaining, self.resets_at = 0, now + wait

    def wait(self, now: float) -> float:
        """Seconds until the next request may go: 0 for now, infinity until an answer arrives."""
        if self.remaining is None:
            return 0.0
        if now >= self.resets_at:
            # Unknown until the first answer of the new window; the limit bounds what may go.
            self.remaining = self.limit
            self.resets_at = float("inf") if self.limit is not None else 0.0
        # Requests on their way may or may not be counted in `remaining` yet: be careful.
        if self.remaining is None or self.remaining > self.in_flight:
            return 0.0
        return float("inf") if self.in_flight else self.resets_at - now


class Gate:
    """Lets requests out: at most `concurrency` at once, within the quotas, lowest rank first."""

    def __init__(self, concurrency: int, max_wait: float) -> None:
        self._free = concurrency
        self._max_wait = max_wait
        self._lock = threading.Lock()
        self._tickets = itertools.count()
        self._waiting: dict[str, list[tuple[float, int, threading.Event]]] = defaultdict(list)
        self.quotas: dict[str, Quota] = defaultdict(Quota)

    @contextlib.contextmanager
    def slot(self, category: str, rank: float) -> Generator[None]:
        """Hold a place among the requests on their way.

        Raises:
            QuotaExhausted: The category's quota comes back later than `max_wait`.
        """
        self._enter(category, rank)
        try:
            yield
        finally:
            with self._lock:
                self._free += 1
                self.quotas[category].in_flight -= 1
                self._let_out()

    def learn(self, category: str, headers: Mapping[str, str]) -> None:
        """Take in the quota headers of an answer, before its slot is left."""
        with self._lock:
            self.quotas[category].learn(headers, clock.monotonic())

    def exhaust(self, category: str, wait: float) -> None:
        """Close a category for `wait` seconds."""
        with self._lock:
            self.quotas[category].exhaust(wait, clock.monotonic())

    def closed_for(self, category: str) -> float:
        """Seconds until the category's quota comes back; 0 where it is not used up."""
        with self._lock:
            wait = self.quotas[category].wait(clock.monotonic())
        return wait if wait < float("inf") else 0.0

    def _enter(self, category: str, rank: float) -> None:
        ticket = (rank, next(self._tickets), threading.Event())
        go = ticket[2]
        with self._lock:
            heapq.heappush(self._waiting[category], ticket)
            self._let_out()
        told = False
        while not go.is_set():
            with self._lock:
                wait = self.quotas[category].wait(clock.monotonic())
                if self._max_wait < wait < float("inf"):
                    self._waiting[category].remove(ticket)
                    heapq.heapify(self._waiting[category])
                    raise QuotaExhausted(
                        f"the quota {category} is used up; it comes back at "
                        f"{come_back_at(wait, clock.now())}, which is longer than `max_wait`"
                    )
            if 1 < wait < float("inf") and not told:
                told = True
                logger.info(
                    "Quota %s is used up: going on in %s", category, counted(wait, "second")
                )
            # A fraction more than the quota's own second: it must be over when we ask again. The
            # answer to another request may say that the quota comes back too late.
            if not go.wait(min(wait + 0.01, LONGEST_SLEEP) if wait else LONGEST_SLEEP):
                with self._lock:
                    self._let_out()

    def _let_out(self) -> None:
        now = clock.monotonic()
        while self._free:
            ready = [
                (tickets[0], category)
                for category, tickets in self._waiting.items()
                if tickets and not self.quotas[category].wait(now)
            ]
            if not ready:
                return
            (_, _, go), category = min(ready)
            heapq.heappop(self._waiting[category])
            self._free -= 1
            self.quotas[category].in_flight += 1
            go.set()
