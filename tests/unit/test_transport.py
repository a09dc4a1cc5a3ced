"""The transport by itself, against the simulator: whose turn it is, what is counted and told."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tap_pinterest import clock
from tap_pinterest.errors import Forbidden, Gone, QuotaExhausted, Refused, StreamError, TapError
from tap_pinterest.network.auth import GivenToken
from tap_pinterest.network.transport import EMPTY_PAGE, Request, Transport
from tests.pinterest_api import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

BOARDS = Request("/boards", stream="boards")


def to(sim: Simulator, **settings: Any) -> Transport:
    return Transport(sim.url, GivenToken(TOKEN), user_agent="tests", **settings)


def asking(transport: Transport, request: Request) -> threading.Thread:
    """A thread that asks, whatever comes of it."""

    def ask() -> None:
        with contextlib.suppress(TapError):
            transport.get(request, bytes)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    return thread


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


# -- a query that is worded when its turn has come


def test_a_query_is_worded_after_the_wait_and_anew_with_each_try(sim: Simulator) -> None:
    asked: list[int] = []

    def query() -> tuple[tuple[str, str], ...]:
        asked.append(len(sim.requests))
        return (("page_size", str(len(asked))),)

    sim.faults.add(path="/v5/boards", kind="rate_limited", reset=1)
    to(sim).get(Request("/boards", query), bytes)
    assert asked == [0, 1]
    assert [seen.params() for seen in sim.requests] == [{"page_size": "1"}, {"page_size": "2"}]


def test_a_query_is_not_worded_while_others_go_first(sim: Simulator) -> None:
    """What is worded must not grow old behind the requests that go first."""
    hanging = sim.faults.add(path="/v5/boards", kind="hang")
    transport, worded = to(sim, concurrency=1), threading.Event()
    first = asking(transport, BOARDS)
    wait_for(lambda: hanging.fired)

    def query() -> tuple[tuple[str, str], ...]:
        worded.set()
        return ()

    second = asking(transport, Request("/pins", query))
    assert not worded.wait(0.3)
    sim.stop()
    first.join()
    second.join()
    assert worded.is_set()


def test_a_query_that_finds_nothing_left_to_ask_says_so(sim: Simulator) -> None:
    def query() -> tuple[tuple[str, str], ...]:
        raise StreamError("the days are over")

    with pytest.raises(StreamError, match="the days are over"):
        to(sim).get(Request("/boards", query), bytes)
    assert not sim.requests


# -- refusals


@pytest.mark.parametrize(
    ("fault", "request_", "kind", "answer"),
    [
        ({"kind": "status", "status": 400, "code": 1}, BOARDS, Refused, (400, 1)),
        ({"kind": "not_found"}, BOARDS, Refused, (404, 40)),
        ({"kind": "forbidden"}, BOARDS, Forbidden, (403, 29)),
        ({"kind": "not_found"}, BOARDS._replace(single=True), Gone, (404, 40)),
        ({"kind": "server_error"}, BOARDS, StreamError, (500, 0)),
    ],
)
def test_an_error_knows_the_answer_it_is_about(
    sim: Simulator,
    fault: dict[str, Any],
    request_: Request,
    kind: type[StreamError],
    answer: tuple[int, int],
) -> None:
    sim.faults.add(path="/v5/boards", times=None, **fault)
    with pytest.raises(kind) as refused:
        to(sim).get(request_, bytes)
    assert type(refused.value) is kind
    assert refused.value.answer is not None
    assert (refused.value.answer.status, refused.value.answer.code) == answer


@pytest.mark.parametrize("worded_late", [False, True])
def test_nothing_to_read_is_an_answer_to_the_first_page_only(
    sim: Simulator, worded_late: bool
) -> None:
    """In the middle of a list it would make a part of it the whole, and the rest be deleted."""
    sim.faults.add(path="/v5/search/pins", kind="not_found", code=30, times=None)
    transport = to(sim)
    first = (("query", "lamp"),)
    middle = (*first, ("bookmark", "a"))
    assert transport.get(Request("/search/pins", first), bytes) == EMPTY_PAGE
    with pytest.raises(Refused, match="404"):
        transport.get(Request("/search/pins", (lambda: middle) if worded_late else middle), bytes)


def test_an_error_without_an_answer_has_none(sim: Simulator) -> None:
    transport = to(sim)
    transport.get(BOARDS, bytes)
    sim.faults.add(path="/v5/boards", kind="reset", times=None)
    with pytest.raises(StreamError) as failed:
        transport.get(BOARDS, bytes)
    assert failed.value.answer is None


# -- what is counted and told


def test_requests_are_counted_for_their_streams(sim: Simulator) -> None:
    transport = to(sim)
    sim.faults.add(path="/v5/boards", kind="server_error")
    transport.get(BOARDS, bytes)
    transport.get(Request("/pins", stream="pins"), bytes)
    transport.get(Request("/user_account"), bytes)
    assert transport.requests == {"boards": 2, "pins": 1, "": 1}


def test_it_says_which_quota_is_waited_for_and_until_when(sim: Simulator) -> None:
    transport = to(sim)
    transport.get(BOARDS, bytes)
    assert transport.waiting() == []
    limited = sim.faults.add(path="/v5/boards", kind="rate_limited", reset=2)
    waiter = asking(transport, BOARDS)
    wait_for(lambda: limited.fired and transport.waiting())
    ((category, until),) = transport.waiting()
    assert category == "org_read"
    assert until == pytest.approx(clock.now() + 2, abs=1.5)
    waiter.join()
    assert transport.waiting() == []


def test_a_quota_that_nobody_wants_is_not_waited_for(sim: Simulator) -> None:
    sim.faults.add(path="/v5/boards", kind="rate_limited", reset=600)
    transport = to(sim, max_wait=1)
    with pytest.raises(QuotaExhausted):
        transport.get(BOARDS, bytes)
    assert transport.waiting() == []
