"""How records leave: made to fit their schema, freed of what is not selected, mapped, written."""

from __future__ import annotations

import contextlib
import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from singer_sdk.exceptions import MapExpressionError
from singer_sdk.mapper import SameRecordTransform

from tap_pinterest.records.shape import Record, Shape
from tap_pinterest.writer import encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tap_pinterest.kinds.stream import PinterestStream
    from tap_pinterest.writer import Writer


@contextlib.contextmanager
def mapping(stream: str) -> Generator[None]:
    """Say whose fault it is when the user's own expression fails on a record.

    Raises:
        MapExpressionError: It does.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as exc:
        raise MapExpressionError(f"stream {stream}: {exc}") from exc


class Emission:
    """Writes the records of one stream."""

    def __init__(
        self, stream: PinterestStream, writer: Writer, note: Callable[[str], None]
    ) -> None:
        self._stream = stream
        self._writer = writer
        self._note = note
        self._before = self._after = b""

    @functools.cached_property
    def _shape(self) -> Shape:
        mask = self._stream.mask
        return Shape(self._stream.effective_schema, lambda crumb: mask[crumb], self._note)

    def fit(self, records: list[Record]) -> None:
        """Make the values of records fit the schema, in place."""
        self._shape.conform_all(records)

    def begin_page(self, version: int | None) -> None:
        """Begin to write a page, whose records are stamped with this moment and a version."""
        stamp = b"" if version is None else b',"version":%d' % version
        name = encoder.encode(self._stream.name)
        self._before = b'{"type":"RECORD","stream":%s,"record":' % name
        self._after = b'%s,"time_extracted":%s}\n' % (stamp, encoder.encode(datetime.now(UTC)))
        self._writer.flush()

    @functools.cached_property
    def _unmapped(self) -> bool:
        """Whether no stream map and no flattening changes the records."""
        maps = self._stream.stream_maps
        return (
            len(maps) == 1
            and type(maps[0]) is SameRecordTransform
            and not maps[0].flattening_enabled
        )

    def write(self, record: Record, otherwise: Callable[[Record], None]) -> None:
        """Write a record, at once or the SDK's way where the user's maps change it."""
        self._shape.prune(record)
        if self._unmapped:
            self._writer.write_record(self._before, record, self._after)
            self._stream.state_manager.is_flushed = False
        else:
            with mapping(self._stream.name):
                otherwise(record)

    def close(self) -> None:
        """Tell how much did not fit."""
        if self._shape.unfit:
            self._note(f"{self._shape.unfit} values did not fit the schema and are null")
