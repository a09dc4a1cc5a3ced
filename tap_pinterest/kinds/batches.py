"""Batches: parents that one request asks for together."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from tap_pinterest.errors import Gone, Refused, StreamError, TooLarge, Withheld

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from tap_pinterest.records.decoding import Record

T = TypeVar("T")
Q = TypeVar("Q")
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
        if_any: Whether a parent without an id has nothing to be asked for, and is no fault.
        once: Whether parents share ids, each of which is to be asked for once in its group.
    """

    param: str
    of: str
    most: int
    by: tuple[str, ...]
    if_any: bool = False
    once: bool = False


class Waiting:
    """Parents that wait until a request is full, whatever page of theirs they came on.

    One that comes again, as from a list that changes while it is read, does not wait twice.
    """

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self._groups: dict[tuple[object, ...], dict[object, Record]] = {}
        self._seen: dict[tuple[object, ...], set[object]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._groups.values()))

    def put(self, parent: Record) -> None:
        """Let a parent wait with those of its group."""
        group, identity = tuple(parent[name] for name in self.batch.by), parent[self.batch.of]
        if self.batch.once:
            seen = self._seen.setdefault(group, set())
            if identity in seen:
                return
            seen.add(identity)
        self._groups.setdefault(group, {}).setdefault(identity, parent)

    def first(self, count: int) -> list[Record]:
        """Some of the parents; they wait on."""
        parents = itertools.chain.from_iterable(group.values() for group in self._groups.values())
        return list(itertools.islice(parents, count))

    def full(self, least: int = 1) -> list[Record]:
        """The batches that are full, once there are so many; they wait no longer."""
        if sum(len(group) // self.batch.most for group in self._groups.values()) < least:
            return []
        return [batch for group in list(self._groups) for batch in self._taken(group, full=True)]

    def rest(self, name: str | None = None, values: Collection[object] = ()) -> list[Record]:
        """All that waits, or all of the groups in which a field has one of some values."""
        at = None if name is None else self.batch.by.index(name)
        groups = [group for group in self._groups if at is None or group[at] in values]
        batches = [batch for group in groups for batch in self._taken(group, full=False)]
        for group in groups:
            del self._groups[group]
            self._seen.pop(group, None)
        return batches

    def _taken(self, group: tuple[object, ...], *, full: bool) -> Iterator[Record]:
        most, parents = self.batch.most, self._groups[group]
        while len(parents) >= (most if full else 1):
            members = [parents.pop(identity) for identity in [*itertools.islice(parents, most)]]
            yield {**dict(zip(self.batch.by, group, strict=True)), "members": members}


def _halves(some: Sequence[T], error: StreamError) -> Sequence[Sequence[T]]:  # noqa: ARG001
    half = len(some) // 2
    return (some[:half], some[half:]) if half else ()


def halved(
    whole: Q,
    ask: Callable[[Q], A],
    lost: Callable[[Q, StreamError], None],
    halves: Callable[[Q, StreamError], Sequence[Q]] = _halves,  # type: ignore[assignment]
    *,
    withheld_from_all: bool = False,
) -> Iterator[A]:
    """Answers to a question; what fails it as a whole is found by halves.

    Args:
        whole: What is asked for, such as a list of members.
        ask: Sends a request about it, or about a part of it.
        lost: Told of each smallest part that is gone, or fails where others are answered.
        halves: The parts of a part that failed; none where it is as small as it gets.
        withheld_from_all: Whether parts that are all withheld tell of more than of themselves.

    Raises:
        StreamError: It is about more than single parts: no half is answered either.
    """
    parts, fruitless = [whole], 0
    while parts:
        failed: list[Q] = []
        answered, fault = False, None
        for part in parts:
            try:
                yield ask(part)
                answered = True
            except StreamError as error:
                if not isinstance(error, Gone | Refused) and type(error) is not StreamError:
                    raise  # it is about more than what was asked for
                its_own = isinstance(error, Gone) and not (
                    withheld_from_all and isinstance(error, Withheld)
                )
                fault = fault if its_own else error
                if smaller := halves(part, error):
                    failed += smaller
                elif fault and part is whole:
                    raise
                else:
                    lost(part, error)
        # To be told no costs little, to try again and again costs minutes; that an answer is too
        # large says that smaller ones come.
        is_answer = isinstance(fault, Refused | Withheld)
        cost = 0 if answered or not fault or isinstance(fault, TooLarge) else 2 - is_answer
        fruitless = fruitless + cost if cost else 0
        if fault and failed and fruitless > MOST_FRUITLESS:
            raise fault
        parts = failed
