"""Faults on demand: which request goes wrong, when, and how."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .api import NOT_PERMITTED
from .quota import OVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .server import Seen

# Kinds that spoil the connection or the bytes of the answer.
WIRE_KINDS = frozenset({"reset", "hang", "truncate", "invalid_json", "drip"})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer given instead of the real one.

    `body` may be JSON, text, nothing, or a function that makes it for each request.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


def _error(status: int, code: int, message: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"code": code, "message": message, "status": "failure"}, named)


def rate_limited(reset: float = 1, *, message: str = OVER) -> Answer:
    """429 code 8 that names its wait in a header."""
    return _error(
        429,
        8,
        message,
        x_ratelimit_limit='60, 60;w=60;name="org_read_app_id_user_id"',
        x_ratelimit_remaining="0",
        x_ratelimit_reset=str(reset),
    )


def cost_limited(seconds: int = 1) -> Answer:
    """429 code 2726: the wait stands in the message."""
    return _error(429, 2726, f"Reporting query cost limit exceeded. Retry after {seconds} seconds.")


def throttled(seconds: int = 1) -> Answer:
    """400 that is a rate limit in disguise."""
    return _error(400, 1, f"Too many requests. Retry after {seconds} seconds.")


def something_went_wrong() -> Answer:
    """400 code 12, transient."""
    return _error(400, 12, "Something went wrong on our end. Sorry about that.")


def server_error(status: int = 500, *, body: str = "json") -> Answer:
    """5xx with a body that is "json", "html" or "empty"."""
    return {
        "json": _error(status, 0, "Unexpected error."),
        "html": Answer(
            status, "<html><body><h1>Bad gateway</h1></body></html>", {"content-type": "text/html"}
        ),
        "empty": Answer(status),
    }[body]


def unauthorized(code: int = 2) -> Answer:
    """401: 2 the token is dead, 3 it lacks permission, 7 not this board or pin."""
    return _error(
        401,
        code,
        {
            2: "Authentication failed.",
            3: "Your token does not have the permissions for this operation.",
            7: "Not authorized to access board or Pin.",
        }.get(code, "Unauthorized."),
    )


def forbidden() -> Answer:
    """403 code 29."""
    return _error(403, 29, NOT_PERMITTED)


def not_found(code: int = 40) -> Answer:
    """404: 40 board, 50 pin, 30 user."""
    what = {30: "User", 40: "Board", 50: "Pin"}.get(code, "Resource")
    return _error(404, code, f"{what} not found.")


def conflict(code: int = 4182) -> Answer:
    """409: no catalog, or a board section conflict."""
    return _error(409, code, "No existing catalog." if code == 4182 else "Conflict.")


def last_90_days() -> Answer:
    """The refusal that is right for old dates, and sometimes comes for young ones too."""
    return _error(400, 1, "You can only get data from the last 90 days.")


def beyond_100_000_pins() -> Answer:
    """The 400 that ends the listing of a large board; `nth` says after how many pages."""
    return _error(400, 1, "Pagination beyond 100.000 pins is not supported.")


def empty_page() -> Answer:
    """No items, and a bookmark that never came before; with `times=None` there is no end."""
    numbers = itertools.count()
    return Answer(200, lambda: {"items": [], "bookmark": f"more-{next(numbers)}"})


def redirect(url: str, *, status: int = 302) -> Answer:
    """Send the client somewhere else."""
    return Answer(status, None, {"location": url})


def status(
    status: int,
    *,
    body: Any = None,
    code: int = 0,
    message: str = "",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Any answer at all; `code` and `message` make an error body where `body` is not given."""
    if body is None and (code or message):
        body = {"code": code, "message": message, "status": "failure"}
    return Answer(status, body, dict(headers or {}))


KINDS: Mapping[str, Callable[..., Answer]] = {
    make.__name__: make
    for make in (
        rate_limited,
        cost_limited,
        throttled,
        something_went_wrong,
        server_error,
        unauthorized,
        forbidden,
        not_found,
        conflict,
        last_90_days,
        beyond_100_000_pins,
        empty_page,
        redirect,
        status,
    )
}

Edit = Callable[[Any, "Seen"], Any]


