"""Each fault against each kind of stream, at the first, a middle and the last request.

What arrives is all that exists, or the run ends red and its last line says what is missing; the run
after it completes it. docs/reliability.md shows what these tests saw: a cell that differs fails.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.fault_harness import (
    ALL_ROWS,
    KINDS,
    SKIPPED,
    STOPPED,
    Lab,
    Place,
    judge,
    judge_next,
)
from tests.harness import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.pinterest_api import Simulator

Strike = Callable[[Lab, Place, "int | None"], Any]


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        title: Its row in the document.
        expect: What must become of the run, in general and (by kind of stream) elsewhere.
        strikes: How it is done; each way must come to the same.
        waits: Seconds that the answer asks to wait, and that must be waited.
        kinds, places: Where it can happen; everywhere, if not said.
        settings: Settings of the run.
    """

    title: str
    expect: str | Mapping[str, str]
    strikes: tuple[Strike, ...]
    waits: float | None = None
    kinds: tuple[str, ...] = tuple(KINDS)
    places: tuple[str, ...] = ("first", "middle", "last")
    settings: Mapping[str, Any] | None = None

    def expected(self, kind: str) -> str:
        return self.expect if isinstance(self.expect, str) else self.expect[kind]


def answer(**options: Any) -> Strike:
    """Something that the simulator answers."""
    return lambda lab, place, times: lab.sim.faults.add(**place.rule(), times=times, **options)


def status(number: int, **options: Any) -> Strike:
    return answer(kind="status", status=number, **options)


def late(lab: Lab, place: Place, times: int | None) -> Any:
    lab.be_impatient()
    return answer(kind="hang")(lab, place, times)


def refused(lab: Lab, place: Place, times: int | None) -> Any:
    return lab.refuse_connections(place, times)


def empty_pages(lab: Lab, place: Place, times: int | None) -> Any:
    lab.sim.pager.empty_pages = {"first": 1, "middle": 2, "last": 3}["middle"]
    return None


def revoked(lab: Lab, place: Place, times: int | None) -> Any:
    return lab.at(place, lab.sim.revoke_tokens)


def used_up(lab: Lab, place: Place, times: int | None) -> Any:
    """From this request on the quota of six hours is used up, as the answers before announced."""

    def use_up() -> None:
        for category in ("org_read", "org_analytics"):
            lab.sim.quotas.limits[category] = (0, 21_600)
        lab.sim.quotas.reset()

    return lab.at(place, use_up)


HTML = "<html><body><h1>Sorry</h1></body></html>"
LISTS = ("pins", "board_pins")
MANY = ("board_pins", "pin_analytics", "pin_analytics_single")
"""Streams that ask for one object after another."""

REFUSED_ONE = {
    "pins": STOPPED,
    "account_analytics": STOPPED,
    "board_pins": SKIPPED,
    "pin_analytics_single": SKIPPED,
    "pin_analytics": ALL_ROWS,
}
"""What a refusal does that strikes once: in bulk it is asked again by halves, which works."""

ONCE = (
    Fault("429 code 8, wait in `x-ratelimit-reset`", ALL_ROWS, (answer(kind="rate_limited", reset=47),), waits=47),
    Fault("429 code 2726, “Retry after N seconds”", ALL_ROWS, (answer(kind="cost_limited", seconds=30),), waits=30),
    Fault("400, “Retry after N seconds”", ALL_ROWS, (answer(kind="throttled", seconds=30),), waits=30),
    Fault("429 that names no wait", ALL_ROWS, (status(429, code=8, message="slow down"), status(429), status(429, body=HTML))),
    Fault("400 code 12", ALL_ROWS, (answer(kind="something_went_wrong"),)),
    Fault("400, “last 90 days” for younger days", ALL_ROWS, (answer(kind="last_90_days"),)),
    *(
        Fault(
            f"500, 502, 503 with {what}",
            ALL_ROWS,
            tuple(answer(kind="server_error", status=number, body=body) for number in (500, 502, 503)),
        )
        for what, body in (("JSON", "json"), ("HTML", "html"), ("nothing", "empty"))
    ),
    Fault("503 with `Retry-After`", ALL_ROWS, (status(503, headers={"retry-after": "20"}),), waits=20),
    Fault("connection refused", ALL_ROWS, (refused,)),
    Fault("connection reset", ALL_ROWS, (answer(kind="reset"),)),
    Fault("no answer in time", ALL_ROWS, (late,)),
    Fault("answer cut off", ALL_ROWS, (answer(kind="truncate"),)),
    Fault("invalid JSON", ALL_ROWS, (answer(kind="invalid_json"), status(200, body=HTML), status(200, body=b'{"items":["\xff"]}'))),
    Fault("200 with nothing", ALL_ROWS, (status(200), status(200, body=" \n"))),
    Fault("200 with JSON of another kind", ALL_ROWS, (status(200, body=[]), status(200, body="null"))),
    Fault("an empty page with a bookmark", ALL_ROWS, (empty_pages,), kinds=LISTS, places=("middle",)),
    Fault("a bookmark that came before", STOPPED, (answer(kind="bookmark_loop"),), kinds=LISTS, places=("middle", "last")),
    Fault("token revoked (401 code 2), refresh token at hand", ALL_ROWS, (revoked,)),
    Fault("token revoked, access token alone", STOPPED, (revoked,), settings={"token": "a"}),
    Fault("quota back in six hours (429)", STOPPED, (answer(kind="rate_limited", reset=21_600), used_up)),
    Fault("401 code 3", STOPPED, (answer(kind="unauthorized", code=3),)),
    Fault("401 code 7", REFUSED_ONE, (answer(kind="unauthorized", code=7),)),
    Fault("403 code 29", REFUSED_ONE, (answer(kind="forbidden"), status(403, body=HTML))),
    Fault("404", REFUSED_ONE, (answer(kind="not_found", code=40), answer(kind="not_found", code=50), answer(kind="not_found", code=30), status(404, body=HTML))),
    Fault("409 (no catalog)", REFUSED_ONE, (answer(kind="conflict"), answer(kind="conflict", code=409))),
    Fault("400, other", STOPPED, (status(400, code=1, message="Parameter 'page_size' was not numeric."),)),
    Fault("429, spam", STOPPED, (answer(kind="rate_limited", reset=1, message="Blocked as spam."),)),
    Fault("a redirect", STOPPED, (answer(kind="redirect", url="https://example.com/v5/boards"),)),
    Fault("501", STOPPED, (status(501, code=4181),)),
)  # fmt: skip

