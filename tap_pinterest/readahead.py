"""Work done ahead of its reader, in daemon threads: bounded in bytes, order kept.

A source is an iterator whose items know their `size` in bytes. It runs in a thread of its own
and may block; whoever stops the process need not wait for it.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator


class Sized(Protocol):
    """Something that occupies memory while it waits to be read."""

    @property
    def size(self) -> int:
        """Bytes."""


T = TypeVar("T", bound=Sized)
K = TypeVar("K")


class Budget:
    """Bytes that all sources together may hold ready."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self.lock = threading.Lock()
        self.freed = threading.Condition(self.lock)

    def has_room(self, size: int) -> bool:
        """Whether `size` more bytes fit. Call with `lock` held."""
        return self._held + size <= self._limit

    def hold(self, size: int) -> None:
        """Count bytes in (or out, when negative). Call with `lock` held."""
        self._held += size
        if size <= 0:
            self.freed.notify_all()


class ReadAhead(Generic[T]):
    """Iterates a source that runs ahead in a daemon thread.

    An item may always wait when no other of this source does, so that every reader goes on; beyond
    that the budget decides. What the source raises is raised to the reader, in its place.
    """

    def __init__(self, source: Callable[[], Iterable[T]], budget: Budget) -> None:
        self._source = source
        self._budget = budget
        self._arrived = threading.Condition(budget.lock)
        self._ready: deque[T] = deque()
        self._done = False
        self._closed = False
        self._error: BaseException | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            for item in self._source():
                with self._budget.lock:
                    while self._ready and not self._closed and not self._budget.has_room(item.size):
                        self._budget.freed.wait()
                    if self._closed:
                        return
                    self._ready.append(item)
                    self._budget.hold(item.size)
                    self._arrived.notify()
        except BaseException as exc:  # noqa: BLE001 - it is the reader's to handle
            self._error = exc
        finally:
            with self._budget.lock:
                self._done = True
                self._arrived.notify()

    def __iter__(self) -> Iterator[T]:
        """Itself."""
        return self

    def __next__(self) -> T:
        """The next item, as soon as it is there."""
        with self._budget.lock:
            while not self._ready and not self._done:
                self._arrived.wait()
            if self._ready:
                item = self._ready.popleft()
                self._budget.hold(-item.size)
                return item
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        raise StopIteration

    def close(self) -> None:
        """Stop the source at its next item and forget what is ready."""
        with self._budget.lock:
            self._closed = True
            self._budget.hold(-sum(item.size for item in self._ready))
            self._ready.clear()


def fan_out(
    keys: Iterable[K], source: Callable[[K], Iterable[T]], budget: Budget, width: int
) -> Generator[tuple[K, Iterator[T]]]:
    """For each key, in order, the key and its source, `width` of them running at once."""
    keys = iter(keys)
    running: deque[tuple[K, ReadAhead[T]]] = deque()

    def start(count: int) -> None:
        for key in itertools.islice(keys, count):
            running.append((key, ReadAhead(lambda key=key: source(key), budget)))  # type: ignore[misc]

    try:
        start(width)
        while running:
            yield running[0]
            running.popleft()[1].close()
            start(1)
    finally:
        for _, ahead in running:
            ahead.close()
