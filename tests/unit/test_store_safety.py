"""The token store among neighbours: whose files it reads, and which it replaces."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_pinterest.errors import TapError
from tap_pinterest.network.private import LARGEST
from tap_pinterest.network.token_store import MARK, RESERVED, TokenStore
from tap_pinterest.network.tokens import Tokens, fingerprint
from tests.pinterest_api import REFRESH_TOKEN
from tests.unit.test_token_store import keep, refreshes, run

if TYPE_CHECKING:
    from tests.pinterest_api import Simulator


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "tokens.json"


def beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def refused(sim: Simulator, path: Path, *words: str) -> None:
    """A run ends with a sentence that holds these words, before anything is asked for."""
    done = run(sim, path)
    assert done.exit_code == 1
    assert all(word in done.last_line for word in words), done.last_line
    assert "Traceback" not in done.log
    assert not sim.requests


# -- what lies in the place of a file


@pytest.mark.parametrize("ending", ["", ".lock", ".new"])
def test_a_symbolic_link_is_not_followed(
    sim: Simulator, path: Path, tmp_path: Path, ending: str
) -> None:
    keep(path)
    target = tmp_path / "precious"
    target.write_text("content")
    beside(path, ending).unlink(missing_ok=True)
    beside(path, ending).symlink_to(target)
    refused(sim, path, f"{beside(path, ending)} is a symbolic link")
    target.unlink()
    refused(sim, path, f"{beside(path, ending)} is a symbolic link")
    assert not target.exists()


@pytest.mark.parametrize("ending", ["", ".lock", ".new"])
def test_a_pipe_is_not_waited_for(sim: Simulator, path: Path, ending: str) -> None:
    keep(path)
    beside(path, ending).unlink(missing_ok=True)
    os.mkfifo(beside(path, ending), 0o600)
    refused(sim, path, f"{beside(path, ending)} is a folder, a pipe or a device")


@pytest.mark.parametrize("ending", ["", ".lock", ".new"])
def test_a_folder_is_no_file(sim: Simulator, path: Path, ending: str) -> None:
    keep(path)
    beside(path, ending).unlink(missing_ok=True)
    beside(path, ending).mkdir()
    refused(sim, path, f"{beside(path, ending)} is a folder, a pipe or a device")


def test_a_file_of_another_user_is_not_taken(
    sim: Simulator, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(path)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    refused(sim, path, "belongs to another user of this machine")


def test_a_lock_that_others_can_hold_is_told(sim: Simulator, path: Path) -> None:
    keep(path)
    beside(path, ".lock").chmod(0o666)
    refused(sim, path, f"chmod 600 {beside(path, '.lock')}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"refresh_token": "x", "other": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", "is damaged"),
        (b'{"refresh_token": "x", "expires_at": 1e300}', "is damaged"),
        (b'{"refresh_token": "x", "refresh_expires_at": -1e300}', "is damaged"),
        (b"a" * (LARGEST + 1), "far too large"),
    ],
)
def test_odd_contents(sim: Simulator, path: Path, content: bytes, said: str) -> None:
    keep(path)
    path.write_bytes(content)
    refused(sim, path, said)
    assert path.read_bytes() == content


def test_another_kind_of_file_is_not_replaced(path: Path) -> None:
    keep(path)
    path.write_text("notes")
    store = TokenStore(path)
    with store.locked(), pytest.raises(TapError, match="left as it is"), store.replacement():
        pass
    assert path.read_text() == "notes"


def test_an_empty_file_is_taken(path: Path) -> None:
    path.parent.mkdir(0o700)
    path.touch(0o600)
    assert TokenStore(path).read() is None
    assert keep(path) == TokenStore(path).read()


@pytest.mark.parametrize("name", ["/", ".", "..", "a\0b"])
def test_a_path_that_is_none_of_a_file(name: str) -> None:
    with pytest.raises(TapError):
        TokenStore(name).read()


# -- the folder


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o720, 0o702])
def test_a_folder_that_others_can_write_is_refused(sim: Simulator, path: Path, mode: int) -> None:
    keep(path)
    path.parent.chmod(mode)
    refused(sim, path, f"(mode {mode:04o})", f"chmod go-w {path.parent} ")


def test_a_folder_further_up_that_others_can_write_is_refused(sim: Simulator, path: Path) -> None:
    """With the sticky bit nobody can exchange what is in it, as is so of /tmp."""
    deeper = path.parent / "deeper" / path.name
    keep(deeper)
    path.parent.chmod(0o777)
    refused(sim, deeper, f"chmod go-w {path.parent} ")
    path.parent.chmod(0o1777)
    run(sim, deeper).ok()


def test_a_folder_that_is_a_link_leads_to_one_that_is_looked_at(
    sim: Simulator, path: Path, tmp_path: Path
) -> None:
    keep(path)
    (tmp_path / "link").symlink_to(path.parent)
    through = tmp_path / "link" / path.name
    run(sim, through).ok()
    sim.clear()
    path.parent.chmod(0o777)
    refused(sim, through, f"chmod go-w {path.parent} ")


@pytest.mark.parametrize("mask", [0, 0o022, 0o077])
def test_folders_that_are_made_are_for_their_user_alone(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        keep(tmp_path / "one" / "two" / "three" / "tokens.json")
    finally:
        os.umask(before)
    for folder in ("one", "one/two", "one/two/three"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700


def test_nothing_is_made_in_a_folder_that_others_can_write(sim: Simulator, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    refused(sim, tmp_path / "open" / "tokens.json", "chmod go-w")
    refused(sim, tmp_path / "open" / "deeper" / "tokens.json", "chmod go-w")
    assert not list((tmp_path / "open").iterdir())


# -- new tokens that could not be put into their place


def left_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> Tokens:
    """New tokens whose last rename fails."""
    store, replace = TokenStore(path), Path.replace
    new = Tokens(refresh_token="newest", access_token="a", origin=fingerprint(REFRESH_TOKEN))

    def fails(*_: Any) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with store.locked(), store.replacement() as write:
        monkeypatch.setattr(Path, "replace", fails)
        with pytest.raises(TapError, match=r"are kept in .*tokens\.json\.new") as told:
            write(new)
        monkeypatch.setattr(Path, "replace", replace)
    assert os.strerror(errno.EIO) in str(told.value)
    return new


def test_new_tokens_whose_rename_fails_are_taken_by_the_next_run(
    sim: Simulator, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(path)
    new = left_behind(path, monkeypatch)
    assert TokenStore(path).read() == new
    with TokenStore(path).locked():
        assert not beside(path, ".new").exists()
    assert TokenStore(path).read() == new
    sim.oauth.add_refresh_token("newest")
    run(sim, path).ok()
    assert refreshes(sim) == 1
    assert b"refresh_token=newest" in sim.requests[-2].body


def test_the_first_tokens_are_recovered_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = left_behind(path, monkeypatch)
    assert not path.exists()
    with TokenStore(path).locked():
        assert path.exists()
    assert TokenStore(path).read() == new


def test_what_was_left_behind_before_the_store_was_written_is_old(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_behind(path, monkeypatch)
    beside(path, ".new").rename(path.parent / "older")
    kept = keep(path)
    (path.parent / "older").rename(beside(path, ".new"))
    os.utime(beside(path, ".new"), ns=(0, 0))
    assert TokenStore(path).read() == kept
    with TokenStore(path).locked():
        assert TokenStore(path).read() == kept


ROOM = MARK + os.urandom(RESERVED - len(MARK))


@pytest.mark.parametrize(
    "rest",
    [
        ROOM,
        b"\0" * 300,
        ROOM[:8192],
        ROOM[:10],
        os.urandom(RESERVED),
        b"",
        b'{"refresh_token": "ne',
    ],
    ids=len,
)
def test_room_that_was_never_filled_is_not_recovered(path: Path, rest: bytes) -> None:
    kept = keep(path)
    beside(path, ".new").touch(0o600)
    beside(path, ".new").write_bytes(rest)
    assert TokenStore(path).read() == kept
    assert keep(path) == TokenStore(path).read()
    assert not beside(path, ".new").exists()


@pytest.mark.parametrize("store", [True, False])
@pytest.mark.parametrize("notes", [b"notes", b"{}", os.urandom(RESERVED - 1)], ids=len)
def test_another_kind_of_file_in_the_place_of_the_next_version_stays(
    sim: Simulator, path: Path, notes: bytes, store: bool
) -> None:
    if store:
        keep(path)
    path.parent.mkdir(exist_ok=True)
    beside(path, ".new").touch(0o600)
    beside(path, ".new").write_bytes(notes)
    with pytest.raises(TapError, match=r"tokens\.json\.new would be replaced .* Move it away"):
        keep(path)
    assert beside(path, ".new").read_bytes() == notes
    assert path.exists() == store


def test_a_rehearsal_that_was_killed_leaves_nothing_for_long(path: Path) -> None:
    """Its second name for the file would be tokens in a file that nobody knows of."""
    keep(path)
    os.link(path, beside(path, "." + "ab" * 8))
    others = beside(path, "." + "cd" * 8)
    others.write_text("notes")
    with TokenStore(path).locked():
        assert not beside(path, "." + "ab" * 8).exists()
    assert others.read_text() == "notes"
    assert path.exists()


def test_the_rehearsal_deletes_nothing(path: Path) -> None:
    keep(path)
    beside(path, f".{os.getpid()}").write_text("notes")
    before = {each.name: each.read_bytes() for each in path.parent.iterdir()}
    TokenStore(path).rehearse()
    assert {each.name: each.read_bytes() for each in path.parent.iterdir()} == before


def test_another_kind_of_file_is_not_replaced_by_what_was_left_behind(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_behind(path, monkeypatch)
    path.touch(0o600)
    path.write_text("notes")
    os.utime(path, ns=(0, 0))
    with pytest.raises(TapError, match="left as it is"), TokenStore(path).locked():
        pass
    assert path.read_text() == "notes"


# -- whose tokens they are


def test_a_refresh_keeps_the_name_of_the_account(sim: Simulator, path: Path) -> None:
    keep(path, account="ada")
    run(sim, path).ok()
    kept = TokenStore(path).read()
    assert refreshes(sim) == 1
    assert kept is not None
    assert kept.account == "ada"


def test_another_refresh_token_may_be_another_accounts(sim: Simulator, path: Path) -> None:
    keep(path, account="ada")
    sim.oauth.add_refresh_token("another-one")
    run(sim, path, refresh_token="another-one").ok()
    kept = TokenStore(path).read()
    assert kept is not None
    assert kept.account is None
