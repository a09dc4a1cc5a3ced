"""What an endpoint is: where it answers, what it needs, which parameters it takes.

An endpoint is a function of (world, call) that returns what the answer is made of: a Lazy sequence
for a paged listing, or the JSON value itself. The server does everything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .world import World


class ApiError(Exception):
    """An answer other than 200: HTTP status, Pinterest's own code, and what it says."""

    def __init__(
        self, status: int, code: int, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The error as the API writes it."""
        return {"code": self.code, "message": self.message, "status": "failure"}


def invalid(message: str) -> ApiError:
    """The request cannot be understood."""
    return ApiError(400, 1, message)


NOT_PERMITTED = "You are not permitted to access that resource."


@dataclass(frozen=True, slots=True)
class Param:
    """One query parameter. `many`: "" once, "csv" commas in one value, "repeat" the key repeated."""

    parse: Callable[[str, str], Any]
    required: bool = False
    default: Any = None
    many: str = ""
    most: int = 1_000_000

    def read(self, name: str, values: list[str]) -> Any:
        """The parsed value or values; raises ApiError."""
        if not self.many:
            if len(values) > 1:
                raise invalid(f"Parameter '{name}' was given more than once.")
            return self.parse(name, values[0])
        if self.many == "csv":
            if len(values) > 1:
                raise invalid(f"Parameter '{name}' takes one comma-separated value.")
            values = values[0].split(",")
        if len(values) > self.most:
            raise invalid(f"Parameter '{name}' takes at most {self.most} values.")
        return [self.parse(name, value) for value in values]


def text(*, pattern: str = r"[\s\S]+", required: bool = False, **how: Any) -> Param:
    """Any text that matches the pattern as a whole."""
    shape = re.compile(pattern)

    def parse(name: str, value: str) -> str:
        if not shape.fullmatch(value):
            raise invalid(f"'{value}' does not match '^{pattern}$' for parameter '{name}'.")
        return value

    return Param(parse, required, **how)


def flag(*, default: bool = False) -> Param:
    """`true` or `false`, spelled so."""

    def parse(name: str, value: str) -> bool:
        if value not in ("true", "false"):
            raise invalid(f"Parameter '{name}' was not a boolean.")
        return value == "true"

    return Param(parse, default=default)


def number(lowest: int, highest: int, default: int | None = None) -> Param:
    """An integer within bounds."""

    def parse(name: str, value: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,18}", value):
            raise invalid(f"Parameter '{name}' was not numeric.")
        if not lowest <= int(value) <= highest:
            raise invalid(f"Parameter '{name}' must be between {lowest} and {highest}.")
        return int(value)

    return Param(parse, default=default)


def choice(options: Iterable[str], default: str | None = None, **how: Any) -> Param:
    """One of the options, or several with `many`."""
    known = tuple(options)

    def parse(name: str, value: str) -> str:
        if value not in known:
            raise invalid(f"'{value}' is not one of {list(known)} for parameter '{name}'.")
        return value

    return Param(parse, default=default, **how)


def day() -> Param:
    """A required date, YYYY-MM-DD."""

    def parse(name: str, value: str) -> date:
        try:
            # fromisoformat also takes 20250131 and 2025-W05-1.
            return date.fromisoformat(value if len(value) == 10 else "")
        except ValueError:
            raise invalid(f"Parameter '{name}' must be a date of the form YYYY-MM-DD.") from None

    return Param(parse, required=True)


BOOKMARK = text()
PAGE_SIZE = number(1, 250, 25)
AD_ACCOUNT_ID = text(pattern="[0-9]+")


@dataclass(slots=True)
class Call:
    """One request as an endpoint sees it; `call["name"]` is a path or query value, parsed."""

    values: dict[str, Any]
    scopes: frozenset[str]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


Handler = Callable[["World", Call], Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A row of the table of endpoints; see `endpoint` for the meaning of the fields."""

    method: str
    path: str
    handler: Handler
    scopes: tuple[str, ...]
    quota: str
    params: Mapping[str, Param]
    acts_as: bool
    path_params: Mapping[str, Param] = field(default_factory=dict)

    def parse(self, pairs: Iterable[tuple[str, str]], path: Mapping[str, str]) -> dict[str, Any]:
        """Path and query values by name, defaults filled in; raises ApiError."""
        given: dict[str, list[str]] = {}
        for name, value in pairs:
            given.setdefault(name, []).append(value)
        values: dict[str, Any] = {}
        for name, raw in path.items():
            values[name] = self.path_params.get(name, ID).read(name, [raw])
        for name in given:
            if name not in self.params:
                raise invalid(f"Unknown parameter '{name}'.")
        for name, param in self.params.items():
            if name in given:
                values[name] = param.read(name, given[name])
            elif param.required:
                raise invalid(f"Missing required parameter '{name}'.")
            else:
                values[name] = param.default
        return values


ID = text(pattern="[0-9]+")
ENDPOINTS: list[Endpoint] = []


def endpoint(
    method: str,
    path: str,
    *,
    scopes: tuple[str, ...],
    quota: str,
    params: Mapping[str, Param] | None = None,
    path_params: Mapping[str, Param] | None = None,
    acts_as: bool = True,
    paged: bool = True,
    page_size: bool = True,
) -> Callable[[Handler], Handler]:
    """Register an endpoint.

    Args:
        method: the HTTP method.
        path: below /v5, with {names}; these are ids unless `path_params` says otherwise.
        scopes: all of them are needed.
        quota: the rate-limit category that a request is counted in.
        params: query parameters; any other is refused.
        acts_as: takes `ad_account_id` and then answers for the owner of that ad account.
        paged: takes `bookmark`; the handler returns a Lazy sequence.
        page_size: takes `page_size` too; else pages hold 25 items.
    """

    def register(handler: Handler) -> Handler:
        takes = dict(params or {})
        if acts_as:
            takes["ad_account_id"] = AD_ACCOUNT_ID
        if paged:
            takes["bookmark"] = BOOKMARK
            if page_size:
                takes["page_size"] = PAGE_SIZE
        ENDPOINTS.append(
            Endpoint(method, path, handler, scopes, quota, takes, acts_as, path_params or {})
        )
        return handler

    return register


class Router:
    """Finds the endpoint of a path without trying every pattern."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._fixed: dict[str, dict[str, Endpoint]] = {}
        self._by_length: dict[int, list[tuple[tuple[str, ...], Endpoint]]] = {}
        for entry in endpoints:
            if "{" in entry.path:
                parts = tuple(entry.path.split("/"))
                self._by_length.setdefault(len(parts), []).append((parts, entry))
            else:
                self._fixed.setdefault(entry.path, {})[entry.method] = entry

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
        """The endpoint and the values in its path; raises ApiError 404 or 405."""
        known = False
        if path in self._fixed:
            known = True
            if entry := self._fixed[path].get(method):
                return entry, {}
        parts = path.split("/")
        for pattern, entry in self._by_length.get(len(parts), ()):
            pairs = zip(pattern, parts, strict=True)
            if all(want == have or want[:1] == "{" for want, have in pairs):
                known = True
                if entry.method == method:
                    return entry, {
                        want[1:-1]: have
                        for want, have in zip(pattern, parts, strict=True)
                        if want[:1] == "{"
                    }
        if known:
            raise ApiError(405, 5, "Method not allowed.")
        raise ApiError(404, 404, "Not found.")
