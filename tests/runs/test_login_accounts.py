"""Whose tokens a login replaces, and what becomes of them where it cannot be found out."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tap_pinterest import accounts
from tap_pinterest.network.token_store import TokenStore
from tap_pinterest.network.tokens import Tokens
from tests.harness import wait_for
from tests.runs.test_login import Scene, back, known_state, paste, scene
from tests.runs.test_login_safety import kept, logging_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["known_state", "scene"]


def earlier(scene: Scene, **content: Any) -> Tokens:
    """Tokens that an earlier login has left."""
    tokens = Tokens(**{"refresh_token": "earlier-one", "access_token": "earlier-two"} | content)
    store = TokenStore(scene.store)
    with store.locked(), store.replacement() as keep:
        keep(tokens)
    return tokens


def answering(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))


def question(scene: Scene) -> str:
    return f"{scene.store} has the tokens of ada. Replace them with those of simulated_user, y or n"


@pytest.mark.parametrize("recorded", [True, False])
def test_another_accounts_tokens_are_replaced_when_the_user_agrees(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, recorded: bool
) -> None:
    """Stores of earlier versions do not say whose they are: their access token does."""
    earlier(scene, account="ada" if recorded else None)
    scene.sim.oauth.add_token("earlier-two")
    scene.sim.faults.add(
        path="/user_account$",
        kind="status",
        status=200,
        body={"username": "ada", "id": "1"},
        when=lambda seen: seen.token == "earlier-two",
    )
    answering(monkeypatch, "y\n")
    done, browsing = scene.log_in()
    assert done.exit_code == 0, done.log
    assert question(scene) in done.stdout.decode()
    assert "One question more" in browsing.pages[0].text
    assert "Go back to the terminal: it asks about the tokens of ada" in browsing.pages[0].text
    assert kept(scene).account == "simulated_user"


@pytest.mark.parametrize("typed", ["n\n", "\n", "what?\n", ""])
def test_another_accounts_tokens_stay_unless_the_user_agrees(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    before = earlier(scene, account="ada")
    answering(monkeypatch, typed)
    done, _ = scene.log_in()
    assert done.exit_code == 1
    assert "still has the tokens of ada" in done.last_line
    assert "--token-store" in done.last_line
    assert "--replace" in done.last_line
    assert kept(scene) == before


def test_the_user_may_agree_beforehand(scene: Scene) -> None:
    earlier(scene, account="ada")
    done, browsing = scene.log_in("--replace")
    assert done.exit_code == 0, done.log
    assert "has the tokens of" not in done.stdout.decode()
    assert "<h1>Connected</h1>" in browsing.pages[0].text
    assert kept(scene).account == "simulated_user"


def test_nothing_is_asked_about_the_same_account(scene: Scene) -> None:
    earlier(scene, account="simulated_user")
    done, _ = scene.log_in()
    assert done.exit_code == 0, done.log
    assert "has the tokens of" not in done.stdout.decode()
    assert kept(scene).account == "simulated_user"


@pytest.mark.parametrize(
    "before", [{"access_token": None}, {"access_token": "dead"}, {"scope": "boards:read"}], ids=str
)
def test_an_account_that_cannot_be_told_may_be_another(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, before: dict[str, Any]
) -> None:
    old = earlier(scene, **before)
    for typed in ("n\n", "y\n"):
        assert kept(scene) == old
        answering(monkeypatch, typed)
        done, _ = scene.log_in()
        assert "has the tokens of an account that cannot be told. Rep" in done.stdout.decode()
        assert done.exit_code == (typed == "n\n")
    assert kept(scene).account == "simulated_user"


@pytest.mark.parametrize("why", ["scope", "refused"])
def test_an_account_that_is_not_known_is_not_taken_for_the_one_before(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    earlier(scene, account="ada")
    answering(monkeypatch, "")
    options = ("--streams", "boards") if why == "scope" else ()
    if why == "refused":
        scene.sim.faults.add(path="/user_account$", kind="forbidden", times=None)
    done, _ = scene.log_in(*options)
    assert done.exit_code == 1
    assert "still has the tokens of ada; those of an account (which one " in done.log
    assert kept(scene).account == "ada"
    assert kept(scene).refresh_token == "earlier-one"
    done, _ = scene.log_in(*options, "--replace")
    assert done.exit_code == 0, done.log
    assert kept(scene).account is None
    assert kept(scene).refresh_token != "earlier-one"


def test_the_first_tokens_are_kept_before_anything_else_can_go_wrong(scene: Scene) -> None:
    found: list[Tokens] = []
    scene.sim.faults.add(
        path="/user_account$", kind="reset", when=lambda _: bool(found.append(kept(scene)))
    )
    done, _ = scene.log_in()
    assert done.exit_code == 0, done.log
    assert found
    assert found[0].account is None
    assert kept(scene).account == "simulated_user"


def test_tokens_that_wait_for_an_answer_can_be_pasted_for_too(
    scene: Scene, known_state: str
) -> None:
    earlier(scene, account="ada")
    done = paste([*scene.args, "--no-browser"], f"{back(scene, known_state)}\ny\n")
    assert done.exit_code == 0, done.output
    assert question(scene) in done.output
    assert kept(scene).account == "simulated_user"


# -- what becomes of them meanwhile


def aside(scene: Scene) -> Path:
    """Where new tokens wait for the answer of the user."""
    return scene.store.with_name("tokens.json.granted")


def beside(scene: Scene) -> set[str]:
    return {path.name for path in scene.store.parent.iterdir()} - {"tokens.json.lock"}


@contextlib.contextmanager
def about_to_ask(scene: Scene) -> Iterator[Any]:
    """A login that is about to look whose tokens it has got, where there are others."""
    with logging_in(scene, "--no-browser") as process:
        lines = iter(process.stdout.readline, "")
        url = next(line.strip() for line in lines if line.startswith(scene.sim.authorize_url))
        process.stdin.write(scene.decide(url) + "\n")
        process.stdin.flush()
        yield process


def interrupted(scene: Scene, process: Any, before: Tokens, number: int) -> None:
    """The login ends at once, the store is as it was, and the new tokens are where it says."""
    process.send_signal(number)
    process.wait()  # before its input ends, which would be an answer
    _, said = process.communicate()
    assert process.returncode == 128 + number, said
    assert f"Stopped by signal {number:d}; {scene.store} is as it was" in said
    assert f"is kept in {aside(scene)}: move it" in said
    assert "Traceback" not in said
    assert kept(scene) == before
    assert beside(scene) == {"tokens.json", "tokens.json.granted"}
    aside(scene).rename(scene.store)
    scene.sim.oauth.scopes(kept(scene).access_token)  # which are good


SIGNALS = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_at_the_question_leaves_both(scene: Scene, number: int) -> None:
    before = earlier(scene, account="ada")
    with about_to_ask(scene) as process:
        ask_in(process)
        time.sleep(0.2)  # a signal just before a read begins would be heard after it
        interrupted(scene, process, before, number)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_nobody_says_whose_they_are_leaves_both(scene: Scene, number: int) -> None:
    """Other runs need not wait for the store meanwhile."""
    before = earlier(scene, account="ada")
    asked, over = threading.Event(), threading.Event()
    scene.sim.faults.add(
        path="/user_account$", kind="reset", when=lambda _: asked.set() or over.wait()
    )
    try:
        with about_to_ask(scene) as process:
            wait_for(asked.is_set)
            with TokenStore(scene.store).locked():
                interrupted(scene, process, before, number)
    finally:
        over.set()


@pytest.mark.parametrize(("before", "typed"), [("ada", "y\n"), ("simulated_user", "")])
def test_what_a_login_left_is_gone_after_the_next(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, before: str, typed: str
) -> None:
    earlier(scene, account=before)
    aside(scene).write_bytes(scene.store.read_bytes())
    aside(scene).chmod(0o600)
    answering(monkeypatch, typed)
    done, _ = scene.log_in()
    assert done.exit_code == 0, done.log
    assert beside(scene) == {"tokens.json"}


def test_a_signal_before_anything_is_granted_says_so(scene: Scene) -> None:
    """What an earlier login has left is not what this one was granted."""
    before = earlier(scene, account="ada")
    aside(scene).write_bytes(scene.store.read_bytes().replace(b"earlier", b"carols"))
    aside(scene).chmod(0o600)
    scene.sim.faults.add(path="/oauth/token", kind="hang", times=None)
    with about_to_ask(scene) as process:
        wait_for(lambda: scene.sim.paths()["/v5/oauth/token"])
        process.send_signal(signal.SIGTERM)
        process.wait()
        _, said = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    assert "15; nothing that Pinterest granted is kept: run the login again" in said
    assert kept(scene) == before


def ask_in(process: Any) -> None:
    """Let a login come to its question."""
    next(line for line in iter(process.stdout.readline, "") if "y or n" in line)


def end_with(process: Any, typed: str) -> str:
    process.stdin.write(typed)
    process.stdin.flush()
    process.wait()
    return process.communicate()[1]


def test_of_two_logins_one_takes_nothing_from_the_other(scene: Scene) -> None:
    earlier(scene, account="ada")
    with about_to_ask(scene) as first:
        ask_in(first)
        with about_to_ask(scene) as second:
            ask_in(second)
            waiting = aside(scene).read_bytes()
            assert "were not kept" in end_with(first, "n\n")
            assert aside(scene).read_bytes() == waiting
            assert not end_with(second, "y\n")
    assert kept(scene).account == "simulated_user"
    assert beside(scene) == {"tokens.json"}


def test_agreement_is_about_the_account_that_was_named(scene: Scene) -> None:
    earlier(scene, account="ada")
    with about_to_ask(scene) as process:
        ask_in(process)
        bobs = earlier(scene, account="bob", access_token="bobs")
        said = end_with(process, "y\n")
    assert process.returncode == 1
    assert "has got tokens meanwhile, those of bob, which are left there." in said
    assert kept(scene) == bobs


@pytest.mark.parametrize("ending", [".new", ".lock", ".granted"])
def test_no_store_has_the_name_of_what_lies_beside_one(scene: Scene, ending: str) -> None:
    done, browsing = scene.log_in("--token-store", f"{scene.store}{ending}")
    assert done.exit_code == 1
    assert "Setting `token_store` names a file that ends in" in done.last_line
    assert not browsing.urls


@pytest.mark.parametrize("typed", ["y\n", "n\n"])
def test_nothing_is_left_beside_the_store(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    earlier(scene, account="ada")
    answering(monkeypatch, typed)
    scene.log_in()
    assert beside(scene) == {"tokens.json"}


def test_another_kind_of_file_beside_the_store_is_left_as_it_is(scene: Scene) -> None:
    before = earlier(scene, account="ada")
    aside(scene).write_text("my notes")
    aside(scene).chmod(0o600)
    done, browsing = scene.log_in()
    assert done.exit_code == 1
    assert not browsing.urls
    assert f"{aside(scene)} is damaged, or another kind of file" in done.last_line
    assert aside(scene).read_text() == "my notes"
    assert kept(scene) == before


def test_tokens_that_a_run_has_renewed_meanwhile_stay(scene: Scene) -> None:
    """To note whose they are is no reason to bring back those that are spent."""
    renewed = Tokens(refresh_token="newer", access_token="newest")

    def renew(_: Any) -> bool:
        store = TokenStore(scene.store)
        with store.locked(), store.replacement() as keep:
            keep(renewed)
        return False

    scene.sim.faults.add(path="/user_account$", kind="reset", when=renew)
    done, _ = scene.log_in()
    assert done.exit_code == 0, done.log
    assert kept(scene).access_token == "newest"


def test_an_account_that_nobody_names_is_not_waited_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "PATIENCE", 0.2)
    over = threading.Event()
    scene.sim.faults.add(path="/user_account$", kind="reset", when=lambda _: not over.wait())
    try:
        done, browsing = scene.log_in()
    finally:
        over.set()
    assert done.exit_code == 0, done.log
    assert "which one was not answered in time" in browsing.pages[0].text
    assert kept(scene).account is None


@pytest.mark.parametrize(
    "name", [{"a": 1}, ["x"], 7, "", "a\x1b[2J", "a b", "\u202ea", "x" * 200], ids=repr
)
def test_what_is_no_name_is_no_account(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, name: Any
) -> None:
    """Two accounts that are told by the same few characters are not taken for one."""
    earlier(scene, account=None if isinstance(name, dict) else "an object")
    scene.sim.oauth.add_token("earlier-two")
    answered = {"username": name, "id": name or "\x1b"}
    scene.sim.faults.add(
        path="/user_account$", kind="status", status=200, body=answered, times=None
    )
    answering(monkeypatch, "n\n")
    done, browsing = scene.log_in()
    assert "\x1b" not in done.stdout.decode() + done.log + browsing.pages[0].text
    assert done.exit_code == 1
    whose = "an account that cannot be told" if isinstance(name, dict) else "an object"
    assert f"still has the tokens of {whose}" in done.last_line


def test_a_name_out_of_the_store_does_nothing_to_the_terminal(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier(scene, account="ada\x1b[2J\u202e\nroot")
    answering(monkeypatch, "n\n")
    done, browsing = scene.log_in()
    assert r"has the tokens of ada\x1b[2J\u202e root. Replace" in done.stdout.decode()
    for text in (done.stdout.decode(), done.log, browsing.pages[0].text):
        assert "\x1b" not in text
        assert "\u202e" not in text
