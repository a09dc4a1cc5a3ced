"""The tap: settings in, streams out, and an exit code that tells the truth."""

from __future__ import annotations

import copy
import gc
import os
from typing import IO, TYPE_CHECKING, Any, ClassVar, cast

import click
from singer_sdk import Stream, Tap
from singer_sdk.cli import plugin_cli
from singer_sdk.exceptions import ConfigValidationError, MappingError
from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.mapper import PluginMapper, RemoveRecordTransform
from singer_sdk.plugin_base import _ConfigInput
from singer_sdk.singerlib import Catalog, CatalogEntry, MetadataMapping, Schema, StateMessage

from tap_pinterest import cli, settings
from tap_pinterest.catalog import check_catalog
from tap_pinterest.errors import TapError
from tap_pinterest.kinds.family import related
from tap_pinterest.run import Run
from tap_pinterest.shown import keep_secret, plain
from tap_pinterest.state import check_state
from tap_pinterest.streams import STREAMS
from tap_pinterest.words import counted
from tap_pinterest.writer import Interrupted, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType

    from tap_pinterest.kinds.stream import PinterestStream


GC_THRESHOLD = 50_000
"""New containers after which the cycle collector looks; a page of records has some thousands."""

MOST_OF_A_REASON = 500
"""Characters that are told of why a stream map cannot be used; it quotes the user's expression."""


def _check(
    streams: Sequence[type[PinterestStream]],
    config: Mapping[str, Any],
    state: dict[str, Any] | None,
    catalog: dict[str, Any] | None,
) -> None:
    """Take out of a state and a catalog, in place, what cannot be used, and say so."""
    by_name = {stream.declared_name(): stream for stream in streams}
    if state is not None:
        check_state(state, by_name)
    if catalog is not None:
        fields = {
            name: stream.declared_schema(config)["properties"] for name, stream in by_name.items()
        }
        check_catalog(catalog, fields, {n: stream.primary_keys for n, stream in by_name.items()})


def _entry(stream: Stream, entry: CatalogEntry | None) -> CatalogEntry:
    """What the mapper is to know of a stream: its fields and its keys."""
    if entry and stream.selected:
        return entry
    # The SDK finds no field in a deselected stream, not even its key, and refuses each map that is
    # about it, `*` included. Without metadata all fields are there. A catalog may lack the stream
    # altogether: a parent, which is read for its children.
    schema = entry.schema if entry else Schema.from_dict(stream.schema)
    return CatalogEntry(stream.name, MetadataMapping(), schema, key_properties=stream.primary_keys)


def _register(mapper: PluginMapper, streams: Mapping[str, Stream], catalog: Catalog) -> None:
    """Make the maps of the streams.

    Raises:
        MappingError: An expression, or another part of a map, cannot be used.
    """
    maps = mapper.stream_maps_dict
    for name, stream in streams.items():
        # The SDK evaluates every `__alias__` for each stream, be the map about it or not.
        mapper.stream_maps_dict = settings.maps_of(maps, name)
        entry = _entry(stream, catalog.get(name))
        try:
            mapper.register_raw_streams_from_catalog(Catalog({name: entry}))
        except (MemoryError, RecursionError):  # the parser of Python raises either
            raise MappingError("an expression is too long or too deep. Make it shorter.") from None
        except MappingError as exc:
            raise type(exc)(f"stream {name}: {plain(exc, MOST_OF_A_REASON)}") from exc
        except Exception as exc:  # noqa: BLE001 - the user's expressions may raise anything
            why = plain(f"{type(exc).__name__}: {exc}", MOST_OF_A_REASON)
            raise MappingError(
                f"stream {name}: its maps, or its flattening, do not work ({why})."
            ) from None


