"""Programs that are measured from outside, and simulators that serve them, each a process."""

from __future__ import annotations

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

ROOT = Path(__file__).parent.parent
TOKEN = "benchmark-token"
MEGABYTE = 2**20 if sys.platform == "darwin" else 2**10  # of ru_maxrss


class Program(NamedTuple):
    """A Python module and its arguments."""

    module: str
    arguments: Sequence[str] = ()


@dataclass(frozen=True)
class Cost:
    """What a run took: seconds on the wall, seconds of all its threads, megabytes at its peak."""

    wall: float
    cpu: float
    peak: float = 0

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.wall - other.wall, self.cpu - other.cpu, self.peak)


def run(program: Program, out: Any = subprocess.DEVNULL) -> Cost:
    """Run a program to its end."""
    command = [sys.executable, "-m", program.module, *program.arguments]
    own = ("TAP_PINTEREST_", "PYTHON", "COV_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    with tempfile.TemporaryFile() as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=log
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            said = log.read().decode(errors="replace")[-4000:]
            raise RuntimeError(f"{program.module} ended with {process.returncode}:\n{said}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / MEGABYTE)


def records_of(program: Program) -> int:
    """How many records a program writes."""
    with tempfile.TemporaryFile() as out:
        run(program, out)
        out.seek(0)
        return sum(line.startswith((b'{"type":"RECORD"', b'{"type": "RECORD"')) for line in out)


def medians(runs: int, *programs: Program) -> list[Cost]:
    """Run the programs in turn, `runs` times; the medians of what each took."""
    costs: list[list[Cost]] = [[] for _ in programs]
    for _ in range(runs):
        for program, taken in zip(programs, costs, strict=True):
            taken.append(run(program))
    return [median(taken) for taken in costs]


def median(costs: Sequence[Cost]) -> Cost:
    """The medians of several runs, each dimension by itself; of the peaks the highest."""
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        max(cost.peak for cost in costs),
    )


class Simulator:
    """A simulated account, served by a process of its own inside a `with` block.

    Args:
        options: Options of `python -m tests.pinterest_api`; whatever is not named is empty.
    """

    EMPTY = {  # noqa: RUF012
        **dict.fromkeys(("boards", "protected_boards", "secret_boards", "pins_per_board"), 0),
        **dict.fromkeys(("followers", "following_users", "following_boards", "media"), 0),
        **dict.fromkeys(("following_interests", "websites", "businesses", "other_accounts"), 0),
        **dict.fromkeys(("ad_accounts", "campaigns", "ad_groups", "ads", "keywords"), 0),
        **dict.fromkeys(("audiences", "product_groups"), 0),
        "likes": -1,
        "cache": 2048,
        "token": TOKEN,
    }

    def __init__(self, **options: Any) -> None:
        self.arguments = [
            part
            for name, value in {**self.EMPTY, **options}.items()
            for part in _option(name.replace("_", "-"), value)
        ]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.pinterest_api", *self.arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self.url = self._process.stdout.readline().split()[-1]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.communicate()

    def addresses(self) -> list[str]:
        """The addresses that were asked for since the requests were forgotten, in their order."""
        host = self.url.removesuffix(urlsplit(self.url).path)
        return [host + target for target in self._control("/_control?log", {})["log"]]

    def control(self, **knobs: Any) -> dict[str, Any]:
        """Turn knobs of `/_control`; how things stand after that."""
        return self._control("/_control", knobs)

    def _control(self, target: str, knobs: dict[str, Any]) -> dict[str, Any]:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", target, json.dumps(knobs), headers)
            response = connection.getresponse()
            answer: dict[str, Any] = json.load(response)
        finally:
            connection.close()
        if response.status != 200:
            raise RuntimeError(f"the simulator refused {knobs}: {answer}")
        return answer

    def read(self, path: str) -> tuple[int, float]:
        """Read a list with as little effort as possible; how many pages, and the seconds."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        target, headers = urlsplit(self.url).path + path, {"Authorization": f"Bearer {TOKEN}"}
        count, bookmark, began = 0, "", time.perf_counter()
        while bookmark is not None:
            more = f"&bookmark={bookmark}" if bookmark else ""
            connection.request("GET", target + more, headers=headers)
            body = connection.getresponse().read()
            count += 1
            bookmark = json.loads(b"{" + body[body.rindex(b'"bookmark"') :])["bookmark"]
        seconds = time.perf_counter() - began
        connection.close()
        return count, seconds


def _option(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [f"--{name}"] if value else []
    return [f"--{name}", str(value)]
