"""Quotas, latency, faults, the log and the knobs."""

from __future__ import annotations

import pathlib
import signal
import socket
import subprocess
import sys
import time
from typing import Any

import pytest
import requests

from tests.pinterest_api import (
    REFRESH_TOKEN,
    TOKEN,
    Simulator,
    World,
)
from tests.pinterest_api.client import TODAY, Client, ask_token, error

# -- quotas and latency -----------------------------------------------------------------------------


def test_quota_headers_and_429() -> None:
    quotas = {"org_read": (3, 60.0), "safety_net": (100, 1.0)}
    with Simulator(World(), quotas=quotas) as sim:
        client = Client(sim)
        with client.session:
            left = []
            for _ in range(3):
                answer = client.get("/boards")
                left.append(answer.headers["x-ratelimit-remaining"])
                assert answer.headers["x-ratelimit-limit"] == (
                    '3, 100;w=1;name="safety_net_app_id_user_id", '
                    '3;w=60;name="org_read_app_id_user_id"'
                )
                assert answer.headers["x-pinterest-rid"]
            assert left == ["2", "1", "0"]
            over = client.get("/pins")  # of the same category
            assert error(over) == (429, 8)
            assert 59 <= int(over.headers["x-ratelimit-reset"]) <= 60
            assert client.get("/user_account/followers").status_code == 200  # of another
            sim.advance(60)
            assert client.get("/boards").status_code == 200


def test_published_quotas_of_a_trial_app() -> None:
    with Simulator(World(tier="trial"), quotas="published") as sim:
        client = Client(sim)
        with client.session:
            answer = client.get("/boards")
            assert answer.headers["x-ratelimit-limit"].startswith("1000, 1000;w=86400;")
            assert int(answer.headers["x-ratelimit-reset"]) > 86_000
            assert not sim.world.bulk_analytics


def test_latency_is_waited_out_side_by_side(sim: Simulator) -> None:
    sim.latency = 1
    waiting = []
    begun = time.perf_counter()
    for _ in range(5):
        raw = socket.create_connection((sim.host, sim.port))
        raw.sendall(b"GET /v5/boards HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        waiting.append(raw)
    for raw in waiting:
        assert raw.recv(20).startswith(b"HTTP/1.1 401")
        raw.close()
    assert time.perf_counter() - begun >= 1
    assert sim.peak_in_flight == 5


# -- faults -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("rate_limited", {"reset": 7}, (429, 8)),
        ("cost_limited", {"seconds": 9}, (429, 2726)),
        ("throttled", {"seconds": 9}, (400, 1)),
        ("something_went_wrong", {}, (400, 12)),
        ("server_error", {"status": 503}, (503, 0)),
        ("unauthorized", {"code": 7}, (401, 7)),
        ("forbidden", {}, (403, 29)),
        ("not_found", {"code": 50}, (404, 50)),
        ("conflict", {}, (409, 4182)),
        ("last_90_days", {}, (400, 1)),
        ("status", {"status": 418, "code": 77}, (418, 77)),
    ],
)
def test_faults_that_answer(
    sim: Simulator, client: Client, kind: str, options: dict[str, Any], expected: tuple[int, int]
) -> None:
    fault = sim.faults.add(path="/boards$", kind=kind, **options)
    answer = client.get("/boards")
    assert error(answer) == expected
    if kind == "rate_limited":
        assert answer.headers["x-ratelimit-reset"] == "7"
    if kind in ("cost_limited", "throttled"):
        assert "Retry after 9 seconds" in answer.json()["message"]
    assert client.get("/boards").status_code == 200  # once
    assert (fault.matched, fault.fired) == (2, 1)


def test_when_faults_strike(sim: Simulator, client: Client) -> None:
    def statuses(count: int, path: str = "/boards", **params: Any) -> list[int]:
        return [client.get(path, **params).status_code for _ in range(count)]

    sim.faults.add(path="/boards$", kind="server_error", nth=2, times=2)
    assert statuses(5) == [200, 500, 500, 200, 200]
    sim.faults.clear()
    sim.faults.add(path="/boards$", kind="server_error", every=2)
    assert statuses(4) == [200, 500, 200, 500]
    sim.faults.clear()
    sim.faults.add(path="/boards$", kind="server_error", nth=2, times=None)
    assert statuses(4) == [200, 500, 500, 500]
    sim.faults.clear()
    sim.faults.add(kind="server_error", contains={"privacy": "SECRET"}, times=None)
    assert statuses(1) + statuses(1, privacy="SECRET") == [200, 500]
    sim.faults.add(kind="forbidden", when=lambda seen: ("page_size", "3") in seen.query)
    assert statuses(1, page_size=3) + statuses(1, page_size=4) == [403, 200]
    with pytest.raises(ValueError, match="unknown kind"):
        sim.faults.add(kind="earthquake")


def test_faults_of_the_connection(sim: Simulator, client: Client) -> None:
    sim.faults.add(kind="reset")
    with pytest.raises(requests.ConnectionError):
        client.get("/boards")
    sim.faults.add(kind="truncate")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.get("/boards")
    sim.faults.add(kind="hang")
    with pytest.raises(requests.Timeout):
        client.session.get(f"{sim.url}/boards", timeout=0.1)
    assert [seen.status for seen in sim.requests] == [None, None, None]
    sim.faults.add(kind="invalid_json")
    with pytest.raises(requests.JSONDecodeError):
        client.get("/boards").json()
    sim.faults.add(kind="server_error", body="html")
    assert client.get("/boards").headers["content-type"] == "text/html"
    sim.faults.add(kind="server_error", status=502, body="empty")
    assert client.get("/boards").content == b""
    sim.faults.add(kind="redirect", url="http://elsewhere.example/")
    assert client.get("/boards").headers["location"] == "http://elsewhere.example/"


def test_a_bookmark_that_leads_back(sim: Simulator, client: Client) -> None:
    sim.faults.add(path="/followers", nth=2, times=None, kind="bookmark_loop")
    first = client.get("/user_account/followers").json()["bookmark"]
    assert client.get("/user_account/followers", bookmark=first).json()["bookmark"] == first


def test_faults_of_the_token_endpoint(sim: Simulator) -> None:
    sim.faults.add(path="/oauth/token", kind="server_error", status=503)
    form = {"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN}
    assert ask_token(sim, **form).status_code == 503
    assert ask_token(sim, **form).status_code == 200  # the first one did not use the token up


# -- what is seen, and the knobs --------------------------------------------------------------------


def test_requests_are_remembered(sim: Simulator, client: Client) -> None:
    client.get("/boards", privacy="PUBLIC", page_size=5)
    client.get("/nothing")
    first, second = sim.requests
    assert (first.method, first.path, first.status) == ("GET", "/v5/boards", 200)
    assert first.query == [("privacy", "PUBLIC"), ("page_size", "5")]
    assert first.token == TOKEN
    assert "user-agent" in first.headers
    assert second.status == 404
    sim.clear()
    assert sim.requests == []


def test_as_a_process() -> None:
    command = [sys.executable, "-m", "tests.pinterest_api", "--port", "0", "--boards", "3"]
    command += ["--pins-per-board", "5,2", "--likes", "-1", "--today", TODAY.isoformat()]
    root = pathlib.Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("Pinterest simulator at http://127.0.0.1:")
        url = line.split()[-1]
        headers = {"Authorization": f"Bearer {TOKEN}"}
        boards = requests.get(f"{url}/boards", headers=headers).json()["items"]
        world = World(boards=3, pins_per_board=[5, 2], likes=None, today=TODAY)
        assert boards == list(world.all_boards())
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
