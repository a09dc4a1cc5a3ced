"""The token store: a file that carries an account's tokens from run to run.

Pinterest gives a new refresh token with every refresh, and whoever loses it has to connect the
account again. So a new file is made durable on disk before a refresh is asked for, is then filled
and renamed, and all of it happens under a lock that other runs wait for.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import logging
import os
import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tap_pinterest import clock
from tap_pinterest.errors import TapError
from tap_pinterest.network.private import check_folder, make_folder, open_private
from tap_pinterest.network.tokens import BEGINNING, parsed, written

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tap_pinterest.network.tokens import Tokens

logger = logging.getLogger("tap-pinterest")

RESERVED = 32 << 10
"""Bytes set aside for new tokens before they are asked for: more than they can take."""

PATIENCE = 600.0
"""Seconds to wait for another run that holds the lock; its end, if nothing else, frees it."""


MARK = b"Room that tap-pinterest keeps for new tokens.\n"
"""What the room begins with, so that it is known though it was not written to its end."""

LOST = (
    "The old ones may be dead: should the next run say so, connect the account again with "
    "tap-pinterest-login."
)


class TokenStore:
    """The file, its lock beside it (`….lock`) and its next version (`….new`)."""

    def __init__(self, path: str | Path) -> None:
        self.path = _whole(path)
        self._next = self.path.with_name(self.path.name + ".new")
        self._lock = self.path.with_name(self.path.name + ".lock")

    def read(self) -> Tokens | None:
        """The newest tokens kept; None where there are none yet. Needs no lock.

        Raises:
            TapError: The file, or its folder, is not this user's alone, or it is damaged.
        """
        with self._told("read"):
            try:
                check_folder(self.path.parent)
            except FileNotFoundError:
                return None
            return self._left() or self._kept()

    def _kept(self) -> Tokens | None:
        """What the file holds; None where there is none, or an empty one, as mktemp makes."""
        content, _ = _looked_at(self.path)
        if not content:
            return None
        if tokens := parsed(content):
            return tokens
        raise TapError(
            f"The token store {self.path} is damaged, or another kind of file, and is left as it "
            "is. Move it away, or delete it, and connect the account again: tap-pinterest-login"
        )

    def _left(self) -> Tokens | None:
        """Tokens that could not be renamed into their place when they arrived."""
        content, changed = _looked_at(self._next)
        if changed < _looked_at(self.path)[1]:
            return None
        return parsed(content)  # None: the room that was set aside for tokens that never came

    @contextlib.contextmanager
    def locked(self) -> Generator[None]:
        """Keep other runs from refreshing.

        Raises:
            TapError: Another run keeps us from it for too long, or the file cannot be made.
        """
        with self._told("locked"):
            lock = self._open_lock()
        try:
            with self._told("locked"):
                _wait_for(lock, self._lock)
            with self._told("replaced"):
                self._recover()
            yield
        finally:
            os.close(lock)

    def _recover(self) -> None:
        """Put tokens that were left behind into their place."""
        _sweep(self.path)
        if tokens := self._left():
            self._kept()  # another kind of file is not replaced
            new = open_private(self._next, os.O_RDWR)
            try:
                _fill(new, written(tokens))
                self._rename()
            finally:
                os.close(new)

    def discard(self, tokens: Tokens | None) -> None:
        """Delete these tokens, where they are still what is kept. Needs the lock.

        Raises:
            TapError: The file is another kind of file, or cannot be deleted.
        """
        with self._told("deleted"):
            if tokens and self._kept() == tokens:
                self.path.unlink()

    def rehearse(self) -> None:
        """Find out whether new tokens could be kept, without touching those that are there.

        Raises:
            TapError: They could not.
        """
        with self._told("replaced"):
            os.close(self._open_lock())
            _try_another_name(self.path)

    @contextlib.contextmanager
    def replacement(self, *, inherit: bool = True) -> Generator[Callable[[Tokens], None]]:
        """Make sure that new tokens can be kept, before they are asked for. Needs the lock.

        Args:
            inherit: Whether new tokens of the same origin are of the account that is noted.

        Yields:
            Keeps new tokens for good; to be called once.

        Raises:
            TapError: The disk is full, or the file cannot be replaced or is another kind of file.
        """
        made = filled = False

        def keep(tokens: Tokens) -> None:
            nonlocal filled
            if inherit and old and old.origin == tokens.origin:
                tokens = msgspec.structs.replace(tokens, account=tokens.account or old.account)
            content = written(tokens)
            with _arriving(self.path, LOST):
                _write(new, content)
            filled = True
            with _arriving(
                self.path, f"They are kept in {self._next}, which may be moved into its place."
            ):
                _cut(new, len(content))
                self._rename()

        try:
            with self._told("replaced"):
                old = self._kept()
                if self.path.exists():
                    # A rehearsal: a file that is mounted by itself, say, can never be replaced.
                    os.close(self._create(_looked_at(self.path)[0]))
                    made = True
                    self._rename()
                    made = False
                # Random, so that no file system shrinks it.
                new = self._create(MARK + os.urandom(RESERVED - len(MARK)))
                made = True
            try:
                yield keep
            finally:
                os.close(new)
        finally:
            if made and not filled:
                with contextlib.suppress(OSError):
                    self._next.unlink()

    def _create(self, content: bytes) -> int:
        """Write the next version durably; its file descriptor, back at its beginning."""
        self._clear()
        new = open_private(self._next, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        try:
            _write(new, content)
            os.fsync(new)
            _sync(self.path.parent)
        except BaseException:
            os.close(new)
            with contextlib.suppress(OSError):
                self._next.unlink()
            raise
        return new

    def _clear(self) -> None:
        """Delete what a run that was killed has left; anything else is somebody's.

        Raises:
            TapError: It is.
        """
        content, _ = _looked_at(self._next)
        is_room = MARK.startswith(content[: len(MARK)]) or len(content) == RESERVED
        is_room = is_room or not content.strip(b"\0")  # as a failure of power may leave it
        if not is_room and not BEGINNING.match(content):
            raise TapError(
                f"{self._next} would be replaced while new tokens are kept, but is no token "
                "store. Move it away, or name another token store."
            )
        self._next.unlink(missing_ok=True)

    def _open_lock(self) -> int:
        make_folder(self.path.parent)
        return open_private(self._lock, os.O_RDWR | os.O_CREAT)

    def _rename(self) -> None:
        self._next.replace(self.path)
        _sync(self.path.parent)

    @contextlib.contextmanager
    def _told(self, what: str) -> Generator[None]:
        try:
            yield
        except OSError as exc:
            raise TapError(
                f"The token store {self.path} cannot be {what}: {exc.strerror}. Its folder must "
                "be on a disk with space left, and this user must be allowed to replace files in "
                "it; in a container, mount the folder and not the file."
            ) from None


def _whole(path: str | Path) -> Path:
    """The path of a store from the root on, so that each folder on the way can be checked."""
    try:
        named = Path(path).expanduser()
        if not named.name or "\0" in str(named):
            raise TapError(f"Setting `token_store`: {path} is not the path of a file.")
        return named.parent.resolve() / named.name  # the file is no link
    except FileNotFoundError:
        raise TapError(
            f"Setting `token_store`: the folder from which {path} is to be found is gone. Start "
            "the command in another folder, or give the whole path."
        ) from None
    except RuntimeError:
        raise TapError(
            f"Setting `token_store`: {path} begins with the home of a user who does not exist, or "
            "with symbolic links that lead to each other."
        ) from None


def _wait_for(lock: int, path: Path) -> None:
    until = clock.monotonic() + PATIENCE
    told = False
    while True:
        with contextlib.suppress(BlockingIOError):
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not told:
            told = True
            logger.info("Another run is renewing the token: waiting for it to free %s", path)
        # A process that has come to its end does not wait.
        if clock.monotonic() > until or not threading.main_thread().is_alive():
            raise TapError(
                f"Another process has held {path} for {PATIENCE:.0f} seconds. Find out which (it "
                "is a run of the tap or a login), end it, and run again."
            )
        threading.Event().wait(0.05)


@contextlib.contextmanager
def _arriving(path: Path, so: str) -> Generator[None]:
    try:
        yield
    except OSError as exc:
        raise TapError(
            f"New tokens arrived, but the token store {path} could not be written: "
            f"{exc.strerror}. {so}"
        ) from None


def _looked_at(path: Path) -> tuple[bytes, int]:
    """Content of a file of ours, and when it was changed (ns); nothing, at 0, where there is none.

    Raises:
        TapError, OSError: As `open_private` does.
    """
    try:
        file = os.fdopen(open_private(path, os.O_RDONLY), "rb")
    except FileNotFoundError:
        return b"", 0
    with file:
        return file.read(), os.fstat(file.fileno()).st_mtime_ns


def _try_another_name(path: Path) -> None:
    """Find out whether a file could be renamed into this place.

    Raises:
        OSError: It could not.
    """
    trial = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        # A second name for the file: it cannot have one where it is mounted by itself, and there
        # nothing can be renamed into its place.
        os.link(path, trial)
    except OSError as exc:
        if exc.errno == errno.EXDEV:
            raise
        # There is no file yet, or this disk has no second names.
        os.close(open_private(trial, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    finally:
        trial.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    """Delete second names of a file that a rehearsal has left which was killed."""
    with contextlib.suppress(FileNotFoundError):
        file = path.lstat()
        for trial in path.parent.glob(f"{glob.escape(path.name)}.{'[0-9a-f]' * 16}"):
            if os.path.samestat(trial.lstat(), file):
                trial.unlink()


def _fill(file: int, content: bytes) -> None:
    """Make this all that a file holds, on the disk."""
    _write(file, content)
    _cut(file, len(content))


def _cut(file: int, size: int) -> None:
    """Leave the beginning of a file, on the disk."""
    os.ftruncate(file, size)
    os.fsync(file)


def _write(file: int, content: bytes) -> None:
    """Write all of the content at the beginning of a file."""
    os.lseek(file, 0, os.SEEK_SET)
    while content:
        content = content[os.write(file, content) :]


def _sync(folder: Path) -> None:
    """Let the names in a folder be on the disk."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
