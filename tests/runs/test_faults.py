"""Each fault against each kind of stream, at the first, a middle and the last request.

What arrives is all that exists, or the run ends red and its last line says what is missing; the run
after it completes it. docs/reliability.md shows what these tests saw: a cell that differs fails.
"""

from __future__ import annotations

import fcntl
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.ads_faults import ADS_KINDS
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
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.harness import Run
    from tests.pinterest_api import Simulator

    Strike = Callable[[Lab, Place, int | None], Any]

PLACES = ("first", "middle", "last")
HTML = "<html><body><h1>Sorry</h1></body></html>"


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        title: Its row in the document.
        expect: What must become of the run: everywhere, or by kind of stream, or by place too.
        strikes: How it is done; each way must come to the same.
        waits: Seconds that the answer asks to wait, and that must be waited.
        kinds, places: Where it can happen.
        alone: Whether the run has an access token and no means to get another.
    """

    title: str
    expect: Any
    strikes: tuple[Strike, ...]
    waits: float | None = None
    kinds: tuple[str, ...] = tuple(KINDS)
    places: tuple[str, ...] = PLACES
    alone: bool = False

    def expected(self, kind: str, place: str = "") -> str:
        found = self.expect if isinstance(self.expect, str) else self.expect[kind]
        return found if isinstance(found, str) else found[place]


# -- how things go wrong


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
    """Each second page is empty, and so is one behind the last."""
    lab.sim.pager.empty_pages = 2


def revoked(lab: Lab, place: Place, times: int | None) -> Any:
    return lab.at(place, lab.sim.revoke_tokens)


def used_up(lab: Lab, place: Place, times: int | None) -> Any:
    """From this request on nothing is left of a quota that comes back in six hours."""

    def use_up() -> None:
        for category in ("org_read", "org_analytics", "ads_read", "ads_analytics"):
            lab.sim.quotas.limits[category] = (0, SIX_HOURS)
        lab.sim.quotas.reset()

    return lab.at(place, use_up)


SIX_HOURS = 21_600
LISTS = ("pins", "board_pins")
BROKEN_OFF = {"pins": STOPPED, "account_analytics": STOPPED}
# In bulk it is asked again, by halves, which works.
REFUSED = {
    **BROKEN_OFF,
    "board_pins": SKIPPED,
    "pin_analytics_single": SKIPPED,
    "pin_analytics": ALL_ROWS,
}
AGAIN = {**dict.fromkeys(KINDS, STOPPED), "pin_analytics": ALL_ROWS}
# Bulk access is tried with the first request; without it, Pins are asked for one by one.
NOT_GRANTED = {
    **dict.fromkeys(KINDS, STOPPED),
    "pin_analytics": {"first": ALL_ROWS, "middle": STOPPED, "last": STOPPED, "": ALL_ROWS},
}
# Where the same Pin is answered when it is asked for by itself, the app has no bulk access.
NOT_IN_BULK = {**dict.fromkeys(KINDS, STOPPED), "pin_analytics": ALL_ROWS}

ONCE = (
    Fault(
        "429 code 8, wait in `x-ratelimit-reset`",
        ALL_ROWS,
        (answer(kind="rate_limited", reset=47),),
        waits=47,
    ),
    Fault(
        "429 code 2726, “Retry after 30 seconds”",
        ALL_ROWS,
        (answer(kind="cost_limited", seconds=30),),
        waits=30,
    ),
    Fault(
        "400, “Retry after 30 seconds”",
        ALL_ROWS,
        (answer(kind="throttled", seconds=30),),
        waits=30,
    ),
    Fault("429 that names no wait", ALL_ROWS, (status(429, code=8), status(429, body=HTML))),
    Fault("400 code 12", ALL_ROWS, (answer(kind="something_went_wrong"),)),
    Fault("400, “last 90 days”, of younger days", ALL_ROWS, (answer(kind="last_90_days"),)),
    *(
        Fault(
            f"500, 502, 503 with {what}",
            ALL_ROWS,
            tuple(answer(kind="server_error", status=n, body=body) for n in (500, 502, 503)),
        )
        for what, body in (("JSON", "json"), ("HTML", "html"), ("nothing", "empty"))
    ),
    Fault(
        "503 with `Retry-After`",
        ALL_ROWS,
        (status(503, headers={"retry-after": "20", "x-ratelimit-reset": "9999"}),),
        waits=20,
    ),
    Fault("connection refused", ALL_ROWS, (refused,)),
    Fault("connection reset", ALL_ROWS, (answer(kind="reset"),)),
    Fault("no answer in time", ALL_ROWS, (late,)),
    Fault("answer cut off", ALL_ROWS, (answer(kind="truncate"),)),
    Fault("invalid JSON", ALL_ROWS, (answer(kind="invalid_json"), status(200, body=HTML))),
    Fault("200 with nothing", ALL_ROWS, (status(200), status(200, body=" \n"))),
    Fault("200 with JSON of another kind", ALL_ROWS, (status(200, body="[]"),)),
    Fault(
        "an empty page with a bookmark", ALL_ROWS, (empty_pages,), kinds=LISTS, places=("middle",)
    ),
    Fault(
        "a bookmark that came before",
        STOPPED,
        (answer(kind="bookmark_loop"),),
        kinds=LISTS,
        places=("middle", "last"),
    ),
    Fault("401 code 2 (revoked), refresh token at hand", ALL_ROWS, (revoked,)),
    Fault("401 code 2 (revoked), access token alone", STOPPED, (revoked,), alone=True),
    Fault(
        "quota that comes back in six hours",
        STOPPED,
        (answer(kind="rate_limited", reset=SIX_HOURS), used_up),
    ),
    Fault("401 code 3", NOT_GRANTED, (answer(kind="unauthorized", code=3),)),
    Fault("401 code 7", REFUSED, (answer(kind="unauthorized", code=7),)),
    Fault("403 code 29", REFUSED, (answer(kind="forbidden"),)),
    Fault("403 with HTML", REFUSED, (status(403, body=HTML),)),
    Fault("404 code 40, 50", REFUSED, tuple(answer(kind="not_found", code=n) for n in (40, 50))),
    Fault("404 code 30", REFUSED, (answer(kind="not_found", code=30),)),
    Fault("409", REFUSED, tuple(answer(kind="conflict", code=code) for code in (4182, 409))),
    Fault("400, other", AGAIN, (status(400, code=1, message="'page_size' was not numeric."),)),
    Fault("429, spam", AGAIN, (status(429, code=8, message="Blocked as spam."),)),
    Fault("a redirect", AGAIN, (answer(kind="redirect", url="https://example.com/v5/pins"),)),
    Fault("501", AGAIN, (status(501, code=4181),)),
)

ALWAYS = (
    Fault("500", STOPPED, (answer(kind="server_error"),)),
    Fault("429 that names no wait", STOPPED, (status(429, code=8),)),
    Fault("429, a minute's wait each time", STOPPED, (answer(kind="rate_limited", reset=60),)),
    Fault("connection refused", STOPPED, (refused,)),
    Fault("invalid JSON", STOPPED, (status(200, body=HTML),)),
    Fault("401 code 3", NOT_GRANTED, (answer(kind="unauthorized", code=3),)),
    Fault("401 code 7", NOT_IN_BULK, (answer(kind="unauthorized", code=7),)),
    Fault("403 code 29", NOT_IN_BULK, (answer(kind="forbidden"),)),
    Fault("404", STOPPED, (answer(kind="not_found", code=404),)),
    Fault("404 code 30", STOPPED, (answer(kind="not_found", code=30),)),
    Fault("409", STOPPED, (answer(kind="conflict"),)),
)

ALIKE = ("with HTML", "with nothing", "404 code 30", "429, spam", "redirect", "501")
ADS_ONCE = tuple(
    fault
    for fault in ONCE
    if not any(words in fault.title for words in ALIKE) or "200" in fault.title
)
"""Once for each thing that is done about an answer: ads are read with the same transport."""

OF_ACCOUNT = (
    Fault("500", STOPPED, (answer(kind="server_error"),)),
    Fault("400", STOPPED, (status(400, code=1, message="no"),)),
    Fault("403 code 29", STOPPED, (answer(kind="forbidden"),)),
    Fault("401 code 3", STOPPED, (answer(kind="unauthorized", code=3),)),
    Fault("404", SKIPPED, (answer(kind="not_found", code=404),)),
)
"""What stays for all requests about one ad account, see test_faults_ads.py."""

OBJECTS = {
    "a deleted one (404 code 40, 50)": ("gone_boards", "gone_pins"),
    "one of others (401 code 7, 403 code 29)": ("forbidden_boards", "forbidden_pins"),
}
OF_OBJECTS = ("board_pins", "pin_analytics", "pin_analytics_single")


# -- the matrix


@pytest.fixture
def lab(
    monkeypatch: pytest.MonkeyPatch, simulate: Callable[..., Simulator], tmp_path: Path
) -> Callable[..., Lab]:
    return lambda kind, **more: Lab(monkeypatch, simulate, tmp_path, KINDS[kind], **more)


def cells(table: tuple[Fault, ...]) -> list[Any]:
    return [
        pytest.param(fault, kind, id=f"{fault.title}-{kind}")
        for fault in table
        for kind in fault.kinds
    ]


@pytest.mark.parametrize(("fault", "kind"), cells(ONCE))
def test_a_fault_that_strikes_once(lab: Callable[..., Lab], fault: Fault, kind: str) -> None:
    bench, seen = lab(kind), {}
    for name, place in bench.places.items():
        for strike in fault.strikes if name in fault.places else ():
            outcome = strike_once(bench, fault, strike, place)
            assert outcome == fault.expected(kind, name), f"at the {name} request"
            seen[name] = outcome
    write_down("once", fault.title, kind, seen)


def strike_once(
    bench: Lab,
    fault: Fault,
    strike: Strike,
    place: Place,
    look: Callable[[Run], object] = bool,
) -> str:
    if strike is revoked:
        bench.run().ok()  # the store is filled
    bench.repair()
    token = None
    if fault.alone:
        token = f"pasted-token-for-{place.nth}"
        bench.sim.oauth.add_token(token)
    rule = strike(bench, place, 1)
    run = bench.run(token=token)
    look(run)
    assert rule is None or rule.fired == 1, "the fault did not strike"
    outcome = judge(bench, run, place)
    if fault.waits is not None:
        assert fault.waits in bench.time.slept
    if strike is revoked:
        assert bench.sim.paths()["/v5/oauth/token"] == (0 if fault.alone else 1)
    if "six hours" in fault.title:
        assert re.search(r"comes back at 2026-03-10 18:\d\d UTC", run.last_line), run.last_line
        assert max(bench.time.slept, default=0) < 900, "it waited for a quota of tomorrow"
    if outcome != ALL_ROWS:
        judge_next(bench, run)
    return outcome


@pytest.mark.parametrize(("fault", "kind"), cells(ALWAYS))
def test_a_fault_that_stays(lab: Callable[..., Lab], fault: Fault, kind: str) -> None:
    bench = lab(kind)
    for strike in fault.strikes:
        strike(bench, Place(bench.kind.requests), None)
        run = bench.run()
        assert judge(bench, run) == fault.expected(kind)
        judge_next(bench, run)
    write_down("always", fault.title, kind, {"": fault.expected(kind)})


@pytest.mark.parametrize("kind", OF_OBJECTS)
@pytest.mark.parametrize("what", OBJECTS)
def test_one_object_that_is_lost(lab: Callable[..., Lab], what: str, kind: str) -> None:
    bench, seen = lab(kind), {}
    boards, pins = (getattr(bench.sim.world, name) for name in OBJECTS[what])
    lost_ones = sorted({key[0] for key in bench.rows})
    for name, lost in zip(PLACES, (lost_ones[0], lost_ones[2], lost_ones[-1]), strict=True):
        bench.repair()
        (boards if kind == "board_pins" else pins).add(lost)
        run = bench.run()
        seen[name] = judge(bench, run, Place("", named=lost))
        assert seen[name] == SKIPPED
        judge_next(bench, run)
    write_down("object", what, kind, seen)


# -- the document

DOCUMENT = ROOT / "docs" / "reliability.md"
TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "once": (tuple(fault.title for fault in ONCE), tuple(KINDS)),
    "always": (tuple(fault.title for fault in ALWAYS), tuple(KINDS)),
    "object": (tuple(OBJECTS), OF_OBJECTS),
    "ads once": (tuple(fault.title for fault in ADS_ONCE), tuple(ADS_KINDS)),
    "ads always": (tuple(fault.title for fault in ALWAYS), tuple(ADS_KINDS)),
    "ad account": (tuple(fault.title for fault in OF_ACCOUNT), tuple(ADS_KINDS)),
}
TITLES = {name: kind.title for name, kind in (KINDS | ADS_KINDS).items()}
HOW = "write down what the tests see: UPDATE_DOCS=1 pytest tests/runs/test_faults*.py"
UPDATING = os.environ.get("UPDATE_DOCS") == "1"
NOWHERE = "n/a"

Cells = dict[tuple[str, str], str]


def table_in(text: str, name: str) -> str:
    found = re.search(f"<!-- begin: {name} -->\n(.*?)<!-- end: {name} -->", text, re.DOTALL)
    assert found, f"docs/reliability.md has no table {name}"
    return found[1]


def cells_of(text: str, name: str) -> Cells:
    """The cells of a table in the document, by title of the row and kind of stream."""
    kinds = TABLES[name][1]
    rows = [line.strip("| \n").split(" | ") for line in table_in(text, name).splitlines()[2:]]
    return {(row[0], kind): cell for row in rows for kind, cell in zip(kinds, row[1:], strict=True)}


def with_cells(text: str, name: str, found: Cells) -> str:
    """The document with a table made anew."""
    titles, kinds = TABLES[name]
    rows = [["", *(TITLES[kind] for kind in kinds)], ["---"] * (len(kinds) + 1)]
    rows += [[title, *(found.get((title, kind), NOWHERE) for kind in kinds)] for title in titles]
    lines = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    before, begin, rest = text.partition(f"<!-- begin: {name} -->\n")
    end = rest.index(f"<!-- end: {name} -->")
    return before + begin + lines + rest[end:]


def write_down(table: str, title: str, kind: str, seen: Mapping[str, str]) -> None:
    """Compare with the document what was seen, or put it there."""
    assert seen
    outcomes = dict.fromkeys(seen.values())
    cell = "; ".join(
        outcome
        if len(outcomes) == 1
        else f"{', '.join(place for place in seen if seen[place] == outcome)}: {outcome}"
        for outcome in outcomes
    )
    if not UPDATING:
        found = cells_of(DOCUMENT.read_text("utf-8"), table).get((title, kind))
        assert found == cell, f"docs/reliability.md says {found!r}; {HOW}"
        return
    with DOCUMENT.open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text = file.read()
        text = with_cells(text, table, cells_of(text, table) | {(title, kind): cell})
        file.seek(0)
        file.write(text)
        file.truncate()


@pytest.mark.skipif(UPDATING, reason="the other tests are writing it")
@pytest.mark.parametrize("name", ["once", "always", "object"])
def test_the_document_has_these_cells_and_no_others(name: str) -> None:
    text, (titles, kinds) = DOCUMENT.read_text("utf-8"), TABLES[name]
    found = cells_of(text, name)
    assert with_cells(text, name, found) == text, HOW
    possible = {(fault.title, kind) for fault in (*ONCE, *ALWAYS) for kind in fault.kinds}
    if name != "object":
        filled = {cell for cell, content in found.items() if content != NOWHERE}
        assert filled == {(title, kind) for title in titles for kind in kinds} & possible, HOW
