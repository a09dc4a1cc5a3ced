"""Runs the tap as a user does, and keeps what it said.

    run = run_tap(sim, select=["boards.*"], max_concurrency=1)
    assert run.exit_code == 0, run.log
    run.records("boards")

`run_tap` calls the command in this process, which is quick; `run_process` and `pipe` start the real
console script.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import gc
import io
import json
import logging
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.logging import ConsoleFormatter

from tap_pinterest.records.schemas import load_schema
from tap_pinterest.streams import STREAMS
from tap_pinterest.tap import TapPinterest
from tests.pinterest_api import TOKEN, Simulator, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

FOUNDATION = (
    "account",
    "board_pins",
    "boards",
    "followers",
    "following_boards",
    "following_interests",
    "following_users",
    "likes",
    "pins",
    "search_boards",
    "search_pins",
)
"""The streams whose content `expected` knows."""

ALL = ("*",)
ROOT = Path(__file__).parent.parent
SCRIPT = Path(sys.executable).with_name("tap-pinterest")


@dataclass
class Run:
    """What a run wrote and how it ended."""

    stdout: bytes
    log: str
    exit_code: int
    crash: BaseException | None = field(default=None, repr=False)

    @functools.cached_property
    def messages(self) -> list[dict[str, Any]]:
        """The messages, in order; fractions as Decimal, so that no digit is lost in reading."""
        assert not self.stdout or self.stdout.endswith(b"\n"), (
            f"half a line: {self.stdout[-200:]!r}"
        )
        return [json.loads(line, parse_float=Decimal) for line in self.stdout.splitlines()]

    def of(self, kind: str, stream: str | None = None) -> list[dict[str, Any]]:
        """The messages of a type, of one stream or of all."""
        return [
            message
            for message in self.messages
            if message["type"] == kind and stream in (None, message.get("stream"))
        ]

    def records(self, stream: str) -> list[dict[str, Any]]:
        """The records of a stream, in order."""
        return [message["record"] for message in self.of("RECORD", stream)]

    @property
    def counts(self) -> dict[str, int]:
        """Number of records per stream that has any."""
        return dict(Counter(message["stream"] for message in self.of("RECORD")))

    @property
    def schemas(self) -> dict[str, dict[str, Any]]:
        """The last SCHEMA message of each stream."""
        return {message["stream"]: message for message in self.of("SCHEMA")}

    @property
    def states(self) -> list[dict[str, Any]]:
        """The values of the STATE messages."""
        return [message["value"] for message in self.of("STATE")]

    @property
    def activate_versions(self) -> list[tuple[str, int]]:
        """Stream and version of each ACTIVATE_VERSION, in order."""
        return [(message["stream"], message["version"]) for message in self.of("ACTIVATE_VERSION")]

    @property
    def log_lines(self) -> list[str]:
        """The lines of the log."""
        return self.log.splitlines()

    @property
    def last_line(self) -> str:
        """The last line of the log; what threads still say at DEBUG may come behind it."""
        said = [line for line in self.log_lines if " | DEBUG " not in line]
        return said[-1] if said else ""

    @property
    def warnings(self) -> list[str]:
        """The warnings and errors of the log."""
        return [line for line in self.log_lines if re.search(r"\b(WARNING|ERROR)\b", line)]

    def said(self, *words: str) -> list[str]:
        """The lines of the log that hold all of these words."""
        return [line for line in self.log_lines if all(word in line for word in words)]

    def ok(self) -> Run:
        """Itself, after a run that ended well."""
        assert self.exit_code == 0, self.log
        return self


# -- what is handed to the tap


def config_for(sim: Simulator | dict | None, settings: dict[str, Any]) -> dict[str, Any]:
    """Settings that reach a simulator; those that are None are left out."""
    base = sim if isinstance(sim, dict) else {}
    if isinstance(sim, Simulator):
        base = {"access_token": TOKEN, "api_url": sim.url}
    return {name: value for name, value in {**base, **settings}.items() if value is not None}


@functools.cache
def _discovered() -> str:
    run = invoke(["--discover"])
    assert run.exit_code == 0, run.log
    return run.stdout.decode()


def discover() -> dict[str, Any]:
    """The catalog that `--discover` prints."""
    return json.loads(_discovered())


def catalog_for(select: Any = None, deselect: Any = ()) -> dict[str, Any]:
    """The catalog after Meltano's `select`: patterns `stream`, `stream.field` or `stream.a.b`.

    As Meltano does, it marks streams and fields with `selected`; of a stream with any selected
    field the stream is selected, and automatic fields stay as they are. None: the defaults.
    """
    catalog = discover()
    if select is None:
        return _without(catalog, deselect)
    wanted = [pattern if "." in pattern else f"{pattern}.*" for pattern in select]
    for entry in catalog["streams"]:
        name, any_field = entry["tap_stream_id"], False
        for meta in entry["metadata"]:
            crumb, data = meta["breadcrumb"], meta["metadata"]
            if crumb:
                path = f"{name}.{'.'.join(crumb[1::2])}"
                data["selected"] = any(fnmatchcase(path, pattern) for pattern in wanted)
                any_field = any_field or data["selected"]
        for meta in entry["metadata"]:
            if not meta["breadcrumb"]:
                meta["metadata"]["selected"] = any_field
    return _without(catalog, deselect)


@functools.cache
def slim_catalog(select: tuple[str, ...] | None, deselect: tuple[str, ...] = ()) -> str:
    """What `catalog_for` makes, with no more than the names of streams that are not needed.

    The SDK spends most of a short run on the schemas of all the streams.
    """
    catalog = catalog_for(select, deselect)
    needed = {
        entry["tap_stream_id"]
        for entry in catalog["streams"]
        for meta in entry["metadata"]
        if not meta["breadcrumb"] and meta["metadata"].get("selected", True)
    }
    by_name = {stream.declared_name(): stream for stream in STREAMS}
    looked_at: set[str] = set()
    while left := needed - looked_at:
        name = left.pop()
        looked_at.add(name)
        stream = by_name[name]
        above = [stream.parent_stream_type] if stream.parent_stream_type else []
        needed |= {each.name for each in (*above, *stream.also_below)}
    for entry in catalog["streams"]:
        if entry["tap_stream_id"] not in needed:
            entry["schema"] = {"properties": {}}
            entry["key_properties"], entry["replication_key"] = [], None
            entry["metadata"] = [{"breadcrumb": [], "metadata": {"selected": False}}]
    return json.dumps(catalog)


def _without(catalog: dict[str, Any], deselect: Any) -> dict[str, Any]:
    for pattern in deselect:
        for entry in catalog["streams"]:
            for meta in entry["metadata"]:
                path = ".".join((entry["tap_stream_id"], *meta["breadcrumb"][1::2]))
                if fnmatchcase(path, pattern):
                    meta["metadata"]["selected"] = False
    return catalog


# -- in this process


def run_tap(
    sim: Simulator | dict | None = None,
    *,
    select: Any = None,
    deselect: Any = (),
    catalog: Any = None,
    state: Any = None,
    config: Any = None,
    args: Any = (),
    tap: type[TapPinterest] = TapPinterest,
    **settings: Any,
) -> Run:
    """Run the tap with settings, a catalog and a state.

    Args:
        sim: Where the API is, or the whole configuration.
        select, deselect: Patterns, see `slim_catalog`; without any, there is no catalog.
        catalog, state, config: Contents of these files, as JSON values, text or bytes.
        args: More arguments of the command.
        tap: The class to run.
        settings: Settings beside those that reach the simulator; None takes one away.
    """
    with tempfile.TemporaryDirectory() as folder:
        if config is None:
            config = config_for(sim, settings)
        if catalog is None and (select is not None or deselect):
            patterns = None if select is None else tuple(select)
            catalog = slim_catalog(patterns, tuple(deselect))
        return invoke([*files(folder, config=config, catalog=catalog, state=state), *args], tap)


def files(folder: Any, **documents: Any) -> list[str]:
    """Write documents into a folder, and the options that name them."""
    args = []
    for name, document in documents.items():
        if document is None:
            continue
        path = Path(folder) / f"{name}.json"
        text = document if isinstance(document, str | bytes) else json.dumps(document)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        args += [f"--{name}", str(path)]
    return args


def invoke(args: list[str], tap: type[TapPinterest] = TapPinterest) -> Run:
    """Call the command in this process, and leave the process as it was."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    err = io.StringIO()
    code, crash = 0, None
    with _process_state(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        handler = logging.StreamHandler(err)
        handler.setFormatter(ConsoleFormatter())
        logging.getLogger().addHandler(handler)
        try:
            tap.get_singer_command().main(args=list(args), prog_name="tap-pinterest")
        except SystemExit as exc:
            code = exc.code if isinstance(exc.code, int) else 1 if exc.code else 0
        except pytest.fail.Exception:
            raise  # the test is over its time
        except BaseException as exc:  # noqa: BLE001 - as the interpreter would end
            code, crash = 1, exc
            err.write(traceback.format_exc())
    return Run(out.buffer.getvalue(), err.getvalue(), code, crash)  # type: ignore[attr-defined]


@contextlib.contextmanager
def _process_state() -> Any:
    """Undo what a command-line program may do to its process."""
    root, hook, threshold = logging.getLogger(), sys.excepthook, gc.get_threshold()
    level, handlers = root.level, root.handlers[:]
    handled = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    environment = {
        name: os.environ.pop(name) for name in list(os.environ) if name.startswith("TAP_PINTEREST_")
    }
    root.setLevel(logging.INFO)
    root.handlers[:] = []
    try:
        with warnings.catch_warnings():
            yield
    finally:
        logging.captureWarnings(capture=False)
        root.setLevel(level)
        root.handlers[:] = handlers
        sys.excepthook = hook
        gc.unfreeze()
        gc.set_threshold(*threshold)
        os.environ.update(environment)
        for number, handler in handled.items():
            with contextlib.suppress(ValueError):  # not in the main thread
                signal.signal(number, handler)


# -- in processes of their own


def environment(**more: str) -> dict[str, str]:
    """The environment of a child process: nothing that would change what it says."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TAP_PINTEREST_", "MELTANO", "COV_")) and name != "LOGLEVEL"
    }
    return {**kept, "PYTHONUNBUFFERED": "", **more}


def run_process(args: list[str], *, cwd: Path | None = None, **more: str) -> Run:
    """Run the console script to its end."""
    done = subprocess.run(
        [str(SCRIPT), *args],
        cwd=cwd,
        capture_output=True,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return Run(done.stdout, done.stderr.decode(), done.returncode)


@contextlib.contextmanager
def started(
    args: list[str], command: Sequence[str | Path] = (SCRIPT,), **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """The console script at work, its output in pipes; it does not outlive the block."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen([*command, *args], env=environment(), **{**pipes, **options})
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(condition: Callable[[], Any]) -> Any:
    """What a condition gives when it is first true; how long that may take, the test's limit says."""
    while not (found := condition()):
        time.sleep(0.01)
    return found


def pipe(tap_args: list[str], target: Path, target_config: Any, folder: Path) -> tuple[Run, str]:
    """`tap-pinterest … | target --config …`, as a user types it: the tap's side, and what the
    target said."""
    (folder / "target.json").write_text(json.dumps(target_config), "utf-8")
    tap = shlex.join([str(SCRIPT), *tap_args])
    line = f"{tap} 2>tap.log | tee out.singer | {shlex.quote(str(target))} --config target.json"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{line}; echo ${{PIPESTATUS[*]}} >codes"],
        capture_output=True,
        cwd=folder,
        env=environment(),
        check=False,
    )
    code, _, loaded = map(int, (folder / "codes").read_text().split())
    said = done.stdout.decode() + done.stderr.decode()
    assert loaded == 0, said[-4000:]
    log = (folder / "tap.log").read_text("utf-8")
    return Run((folder / "out.singer").read_bytes(), log, code), said


