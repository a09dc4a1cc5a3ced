"""Databases that the targets fill: what they are asked, and a PostgreSQL server of the tests' own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from tests.conftest import missing
from tests.harness import ROOT, environment, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

SHIPPED = next(
    loader["config"]
    for loader in YAML(typ="safe").load(ROOT / "meltano.yml")["plugins"]["loaders"]
    if loader["name"] == "target-postgres"
)
"""What meltano.yml sets of the target."""


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


@contextlib.contextmanager
def serving() -> Iterator[Postgres]:
    """A server that ends with the block."""
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
