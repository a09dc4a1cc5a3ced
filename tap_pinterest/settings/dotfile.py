"""The file `.env`: settings of this tap and of nothing else, from a file that only its user writes.

What is in it reaches no other program and no library: a file that came with a folder from elsewhere
must not choose a proxy, certificates or, filled in, what is secret in the environment.
"""

from __future__ import annotations

import io
import logging
import os
import re
import shlex
import stat
from pathlib import Path

import dotenv

from tap_pinterest.errors import TapError
from tap_pinterest.settings.given import PREFIX, VARIABLE

logger = logging.getLogger("tap-pinterest")

LARGEST = 1 << 20
"""Bytes of such a file at most."""

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def is_dotfile(path: Path) -> bool:
    """Whether a file is read as lines of `NAME=value`: `.env`, `night.env`, `.env.night`."""
    return path.suffix == ".env" or path.name.startswith(".env")


def read_dotfile(path: Path) -> dict[str, str]:
    """The variables `TAP_PINTEREST_…` of a file, as they are written: nothing is filled in.

    A file without any is warned about.

    Raises:
        TapError: It is another user's, others can write it, or it is no text of such lines.
        OSError: It cannot be read.
    """
    whole = Path(os.path.realpath(path))  # `resolve` raises what is no OSError at links in a circle
    # Not waited for: a pipe in its place would never end.
    with os.fdopen(os.open(whole, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise TapError(f"{whole} is not a regular file, so that no settings are taken from it.")
        if status.st_uid not in (os.geteuid(), 0):
            raise TapError(
                f"{whole} belongs to another user of this machine, who may have written it for you "
                "to run: no settings are taken from it. Delete it, or make a copy that is yours."
            )
        if status.st_mode & OTHERS_WRITE:
            raise TapError(
                f"Other users of this machine can write {whole} (mode "
                f"{stat.S_IMODE(status.st_mode):04o}), so that no settings are taken from it. Look "
                f"at what it says, and close it: chmod 600 {shlex.quote(str(whole))}"
            )
        content = file.read(LARGEST + 1)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text or len(content) > LARGEST:
        raise TapError(f"{whole} is not a text file of lines such as NAME=value.")
    if text.lstrip().startswith("{"):
        raise TapError(
            f"{whole} looks like JSON, and is read as lines such as NAME=value because of its "
            "name. Give it one that does not begin with `.env` or end in it, such as config.json."
        )
    logger.info("Settings are taken from %s", whole)
    values = dotenv.dotenv_values(stream=io.StringIO(text), interpolate=False)
    ours = {name: value for name, value in values.items() if re.match(VARIABLE, name)}
    if not ours:
        logger.warning(
            "%s holds no setting. It is read as lines such as %sACCESS_TOKEN=value, because of "
            "its name, and all other lines are ignored.",
            whole,
            PREFIX,
        )
    return {name: value for name, value in ours.items() if value}
