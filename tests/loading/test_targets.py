"""Into real targets, as a user runs them: every row arrives, and what vanished vanishes."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import (
    FOUNDATION,
    Run,
    catalog_for,
    config_for,
    environment,
    expected,
    files,
    pipe,
    run_tap,
)
from tests.loading.databases import SHIPPED, Postgres, ask_duckdb

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.pinterest_api import Simulator

QUERIES = ["kitchen", "garden ideas 🌿"]


def tap_options(sim: Simulator, folder: Path, select: Any, **settings: Any) -> list[str]:
    return files(folder, config=config_for(sim, settings), catalog=catalog_for(select))


# -- target-jsonl: validates each record against its SCHEMA


def test_every_row_arrives_in_jsonl(
    simulate: Callable[..., Simulator], target_jsonl: Path, tmp_path: Path
) -> None:
    sim = simulate(boards=6, pins_per_board=[252, 20, 0])
    args = tap_options(sim, tmp_path, FOUNDATION, search_queries=QUERIES, pin_metrics=True)
    out = tmp_path / "out"
    run, said = pipe(
        args, target_jsonl, {"destination_path": str(out), "do_timestamp_file": False}, tmp_path
    )
    run.ok()
    for stream in FOUNDATION:
        lines = (out / f"{stream}.jsonl").read_text("utf-8").splitlines()
        rows = [json.loads(line, parse_float=Decimal) for line in lines]
        assert rows == expected(sim.world, stream, search_queries=QUERIES, pin_metrics=True)
    assert json.loads(said.splitlines()[0]) == run.states[-1]


# -- target-duckdb: the embedded default


def test_every_row_arrives_in_duckdb(
    simulate: Callable[..., Simulator], target_duckdb: Path, tmp_path: Path
) -> None:
    sim = simulate(boards=6, pins_per_board=[252, 20, 0])
    database = tmp_path / "pinterest.duckdb"
    config = {"filepath": str(database), "default_target_schema": "main"}
    args = tap_options(sim, tmp_path, FOUNDATION, search_queries=QUERIES)
    run, _ = pipe(args, target_duckdb, config, tmp_path)
    run.ok()
    rows = {stream: expected(sim.world, stream, search_queries=QUERIES) for stream in FOUNDATION}
    counts = ask_duckdb(
        target_duckdb, database, *(f"select count(*) from {stream}" for stream in FOUNDATION)
    )
    assert [count[0][0] for count in counts] == [len(rows[stream]) for stream in FOUNDATION]
    ids, titles, times, account, found = ask_duckdb(
        target_duckdb,
        database,
        "select id, board_id, url from board_pins order by id, board_id",
        "select id, title from pins order by id",
        "select id, created_at::timestamp from boards order by id",
        "select id, username, follower_count, monthly_views from account",
        "select query, count(*) from search_pins group by query order by query",
    )
    assert ids == sorted([r["id"], r["board_id"], r["url"]] for r in rows["board_pins"])
    assert titles == sorted([r["id"], r.get("title")] for r in rows["pins"])
    assert [[identity, moment[:19]] for identity, moment in times] == sorted(
        [r["id"], r["created_at"][:19].replace("T", " ")] for r in rows["boards"]
    )
    (me,) = rows["account"]
    assert account == [[me[k] for k in ("id", "username", "follower_count", "monthly_views")]]
    assert dict(found) == {
        q: sum(r["query"] == q for r in rows["search_pins"]) for q in sorted(QUERIES)
    }


def test_a_second_run_adds_no_rows_to_duckdb(
    simulate: Callable[..., Simulator], target_duckdb: Path, tmp_path: Path
) -> None:
    sim = simulate(boards=2, protected_boards=0, secret_boards=0, likes=None, pins_per_board=4)
    database = tmp_path / "pinterest.duckdb"
    config = {"filepath": str(database), "default_target_schema": "main"}
    args = tap_options(sim, tmp_path, ["boards", "board_pins"])
    for run in range(2):
        sim.world.alter["board"] = lambda r, run=run: r | {"name": f"run {run}"}
        pipe(args, target_duckdb, config, tmp_path)[0].ok()
    boards, pins = ask_duckdb(
        target_duckdb, database, "select name from boards", "select count(*) from board_pins"
    )
    assert boards == [["run 1"]] * 2
    assert pins == [[8]]


# -- target-postgres: honours ACTIVATE_VERSION


def load(
    postgres: Postgres,
    target: Path,
    sim: Simulator,
    schema: str,
    *,
    hard: bool = True,
    **settings: Any,
) -> Run:
    """Run the tap into PostgreSQL, whatever the tap's exit code."""
    run = run_tap(sim, select=["boards", "board_pins", "followers"], **settings)
    config = postgres.folder / "target.json"
    config.write_text(json.dumps(postgres.settings(schema, hard_delete=hard, **SHIPPED)))
    done = subprocess.run(
        [str(target), "--config", str(config)],
        input=run.stdout,
        capture_output=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-4000:]
    return run


