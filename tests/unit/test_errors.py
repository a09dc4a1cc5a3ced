"""The error table, row by row: what each answer means, how long it is waited, and no dead row."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_pinterest.errors import (
    RULES,
    Action,
    Answer,
    action_for,
    come_back_at,
    leading_number,
    wait_named_by,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

NOON = 1_773_144_000  # 2026-03-10 12:00 UTC
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
LIMITS = {
    "x-ratelimit-limit": '60, 100;w=1;name="safety_net", 60;w=60;name="org_analytics"',
    "x-ratelimit-remaining": "0",
    "x-ratelimit-reset": "38",
}


@dataclass(frozen=True)
class Example:
    """An answer as it was seen in the wild, and what must be done about it."""

    action: Action
    status: int
    code: Any = None
    message: str = ""
    wait: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = "/boards"
    body: bytes | None = None

    def answer(self) -> Answer:
        body = self.body
        if body is None:
            body = json.dumps(
                {"code": self.code, "message": self.message, "status": "failure"}
            ).encode()
        return Answer.read(self.status, body, self.headers, self.path)


OVER = "This request exceeded a rate limit. This can happen if the client exceeds one …"
EXAMPLES = {
    "429 code 8": Example(Action.THROTTLE, 429, 8, OVER, 38, LIMITS),
    "429 code 8 without headers": Example(Action.THROTTLE, 429, 8, OVER),
    "429 code 30 of a write": Example(Action.THROTTLE, 429, 30, OVER, 38, LIMITS),
    "429 code 7 of a fixture": Example(Action.THROTTLE, 429, 7, "", 2, {"retry-after": "2"}),
    "429 whose message names the wait": Example(
        Action.THROTTLE,
        429,
        2726,
        "Reporting query cost limit exceeded. Retry after 600 seconds.",
        600,
        LIMITS,
    ),
    "429 with HTML": Example(Action.THROTTLE, 429, wait=38, headers=LIMITS, body=HTML),
    "429 with a date": Example(
        Action.THROTTLE, 429, headers={"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}
    ),
    "429 spam": Example(
        Action.FAIL, 429, 8, "Your request was blocked: it looks like SPAM.", 38, LIMITS
    ),
    "400 throttling in disguise": Example(
        Action.THROTTLE, 400, 1, "Too many requests. retry after 7 Seconds", 7, LIMITS
    ),
    "400 throttling over lines": Example(
        Action.THROTTLE, 400, 1, "Slow down.\nRetry  after\n1 second please", 1
    ),
    "400 throttling for a fraction": Example(
        Action.THROTTLE, 400, 1, "Retry after 12.5 seconds", 12
    ),
    "400 code 12": Example(
        Action.RETRY, 400, 12, "Something went wrong on our end. Sorry!", None, LIMITS
    ),
    "400 code 12 as text": Example(Action.RETRY, 400, "12", "Something went wrong on our end."),
    "400 last 90 days": Example(
        Action.RETRY, 400, 1, "You can only get data from the last 90 days."
    ),
    "400 validation": Example(Action.FAIL, 400, 1, "Parameter 'page_size' was not numeric."),
    "400 placeholder": Example(Action.FAIL, 400, 400, "Invalid analytics parameters."),
    "400 that is no retry": Example(Action.FAIL, 400, 1, "Do not retry after midnight."),
    "400 with HTML": Example(Action.FAIL, 400, body=HTML),
    "401 dead token": Example(Action.REFRESH, 401, 2, "Authentication failed."),
    "401 dead token as text": Example(Action.REFRESH, 401, "2", "Authentication failed."),
    "401 missing scope": Example(Action.FORBID, 401, 3, "Missing: ['boards:read_secret']."),
    "401 restricted feature": Example(
        Action.FORBID, 401, 3, "Your application does not have access to this restricted feature."
    ),
    "401 not this Pin": Example(Action.SKIP, 401, 7, "Not authorized to access board or Pin."),
    "401 not permitted": Example(Action.SKIP, 401, 29, "You are not permitted to access that."),
    "401 of a proxy": Example(Action.SKIP, 401, body=HTML),
    "403 not permitted": Example(Action.SKIP, 403, 29, "You are not permitted to access that."),
    "403 placeholder": Example(Action.SKIP, 403, 403, "Not authorized."),
    "403 account under review": Example(Action.SKIP, 403, 2626, "Account is under review."),
    "404 board": Example(Action.SKIP, 404, 40, "Board not found."),
    "404 Pin": Example(Action.SKIP, 404, 50, "Pin not found."),
    "404 section": Example(Action.SKIP, 404, 2031, "Board section not found."),
    "404 nothing said": Example(Action.SKIP, 404, body=b""),
    "404 no user in a search": Example(
        Action.EMPTY, 404, 30, "User not found.", path="/search/pins"
    ),
    "404 no user for interests": Example(
        Action.EMPTY, 404, 30, "User not found.", path="/users/me/interests/follow"
    ),
    "404 no user elsewhere": Example(Action.SKIP, 404, 30, "User not found.", path="/pins"),
    "409 no catalog": Example(
        Action.EMPTY, 409, 4182, "No existing catalog.", path="/catalogs/feeds"
    ),
    "409 no catalog elsewhere": Example(Action.SKIP, 409, 4182, "No catalog.", path="/boards"),
    "409 section conflict": Example(Action.SKIP, 409, 409, "Conflict."),
    "405": Example(Action.FAIL, 405, 5, "Method not allowed."),
    "408": Example(Action.RETRY, 408),
    "500": Example(Action.RETRY, 500, 0, "Unexpected error.", None, LIMITS),
    "502 with HTML": Example(Action.RETRY, 502, body=HTML),
    "503 code 4197": Example(Action.RETRY, 503, 4197, "Service unavailable."),
    "503 with Retry-After": Example(
        Action.RETRY, 503, wait=5, headers={"retry-after": "5", **LIMITS}, body=HTML
    ),
    "504 with nothing": Example(Action.RETRY, 504, body=b""),
    "599 of a proxy": Example(Action.RETRY, 599),
    "501 code 4181": Example(Action.FAIL, 501, 4181, "Not implemented."),
    "redirect": Example(Action.FAIL, 302, body=b"", headers={"location": "https://example.com"}),
    "204": Example(Action.FAIL, 204, body=b""),
    "no HTTP status at all": Example(Action.FAIL, 999, body=b""),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_answer_means_one_thing(name: str) -> None:
    example = EXAMPLES[name]
    answer = example.answer()
    assert action_for(answer) is example.action
    assert wait_named_by(answer) == example.wait


def test_no_row_is_dead_and_every_row_decides_something() -> None:
    deciding = [
        next((rule for rule in RULES if rule.fits(example.answer())), None)
        for example in EXAMPLES.values()
    ]
    assert [rule for rule in RULES if rule not in deciding] == []
    without = [
        rule
        for rule in RULES
        if all(
            next((r.action for r in RULES if r is not rule and r.fits(e.answer())), Action.FAIL)
            is e.action
            for e in EXAMPLES.values()
        )
    ]
    # The last row says what the function says for answers that no row is about.
    assert without == [RULES[-1]]


def test_every_action_is_used() -> None:
    assert {rule.action for rule in RULES} == set(Action)


@pytest.mark.parametrize(
    ("header", "number"),
    [
        ("100", 100),
        ("100, 100;w=1, 1000;w=60", 100),
        ('60, 100;w=1;name="safety_net_app_id_user_id", 60;w=60;name="org_analytics"', 60),
        (" 7 ", 7),
        ("1.9", 1),
        ("0", 0),
        ("9" * 5000, 999_999_999),
        ("-1", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_headers_hold_several_values(header: str | None, number: int | None) -> None:
    assert leading_number(header) == number


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b'{"code": 8, "message": "Slow"}', 8, "Slow"),
        (b'{"code": "8", "message": "Slow"}', 8, "Slow"),
        (b'{"code": 8.0, "message": "Slow"}', None, "Slow"),
        (b'{"code": true, "message": ["a", 1]}', None, "['a', 1]"),
        (b'{"code": null}', None, ""),
        (b'{"code": {"a": 1}, "message": null}', None, ""),
        (b'{"code": -1, "message": 5}', None, "5"),
        (b'{"error": "invalid_grant", "error_description": "It is old"}', None, "It is old"),
        (b'{"code": 1, "message": "two\\nlines\\r\\n and\\ttabs"}', 1, "two lines and tabs"),
        (b"[]", None, ""),
        (b'[{"code": 8}]', None, ""),
        (b'"Slow"', None, ""),
        (b"8", None, ""),
        (b"null", None, ""),
        (b"", None, ""),
        (b" ", None, ""),
        (b"\xff\xfe", None, ""),
        (b'{"message": "\xff"}', None, ""),
        (b'{"code": 8', None, ""),
        (HTML, None, ""),
        (b"[" * 100_000, None, ""),
    ],
)
def test_bodies_are_not_always_what_is_documented(
    body: bytes, code: int | None, message: str
) -> None:
    answer = Answer.read(500, body, {})
    assert (answer.code, answer.message) == (code, message)


@given(
    st.integers(100, 599),
    st.binary() | st.builds(lambda value: json.dumps(value).encode(), st.dictionaries(
        st.sampled_from(["code", "message", "error_description", "x"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()),
    )),
    st.dictionaries(
        st.sampled_from(["x-ratelimit-reset", "retry-after", "x-ratelimit-limit"]), st.text()
    ),
)  # fmt: skip
def test_any_answer_has_an_action_and_one_line(
    status: int, body: bytes, headers: dict[str, str]
) -> None:
    answer = Answer.read(status, body, headers, "/boards")
    assert isinstance(action_for(answer), Action)
    wait = wait_named_by(answer)
    assert wait is None or 0 <= wait < 10**9
    assert come_back_at(wait or 0, NOON) >= "2026-03-10 12:00 UTC"
    assert len(str(answer).splitlines()) == 1
    assert len(str(answer)) < 500


def test_what_is_said_of_an_answer() -> None:
    def said(status: int, **body: Any) -> str:
        return str(Answer.read(status, json.dumps(body).encode() if body else b"", {}))

    assert said(502) == "HTTP 502"
    assert said(404, code=40, message="Board not found.") == "HTTP 404 (code 40): Board not found."
    assert said(400, message="x" * 5000) == "HTTP 400: " + "x" * 300
    assert "redirect" in said(307)
    assert "`api_url`" in said(307)


def test_a_wait_in_a_long_message_is_found() -> None:
    answer = Answer.read(
        429, json.dumps({"message": "x" * 5000 + " Retry after 9 seconds"}).encode(), {}
    )
    assert wait_named_by(answer) == 9


def test_the_time_to_come_back() -> None:
    assert come_back_at(6 * 3600, NOON) == "2026-03-10 18:00 UTC"
    assert come_back_at(86_400 * 365, NOON) == "2027-03-10 12:00 UTC"
