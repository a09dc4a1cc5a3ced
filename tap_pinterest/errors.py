"""What each failure means, and what is done about it.

One table, `RULES`, says for every answer that is not a success what the tap does. The first row
that fits wins. https://developers.pinterest.com/docs/reference/rate-limits/
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from tap_pinterest.shown import plain

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping


MOST_OF_A_MESSAGE = 8000
"""Characters of an error's message that are looked at: the wait that it names may come late."""


class TapError(Exception):
    """Something that the user must hear about; its text is a plain sentence for them."""


class TokenRejected(TapError):
    """The credentials do not work: nothing can be read, the run stops."""


class StreamError(TapError):
    """A stream cannot be read to its end; the other streams go on.

    Attributes:
        answer: The API's answer that this is about; None where it is about none.
    """

    def __init__(self, message: str, answer: Answer | None = None) -> None:
        super().__init__(message)
        self.answer = answer


class Refused(StreamError):
    """A definite answer to this request, which would be the same when it is sent again."""


class TooLarge(Refused):
    """An answer with more in it than is read at once; a smaller question is answered."""


class Forbidden(StreamError):
    """The account, the app or the token's scopes do not give access to the endpoint."""


class QuotaExhausted(StreamError):
    """The quota comes back later than the longest wait allowed."""


class TooLate(StreamError):
    """None of the days that were to be asked for is kept any more."""


class Gone(StreamError):
    """One object that was asked for is gone or not ours to see."""


class Withheld(Gone):
    """One object that was asked for is not ours to see."""


@contextlib.contextmanager
def as_described() -> Generator[None]:
    """Take apart an answer whose parts may be of other kinds than the API describes.

    Raises:
        StreamError: They are.
    """
    try:
        yield
    except (AttributeError, TypeError, LookupError, ValueError) as exc:
        raise StreamError("an answer was not what the API describes") from exc


class Transient(Exception):
    """The request may succeed when it is sent again.

    Attributes:
        wait: Seconds that the API asked for, or None where it did not say.
        answer: The API's answer; None where there was none, or none that could be read.
        most: Seconds to wait before the next try at most; with 0 or less there is none.
    """

    most = float("inf")

    def __init__(
        self, message: str, wait: float | None = None, answer: Answer | None = None
    ) -> None:
        super().__init__(message)
        self.wait = wait
        self.answer = answer


class Unanswered(Transient):
    """No whole answer came: the connection failed or broke off, or it took too long."""


class Unreached(Unanswered):
    """There was no connection: the name does not resolve, say, or nobody listens there."""


class Action(Enum):
    """What the tap does about an answer."""

    RETRY = "send it again after an exponential wait"
    THROTTLE = "send it again after the wait that the API names"
    REFRESH = "refresh the token once, then stop the run"
    SKIP = "skip that one board, pin or account; on a stream's own list: the stream is forbidden"
    FORBID = "the stream is forbidden; the others go on"
    EMPTY = "there is nothing to read"
    FAIL = "the stream fails; the others go on"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is not a success, as far as it can be read; `path` is what was asked for."""

    status: int
    code: int | None
    message: str
    headers: Mapping[str, str]
    path: str = ""

    @classmethod
    def read(cls, status: int, body: bytes, headers: Mapping[str, str], path: str = "") -> Answer:
        """Read an error body; of one that is not a JSON object only the status is known."""
        try:
            content = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            content = None
        if not isinstance(content, dict):
            return cls(status, None, "", headers, path)
        code = re.fullmatch(r"[0-9]{1,9}", str(content.get("code")))
        text = content.get("message") or content.get("error_description") or ""
        message = plain(str(text), MOST_OF_A_MESSAGE)
        return cls(status, int(code[0]) if code else None, message, headers, path)

    def __str__(self) -> str:
        code = "" if self.code is None else f" (code {self.code})"
        text = f"HTTP {self.status}{code}" + (f": {self.message[:300]}" if self.message else "")
        if self.status in REDIRECTS:
            text += ", a redirect; none is followed, so check `api_url`"
        return text


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table: an answer fits when all that the row names fits."""

    status: range | tuple[int, ...]
    action: Action
    code: int | None = None
    message: str = ""
    path: str = ""

    def fits(self, answer: Answer) -> bool:
        """Whether this row is about the answer."""
        return (
            answer.status in self.status
            and self.code in (None, answer.code)
            and re.search(self.message, answer.message, re.IGNORECASE) is not None
            and answer.path.startswith(self.path)
        )


RETRY_AFTER = r"retry after\s+(\d{1,9})[\d.]*\s+second"
REDIRECTS = range(300, 400)

RULES = (
    Rule((400, 429), Action.THROTTLE, message=RETRY_AFTER),
    Rule((429,), Action.FAIL, message="spam"),
    Rule((429,), Action.THROTTLE),
    Rule((400,), Action.RETRY, code=12),
    # Dates are cut before they are asked for, so this one is spurious; it follows quick calls.
    Rule((400,), Action.RETRY, message="last 90 days"),
    Rule((401,), Action.REFRESH, code=2),
    Rule((401,), Action.FORBID, code=3),
    # Only where these are answers to the question: elsewhere they would empty the user's table.
    Rule((404,), Action.EMPTY, code=30, path="/search/"),
    Rule((404,), Action.EMPTY, code=30, path="/users/"),
    Rule((409,), Action.EMPTY, code=4182, path="/catalogs"),
    Rule((401, 403, 404, 409), Action.SKIP),
    Rule((501,), Action.FAIL),
    Rule((408, *range(500, 600)), Action.RETRY),
    Rule(range(100, 600), Action.FAIL),
)


def action_for(answer: Answer) -> Action:
    """The action of the first row that fits; statuses outside of HTTP fail."""
    return next((rule.action for rule in RULES if rule.fits(answer)), Action.FAIL)


def wait_named_by(answer: Answer) -> float | None:
    """Seconds that the API asks to wait: in the message, else in a header, else None."""
    if found := re.search(RETRY_AFTER, answer.message, re.IGNORECASE):
        return float(found[1])
    # Every answer tells when the quota is full again; only a 429 says that this is the trouble.
    quota = ("x-ratelimit-reset",) if answer.status == 429 else ()  # noqa: PLR2004
    for header in (*quota, "retry-after"):
        if (seconds := leading_number(answer.headers.get(header))) is not None:
            return float(seconds)
    return None


def leading_number(header: str | None) -> int | None:
    """The number that a rate-limit header begins with: `60, 100;w=1` gives 60."""
    found = re.match(r"\s*(\d{1,9})", header or "")
    return int(found[1]) if found else None


def come_back_at(seconds: float, now: float) -> str:
    """The moment `seconds` after `now` (epoch seconds), as people write it."""
    moment = datetime.fromtimestamp(now, UTC) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%d %H:%M UTC")