def rows(postgres: Postgres, schema: str) -> dict[str, int]:
    """Rows of each table."""
    tables = ("boards", "board_pins", "followers")
    return {
        table: int(postgres.ask(f"select count(*) from {schema}.{table}")[0][0]) for table in tables
    }


@pytest.fixture
def account(simulate: Callable[..., Simulator]) -> Simulator:
    return simulate(
        boards=3, protected_boards=0, secret_boards=0, likes=None, pins_per_board=4, followers=5
    )


def test_what_vanished_vanishes_from_postgres(
    postgres: Postgres, target_postgres: Path, account: Simulator
) -> None:
    load(postgres, target_postgres, account, "hard").ok()
    assert rows(postgres, "hard") == {"boards": 3, "board_pins": 12, "followers": 5}
    gone = account.world.board_id(1)
    account.world.removed_boards.add(gone)
    account.world.removed_pins.add(account.world.pin_id(0, 2))

    account.faults.add(kind="server_error", path="/boards/.*/pins|/followers", times=None)
    broken = load(postgres, target_postgres, account, "hard")
    assert broken.exit_code == 1
    assert rows(postgres, "hard") == {"boards": 2, "board_pins": 12, "followers": 5}

    account.faults.clear()
    load(postgres, target_postgres, account, "hard").ok()
    assert rows(postgres, "hard") == {"boards": 2, "board_pins": 7, "followers": 5}
    assert postgres.ask("select distinct board_id from hard.board_pins order by 1") == [
        [account.world.board_id(0)],
        [account.world.board_id(2)],
    ]


def test_what_vanished_is_marked_in_postgres(
    postgres: Postgres, target_postgres: Path, account: Simulator
) -> None:
    load(postgres, target_postgres, account, "soft", hard=False).ok()
    gone = account.world.board_id(1)
    account.world.removed_boards.add(gone)
    load(postgres, target_postgres, account, "soft", hard=False).ok()
    assert rows(postgres, "soft") == {"boards": 3, "board_pins": 12, "followers": 5}
    marked = "select distinct id from soft.boards where _sdc_deleted_at is not null"
    assert postgres.ask(marked) == [[gone]]
    marked = "select distinct board_id from soft.board_pins where _sdc_deleted_at is not null"
    assert postgres.ask(marked) == [[gone]]


def test_nul_characters_do_not_keep_rows_from_postgres(
    postgres: Postgres, target_postgres: Path, account: Simulator
) -> None:
    maps = {"boards": {"name": r"'a\x00b'"}}
    run = load(postgres, target_postgres, account, "nul", stream_maps=maps).ok()
    assert {board["name"] for board in run.records("boards")} == {"a\0b"}
    assert postgres.ask("select distinct name from nul.boards") == [["a\ufffdb"]]
