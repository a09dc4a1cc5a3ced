"""Metrics of ads: a table of entities and days, with the columns that are selected."""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
import re
import threading
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from tap_pinterest.columns import columns_at, field_of, report_columns
from tap_pinterest.errors import Refused, StreamError
from tap_pinterest.kinds.answers import answers_about
from tap_pinterest.kinds.days import DaysStream
from tap_pinterest.kinds.emission import collected
from tap_pinterest.records.figures import Figures
from tap_pinterest.records.pages import Page, reader
from tap_pinterest.settings import SETTINGS, setting
from tap_pinterest.shown import plain
from tap_pinterest.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_pinterest.kinds.answers import Over
    from tap_pinterest.network.transport import Params, Request
    from tap_pinterest.plan.dates import Range
    from tap_pinterest.records.decoding import Record
    from tap_pinterest.records.pages import Envelope

VALUES = 80_000
"""Values that an answer is to have at most, as far as that is known before: some MB of JSON."""

ROWS = 250
"""Rows that are decoded at a time."""

SPEND = "SPEND_IN_MICRO_DOLLAR"
"""What is asked for where nothing but keys is selected: the API wants a column."""

DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]00:?00)?)?")
"""A day, or its midnight."""


@functools.lru_cache(256)  # there are thousands of rows of a day
def _day(text: str) -> str | None:
    """The day that a text says, in one form: two of them would be two rows; None for no day."""
    found = DAY.fullmatch(text)
    with contextlib.suppress(ValueError):
        return date.fromisoformat(found[1]).isoformat() if found else None
    return None


def _words(error: StreamError) -> set[str]:
    """The words of an answer's message, the names of columns among them."""
    return set(re.findall(r"\w+", error.answer.message)) if error.answer else set()


def pieces(page: Page) -> list[Page]:
    """A page in several, so that of thousands of wide rows only some are decoded at a time."""
    items = page.items
    if isinstance(items, list):
        return [page]
    try:
        rows = msgspec.json.decode(items, type=list[msgspec.Raw])
    except msgspec.DecodeError:
        return [page]  # which tells it
    page.items = []  # whoever still holds the page does not hold the answer
    parts = [b"[%b]" % b",".join(rows[at : at + ROWS]) for at in range(0, len(rows), ROWS)]
    return [replace(page, items=part, size=len(part)) for part in parts] or [page]


@dataclass(slots=True)
class TablePage(Page):
    """Rows of an answer: metrics by the API's names, or objects that have them in `metrics`."""

    figures: Figures | None = None

    def records(self) -> list[Record]:
        """The rows; one whose metrics, or whose day, are none is told."""
        items, figures = self.items, self.figures
        if figures and not isinstance(items, list):
            known = figures.rows(bytes(items))
            if known is not None:
                return self._of_days(known)
        records = Page.records(self)
        if figures and not any("metrics" in record for record in records):
            figures.learn(records)
        return self._of_days([row for record in records if (row := self._row(record)) is not None])

    def _row(self, record: Record) -> Record | None:
        metrics = record.pop("metrics", record)
        if not isinstance(metrics, dict):
            self.miss(f"a row has {plain(metrics)} for its metrics")
            return None
        row = {name.lower(): value for name, value in metrics.items()}
        if len(row) < len(metrics):
            self.notes.add("the API sent two metrics whose names differ in case only")
            row |= {name.lower(): metrics[name] for name in metrics if name.isupper()}
        return row if metrics is record else row | record

    def _of_days(self, rows: list[Record]) -> list[Record]:
        """The rows with their days in one form; without those whose day is none."""
        whole = []
        for row in rows:
            if (text := row.get("date")) is not None:
                row["date"] = _day(text) if isinstance(text, str) else None
                if row["date"] is None:
                    self.miss(f"a row has {plain(text)} for its day")
                    continue
            whole.append(row)
        return whole


