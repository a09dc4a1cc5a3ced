"""What a run tells of itself: how far it is while it runs, and a table at its end."""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING, Any

from tap_pinterest import report
from tests.harness import config_for, files, run_process, run_tap, slim_catalog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tests.harness import Run
    from tests.pinterest_api import Simulator

ROW = re.compile(r"(\w+) +([\d,]+) +([\d,]+) +([\d,]+\.\d)  (.+)")


ONE_BOARD = {"boards": 1, "protected_boards": 0, "secret_boards": 0, "likes": None}


def said(run: Run) -> list[str]:
    """The messages of the log, without time, level and logger."""
    return [line.split(" | ", 3)[-1] for line in run.log_lines]


def table(run: Run) -> dict[str, tuple[int, int, str]]:
    """The table of a run: rows, requests and what is missing, by stream."""
    lines = said(run)
    (start,) = (n for n, line in enumerate(lines) if re.match("stream +rows +requests", line))
    (end,) = (n for n, line in enumerate(lines) if line.startswith("In total: "))
    found = [ROW.fullmatch(line) for line in lines[start + 1 : end]]
    assert all(found), lines[start:end]
    return {
        m[1]: (int(m[2].replace(",", "")), int(m[3].replace(",", "")), m[5]) for m in found if m
    }


def test_a_run_ends_with_a_table_and_a_line_in_total(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(boards=3, pins_per_board=[1200, 0, 4])
    run = run_tap(sim, select=["boards", "board_pins", "followers", "media"]).ok()
    rows = table(run)
    assert list(rows) == ["board_pins", "boards", "followers", "media"]
    assert {name: row[0] for name, row in rows.items()} == run.counts
    asked = sim.paths()
    assert {name: row[1] for name, row in rows.items()} == {
        "board_pins": sum(n for path, n in asked.items() if path.endswith("/pins")),
        "boards": asked["/v5/boards"],
        "followers": asked["/v5/user_account/followers"],
        "media": asked["/v5/media"],
    }
    assert {row[2] for row in rows.values()} == {"-"}
    total = re.fullmatch(
        r"In total: ([\d,]+) rows, ([\d,]+) requests, \d+\.\d seconds; nothing is missing",
        said(run)[-1],
    )
    assert total
    assert int(total[1].replace(",", "")) == sum(run.counts.values())
    assert int(total[2].replace(",", "")) == len(sim.requests)
    assert max(map(len, said(run)[-6:])) < 100


def test_deselected_streams_are_in_no_table(sim: Simulator) -> None:
    assert list(table(run_tap(sim, select=["board_pins"]).ok())) == ["board_pins"]


def test_the_table_says_what_is_missing(sim: Simulator) -> None:
    sim.faults.add(path="/media", kind="forbidden", times=None)
    sim.world.gone_boards.add(sim.world.board_id(1))
    run = run_tap(sim, select=["boards", "board_pins", "followers", "media"])
    missing = {name: row[2] for name, row in table(run).items()}
    assert missing["boards"] == missing["followers"] == "-"
    assert missing["board_pins"] == "1 object skipped"
    assert missing["media"].startswith("HTTP 403")
    assert max(map(len, missing.values())) <= report.WIDTH
    assert "; 2 of 4 streams incomplete" in said(run)[-2]
    assert "media" in run.last_line  # and what to do about it


def test_a_run_that_breaks_off_tells_how_far_it_got(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(boards=2, followers=600)
    sim.faults.add(path="/user_account/followers", nth=2, kind="unauthorized", times=None)
    sim.faults.add(path="oauth", kind="unauthorized", times=None)
    run = run_tap(sim, select=["boards", "followers", "media"], max_concurrency=1)
    assert run.exit_code == 1
    assert {name: (row[0], row[2]) for name, row in table(run).items()} == {
        "boards": (run.counts["boards"], "-"),
        "followers": (250, "not read to the end"),
    }
    assert "; 1 of 3 streams incomplete, 1 of 3 streams not begun" in run.log


def test_it_speaks_while_everything_waits_for_a_quota(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "EVERY", 0.05)
    sim = simulate(**ONE_BOARD, pins_per_board=900, quotas={"org_read": (3, 1)})
    run = run_tap(sim, select=["pins"]).ok()
    waiting = [line for line in said(run) if "waiting" in line]
    assert re.fullmatch(
        r"Stream pins: [\d,]+ rows, \d+ pages?, \d+ requests, \d+ s since the run began; "
        r"waiting for the quota org_read until \d\d:\d\d:\d\d UTC",
        waiting[0],
    )
    assert not [thread for thread in threading.enumerate() if thread.name == "report"]


def test_it_says_how_many_pins_of_how_many_are_done(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "EVERY", 0.05)
    sim = simulate(**ONE_BOARD, pins_per_board=30, bulk_analytics=False, latency=0.02)
    run = run_tap(sim, select=["pin_analytics"], max_concurrency=1, start_days_back=9).ok()
    pins = len(sim.world.all_pins(include_protected_pins=True))
    told = [line for line in said(run) if line.startswith("Stream pin_analytics:")]
    done = [int(m[1]) for line in told if (m := re.search(rf" (\d+) of {pins} Pins, ", line))]
    assert len(done) > 3
    assert done == sorted(done)
    assert done[-1] <= pins


def test_nothing_is_told_of_a_short_run(sim: Simulator) -> None:
    assert not [
        line for line in said(run_tap(sim, select=["boards"]).ok()) if "since the run began" in line
    ]


def structured(sim: Simulator, folder: Path) -> list[dict[str, Any]]:
    """The log of a run with the SDK's structured logging on, as Meltano switches it on."""
    handler = {"class": "logging.StreamHandler", "formatter": "f", "stream": "ext://sys.stderr"}
    logging_config = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"f": {"()": "singer_sdk.logging.StructuredFormatter"}},
        "handlers": {"h": handler},
        "root": {"level": "INFO", "propagate": True, "handlers": ["h"]},
    }
    (folder / "logging.json").write_text(json.dumps(logging_config), "utf-8")
    catalog = slim_catalog(("boards", "board_pins"))
    args = files(folder, config=config_for(sim, {}), catalog=catalog)
    run = run_process(args, SINGER_SDK_LOG_CONFIG=str(folder / "logging.json")).ok()
    lines = [json.loads(line) for line in run.log_lines]
    assert lines[-1]["extra"]["rows"] == sum(run.counts.values())
    return lines


