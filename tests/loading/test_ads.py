"""The ads in real databases: rows and sums are those of the simulator, for every stream."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.ads_harness import ANALYTICS, BY_NAME, LISTS, listed, measured
from tests.analytics_harness import TODAY, at, back
from tests.harness import environment, run_tap
from tests.loading.databases import SHIPPED, Postgres, ask_duckdb

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.pinterest_api import Simulator

STREAMS = (*LISTS, *ANALYTICS)
LATE = 9


@pytest.fixture
def nights(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[bytes], dict[str, list[Any]]]:
    """What two nights write, the second with late conversions, and what must be there then."""
    sim = simulate(ad_accounts=3, campaigns=3, ad_groups=1, other_accounts=0)
    at(monkeypatch, sim, TODAY)
    sim.world.today = TODAY
    first = run_tap(sim, select=STREAMS, start_days_back=6).ok()
    sim.world.late_conversions = {("*", str(back(3))): LATE}
    second = run_tap(sim, select=STREAMS, start_days_back=6, state=first.states[-1]).ok()
    wanted = {stream: list(listed(sim.world, stream).values()) for stream in LISTS}
    for stream in ANALYTICS:
        wanted[stream] = list(measured(sim.world, stream, back(6), back(1)).values())
    return [first.stdout, second.stdout], {
        stream: sums(stream, wanted[stream]) for stream in wanted
    }


def counted(stream: str) -> list[str]:
    """The columns of whole numbers of a stream."""
    fields = BY_NAME[stream].declared_schema({})["properties"]
    return [name for name, field in fields.items() if "integer" in field["type"]]


def sums(stream: str, rows: list[dict[str, Any]]) -> list[Any]:
    """How many rows there are, of how many keys, and the sum of each column of whole numbers."""
    keys = {tuple(row[name] for name in BY_NAME[stream].primary_keys) for row in rows}
    return [len(rows), len(keys), *(sum(row[n] or 0 for row in rows) for n in counted(stream))]


def query(stream: str, table: str) -> str:
    """The same, asked of a database."""
    key = " || '/' || ".join(f'"{name}"::text' for name in BY_NAME[stream].primary_keys)
    columns = [f'coalesce(sum("{name}"), 0)::numeric(38)::text' for name in counted(stream)]
    more = "".join(f", {column}" for column in columns)
    return f"select count(*), count(distinct {key}){more} from {table}"


def load(target: Path, config: Any, written: bytes, folder: Path) -> None:
    """Feed a target."""
    (folder / "target.json").write_text(json.dumps(config), "utf-8")
    done = subprocess.run(
        [str(target), "--config", str(folder / "target.json")],
        input=written,
        capture_output=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-4000:]


def test_rows_and_sums_in_duckdb(nights: Any, target_duckdb: Path, tmp_path: Path) -> None:
    written, wanted = nights
    database = tmp_path / "ads.duckdb"
    config = {"filepath": str(database), "default_target_schema": "main"}
    for night in written:
        load(target_duckdb, config, night, tmp_path)
    found = ask_duckdb(target_duckdb, database, *(query(each, each) for each in STREAMS))
    for stream, ((row,),) in zip(STREAMS, ((each,) for each in found), strict=True):
        assert [int(value) for value in row] == wanted[stream], stream


def test_rows_and_sums_in_postgres(
    nights: Any, postgres: Postgres, target_postgres: Path, tmp_path: Path
) -> None:
    written, wanted = nights
    for night in written:
        load(target_postgres, postgres.settings("ads", **SHIPPED), night, tmp_path)
    for stream in STREAMS:
        (row,) = postgres.ask(query(stream, f"ads.{stream}"))
        assert [int(value) for value in row] == wanted[stream], stream
