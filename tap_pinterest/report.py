"""What a run tells of itself: how far it is, every 30 seconds, and a table at its end.

All of it goes to the log. Each line carries its figures as fields too (`stream_name`, `rows`,
`requests`, …), which the SDK's structured logging, and Meltano with it, writes as JSON.
"""

from __future__ import annotations

import contextlib
import logging
import textwrap
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from singer_sdk import metrics

from tap_pinterest import clock

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence
    from typing import Self

logger = logging.getLogger("tap-pinterest")

EVERY = 30.0
"""Seconds between two lines about how far the run is."""

WIDTH = 100
"""Characters of what is missing of a stream, in the table."""

NOT_BEGUN = "not begun"
UNFINISHED = "not read to the end"


class Network(Protocol):
    """What the report asks of the way to the network."""

    @property
    def requests(self) -> Mapping[str, int]:
        """Requests sent so far, by the name of the stream that wanted them."""

    def waiting(self) -> Sequence[tuple[str, float]]:
        """Quotas that requests wait for, and when each comes back, in epoch seconds."""


class Tally:
    """What one stream has done so far. It is the SDK's counter and timer of that stream, too.

    Attributes:
        rows: Records written.
        done: Units of work done, pages unless `expects` names another.
        seconds: Time spent on this stream alone, without that on its children.
        missing: What was not read, in a few words; None for a stream that is complete.
    """

    def __init__(self, stream: str, report: RunReport) -> None:
        self.stream = stream
        self._report = report
        self.rows = 0
        self.done = 0
        self.seconds = 0.0
        self.missing: str | None = NOT_BEGUN
        self._unit = "page"
        self._total: int | None = None

    def expects(self, total: int | None, unit: str) -> None:
        """Say what `did` counts, such as "Pin", and how many there are, where that is known."""
        self._total, self._unit = total, unit

    def did(self, count: int = 1) -> None:
        """Count units of work that are done."""
        self.done += count

    def finished(self, missing: str | None = None) -> None:
        """Note the end of the stream, and tell the SDK's metrics of it, once for all its batches.

        Args:
            missing: What was not read; None when everything was.
        """
        self.missing = missing
        tags: dict[str, Any] = {metrics.Tag.STREAM: self.stream}
        for point in (
            metrics.Point("counter", metrics.Metric.RECORD_COUNT, self.rows, tags),
            metrics.Point("timer", metrics.Metric.SYNC_DURATION, round(self.seconds, 3), tags),
        ):
            # Of a plain METRIC, Meltano shows the name and the value only: the text names the
            # stream. The point comes first, where the SDK's filters look for it.
            metrics.get_metrics_logger().info(
                f"Stream {self.stream}: METRIC: %s",
                point,
                extra={"stream_name": self.stream},
            )

    def __str__(self) -> str:
        """How far the stream is, in words."""
        done = _count(self.done, self._unit)
        if self._total is not None:
            done = f"{self.done:,} of {_count(self._total, self._unit)}"
        return f"{_count(self.rows, 'row')}, {done}"

    # -- the SDK's protocol of a counter and of a timer, entered once per batch of parents

    def increment(self, value: int = 1) -> None:
        """Count rows."""
        self.rows += value

    def with_context(self, context: Any) -> None:
        """Take no notice of the batch: the totals of the stream are told."""

    def __enter__(self) -> Self:
        """Let the time be this stream's."""
        if self.missing == NOT_BEGUN:
            self.missing = UNFINISHED
        self._report.enter(self)
        return self

    def __exit__(self, *exc: object) -> None:
        """Let the time be that of the stream around this one again."""
        self._report.leave()


