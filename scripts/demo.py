"""Show the tap at work: a simulated Pinterest account, Meltano, and rows in DuckDB.

    python scripts/demo.py

Needs no credentials and reaches no other machine. What Meltano says goes into output/demo.log and
is shown when something fails; the rows are in output/demo.duckdb afterwards.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tap_pinterest.streams import STREAMS  # noqa: E402
from tap_pinterest.words import counted  # noqa: E402
from tests.pinterest_api import TOKEN, Simulator, World  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tap_pinterest.kinds.stream import PinterestStream

OUTPUT = ROOT / "output"
DATABASE, LOG = OUTPUT / "demo.duckdb", OUTPUT / "demo.log"
COMMAND = ("meltano", "--environment=demo", "run", "tap-pinterest", "target-duckdb")

TELLING = (
    *("name", "title", "username", "pin_id", "privacy", "video_mrc_view", "video_avg_watch_time"),
    *("impression", "pin_click", "save", "total_reactions", "board_count", "pin_count"),
    *("currency", "spend_in_dollar", "impression_1", "clickthrough_1"),
    *("follower_count", "monthly_views", "media_type", "created_at", "type", "url"),
)
"""Columns that tell most about a row: after its key, a table shows the first of these it has."""

COLUMNS, ROWS, WIDTH, LINE = 5, 3, 30, 100
"""Of a table: columns and rows at most, and characters of a cell and of a line."""


def world() -> World:
    """A business account of some years."""
    return World(
        username="olive_and_oak",
        boards=11,
        protected_boards=1,
        pins_per_board=[64, 48, 37, 31, 26, 22, 17, 13, 9, 6, 4],
        followers=1283,
        following_users=86,
    )


def environment(api_url: str) -> dict[str, str]:
    """The environment for Meltano: what the user has set for their own account is left out."""
    own = ("TAP_PINTEREST", "TARGET_DUCKDB", "MELTANO_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return inherited | {
        "TAP_PINTEREST_API_URL": api_url,
        "TAP_PINTEREST_ACCESS_TOKEN": TOKEN,
        "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
        "NO_COLOR": "1",
    }


def sync(api_url: str) -> int:
    """Run Meltano; the exit code."""
    meltano = shutil.which("meltano", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if meltano is None:
        print("Meltano is not installed: use `make demo`.", file=sys.stderr)
        return 1
    # The user's own settings may be in .env as well.
    arguments = [meltano, f"--env-file={os.devnull}", *COMMAND[1:], "--full-refresh", "--force"]
    with (
        LOG.open("wb") as log,
        subprocess.Popen(  # noqa: S603
            arguments, cwd=ROOT, env=environment(api_url), stdout=log, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            raise


def shown(path: Path) -> str:
    """A path as the user would type it."""
    return str(path.relative_to(ROOT))


def shortened(value: Any) -> str:
    """A value as a cell of a table: one line, not too long, no control characters."""
    if isinstance(value, float):
        value = int(value) if value.is_integer() else round(value, 2)
    text = " ".join(str("NULL" if value is None else value).split())
    text = "".join(sign for sign in text if unicodedata.category(sign)[0] != "C")
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def width(text: str) -> int:
    """The columns that a text takes on the screen."""
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    return len(text) + wide - sum(unicodedata.combining(sign) > 0 for sign in text)


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """A plain table, line by line, with as many columns as fit."""
    cells = [list(header), *([shortened(value) for value in row] for row in rows)]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    fit = sum(end <= LINE for end in itertools.accumulate(2 + w for w in widths))
    for number, line in enumerate(cells):
        padded = (cell + " " * (w - width(cell)) for cell, w in zip(line, widths, strict=True))
        yield "  " + "  ".join(itertools.islice(padded, fit)).rstrip()
        if number == 0:
            yield "  " + "  ".join("-" * w for w in widths[:fit])


def show(database: duckdb.DuckDBPyConnection, stream: type[PinterestStream]) -> int:
    """Print a stream's table: its row count and some of its rows."""
    name = f'"{stream.declared_name()}"'
    found = [row[0] for row in database.execute(f"DESCRIBE {name}").fetchall()]
    distinct = ", ".join(f'count(DISTINCT "{key}")' for key in stream.primary_keys)
    query = f"SELECT count(*), {distinct} FROM {name}"  # noqa: S608
    count, *values = database.execute(query).fetchall()[0]
    # A key that has the same value in every row tells nothing.
    keys = [key for key, n in zip(stream.primary_keys, values, strict=True) if n > 1 or count == 1]
    rows = database.execute(f"SELECT * FROM {name} LIMIT {ROWS}").fetchall()  # noqa: S608
    cells = dict(zip(found, zip(*rows, strict=True), strict=True))
    telling = [
        name for name in (*TELLING, *found) if any(v is not None for v in cells.get(name, ()))
    ]
    columns = list(dict.fromkeys([*keys, *telling]))[:COLUMNS]
    print(f"\n{stream.declared_name()}: {count} row{'s' * (count != 1)}, {len(found)} columns")
    for line in table(columns, zip(*(cells[column] for column in columns), strict=True)):
        print(line)
    return int(count)


def main() -> int:
    """Run the demo; the exit code is 0 when every stream arrived with rows."""
    OUTPUT.mkdir(exist_ok=True)
    DATABASE.unlink(missing_ok=True)
    began = time.monotonic()
    with Simulator(world()) as simulator:
        print(f"A simulated Pinterest account at {simulator.url}")
        print(f"$ {' '.join(COMMAND)}")
        failed = sync(simulator.url)
        served = simulator.served
    if failed:
        sys.stderr.write(LOG.read_text("utf-8", "replace"))
        print(f"\nThe run failed (exit code {failed}); above is {shown(LOG)}.", file=sys.stderr)
        return 1
    seconds = counted(time.monotonic() - began, "second")
    print(f"Read with {counted(served, 'request')} and loaded in {seconds}.")
    with duckdb.connect(str(DATABASE), read_only=True) as database:
        tables = {row[0] for row in database.execute("SHOW TABLES").fetchall()}
        counts = {
            stream.declared_name(): show(database, stream)
            for stream in sorted(STREAMS, key=lambda stream: stream.declared_name())
            if stream.declared_name() in tables
        }
    empty = [name for stream in STREAMS if not counts.get(name := stream.declared_name())]
    if empty:
        print(f"\nNo rows arrived of {', '.join(empty)}: see {shown(LOG)}.", file=sys.stderr)
        return 1
    print(f"\nAll {len(counts)} tables are in {shown(DATABASE)}. Look around in them with DuckDB:")
    look = f"duckdb.connect('{shown(DATABASE)}').sql('FROM boards')"
    print(f'$ .venv/bin/python -c "import duckdb; print({look})"')
    return 0


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    sys.exit(main())