def test_structured_logging_gets_a_record_per_row(sim: Simulator, tmp_path: Path) -> None:
    lines = structured(sim, tmp_path)
    rows = {line["stream_name"]: line["extra"] for line in lines if "requests" in line["extra"]}
    boards = rows["boards"]
    assert boards.pop("seconds") >= 0
    assert boards == {"rows": len(sim.world.all_boards()), "requests": 1, "missing": None}
    assert set(rows) == {"boards", "board_pins", None}  # None: in total
    assert rows[None]["streams"] == 2
    assert rows[None]["incomplete"] == 0


def test_a_metric_names_its_stream_in_the_text(sim: Simulator, tmp_path: Path) -> None:
    metrics = [line for line in structured(sim, tmp_path) if "METRIC" in line["message"]]
    assert sorted(line["message"].partition(" METRIC: ")[0] for line in metrics) == [
        *["Stream board_pins:"] * 2,
        *["Stream boards:"] * 2,
    ]
    points = [json.loads(line["message"].partition(" METRIC: ")[2]) for line in metrics]
    assert {(p["tags"]["stream"], p["value"]) for p in points if p["type"] == "counter"} == {
        ("boards", len(sim.world.all_boards())),
        ("board_pins", sum(board["pin_count"] for board in sim.world.all_boards())),
    }


def test_time_is_charged_to_the_stream_that_took_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(report.clock, "monotonic", lambda: now)
    told = report.RunReport()
    parent, child = told.tally("boards"), told.tally("board_pins")
    with parent:
        now = 2.0
        for _ in range(2):  # batches
            with child:
                now += 3.0
            now += 0.5
    assert (parent.seconds, child.seconds) == (3.0, 6.0)
    assert told.tally("boards") is parent
