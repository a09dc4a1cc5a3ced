"""Work in a thread of its own: finished before the process ends, or not waited for any longer.

Pinterest forgets a refresh token or a code once it has answered. What has been asked for is
therefore taken in and kept, though a signal ends the run meanwhile; but not for ever.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import threading
import time
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

GRACE = 5.0
"""Seconds for which the end of the process waits at most."""

_under_way: set[Future[object]] = set()


def settled(work: Callable[[], T]) -> T:
    """What `work` returns or raises; it goes on in a thread where the caller is interrupted."""
    result: Future[T] = Future()
    result.add_done_callback(_under_way.discard)
    _under_way.add(result)  # type: ignore[arg-type]
    try:
        _begin(result, work)
    except RuntimeError:  # no thread is to be had; a signal may come while one begins, and it works
        _under_way.discard(result)
        raise
    return result.result()


def within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns or raises in so many seconds; after that nobody hears of it.

    Raises:
        TimeoutError: It takes longer.
    """
    result: Future[T] = Future()
    _begin(result, work)
    return result.result(seconds)


def _begin(result: Future[T], work: Callable[[], T]) -> None:
    threading.Thread(target=_settle, args=(result, work), name="settled", daemon=True).start()


def _settle(result: Future[T], work: Callable[[], T]) -> None:
    try:
        result.set_result(work())
    except BaseException as exc:  # noqa: BLE001 - raised again where the result is asked for
        result.set_exception(exc)


@functools.cache
def _patience_ends() -> float:
    return time.monotonic() + GRACE


@atexit.register
def wait_for_it() -> None:
    """Wait for what is under way as the process ends: `GRACE` in all, from the first call on."""
    until = _patience_ends()
    with contextlib.suppress(KeyboardInterrupt):  # whoever presses it again has waited enough
        while (begun := set(_under_way)) and (left := until - time.monotonic()) > 0:
            wait(begun, left)