def bookmark_loop() -> Edit:
    """The page's own bookmark again."""

    def edit(page: Any, seen: Seen) -> Any:
        return page | {"bookmark": seen.params().get("bookmark") or page["bookmark"]}

    return edit


def member(name: str, value: Any) -> Edit:
    """Another value for a member that the answer has: "items" of a page, a Pin's id in bulk."""
    return lambda answer, _seen: answer | {name: value} if name in answer else answer


def without_days(since: str = "") -> Edit:
    """Analytics without the days from `since` (YYYY-MM-DD) on; without any by default."""

    def edit(answer: Any, seen: Seen) -> Any:
        if not isinstance(answer, dict):
            return answer
        return {
            name: [day for day in part if day["date"] < since]
            if name == "daily_metrics"
            else edit(part, seen)
            for name, part in answer.items()
        }

    return edit


EDITS: Mapping[str, Callable[..., Edit]] = {
    make.__name__: make for make in (bookmark_loop, member, without_days)
}
"""Kinds that change the real answer."""


@dataclass(slots=True)
class Fault:
    """One rule. `matched` and `fired` count, for tests to look at."""

    path: re.Pattern[str]
    kind: str
    answer: Answer | None
    edit: Edit | None
    method: str | None
    when: Callable[[Seen], bool] | None
    nth: int | None
    every: int | None
    times: int | None
    matched: int = 0
    fired: int = 0

    def strikes(self, seen: Seen) -> bool:
        """Whether this request goes wrong; counts it."""
        if self.method not in (None, seen.method) or not self.path.search(seen.path):
            return False
        if self.when and not self.when(seen):
            return False
        self.matched += 1
        if self.times is not None and self.fired >= self.times:
            return False
        if self.every is not None and self.matched % self.every:
            return False
        if self.nth is not None and self.matched < self.nth:
            return False
        self.fired += 1
        return True


class Faults:
    """The rules in force; the first one that strikes decides."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []

    def add(
        self,
        *,
        kind: str,
        path: str = "",
        method: str | None = None,
        nth: int | None = None,
        every: int | None = None,
        times: int | str | None = "default",
        when: Callable[[Seen], bool] | None = None,
        contains: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Fault:
        """Add a rule.

        Args:
            kind: a name in KINDS or EDITS, with its arguments among `options`; or one of WIRE_KINDS:
                reset (connection closed at once), hang (never answers), truncate (body shorter than
                its Content-Length), drip (a byte every tenth of a second), invalid_json.
            path: regular expression, searched in the wire path ("/v5/boards").
            method: only this HTTP method.
            nth: begin with the nth request that matches, counted from 1.
            every: only each so-manieth request that matches.
            times: how often; None: for ever. Default: once, and for ever with `every`.
            when: only requests for which this holds.
            contains: only requests with these (name, value) pairs in the query.
            options: what the kind takes, e.g. kind="rate_limited", reset=2.
        """
        known = [*KINDS, *EDITS, *WIRE_KINDS]
        if kind not in known:
            raise ValueError(f"unknown kind of fault {kind!r}; known: {known}")
        if kind in WIRE_KINDS and options:
            raise TypeError(f"{kind} takes no {[*options]}")
        if contains:
            pairs, before = set(contains.items()), when

            def when(seen: Seen) -> bool:
                return pairs <= set(seen.query) and (before is None or before(seen))

        rule = Fault(
            path=re.compile(path),
            kind=kind,
            answer=KINDS[kind](**options) if kind in KINDS else None,
            edit=EDITS[kind](**options) if kind in EDITS else None,
            method=method,
            when=when,
            nth=nth,
            every=every,
            times=(None if every else 1) if isinstance(times, str) else times,
        )
        self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Remove all rules."""
        self._rules = []

    def pick(self, seen: Seen) -> Fault | None:
        """The rule that strikes this request, if any; later rules do not see it then."""
        for rule in tuple(self._rules):
            if rule.strikes(seen):
                return rule
        return None

    def __len__(self) -> int:
        return len(self._rules)

    def __iter__(self) -> Iterator[Fault]:
        return iter(tuple(self._rules))
