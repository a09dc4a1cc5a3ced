"""The tap: settings in, streams out, and an exit code that tells the truth."""

from __future__ import annotations

import dataclasses
import gc
import os
from typing import IO, TYPE_CHECKING, Any, ClassVar, cast

import dotenv
from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.plugin_base import _ConfigInput
from singer_sdk.singerlib import Catalog, MetadataMapping, StateMessage

from tap_pinterest import cli, settings
from tap_pinterest.errors import TapError
from tap_pinterest.records.shape import load_schema
from tap_pinterest.run import Run
from tap_pinterest.streams import STREAMS
from tap_pinterest.writer import Interrupted, Writer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    import click

    from tap_pinterest.kinds.stream import PinterestStream


GC_THRESHOLD = 50_000
"""New containers after which the cycle collector looks; a page of records has some thousands."""


class TapPinterest(Tap):
    """Singer tap for the Pinterest API v5: boards, Pins, audience and their figures."""

    name = "tap-pinterest"
    config_jsonschema: ClassVar[dict[str, Any]] = settings.SETTINGS
    message_writer_class = Writer
    _stopping = False
    # Batch files would bypass the schema, the selection and the stream maps.
    capabilities: ClassVar = [
        capability for capability in Tap.capabilities if capability != PluginCapabilities.BATCH
    ]

    def __init__(
        self, *, validate_config: bool = True, setup_mapper: bool = True, **kwargs: Any
    ) -> None:
        """Make the tap.

        Raises:
            ConfigValidationError: The settings cannot work; `errors` holds a sentence each.
        """
        if isinstance(config := kwargs.get("config"), dict):  # null: as if it were not there
            kwargs["config"] = {
                # 8.0 is a whole number to JSON Schema, and none to Python.
                name: int(value) if isinstance(value, float) and value.is_integer() else value
                for name, value in config.items()
                if value is not None
            }
        # The SDK's own messages quote the values that are wrong, which may be secrets: ours do not.
        super().__init__(validate_config=False, setup_mapper=False, **kwargs)
        if validate_config:
            if found := settings.problems(dict(self.config), self.config_jsonschema):
                raise ConfigValidationError(
                    "The settings cannot work", errors=found, schema=self.config_jsonschema
                )
            for warning in settings.unknown(dict(self.config), self.config_jsonschema):
                self.logger.warning(warning)
        if setup_mapper:
            self.setup_mapper()

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add the SDK's settings; a slip in its schema of `stream_maps` breaks validators."""
        super().append_builtin_config(config_jsonschema)
        properties = config_jsonschema["properties"]
        properties["stream_maps"] = settings.without_loose_ends(properties["stream_maps"])

    def setup_mapper(self) -> None:
        """Make the stream maps; those of deselected streams too, whose filters children obey."""
        super(Tap, self).setup_mapper()
        # The SDK finds no field in a deselected stream, not even its key, and refuses each map
        # that is about it, `*` included. Without metadata all fields are there.
        self.mapper.register_raw_streams_from_catalog(
            Catalog(
                (name, entry)
                if entry.metadata.resolve_selection()[()]
                else (name, dataclasses.replace(entry, metadata=MetadataMapping()))
                for name, entry in self.catalog.items()
            )
        )

    def discover_streams(self) -> Sequence[PinterestStream]:
        """One stream of each kind."""
        self.run = Run(self.config, f"{self.name}/{self.plugin_version}")
        streams = [stream(self, self.run) for stream in STREAMS]
        by_name = sorted(streams, key=lambda stream: stream.name)
        by_type = {type(stream): stream for stream in streams}
        for turn, stream in enumerate(by_name):
            stream.rank = turn
            if stream.parent_stream_type:
                stream.parent = by_type[cast("type[PinterestStream]", stream.parent_stream_type)]
                stream.parent.children.append(stream)
        for stream in by_name:
            if stream.parent:
                # A child holds up its parent: its requests go before the parent's next page.
                stream.rank = stream.root.rank - 0.5
        self.run.streams = by_name
        return streams

    # -- the command line

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """The SDK's command, with our endings."""
        command = super().get_singer_command()
        command.__class__ = cli.Command
        return command

    @classmethod
    def cb_config(
        cls,
        ctx: click.Context,  # noqa: ARG003
        param: click.Option,  # noqa: ARG003
        value: tuple[str, ...],
    ) -> _ConfigInput:
        """Read the configuration files, later ones over earlier ones, and then the environment."""
        # Not as the SDK does: each file once, as a pipe can be read no second time; and what a
        # file .env says never in the place of a variable that is set.
        merged: dict[str, Any] = {}
        for path in value:
            if path != "ENV":
                merged |= cli.read_config(path)
        if "ENV" in value:
            dotenv.load_dotenv(dotenv.find_dotenv(usecwd=True))
            cls.append_builtin_config(cls.config_jsonschema)
            merged |= settings.from_environment(cls.config_jsonschema)
        return _ConfigInput(config=merged)

    @classmethod
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
    ) -> None:
        """Sync, and tell in the end whether anything is missing.

        Raises:
            TapError: Something could not be read; the message says what, and what to do.
        """
        if about:
            cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        config = config or _ConfigInput()
        fields = {
            stream.declared_name(): load_schema(stream.record_type, adds=stream.adds)["properties"]
            for stream in STREAMS
        }
        given_state = cli.read_document(state, "The state")
        given_catalog = cli.read_document(catalog, "The catalog")
        if given_state is not None:
            cli.check_state(given_state, fields)
        if given_catalog is not None:
            cli.check_catalog(given_catalog, fields)
        tap = cls(
            config=config.config,
            state=given_state,
            catalog=given_catalog,
        )
        if not any(stream.selected for stream in tap.streams.values()):
            raise TapError(
                "No stream is selected, so that nothing was read. Look at the names in the "
                "selection or the catalog: `tap-pinterest --discover` lists the streams that exist."
            )
        # Records hold no cycles: without the start-up's objects the collector finds little to do.
        gc.freeze()
        gc.set_threshold(GC_THRESHOLD)
        try:
            with tap.run.report.told():
                tap.sync_all()
        except (TapError, Interrupted) as exc:
            # Not by the SDK's writer of states: it keeps silent, and flushes nothing, where the
            # state is what it was.
            tap.write_message(StateMessage(value=tap.state))
            if isinstance(exc, TapError):
                raise type(exc)(f"{exc} (Not read to the end: {tap.run.unfinished()}.)") from exc
            raise
        finally:
            tap.run.report.tell_end(s.name for s in tap.run.streams if s.selected)
        if verdict := tap.run.verdict():
            raise TapError(verdict)

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        # Private in the SDK, whose own handler writes the state into the middle of a line and
        # exits with 0, which reads as success.
        if self._stopping:
            os._exit(128 + signum)
        self._stopping = True
        self.message_writer.interrupt(signum)  # type: ignore[attr-defined]
