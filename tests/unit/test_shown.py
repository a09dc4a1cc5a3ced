"""What is shown: secrets masked however they are written, and nothing that a terminal obeys."""

from __future__ import annotations

import base64
import json
import logging
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_pinterest import shown
from tap_pinterest.shown import forget_secrets, keep_secret, plain

if TYPE_CHECKING:
    from collections.abc import Callable

PRINTED = st.characters(min_codepoint=33, max_codepoint=126)
SECRETS = st.text(PRINTED, min_size=12, max_size=60)


@given(SECRETS, st.binary(max_size=9), st.binary(max_size=9))
def test_a_secret_is_found_within_base64(secret: str, before: bytes, after: bytes) -> None:
    forget_secrets()
    keep_secret(secret)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(before + secret.encode() + after).decode()
        left = shown.shown(text)
        assert left.count(shown.MASK) == 1
        # What its neighbours have a part in: a character or two on each side.
        assert len(text) - len(left) >= len(secret) * 4 // 3 - 3 - len(shown.MASK)


@given(st.text(PRINTED, min_size=6, max_size=11), st.integers(0, 4), st.integers(0, 4))
def test_a_short_secret_is_found_within_base64(secret: str, before: int, after: int) -> None:
    forget_secrets()
    keep_secret(secret)
    text = base64.b64encode(bytes(before) + secret.encode() + bytes(after)).decode()
    for written in (text, text.replace("/", r"\/"), quote(text, safe="")):
        assert shown.shown(written).count(shown.MASK) == 1
        assert len(shown.shown(written).replace(shown.MASK, "")) < len(written) - len(secret)


@given(SECRETS)
def test_a_secret_is_found_however_it_is_written(secret: str) -> None:
    forget_secrets()
    keep_secret(secret)
    spellings = (
        secret,
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        "".join(f"%{ord(char):02x}" for char in secret),
        "".join(f"\\u{ord(char):04X}" for char in secret),
    )
    for text in spellings:
        assert shown.shown(f"before{text}after") == f"before{shown.MASK}after"


def test_a_short_secret_is_masked_as_a_word_only() -> None:
    keep_secret("ears")
    assert shown.shown("ears of years: 'ears'") == "*** of years: '***'"


def test_the_longer_of_two_secrets_is_masked_whole() -> None:
    keep_secret("abcdefghijkl", "abcdefghijklmnop")
    assert shown.shown("x abcdefghijklmnop y") == "x *** y"


def test_a_very_long_secret_is_masked_whole() -> None:
    secret = "".join(f"{number:x}" for number in range(2000))
    keep_secret(secret)
    for text in (secret, quote(secret), base64.b64encode(f"id:{secret}".encode()).decode()):
        left = shown.shown(f"before {text} after")
        assert left.startswith("before ")
        assert left.endswith("*** after")
        assert len(left) < 30


def test_what_is_no_secret_is_not_kept() -> None:
    keep_secret(None, "", 5, "abc")
    assert shown.shown("abc 5") == "abc 5"


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_shown(text: str) -> None:
    forget_secrets()
    assert shown.shown(text).isprintable()
    assert shown.shown(shown.shown(text)) == shown.shown(text)


def test_a_foreign_text_is_short_and_on_one_line() -> None:
    assert plain("a\nb\tc") == "a b c"
    assert plain("x" * 200) == "x" * 77 + "..."
    assert plain(None) == "None"
    assert plain("\x1b]52;c;YQ==\x07\u202eabc") == r"\x1b]52;c;YQ==\x07\u202eabc"
    assert plain({"password": "whatever it is"}) == "an object"


@pytest.mark.parametrize(
    "write", [str, quote, lambda text: base64.b64encode(text.encode()).decode()]
)
@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize("length", [12, 127, 128, 400])
def test_a_text_that_is_cut_shows_no_part_of_a_secret(
    length: int, escaped: bool, write: Callable[[str], str]
) -> None:
    """Wherever the cut falls: what stands before it may be as short as one likes."""
    secret = "".join(f"{number:x}" for number in range(1000))[:length]
    keep_secret(secret)
    written = write(secret)
    if escaped:
        written = "".join(f"\\u{ord(char):04x}" for char in written)
    for part in range(1, len(written), 7):
        for before in (" ", "\n", f"{secret} "):
            lead = (before * shown.LOOKED_AT)[: shown.LOOKED_AT - part - 1] + " "
            assert set(plain(lead + written + " " * 99)) <= set("* .")


def test_of_a_long_text_the_beginning_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []
    monkeypatch.setattr(shown, "shown", lambda text: looked_at.append(len(text)) or text)
    assert plain("ab " * 1_000_000, 9) == "ab ab ..."
    assert plain(" " * 1_000_000 + "a") == "..."
    assert max(looked_at) <= shown.LOOKED_AT


def test_a_line_of_the_log_is_one_line_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    secret = "abcdefghijklmnop"
    keep_secret(secret)
    factory = logging.getLogRecordFactory()
    shown.guard_the_log()
    try:
        logging.getLogger("some.library").warning("a\n%s\x1b[2J", secret)
        try:
            try:
                {}[secret]
            except KeyError as exc:
                int(f"\x1b then {secret}")
                raise AssertionError from exc
        except ValueError:
            logging.getLogger("some.library").exception("it failed")
    finally:
        logging.setLogRecordFactory(factory)
    first, second = caplog.records
    assert first.getMessage() == r"a ***\x1b[2J"
    text = logging.Formatter().format(second)
    assert secret not in text
    assert "\x1b" not in text
    assert r"\x1b then ***" in text
    assert "KeyError: '***'" in text


def test_a_secret_with_half_a_character_is_masked() -> None:
    keep_secret("a-secret-with-\udcff-bytes")
    assert shown.shown("it is a-secret-with-\udcff-bytes!") == f"it is {shown.MASK}!"


def test_a_secret_more_costs_what_it_is_and_not_what_all_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each renewal of a token brings two."""
    made, compile_ = [], re.compile
    monkeypatch.setattr(re, "compile", lambda *args: made.append(args) or compile_(*args))
    for number in range(10):
        keep_secret(f"another-secret-{number}")
        assert shown.shown(f"x another-secret-{number}") == "x ***"
    assert len(made) == 10
