"""Pages: how requests for them are worded, and how answers are taken apart."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from tap_pinterest.errors import StreamError
from tap_pinterest.records.decoding import Record, decode
from tap_pinterest.settings import setting
from tap_pinterest.shown import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date

PAGE_SIZE = 250
"""Records on a page at most."""

MOST_ODD = 100
"""Odd things that are told of a page, each by itself."""

IN_A_PATH = re.compile(r"(?!\.\.?$)[A-Za-z0-9._~+=-]{1,255}")
"""What may be put into a path: an id, a name, a region. Anything else would lead elsewhere."""

FIRST = re.compile(rb"\s*\S")
"""What JSON begins with."""

ITEMS = "items"
"""Where the records of a page are in most answers."""


class Envelope(msgspec.Struct):
    """A page as it is sent: its items stay undecoded until their turn."""

    items: msgspec.Raw
    bookmark: str | None = None


read_page = msgspec.json.Decoder(Envelope).decode


def reader(records_at: str = ITEMS) -> Callable[[bytes], Envelope]:
    """What reads a page out of an answer.

    Args:
        records_at: Where the records are: names of fields with dots between them, or "" for the
            answer itself. What is there is a list, or a single record. Behind a list, a name is
            that of a list in each of its objects; an object without it is a record itself.

    Returns:
        A function that raises msgspec.ValidationError where there is nothing at that place.
    """
    if records_at == ITEMS:
        return read_page
    steps = records_at.split(".") if records_at else []

    def read(body: bytes) -> Envelope:
        bookmark, part = None, msgspec.Raw(body)
        for number, step in enumerate(steps):
            if number and _begins(part, b"["):
                part = _flat(part, step)
                continue
            fields = msgspec.json.decode(part, type=dict[str, msgspec.Raw])
            if not number and "bookmark" in fields:
                bookmark = msgspec.json.decode(fields["bookmark"], type=str | None)
            if step not in fields:
                raise msgspec.ValidationError(f"there is no `{records_at}` in the answer")
            part = fields[step]
        if _begins(part, b"{"):
            part = msgspec.Raw(b"[%b]" % memoryview(part).tobytes())
        return Envelope(msgspec.json.decode(part, type=msgspec.Raw), bookmark)

    return read


def _begins(part: msgspec.Raw, mark: bytes) -> bool:
    found = FIRST.match(part)
    return found is not None and found[0][-1:] == mark


def _flat(objects: msgspec.Raw, name: str) -> msgspec.Raw:
    """One list of what is in the lists of that name; an object without one stands for itself.

    What is there instead of a list stands for itself, too, so that it is told; null is empty.
    """
    found: list[msgspec.Raw] = []
    for each in msgspec.json.decode(objects, type=list[msgspec.Raw]):
        fields: Mapping[str, msgspec.Raw] = {}
        if _begins(each, b"{"):
            fields = msgspec.json.decode(each, type=dict[str, msgspec.Raw])
        inner = fields.get(name)
        if inner is None:
            found.append(each)
        elif _begins(inner, b"["):
            found += msgspec.json.decode(inner, type=list[msgspec.Raw])
        elif bytes(inner) != b"null":
            found.append(inner)
    return msgspec.Raw(msgspec.json.encode(found))


@dataclass(slots=True)
class Page:
    """Records that arrived together.

    Attributes:
        items: The records as JSON, or decoded already.
        size: Bytes they hold while they wait.
        adds: Fields that each of these records gets, such as its parent's id.
        part: The partition of the stream that they belong to; "" where it has none.
        ends: How far the stream got when this page is written; None where that is not kept.
        still_to_come: The first day that the API will tell of later, though no record says so.
        odd: What was on the page and could not be taken for a record.
        notes: What else the user should know about what the API sent, a sentence each.
        about: Ids of the objects that were asked for, where that matters later.
    """

    items: msgspec.Raw | bytes | list[Record]
    size: int
    adds: Mapping[str, Any] = field(default_factory=dict)
    part: str = ""
    ends: str | None = None
    still_to_come: date | None = None
    odd: list[StreamError] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)
    about: frozenset[str] = frozenset()

    def records(self) -> list[Record]:
        """The records, decoded; what is among them and is no object goes to `odd`.

        Raises:
            StreamError: There is no list of anything.
        """
        if isinstance(self.items, list):
            return self.items
        try:
            return decode(self.items)
        except msgspec.DecodeError as exc:
            try:
                items = msgspec.json.decode(self.items, type=list[msgspec.Raw])
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise StreamError(f"a page could not be read ({exc})") from exc
        records = []
        for item in items:
            try:
                records += decode(b"[%b]" % bytes(item))
            except msgspec.DecodeError:
                what = plain(bytes(item).decode("utf-8", "replace"), 40)
                self.miss(f"the API sent {what} among the records")
        return records

    def miss(self, sentence: str) -> None:
        """Tell of something that could not be taken for a record."""
        if len(self.odd) <= MOST_ODD:
            more = len(self.odd) == MOST_ODD
            self.odd.append(StreamError("there is more of this kind" if more else sentence))


def query(params: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Declared parameters as a query: lists repeated, booleans in lower case, None left out."""
    for name, declared in params.items():
        value = declared.of(config) if isinstance(declared, setting) else declared
        for item in value if isinstance(value, list | tuple) else (value,):
            if isinstance(item, bool):
                yield name, str(item).lower()
            elif item is not None:
                yield name, str(item)


def chosen(declared: Iterable[str] | setting, config: Mapping[str, Any]) -> tuple[str, ...]:
    """The values that a stream is read over, each once: those declared, or those of a setting."""
    values = declared.of(config) or () if isinstance(declared, setting) else declared
    return tuple(dict.fromkeys(str(value).strip() for value in values))


def combinations(over: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Each combination of the values that a stream is read over, by the names of parameters."""
    for values in itertools.product(*(chosen(declared, config) for declared in over.values())):
        yield dict(zip(over, values, strict=True))


def is_id(value: Any) -> bool:
    """Whether something can be put into a path, or into a list of ids with commas."""
    return isinstance(value, str) and IN_A_PATH.fullmatch(value) is not None


def path_for(path: str, values: Mapping[str, Any]) -> str:
    """A path with its placeholders filled in.

    Raises:
        StreamError: The API did not send what the path needs.
    """
    sent = {name: value for name, value in values.items() if isinstance(value, str) and value}
    for name, value in sent.items():
        if f"{{{name}}}" in path and not is_id(value):
            raise StreamError(f"{path} cannot be asked for: no {name} looks like {plain(value)!r}")
    try:
        return path.format_map(sent)
    except KeyError as missing:
        raise StreamError(f"{path} cannot be asked for: the API sent no {missing}") from None