class TapPinterest(Tap):
    """Singer tap for the Pinterest API v5: boards, Pins, audience and their figures."""

    name = "tap-pinterest"
    # The SDK adds its own settings to it.
    config_jsonschema: ClassVar[dict[str, Any]] = copy.deepcopy(settings.SETTINGS)
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
        if isinstance(config := kwargs.get("config"), dict):
            kwargs["config"] = config = settings.as_meant(config)
            keep_secret(*settings.secrets_of(config))
        # The SDK's own messages quote the values that are wrong, which may be secrets: ours do not.
        super().__init__(validate_config=False, setup_mapper=False, **kwargs)
        if validate_config:
            # First, as a misspelt name is why another setting is missing.
            for warning in settings.unknown(dict(self.config), self.config_jsonschema):
                self.logger.warning(warning)
            if found := settings.problems(dict(self.config), self.config_jsonschema):
                raise ConfigValidationError(
                    "The settings cannot work", errors=found, schema=self.config_jsonschema
                )
        if setup_mapper:
            self.setup_mapper()

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add the SDK's settings; a slip in its schema of `stream_maps` breaks validators."""
        super().append_builtin_config(config_jsonschema)
        properties = config_jsonschema["properties"]
        properties["stream_maps"] = settings.without_loose_ends(properties["stream_maps"])

    def setup_mapper(self) -> None:
        """Make the stream maps; those of deselected streams too, whose filters children obey.

        Raises:
            ConfigValidationError: A map is about no stream, or gives one a name that is none.
            MappingError: An expression cannot be used.
        """
        if found := [*settings.map_problems(self.config.get("stream_maps") or {}, self.streams)]:
            raise ConfigValidationError("The settings cannot work", errors=found)
        super(Tap, self).setup_mapper()
        _register(self.mapper, self.streams, self.catalog)
        names = [
            (name, stream_map.stream_alias)
            for name, stream in self.streams.items()
            if stream.selected
            for stream_map in self.mapper.stream_maps[name]
            if not isinstance(stream_map, RemoveRecordTransform)
        ]
        if found := [*settings.name_problems(names)]:
            raise ConfigValidationError("The settings cannot work", errors=found)

    @classmethod
    def streams_for(cls, config: Mapping[str, Any]) -> Sequence[type[PinterestStream]]:  # noqa: ARG003
        """The streams that there are: those of the API, and those that a configuration adds."""
        return STREAMS

    def discover_streams(self) -> Sequence[PinterestStream]:
        """One stream of each kind."""
        self.run = Run(self.config, f"{self.name}/{self.plugin_version}")
        streams = [stream(self, self.run) for stream in self.streams_for(self.config)]
        self.run.streams = related(streams)
        return streams

    def try_all(self) -> None:
        """Read one record of each selected stream, and of the parents without which there is none.

        What fails on the way is known to the run, as after a sync.
        """
        streams = [
            stream for stream in cast("list[PinterestStream]", self.run.streams) if stream.wanted
        ]
        self.run_sync_dry_run(1, streams)
        for stream in streams:
            stream.losses.close()

    # -- the command line

    @plugin_cli
    def cli(cls) -> click.Command:  # noqa: N805 - as the SDK's decorator calls it
        """The command line."""
        return cli.with_log(lambda: super(TapPinterest, cls).cli)

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """The SDK's command, with our endings."""
        command = super().get_singer_command()
        command.__class__ = cli.Command
        for option in command.params:
            if option.name == "test":
                # The SDK's way there knows no catalog, reads all streams and ends with 0.
                option.callback, option.expose_value = None, True
                option.type = click.Choice(["all", "schema", "disabled"])
        return command

    @classmethod
    def cb_config(
        cls,
        ctx: click.Context,  # noqa: ARG003
        param: click.Option,  # noqa: ARG003
        value: tuple[str, ...],
    ) -> _ConfigInput:
        """Read the configuration: files, and with `ENV` the environment; see `cli.read_configs`."""
        cls.append_builtin_config(cls.config_jsonschema)
        return _ConfigInput(config=cli.read_configs(value, cls.config_jsonschema))

    @classmethod
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
        test: str = "disabled",
    ) -> None:
        """Sync, or try to, and tell in the end whether anything is missing.

        With `about` the tap is described and does nothing else; `test` is `all` to read one record
        of each selected stream, or `schema` to write all schemas.

        Raises:
            TapError: Something could not be read; the message says what, and what to do.
        """
        if about:
            cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        config = config or _ConfigInput()
        if test != "disabled":  # what was tried is no reason to let rows vanish
            config.config["emit_activate_version_messages"] = False
        given_state = cli.read_document(state, "The state")
        given_catalog = cli.read_document(catalog, "The catalog")
        _check(cls.streams_for(config.config), config.config, given_state, given_catalog)
        tap = cls(config=config.config, state=given_state, catalog=given_catalog)
        if test == "schema":
            tap.write_schemas()
            return
        if not any(stream.selected for stream in tap.streams.values()):
            raise TapError(
                "No stream is selected, so that nothing was read. Look at the names in the "
                "selection or the catalog: `tap-pinterest --discover` lists the streams that exist."
            )
        tap.read(tap.try_all if test == "all" else tap.sync_all)
        selected = [stream.name for stream in tap.run.streams if stream.selected]
        if test == "all":
            tried = counted(len(selected), "stream")
            cls.logger.info("%s tried%s", tried, "." if tap.run.failures else ", and all is well.")
        else:
            tap.run.report.tell_end(selected)
        if verdict := tap.run.verdict():
            raise TapError(verdict)

    def read(self, how: Callable[[], object]) -> None:
        """Read the streams, and leave the last state whatever comes.

        Raises:
            TapError: Nothing more could be read, or written.
        """
        # Records hold no cycles: without the start-up's objects the collector finds little to do.
        gc.freeze()
        gc.set_threshold(GC_THRESHOLD)
        try:
            with self.run.report.told():
                how()
        except (TapError, Interrupted) as exc:
            # Not by the SDK's writer of states: it keeps silent, and flushes nothing, where the
            # state is what it was.
            self.write_message(StateMessage(value=self.state))
            self.run.report.tell_end(stream.name for stream in self.run.streams if stream.selected)
            if isinstance(exc, TapError):
                raise type(exc)(f"Not read to the end: {self.run.unfinished()}. {exc}") from exc
            raise
        except OSError as exc:
            raise cli.given_up(exc) from None

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        # Private in the SDK, whose own handler writes the state into the middle of a line and
        # exits with 0, which reads as success.
        if self._stopping:
            os._exit(128 + signum)
        self._stopping = True
        self.message_writer.interrupt(signum)  # type: ignore[attr-defined]
