"""Faults against every kind of stream: where they strike, what must arrive, what is written down.

A `Lab` runs the tap against a simulator in which something goes wrong, in virtual time, with every
logger at DEBUG, and looks at each run for secrets.
"""

from __future__ import annotations

import base64
import dataclasses
import logging
import socket
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tap_pinterest import clock
from tap_pinterest.kinds.lists import ListStream
from tap_pinterest.network import gate, http, retry
from tap_pinterest.streams import STREAMS
from tap_pinterest.tap import TapPinterest
from tests.conftest import TODAY
from tests.harness import Run, expected, run_tap, slim_catalog
from tests.pinterest_api import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TOKEN, Simulator, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tests.pinterest_api import Seen

Rows = dict[tuple[str, ...], Any]
"""Rows by their keys."""

NOON = datetime.combine(TODAY, datetime.min.time(), UTC) + timedelta(hours=12)


# -- secrets


def forms_of(secret: str) -> set[str]:
    """What a secret may look like in a text."""
    return {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()}


def secrets_of(sim: Simulator, *given: str) -> set[str]:
    """Everything that a run against a simulator must keep to itself."""
    issued = {
        f"simulator-{kind}-{number}"
        for number in range(1, sim.oauth._issued + 1)
        for kind in ("access", "refresh")
    }
    basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    secrets = {TOKEN, REFRESH_TOKEN, CLIENT_SECRET, basic, *issued, *given}
    return {form for secret in secrets for form in forms_of(secret)}


def leaks(text: str, secrets: set[str]) -> list[str]:
    """The places at which a text gives a secret away."""
    return [text[max(0, at - 60) : at + 60] for each in secrets if (at := text.find(each)) >= 0]


class Loud(TapPinterest):
    """The tap with every logger at DEBUG, as `LOGLEVEL=DEBUG` sets it."""

    @classmethod
    def get_singer_command(cls) -> Any:
        logging.getLogger().setLevel(logging.DEBUG)
        return super().get_singer_command()


# -- time that passes when somebody sleeps