class RunReport:
    """The tallies of a run's streams, and whose turn it is; it tells them while and after it runs.

    Attributes:
        network: The way to the network, once there is one.
    """

    def __init__(self) -> None:
        self.network: Network | None = None
        self._tallies: dict[str, Tally] = {}
        self._turns: list[Tally] = []
        self._began = self._since = clock.monotonic()

    def tally(self, stream: str) -> Tally:
        """The tally of a stream, made when it is first asked for."""
        return self._tallies.setdefault(stream, Tally(stream, self))

    def enter(self, tally: Tally) -> None:
        """Charge the time to a stream from now on."""
        self._charge()
        self._turns.append(tally)

    def leave(self) -> None:
        """Charge the time to the stream that was entered before the last one."""
        self._charge()
        self._turns.pop()

    def _charge(self) -> None:
        now = clock.monotonic()
        if self._turns:
            self._turns[-1].seconds += now - self._since
        self._since = now

    @contextlib.contextmanager
    def told(self) -> Generator[None]:
        """Tell every 30 seconds how far the run is, from a thread: it speaks while others wait."""
        over = threading.Event()

        def tell() -> None:
            while not over.wait(EVERY):
                self.tell_progress()

        teller = threading.Thread(target=tell, name="report", daemon=True)
        teller.start()
        try:
            yield
        finally:
            over.set()
            teller.join()

    def tell_progress(self) -> None:
        """Log how far the stream is whose turn it is, and which quotas are waited for."""
        turns = self._turns[-1:]
        if not turns:
            return
        tally = turns[0]
        waits = self.network.waiting() if self.network else ()
        logger.info(
            "Stream %s: %s, %s, %d s since the run began%s",
            tally.stream,
            tally,
            _count(self._requests(tally), "request"),
            clock.monotonic() - self._began,
            "".join(f"; waiting for the quota {name} until {_time(end)}" for name, end in waits),
            extra={
                **self._fields(tally),
                "done": tally.done,
                "waiting": {name: _time(end) for name, end in waits},
            },
        )

    def tell_end(self, streams: Iterable[str]) -> None:
        """Log a line for each stream that began, as a table, and one in total.

        Args:
            streams: Those that the user selected; of others, only the total tells.
        """
        selected = [self.tally(stream) for stream in streams]
        begun = [tally for tally in selected if tally.missing != NOT_BEGUN]
        width = max((len(tally.stream) for tally in begun), default=0)
        row = f"%-{width}s  %12s  %9s  %9s  %s"
        if begun:
            logger.info(row, "stream", "rows", "requests", "seconds", "missing")
        for tally in begun:
            logger.info(
                row,
                tally.stream,
                f"{tally.rows:,}",
                f"{self._requests(tally):,}",
                f"{tally.seconds:,.1f}",
                textwrap.shorten(tally.missing or "-", WIDTH, placeholder=" …"),
                extra={**self._fields(tally), "missing": tally.missing},
            )
        self._tell_total(selected, begun)

    def _tell_total(self, selected: Sequence[Tally], begun: Sequence[Tally]) -> None:
        rows = sum(tally.rows for tally in selected)
        requests = sum(list(self.network.requests.values())) if self.network else 0
        seconds = round(clock.monotonic() - self._began, 1)
        missing = {
            "incomplete": sum(tally.missing is not None for tally in begun),
            NOT_BEGUN: len(selected) - len(begun),
        }
        logger.info(
            "In total: %s, %s, %s seconds; %s",
            _count(rows, "row"),
            _count(requests, "request"),
            f"{seconds:,}",
            ", ".join(
                f"{number} of {_count(len(selected), 'stream')} {what}"
                for what, number in missing.items()
                if number
            )
            or "nothing is missing",
            extra={
                "rows": rows,
                "requests": requests,
                "seconds": seconds,
                "streams": len(selected),
                **{what.replace(" ", "_"): number for what, number in missing.items()},
            },
        )

    def _requests(self, tally: Tally) -> int:
        return self.network.requests.get(tally.stream, 0) if self.network else 0

    def _fields(self, tally: Tally) -> dict[str, Any]:
        return {
            "stream_name": tally.stream,
            "rows": tally.rows,
            "requests": self._requests(tally),
            "seconds": round(tally.seconds, 3),
        }


def _time(epoch: float) -> str:
    return f"{datetime.fromtimestamp(epoch, UTC):%H:%M:%S} UTC"


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'s' * (number != 1)}"
