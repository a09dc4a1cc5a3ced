"""What is shown: every text that leaves for a log, a terminal or a page goes through here.

No secret of this run is in it, nor anything that a terminal obeys: what the API, a file or a
redirect says may have been worded to do harm.
"""

from __future__ import annotations

import base64
import functools
import logging
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MASK = "***"

LONG = 12
"""Characters from which on a secret is masked inside of other words, too."""

ENOUGH = 128
"""Characters by which a longer secret is found; all that follows without a space is masked, too."""

BASE64_REST = "[A-Za-z0-9+/_-]?={0,2}"

SHORTEST_IN_BASE64 = 6
"""Bytes of a secret that is looked for in base64, where fewer are in other words by chance."""

SHORTEST = 4
"""Characters of a secret at least: what is shorter would mask half of what is said."""

LOOKED_AT = 10_000
"""Characters of a foreign text that are looked at at most."""

UNSURE = 9 * ENOUGH
"""Characters before a cut in which a secret may begin, each of its own written as `\\u0041`."""

MOST = 80
"""Characters of a foreign text that a sentence quotes."""


class _Secrets:
    """The secrets of this process, and what finds them however they are written."""

    def __init__(self) -> None:
        self._known: tuple[str, ...] = ()
        self._patterns: tuple[tuple[str, ...], list[re.Pattern[str]]] = ((), [])

    def keep(self, secret: str) -> None:
        if len(secret) >= SHORTEST and secret not in self._known:
            # Longer ones first: one may be a part of another.
            self._known = (*sorted((*self._known, secret), key=len, reverse=True),)

    def forget(self) -> None:
        self._known = ()

    def mask(self, text: str) -> str:
        known, patterns = self._patterns
        if known is not self._known:  # another thread may keep one meanwhile
            known = self._known
            patterns = [*map(_pattern, known)]
            self._patterns = known, patterns
        for pattern in patterns:
            text = pattern.sub(MASK, text)
        return text


_secrets = _Secrets()
forget_secrets = _secrets.forget


def keep_secret(*values: Any) -> None:
    """Let texts be masked from now on, wherever this process shows them; all else is ignored."""
    for value in values:
        if isinstance(value, str):
            _secrets.keep(value)


@functools.lru_cache(64)
def _pattern(secret: str) -> re.Pattern[str]:
    """Finds a secret plainly, in a URL, in JSON's escapes and inside of base64."""
    begin, raw = secret[:ENOUGH], secret[:ENOUGH].encode(errors="surrogatepass")
    # In base64 its last bits share a character with what follows.
    plain_rest, rest = (r"\S*", r"[A-Za-z0-9+/_=%\\-]*") if secret != begin else ("", BASE64_REST)
    plainly = (
        _plainly(begin) + plain_rest if len(secret) >= LONG else rf"(?<!\w){_plainly(begin)}(?!\w)"
    )
    encoded = _in_base64(raw) if len(raw) >= SHORTEST_IN_BASE64 else ()
    return re.compile("|".join((plainly, *(_plainly(text) + rest for text in encoded))))


def _plainly(text: str) -> str:
    """A pattern of a text whose characters may each be written as in a URL or in JSON."""
    return "".join(
        rf"(?:(?i:%{ord(char):02x})|\\u(?i:{ord(char):04x})|\\?{re.escape(char)})" for char in text
    )


def _in_base64(secret: bytes) -> Iterator[str]:
    """What a secret looks like within longer content in base64, at each place where it may begin.

    An HTTP header holds `id:secret` so. Characters that its neighbours have a part in are left out.
    """
    for lead in range(3):
        begin, end = -(-lead * 4 // 3), (lead + len(secret)) * 4 // 3
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(lead) + secret).decode()[begin:end]


def shown(text: str) -> str:
    """A text as it may be shown: on one line, secrets masked, nothing that a terminal obeys."""
    text = _secrets.mask(text)
    return text if text.isprintable() else "".join(map(_visible, text))


@functools.lru_cache(1024)
def _visible(char: str) -> str:
    if char.isprintable():
        return char
    return " " if char.isspace() else char.encode("unicode_escape").decode()


def plain(value: Any, most: int = MOST) -> str:
    """A foreign value in a sentence: short and on one line; of a container, what it is.

    Args:
        value: Anything that JSON can hold.
        most: Characters at most.
    """
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = str(value)
    # To look through all of what may have megabytes takes seconds.
    known = shown(text) if len(text) <= LOOKED_AT else shown(text[:LOOKED_AT])[:-UNSURE]
    text, more = " ".join(known.split()), len(text) > LOOKED_AT
    return text if len(text) <= most and not more else text[: most - 3] + "..."


# -- the log


class ShownRecord(logging.LogRecord):
    """A line of the log, whoever writes it and whatever formats it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.exc_info and self.exc_info[1]:
            error = _lookalike(self.exc_info[1])
            self.exc_info = (type(error), error, error.__traceback__)

    def getMessage(self) -> str:  # noqa: N802 - the name that the library looks for
        """The message, as it may be shown."""
        return shown(super().getMessage())


def _lookalike(error: BaseException) -> BaseException:
    """An error that is printed as this one is, and those that led to it, as it may be shown."""
    kind = type(error)
    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    other: BaseException = type(kind.__name__, (Exception,), names)(shown(str(error)))
    other.__traceback__ = error.__traceback__
    if error.__cause__ is not None:
        other.__cause__ = _lookalike(error.__cause__)
    elif error.__context__ is not None and not error.__suppress_context__:
        other.__context__ = _lookalike(error.__context__)
    return other


def guard_the_log() -> None:
    """Let every line of the log, of libraries too, be one that may be shown."""
    logging.setLogRecordFactory(ShownRecord)
