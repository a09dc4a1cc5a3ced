"""What the analytics must say, computed from the simulator's world, and days that pass.

Nights are simulated: `at` sets the calendar of both sides, the tap's clock and Pinterest's day.
"""

from __future__ import annotations

import functools
import json
import multiprocessing
import os
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_pinterest import clock
from tap_pinterest.kinds.stream import PinterestStream
from tap_pinterest.tap import TapPinterest
from tests.harness import Run, discover, with_nulls
from tests.pinterest_api.metrics import (
    ACCOUNT_METRICS,
    STANDARD_METRICS,
    TOP_VIDEO_METRICS,
    VIDEO_METRICS,
)
from tests.pinterest_api.world.organic_analytics import days

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import pytest

    from tests.pinterest_api import Simulator, World

TODAY = date(2026, 3, 10)
DAY = timedelta(days=1)
FILTERS = {
    "from_claimed_content": "BOTH",
    "pin_format": "ALL",
    "content_type": "ALL",
    "source": "ALL",
}
ANALYTICS = ("account_analytics", "pin_analytics", "pin_lifetime_analytics", "top_pins")

Row = dict[str, Any]
Table = dict[tuple[Any, ...], Row]


def back(count: int, today: date = TODAY) -> date:
    """The day that many days before today."""
    return today - count * DAY


def at(
    monkeypatch: pytest.MonkeyPatch, sim: Simulator, today: date, hour: int = 12, minute: int = 0
) -> None:
    """Let it be this day, for the tap and for Pinterest."""
    moment = datetime.combine(today, time(hour, minute), UTC).timestamp()
    monkeypatch.setattr(clock, "now", lambda: moment)
    sim.world.today = today


# -- what a warehouse has after some runs


@functools.cache
def keys_of(stream: str) -> tuple[str, ...]:
    """The primary key of a stream."""
    entries = {entry["tap_stream_id"]: entry for entry in discover()["streams"]}
    return tuple(entries[stream]["key_properties"])


def table(stream: str, rows: Iterable[Row], into: Table | None = None) -> Table:
    """Rows by their key, later ones over earlier ones."""
    names, result = keys_of(stream), {} if into is None else into
    for row in rows:
        result[tuple(row[name] for name in names)] = row
    return result


def upsert(warehouse: dict[str, Table], run: Run) -> None:
    """Load a run's records as a target does."""
    for message in run.of("RECORD"):
        stream = message["stream"]
        table(stream, [message["record"]], warehouse.setdefault(stream, {}))


def state_of_stream(run: Run, stream: str) -> Row:
    """What the last state of a run says of a stream."""
    return run.states[-1]["bookmarks"][stream]


def exact(stream: str, rows: Iterable[Row]) -> list[Row]:
    """Rows as a run's records are read: absent fields null, fractions as Decimal."""
    return [json.loads(json.dumps(row), parse_float=Decimal) for row in with_nulls(stream, rows)]


# -- what must come out


def _lower(values: dict[str, Any], ending: str = "") -> Row:
    return {f"{name.lower()}{ending}": value for name, value in values.items()}


def _daily(answer: dict[str, Any], **more: Any) -> Iterator[tuple[str, Row]]:
    for part, content in answer.items():
        for day in content["daily_metrics"]:
            metrics = _lower(day["metrics"])
            yield part, {"date": day["date"], "data_status": day["data_status"], **metrics, **more}


def account_rows(
    world: World,
    first: date,
    last: date,
    *,
    app_types: Iterable[str] = ("ALL",),
    split_fields: Iterable[str] = ("NO_SPLIT",),
    **filters: str,
) -> list[Row]:
    """The rows of `account_analytics`, in their order."""
    filters = {**FILTERS, **filters}
    rows = []
    for app_type in app_types:
        for split_field in split_fields:
            asked = {"app_types": app_type, "split_field": split_field}
            answer = world.account_analytics(first, last, ACCOUNT_METRICS, **asked, **filters)
            fixed = {"account_id": world.account_id, **asked, **filters}
            rows += [{**row, "split": part} for part, row in _daily(answer, **fixed)]
    return exact("account_analytics", rows)


def pins_of(world: World) -> list[str]:
    """The ids of the Pins that have analytics."""
    pins = world.all_pins(include_protected_pins=True)
    return [
        pin["id"]
        for pin in pins
        if pin["id"] not in world.gone_pins and pin["id"] not in world.forbidden_pins
    ]


def metrics_for(world: World, pin_id: str) -> tuple[str, ...]:
    """The metrics that a Pin takes, by its kind of media."""
    place = world.pin_place(pin_id)
    assert place is not None
    kind = world.traits(place)[1]
    if kind in ("image", "video"):
        return STANDARD_METRICS if kind == "image" else VIDEO_METRICS
    return tuple(name for name in STANDARD_METRICS if name in VIDEO_METRICS)


