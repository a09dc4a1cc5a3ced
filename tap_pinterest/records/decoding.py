"""Decoding: the JSON of an answer as Python values, exact in every digit and bounded in size."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from tap_pinterest.bounds import TEXT, replaced, shallow
from tap_pinterest.records.values import MOST_DIGITS, Oversized, exact

if TYPE_CHECKING:
    from decimal import Decimal

Record = dict[str, Any]
T = TypeVar("T")

NOT_JSON = "it is not UTF-8"

TEXT_OR_NUMBER = re.compile(
    rf"{TEXT}|-?[0-9]++(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+".encode(), re.DOTALL
)


LONG = re.compile(rb"(?<![0-9])[0-9]{%d}" % MOST_DIGITS)


def _fraction(text: str) -> float | Decimal | Oversized:
    """A number with a fraction or an exponent: a float where that is exact, else a Decimal."""
    value = float(text)
    if repr(value) == text:
        return value
    number = exact(text)
    return Oversized(text) if number is None else number


_decoder = msgspec.json.Decoder(list[Record], float_hook=_fraction)
_one_decoder = msgspec.json.Decoder(Record, float_hook=_fraction)


def decode(items: msgspec.Raw | bytes) -> list[Record]:
    """Decode a JSON list of objects; a number of absurd size becomes an `Oversized`.

    Raises:
        msgspec.DecodeError: It is not a list of objects.
    """
    return _decode(_decoder, items)


def decode_one(body: bytes) -> Record:
    """Decode a JSON object, likewise.

    Raises:
        msgspec.DecodeError: It is not an object.
    """
    return _decode(_one_decoder, body)


def _decode(decoder: msgspec.json.Decoder[T], body: msgspec.Raw | bytes) -> T:
    try:
        try:
            return decoder.decode(body)
        except RecursionError:
            pass
        except msgspec.ValidationError:
            # Python, and msgspec with it, refuses integers of more than 4,300 digits.
            if not LONG.search(body):
                raise
        # The same answer may be too deep and have such numbers.
        body = replaced(TEXT_OR_NUMBER, shallow(bytes(body)), _as_oversized)
        return decoder.decode(body)
    except UnicodeDecodeError as exc:
        raise msgspec.DecodeError(NOT_JSON) from exc


def _as_oversized(found: re.Match[bytes]) -> bytes | None:
    """An integer that is too long, as a number that `_fraction` finds absurd; None for all else."""
    token = found[0]
    if len(token) >= MOST_DIGITS and token.lstrip(b"-").isdigit():
        return token[:20] + b"e%d" % (2 * MOST_DIGITS)
    return None
