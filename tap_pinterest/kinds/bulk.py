"""Days of many objects, which the API takes a hundred at a time from some apps, one from others.

One by one, the objects are read in the order of their ids, and a run that the quota ends is gone on
with by the next one, behind the last object that was dealt with.
"""

from __future__ import annotations

import abc
import functools
import math
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import msgspec

from tap_pinterest.errors import Gone, Refused, StreamError
from tap_pinterest.kinds.asking import PROBES, Answer, Asking
from tap_pinterest.kinds.days import DaysStream, day_of
from tap_pinterest.records.decoding import decode_one
from tap_pinterest.records.pages import Page, combinations
from tap_pinterest.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_pinterest.kinds.batches import Waiting
    from tap_pinterest.records.decoding import Record


@dataclass(slots=True)
class AnswersPage(Page):
    """Answers about some objects, decoded when it is their turn.

    Attributes:
        answers: By value of what the stream is read over, the answer for each object.
        make: Makes rows of the answer about one object: called with the page, the value, the
            object and the decoded answer.
        objects: What was asked for.
        totals: What another stream gets of the answers, once they are decoded.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    make: Callable[[AnswersPage, str, Record, Record], list[Record]] = lambda *_: []
    objects: Sequence[Record] = ()
    totals: list[Record] = field(default_factory=list)

    def records(self) -> list[Record]:
        """The rows of all objects; an odd answer costs its own object."""
        rows: list[Record] = []
        for value, answer in self.answers.items():
            for one in self.objects:
                raw = answer.get(one["id"], msgspec.Raw(b"{}"))
                if raw is None:
                    continue
                before = len(self.odd)
                try:
                    rows += self.make(self, value, one, decode_one(bytes(raw)))
                except (msgspec.DecodeError, StreamError) as exc:
                    what = f"the answer about {one['id']} cannot be used ({exc})"
                    self.odd[before:] = [StreamError(what)]
                else:
                    self.odd[before:] = [
                        StreamError(f"about {one['id']}, {odd}") for odd in self.odd[before:]
                    ]
        self.answers = {}
        return rows


class BulkDaysStream(DaysStream):
    """Asks for the figures of all records of its parent stream.

    `over` has one entry, of which each value costs a request of its own. `parent_fields` name the
    object's `id` and the time at which it was `created_at`; `asks_for` says which metrics it takes.
    `bulk_path` takes many, as `batch` says, `path` one as `id_field`. `noun` is what people call
    the objects, `young_setting` names the setting that bounds their age.
    """

    bulk_path: ClassVar[str]
    id_field: ClassVar[str]
    young_setting: ClassVar[str]

    _done = 0
    _last: Record

    @staticmethod
    @abc.abstractmethod
    def asks_for(record: Record) -> tuple[str, ...]:
        """The metrics that the object of a parent's record takes."""

    @abc.abstractmethod
    def rows_of(self, page: AnswersPage, value: str, one: Record, parts: Record) -> list[Record]:
        """The rows of the answer about one object; see `AnswersPage.make`."""

    def parent_of(self, record: Record) -> Record:
        """The object's id, its day of creation, and the metrics that it takes."""
        one = super().parent_of(record)
        born = day_of(one.get("created_at"))
        return {"id": one["id"], "born": born, "metrics": self.asks_for(record)}

    def is_newborn(self, one: Record) -> bool:
        """Whether an object is so young that an answer about it may have no days yet."""
        return bool(one["born"] and one["born"] >= self.progress().span.last)

    # -- batches

    def sync_parents(self, parents: Sequence[Record]) -> None:
        """Let objects wait, and sync each hundred where they may be asked for in bulk."""
        if self.reading.stopped or not self.progress().span:
            return
        self.reading.put([one for one in parents if self._is_young_enough(one)])
        if self.asking.in_bulk is None and self.waiting:
            try:
                self.asking.find_out(self.waiting.first(PROBES))
            except StreamError as error:
                self.reading.stop(error)
            if self.asking.in_bulk:  # then all are read, whatever an earlier run got of them
                self.progress().begin()
        if self.asking.in_bulk:
            self.reading.sync(self.waiting.full())

    def sync_rest(self, parts: Sequence[str] | None) -> None:  # noqa: ARG002 - there is but one
        """Sync what waits still: everything, where the objects are asked for one by one."""
        if self.reading.stopped or not self.waiting:
            return
        rest = self.waiting.rest()
        if self.asking.in_bulk:
            self.reading.sync(rest)
        else:
            self._sync_one_by_one([one for batch in rest for one in batch["members"]])

    @functools.cached_property
    def asking(self) -> Asking:
        """How the objects are asked for."""
        return Asking(self)

    @property
    def waiting(self) -> Waiting:
        """The objects that wait for a request to be full."""
        assert self.reading.waiting is not None  # noqa: S101 - `batch` is declared
        return self.reading.waiting

    def _sync_one_by_one(self, objects: list[Record]) -> None:
        objects.sort(key=_place)
        if after := self.progress().resumes_after:
            rest = [one for one in objects if _place(one) > _place({"id": after})]
            self.note(
                f"going on behind {self.noun} {after}; still to read: {len(rest)} of "
                f"{counted(len(objects), self.noun)}"
            )
            objects = rest
        self._tell_cost(len(objects))
        self.tally.expects(len(objects), self.noun)
        for turn, one in enumerate(objects):
            one["turn"] = turn / 1e9
            self._last = one
        self.reading.sync(objects)
        if self.reading.stopped:
            self.note(
                f"read: {counted(self._done, self.noun)}, left: {len(objects) - self._done}; the "
                "next run goes on there"
            )

    def passed(self, page: Page) -> None:
        """Count the objects that are read one by one."""
        super().passed(page)
        if page.ends is not None:
            self._done += 1

    def gave_up(self, parent: Record, error: StreamError) -> None:
        """Go on behind an object that cannot be read: it must not keep a quota from the others.

        Where not even the last object is answered, it is not this one: the next run begins with it.
        """
        is_its_own = self._done or isinstance(error, Refused | Gone)
        if not self.asking.in_bulk and (is_its_own or self._is_last_answered):
            self._done += 1
            self.remember(parent["id"], holes=True)

    @functools.cached_property
    def _is_last_answered(self) -> bool:
        try:
            self.asking.singly([self._last], next(combinations(self.over, self.config)))
        except StreamError as error:
            return isinstance(error, Refused | Gone)
        return True

    def _is_young_enough(self, one: Record) -> bool:
        days = self.config.get(self.young_setting)
        if days is None or not one["born"]:
            return True
        return bool(self.run.today - one["born"] <= timedelta(days=days))

    def _tell_cost(self, objects: int) -> None:
        requests = objects * len(list(combinations(self.over, self.config)))
        quota = self.run.transport.quotas[self.quota]
        self.note(
            f"this app has no bulk access to {self.noun} analytics; to ask for "
            f"{counted(objects, self.noun)} takes {counted(requests, 'request')}: "
            f"{counted(math.ceil(requests / 60), 'minute')} at 60 a minute, or "
            f"{counted(math.ceil(requests / 1000), 'day')} at the 1000 a day of a trial app"
            + (f"; {quota.remaining} are left now" if quota.remaining is not None else "")
            + f". Where the quota ends the run, the next one goes on; `{self.young_setting}` "
            "bounds the work"
        )

    # -- requests

    def pages_of(self, parent: Record) -> Iterator[Page]:
        """The answers about a batch of objects, or about one."""
        members: Sequence[Record] = parent.get("members") or (parent,)
        objects = list({one["id"]: one for one in members}.values())  # a list may repeat one
        answers: dict[str, Answer] = {}
        for over in combinations(self.over, self.config):
            answers["".join(over.values())] = self.asking.answers(objects, over)
        raws = [raw for answer in answers.values() for raw in answer.values() if raw is not None]
        size = sum(memoryview(raw).nbytes for raw in raws)
        ends = None if self.asking.in_bulk else objects[-1]["id"]
        yield AnswersPage([], size, ends=ends, answers=answers, make=self.rows_of, objects=objects)


def _place(one: Record) -> tuple[int, str]:
    """Where an object stands in the order of the ids: that of their numbers, where they are."""
    return len(one["id"]), one["id"]
