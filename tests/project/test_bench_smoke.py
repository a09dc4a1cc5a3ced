"""Every benchmark runs, at a tiny size and in this process: what it says is sane, not how fast."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import resource
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import __main__ as command
from benchmarks import bench, figures, processes, report
from benchmarks.bench import Row
from benchmarks.empty_tap import EmptyTap
from benchmarks.processes import Cost, Program, Simulator
from benchmarks.sdk_tap import SdkTap
from tap_pinterest.tap import TapPinterest
from tests.harness import invoke
from tests.pinterest_api.__main__ import build, parser

if TYPE_CHECKING:
    from pathlib import Path

TAPS = {
    "tap_pinterest": TapPinterest,
    "benchmarks.sdk_tap": SdkTap,
    "benchmarks.empty_tap": EmptyTap,
}


def run_here(program: Program, out: Any = None) -> Cost:
    """Run a program in this process; what it took is what it wrote."""
    if program.module in TAPS:
        written = invoke(list(program.arguments), TAPS[program.module]).ok().stdout
    else:
        text = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        with contextlib.redirect_stdout(text):
            importlib.import_module(program.module).main(*program.arguments)
        written = text.buffer.getvalue()  # type: ignore[attr-defined]
    if hasattr(out, "write"):
        out.write(written)
    took = 0.1 + written.count(b"\n") * 1e-5
    return Cost(took, took, 50)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process is started."""

    def enter(self: Any) -> Any:
        self.here = build(parser().parse_args(self.arguments))
        self.here.start()
        self.url = self.here.url
        return self

    for module in (processes, bench, figures):
        monkeypatch.setattr(module, "run", run_here)
    monkeypatch.setattr(Simulator, "__enter__", enter)
    monkeypatch.setattr(Simulator, "__exit__", lambda self, *_: self.here.stop())
    monkeypatch.setattr(bench, "LATENCY", 0.005)


@pytest.mark.parametrize("group", figures.GROUPS)
def test_a_group_runs(
    here: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    kept: dict[str, list[Row]] = {}
    measure = command.measure
    monkeypatch.setattr(command, "measure", lambda args: kept.update(measure(args)) or kept)
    missed = command.main(["--only", group, "--runs", "1", "--scale", "0.005"])
    rows = kept[group]
    assert missed == any(row.met is False for row in rows)
    assert any(row.goal for row in rows)
    for row in rows:
        numbers = [
            float(number) for number in re.findall(r"\d+(?:\.\d+)?", row.measured.replace(",", ""))
        ]
        assert numbers[0] > 0, row
        assert float(re.match(r"[\d.]+", row.ratio)[0]) > 0, row  # type: ignore[index]
        assert (row.met is None) == (not row.goal)
    table = capsys.readouterr().out
    assert all(f"| {row.figure} " in table for row in rows)
    if group == "quota":
        assert "0 x 429" in rows[0].measured


def test_the_document_holds_all_groups(here: None) -> None:
    row = Row("a figure", "1 s", "2 s", "0.50 x", "≤ 1 x", True, "1 s")
    groups = {name: [row] for name in figures.GROUPS}
    text = report.document(groups, 5, 0.5)
    assert text.count("| a figure |") == len(figures.GROUPS)
    assert "{" not in text
    assert str(processes.ROOT) not in text


def test_a_look_at_some_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    for option in (["--only", "start"], ["--scale", "0.1"]):
        with pytest.raises(SystemExit):
            command.main(["--write", *option])
    assert "whole run" in capsys.readouterr().err


def test_programs_that_disagree_stop_the_run(here: None, tmp_path: Path) -> None:
    own = bench.Bench(1, 1, tmp_path)
    with (
        bench.pin_account(3) as sim,
        pytest.raises(RuntimeError, match="wrote 3 records, not 4"),
    ):
        own.warm(sim, own.loop(sim), 4)


def test_a_real_process_is_measured() -> None:
    with bench.pin_account(300) as sim:
        program = Program("benchmarks.loop", [f"{sim.url}/pins", processes.TOKEN, bench.PINS_QUERY])
        assert processes.records_of(program) == 300
        (cost,) = processes.medians(1, program)
        assert sim.control()["requests"] == 4
        assert sim.read(f"/pins?{bench.PINS_QUERY}")[0] == 2
    assert cost.cpu > 0
    assert 0.01 < cost.wall < 60
    # Of a process that is started the kernel counts what the one that starts it holds.
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / processes.MEGABYTE
    assert 5 < cost.peak < max(500, own + 50)
    with pytest.raises(RuntimeError, match=r"benchmarks\.loop ended with 1"):
        processes.run(Program("benchmarks.loop", []))
