"""Tries again what may heal: after the wait that the API names, else after growing ones."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeVar

import backoff

from tap_pinterest import clock
from tap_pinterest.errors import TapError, Transient, Unanswered, Unreached

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

T = TypeVar("T")

logger = logging.getLogger("tap-pinterest")

TRIES = 8
"""How often something is sent before it is given up."""

FIRST_WAIT = 1.0
"""Seconds: the ceiling of the first exponential wait; it doubles up to LONGEST_WAIT."""

LONGEST_WAIT = 60.0

PATIENCE = 30.0
"""Seconds after which a run in which nothing has answered yet gives up a host out of reach."""


def _waits() -> Generator[float, Any, None]:
    """Waits for the backoff library: what the API named, else a jittered exponential."""
    exponential = backoff.expo(factor=FIRST_WAIT, max_value=LONGEST_WAIT)
    next(exponential)
    exc: Transient = yield 0
    while True:
        wait = exc.wait
        if wait is None:
            wait = min(backoff.full_jitter(next(exponential)), exc.most)
        exc = yield wait


class Retry:
    """Sends until it succeeds or is given up. All that a run sends shares one, in any thread."""

    def __init__(self, patience: float = PATIENCE, tries: int | None = None) -> None:
        self._tries = tries
        self._give_up_at = clock.monotonic() + patience
        self._answered = False

    @property
    def tries(self) -> int:
        """How often something is sent before it is given up."""
        return self._tries or TRIES

    def __call__(self, what: str, send: Callable[[], T]) -> T:
        """What `send` returns, called up to `tries` times; `what` names it in the log.

        Raises:
            Transient: The last try failed.
            TapError: Nothing has answered in this run, this included.
        """

        @backoff.on_exception(
            _waits,
            Transient,
            max_tries=lambda: self.tries,
            giveup=lambda exc: exc.most <= 0,
            jitter=None,
            logger=None,
            on_backoff=lambda details: logger.warning(
                "%s: %s; try %d follows in %.1f seconds",
                what,
                details["exception"],
                details["tries"] + 1,
                details["wait"],
            ),
        )
        def attempt() -> T:
            return self._attempt(send)

        try:
            return attempt()
        except Unanswered as exc:
            if self._answered:
                raise
            how = "cannot be reached" if isinstance(exc, Unreached) else "does not answer"
            raise TapError(
                f"Pinterest {how}: {exc}. Check the network and `api_url`, and run again."
            ) from exc

    def _attempt(self, send: Callable[[], T]) -> T:
        try:
            result = send()
        except Unanswered as exc:
            if isinstance(exc, Unreached) and not self._answered:
                exc.most = self._give_up_at - clock.monotonic()
            raise
        except Transient:
            self._answered = True
            raise
        self._answered = True
        return result