class TableStream(DaysStream):
    """Metrics per entity and day. What is selected in the catalog is what is asked for.

    `level` says which columns there are. Beside them a row has its keys, which are texts, what the
    stream `adds`, and the settings among its `params`: what the figures mean. `rows_each` is how
    many rows an entity and day has, about.
    https://developers.pinterest.com/docs/api/v5/campaigns-analytics/
    """

    quota = "ads_analytics"
    takes_ad_account = None
    expects_days = False
    columns_count = False
    page_type = TablePage
    beyond = "older days are in Pinterest's asynchronous reports"
    records_at: ClassVar[str] = ""
    level: ClassVar[str]
    rows_each: ClassVar[int] = 1

    # -- columns

    @classmethod
    def declared_schema(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """What a row is about, then the columns that the configuration lets the catalog have."""
        about = {name: {"type": [kind, "null"]} for name, kind in cls.about().items()}
        asked = {
            name: {
                "type": SETTINGS["properties"][value.name]["type"],
                "description": "Setting of that name; the figures depend on it.",
            }
            for name, value in cls._depends_on().items()
        }
        chosen = columns_at(cls.level, "sync", config.get("ads_columns"))
        columns = {column.name.lower(): field_of(column) for column in chosen}
        more = {name: {"type": [kind, "null"]} for name, kind in collected(config).items()}
        properties = {**about, **columns, **asked, **more}
        for key in cls.primary_keys:
            properties[key] = {**properties[key], "type": "string"}
        properties["date"] |= {"format": "date", "description": "Day of the metrics (UTC)."}
        return {"type": "object", "properties": properties, "additionalProperties": True}

    @classmethod
    def about(cls) -> Mapping[str, str]:
        """What a row has beside its metrics, with the types."""
        return {**cls.adds, **dict.fromkeys(cls.primary_keys, "string")}

    @classmethod
    def _depends_on(cls) -> Mapping[str, setting]:
        """The settings among the parameters, by the names of these: what figures mean."""
        return {name: value for name, value in cls.params.items() if isinstance(value, setting)}

    @functools.cached_property
    def _columns(self) -> list[str]:
        """The columns that are selected, by the API's names; the SCHEMA has each of them."""
        fields, known = self.schema["properties"], self.effective_schema["properties"]
        taken = {
            name: name.lower() in known
            for name, column in report_columns().items()
            if name.lower() in fields and column.allowed(self.level, "sync")
        }
        if lacking := sum(not is_known for is_known in taken.values()):
            self.logger.info(
                "Stream %s: the catalog is without %s of `ads_columns`; made anew, it has them.",
                self.name,
                counted(lacking, "column"),
            )
        return [name for name in taken if taken[name] and self.mask["properties", name.lower()]]

    @functools.cached_property
    def _figures(self) -> Figures:
        return Figures(self.schema["properties"])

    @functools.cached_property
    def _refused(self) -> set[str]:
        return set()

    def query(self, **more: Any) -> Params:
        """The query of a request, with the selected columns that the API has not refused yet."""
        columns = [name for name in self._columns if name not in self._refused] or [SPEND]
        return super().query(columns=",".join(columns), **more)

    def answer_to(self, request: Request) -> Envelope:
        """The answer, its rows undecoded; a column that the API refuses costs itself."""
        read = reader(self.records_at)
        while True:
            asked = set(self._columns) - self._refused
            try:
                return self.run.transport.get(request, read)
            except Refused as error:
                found = asked & _words(error)
                if not found or (found == asked and len(asked) > 1):
                    raise  # who names all of them may say which there are
                self._refuse(found, error)

    def _refuse(self, columns: set[str], error: Refused) -> None:
        """Tell of columns that the API refuses, once each; they are not asked for again."""
        with self._lock:
            new = columns - self._refused
            self._refused.update(columns)
        for column in sorted(new):
            why = f"the API refuses the column {column}; deselect `{column.lower()}` ({error})"
            self.losses.miss("", StreamError(why, error.answer))

    @functools.cached_property
    def _lock(self) -> threading.Lock:
        return threading.Lock()

    # -- days

    @property
    def lookback(self) -> int:
        """How many days are read again: as long as conversions are attributed, or as is set."""
        days = self.config.get("ads_lookback_days")
        windows = ("click_window_days", "engagement_window_days", "view_window_days")
        return max(self.config[name] for name in windows) if days is None else int(days)

    def units(self, parent: Record) -> Iterator[Record]:
        """Entities and windows of days, as many together as keep an answer small."""
        span = self.progress(self.part_of(parent)).span
        a_day = self.rows_each * (len(self._columns) + len(self.about()))
        members = parent.get("members") or [parent]
        parts = math.ceil(len(members) / max(1, VALUES // a_day))
        size = math.ceil(len(members) / parts)
        days = max(1, min(self.window_days, VALUES // (size * a_day)))
        for at, window in itertools.product(range(0, len(members), size), span.windows(days)):
            some = {"members": members[at : at + size]} if "members" in parent else {}
            yield {**parent, **some, "window": window}

    def pages_of(self, parent: Record) -> Iterator[Page]:
        """The answers about an entity, or a batch of them, in a window."""
        parent = dict(parent)
        window = parent.pop("window", None)
        # Who tries the smallest request has no window, and one day is enough.
        windows = [window] if window else list(self.progress(self.part_of(parent)).span.days())[-1:]
        for page in answers_about(self, parent, windows):
            yield from pieces(page)

    def fill_page(self, page: Page, answer: Envelope, window: Range, over: Over) -> None:  # noqa: ARG002
        """Put the rows on a page, undecoded until their turn."""
        asked = {name: value.of(self.config) for name, value in self._depends_on().items()}
        own = {name: value for name, value in page.adds.items() if name in self.about()}
        page.items, page.adds = answer.items, {**own, **asked}
        page.size = memoryview(answer.items).nbytes
        if isinstance(page, TablePage):
            page.figures = self._figures
        if self._refused:
            self.losses.leave(page.part)

    def took(self, page: Page, records: list[Record]) -> None:
        """Nothing: an answer is about all days that it was asked for."""


class TargetingTableStream(TableStream):
    """The same, divided by who saw the ads; `types` are those that the level takes.

    A request takes `most` of them.
    """

    records_at = "data"
    rows_each = 20
    types: ClassVar[tuple[str, ...]]
    most: ClassVar[int]
    meaning = ("targeting_types",)
    narrowed_by = ("targeting_types",)

    @functools.cached_property
    def over(self) -> Mapping[str, Any]:  # type: ignore[override]
        """The types, as many together as a request takes."""
        types = self.asked_types()
        requests = math.ceil(len(types) / self.most)
        size = math.ceil(len(types) / max(1, requests))
        lists = [",".join(types[at : at + size]) for at in range(0, len(types), size or 1)]
        return {"targeting_types": lists}

    def asked_types(self) -> list[str]:
        """The targeting types that are asked for: all, or those of the setting."""
        chosen = self.config.get("targeting_types")
        return [each for each in self.types if not chosen or each in chosen]

    def why_skipped(self) -> str | None:
        """Skipped where the setting names none that the level takes."""
        if not self.asked_types():
            return f"none of `targeting_types` is one of its level: {', '.join(self.types)}"
        return super().why_skipped()
