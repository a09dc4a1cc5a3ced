"""The token store: a file that carries an account's tokens from run to run.

Pinterest gives a new refresh token with every refresh, and whoever loses it has to connect the
account again. So a new file is made durable on disk before a refresh is asked for, is then filled
and renamed, and all of it happens under a lock that other runs wait for.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import logging
import os
import re
import shlex
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from tap_pinterest import clock
from tap_pinterest.errors import TapError
from tap_pinterest.shown import keep_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

logger = logging.getLogger("tap-pinterest")

RESERVED = 16 << 10
"""Bytes set aside for new tokens before they are asked for: several times what they take."""

PATIENCE = 600.0
"""Seconds to wait for another run that holds the lock; its end, if nothing else, frees it."""

OTHERS = stat.S_IRWXG | stat.S_IRWXO


FORM = r"^[!-~]{1,8192}\Z"
"""What a token looks like. With anything else in it, it could not be sent, or would say more."""

Token = Annotated[str, msgspec.Meta(pattern=FORM)]


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What Pinterest gave. Times are epoch seconds, None where unknown.

    Attributes:
        lifetime: Seconds that the access token lives in all.
        origin: Fingerprint of the setting `refresh_token` that these tokens replace.
    """

    refresh_token: Token
    access_token: Token | None = None
    expires_at: float | None = None
    lifetime: float | None = None
    refresh_expires_at: float | None = None
    scope: str | None = None
    origin: str | None = None

    def __post_init__(self) -> None:
        keep_secret(self.refresh_token, self.access_token)

    def __repr__(self) -> str:
        return "Tokens(...)"

    @property
    def scopes(self) -> frozenset[str] | None:
        """The scopes granted; None where unknown."""
        return None if self.scope is None else frozenset(self.scope.replace(",", " ").split())


def is_token(text: str) -> bool:
    """Whether a text can be a token."""
    return re.match(FORM, text) is not None


def fingerprint(token: str) -> str:
    """What tells one token from another without giving it away."""
    return hashlib.sha256(token.encode()).hexdigest()


class TokenStore:
    """The file, its lock beside it (`….lock`) and its next version (`….new`)."""

    def __init__(self, path: str | Path) -> None:
        # Resolved, as a rename would put a file in the place of a symbolic link.
        try:
            self.path = Path(path).expanduser().resolve()
        except RuntimeError:
            raise TapError(
                f"Setting `token_store`: {path} begins with the home of a user who does not exist."
            ) from None
        self._next = self.path.with_name(self.path.name + ".new")
        self._lock = self.path.with_name(self.path.name + ".lock")

    def read(self) -> Tokens | None:
        """The tokens kept; None where there is no file yet. Needs no lock.

        Raises:
            TapError: The file can be read by others, or is damaged.
        """
        with self._told("read"):
            try:
                file = self.path.open("rb")
            except FileNotFoundError:
                return None
            with file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                content = b"" if mode & OTHERS else file.read()
        if mode & OTHERS:
            raise TapError(
                f"Other users of this machine can read the token store {self.path} (mode "
                f"{mode:04o}). Close it: chmod 600 {shlex.quote(str(self.path))}"
            )
        try:
            return msgspec.json.decode(content, type=Tokens)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise TapError(
                f"The token store {self.path} is damaged. Connect the account again, which writes "
                "a new one: tap-pinterest-login"
            ) from None

    @contextlib.contextmanager
    def locked(self) -> Generator[None]:
        """Keep other runs from refreshing.

        Raises:
            TapError: Another run keeps us from it for too long, or the file cannot be made.
        """
        with self._told("locked"):
            lock = self._open_lock()
        try:
            self._wait_for(lock)
            yield
        finally:
            os.close(lock)

    def rehearse(self) -> None:
        """Find out whether new tokens could be kept, without touching those that are there.

        Raises:
            TapError: They could not.
        """
        trial = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        with self._told("replaced"):
            os.close(self._open_lock())
            try:
                # A second name for the file: it cannot have one where it is mounted by itself, and
                # there nothing can be renamed into its place.
                os.link(self.path, trial)
            except OSError as exc:
                if exc.errno == errno.EXDEV:
                    raise
                # There is no file yet, or this disk has no second names.
                os.close(os.open(trial, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
            finally:
                trial.unlink(missing_ok=True)

    @contextlib.contextmanager
    def replacement(self) -> Generator[Callable[[Tokens], None]]:
        """Make sure that new tokens can be kept, before they are asked for. Needs the lock.

        Yields:
            Keeps new tokens for good; to be called once.

        Raises:
            TapError: The disk is full, or the file cannot be replaced.
        """
        try:
            with self._told("replaced"):
                if self.path.exists():
                    # A rehearsal: a file that is mounted by itself, say, can never be replaced.
                    os.close(self._create(self.path.read_bytes()))
                    self._rename()
                # Random, so that no file system shrinks it.
                new = self._create(os.urandom(RESERVED))
            try:
                yield lambda tokens: self._fill(new, tokens)
            finally:
                os.close(new)
        finally:
            with contextlib.suppress(OSError):
                self._next.unlink()

    def _fill(self, new: int, tokens: Tokens) -> None:
        content = msgspec.json.format(msgspec.json.encode(tokens)) + b"\n"
        try:
            _write(new, content)
            os.ftruncate(new, len(content))
            os.fsync(new)
            self._rename()
        except OSError as exc:
            raise TapError(
                f"New tokens arrived, but the token store {self.path} could not be written: "
                f"{exc.strerror}. The old ones may be dead: should the next run say so, connect "
                "the account again with tap-pinterest-login."
            ) from None

    def _create(self, content: bytes) -> int:
        """Write the next version durably; its file descriptor, back at its beginning."""
        self._next.unlink(missing_ok=True)  # left by a run that was killed
        new = os.open(self._next, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _write(new, content)
            os.fsync(new)
            self._sync_folder()
        except BaseException:
            os.close(new)
            raise
        return new

    def _open_lock(self) -> int:
        if not self.path.parent.is_dir():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _rename(self) -> None:
        self._next.replace(self.path)
        self._sync_folder()

    def _sync_folder(self) -> None:
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _wait_for(self, lock: int) -> None:
        until = clock.monotonic() + PATIENCE
        told = False
        while True:
            with self._told("locked"):
                try:
                    return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    pass
            if not told:
                told = True
                logger.info("Another run is renewing the token in %s: waiting for it", self.path)
            # A process that has come to its end does not wait.
            if clock.monotonic() > until or not threading.main_thread().is_alive():
                raise TapError(
                    f"Another process has held {self._lock} for {PATIENCE:.0f} seconds. Find out "
                    "which (it is a run of the tap or a login), end it, and run again."
                )
            threading.Event().wait(0.05)

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


def _write(file: int, content: bytes) -> None:
    """Write all of the content at the beginning of a file."""
    os.lseek(file, 0, os.SEEK_SET)
    while content:
        content = content[os.write(file, content) :]