ALWAYS = (
    Fault("500", STOPPED, (answer(kind="server_error"),)),
    Fault("429 that names no wait", STOPPED, (status(429, code=8),)),
    Fault("429, wait of a minute", STOPPED, (answer(kind="rate_limited", reset=60),)),
    Fault("connection refused", STOPPED, (refused,)),
    Fault("invalid JSON", STOPPED, (status(200, body=HTML),)),
    Fault("401 code 3", STOPPED, (answer(kind="unauthorized", code=3),)),
    Fault("401 code 7", STOPPED, (answer(kind="unauthorized", code=7),)),
    Fault("403 code 29", STOPPED, (answer(kind="forbidden"), status(403, body=HTML))),
    Fault("404", STOPPED, (answer(kind="not_found", code=404), answer(kind="not_found", code=30))),
    Fault("409 (no catalog)", STOPPED, (answer(kind="conflict"),)),
)


@pytest.fixture
def lab(
    monkeypatch: pytest.MonkeyPatch, simulate: Callable[..., Simulator], tmp_path: Path
) -> Callable[..., Lab]:
    return lambda kind, **more: Lab(monkeypatch, simulate, tmp_path, KINDS[kind], **more)


def cells(table: tuple[Fault, ...]) -> list[Any]:
    return [
        pytest.param(fault, kind, id=f"{fault.title} - {kind}")
        for fault in table
        for kind in fault.kinds
    ]


@pytest.mark.parametrize(("fault", "kind"), cells(ONCE))
def test_a_fault_that_strikes_once(lab: Callable[..., Lab], fault: Fault, kind: str) -> None:
    seen = {}
    bench = lab(kind)
    for name, place in bench.places.items():
        if name not in fault.places:
            continue
        outcomes = set()
        for strike in fault.strikes:
            outcomes.add(_struck(bench, fault, strike, place))
        assert len(outcomes) == 1, outcomes
        seen[name] = outcomes.pop()
    assert seen
    assert set(seen.values()) == {fault.expected(kind)}, seen
    write_down("once", fault, kind, seen)


def _struck(bench: Lab, fault: Fault, strike: Strike, place: Place) -> str:
    bench.repair()
    bench.time.slept.clear()
    settings = dict(fault.settings or {})
    if "token" in settings:
        settings["token"] = f"simulator-access-{bench.sim.oauth._issued}-pasted"
        bench.sim.oauth.add_token(settings["token"])
    rule = strike(bench, place, 1)
    run = bench.run(**settings)
    assert rule is None or rule.fired == 1, "the fault did not strike"
    outcome = judge(bench, run, place)
    if fault.waits is not None:
        assert fault.waits in bench.time.slept, f"not waited as asked: {bench.time.slept}"
    if strike is revoked and outcome == ALL_ROWS:
        assert len(run.said("POST")) <= 2
    if outcome != ALL_ROWS:
        judge_next(bench, run)
    return outcome


@pytest.mark.parametrize(("fault", "kind"), cells(ALWAYS))
def test_a_fault_that_stays(lab: Callable[..., Lab], fault: Fault, kind: str) -> None:
    bench = lab(kind)
    outcomes = set()
    for strike in fault.strikes:
        bench.repair()
        strike(bench, Place(bench.kind.requests), None)
        run = bench.run()
        outcomes.add(judge(bench, run))
        judge_next(bench, run)
    assert outcomes == {fault.expected(kind)}
    write_down("always", fault, kind, {"": outcomes.pop()})


def write_down(table: str, fault: Fault, kind: str, seen: Mapping[str, str]) -> None:
    pass
