"""Work that is not broken off half-way: a code and a refresh token can be spent only once."""

from __future__ import annotations

import atexit
import contextlib
import threading
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

GRACE = 5.0
"""Seconds that the end of the process waits for what is under way."""

_under_way: set[Future[Any]] = set()


def settled(work: Callable[[], T]) -> T:
    """Do what is to come to its end even where a signal ends the process meanwhile.

    It is done in a thread of its own, so that a signal disturbs the one who waits for it alone; the
    process then waits for `GRACE` seconds. The work itself can start no further threads by then.

    Returns:
        What the work returns; what it raises is raised here.
    """
    outcome: Future[T] = Future()
    _under_way.add(outcome)
    threading.Thread(target=_settle, args=(outcome, work), daemon=True).start()
    return outcome.result()


def _settle(outcome: Future[T], work: Callable[[], T]) -> None:
    try:
        outcome.set_result(work())
    except BaseException as exc:  # noqa: BLE001 - raised again where the result is waited for
        outcome.set_exception(exc)
    finally:
        _under_way.discard(outcome)


@atexit.register
def _wait_for_the_rest() -> None:
    # Threads that are no daemons would be waited for without end.
    with contextlib.suppress(KeyboardInterrupt):
        wait(_under_way.copy(), GRACE)