def pin_rows(
    world: World,
    first: date,
    last: date,
    app_types: Iterable[str] = ("ALL",),
    pins: Iterable[str] | None = None,
) -> list[Row]:
    """The rows of `pin_analytics`."""
    rows = []
    for pin_id in pins_of(world) if pins is None else pins:
        names = metrics_for(world, pin_id)
        for app_type in app_types:
            answer = world.pin_analytics(pin_id, first, last, names, app_types=app_type)
            rows += [row for _, row in _daily(answer, pin_id=pin_id, app_type=app_type)]
    return exact("pin_analytics", rows)


def lifetime_rows(world: World, pins: Iterable[str] | None = None) -> list[Row]:
    """The rows of `pin_lifetime_analytics`."""
    rows = []
    for pin_id in pins_of(world) if pins is None else pins:
        answer = world.pin_analytics(pin_id, world.today, world.today, metrics_for(world, pin_id))
        rows.append({"pin_id": pin_id, **_lower(answer["all"]["lifetime_metrics"])})
    return with_nulls("pin_lifetime_analytics", rows)


def top_rows(
    world: World,
    windows: Iterable[tuple[date, date]],
    sort_by: Iterable[str],
    *,
    video: bool = False,
    count: int = 50,
    app_types: Iterable[str] = ("ALL",),
    **filters: str,
) -> list[Row]:
    """The rows of `top_pins` or `top_video_pins`, in their order."""
    filters = {**FILTERS, **filters}
    names = TOP_VIDEO_METRICS if video else ACCOUNT_METRICS
    rows = []
    for first, last in windows:
        for app_type in app_types:
            for order in sort_by:
                answer = world.top_pins(
                    first, last, order, names, video=video, num_of_pins=count,
                    app_types=app_type, **filters,
                )  # fmt: skip
                fixed = {
                    "start_date": str(first),
                    "end_date": str(last),
                    "sort_by": order,
                    "account_id": world.account_id,
                    "app_types": app_type,
                    **answer["date_availability"],
                    **filters,
                }
                rows += [
                    {
                        "rank": rank,
                        "pin_id": pin["pin_id"],
                        **_lower(pin["metrics"]),
                        **_lower(pin["data_status"], "_status"),
                        **fixed,
                    }
                    for rank, pin in enumerate(answer["pins"], 1)
                ]
    return exact("top_video_pins" if video else "top_pins", rows)


# -- what was asked


def asked(sim: Simulator, ending: str = "/analytics") -> list[dict[str, str]]:
    """The queries of the analytics requests so far, with `path` and `status` among them."""
    return [
        {**seen.params(), "path": seen.path, "status": str(seen.status)}
        for seen in sim.requests
        if seen.path.endswith(ending)
    ]


def ranges(sim: Simulator, ending: str = "/user_account/analytics") -> list[tuple[date, date]]:
    """The ranges asked for so far."""
    return [
        (date.fromisoformat(query["start_date"]), date.fromisoformat(query["end_date"]))
        for query in asked(sim, ending)
    ]


def every_day(first: date, last: date) -> list[str]:
    """The days from first to last, as text."""
    return [day.isoformat() for day in days(first, last)]


# -- a process that can be killed


class Killable:
    """The tap in a process of its own, forked from one that has imported everything."""

    def __init__(self, today: date, args: list[str], log: Path) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.analytics_harness"])
        moment = datetime.combine(today, time(12), UTC).timestamp()
        self._out, out = multiprocessing.Pipe(duplex=False)
        self._process = context.Process(target=_run_tap, args=(moment, args, out, log))
        self._process.start()
        out.close()
        self.output = b""

    def read(self, count: int | None = None) -> bool:
        """Take in bytes as a target does, so many or all; False when the process has ended."""
        while count is None or len(self.output) < count:
            left = 1 << 16 if count is None else count - len(self.output)
            if not (some := os.read(self._out.fileno(), left)):
                return False
            self.output += some
        return True

    def kill(self) -> None:
        """SIGKILL, and what was on its way out is still delivered."""
        self._process.kill()
        self.read()

    def end(self) -> int:
        """How the process ended: its exit code, or minus the signal."""
        self.read()
        self._process.join()
        self._out.close()
        code = self._process.exitcode
        assert code is not None
        return code

    @property
    def run(self) -> Run:
        """What arrived in whole lines."""
        code = self.end()
        whole, _, _ = self.output.rpartition(b"\n")
        return Run(whole + b"\n" if whole else b"", "", code)


def _run_tap(moment: float, args: list[str], out: Any, log: Path) -> None:
    os.dup2(out.fileno(), 1)
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    out.close()
    clock.now = lambda: moment
    PinterestStream.STATE_MSG_FREQUENCY = 40
    TapPinterest.get_singer_command().main(args, prog_name="tap-pinterest")
