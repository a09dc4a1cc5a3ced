"""Faults that change the real answer, or send it in their own time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from .client import Client, error, on

if TYPE_CHECKING:
    from tests.pinterest_api import Simulator


def test_a_member_of_an_answer_is_replaced(sim: Simulator, client: Client) -> None:
    sim.faults.add(path="/boards$", kind="member", name="items", value=[None])
    page = client.get("/boards", page_size=3).json()
    assert page["items"] == [None]
    assert page["bookmark"] == client.get("/boards", page_size=3).json()["bookmark"]


def test_one_pin_of_many_is_answered_oddly(sim: Simulator, client: Client) -> None:
    odd, other = (pin["id"] for pin in list(sim.world.all_pins())[:2])
    asked = {"start_date": on(9), "end_date": on(5), "metric_types": "SAVE"}
    sim.faults.add(path="/pins/analytics", kind="member", name=odd, value={"all": 5}, times=None)
    answer = client.get("/pins/analytics", pin_ids=[odd, other], **asked).json()
    assert answer[odd] == {"all": 5}
    assert answer[other] == client.get(f"/pins/{other}/analytics", **asked).json()
    assert odd not in client.get("/pins/analytics", pin_ids=[other], **asked).json()


def test_empty_pages_without_end(sim: Simulator, client: Client) -> None:
    sim.faults.add(path="/followers", kind="empty_page", nth=2, times=None)
    bookmark, seen = client.get("/user_account/followers").json()["bookmark"], set()
    for _ in range(9):
        page = client.get("/user_account/followers", bookmark=bookmark).json()
        assert page["items"] == []
        bookmark = page["bookmark"]
        seen.add(bookmark)
    assert len(seen) == 9


def test_days_that_are_not_there(sim: Simulator, client: Client) -> None:
    asked = {"start_date": on(9), "end_date": on(5)}
    sim.faults.add(path="analytics", kind="without_days", since=on(6))
    days = client.get("/user_account/analytics", **asked).json()["all"]["daily_metrics"]
    assert [day["date"] for day in days] == [on(9), on(8), on(7)]
    sim.faults.add(path="analytics", kind="without_days")
    answer = client.get("/user_account/analytics", split_field="SOURCE", **asked).json()
    assert [part["daily_metrics"] for part in answer.values()] == [[], []]


def test_a_board_that_is_too_long(sim: Simulator, client: Client) -> None:
    path = f"/boards/{sim.world.board_id(0)}/pins"
    sim.faults.add(path=path, kind="beyond_100_000_pins", nth=3, times=None)
    bookmark = None
    for _ in range(2):
        bookmark = client.get(path, page_size=10, bookmark=bookmark).json()["bookmark"]
    refused = client.get(path, page_size=10, bookmark=bookmark)
    assert error(refused) == (400, 1)
    assert refused.json()["message"] == "Pagination beyond 100.000 pins is not supported."


def test_an_answer_that_drips(sim: Simulator, client: Client) -> None:
    sim.faults.add(kind="drip")
    url = f"{sim.url}/user_account"
    with client.session.get(url, timeout=5, stream=True) as answer:
        assert int(answer.headers["content-length"]) > 100
        assert next(answer.iter_content(1)) == b"{"
        assert next(answer.iter_content(1)) == b'"'
    sim.stop()  # at once, whatever is still to be sent
    with pytest.raises(requests.ConnectionError):
        client.get("/user_account")
