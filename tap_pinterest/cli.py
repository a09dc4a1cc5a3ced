"""The command line: what the user hands in is read with plain words, and never a traceback."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import textwrap
import warnings
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
from singer_sdk.exceptions import ConfigValidationError, MappingError
from singer_sdk.plugin_base import SingerCommand

from tap_pinterest import settings
from tap_pinterest.bounds import DEEPEST, too_deep
from tap_pinterest.errors import TapError
from tap_pinterest.shown import guard_the_log, shown
from tap_pinterest.writer import Interrupted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

logger = logging.getLogger("tap-pinterest")


DOTFILE = ".env"
"""The file of the working directory that holds settings for the environment."""

CHATTER = ("Skipping deselected stream", "Added '%s' as child stream", "Skipping parse of env")
"""How messages of the SDK begin that say nothing new of each stream at every start."""


def _quiet(record: logging.LogRecord) -> bool:
    """A filter of the log that makes chatter DEBUG."""
    if not str(record.msg).startswith(CHATTER):
        return True
    record.levelno, record.levelname = logging.DEBUG, "DEBUG"
    return logger.isEnabledFor(logging.DEBUG)


logger.addFilter(_quiet)


class Command(SingerCommand):
    """Ends with one line for what the user can mend, and with the exit code of a signal."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command and exit."""
        guard_the_log()
        try:
            try:
                return super().main(*args, **kwargs)
            finally:
                sys.stdout.flush()
        except BrokenPipeError:
            # Whoever reads `--about` or `--discover` has seen enough, as `head` does.
            close_output()
            sys.exit(1)
        except ConfigValidationError as exc:
            for error in exc.errors:
                logger.error("%s", error)
            sys.exit(1)
        except TapError as exc:
            logger.error("%s", exc)
            sys.exit(1)
        except MappingError as exc:
            logger.error("Setting `stream_maps`: %s", exc)
            sys.exit(1)
        except Interrupted as exc:
            logger.error("%s.", exc)
            sys.exit(exc.exit_code)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        # As the SDK's command does, whose last words on wrong settings say less than ours.
        logging.captureWarnings(capture=True)
        warnings.filterwarnings("once", category=DeprecationWarning)
        sys.excepthook = self.excepthook
        return super(SingerCommand, self).invoke(ctx)


def close_output() -> None:
    """Give up what is still buffered: nobody reads it, and Python would try to write it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show(*cells: str, widths: Sequence[int]) -> None:
    """Print a row of a table; its last cell is wrapped to the width of the terminal."""
    cells = tuple(map(shown, cells))
    start = "".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False))
    room = max(40, shutil.get_terminal_size((100, 0)).columns - len(start))
    lines = textwrap.wrap(cells[-1], room, break_on_hyphens=False, break_long_words=False) or [""]
    click.echo((start + ("\n" + " " * len(start)).join(lines)).rstrip())


def read_config(path: str, schema: Mapping[str, Any] = settings.SETTINGS) -> dict[str, Any]:
    """Read a configuration file: a JSON object, or lines of `TAP_PINTEREST_…=value` in a `….env`.

    Raises:
        click.BadParameter: It is not there or cannot be read.
        TapError: It is neither, or a `.env` that is not to be trusted.
    """
    try:
        if settings.is_dotfile(Path(path)):
            return settings.from_file(settings.read_dotfile(Path(path)), schema)
        return as_object(Path(path).read_bytes(), f"The configuration file {path}")
    except OSError as exc:
        raise click.BadParameter(f"{shown(path)} cannot be read: {exc.strerror}.") from None


def read_configs(
    paths: Collection[str], schema: Mapping[str, Any] = settings.SETTINGS
) -> dict[str, Any]:
    """The configuration out of its sources, each over those before it.

    They are the file `.env` of the working directory, the files in their order, and the
    environment; the first and the last are read where `ENV` is among the paths. Each is read once,
    as a pipe can be read no second time.

    Raises:
        click.BadParameter, TapError: As `read_config` does.
    """
    sources = [path for path in paths if path != "ENV"]
    if with_environment := "ENV" in paths:
        # Not in the folders above, as is the custom: what lies there may be anybody's.
        sources[:0] = [DOTFILE] * Path(DOTFILE).is_file()
    config: dict[str, Any] = {}
    for path in sources:
        config |= read_config(path, schema)
    return config | (settings.from_environment(schema) if with_environment else {})


def read_document(file: IO[str] | None, what: str) -> dict[str, Any] | None:
    """Read a file given on the command line, such as the catalog; None where none was given."""
    if file is None:
        return None
    try:
        return as_object(file.read(), what)
    except (OSError, UnicodeDecodeError):
        raise TapError(f"{what} cannot be read as text.") from None


def as_object(text: str | bytes, what: str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        TapError: It is none; the message says where it breaks.
    """
    if not text.strip():
        raise TapError(f"{what} is empty: give the last complete one, or leave the option out.")
    try:
        content = json.loads(text)
    except json.JSONDecodeError as exc:
        raise TapError(
            f"{what} is not valid JSON: {exc.msg} at line {exc.lineno}, column {exc.colno}."
        ) from None
    except UnicodeDecodeError:
        raise TapError(f"{what} is not JSON text.") from None
    except RecursionError:
        content = None
    if content is None or too_deep(content):
        raise TapError(
            f"{what} holds objects or lists more than {DEEPEST} deep in each other: none that this "
            "tap writes does. Give the one that it wrote."
        )
    if not isinstance(content, dict):
        raise TapError(f"{what} must be a JSON object, not {type(content).__name__}.")
    return content
