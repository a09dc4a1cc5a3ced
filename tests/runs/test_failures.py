"""What goes wrong costs what it must and no more, and the run tells the truth about it."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_pinterest.network import retry, transport
from tests.fault_harness import Time
from tests.harness import FOUNDATION, Run, expected, run_tap
from tests.pinterest_api import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

SEARCHES = ["search_boards", "search_pins"]  # which nobody asks for without queries
BOARDS = ["boards.*", "board_pins.*"]


def truth(run: Run, *failed: str) -> None:
    """An incomplete run: non-zero, no traceback, and the last line names what failed."""
    assert run.exit_code == 1, run.log
    assert run.crash is None
    assert "Traceback" not in run.log
    assert "ERROR" in run.last_line
    named = run.last_line.partition("last state.")[2]
    for stream in FOUNDATION:
        assert bool(re.search(rf"(^|\| ) ?{stream}( \(needs [^)]*\))?: ", named)) == (
            stream in failed
        ), (stream, named)
    assert not {stream for stream, _ in run.activate_versions} & set(failed)
    assert run.of("STATE"), "the state was not written"


def whole(run: Run, sim: Simulator, *streams: str, **settings: Any) -> None:
    """These streams were read to the end."""
    for stream in streams:
        assert run.records(stream) == expected(sim.world, stream, **settings), stream
    assert set(streams) <= {stream for stream, _ in run.activate_versions}


# -- one board


@pytest.mark.parametrize("what", ["gone_boards", "forbidden_boards"])
def test_one_lost_board_costs_that_board(simulate: Callable[..., Simulator], what: str) -> None:
    sim = simulate(pins_per_board=3)
    lost = sim.world.board_id(3)
    everything = expected(sim.world, "board_pins")
    getattr(sim.world, what).add(lost)
    run = run_tap(sim, select=FOUNDATION).ok()
    assert run.records("board_pins") == [r for r in everything if r["board_id"] != lost]
    whole(run, sim, "boards", "pins", "likes")
    told = [line for line in run.warnings if "is skipped:" in line and lost in line]
    assert len(told) == 1
    assert "HTTP 404" in told[0] if what == "gone_boards" else "HTTP 403" in told[0]
    assert sim.paths()[f"/v5/boards/{lost}/pins"] == 1, "a final answer was asked for again"


@pytest.mark.parametrize(
    ("status", "code"), [(401, 7), (401, 29), (403, 29), (403, 403), (404, 40), (404, 404)]
)
def test_all_faces_of_a_lost_board(
    simulate: Callable[..., Simulator], status: int, code: int
) -> None:
    sim = simulate(boards=4, pins_per_board=2)
    lost = sim.world.board_id(1)
    sim.faults.add(
        kind="status",
        path=f"/boards/{lost}/pins",
        times=None,
        status=status,
        code=code,
        message="no",
    )
    run = run_tap(sim, select=BOARDS).ok()
    assert run.records("board_pins") == [
        r for r in expected(sim.world, "board_pins") if r["board_id"] != lost
    ]


def test_many_lost_boards_are_counted(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(boards=40, pins_per_board=1)
    sim.world.gone_boards |= {sim.world.board_id(i) for i in range(2, 37)}
    run = run_tap(sim, select=BOARDS).ok()
    assert len(run.said("board_pins", "is skipped:")) == 10
    assert run.said("WARNING", "35 objects were skipped in all")
    assert {record["board_id"] for record in run.records("board_pins")} == {
        board["id"] for board in sim.world.all_boards()
    } - sim.world.gone_boards


def test_a_board_lost_between_its_pages(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(boards=2, pins_per_board=[300, 2], likes=None)
    lost = sim.world.board_id(0)
    sim.faults.add(kind="not_found", path=f"/boards/{lost}/pins", nth=2, times=None)
    run = run_tap(sim, select=BOARDS).ok()
    assert len(run.records("board_pins")) == 250 + sum(
        sim.world.pins_on(i) for i in range(1, sim.world.board_total)
    )
    assert run.said("WARNING", lost, "is skipped")
    assert [stream for stream, _ in run.activate_versions] == ["boards"]


@pytest.mark.parametrize("fault", [{"kind": "server_error"}, {"kind": "status", "status": 418}])
def test_a_broken_board_costs_the_green_and_no_other_board(
    simulate: Callable[..., Simulator], fault: dict[str, Any]
) -> None:
    sim = simulate(boards=6, pins_per_board=2)
    broken = sim.world.board_id(2)
    sim.faults.add(path=f"/boards/{broken}/pins", times=None, **fault)
    run = run_tap(sim, select=FOUNDATION)
    truth(run, "board_pins")
    assert run.records("board_pins") == [
        r for r in expected(sim.world, "board_pins") if r["board_id"] != broken
    ]
    whole(run, sim, *(set(FOUNDATION) - {"board_pins", *SEARCHES}))


# -- what passes


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "server_error"},
        {"kind": "server_error", "status": 503, "body": "html"},
        {"kind": "server_error", "status": 502, "body": "empty"},
        {"kind": "status", "status": 500, "body": b'{"message":"\xff"}'},
        {"kind": "status", "status": 408},
        {"kind": "status", "status": 200, "body": b'{"items":[],"bookmark":"\xff"}'},
        {"kind": "status", "status": 200, "body": {"things": []}},
        {"kind": "rate_limited", "reset": 0},
        {"kind": "status", "status": 429, "code": 8, "headers": {"x-ratelimit-reset": ""}},
        {"kind": "cost_limited", "seconds": 0},
        {"kind": "throttled", "seconds": 0},
        {"kind": "something_went_wrong"},
        {"kind": "last_90_days"},
        {"kind": "reset"},
        {"kind": "truncate"},
        {"kind": "invalid_json"},
    ],
    ids=lambda fault: "-".join(str(value)[:20] for value in fault.values()),
)
def test_what_passes_is_tried_again(
    simulate: Callable[..., Simulator], fault: dict[str, Any]
) -> None:
    sim = simulate(boards=8, pins_per_board=[260, 2])
    rule = sim.faults.add(every=3, **fault)
    run = run_tap(sim, select=FOUNDATION).ok()
    assert rule.fired > 5
    whole(run, sim, *(set(FOUNDATION) - {*SEARCHES}))
    assert "pina_" not in run.log
    assert run.said("try 2 follows")


def test_the_named_wait_is_kept(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(boards=2)
    sim.faults.add(kind="rate_limited", path="/boards$", reset=1)
    run_tap(sim, select=["boards.*"]).ok()
    first, second = (seen for seen in sim.requests if seen.path == "/v5/boards")
    assert second.began - (first.ended or 0) >= 1


def test_a_quota_is_never_overrun(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(boards=24, pins_per_board=1, quotas={"org_read": (12, 1.0)})
    run = run_tap(sim, select=[*BOARDS, "followers"]).ok()
    whole(run, sim, "boards", "board_pins", "followers")
    refused = [seen for seen in sim.requests if seen.status == 429]
    assert len(refused) == 0, f"{len(refused)} requests ran into a quota that had been announced"


@pytest.mark.parametrize("how", ["header", "message"])
def test_a_wait_beyond_max_wait_stops_the_stream(sim: Simulator, how: str) -> None:
    fault: dict[str, Any] = {"kind": "rate_limited", "reset": 7200}
    if how == "message":
        fault = {"kind": "cost_limited", "seconds": 7200}
    sim.faults.add(path="/boards$", times=None, **fault)
    # That it does not wait two hours, the time limit of tests sees.
    run = run_tap(sim, select=["account.*", "boards.*", "followers.*"], max_wait=60)
    truth(run, "boards")
    assert re.search(r"comes back at \d{4}-\d\d-\d\d \d\d:\d\d UTC", run.last_line)
    whole(run, sim, "account", "followers")


def test_trying_ends(sim: Simulator) -> None:
    rule = sim.faults.add(kind="server_error", path="/followers", times=None)
    run = run_tap(sim, select=["account.*", "followers.*", "boards.*"])
    truth(run, "followers")
    assert rule.fired == retry.TRIES
    assert f"failed {retry.TRIES} times" in run.last_line
    whole(run, sim, "account", "boards")


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 400, "code": 1, "message": "Parameter 'x' was not numeric."},
        {"kind": "status", "status": 405, "code": 5},
        {"kind": "status", "status": 501, "code": 4181},
        {"kind": "status", "status": 404, "code": 404},
        {"kind": "status", "status": 304},
        {"kind": "redirect", "url": "http://127.0.0.1:9/v5/boards"},
        {"kind": "rate_limited", "reset": 0, "message": "This looks like spam."},
    ],
    ids=lambda fault: "-".join(str(value)[:20] for value in fault.values()),
)
def test_what_does_not_pass_is_not_tried_again(sim: Simulator, fault: dict[str, Any]) -> None:
    rule = sim.faults.add(path="/boards$", times=None, **fault)
    run = run_tap(sim, select=["boards.*", "followers.*"])
    truth(run, "boards")
    assert rule.fired == 1
    whole(run, sim, "followers")


def test_a_page_missing_in_the_middle_shows(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(followers=800)
    sim.faults.add(kind="server_error", path="/followers", nth=3, times=None)
    run = run_tap(sim, select=["followers.*", "account.*"])
    truth(run, "followers")
    assert len(run.records("followers")) == 500


def test_a_bookmark_that_comes_again_stops_the_stream(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(followers=800, boards=2)
    sim.faults.add(kind="bookmark_loop", path="/followers", nth=2, times=None)
    run = run_tap(sim, select=["followers.*", "boards.*"])
    truth(run, "followers")
    assert "bookmark" in run.last_line
    assert sim.paths()["/v5/user_account/followers"] <= 3
    whole(run, sim, "boards")


def test_a_page_of_something_else(sim: Simulator) -> None:
    sim.faults.add(kind="status", status=200, body={"items": ["a"]}, path="/followers", times=None)
    run = run_tap(sim, select=["followers.*", "boards.*"])
    truth(run, "followers")
    whole(run, sim, "boards")


def test_half_a_character_costs_no_more_than_itself(sim: Simulator) -> None:
    """Texts that somebody cut at so many UTF-16 units end in half an emoji."""
    body = (
        r'{"items":[{"username":"a","about":"cut \uD83D"},{"username":"b","about":"\ud83d\ude00"}]}'
    )
    sim.faults.add(kind="status", status=200, body=body, path="/followers", times=None)
    run = run_tap(sim, select=["followers.*"]).ok()
    assert {row["username"]: row["about"] for row in run.records("followers")} == {
        "a": "cut \N{REPLACEMENT CHARACTER}",
        "b": "\N{GRINNING FACE}",
    }


PARTS = [
    "\ud83d",
    "\ude00",
    "\ud7ff",
    "\ue000",
    "\\",
    '"',
    "\\u",
    "d83d",
    "\n",
    "\0",
    "a",
    "é",
    "😀",
]


@given(st.lists(st.sampled_from(PARTS) | st.characters()).map("".join))
@example("\\\ud83d")
@example("\n" * 250 + "\ud83d")
def test_whole_characters_stay_as_they_are(text: str) -> None:
    body = json.dumps({text: [text]}).encode()
    ((name, (value,)),) = json.loads(transport.with_whole_characters(body)).items()
    right = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    # As what can be reported: no process hands half a character to another.
    assert ascii(name) == ascii(value) == ascii(right)


def test_an_address_where_nobody_answers_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    Time(monkeypatch)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v5"
        # One list: the threads of others would go on trying here, after the run and into others.
        run = run_tap({"access_token": TOKEN, "api_url": url}, select=BOARDS)
    assert run.exit_code == 1
    assert run.crash is None
    (line,) = run.said(" ERROR ")
    place = url.removeprefix("http://").removesuffix("/v5")
    assert f"Pinterest cannot be reached: the connection to {place} was refused" in line
    assert "`api_url`" in line
    assert "Not read to the end: 2 streams (board_pins, boards). " in line


# -- tokens and permissions


def test_a_wrong_token_says_what_to_do(sim: Simulator) -> None:
    run = run_tap(sim, access_token="pina_wrong_and_secret")
    assert run.exit_code == 1
    assert "Traceback" not in run.log
    assert "setting `access_token`" in run.last_line
    assert "Connect the account again" in run.last_line
    assert "wrong_and_secret" not in run.log
    assert len(run.said("Pinterest refused the access token")) == 1
    assert run.counts == {}
    assert not run.activate_versions


def test_a_token_that_dies_in_the_middle_stops_the_run(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(followers=900)
    sim.faults.add(kind="unauthorized", path="/followers", nth=3, times=None)
    run = run_tap(sim, select=["account.*", "followers.*", "pins.*"])
    assert run.exit_code == 1
    assert "setting `access_token`" in run.last_line
    assert run.counts == {"account": 1, "followers": 500}
    assert [stream for stream, _ in run.activate_versions] == ["account"]
    assert run.messages[-1]["type"] == "STATE"


def refreshing(**settings: Any) -> dict[str, Any]:
    credentials = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN,
    }
    return {"access_token": None, **credentials, **settings}


def test_a_refused_token_is_renewed_once_for_all_threads(
    simulate: Callable[..., Simulator],
) -> None:
    sim = simulate(boards=30, pins_per_board=2, latency=0.005)
    sim.faults.add(kind="unauthorized", path="/pins", every=17, times=3)
    run = run_tap(sim, select=BOARDS, **refreshing()).ok()
    whole(run, sim, "boards", "board_pins")
    assert 2 <= sim.paths()["/v5/oauth/token"] <= 4
    secrets = {CLIENT_SECRET, REFRESH_TOKEN} | {seen.token for seen in sim.requests if seen.token}
    assert not any(secret in run.log or secret.encode() in run.stdout for secret in secrets)


def test_a_refused_refresh_token_says_what_to_do(sim: Simulator) -> None:
    run = run_tap(sim, **refreshing(refresh_token="pinr_wrong_and_secret"))
    assert run.exit_code == 1
    assert "refresh" in run.last_line
    assert "Connect the account again" in run.last_line
    assert "wrong_and_secret" not in run.log
    assert sim.paths()["/v5/oauth/token"] == 1


@pytest.mark.parametrize("tolerated", [False, True])
def test_a_missing_scope_costs_its_streams(
    simulate: Callable[..., Simulator], tolerated: bool
) -> None:
    sim = simulate(scopes={"user_accounts:read", "boards:read"})
    run = run_tap(
        sim, select=FOUNDATION, search_queries=["a"], skip_forbidden_streams=tolerated or None
    )
    lost = {"board_pins", "likes", "pins", "search_boards", "search_pins"}
    if tolerated:
        run.ok()
        assert not {stream for stream, _ in run.activate_versions} & lost
        assert all(
            run.said("WARNING", f"Stream {stream} is incomplete") for stream in lost - {"likes"}
        )
    else:
        truth(run, *lost - {"likes"}, *(["likes"] if "likes" in run.last_line else []))
        assert "pins (needs boards:read, pins:read): HTTP 401 (code 3)" in run.last_line
        assert "search_boards (needs boards:read, boards:read_secret): " in run.last_line
    kept = ("account", "followers", "following_users", "following_boards", "following_interests")
    whole(run, sim, *kept)
    assert run.records("boards") == [
        record for record in expected(sim.world, "boards") if record["privacy"] != "SECRET"
    ]
    assert set(run.schemas) == set(FOUNDATION)


@pytest.mark.parametrize(("status", "code"), [(401, 3), (403, 29), (403, 403)])
def test_a_forbidden_stream_is_named_with_its_scopes(
    sim: Simulator, status: int, code: int
) -> None:
    sim.faults.add(
        kind="status", path="/following$", status=status, code=code, message="closed", times=None
    )
    run = run_tap(sim, select=["following_users.*", "followers.*"])
    truth(run, "following_users")
    assert "following_users (needs user_accounts:read): HTTP" in run.last_line
    whole(run, sim, "followers")


def test_an_unknown_user_follows_nothing(sim: Simulator) -> None:
    sim.faults.add(kind="not_found", code=30, path="/interests/follow", times=None)
    run = run_tap(sim, select=["following_interests.*"]).ok()
    assert run.counts == {}


def test_the_token_of_another_account_goes_nowhere_else(sim: Simulator) -> None:
    run_tap(sim, select=["account.*"]).ok()
    assert {seen.token for seen in sim.requests} == {TOKEN}
    assert {seen.path for seen in sim.requests} == {"/v5/user_account"}
