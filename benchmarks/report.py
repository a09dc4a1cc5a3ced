"""The table, and the document around it."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING

from benchmarks.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.figures import Row

HEADER = ("Figure", "Measured", "Bound", "Ratio", "Goal", "Met", "CPU")
LIBRARIES = ("singer-sdk", "msgspec", "requests", "urllib3")
def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table that is also readable as it stands."""
    met = {True: "yes", False: "**no**", None: ""}
    lines = [HEADER] + [
        (row.figure, row.measured, row.bound, row.ratio, row.goal, met[row.met], row.cpu)
        for row in rows
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    padded.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)
