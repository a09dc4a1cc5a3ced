"""JSON that lies deeper than any stack: it costs its field, its record or its file, and is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_pinterest.bounds import DEEPEST, shallow, too_deep
from tests.harness import catalog_for, config_for, files, invoke, run_process, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.pinterest_api import Simulator

DEPTHS = (520, 950, 50_000)


def nested(depth: int, opening: str = '{"a":') -> str:
    return opening * depth + "1" + {"[": "]"}.get(opening, "}") * depth


def answer(sim: Simulator, path: str, text: str) -> None:
    sim.faults.add(
        path=path,
        kind="status",
        status=200,
        body=text,
        headers={"content-type": "application/json"},
    )


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("name", ["new", "partner_api_token", "media", "description", "name"])
@pytest.mark.parametrize("depth", DEPTHS)
def test_a_deep_field_costs_itself(
    simulate: Callable[..., Simulator], depth: int, name: str, opening: str
) -> None:
    sim = simulate(boards=3, pins_per_board=2)
    boards = sim.world.all_boards()
    first, *others = (json.dumps({"id": board["id"], "name": "x"}) for board in boards[:3])
    odd = first[:-1] + f',"{name}":{nested(depth, opening)}}}'
    answer(sim, "/boards$", f'{{"items":[{",".join([odd, *others])}],"bookmark":null}}')
    run = run_tap(sim, select=["boards", "board_pins"]).ok()
    assert [row["id"] for row in run.records("boards")] == [board["id"] for board in boards[:3]]
    assert run.counts["board_pins"] == 6
    assert run.said("WARNING", f"Field {name}")
    assert run.states


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(
    ("stream", "path"),
    [
        ("account", "/user_account$"),
        ("account_analytics", "/user_account/analytics$"),
        ("followers", "/followers$"),
    ],
)
def test_a_deep_answer_costs_no_more_than_its_stream(
    simulate: Callable[..., Simulator], stream: str, path: str, depth: int
) -> None:
    for text in (nested(depth), nested(depth, "["), f'{{"items":{nested(depth)},"bookmark":null}}'):
        sim = simulate(boards=2, pins_per_board=2)
        for _ in range(8):  # as often as it is tried
            answer(sim, path, text)
        run = run_tap(sim, select=[stream, "boards"], start_days_back=2)
        assert run.crash is None
        assert run.exit_code == 1
        assert run.counts["boards"] == len(sim.world.all_boards())
        assert run.said(" ERROR ", stream)
        assert run.states


ENDLESS = r"\"" * (1 << 18)
"""The end of a text that has none, and a quote at every second place."""


@pytest.mark.parametrize(
    "text", ['{"a":' * 2000 + ENDLESS, '{"id":' + "9" * 5_000 + ENDLESS], ids=["deep", "long"]
)
def test_a_text_without_an_end_is_looked_at_once(
    simulate: Callable[..., Simulator], text: str
) -> None:
    """From each of its quotes on, it would take hours, in which no signal is heard."""
    sim = simulate(boards=2)
    for _ in range(8):
        answer(sim, "/user_account$", text)
    run = run_tap(sim, select=["account", "boards"])
    assert run.exit_code == 1
    assert run.counts == {"boards": len(sim.world.all_boards())}
    assert run.said(" ERROR ", "account")


@pytest.mark.parametrize("faults", [("half", "deep"), ("deep", "half"), ("long", "deep", "half")])
def test_faults_of_one_page_are_mended_together(
    simulate: Callable[..., Simulator], faults: tuple[str, ...]
) -> None:
    sim = simulate(boards=3, pins_per_board=2)
    parts = {"half": r'"\ud83d!"', "deep": nested(980, "["), "long": "9" * 4_301}
    fields = ",".join(f'"new_{name}":{parts[name]}' for name in faults)
    answer(sim, "/boards$", f'{{"items":[{{"id":"1",{fields}}},{{"id":"2"}}],"bookmark":null}}')
    run = run_tap(sim, select=["boards"]).ok()
    assert [row["id"] for row in run.records("boards")] == ["1", "2"]
    assert len(sim.requests) == 1


@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_deep_error_is_an_error(simulate: Callable[..., Simulator], status: int) -> None:
    sim = simulate(boards=2)
    body = f'{{"code":1,"message":{nested(50_000)}}}'
    sim.faults.add(path="/boards$", kind="status", status=status, body=body, times=None)
    run = run_tap(sim, select=["boards", "followers"])
    assert run.crash is None
    assert run.exit_code == 1
    assert run.counts["followers"]


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("what", ["config", "state", "catalog"])
def test_a_deep_file_is_told(
    simulate: Callable[..., Simulator], tmp_path: Path, what: str, depth: int
) -> None:
    sim = simulate(boards=1)
    given: dict[str, Any] = {
        "config": config_for(sim, {}),
        "catalog": catalog_for(["boards"]),
        "state": {},
    }
    text = json.dumps(given[what] | {"odd": 0})
    given[what] = text.replace('"odd": 0', f'"odd": {nested(depth)}')
    run = invoke(files(tmp_path, **given))
    assert run.crash is None
    assert run.exit_code == 1
    (line,) = run.said(" ERROR ")
    assert f"{what}" in line
    assert f"more than {DEEPEST} deep" in line


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_deep_variable_is_told(sim: Simulator, depth: int) -> None:
    config = {f"TAP_PINTEREST_{name.upper()}": v for name, v in config_for(sim, {}).items()}
    texts = {name: v if isinstance(v, str) else json.dumps(v) for name, v in config.items()}
    texts["TAP_PINTEREST_BOARD_IDS"] = nested(min(depth, 5_000), "[")
    run = run_process(["--config", "ENV"], **texts)
    assert run.exit_code == 1
    assert "Traceback" not in run.log
    assert run.said(" ERROR ", "`board_ids`")


def test_the_bound_is_the_same_for_text_and_values() -> None:
    for opening in ("[", '{"a":'):
        inside, beyond = nested(DEEPEST, opening), nested(DEEPEST + 1, opening)
        assert not too_deep(json.loads(inside))
        assert too_deep(json.loads(beyond))
        assert shallow(inside.encode()) == inside.encode()
        cut = shallow(f'{{"x":"[[\\"{{","y":[{beyond},2]}}'.encode())
        assert not too_deep(found := json.loads(cut))
        assert found["x"] == '[["{'
        assert found["y"][1] == 2
