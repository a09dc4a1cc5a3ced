"""A table of several lists: its parents', and those of the records of other streams."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ClassVar

from tap_pinterest.errors import Forbidden, Gone, QuotaExhausted, Refused, StreamError, Withheld
from tap_pinterest.kinds.lists import ListStream
from tap_pinterest.kinds.parents import GIVE_UP_AFTER
from tap_pinterest.kinds.taking import named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tap_pinterest.records.decoding import Record
    from tap_pinterest.records.pages import Page


class JoinedListStream(ListStream):
    """A list that is asked for by its parent, and by each record of streams that it is also below.

    Those that `batch` is about are asked for together where the app may, else each by itself. What
    one of the lists repeats of another is left out: `belongs_to` is the field of a record that has
    the id of the object in whose list it is. The streams that it is below are read in the order of
    their names, the parent last: an object's list must come before those that may repeat it.
    """

    belongs_to: ClassVar[str]

    _may_together = True

    @functools.cached_property
    def _read(self) -> dict[str, set[str]]:
        """The objects whose own lists are read, by partition."""
        return {}

    def sync_parents(self, parents: Sequence[Record]) -> None:
        """Sync for the parents of one source, those that wait for a full request later."""
        for parent in parents:
            self._read.setdefault(self.part_of(parent), set()).update(self._ids([parent]))
        if parents and self.batch and self.batch.of in parents[0]:
            super().sync_parents(parents)
            return
        if parts := [self.part_of(each) for each in parents if self.is_partition(each)]:
            self.sync_rest(parts)
        self.reading.sync(parents)

    def units(self, parent: Record) -> Iterable[Record]:
        """A batch, or each of its members where these are asked for one by one."""
        return (parent,) if self._may_together else parent.get("members") or (parent,)

    def pages_of(self, parent: Record) -> Iterator[Page]:
        """All pages of a parent's list, of one record's, or of a batch of records."""
        members = parent.get("members")
        if not members:
            yield from self._about([parent], parent)
            return
        assert self.batch is not None  # noqa: S101 - for the type checker
        rest = {name: value for name, value in parent.items() if name != "members"}
        ids = [each[self.batch.of] for each in members]
        try:
            yield from self._about(members, rest, **{self.batch.param: ids})
        except (Forbidden, Gone, Refused) as error:
            # Is it about the app, or about one of them? By itself, each tells.
            yield from self._one_by_one(members, error)

    def _one_by_one(self, members: Sequence[Record], fault: StreamError) -> Iterator[Page]:
        answered, failed = False, 0
        for member in members:
            try:
                yield from self._about([member], member)
            except (Forbidden, QuotaExhausted):
                raise
            except StreamError as error:
                # Those that are deleted tell of themselves; the others of all, before any answers.
                failed += isinstance(error, Withheld) or not isinstance(error, Gone)
                if failed >= GIVE_UP_AFTER and not answered:
                    if isinstance(error, Withheld):
                        raise Forbidden(str(error), error.answer) from error
                    raise
                self.losses.lose(named(member), error, self.part_of(member))
            else:
                answered = True
        if answered and isinstance(fault, Forbidden | Withheld):
            self._may_together = False

    def _about(self, objects: Sequence[Record], parent: Record, **more: Any) -> Iterator[Page]:
        for page in self._pages(parent, **more):
            page.about = self._ids(objects)
            yield page

    def _ids(self, objects: Sequence[Record]) -> frozenset[str]:
        return frozenset(each[name] for each in objects for name in self.asks if each.get(name))

    def took(self, page: Page, records: list[Record]) -> None:
        """Leave out what is in a list of its own."""
        elsewhere = self._read.get(page.part, set()) - page.about
        records[:] = [each for each in records if each.get(self.belongs_to) not in elsewhere]

    def completed(self, part: str) -> None:
        """Forget whose lists were read."""
        self._read.pop(part, None)
        super().completed(part)

    def fell_short(self, part: str) -> None:
        """Likewise."""
        self._read.pop(part, None)
        super().fell_short(part)
