"""Writes Singer messages to standard output, in order and in whole lines."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecWriter, enc_hook, serialize_jsonl
from singer_sdk.singerlib import RecordMessage, SchemaMessage

if TYPE_CHECKING:
    from collections.abc import Generator

    from singer_sdk.singerlib.encoding.simple import Message

logger = logging.getLogger("tap-pinterest")

FLUSH_AT = 1 << 16
"""Bytes after which records are handed to the target."""

LAST_LINE = 20.0
"""Seconds that a target has to take what is being written when a signal comes."""

encoder = msgspec.json.Encoder(enc_hook=enc_hook, decimal_format="number")


class Interrupted(BaseException):
    """A signal asked the command to end; in a run raised only between two whole lines."""

    def __init__(self, signum: int, then: str = "the next run goes on from the last state") -> None:
        super().__init__(f"Stopped by signal {signum}; {then}")
        self.number, self.exit_code = signum, 128 + signum


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
        self._heeded = False

    @contextlib.contextmanager
    def undisturbed(self) -> Generator[None]:
        """Hold signals back while lines are written.

        Raises:
            Interrupted: When a signal came meanwhile; after the line under way.
        """
        outer, self._undisturbed = self._undisturbed, True
        try:
            yield
        finally:
            self._undisturbed = outer
        if not outer:
            self._heed()

    def interrupt(self, signum: int) -> None:
        """End the run from a signal handler, between two lines.

        A target that takes nothing for `LAST_LINE` seconds is not waited for any longer: the
        process ends there, be it in the middle of a line.

        Raises:
            Interrupted: At once, unless lines are being written; then after the one under way.
        """
        self._signal = signum
        if self._undisturbed:
            self._set_deadline(LAST_LINE)
        else:
            self._heed()

    def _heed(self) -> None:
        if self._signal is not None and not self._heeded:
            self._heeded = True
            raise Interrupted(self._signal)

    def _set_deadline(self, seconds: float) -> None:
        """End the process after so many seconds; 0 takes it back."""
        # By a signal, as Python's main thread is stuck in a write then and hears nothing else.
        signal.signal(signal.SIGALRM, self._expire)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def _expire(self, *_: object) -> None:
        code = 128 + (self._signal or 0)
        # What reads the log may be stuck as well.
        signal.signal(signal.SIGALRM, lambda *_: os._exit(code))
        signal.setitimer(signal.ITIMER_REAL, 1)
        logger.error(
            "Stopped by signal %d; the target took nothing for %g seconds, so that the last line "
            "may be cut. The next run goes on from the last state that it confirmed.",
            self._signal,
            LAST_LINE,
        )
        os._exit(code)

    def write_record(self, before: bytes, record: dict[str, Any], after: bytes) -> None:
        """Write a record between two pieces of its message that are JSON already.

        Call it with signals held back (`undisturbed`).

        Raises:
            Interrupted: A signal has come; nothing of this record is written.
        """
        self._heed()
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
        self._heed()
        with self.undisturbed():
            self._buffer += line
            if not isinstance(message, RecordMessage) or len(self._buffer) > FLUSH_AT:
                self._flush()

    def flush(self) -> None:
        """Hand everything written so far to the target."""
        with self.undisturbed():
            self._flush()

    def _flush(self) -> None:
        if not self._buffer:
            return
        if self._signal is not None:
            self._set_deadline(LAST_LINE)
        with memoryview(self._buffer) as lines:
            written = 0
            while written < len(lines):  # where output is unbuffered a signal cuts a write short
                written += sys.stdout.buffer.write(lines[written:])
        self._buffer.clear()
        sys.stdout.buffer.flush()
        if self._signal is not None:
            self._set_deadline(0)
