"""Answers without bound: each costs its stream, at once, and no memory; the others are read."""

from __future__ import annotations

import gzip
import json
import resource
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.fault_harness import credentials
from tests.harness import SCRIPT, Run, catalog_for, config_for, files, run_tap, started, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.pinterest_api import Simulator

MEMBER = gzip.compress(b" " * (1 << 24), 1)
BOMB = MEMBER * 256
"""Four gigabytes in less than twenty megabytes."""

GZIP = {"content-type": "application/json", "content-encoding": "gzip"}
ROOM = 2 << 30
"""Bytes of address space: threads and their arenas take most of it."""


def within(sim: Simulator, folder: Path, select: list[str], **settings: Any) -> Run:
    """A run of the real command in so much memory."""
    args = files(folder, config=config_for(sim, settings), catalog=catalog_for(select))
    bound = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))}
    # Of the C library's arenas there are more where there are more processors.
    command = ("env", "MALLOC_ARENA_MAX=2", SCRIPT)
    with started(args, command, stdin=subprocess.DEVNULL, **bound) as process:
        out, err = process.communicate()
    return Run(out, err.decode(), process.returncode)


def answers(sim: Simulator, path: str, **what: Any) -> None:
    sim.faults.add(path=path, kind="status", times=None, **what)


@pytest.mark.parametrize("status", [200, 302, 403, 500])
def test_a_bomb_costs_its_stream(
    simulate: Callable[..., Simulator], tmp_path: Path, status: int
) -> None:
    sim = simulate(boards=2)
    answers(sim, "/boards$", status=status, body=BOMB, headers=GZIP | {"location": "/there"})
    run = within(sim, tmp_path, ["boards", "followers"])
    assert run.exit_code == 1
    assert run.counts == {"followers": sim.world.followers}
    (line, *_) = run.said(" ERROR ", "Stream boards is incomplete: ")
    bound = "65,536" if status == 200 else "1,024"
    assert f"more than {bound} KB, which is not read" in line
    assert len([seen for seen in sim.requests if seen.path.endswith("/boards")]) == 1
    assert "Traceback" not in run.log
    assert run.states


def test_a_bomb_of_one_board_costs_that_board(
    simulate: Callable[..., Simulator], tmp_path: Path
) -> None:
    sim = simulate(boards=3, pins_per_board=2, protected_boards=0, secret_boards=0, likes=None)
    ids = [board["id"] for board in sim.world.all_boards()]
    answers(sim, f"/boards/{ids[1]}/pins", status=200, body=BOMB, headers=GZIP)
    run = within(sim, tmp_path, ["board_pins"])
    assert run.exit_code == 1
    assert {row["board_id"] for row in run.records("board_pins")} == {ids[0], ids[2]}
    assert run.said(" ERROR ", ids[1])


