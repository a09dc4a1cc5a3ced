"""How a figure is measured, and the row that it becomes."""

from __future__ import annotations

import functools
import json
import math
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.processes import TOKEN, Cost, Program, Simulator, medians, records_of, run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LATENCY = 0.05
CONCURRENCY = 8
PAGE = 250
DAYS = 89
PINS_QUERY = f"include_protected_pins=true&page_size={PAGE}&pin_metrics=false"


@dataclass(frozen=True)
class Row:
    """A line of the table; one without a goal is there to explain the others.

    Attributes:
        ratio: The figure divided by its bound.
        met: Whether the goal is met; None where there is none.
        cpu: Seconds of all threads, ours and those of what the bound was measured with.
    """

    figure: str
    measured: str
    bound: str = "-"
    ratio: str = ""
    goal: str = ""
    met: bool | None = None
    cpu: str = ""


class Bench:
    """What all groups share: how often, how large, and how a tap is set up.

    Args:
        runs: Runs of which the median counts.
        scale: Part of the full sizes.
        folder: Where configurations are written.
    """

    def __init__(self, runs: int, scale: float, folder: Path) -> None:
        self.runs, self.scale = runs, scale
        self._folder = folder
        self._files = 0

    def sized(self, number: int, least: int = 1) -> int:
        """A full size, scaled."""
        return max(least, round(number * self.scale))

    @functools.cached_property
    def _catalog(self) -> str:
        with tempfile.TemporaryFile() as out:
            run(Program("tap_pinterest", ["--discover"]), out)
            out.seek(0)
            return out.read().decode()

    def _file(self, document: Any) -> str:
        self._files += 1
        path = self._folder / f"{self._files}.json"
        path.write_text(json.dumps(document), "utf-8")
        return str(path)

    def tap(
        self, sim: Simulator, *streams: str, without: tuple[str, ...] = (), **settings: Any
    ) -> Program:
        """The tap, reading some streams without some of their fields."""
        catalog = json.loads(self._catalog)
        for entry in catalog["streams"]:
            for meta in entry["metadata"]:
                name = ".".join((entry["tap_stream_id"], *meta["breadcrumb"][1::2]))
                if not meta["breadcrumb"]:
                    meta["metadata"]["selected"] = name in streams
                elif name in without:
                    meta["metadata"]["selected"] = False
        config = self._file({"api_url": sim.url, "access_token": TOKEN, **settings})
        catalog_file = self._file(catalog)
        return Program("tap_pinterest", ["--config", config, "--catalog", catalog_file])

    def sdk_tap(self, sim: Simulator) -> Program:
        """The SDK's default way to read the same Pins."""
        config = {"api_url": sim.url, "access_token": TOKEN, "query": PINS_QUERY}
        return Program("benchmarks.sdk_tap", ["--config", self._file(config)])

    def loop(self, sim: Simulator) -> Program:
        """The bare loop over the same Pins."""
        return Program("benchmarks.loop", [f"{sim.url}/pins", TOKEN, PINS_QUERY])

    def again(self, program: Program) -> Program:
        """The same with the state that a run ends with, as it would be run the next time."""
        with tempfile.TemporaryFile() as out:
            run(program, out)
            out.seek(0)
            states = [line for line in out if line.startswith(b'{"type":"STATE"')]
        state = self._file(json.loads(states[-1])["value"])
        return Program(program.module, [*program.arguments, "--state", state])

    def rows_loop(self, addresses: list[str]) -> Program:
        """The bare loop over the rows of answers."""
        self._files += 1
        path = self._folder / f"{self._files}.txt"
        path.write_text("\n".join(addresses), "utf-8")
        return Program("benchmarks.rows_loop", [TOKEN, str(path)])

    def warm(self, sim: Simulator, program: Program, records: int) -> Mapping[str, Any]:
        """Run once untimed, so that the simulator has its pages ready; what it then counted."""
        sim.control(clear=True)
        written = records_of(program)
        if written != records:
            raise RuntimeError(f"{program.module} wrote {written} records, not {records}")
        return sim.control()

    def without_start(self, *pairs: tuple[Program, Program]) -> list[Cost]:
        """What programs take beyond what each takes for a single page (the second of its pair)."""
        full, start = zip(*pairs, strict=True)
        costs = medians(self.runs, *full, *start)
        return [cost - begun for cost, begun in zip(costs, costs[len(pairs) :], strict=False)]


def pin_account(count: int) -> Simulator:
    """An account with nothing but Pins."""
    return Simulator(boards=1, pins_per_board=count)


def ad_accounts(count: int, campaigns: int) -> Simulator:
    """Ad accounts of campaigns that have one ad each, and metrics on every day, of right types."""
    return Simulator(
        ad_accounts=count, campaigns=campaigns, ad_groups=1, ads=1, busy=True, clean=True
    )


def rate(count: int, cost: Cost) -> str:
    """Records per second."""
    return f"{count / cost.wall:,.0f} records/s"


def faster(figure: str, count: int, ours: Cost, theirs: Cost, *, goal: float, name: str) -> Row:
    """A row about records per second."""
    percent = goal < 1
    ratio = theirs.wall / ours.wall
    return Row(
        figure,
        rate(count, ours),
        f"{rate(count, theirs)} ({name})",
        f"{ratio:.0%}" if percent else f"{ratio:.1f} x",
        f"≥ {goal:.0%}" if percent else f"≥ {goal} x",
        ratio >= goal,
        f"{ours.cpu:.2f} s : {theirs.cpu:.2f} s",
    )


def waiting(
    bench: Bench,
    figure: str,
    what: tuple[Simulator, Program, Program, int],
    least: tuple[int, int],
    goal: float,
) -> Row:
    """A row about time spent waiting.

    Args:
        bench: How often to run.
        figure: The row's name.
        what: The simulator, the program, the same over an account of one page, and its records.
        least: The longest chain of requests that depend on each other, and all requests.
        goal: Times the bound.
    """
    sim, program, small, records = what
    chain, requests = least
    counted = bench.warm(sim, program, records)
    if counted["requests"] != requests:
        raise RuntimeError(f"{counted['requests']} requests were sent, not {requests}")
    sim.control(latency=LATENCY)
    cost, begun = medians(bench.runs, program, small)
    if (peak := sim.control()["peak_in_flight"]) > CONCURRENCY:
        raise RuntimeError(f"{peak} requests were under way at once")
    steps = max(chain, math.ceil(requests / CONCURRENCY))
    bound = steps * LATENCY + begun.wall
    return Row(
        figure,
        f"{cost.wall:.2f} s",
        f"{bound:.2f} s ({steps} x 50 ms + {begun.wall:.2f} s start)",
        f"{cost.wall / bound:.2f} x",
        f"≤ {goal} x",
        cost.wall <= goal * bound,
        f"{cost.cpu:.1f} s",
    )
