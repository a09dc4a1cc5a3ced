"""The command line: what the user hands in is read with plain words, and never a traceback."""

from __future__ import annotations

import contextlib
import errno
import io
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

from tap_pinterest import documents, settings
from tap_pinterest.errors import TapError
from tap_pinterest.shown import guard_the_log, keep_secret, plain, shown
from tap_pinterest.writer import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Mapping, Sequence

logger = logging.getLogger("tap-pinterest")


DOTFILE = ".env"
"""The file of the working directory that holds settings for the environment."""

LARGEST = 64 << 20
"""Bytes or characters of a configuration, catalog or state at most; a device has no end."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})
"""What is wrong with an output that takes no more."""

UNWRITTEN = (
    "What was read could not be written: {}. Make room, or give it another place, and run again "
    "with the last state that arrived whole."
)

CHATTER = ("Skipping deselected stream", "Added '%s' as child stream", "Skipping parse of env")
"""How messages of the SDK begin that say nothing new of each stream at every start."""


def _quiet(record: logging.LogRecord) -> bool:
    """A filter of the log that makes chatter DEBUG."""
    if not str(record.msg).startswith(CHATTER):
        return True
    record.levelno, record.levelname = logging.DEBUG, "DEBUG"
    return logger.isEnabledFor(logging.DEBUG)


logger.addFilter(_quiet)


def _prepare_log() -> None:
    """Let lines of the log be such that may be shown, and no unknown level end the SDK's start."""
    guard_the_log()
    for name in ("TAP_PINTEREST_LOGLEVEL", "LOGLEVEL"):
        level = os.environ.get(name)
        if level and level.upper() not in logging.getLevelNamesMapping():
            del os.environ[name]
            said = "%s is %r, which is no level of the log, and is ignored. One is DEBUG."
            logger.warning(said, name, plain(level))


class Command(SingerCommand):
    """Ends with one line for what the user can mend, and with the exit code of a signal."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command and exit."""
        _prepare_log()
        _check_outputs()
        with _last_words():
            try:
                code = super().main(*args, **kwargs | {"standalone_mode": False})
            finally:
                sys.stdout.flush()
            sys.exit(code or 0)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments."""
        if any("\0" in each for each in args):
            raise click.UsageError("An argument holds a NUL, which no name and no value has.", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        # As the SDK's command does, whose last words on wrong settings say less than ours.
        logging.captureWarnings(capture=True)
        warnings.filterwarnings("once", category=DeprecationWarning)
        sys.excepthook = self.excepthook
        return super(SingerCommand, self).invoke(ctx)


def _check_outputs() -> None:
    """Make sure that there are outputs, and that any name can be shown."""
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - else the output would get it
    if sys.stdout is None:
        logger.error("Standard output is closed, so that nothing can be written. Leave it open.")
        sys.exit(1)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name may have letters that the encoding of a terminal has not; messages are bytes.
        with contextlib.suppress(OSError):  # of a file that has become another one
            sys.stdout.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def _last_words() -> Generator[None]:
    """Exit with what the user is to know about an error, and its code."""
    try:
        yield
    except click.ClickException as exc:
        # As click ends, but for what a terminal obeys, and secrets: it quotes arguments.
        context = exc.ctx if isinstance(exc, click.UsageError) else None
        if context:
            context.info_name = shown(context.info_name or "")
        click.UsageError(shown(exc.format_message()), context).show()
        sys.exit(exc.exit_code)
    except click.Abort:
        click.echo("Aborted!", err=True)
        sys.exit(1)
    except OSError as exc:
        # Whoever reads `--about` or `--discover` may have seen enough, as `head` does.
        if exc.errno not in FULL and not isinstance(exc, BrokenPipeError):
            raise
        close_output()
        if exc.errno in FULL:
            logger.error("%s", UNWRITTEN.format(exc.strerror))
        sys.exit(1)
    except ConfigValidationError as exc:
        for error in exc.errors:
            logger.error("%s", error)
        sys.exit(1)
    except (TapError, MappingError, Interrupted) as exc:
        start = "Setting `stream_maps`: " if isinstance(exc, MappingError) else ""
        end = "." if isinstance(exc, Interrupted) else ""
        logger.error("%s%s%s", start, exc, end)
        sys.exit(exc.exit_code if isinstance(exc, Interrupted) else 1)


def with_log(command: Callable[[], click.Command]) -> click.Command:
    """The command, made with the log of the SDK, which a file of the user's may set up.

    What is wrong with that file ends the process with a sentence.
    """
    _prepare_log()
    try:
        return command()
    except Exception as exc:  # noqa: BLE001 - of whatever classes the file names
        sys.exit(
            f"The log cannot be set up as SINGER_SDK_LOG_CONFIG says ({plain(exc)}). Name a YAML "
            "file as Python's logging.config describes it, or leave the variable out."
        )


def given_up(error: OSError) -> TapError:
    """What to raise in the middle of a run whose output takes no more.

    Raises:
        OSError: It is about something else.
    """
    if isinstance(error, BrokenPipeError):
        said = (
            "The target closed its input before everything was written; its own messages say why. "
            "Run again with the last state that it confirmed."
        )
    elif error.errno in FULL:
        said = UNWRITTEN.format(error.strerror)
    else:
        raise error
    close_output()
    return TapError(said)


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
        with Path(path).open("rb") as file:
            return as_object(file.read(LARGEST + 1), f"The configuration file {path}")
    except OSError as exc:
        if path.lstrip().startswith("{"):  # with secrets in it
            raise click.BadParameter(
                "this is JSON, and not the name of a file: keep it in one, or hand it in as "
                "`--config <(echo '{…}')`."
            ) from None
        raise click.BadParameter(f"{path} cannot be read: {exc.strerror}.") from None


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
        file = Path(DOTFILE)
        leads_nowhere = file.is_symlink() and not file.exists()
        sources[:0] = [DOTFILE] * (file.is_file() or leads_nowhere)
    config: dict[str, Any] = {}
    for path in sources:
        config |= _kept_secret(read_config(path, schema))
    return config | _kept_secret(settings.from_environment(schema) if with_environment else {})


def _kept_secret(config: dict[str, Any]) -> dict[str, Any]:
    # At once, as messages about what follows may quote one, be it overruled or not.
    keep_secret(*settings.secrets_of(config))
    return config


def read_document(file: IO[str] | None, what: str) -> dict[str, Any] | None:
    """Read a file given on the command line, such as the catalog; None where none was given."""
    if file is None:
        return None
    try:
        return as_object(file.read(LARGEST + 1), what)
    except (OSError, UnicodeDecodeError):
        raise TapError(f"{what} cannot be read as text.") from None


def as_object(text: str | bytes, what: str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        TapError: It is none, or holds what cannot be used; the message says where.
    """
    if len(text) > LARGEST:
        raise TapError(f"{what} has no end, or more than {LARGEST >> 20} MB: it is another file.")
    if not text.strip():
        raise TapError(f"{what} is empty: give the last complete one, or leave the option out.")
    try:
        content = documents.parse(text)
    except documents.Unusable as exc:
        raise TapError(f"{what} {exc}") from None
    for place, fault in documents.odd_parts(content):
        where = f"`{plain('.'.join(map(str, place)))}`" if place else "it"
        raise TapError(f"{what} cannot be used: {where} {fault}. Correct it, or leave it out.")
    if not isinstance(content, dict):
        kind = "null" if content is None else type(content).__name__
        raise TapError(f"{what} must be a JSON object, not {kind}.")
    return content