def test_bombs_of_many_boards_take_the_room_of_few(
    simulate: Callable[..., Simulator], tmp_path: Path
) -> None:
    """An error that is kept to be told keeps nothing of the answer."""
    sim = simulate(boards=24, pins_per_board=0, protected_boards=0, secret_boards=0, likes=None)
    answers(sim, "/boards/[0-9]+/pins", status=200, body=BOMB[: len(BOMB) // 16], headers=GZIP)
    run = within(sim, tmp_path, ["boards", "board_pins"], max_concurrency=2)
    assert run.exit_code == 1
    assert run.counts == {"boards": 24}
    assert "Traceback" not in run.log
    assert "MemoryError" not in run.log
    assert len([seen for seen in sim.requests if seen.path.endswith("/pins")]) == 24


CROWDS = {
    "lists": ('{"items":[{"id":"1","a":[%s[]]}],"bookmark":null}', "[],"),
    "records": ('{"items":[%s{}],"bookmark":null}', "{},"),
    "texts": ('{"items":[{"id":"1","a":[%s""]}],"bookmark":null}', '"",'),
    "fields": ('{"items":[{%s"id":"1"}],"bookmark":null}', '"a":{},'),
}


@pytest.mark.parametrize("what", CROWDS)
def test_more_values_than_the_memory_holds_cost_their_stream(
    simulate: Callable[..., Simulator], tmp_path: Path, what: str
) -> None:
    sim = simulate(boards=2)
    frame, part = CROWDS[what]
    crowd = gzip.compress((frame % (part * 9_000_000)).encode(), 1)
    answers(sim, "/boards$", status=200, body=crowd, headers=GZIP)
    run = within(sim, tmp_path, ["boards", "followers"])
    assert run.exit_code == 1
    assert run.counts == {"followers": sim.world.followers}
    assert run.said(" ERROR ", "Stream boards is incomplete: ", "more than 1,048,576 values")
    assert len([seen for seen in sim.requests if seen.path.endswith("/boards")]) == 1
    assert "Traceback" not in run.log
    assert run.states


MESSES = {
    "numbers": "1 ",
    "texts": '""',
    "escapes": "\\na",
    "characters": "\\ud83da",
}


@pytest.mark.parametrize("what", MESSES)
def test_what_is_no_json_costs_no_memory_however_long_it_is(
    simulate: Callable[..., Simulator], tmp_path: Path, what: str
) -> None:
    sim = simulate(boards=2)
    part = MESSES[what].encode()
    mess = gzip.compress(b'["' + part * ((30 << 20) // len(part)), 1)
    for path in ("/user_account$", "/boards$"):
        sim.faults.add(path=path, kind="status", status=200, body=mess, headers=GZIP)
    run = within(sim, tmp_path, ["account", "boards"])
    assert run.exit_code == 0, run.log  # it is asked for again
    assert run.counts == {"account": 1, "boards": len(sim.world.all_boards())}
    assert "Traceback" not in run.log


@pytest.mark.parametrize("status", [200, 302])
def test_a_bomb_instead_of_a_token_ends_the_run(
    sim: Simulator, tmp_path: Path, status: int
) -> None:
    headers = GZIP | {"location": "/there"}
    answers(sim, "/oauth/token", status=status, body=BOMB, headers=headers)
    run = within(sim, tmp_path, ["boards"], **credentials(tmp_path / "tokens"))
    assert run.exit_code == 1
    assert "more than 64 KB, which is not read" in run.log_lines[-1]
    assert "Check `api_url`" in run.log_lines[-1]
    assert len([seen for seen in sim.requests if "oauth" in seen.path]) == 1
    assert "Traceback" not in run.log


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "deflate"])
def test_what_is_compressed_otherwise_is_refused_at_once(
    simulate: Callable[..., Simulator], encoding: str
) -> None:
    sim = simulate(boards=2)
    body = gzip.compress(gzip.compress(json.dumps({"items": []}).encode()))
    answers(sim, "/boards$", status=200, body=body, headers=GZIP | {"content-encoding": encoding})
    run = run_tap(sim, select=["boards", "followers"])
    assert run.exit_code == 1
    assert run.counts == {"followers": sim.world.followers}
    assert run.said(" ERROR ", f"compressed as {encoding}, and only gzip was asked for")
    assert len([seen for seen in sim.requests if seen.path.endswith("/boards")]) == 1


@pytest.mark.parametrize(
    "body", [b"not gzip", gzip.compress(b'{"items":[]}')[:-3]], ids=["other", "cut"]
)
def test_a_compression_that_breaks_off_is_tried_again(
    simulate: Callable[..., Simulator], body: bytes
) -> None:
    sim = simulate(boards=2)
    sim.faults.add(path="/boards$", kind="status", status=200, body=body, headers=GZIP)
    run = run_tap(sim, select=["boards"]).ok()
    assert run.counts["boards"] == len(sim.world.all_boards())
    assert run.said("WARNING", "is not the gzip that it says it is")


@pytest.mark.parametrize("kind", ["drip", "hang"])
def test_a_token_endpoint_that_never_ends_holds_no_signal_up(
    sim: Simulator, tmp_path: Path, kind: str
) -> None:
    """The process ends within seconds, though the exchange is not cut at once."""
    sim.faults.add(path="/oauth/token", kind=kind, times=None)
    settings = credentials(tmp_path / "tokens")
    args = files(tmp_path, config=config_for(sim, settings), catalog=catalog_for(["boards"]))
    with started(args, stdin=subprocess.DEVNULL) as process:
        wait_for(lambda: any("oauth" in seen.path for seen in sim.requests))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    assert json.loads(out.splitlines()[-1])["type"] == "STATE"
    assert b"Stopped by signal 15" in err.splitlines()[-1]


def test_a_bookmark_that_no_address_can_hold_costs_its_stream(
    simulate: Callable[..., Simulator],
) -> None:
    """Each page with another one would fill the memory, too."""
    sim = simulate(boards=2)
    body = {"items": [{"id": "1"}], "bookmark": "x" * 20_000}
    answers(sim, "/boards$", status=200, body=body)
    run = run_tap(sim, select=["boards", "followers"])
    assert run.exit_code == 1
    assert run.counts == {"boards": 1, "followers": sim.world.followers}
    assert run.said(" ERROR ", "boards", "a bookmark of 20,000 characters")
    assert len([seen for seen in sim.requests if seen.path.endswith("/boards")]) == 1


@pytest.mark.parametrize("part", ["\\n", "\\ud83d", "\\n\\ud83d"])
def test_halves_of_characters_cost_no_memory_however_many_they_are(
    simulate: Callable[..., Simulator], tmp_path: Path, part: str
) -> None:
    sim = simulate(boards=2)
    text = part * ((16 << 20) // len(part)) + "\\ud83d"
    body = f'{{"items":[{{"id":"1","name":"{text}"}}],"bookmark":null}}'
    answers(sim, "/boards$", status=200, body=gzip.compress(body.encode(), 1), headers=GZIP)
    run = within(sim, tmp_path, ["boards"], max_concurrency=1)
    assert run.exit_code == 0, run.log[-2000:]
    assert run.counts == {"boards": 1}
