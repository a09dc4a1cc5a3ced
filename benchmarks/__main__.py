"""Run the benchmarks: `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import report
from benchmarks.bench import Bench
from benchmarks.figures import GROUPS

if TYPE_CHECKING:
    from benchmarks.bench import Row


def parser() -> argparse.ArgumentParser:
    """The options."""
    cli = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    cli.add_argument("--only", action="append", choices=GROUPS, help="may be repeated")
    cli.add_argument("--runs", type=int, default=5, help="the median of this many (default 5)")
    cli.add_argument("--scale", type=float, default=1.0, help="part of the sizes, for a quick look")
    cli.add_argument("--write", action="store_true", help="write docs/performance.md")
    return cli


def measure(args: argparse.Namespace) -> dict[str, list[Row]]:
    """The rows of each group that was asked for."""
    rows: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args.runs, args.scale, Path(folder))
        for name in args.only or GROUPS:
            began = time.perf_counter()
            print(f"{name} …", end=" ", file=sys.stderr, flush=True)
            rows[name] = list(GROUPS[name](bench))
            print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and write when that is asked for; 1 when a goal is missed."""
    args = parser().parse_args(arguments)
    if args.write and (args.only or args.scale != 1):
        parser().error("--write takes a whole run: neither --only nor --scale")
    load = os.getloadavg()[0]
    rows = measure(args)
    print(report.table([row for group in rows.values() for row in group]))
    if args.write:
        report.DOCUMENT.write_text(report.document(rows, args.runs, load), "utf-8")
    missed = [row.figure for group in rows.values() for row in group if row.met is False]
    for figure in missed:
        print(f"Missed: {figure}", file=sys.stderr)
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
