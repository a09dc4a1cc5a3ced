"""Batches: parents that one request asks for together."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from tap_pinterest.errors import Gone, Refused, StreamError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_pinterest.records.decoding import Record

T = TypeVar("T")
A = TypeVar("A")

MOST_FRUITLESS = 3
"""Rounds of halving without an answer, after which the fault is not with single members."""


@dataclass(frozen=True, slots=True)
class Batch:
    """How a stream asks for its parents: many in one request.

    Attributes:
        param: The parameter that takes their ids.
        of: The field of a parent that holds its id.
        most: How many a request takes.
        by: Fields of a parent that must be the same for all of them, such as the ad account.
    """

    param: str
    of: str
    most: int
    by: tuple[str, ...]


class Waiting:
    """Parents that wait until a request is full, whatever page of theirs they came on."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self._groups: dict[tuple[object, ...], list[Record]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._groups.values()))

    def put(self, parent: Record) -> None:
        """Let a parent wait with those of its group."""
        group = tuple(parent[name] for name in self.batch.by)
        self._groups.setdefault(group, []).append(parent)

    def first(self, count: int) -> list[Record]:
        """Some of the parents; they wait on."""
        parents = itertools.chain.from_iterable(self._groups.values())
        return list(itertools.islice(parents, count))

    def full(self) -> list[Record]:
        """The batches that are full; they wait no longer."""
        return [batch for group in list(self._groups) for batch in self._taken(group, full=True)]

    def rest(self, **of: object) -> list[Record]:
        """All that waits, or all of the groups that have these values, in batches."""
        at = [(self.batch.by.index(name), value) for name, value in of.items()]
        groups = [group for group in self._groups if all(group[n] == value for n, value in at)]
        batches = [batch for group in groups for batch in self._taken(group, full=False)]
        for group in groups:
            del self._groups[group]
        return batches

    def _taken(self, group: tuple[object, ...], *, full: bool) -> Iterator[Record]:
        most, parents = self.batch.most, self._groups[group]
        while len(parents) >= (most if full else 1):
            yield {**dict(zip(self.batch.by, group, strict=True)), "members": parents[:most]}
            del parents[:most]


def halved(
    members: Sequence[T], ask: Callable[[Sequence[T]], A], lost: Callable[[T, StreamError], None]
) -> Iterator[A]:
    """Answers about all members; one that fails a request for all is found by halves.

    Args:
        members: What is asked for, at least one.
        ask: Sends a request about some of them.
        lost: Told of each that is gone, or fails where others are answered.

    Raises:
        StreamError: It is about more than single members: no half is answered either.
    """
    parts, fruitless = [members], 0
    while parts:
        failed, answered, fault = [], False, None
        for part in parts:
            try:
                yield ask(part)
                answered = True
            except StreamError as error:
                if not isinstance(error, Gone | Refused) and type(error) is not StreamError:
                    raise  # it is about more than what was asked for
                fault = fault if isinstance(error, Gone) else error
                if len(part) > 1:
                    failed.append(part)
                elif fault and len(members) == 1:
                    raise
                else:
                    lost(part[0], error)
        # To be told no costs little, to try again and again costs minutes.
        cost = 0 if answered or not fault else 1 if isinstance(fault, Refused) else 2
        fruitless = fruitless + cost if cost else 0
        if fault and failed and fruitless > MOST_FRUITLESS:
            raise fault
        parts = [half for some in failed for half in _halves(some)]


def _halves(some: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    half = len(some) // 2
    return some[:half], some[half:]
