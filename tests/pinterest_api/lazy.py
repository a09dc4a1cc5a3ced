"""Sequences whose items are computed when asked for: a listing of any length costs no memory."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Generic, TypeVar, overload

T = TypeVar("T")
U = TypeVar("U")


class Lazy(Sequence[T], Generic[T]):
    """`size` items, the i-th being `get(i)`."""

    __slots__ = ("_get", "_size")

    def __init__(self, size: int, get: Callable[[int], T]) -> None:
        self._size = max(0, size)
        self._get = get

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self._get(i) for i in range(*index.indices(self._size))]
        if not -self._size <= index < self._size:
            raise IndexError(index)
        return self._get(index % self._size)

    def __iter__(self) -> Iterator[T]:
        return map(self._get, range(self._size))

    def map(self, change: Callable[[T], U]) -> Lazy[U]:
        """The same items, each passed through `change` when asked for."""
        get = self._get
        return Lazy(self._size, lambda i: change(get(i)))

    def where(self, keep: Callable[[T], bool]) -> Lazy[T]:
        """Only the items to `keep`. Looks at all of them once; remembers 8 bytes for each kept."""
        get = self._get
        kept = array("q", (i for i in range(self._size) if keep(get(i))))
        return Lazy(len(kept), lambda i: get(kept[i]))


def chain(parts: Sequence[Lazy[T]]) -> Lazy[T]:
    """The parts one after the other."""
    ends = list(accumulate(len(part) for part in parts))

    def get(i: int) -> T:
        at = bisect_right(ends, i)
        return parts[at][i - (ends[at - 1] if at else 0)]

    return Lazy(ends[-1] if ends else 0, get)
