"""The simulator's knobs over HTTP, and who may not turn them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
import requests

from tests.pinterest_api.client import Client, error

if TYPE_CHECKING:
    from tests.pinterest_api import Simulator

FORM = "application/x-www-form-urlencoded"


def test_control_over_http(sim: Simulator, client: Client) -> None:
    control = place(sim)
    board = sim.world.board_id(0)
    knobs = {
        "today": "2026-05-01",
        "remove_boards": [board],
        "faults": [{"path": "/pins$", "kind": "forbidden"}],
        "world": {"followers": 3, "scopes": ["boards:read", "pins:read", "user_accounts:read"]},
    }
    assert requests.post(control, json=knobs).status_code == 200
    assert sim.world.today == date(2026, 5, 1)
    assert error(client.get("/pins")) == (403, 29)
    assert error(client.get(f"/boards/{board}/pins")) == (404, 40)
    assert len(client.all("/user_account/followers")) == 3
    assert error(client.get("/media", page_size=0)) == (400, 1)
    assert error(client.get("/ad_accounts")) == (401, 3)
    state = requests.get(control).json()
    assert state["requests"] == 5
    assert state["paths"]["/v5/pins"] == 1
    assert state["faults"][0]["fired"] == 1
    assert "log" not in state
    log = requests.get(f"{control}?log").json()["log"]
    assert log[1:3] == [f"/v5/boards/{board}/pins", "/v5/user_account/followers"]
    assert log[3] == "/v5/media?page_size=0"
    assert requests.post(control, json={"revoke": True}).status_code == 200
    assert error(client.get("/boards")) == (401, 2)
    assert requests.post(control, json={"weather": "fine"}).status_code == 400


# -- a page in a developer's browser ----------------------------------------------------------------


def place(sim: Simulator, host: str = "127.0.0.1") -> str:
    return f"http://{host}:{sim.port}/_control"


@pytest.mark.parametrize("kind", ["text/plain", FORM, "multipart/form-data; boundary=x", None])
def test_what_a_page_may_send_unasked_turns_no_knob(sim: Simulator, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = requests.post(place(sim), data='{"latency": 60}', headers=headers)
    assert (answer.status_code, sim.latency) == (415, 0)
    assert "application/json" in answer.json()["error"]


def test_json_may_name_its_encoding(sim: Simulator) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert requests.post(place(sim), data='{"empty_pages": 2}', headers=headers).ok
    assert sim.pager.empty_pages == 2


@pytest.mark.parametrize(
    "origin", ["https://example.com", "null", "http://127.0.0.1", "https://127.0.0.1:{port}"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_page_of_another_origin_is_refused(sim: Simulator, method: str, origin: str) -> None:
    headers = {"Origin": origin.format(port=sim.port)}
    answer = requests.request(method, place(sim), json={"latency": 60}, headers=headers)
    assert (answer.status_code, sim.latency) == (403, 0)
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("host", ["example.com", "localhost.example.com", "192.0.2.1", "[", ""])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_name_that_was_led_to_this_machine_is_refused(
    sim: Simulator, method: str, host: str
) -> None:
    named = f"{host}:{sim.port}"
    headers = {"Host": named, "Origin": f"http://{named}"}  # to the browser it is its own
    answer = requests.request(method, place(sim), json={"latency": 60}, headers=headers)
    assert (answer.status_code, sim.latency) == (403, 0)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"])
def test_every_name_of_this_machine_will_do(sim: Simulator, host: str) -> None:
    named = f"{host}:{sim.port}"
    headers = {"Host": named, "Origin": f"http://{named}"}
    assert requests.post(place(sim), json={"empty_pages": 2}, headers=headers).ok
    assert sim.pager.empty_pages == 2
