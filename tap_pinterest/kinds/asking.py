"""How objects are asked for: many in one request where the app may, else each by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tap_pinterest.errors import (
    Forbidden,
    Gone,
    QuotaExhausted,
    Refused,
    StreamError,
    TooLate,
    Withheld,
)
from tap_pinterest.kinds.answers import Wording
from tap_pinterest.kinds.batches import halved
from tap_pinterest.kinds.taking import named
from tap_pinterest.records.pages import combinations, path_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_pinterest.kinds.answers import Over
    from tap_pinterest.kinds.bulk import BulkDaysStream
    from tap_pinterest.records.decoding import Record

PROBES = 5
"""Objects that are tried in turn to find out whether the app may ask in bulk."""

Answer = dict[str, msgspec.Raw | None]
"""The undecoded part of an answer for each object; None for one that was lost."""

_read_parts = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _read_whole(body: bytes) -> msgspec.Raw:
    _read_parts(body)
    return msgspec.Raw(body)


class Asking:
    """Asks for the objects of a stream.

    `in_bulk` says whether many may be asked for together; None until `find_out` knows.
    """

    def __init__(self, stream: BulkDaysStream) -> None:
        self._stream = stream
        self.in_bulk: bool | None = None

    def find_out(self, objects: Sequence[Record]) -> None:
        """Find out whether the app may ask in bulk, with the smallest question.

        Args:
            objects: The question is about one of these, where it can be answered.

        Raises:
            StreamError: The API answers none of them, or nothing at all.
        """
        over = next(combinations(self._stream.over, self._stream.config))
        fault: StreamError | None = None
        for one in objects:
            try:
                self.in_bulk = self._is_answered_together(one, over)
            except (Forbidden, QuotaExhausted):
                raise
            except TooLate:
                self.in_bulk = True
                return
            except Gone:
                continue
            except StreamError as error:
                fault = error
            else:
                return
        if fault and not isinstance(fault, Refused):
            raise fault
        self.in_bulk = bool(fault)  # of a batch, the halves tell whose fault it is

    def _is_answered_together(self, one: Record, over: Over) -> bool:
        try:
            self._together([one], over)
        except Withheld:
            # From the app or from the object? The same object, asked for by itself, tells.
            self.singly([one], over)
            return False
        except Forbidden:
            return False
        except (Gone, TooLate):
            return True
        return True

    def answers(self, objects: Sequence[Record], over: Over) -> Answer:
        """The answers about objects; one that cannot be read is noted and costs itself."""
        stream, answers, withheld = self._stream, Answer(), []

        def lost(some: Sequence[Record], error: StreamError) -> None:
            (one,) = some
            if self.in_bulk and isinstance(error, Withheld):
                withheld.append(one)
            else:
                stream.losses.lose(named(one, stream.noun), error)
                answers[one["id"]] = None

        ask = self._together if self.in_bulk else self.singly
        try:
            for answer in halved(objects, lambda some: ask(some, over), lost):
                answers |= answer
        except TooLate:  # which is told
            return dict.fromkeys(one["id"] for one in objects)
        for one in withheld:  # from us, or from those who ask in bulk?
            try:
                answers |= self.singly([one], over)
            except Gone as error:
                stream.losses.skip(named(one, stream.noun), error)
                answers[one["id"]] = None
            else:
                if len(withheld) == len(objects) > 1:
                    raise Forbidden(
                        f"bulk access to {stream.noun} analytics ended in the middle of the run; "
                        f"the next one asks for each {stream.noun} by itself"
                    )
        return answers

    def _together(self, objects: Sequence[Record], over: Over) -> Answer:
        stream = self._stream
        ids = {stream.batch.param: [one["id"] for one in objects]} if stream.batch else {}
        query = self._query(objects[0], **over, **ids)
        request = stream.request(stream.bulk_path, query, single=True)
        return dict(stream.run.transport.get(request, _read_parts))

    def singly(self, objects: Sequence[Record], over: Over) -> Answer:
        """The answer about the one object there is; its `turn` is added to the stream's rank."""
        (one,) = objects
        stream = self._stream
        path = path_for(stream.path, {stream.id_field: one["id"]})
        request = stream.request(path, self._query(one, **over), single=True)
        # In the order of their ids, so that a quota ends behind the last one that is written.
        request = request._replace(rank=stream.rank + one.get("turn", 0.0))
        return {one["id"]: stream.run.transport.get(request, _read_whole)}

    def _query(self, one: Record, **more: Any) -> Wording:
        metrics, span = ",".join(one["metrics"]), self._stream.progress().span
        return Wording(self._stream, span, metric_types=metrics, **more)
