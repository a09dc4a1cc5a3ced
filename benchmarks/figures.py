"""What is measured: a function per group of figures, each yields rows of the table."""

from __future__ import annotations

import functools
import json
import math
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.processes import TOKEN, Cost, Program, Simulator, median, medians, records_of, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LATENCY = 0.05
CONCURRENCY = 8
PAGE = 250
PINS_QUERY = f"include_protected_pins=true&page_size={PAGE}&pin_metrics=false"
FIVE_FIELDS = ("pins.alt_text", "pins.dominant_color", "pins.media", "pins.note", "pins.title")
STREAM_MAP = {"pins": {"address": "url", "note": "__NULL__"}}
SEED_STREAMS = (
    *("account", "boards", "board_pins", "followers", "following_users", "following_boards"),
    *("following_interests", "likes", "pins", "search_boards", "search_pins"),
)


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
    bound: str = "–"
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
        """A size of the issue's, scaled."""
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


def pins(bench: Bench) -> Iterator[Row]:
    """Records per second without latency, against the bare loop."""
    count = bench.sized(100_000, PAGE)
    with pin_account(count) as sim, pin_account(1) as small:
        ways: dict[str, tuple[float, dict[str, Any]]] = {
            f"{count:,} pins, {PAGE} a page, no latency": (0.9, {}),
            "same, with five deselected fields": (0.4, {"without": FIVE_FIELDS}),
            "same, with a stream map": (0.25, {"stream_maps": STREAM_MAP}),
        }
        programs = [(bench.loop(sim), bench.loop(small))]
        programs += [
            (bench.tap(sim, "pins", **how), bench.tap(small, "pins", **how))
            for _, how in ways.values()
        ]
        for program, _ in programs:
            bench.warm(sim, program, count)
        reads = sorted(sim.read(f"/pins?{PINS_QUERY}") for _ in range(bench.runs))
        loop, *taps = bench.without_start(*programs)
        for (figure, (goal, _)), cost in zip(ways.items(), taps, strict=True):
            yield faster(figure, count, cost, loop, goal, "bare loop")
        served = Cost(reads[len(reads) // 2][1], 0)
        yield Row(
            "the simulator alone, read by http.client",
            rate(count, served),
            f"{rate(count, loop)} (bare loop)",
            f"{loop.wall / served.wall:.1f} ×",
        )


def sdk(bench: Bench) -> Iterator[Row]:
    """Against the SDK's default way to read the same records."""
    count = bench.sized(20_000, PAGE)
    with pin_account(count) as sim, pin_account(1) as small:
        ours, theirs = bench.tap(sim, "pins"), bench.sdk_tap(sim)
        for program in (ours, theirs):
            bench.warm(sim, program, count)
        tap, default = bench.without_start(
            (ours, bench.tap(small, "pins")), (theirs, bench.sdk_tap(small))
        )
        figure = f"{count:,} pins; the SDK's default way, public classes only"
        yield faster(figure, count, tap, default, 4, "SDK")


def latency(bench: Bench) -> Iterator[Row]:
    """One long list, each page of which waits for the one before."""
    count = bench.sized(50_000, PAGE)
    with pin_account(count) as sim, pin_account(1) as small:
        pages = math.ceil(count / PAGE)
        yield waiting(
            bench,
            f"{count:,} pins, 50 ms latency",
            (sim, bench.tap(sim, "pins"), bench.tap(small, "pins"), count),
            (pages, pages),
            1.2,
        )


def boards(bench: Bench) -> Iterator[Row]:
    """Many short lists."""
    count, streams = bench.sized(2_000, 20), ("boards", "board_pins")
    requests = math.ceil(count / PAGE) + count
    with (
        Simulator(boards=count, pins_per_board=20) as sim,
        Simulator(boards=1, pins_per_board=1) as small,
    ):
        yield waiting(
            bench,
            f"{count:,} boards of 20 pins, 50 ms latency",
            (sim, bench.tap(sim, *streams), bench.tap(small, *streams), count * 21),
            (0, requests),
            1.3,
        )


def streams(bench: Bench) -> Iterator[Row]:
    """All streams of the seed at once: every list 20 pages long, and 200 boards of 20 pins."""
    pages = bench.sized(20, 2)
    size, with_pins = pages * PAGE, bench.sized(200, 10)
    lists = ("followers", "following_users", "following_boards", "following_interests", "likes")
    world = dict.fromkeys(lists, size)
    # Boards with pins are spread over all pages of the list of boards.
    step = size // with_pins
    pins_on = ",".join("20" if index % step == 0 else "0" for index in range(size))
    queries = [f"Saved for later. paint\\varnish {number}" for number in range(pages)]
    with (
        Simulator(boards=size, pins_per_board=pins_on, **world) as sim,
        Simulator(boards=1, pins_per_board=1, likes=1) as small,
    ):
        first, distance = 100_000_000_000_000_007, 7  # ids of the simulator's boards
        ids = [str(first + index * distance) for index in range(0, size, step)]
        settings = {"search_queries": queries, "board_ids": ids}
        full = bench.tap(sim, *SEED_STREAMS, **settings)
        start = bench.tap(small, *SEED_STREAMS, **settings)
        sim.control(clear=True)
        records = records_of(full)
        counted = sim.control()
        chain = max(counted["paths"].values())
        yield waiting(
            bench,
            f"all eleven seed streams, each {pages} pages long, and {len(ids)} boards of 20 pins, "
            "50 ms latency",
            (sim, full, start, records),
            (chain, counted["requests"]),
            1.5,
        )


def quota(bench: Bench) -> Iterator[Row]:
    """A request per Pin under a small quota."""
    count, most = bench.sized(300, 12), bench.sized(60, 5)
    seconds = 6 if bench.scale == 1 else 1
    settings = {"start_days_back": 1, "end_days_back": 1}
    costs, refused, sent = [], 0, 0
    with Simulator(
        boards=1,
        pins_per_board=count,
        no_bulk_analytics=True,
        quota=f"org_analytics={most}/{seconds}",
    ) as sim:
        program = bench.tap(sim, "pin_analytics", **settings)
        for _ in range(min(bench.runs, 3)):
            sim.control(advance=60, clear=True)
            costs.append(run(program))
            paths = sim.control()["paths"]
            asked = [number for path, number in paths.items() if path.endswith("/analytics")]
            sent = sum(asked)
            refused += sent - len(asked)
    cost, bound = median(costs), sent / most * seconds
    yield Row(
        f"pin_analytics without bulk access, {count} pins, quota of {most} per {seconds} s",
        f"{cost.wall:.2f} s, {refused} × 429",
        f"{bound:.2f} s ({sent} requests ÷ quota)",
        f"{cost.wall / bound:.2f} ×",
        "≤ 1.15 ×, zero 429",
        cost.wall <= 1.15 * bound and not refused and sent == count + 1,
        f"{cost.cpu:.1f} s",
    )


def memory(bench: Bench) -> Iterator[Row]:
    """Peak memory does not grow with the account."""
    count, small = bench.sized(200_000, 2_500), bench.sized(2_000, 20)
    for figure, streams, worlds in (
        (f"{count:,} pins", ("pins",), [(1, n, n) for n in (count, count // 10)]),
        (
            f"one board of {count:,} pins beside {small:,} of 20",
            ("boards", "board_pins"),
            [
                (m + 1, f"{'20,' * (m // 2)}{n},20", n + m * 21 + 1)
                for n, m in ((count, small), (count // 10, small // 10))
            ],
        ),
    ):
        costs = []
        for boards, pins, records in worlds:
            with Simulator(boards=boards, pins_per_board=pins) as sim:
                program = bench.tap(sim, *streams)
                bench.warm(sim, program, records)
                costs += medians(min(bench.runs, 3), program)
        whole, tenth = costs
        yield Row(
            f"{figure}: peak memory",
            f"{whole.peak:.0f} MB",
            f"{tenth.peak:.0f} MB (a tenth of it)",
            f"{whole.peak / tenth.peak:.2f} ×",
            "≤ 150 MB, ≤ 1.1 ×",
            whole.peak <= 150 and whole.peak <= 1.1 * tenth.peak,
            f"{whole.cpu:.1f} s",
        )


def start(bench: Bench) -> Iterator[Row]:
    """What a command takes that reads nothing."""
    for option in ("--discover", "--version"):
        ours, theirs = (
            Program(module, [option]) for module in ("tap_pinterest", "benchmarks.empty_tap")
        )
        medians(1, ours, theirs)
        tap, empty = medians(bench.runs, ours, theirs)
        yield Row(
            f"`{option}`",
            f"{tap.wall:.2f} s",
            f"{empty.wall:.2f} s (the SDK's own empty tap)",
            f"{tap.wall / empty.wall:.2f} ×",
            "≤ 1.3 ×",
            tap.wall <= 1.3 * empty.wall,
            f"{tap.cpu:.2f} s : {empty.cpu:.2f} s",
        )


def growth(bench: Bench) -> Iterator[Row]:
    """Ten times as much costs ten times as much."""
    pins, boards = bench.sized(100_000, 2_500), bench.sized(2_000, 20)
    for figure, streams, (many, few) in (
        ("pins", ("pins",), [(1, n, n) for n in (pins, pins // 10)]),
        ("boards of 20 pins", ("boards", "board_pins"), [(n, 20, n * 21) for n in (boards, boards // 10)]),
    ):
        with (
            Simulator(boards=many[0], pins_per_board=many[1]) as large,
            Simulator(boards=few[0], pins_per_board=few[1]) as small,
            pin_account(1) as one,
        ):
            programs = [bench.tap(sim, *streams) for sim in (large, small, one)]
            bench.warm(large, programs[0], many[2])
            bench.warm(small, programs[1], few[2])
            whole, tenth = bench.without_start(*((program, programs[2]) for program in programs[:2]))
        per = [cost.wall / n * 1e6 for cost, n in ((whole, many[2]), (tenth, few[2]))]
        yield Row(
            f"{max(many[:2]):,} {figure}, no latency: time per row",
            f"{per[0]:.0f} µs",
            f"{per[1]:.0f} µs (a tenth of it)",
            f"{per[0] / per[1]:.2f} ×",
            "≤ 1.1 ×",
            per[0] <= 1.1 * per[1],
            f"{whole.cpu / many[2] * 1e6:.0f} µs : {tenth.cpu / few[2] * 1e6:.0f} µs",
        )


GROUPS = {
    group.__name__: group
    for group in (pins, latency, boards, streams, quota, memory, start, sdk, growth)
}
"""The groups of figures by name, in the order of the table."""


# -- rows


def pin_account(count: int) -> Simulator:
    """An account with nothing but Pins."""
    return Simulator(boards=1, pins_per_board=count)


def rate(count: int, cost: Cost) -> str:
    """Records per second."""
    return f"{count / cost.wall:,.0f} records/s"


def faster(figure: str, count: int, ours: Cost, theirs: Cost, goal: float, name: str) -> Row:
    """A row about records per second."""
    percent = goal < 1
    ratio = theirs.wall / ours.wall
    return Row(
        figure,
        rate(count, ours),
        f"{rate(count, theirs)} ({name})",
        f"{ratio:.0%}" if percent else f"{ratio:.1f} ×",
        f"≥ {goal:.0%}" if percent else f"≥ {goal} ×",
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
    steps = max(chain, math.ceil(requests / CONCURRENCY))
    bound = steps * LATENCY + begun.wall
    print(f"peak {sim.control()['peak_in_flight']}", file=sys.stderr)
    return Row(
        figure,
        f"{cost.wall:.2f} s",
        f"{bound:.2f} s ({steps} × 50 ms + {begun.wall:.2f} s start)",
        f"{cost.wall / bound:.2f} ×",
        f"≤ {goal} ×",
        cost.wall <= goal * bound,
        f"{cost.cpu:.1f} s",
    )
