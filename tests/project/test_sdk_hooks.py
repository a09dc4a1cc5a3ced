"""The private parts of singer-sdk that the tap leans on are still what they were.

Each test names the place that would have to change with them. What these parts do is pinned by
behaviour where that is short, else by the text of their source.
"""

from __future__ import annotations

import hashlib
import inspect
import re
import signal
from typing import TYPE_CHECKING, Any

import pytest
import singer_sdk
from singer_sdk import Stream, Tap
from singer_sdk.contrib import msgspec as sdk_msgspec
from singer_sdk.helpers._state import StateWriter
from singer_sdk.mapper import PluginMapper, SameRecordTransform
from singer_sdk.plugin_base import PluginBase, SingerCommand

from tap_pinterest.kinds.stream import PinterestStream
from tap_pinterest.tap import TapPinterest
from tests.harness import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

# Where our code replaces, or is called in the middle of, the SDK's: read the change, then renew.
SOURCES: dict[str, tuple[Any, str]] = {
    # client.PinterestStream._write_record_message does the same in fewer steps
    "Stream._write_record_message": (Stream._write_record_message, "f691a5448b42"),
    "Stream._generate_record_messages": (Stream._generate_record_messages, "afd37e045e80"),
    # client._begin writes the SCHEMA of children ahead of time
    "Stream._write_schema_message": (Stream._write_schema_message, "321afb2a8ddd"),
    "Stream._generate_schema_messages": (Stream._generate_schema_messages, "003ac70cc6b4"),
    # client.completed writes ACTIVATE_VERSION after the records
    "Stream._write_activate_version_message": (
        Stream._write_activate_version_message,
        "e175bf0df05e",
    ),
    # client.get_records runs inside of these; they must leave contexts, state and order alone
    "Stream.sync": (Stream.sync, "376f3eae3139"),
    "Stream._sync_records": (Stream._sync_records, "12b501fe43f0"),
    "Stream._process_record": (Stream._process_record, "88dc804cad37"),
    "Stream.finalize_state_progress_markers": (
        Stream.finalize_state_progress_markers,
        "043c140ebd81",
    ),
    # tap.TapPinterest.invoke and what it calls
    "Tap.invoke": (Tap.invoke, "44ff6aa27896"),
    "Tap.sync_all": (Tap.sync_all, "7c0fd67b8490"),
    "Tap.setup_mapper": (Tap.setup_mapper, "3dae5884bcc0"),
    "Tap._handle_termination": (Tap._handle_termination, "4b0668bf8294"),
    "PluginBase._setup_signal_handlers": (PluginBase._setup_signal_handlers, "ae0821de0f65"),
    "SingerCommand.invoke": (SingerCommand.invoke, "7f3d0ea83ec3"),
    # writer.Writer stands in for this one
    "MsgSpecWriter": (sdk_msgspec.MsgSpecWriter, "18e819026dd4"),
    "StateWriter.write_state": (StateWriter.write_state, "734d44e0548a"),
}


def digest(thing: Any) -> str:
    """A hash of the code without its comments, docstrings and layout."""
    source = inspect.getsource(thing)
    source = re.sub(r'"""[\s\S]*?"""', "", source)
    source = re.sub(r"#.*", "", source)
    return hashlib.sha256("".join(source.split()).encode()).hexdigest()[:12]


@pytest.mark.parametrize("name", SOURCES)
def test_the_sdk_is_the_one_that_was_read(name: str) -> None:
    thing, known = SOURCES[name]
    assert digest(thing) == known, (
        f"singer-sdk {singer_sdk.__version__} changed {name}, which the tap leans on. Read what is "
        f"new there, mend the tap where it must, and put {digest(thing)!r} into SOURCES."
    )


def test_private_names_that_we_override_exist() -> None:
    ours = {
        name
        for cls, base in ((PinterestStream, Stream), (TapPinterest, Tap))
        for name in vars(cls)
        if name.startswith("_") and not name.startswith("__") and hasattr(base, name)
    }
    assert ours >= {
        "_write_record_message",
        "_handle_termination",
        "_write_starting_replication_value",
        "_increment_stream_state",
    }
    for name in ours - {"_abc_impl", "_stopping"}:
        base = getattr(Stream, name, None) or getattr(Tap, name)
        mine = getattr(PinterestStream, name, None) or getattr(TapPinterest, name)
        if callable(base):
            assert list(inspect.signature(mine).parameters) == list(
                inspect.signature(base).parameters
            ), name


def test_each_record_goes_through_our_hook_once(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    original = PinterestStream._write_record_message
    monkeypatch.setattr(
        PinterestStream,
        "_write_record_message",
        lambda self, record: seen.append(self.name) or original(self, record),
    )
    run = run_tap(sim, select=["boards", "board_pins"]).ok()
    assert len(seen) == sum(run.counts.values()) > 0


def test_the_stream_version_is_the_tap_s_start(sim: Simulator) -> None:
    tap = TapPinterest(config={"access_token": "x", "api_url": sim.url})
    stream = tap.streams["boards"]
    assert stream._initialized_at == tap.initialized_at
    assert stream._stream_version is None
    assert type(stream.stream_maps[0]) is SameRecordTransform
    assert stream.state_manager.is_flushed is True


def test_our_version_is_in_what_the_sdk_writes(sim: Simulator) -> None:
    mapped = run_tap(sim, select=["boards"], stream_maps={"boards": {"x": "1"}}).ok()
    ((_, version),) = mapped.activate_versions
    assert {message["version"] for message in mapped.of("RECORD")} == {version}


def test_signals_reach_our_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        tap = TapPinterest(config={"access_token": "x"})
        for number in before:
            handler = signal.getsignal(number)
            assert getattr(handler, "__func__", None) is TapPinterest._handle_termination
            assert getattr(handler, "__self__", None) is tap
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_children_are_synced_by_us_and_not_by_the_sdk(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(self: Any, context: Any) -> None:
        pytest.fail("the SDK synced children record by record")

    monkeypatch.setattr(Stream, "_sync_children", never)
    run = run_tap(simulate(boards=3), select=["boards", "board_pins"]).ok()
    assert run.counts["board_pins"]


def test_the_mapper_takes_a_catalog() -> None:
    assert list(inspect.signature(PluginMapper.register_raw_streams_from_catalog).parameters) == [
        "self",
        "catalog",
    ]
