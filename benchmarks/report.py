"""The table, and docs/performance.md around it."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.bench import Row

DOCUMENT = ROOT / "docs" / "performance.md"
HEADER = ("Figure", "Measured", "Bound", "Ratio", "Goal", "Met", "CPU")
LIBRARIES = ("singer-sdk", "msgspec", "requests", "urllib3")

TEMPLATE = """\
# Performance

Written by `make bench ARGS=--write`; whatever is changed here by hand is lost with its next run.

Two things may hold a run up. **Waiting**: with latency, the tap should need little more than the
longest chain of requests that depend on each other, or all requests divided by the eight that are
under way at once, or by the quota. **Computing**: a record that fits its schema should cost little
more than decoding and encoding its JSON. So each figure stands beside a bound that was measured in
the same run, on the same machine, against the same simulator.

{figures}

**CPU** is the time of all threads, ours and, where there are two, that of what the bound was
measured with. It is steadier than the time on the wall where a machine has other things to do.

## Growth

Ten times the boards, ten times the Pins: the cost per row stays.

{growth}

## How it is measured

- The tap runs as a process of its own, as a user would start it, and writes to the null device. It
  is timed from outside; CPU time and peak memory are what the system says of the ended process.
- Each figure is the median of {runs} runs (starts: of three times as many; quota and memory: of
  three at most, of the peaks the highest counts), taken in turn with those of its bound: tap,
  bound, tap, bound.
- Records per second leave the start out: the same command over an account with a single page is
  timed as well, and taken off. It is left out of the bound in the same way.
- The **bare loop** is `benchmarks/loop.py`: requests, msgspec decode, msgspec encode, write. It
  checks, completes and counts nothing, and fetches the next page only when it is done with one.
- **The SDK's default way** is `benchmarks/sdk_tap.py`: `RESTStream`, `JSONPathPaginator` and the
  default writer, with the same schema. The SDK's own empty tap is `benchmarks/empty_tap.py`.
- All programs must write the same number of records, and the tap must send no request beyond those
  that the bound counts; else the run stops. 429s are counted by what the simulator saw twice.
- The simulator is a process of its own too, and has all pages ready before anything is timed. It
  is not the bottleneck: the first table says how fast it serves when nobody computes. It runs on
  this machine, so one of the cores is its own.
- "All eleven reports" are the streams of the retired connectors. Every list of them is 20 pages
  long but `pins`, which holds the Pins of all boards and of the likes; a search is 20 queries
  of a page each; the 200 boards with Pins are spread over the pages of all boards.

## The machine

{machine}

## Again

```sh
make bench                                         # all figures
make bench ARGS="--only pins --runs 3 --scale 0.1"    # a quick look at some
make bench ARGS=--write                            # all figures, and this page
```

The machine should have nothing else to do: ratios bear other work better than seconds do, but
neither bears it well.
"""


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table that is readable as it stands."""
    met = {True: "yes", False: "**no**", None: ""}
    lines = [HEADER] + [
        (row.figure, row.measured, row.bound, row.ratio, row.goal, met[row.met], row.cpu)
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    cells = [
        [cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines
    ]
    cells.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def machine(load: float) -> str:
    """What the figures were measured on."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    day = datetime.now(UTC).date()
    return "\n".join(
        (
            f"- {_processor()}, {os.cpu_count()} cores; {platform.system()} {platform.machine()}",
            f"- Python {platform.python_version()}; {versions}",
            f"- {day}; load when it began: {load:.1f}",
        )
    )


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    for line in known.read_text("utf-8").splitlines() if known.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"


def document(groups: Mapping[str, Sequence[Row]], runs: int, load: float) -> str:
    """The text of docs/performance.md."""
    return TEMPLATE.format(
        figures=table([row for name, rows in groups.items() if name != "growth" for row in rows]),
        growth=table(groups["growth"]),
        runs=runs,
        machine=machine(load),
    )