# -- what must come out


def expected(world: World, stream: str, **settings: Any) -> list[dict[str, Any]]:
    """The records of a stream as they must leave, made from the simulator's world.

    All that the API sends, unchanged but for what is documented: times get their zone, users and
    pins their address, results of a search their query, absent fields null.
    """
    site = "https://www.pinterest.com"
    metrics = settings.get("pin_metrics", False)
    queries = list(dict.fromkeys(settings.get("search_queries") or ()))
    following = {"explicit_following": settings.get("explicit_following", False)}

    def user(record: dict[str, Any]) -> dict[str, Any]:
        return record | {"url": f"{site}/{record['username']}/"}

    def pin(record: dict[str, Any], **more: Any) -> dict[str, Any]:
        return record | {"url": f"{site}/pin/{record['id']}/"} | more

    def board_pins() -> Any:
        only = settings.get("board_ids")
        for board in world.all_boards(settings.get("board_privacy", "ALL")):
            if not only or board["id"] in only:
                yield from map(pin, world.pins_of(board["id"], pin_metrics=metrics))

    def likes() -> Any:
        for board in world.all_boards("SECRET"):
            if board["name"] == settings.get("likes_board_name", "Your Pinterest Likes"):
                yield from map(pin, world.pins_of(board["id"]))

    rows = {
        "account": lambda: [user(world.account())],
        "boards": lambda: world.all_boards(settings.get("board_privacy", "ALL")),
        "board_pins": board_pins,
        "followers": lambda: map(user, world.all_followers()),
        "following_boards": lambda: world.all_following_boards(**following),
        "following_interests": world.all_interests,
        "following_users": lambda: map(
            user,
            world.all_following(feed_type=settings.get("following_feed_type", "ALL"), **following),
        ),
        "likes": likes,
        "pins": lambda: map(
            pin,
            world.all_pins(
                include_protected_pins=settings.get("include_protected_pins", True),
                pin_metrics=metrics,
            ),
        ),
        "search_boards": lambda: (
            board | {"query": query}
            for query in queries or [""]
            for board in world.search_boards(query)
        ),
        "search_pins": lambda: (
            pin(record, query=query) for query in queries for record in world.search_pins(query)
        ),
    }
    return with_nulls(stream, map(_with_zone, rows[stream]()))


def with_nulls(stream: str, records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records with all fields of their stream, null where there is nothing."""
    (declared,) = (each for each in STREAMS if each.declared_name() == stream)
    empty = dict.fromkeys(load_schema(declared.record_type, adds=declared.adds)["properties"])
    return [empty | record for record in records]


def _with_zone(record: dict[str, Any]) -> dict[str, Any]:
    record = copy.deepcopy(dict(record))
    for name in ("created_at", "board_pins_modified_at"):
        if record.get(name) and not record[name].endswith("Z"):
            record[name] += "Z"
    return record
