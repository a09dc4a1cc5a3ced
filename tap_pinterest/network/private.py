"""Files of this user alone: whatever a neighbour on the machine may have put there is not touched.

What is opened is never a symbolic link, a pipe or somebody else's file, and it is looked at before
anything is read or written. That holds only in a folder in which others can exchange nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import stat
from typing import TYPE_CHECKING

from tap_pinterest.errors import TapError

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 64 << 10
"""Bytes of a private file at most."""

OTHERS = stat.S_IRWXG | stat.S_IRWXO
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def open_private(path: Path, flags: int) -> int:
    """Open a regular file that belongs to this user alone; its file descriptor.

    Args:
        path: Where it is, in a folder that `check_folder` or `make_folder` has looked at.
        flags: Of `os.open`; a file that is made is nobody else's to read.

    Raises:
        TapError: It is something else; the message says what to do.
        OSError: It cannot be opened.
    """
    try:
        # Not waited for: a pipe in its place would never open.
        file = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        if exc.errno in (errno.ELOOP, errno.EMLINK):
            raise TapError(
                f"{path} is a symbolic link, and nothing is read or written through one. Name the "
                "file that it leads to, or delete the link."
            ) from None
        if exc.errno in (errno.EISDIR, errno.ENXIO):
            raise _no_file(path) from None
        raise
    try:
        _check(path, os.fstat(file))
    except BaseException:
        os.close(file)
        raise
    return file


def _check(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _no_file(path)
    if status.st_uid != os.geteuid():
        raise TapError(
            f"{path} belongs to another user of this machine. Name another file, or run as the "
            "user whose file it is."
        )
    if status.st_mode & OTHERS:
        raise TapError(
            f"Other users of this machine can read or write {path} (mode "
            f"{stat.S_IMODE(status.st_mode):04o}). If it is of this tap, close it: chmod 600 "
            f"{shlex.quote(str(path))}"
        )
    if status.st_size > LARGEST:
        raise TapError(f"{path} is far too large to be a token store. Name another file.")


def _no_file(path: Path) -> TapError:
    return TapError(f"{path} is a folder, a pipe or a device, and no file. Name another.")


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, each for this user alone, and check all.

    Raises:
        TapError, OSError: As `check_folder` does; or it cannot be made.
    """
    for each in (*reversed(folder.parents), folder):
        if not each.exists():
            with contextlib.suppress(FileExistsError):  # another process was faster
                each.mkdir(0o700)
        _check_folder(each, last=each == folder)


def check_folder(folder: Path) -> None:
    """Make sure that nobody else can exchange what lies in a folder.

    Args:
        folder: Without symbolic links on the way to it.

    Raises:
        TapError: Somebody can; the message says how to close it.
        OSError: It is not there, or cannot be looked at.
    """
    for each in (*reversed(folder.parents), folder):
        _check_folder(each, last=each == folder)


def _check_folder(folder: Path, *, last: bool) -> None:
    status = folder.lstat()
    if last and status.st_uid not in (os.geteuid(), 0):
        raise TapError(
            f"The folder {folder} belongs to another user of this machine, who can exchange what "
            "is in it. Keep the token store in a folder of your own."
        )
    # In one with the sticky bit, such as /tmp, nobody can exchange another's folder, but anybody
    # can put files beside ours.
    sticky = status.st_mode & stat.S_ISVTX and not last
    if status.st_mode & OTHERS_WRITE and not sticky:
        raise TapError(
            f"Other users of this machine can exchange what is in the folder {folder} (mode "
            f"{stat.S_IMODE(status.st_mode):04o}). Close it: chmod go-w "
            f"{shlex.quote(str(folder))} - or keep the token store in a folder of your own."
        )