class Time:
    """The tap's clock: a wait of a minute takes no time, but is remembered."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.slept: list[float] = []
        self._ahead = 0.0
        self._began = time.monotonic()
        self._lock = threading.Lock()
        patch.setattr(clock, "monotonic", lambda: time.monotonic() + self._ahead)
        patch.setattr(
            clock,
            "now",
            lambda: NOON.timestamp() + time.monotonic() - self._began + self._ahead,
        )
        patch.setattr("backoff._sync.time", SimpleNamespace(sleep=self.sleep))
        patch.setattr(retry, "FIRST_WAIT", 1.0)
        patch.setattr(retry, "LONGEST_WAIT", 60.0)
        of_time = self

        class Event(threading.Event):
            def wait(self, timeout: float | None = None) -> bool:
                if not super().wait(0.05):
                    of_time.sleep(timeout or 0)
                return self.is_set()

        patch.setattr(gate, "LONGEST_SLEEP", 10.0)
        patch.setattr(gate, "threading", SimpleNamespace(Lock=threading.Lock, Event=Event))

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        with self._lock:
            self.slept.append(seconds)
            self._ahead += seconds
        time.sleep(0)


# -- kinds of streams


@dataclass(frozen=True)
class Place:
    """Which request goes wrong: what `Faults.add` takes, and what it is about.

    `named` is the object that is lost with it, `part` the ad account.
    """

    path: str
    nth: int = 1
    when: Callable[[Seen], bool] | None = None
    named: str = ""
    part: str = ""

    def rule(self) -> dict[str, Any]:
        return {"path": self.path, "nth": self.nth, "when": self.when}


@dataclass(frozen=True)
class Kind:
    """A kind of stream, as a small world shows it.

    Attributes:
        title: Its column in the document.
        stream: Its name.
        requests: The paths that it asks for, as a regular expression.
        world: What the world is made of.
        places: Where a fault may strike, in the order of the requests.
        rows: Every row that exists, by key.
        key: The fields that make a row's key.
        lost: The field of a row that says with which object it is lost; the first of the key.
    """

    title: str
    stream: str
    requests: str
    world: dict[str, Any]
    places: Callable[[World], dict[str, Place]]
    rows: Callable[[World], Rows]
    key: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    lost: str = ""

    def of(self, run: Run) -> Rows:
        """The rows of a run; a key comes once."""
        rows = [(tuple(row[name] for name in self.key), row) for row in run.records(self.stream)]
        assert len(dict(rows)) == len(rows), "a key came twice"
        return dict(rows)


def _listed(world: World, stream: str, *key: str) -> Rows:
    return {tuple(row[name] for name in key): row for row in expected(world, stream)}


def _days() -> list[str]:
    return [(TODAY - timedelta(days=back)).isoformat() for back in (2, 1)]


def _pins(world: World) -> list[str]:
    return [pin["id"] for pin in world.all_pins(include_protected_pins=True)]


def _pin_days(world: World) -> Rows:
    return {(pin, "ALL", day): None for pin in _pins(world) for day in _days()}


def _bulk(pin: str) -> Callable[[Seen], bool]:
    def asks_for_it(seen: Seen) -> bool:
        pins = [value for name, value in seen.query if name == "pin_ids"]
        return pin in pins and len(pins) > 1

    return asks_for_it


def _bulk_places(world: World) -> dict[str, Place]:
    """The smallest question, which comes first, and two requests for many Pins."""
    images = [pin for pin in _pins(world) if _kind_of(world, pin) == "image"]
    videos = [pin for pin in _pins(world) if _kind_of(world, pin) == "video"]
    path = "/v5/pins/analytics$"
    return {
        "first": Place(path),
        "middle": Place(path, when=_bulk(images[0])),
        "last": Place(path, when=_bulk(videos[-1])),
    }


def _kind_of(world: World, pin: str) -> str:
    place = world.pin_place(pin)
    assert place
    return str(world.pin(place)["media"]["media_type"])


BACK = {"start_days_back": 2, "end_days_back": 1}
SMALL: dict[str, Any] = {"protected_boards": 0, "secret_boards": 0, "likes": None}

KINDS = {
    kind.stream + ("_single" if kind.world.get("bulk_analytics") is False else ""): kind
    for kind in (
        Kind(
            title="a list: `pins`",
            stream="pins",
            requests="/v5/pins$",
            world={"boards": 2, "pins_per_board": [30, 21], **SMALL},
            places=lambda world: {
                "first": Place("/v5/pins$", 1),
                "middle": Place("/v5/pins$", 2),
                "last": Place("/v5/pins$", 3),
            },
            rows=lambda world: _listed(world, "pins", "id"),
            key=("id",),
        ),
        Kind(
            title="a child: `board_pins`",
            stream="board_pins",
            requests="/v5/boards/[0-9]+/pins$",
            world={"boards": 4, "pins_per_board": [3, 45, 2, 25], **SMALL},
            places=lambda world: {
                name: Place(f"/v5/boards/{world.board_id(i)}/pins$", nth, named=world.board_id(i))
                for name, i, nth in (("first", 0, 1), ("middle", 1, 2), ("last", 3, 2))
            },
            rows=lambda world: _listed(world, "board_pins", "board_id", "id"),
            key=("board_id", "id"),
        ),
        Kind(
            title="in bulk: `pin_analytics`",
            stream="pin_analytics",
            requests="/v5/pins/analytics$",
            world={"boards": 1, "pins_per_board": 40, **SMALL},
            places=_bulk_places,
            rows=_pin_days,
            key=("pin_id", "app_type", "date"),
            settings=BACK,
        ),
        Kind(
            title="Pin by Pin: `pin_analytics`",
            stream="pin_analytics",
            requests="/v5/pins/[0-9]+/analytics$",
            world={"boards": 1, "pins_per_board": 7, "bulk_analytics": False, **SMALL},
            places=lambda world: {
                name: Place(f"/v5/pins/{pin}/analytics$", named=pin)
                for name, pin in zip(
                    ("first", "middle", "last"),
                    [sorted(_pins(world), key=int)[i] for i in (0, 3, 6)],
                    strict=True,
                )
            },
            rows=_pin_days,
            key=("pin_id", "app_type", "date"),
            settings=BACK,
        ),
        Kind(
            title="one request: `account_analytics`",
            stream="account_analytics",
            requests="/v5/user_account/analytics$",
            world={"boards": 1, **SMALL},
            places=lambda world: {"first": Place("/v5/user_account/analytics$")},
            rows=lambda world: {(day,): None for day in _days()},
            key=("date",),
            settings=BACK,
        ),
    )
}


# -- a laboratory


def credentials(store: Path | None = None) -> dict[str, Any]:
    """Settings with which the tap gets its own tokens."""
    return {
        "access_token": None,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN,
        "token_store": str(store) if store else None,
    }


class Lab:
    """A simulator, a clock, and runs that keep their secrets."""

    def __init__(
        self,
        patch: pytest.MonkeyPatch,
        simulate: Callable[..., Simulator],
        folder: Path,
        kind: Kind,
        **more: Any,
    ) -> None:
        self.patch, self.kind = patch, kind
        self.time = Time(patch)
        # Small pages and small bulks: many requests for few rows.
        patch.setattr(ListStream, "page_size", 20)
        for stream in STREAMS:
            if stream.batch:
                patch.setattr(stream, "batch", dataclasses.replace(stream.batch, most=10))
        self.sim = simulate(**{**kind.world, **more})
        self.rows = kind.rows(self.sim.world)
        self.places = kind.places(self.sim.world)
        self._store = folder / f"tokens-{id(self)}.json"
        self._repairs: list[Callable[[], None]] = []

    def run(self, state: Any = None, *, token: str | None = None, **settings: Any) -> Run:
        """Run the stream; with `token` as the only credential, else with the token store."""
        given = {"access_token": token} if token else credentials(self._store)
        select = settings.pop("select", (self.kind.stream,))
        before = set(threading.enumerate())
        run = run_tap(
            self.sim,
            catalog=slim_catalog(select),
            state=state,
            tap=Loud,
            **{**given, **self.kind.settings, **settings},
        )
        for thread in set(threading.enumerate()) - before:
            thread.join(10)  # a process would end; here it would go on, into the next run
        assert " DEBUG " in run.log, "this is not all that a run can say"
        found = leaks(run.log + run.stdout.decode(), secrets_of(self.sim))
        assert not found, found
        assert run.crash is None, run.log[-3000:]
        assert "Traceback" not in run.log, run.log[-3000:]
        return run

    def repair(self) -> None:
        """End every fault."""
        self.sim.faults.clear()
        self.sim.pager.empty_pages = None
        self.sim.quotas.limits.clear()
        self.sim.quotas.reset()
        for name in (
            "gone_boards",
            "gone_pins",
            "forbidden_boards",
            "forbidden_pins",
            "refused_accounts",
            "refused_columns",
        ):
            getattr(self.sim.world, name).clear()
        for undo in self._repairs:
            undo()
        self._repairs.clear()
        self.sim.clear()

    # -- faults that the simulator does not know

    def at(self, place: Place, act: Callable[[], object]) -> Any:
        """Do something when the request arrives; it is then answered as if nothing had been."""

        def struck(seen: Seen) -> bool:
            if place.when is None or place.when(seen):
                rule.matched += 1
                if rule.matched == place.nth:
                    rule.fired += 1
                    act()
            return False

        rule = self.sim.faults.add(kind="reset", path=place.path, when=struck)
        return rule

    def refuse_connections(self, place: Place, times: int | None = 1) -> Any:
        """Let the connections for some requests be refused, by a port on which nobody listens."""
        rule = self.sim.faults.add(kind="reset", **{**place.rule(), "times": times})
        self.sim.faults.clear()  # the rule counts here and not in the simulator
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            closed = free.getsockname()[1]
        real = http.exchange

        def exchange(session: Any, method: str, url: str, **options: Any) -> Any:
            path = url.partition(f":{self.sim.port}")[2]
            seen: Any = SimpleNamespace(
                method=method, path=path, query=list(options.get("params") or ())
            )
            if rule.strikes(seen):
                url = url.replace(f":{self.sim.port}", f":{closed}")
            return real(session, method, url, **options)

        self.patch.setattr(http, "exchange", exchange)
        self._repairs.append(lambda: self.patch.setattr(http, "exchange", real))
        return rule

    def be_impatient(self) -> None:
        """Wait for an answer no longer than a moment."""
        before = http.TIMEOUT
        self.patch.setattr(http, "TIMEOUT", (5.0, 0.4))
        self._repairs.append(lambda: self.patch.setattr(http, "TIMEOUT", before))


# -- what a run came to

ADVICE = ("again", "onnect", "scopes", "needs", "comes back at", "Put right")


ALL_ROWS = "all rows"
SKIPPED = "all but that one, warned"
STOPPED = "exit 1, says so"
"""What may become of a run."""


def judge(lab: Lab, run: Run, place: Place | None = None) -> str:
    """What a run came to; fails where it is green and should not be, or not plain enough."""
    kind, everything = lab.kind, lab.rows
    arrived = kind.of(run)
    strange = set(arrived) - set(everything)
    assert not strange, f"rows that do not exist: {list(strange)[:3]}"
    for key, row in arrived.items():
        assert everything[key] in (None, row), f"a row that was changed: {key}"
    missing = set(everything) - set(arrived)
    versions = {stream for stream, _ in run.activate_versions}
    if run.exit_code == 0 and not missing:
        assert not run.said(" ERROR ")
        return ALL_ROWS
    assert kind.stream not in versions, "rows are missing, and the target is told to drop them"
    if run.exit_code == 0:
        assert place, f"{len(missing)} rows are missing, and the run is green"
        lost = {everything[key][kind.lost] if kind.lost else key[0] for key in missing}
        assert lost == {place.named}, f"more is missing than what was lost: {lost}"
        assert run.said("WARNING", f"Stream {kind.stream}:", place.named, "is skipped"), run.log
        return SKIPPED
    assert run.exit_code == 1
    assert " ERROR " in run.last_line
    assert kind.stream in run.last_line, f"it does not say what is missing: {run.last_line}"
    assert any(word in run.last_line for word in ADVICE), run.last_line
    assert run.messages[-1]["type"] == "STATE", "the state is not the last that was written"
    return STOPPED


def judge_next(lab: Lab, run: Run) -> Run:
    """Run again with the last state, when the fault is gone: now everything must be there."""
    lab.repair()
    again = lab.run(run.states[-1] if run.states else None).ok()
    assert lab.kind.of(run).keys() | lab.kind.of(again).keys() == lab.rows.keys()
    return again
