"""Days of many objects, which the API takes a hundred at a time from some apps, one from others.

One by one, the objects are read in the order of their ids, and a run that the quota ends is gone on
with by the next one, behind the last object that was dealt with.
"""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from tap_pinterest.errors import (
    Forbidden,
    Gone,
    QuotaExhausted,
    Refused,
    StreamError,
    Withheld,
)
from tap_pinterest.kinds.answers import worded
from tap_pinterest.kinds.batches import Waiting, halved
from tap_pinterest.kinds.days import DaysStream
from tap_pinterest.records.decoding import decode_one
from tap_pinterest.records.pages import Page, combinations, path_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_pinterest.kinds.answers import Over
    from tap_pinterest.network.transport import Params
    from tap_pinterest.records.decoding import Record

PROBES = 5
"""Objects that are tried in turn to find out whether the app may ask in bulk."""

Answer = dict[str, msgspec.Raw | None]
"""The undecoded part of an answer for each object; None for one that was skipped."""

_read_parts = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _read_whole(body: bytes) -> msgspec.Raw:
    _read_parts(body)
    return msgspec.Raw(body)


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
                    self.odd.append(StreamError(what))
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
    noun: ClassVar[str]
    young_setting: ClassVar[str]

    _in_bulk: bool | None = None
    _done = 0

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
        born = str(one.get("created_at") or "")[:10]
        return {"id": one["id"], "born": born, "metrics": self.asks_for(record)}

    def is_newborn(self, one: Record) -> bool:
        """Whether an object is so young that an answer about it may have no days yet."""
        return bool(one["born"] >= str(self.progress().span.last))

    # -- batches

    def sync_parents(self, parents: Sequence[Record]) -> None:
        """Let objects wait, and sync each hundred where they may be asked for in bulk."""
        if self.reading.stopped or not self.progress().span:
            return
        self.waiting.put([one for one in parents if self._is_young_enough(one)])
        if self._in_bulk is None and self.waiting:
            self._probe()
        if self._in_bulk:
            self.reading.sync(self.waiting.full())

    def sync_rest(self, part: str | None) -> None:  # noqa: ARG002 - there is but one
        """Sync what waits still: everything, where the objects are asked for one by one."""
        if self.reading.stopped or not self.waiting:
            return
        rest = self.waiting.rest()
        if self._in_bulk:
            self.reading.sync(rest)
        else:
            self._sync_one_by_one([one for batch in rest for one in batch["members"]])

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
                f"going on behind {self.noun} {after}: {len(rest)} of {len(objects)} "
                f"{self.noun}s are left"
            )
            objects = rest
        self._tell_cost(len(objects))
        self.tally.expects(len(objects), self.noun)
        for turn, one in enumerate(objects):
            one["turn"] = turn
        self.reading.sync(objects)
        if self.reading.stopped:
            self.note(
                f"{self._done} {self.noun}s are read, {len(objects) - self._done} are left; the "
                "next run goes on there"
            )

    def passed(self, page: Page) -> None:
        """Count the objects that are read one by one."""
        super().passed(page)
        if page.ends is not None:
            self._done += 1

    def gave_up(self, parent: Record) -> None:
        """Go on behind an object that cannot be read: it must not keep a quota from the others."""
        if not self._in_bulk:
            self._done += 1
            self.remember(parent["id"])

    def _is_young_enough(self, one: Record) -> bool:
        days = self.config.get(self.young_setting)
        if days is None or not one["born"]:
            return True
        return bool(self.run.today - date.fromisoformat(one["born"]) <= timedelta(days=days))

    def _probe(self) -> None:
        """Find out whether the app may ask in bulk, with the smallest question."""
        try:
            self._in_bulk = self._may_ask_in_bulk()
        except StreamError as error:
            self.reading.stop(error)
        if self._in_bulk:  # then all are read, whatever an earlier run got of them
            self.progress().begin()

    def _may_ask_in_bulk(self) -> bool:
        over = next(combinations(self.over, self.config))
        fault: StreamError | None = None
        for one in self.waiting.first(PROBES):
            try:
                return self._is_answered_in_bulk(one, over)
            except (Forbidden, QuotaExhausted):
                raise
            except Gone:
                continue
            except StreamError as error:
                fault = error
        if fault and not isinstance(fault, Refused):
            raise fault
        return bool(fault)  # of a batch, the halves tell whose fault it is

    def _is_answered_in_bulk(self, one: Record, over: Over) -> bool:
        try:
            self._ask_in_bulk([one], over)
        except Withheld:
            # From the app or from the object? The same object, asked for by itself, tells.
            self._ask_singly([one], over)
            return False
        except Forbidden:
            return False
        except Gone:
            return True
        return True

    def _tell_cost(self, objects: int) -> None:
        requests = objects * len(list(combinations(self.over, self.config)))
        quota = self.run.transport.quotas[self.quota]
        self.note(
            f"this app has no bulk access to {self.noun} analytics, so {objects} {self.noun}s cost "
            f"{requests} requests: {math.ceil(requests / 60)} minutes at 60 a minute, or "
            f"{math.ceil(requests / 1000)} days at the 1000 a day of a trial app"
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
            answers["".join(over.values())] = self._answers(objects, over)
        raws = [raw for answer in answers.values() for raw in answer.values() if raw is not None]
        size = sum(memoryview(raw).nbytes for raw in raws)
        ends = None if self._in_bulk else objects[-1]["id"]
        yield AnswersPage([], size, ends=ends, answers=answers, make=self.rows_of, objects=objects)

    def _answers(self, objects: Sequence[Record], over: Over) -> Answer:
        answers: Answer = {}
        withheld: list[Record] = []

        def lost(one: Record, error: StreamError) -> None:
            if self._in_bulk and isinstance(error, Withheld):
                withheld.append(one)
            else:
                self.losses.lose(f"{self.noun} {one['id']}", error)
                answers[one["id"]] = None

        ask = self._ask_in_bulk if self._in_bulk else self._ask_singly
        for answer in halved(objects, lambda some: ask(some, over), lost):
            answers |= answer
        for one in withheld:  # from us, or from those who ask in bulk?
            try:
                answers |= self._ask_singly([one], over)
            except Gone as error:
                self.losses.skip(f"{self.noun} {one['id']}", error)
                answers[one["id"]] = None
            else:
                if len(withheld) == len(objects) > 1:
                    raise Forbidden(
                        f"bulk access to {self.noun} analytics ended in the middle of the run; the "
                        f"next one asks for each {self.noun} by itself"
                    )
        return answers

    def _ask_in_bulk(self, objects: Sequence[Record], over: Over) -> Answer:
        ids = {self.batch.param: [one["id"] for one in objects]} if self.batch else {}
        request = self.request(self.bulk_path, self._query(objects[0], **over, **ids), single=True)
        return dict(self.run.transport.get(request, _read_parts))

    def _ask_singly(self, objects: Sequence[Record], over: Over) -> Answer:
        (one,) = objects
        path = path_for(self.path, {self.id_field: one["id"]})
        request = self.request(path, self._query(one, **over), single=True)
        # In the order of their ids, so that a quota ends behind the last one that is written.
        turn = self.rank + one.get("turn", 0) / 1e9
        return {one["id"]: self.run.transport.get(request._replace(rank=turn), _read_whole)}

    def _query(self, one: Record, **more: Any) -> Callable[[], Params]:
        return worded(self, self.progress().span, metric_types=",".join(one["metrics"]), **more)


def _place(one: Record) -> tuple[int, str]:
    """Where an object stands in the order of the ids: that of their numbers, where they are."""
    return len(one["id"]), one["id"]
