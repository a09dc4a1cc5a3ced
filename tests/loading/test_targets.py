"""Into real targets, as a user runs them: every row arrives, and what vanished vanishes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from tests.conftest import executable, missing
from tests.harness import (
    FOUNDATION,
    ROOT,
    Run,
    catalog_for,
    config_for,
    environment,
    expected,
    files,
    pipe,
    run_tap,
    wait_for,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


def ask_duckdb(target: Path, database: Path, *queries: str) -> list[Any]:
    """What queries return, asked with the DuckDB that the target brings along."""
    script = (
        "import duckdb, json, sys\n"
        "con = duckdb.connect(sys.argv[1], read_only=True)\n"
        "print(json.dumps([con.execute(q).fetchall() for q in sys.argv[2:]], default=str))"
    )
    python = target.resolve().with_name("python")
    if not python.exists():
        python = target.with_name("python")
    done = subprocess.run(
        [str(python), "-c", script, str(database), *queries],
        capture_output=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


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

SHIPPED = next(
    loader["config"]
    for loader in YAML(typ="safe").load(ROOT / "meltano.yml")["plugins"]["loaders"]
    if loader["name"] == "target-postgres"
)
"""What meltano.yml sets of the target."""


class Postgres:
    """A PostgreSQL server of this test session."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    def ask(self, query: str) -> list[list[str]]:
        """The rows of a query."""
        psql = shutil.which("psql")
        assert psql, "psql is not there"
        server = f"postgresql://tap@127.0.0.1:{self.port}/postgres"
        done = subprocess.run(
            [psql, "-AtX", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", query, server],
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return [line.split("\t") for line in done.stdout.decode().splitlines()]

    def settings(self, schema: str, **more: Any) -> dict[str, Any]:
        """The target's settings."""
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": "tap",
            "password": "",
            "database": "postgres",
            "default_target_schema": schema,
            **more,
        }


def _user() -> dict[str, Any]:
    """PostgreSQL does not run as root: whoever stands in for it."""
    if os.geteuid() != 0:
        return {}
    import pwd

    users = [entry for entry in pwd.getpwall() if entry.pw_name in ("postgres", "nobody")]
    if not users:
        missing("there is no user to run PostgreSQL as")
    user = max(users, key=lambda entry: entry.pw_name)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@pytest.fixture(scope="module")
def target_postgres() -> Path:
    """The executable of target-postgres, where PostgreSQL is there too."""
    if not shutil.which("initdb"):
        missing("no initdb of PostgreSQL is on the PATH (Debian: /usr/lib/postgresql/*/bin)")
    return executable("target-postgres", "target-postgres", "TARGET_POSTGRES")


@pytest.fixture(scope="module")
def postgres(target_postgres: Path) -> Iterator[Postgres]:
    user = _user()  # before anything is made: it may skip the test
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"tap-pinterest-pg-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    if user:
        os.chown(folder, user["user"], user["group"])
    initdb, server = (shutil.which(name) for name in ("initdb", "postgres"))
    assert initdb
    assert server
    data = str(folder / "data")
    subprocess.run(
        [initdb, "-D", data, "-U", "tap", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=folder,
        **user,
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        "-F",
        "-p",
        str(port),
        "-h",
        "127.0.0.1",
        "-k",
        str(folder),
        "-c",
        "shared_buffers=8MB",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [server, "-D", data, *options], stdout=log, stderr=log, cwd=folder, **user
        )
    try:
        ready = b"ready to accept connections"
        said = (folder / "log").read_bytes
        wait_for(lambda: ready in said() or process.poll() is not None)
        assert ready in said(), said().decode()
        yield Postgres(folder, port)
    finally:
        process.send_signal(signal.SIGINT)  # it does not wait for clients then
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


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
