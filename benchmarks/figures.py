"""What is measured: a function per group of figures, each yields rows of the table."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from benchmarks.bench import (
    DAYS,
    PAGE,
    PINS_QUERY,
    Bench,
    Row,
    ad_accounts,
    faster,
    pin_account,
    rate,
    waiting,
)
from benchmarks.processes import Cost, Program, Simulator, median, medians, records_of, run

if TYPE_CHECKING:
    from collections.abc import Iterator

FIVE_FIELDS = ("pins.alt_text", "pins.dominant_color", "pins.media", "pins.note", "pins.title")
LOOKBACK = 30
STREAM_MAP = {"pins": {"address": "url", "note": "__NULL__"}}
SEED_STREAMS = (
    *("account", "boards", "board_pins", "followers", "following_users", "following_boards"),
    *("following_interests", "likes", "pins", "search_boards", "search_pins"),
)


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
            yield faster(figure, count, cost, loop, goal=goal, name="bare loop")
        served = Cost(reads[len(reads) // 2][1], 0)
        yield Row(
            "the simulator alone, read by http.client",
            rate(count, served),
            f"{rate(count, loop)} (bare loop)",
            f"{loop.wall / served.wall:.1f} x",
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
        yield faster(figure, count, tap, default, goal=4, name="SDK")


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
    """The eleven reports at once: every list 20 pages long, and 200 boards of 20 pins."""
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
            f"all eleven reports, each {pages} pages long, and {len(ids)} boards of 20 pins, "
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
        f"{cost.wall:.2f} s, {refused} x 429",
        f"{bound:.2f} s ({sent} requests ÷ quota)",
        f"{cost.wall / bound:.2f} x",
        "≤ 1.15 x, zero 429",
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
            f"{whole.peak / tenth.peak:.2f} x",
            "≤ 150 MB, ≤ 1.1 x",
            whole.peak <= 150 and whole.peak <= 1.1 * tenth.peak,
            f"{whole.cpu:.1f} s",
        )


def ads(bench: Bench) -> Iterator[Row]:
    """Metrics of ads: wide rows, in answers that hold thousands of them."""
    accounts, count, stream = 2, bench.sized(1_000, 10), "campaign_analytics"
    rows, named = accounts * count * DAYS, f"{accounts} ad accounts of {count:,} campaigns"
    with (
        ad_accounts(accounts, count) as sim,
        ad_accounts(accounts, count // 2) as half,
        ad_accounts(1, 1) as one,
    ):
        worlds = ((sim, rows), (half, rows // count * (count // 2)), (one, DAYS))
        programs = [bench.tap(world, stream) for world, _ in worlds]
        loops = []
        for (world, number), program in zip(worlds, programs, strict=True):
            bench.warm(world, program, number)
            loops.append(bench.rows_loop(world.addresses()))
            bench.warm(world, loops[-1], number)
        full, small, start = programs
        whole, part, begun, loop, loop_begun = medians(
            bench.runs, full, small, start, loops[0], loops[2]
        )
        figure = f"{named}, {DAYS} days of {stream}"
        yield faster(
            f"{figure}, no latency",
            rows,
            whole - begun,
            loop - loop_begun,
            goal=0.6,
            name="bare loop",
        )
        yield Row(
            f"{figure}: peak memory",
            f"{whole.peak:.0f} MB",
            f"{part.peak:.0f} MB (half of it)",
            f"{whole.peak / part.peak:.2f} x",
            "≤ 150 MB, ≤ 1.1 x",
            whole.peak <= 150 and whole.peak <= 1.1 * part.peak,
            f"{whole.cpu:.1f} s",
        )
        yield _night(bench, sim, full)
    for many, each in ((accounts, count), (bench.sized(100, 2), 20)):
        with ad_accounts(many, each) as sim, ad_accounts(1, 1) as one:
            full, start = (bench.tap(world, stream, start_days_back=3) for world in (sim, one))
            lists = math.ceil(each / PAGE)
            yield waiting(
                bench,
                f"{many} ad accounts of {each:,} campaigns, 3 days of {stream}, 50 ms latency",
                (sim, full, start, many * each * 3),
                (2 + lists, 1 + many * 2 * lists),
                1.5,
            )


def _night(bench: Bench, sim: Simulator, program: Program) -> Row:
    """What is asked for again when nothing but a night lies between two runs."""
    asked = []
    for each in (program, bench.again(program)):
        sim.control(clear=True)
        run(each)
        addresses = sim.addresses()
        days = [parse_qs(urlsplit(address).query) for address in addresses]
        first = min(day["start_date"][0] for day in days if "start_date" in day)
        last = max(day["end_date"][0] for day in days if "end_date" in day)
        asked.append((len(addresses), (date.fromisoformat(last) - date.fromisoformat(first)).days))
    (all_, _), (again, lookback) = asked
    return Row(
        "the same, run again",
        f"{again} requests, {lookback} days before the last one",
        f"{all_} requests (the first run)",
        f"{again / all_:.2f} x",
        "≤ 30 days",
        lookback <= LOOKBACK,
    )


def start(bench: Bench) -> Iterator[Row]:
    """What a command takes that reads nothing."""
    for option in ("--discover", "--version"):
        ours, theirs = (
            Program(module, [option]) for module in ("tap_pinterest", "benchmarks.empty_tap")
        )
        medians(1, ours, theirs)
        tap, empty = medians(3 * bench.runs, ours, theirs)  # short, so that much is noise
        yield Row(
            f"`{option}`",
            f"{tap.wall:.2f} s",
            f"{empty.wall:.2f} s (the SDK's own empty tap)",
            f"{tap.wall / empty.wall:.2f} x",
            "≤ 1.3 x",
            tap.wall <= 1.3 * empty.wall,
            f"{tap.cpu:.2f} s : {empty.cpu:.2f} s",
        )


def growth(bench: Bench) -> Iterator[Row]:
    """Ten times as much costs ten times as much."""
    pins, boards = bench.sized(100_000, 2_500), bench.sized(2_000, 20)
    for figure, streams, (many, few) in (
        ("pins", ("pins",), [(1, n, n) for n in (pins, pins // 10)]),
        (
            "boards of 20 pins",
            ("boards", "board_pins"),
            [(n, 20, n * 21) for n in (boards, boards // 10)],
        ),
    ):
        with (
            Simulator(boards=many[0], pins_per_board=many[1]) as large,
            Simulator(boards=few[0], pins_per_board=few[1]) as small,
            pin_account(1) as one,
        ):
            programs = [bench.tap(sim, *streams) for sim in (large, small, one)]
            bench.warm(large, programs[0], many[2])
            bench.warm(small, programs[1], few[2])
            *full, start = programs
            whole, tenth = bench.without_start(*((program, start) for program in full))
        per = [cost.wall / n * 1e6 for cost, n in ((whole, many[2]), (tenth, few[2]))]
        yield Row(
            f"{max(many[:2]):,} {figure}, no latency: time per row",
            f"{per[0]:.0f} µs",
            f"{per[1]:.0f} µs (a tenth of it)",
            f"{per[0] / per[1]:.2f} x",
            "≤ 1.1 x",
            per[0] <= 1.1 * per[1],
            f"{whole.cpu / many[2] * 1e6:.0f} µs : {tenth.cpu / few[2] * 1e6:.0f} µs",
        )


GROUPS = {
    group.__name__: group
    for group in (pins, latency, boards, streams, ads, quota, memory, start, sdk, growth)
}
"""The groups of figures by name, in the order of the table."""
