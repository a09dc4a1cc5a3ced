"""Writes Singer messages to standard output, in order and in whole lines."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecWriter, enc_hook, serialize_jsonl
from singer_sdk.singerlib import RecordMessage, SchemaMessage

if TYPE_CHECKING:
    from collections.abc import Generator

    from singer_sdk.singerlib.encoding.simple import Message

FLUSH_AT = 1 << 16
"""Bytes after which records are handed to the target."""

encoder = msgspec.json.Encoder(enc_hook=enc_hook, decimal_format="number")


class Interrupted(BaseException):
    """A signal asked the run to end; raised only between two whole lines."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"Stopped by signal {signum}")
        self.exit_code = 128 + signum


class Writer(MsgSpecWriter):
    """Buffers records until the next message of another kind, and repeats no SCHEMA.

    A child stream is synced once per batch of parents, each time with the same SCHEMA, on which
    targets flush: only the first and changed ones are written.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._schemas: dict[str, bytes] = {}
        self._undisturbed = False
        self._signal: int | None = None

    @contextlib.contextmanager
    def undisturbed(self) -> Generator[None]:
        """Hold signals back while lines are written.

        Raises:
            Interrupted: At the end, when a signal came meanwhile.
        """
        outer, self._undisturbed = self._undisturbed, True
        try:
            yield
        finally:
            self._undisturbed = outer
        if self._signal is not None and not outer:
            signum, self._signal = self._signal, None
            raise Interrupted(signum)

    def interrupt(self, signum: int) -> None:
        """End the run from a signal handler, between two lines.

        Raises:
            Interrupted: At once, unless lines are being written; then after them.
        """
        if not self._undisturbed:
            raise Interrupted(signum)
        self._signal = signum

    def write_record(self, before: bytes, record: dict[str, Any], after: bytes) -> None:
        """Write a record between two pieces of its message that are JSON already.

        Call it with signals held back (`undisturbed`).
        """
        buffer = self._buffer
        buffer += before
        encoder.encode_into(record, buffer, -1)
        buffer += after
        if len(buffer) > FLUSH_AT:
            self._flush()

    def write_message(self, message: Message) -> None:
        """Write a message; all but records go out at once."""
        line = bytes(serialize_jsonl(message.to_dict()))
        if isinstance(message, SchemaMessage):
            if self._schemas.get(message.stream) == line:
                return
            self._schemas[message.stream] = line
        with self.undisturbed():
            self._buffer += line
            if not isinstance(message, RecordMessage) or len(self._buffer) > FLUSH_AT:
                self._flush()

    def flush(self) -> None:
        """Hand everything written so far to the target."""
        with self.undisturbed():
            self._flush()

    def _flush(self) -> None:
        if self._buffer:
            sys.stdout.buffer.write(self._buffer)
            self._buffer.clear()
            sys.stdout.buffer.flush()
