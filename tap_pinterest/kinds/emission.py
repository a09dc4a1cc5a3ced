"""Emission: the last steps of a record, from the answer it came in to the line it leaves in."""

from __future__ import annotations

import ast
import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import msgspec
from singer_sdk.exceptions import MapExpressionError
from singer_sdk.mapper import CustomStreamMap, SameRecordTransform

from tap_pinterest import settings
from tap_pinterest.records.schemas import public_fields
from tap_pinterest.records.shape import UNKNOWN_FIELDS, Shape
from tap_pinterest.shown import plain
from tap_pinterest.writer import encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from singer_sdk import Stream
    from singer_sdk.mapper import StreamMap

    from tap_pinterest.records.decoding import Record
    from tap_pinterest.writer import Writer

FAILURES = (
    MapExpressionError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What an expression of the user may raise."""


def collected(config: Mapping[str, Any]) -> dict[str, str]:
    """The column for unknown fields and its type, where the settings ask for it."""
    return {UNKNOWN_FIELDS: "string"} if config.get(UNKNOWN_FIELDS) == "collect" else {}


class Emission:
    """Makes the records of one stream fit its schema, and writes them.

    A page goes through `fit` as a whole. Between that and `write` its records hold every field that
    the schema declares, selected or not, which is when children and filters look at them. `write`
    takes out what is not selected, and gives each stream map what it asks for.

    Args:
        stream: The stream; its catalog and its maps need not be there yet.
        writer: Where the lines go.
        record_type: Name of the file in `schemas/` that the stream's records follow.
        note: Called with a sentence about something the user should know, once each.
    """

    def __init__(
        self, stream: Stream, writer: Writer, record_type: str, note: Callable[[str], None]
    ) -> None:
        self._stream = stream
        self._writer = writer
        self._record_type = record_type
        self._note = note
        self._after = b""

    def fit(self, records: list[Record]) -> None:
        """Make records fit the schema, in place: types, times, secrets, null for what is absent.

        The list holds new records then: each has the declared fields, in the schema's order, and
        behind them those that no schema knows.
        """
        self._shape.conform_all(records)
        empty = self._empty
        records[:] = [empty | record for record in records]

    @property
    def unfit(self) -> int:
        """How many values did not fit their field so far and became null."""
        return self._shape.unfit

    def passes(self, record: Record) -> bool:
        """Whether the filter of the stream's own map lets a record pass, and so its children.

        Raises:
            MapExpressionError: The user's expression fails on the record.
        """
        own = self._stream.stream_maps[0]
        try:
            return own.get_filter_result(record)
        except FAILURES as exc:
            raise self._failure(own, record, exc) from exc

    def begin_page(self, version: int | None) -> None:
        """Set what the records of a page share: the moment, and the stream's version if any."""
        stamp = encoder.encode(datetime.now(UTC))
        tail = b"" if version is None else b',"version":%d' % version
        self._after = b'%s,"time_extracted":%s}\n' % (tail, stamp)

    def write(self, record: Record) -> None:
        """Write a record that was made to fit, once for each stream map that lets it pass.

        Call it with signals held back (`Writer.undisturbed`).

        Raises:
            MapExpressionError: The user's expression fails on the record.
        """
        shape = self._shape
        if shape.prunes:
            shape.prune(record)
        for stream_map, before, columns in self._outlets:
            if columns is None:
                self._writer.write_record(before, record, self._after)
            elif (line := self._mapped(stream_map, columns, record)) is not None:
                self._writer.write_record(before, cast("Record", msgspec.Raw(line)), self._after)
        self._stream.state_manager.is_flushed = False

    # -- what follows from the catalog and the settings

    @functools.cached_property
    def _shape(self) -> Shape:
        stream = self._stream
        mask, unknown = stream.mask, stream.config[UNKNOWN_FIELDS]
        if unknown == "keep" and any(columns is not None for *_, columns in self._outlets):
            unknown = "mapped"
        elif unknown == "collect" and not (
            UNKNOWN_FIELDS in self._empty and mask["properties", UNKNOWN_FIELDS]
        ):
            unknown = "lost"
        public = public_fields(self._record_type) | {(key,) for key in stream.primary_keys}
        return Shape(
            stream.effective_schema, lambda crumb: mask[crumb], self._note, unknown, public
        )

    @functools.cached_property
    def _empty(self) -> Record:
        """A record in which nothing came."""
        return dict.fromkeys(self._stream.effective_schema["properties"])

    @functools.cached_property
    def _outlets(self) -> list[tuple[StreamMap, bytes, Sequence[str] | None]]:
        """Per stream map: how its lines begin, and the columns of its SCHEMA.

        None instead of columns: records leave as they are, which is the quick way.
        """
        return [
            (
                stream_map,
                b'{"type":"RECORD","stream":%s,"record":' % encoder.encode(stream_map.stream_alias),
                None
                if type(stream_map) is SameRecordTransform and not stream_map.flattening_enabled
                else tuple(stream_map.transformed_schema.get("properties", ())),
            )
            for stream_map in self._stream.stream_maps
        ]

    # -- stream maps

    def _mapped(
        self, stream_map: StreamMap, columns: Sequence[str], record: Record
    ) -> bytes | None:
        """What a map makes of a record, as JSON with the columns of the SCHEMA and no others."""
        try:
            mapped = stream_map.transform(record)
            if mapped is None:
                return None
            get = mapped.get
            return encoder.encode({name: get(name) for name in columns})
        except FAILURES as exc:
            raise self._failure(stream_map, record, exc) from exc

    def _failure(self, stream_map: StreamMap, record: Record, exc: Exception) -> MapExpressionError:
        """A sentence that says where the user's expression failed, on what, and what helps."""
        stream = self._stream
        key = ", ".join(f"{name} {plain(record.get(name))}" for name in stream.primary_keys)
        where, what = f"stream {stream.name}", "the map"
        remedy = "Change it so that it works for this record, too."
        if isinstance(stream_map, CustomStreamMap) and (text := stream_map.expr_evaluator.expr):
            name = self._property_with(text)
            where, what = f"{where}, property {name}", f"`{text}`"
            if empty := _null_part(text, {"self": record.get(name), **record}):
                kinds = stream.effective_schema["properties"].get(empty, {}).get("type", "string")
                given = empty if "string" in kinds else f"{empty} is not None"
                whole = f"({text})" if isinstance(_parsed(text), ast.IfExp) else text
                otherwise = False if name == "__filter__" else None
                remedy = (
                    f"There `{empty}` is null: write `{whole} if {given} else {otherwise}`, or "
                    "what is right then."
                )
        cause = exc.__cause__ if isinstance(exc, MapExpressionError) and exc.__cause__ else exc
        return MapExpressionError(
            f"{where}: {what} fails for the record with {key} ({plain(cause)}). {remedy}"
        )

    def _property_with(self, expression: str) -> str:
        """The name in the user's maps of this stream that has the expression."""
        maps = settings.maps_of(self._stream.config.get("stream_maps") or {}, self._stream.name)
        for fields in maps.values():
            for name, text in fields.items() if isinstance(fields, dict) else ():
                if text == expression:
                    return str(name)
        return "?"


def _parsed(expression: str) -> ast.expr:
    return ast.parse(expression.strip(), mode="eval").body


def _null_part(expression: str, names: Mapping[str, Any]) -> str | None:
    """The first field in an expression that is null, as the expression names it."""
    for node in ast.walk(_parsed(expression)):
        if isinstance(node, ast.Name) and names.get(node.id, "") is None:
            return node.id
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Name)
            and node.value.id in ("_", "record")
            and isinstance(node.slice, ast.Constant)
            and names.get(str(node.slice.value), "") is None
        ):
            return ast.get_source_segment(expression, node)
    return None
