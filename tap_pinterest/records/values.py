"""Values: what a JSON value becomes in a field of a type, and which numbers and times are taken."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import msgspec

from tap_pinterest.bounds import CUT, DEEPEST
from tap_pinterest.records.secrets import is_secret, masked
from tap_pinterest.shown import plain

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_DIGITS = 4300
"""Digits of a number at most, written out: Python, and so most targets, reads no longer ones."""

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
"""A number as JSON writes it."""

DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([01][0-9]:[0-9]{2}|2[0-3]:[0-9]{2})(:[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?:Z|([+-][0-9]{2}):?([0-9]{2}))?)?",
    re.IGNORECASE,
)
"""A day alone, or a time to the minute or finer, with or without its zone."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_TEXT = re.compile(r"-?[0-9]{9,13}(?:\.[0-9]+)?")
"""Seconds or milliseconds since 1970 as text; what is shorter may be a year or a day: 20210608."""

MILLISECONDS_ABOVE = 10**11
"""Seconds since 1970 are fewer until the year 5138, milliseconds are more since 1973."""

MARKS = "--T::"
"""Every third character of a time to the second, from the fifth on."""

_encoder = msgspec.json.Encoder(decimal_format="number")


class Unfit(Exception):
    """A value cannot be turned into what the schema says without inventing something."""


class Oversized:
    """Stands for a number in an answer that is too large, too small or too long to be one.

    It stands for what lies too deep as well. It fits no type, so that its field becomes null and is
    told.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        if self._text == CUT.decode():
            return f"an object more than {DEEPEST} deep in others"
        return f"a number of absurd size ({self._text[:20]}…)"


def exact(text: str) -> Decimal | None:
    """A number in the form of JSON, with every digit; None for any other text or absurd size."""
    if len(text) > MOST_DIGITS or not NUMBER.fullmatch(text):
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent of more than 18 digits
        return None
    return number if -MOST_DIGITS < number.adjusted() < MOST_DIGITS else None


def described(value: Any) -> str:
    """A value in a sentence to the user; what is inside objects and lists may be a secret."""
    if isinstance(value, Oversized):
        return str(value)
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return f"{value}".lower()
    return f"the {'text' if isinstance(value, str) else 'number'} {plain(value, 40)!r}"


WALKED = frozenset({dict, list, Oversized})
"""Python types of values that may hold, or be, what must not leave."""


def clean(value: Any, odd: Callable[[str, Any], None], path: str = "", depth: int = DEEPEST) -> Any:
    """A value of which no schema says what is inside: secrets masked, odd parts null, in place.

    Args:
        value: Anything that JSON can hold.
        odd: Called with the path and the value of each part that becomes null: numbers of absurd
            size, and what lies too deep.
        path: The name of the value.
        depth: How many objects and lists may lie inside of each other.
    """
    kind = type(value)
    if kind is Oversized or (kind in WALKED and not depth):
        odd(path, value)
        return None
    if kind is dict:
        for name, part in value.items():
            if is_secret(name):
                value[name] = masked(part)
            elif type(part) in WALKED:
                value[name] = clean(part, odd, f"{path}.{name}", depth - 1)
    elif kind is list:
        for at, part in enumerate(value):
            if type(part) in WALKED:
                value[at] = clean(part, odd, path, depth - 1)
    return value


def _to_string(value: Any) -> str:
    if isinstance(value, float | Decimal) and value == (whole := int(value)):
        return str(whole)  # an id, which is the same however it is written
    return _encoder.encode(clean(value, _refuse)).decode()


def _to_number(value: Any) -> Decimal:
    number = exact(value if isinstance(value, str) else str(value)) if _is_plain(value) else None
    if number is None:
        raise Unfit
    return number


def _to_integer(value: Any) -> int:
    number = _to_number(value)
    if number != (whole := int(number)):
        raise Unfit
    return whole


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | float | Decimal)


def _to_boolean(value: Any) -> bool:
    known = {"true": True, "false": False, "1": True, "0": False}
    found = known.get(str(value).lower()) if isinstance(value, str | int) else None
    if found is None:
        raise Unfit
    return found


def _refuse(*_: Any) -> Any:
    raise Unfit


KINDS: dict[str, tuple[frozenset[type], Callable[[Any], Any]]] = {
    "string": (frozenset({str}), _to_string),
    "integer": (frozenset({int}), _to_integer),
    "number": (frozenset({int, float, Decimal}), _to_number),
    "boolean": (frozenset({bool}), _to_boolean),
    "object": (frozenset({dict}), _refuse),
    "array": (frozenset({list}), _refuse),
}
"""Per JSON type: the Python types that are one, and what makes one of other values or fails."""

TIMES = frozenset({str, int, float})
"""Python types of which a time may be made."""


def to_date_time(value: Any) -> str:
    """A time as ISO text with its zone; without one it is UTC, a day alone its midnight.

    Numbers, and such text, are seconds since 1970, or milliseconds where they are too large.

    Raises:
        Unfit: It is no time of the years 1 to 9999.
    """
    if not isinstance(value, str):
        return _from_epoch(value)
    found = DATE_TIME.fullmatch(value)
    if not found:
        if EPOCH_TEXT.fullmatch(value):
            return _from_epoch(Decimal(value))
        raise Unfit
    day, minute, second, hours, minutes = found.groups()
    time = f"{day}T{minute or '00:00'}{second or ':00'}"
    time += f"{hours}:{minutes}" if hours else "Z"
    try:
        datetime.fromisoformat(time).astimezone(UTC)
    except (ValueError, OverflowError):  # such as 0000-00-00
        raise Unfit from None
    return time


def to_date_time_fast(value: Any) -> str | None:
    """The usual form, a time to the second without a zone; None for any other."""
    if type(value) is str and len(value) == 19 and value[4::3] == MARKS:  # noqa: PLR2004
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return None
        return value + "Z"
    return None


def _from_epoch(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise Unfit
    number = Decimal(str(value))
    if abs(number) > MILLISECONDS_ABOVE:
        number /= 1000
    try:
        moment = EPOCH + timedelta(microseconds=int(number * 10**6))
    except (ValueError, OverflowError):
        raise Unfit from None
    return moment.isoformat().replace("+00:00", "Z")
