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
import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from tap_pinterest import clock
from tap_pinterest.errors import TapError
from tap_pinterest.network.private import check_folder, make_folder, open_private
from tap_pinterest.shown import keep_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

logger = logging.getLogger("tap-pinterest")

RESERVED = 32 << 10
"""Bytes set aside for new tokens before they are asked for: more than they can take."""

PATIENCE = 600.0
"""Seconds to wait for another run that holds the lock; its end, if nothing else, frees it."""


BEGINNING = re.compile(rb'\{\s*"refresh_token"')
"""How a token store begins, one that was not written to its end included."""

Moment = Annotated[float, msgspec.Meta(ge=0, le=253_402_300_799)]
"""Epoch seconds, of a day that can be shown."""


FORM = r"^[!-~]{1,8192}\Z"
"""What a token looks like. With anything else in it, it could not be sent, or would say more."""

Token = Annotated[str, msgspec.Meta(pattern=FORM)]


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What Pinterest gave. Times are epoch seconds, None where unknown.

    Attributes:
        lifetime: Seconds that the access token lives in all.
        origin: Fingerprint of the setting `refresh_token` that these tokens replace.
        account: Name of the account that they open.
    """

    refresh_token: Token
    access_token: Token | None = None
    expires_at: Moment | None = None
    lifetime: float | None = None
    refresh_expires_at: Moment | None = None
    scope: str | None = None
    origin: str | None = None
    account: str | None = None

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


LOST = (
    "The old ones may be dead: should the next run say so, connect the account again with "
    "tap-pinterest-login."
)


class TokenStore:
    """The file, its lock beside it (`….lock`) and its next version (`….new`)."""

    def __init__(self, path: str | Path) -> None:
        try:
            named = Path(path).expanduser()
            if not named.name or "\0" in str(named):
                raise TapError(f"Setting `token_store`: {path} is not the path of a file.")
            # The folder is resolved, so that it can be checked on the way; the file is no link.
            self.path = named.parent.resolve() / named.name
        except RuntimeError:
            raise TapError(
                f"Setting `token_store`: {path} begins with the home of a user who does not exist, "
                "or with symbolic links that lead to each other."
            ) from None
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
        if tokens := _parsed(content):
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
        return _parsed(content)  # None: the room that was set aside for tokens that never came

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
        if self._left():
            self._kept()  # another kind of file is not replaced
            new = open_private(self._next, os.O_RDWR)
            try:
                os.fsync(new)
                self._rename()
            finally:
                os.close(new)

    def discard(self) -> None:
        """Delete the tokens. Needs the lock.

        Raises:
            TapError: The file is another kind of file, or cannot be deleted.
        """
        with self._told("deleted"):
            if self._kept():
                self.path.unlink()

    def rehearse(self) -> None:
        """Find out whether new tokens could be kept, without touching those that are there.

        Raises:
            TapError: They could not.
        """
        trial = self.path.with_name(f"{self.path.name}.{secrets.token_hex(8)}")
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
                os.close(open_private(trial, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            finally:
                trial.unlink(missing_ok=True)

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
        filled = False

        def keep(tokens: Tokens) -> None:
            nonlocal filled
            if inherit and old and old.origin == tokens.origin:
                tokens = msgspec.structs.replace(tokens, account=tokens.account or old.account)
            with _arriving(self.path, LOST):
                _fill(new, msgspec.json.format(msgspec.json.encode(tokens)) + b"\n")
            filled = True
            with _arriving(
                self.path, f"They are kept in {self._next}, and the next run takes them."
            ):
                self._rename()

        try:
            with self._told("replaced"):
                old = self._kept()
                if self.path.exists():
                    # A rehearsal: a file that is mounted by itself, say, can never be replaced.
                    os.close(self._create(_looked_at(self.path)[0]))
                    self._rename()
                # Random, so that no file system shrinks it.
                new = self._create(os.urandom(RESERVED))
            try:
                yield keep
            finally:
                os.close(new)
        finally:
            if not filled:
                with contextlib.suppress(OSError, TapError):
                    self._clear()

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
            raise
        return new

    def _clear(self) -> None:
        """Delete what a run that was killed has left; anything else is somebody's.

        Raises:
            TapError: It is.
        """
        content, _ = _looked_at(self._next)
        if content and len(content) != RESERVED and not BEGINNING.match(content):
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


def _parsed(content: bytes) -> Tokens | None:
    """Tokens as this file writes them; None where it is something else."""
    try:
        return msgspec.json.decode(content, type=Tokens)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _fill(file: int, content: bytes) -> None:
    """Make this all that a file holds, on the disk."""
    _write(file, content)
    os.ftruncate(file, len(content))
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
