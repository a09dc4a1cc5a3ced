"""Answers that are worded to do harm on the way through the libraries that read them."""

from __future__ import annotations

import gzip
from itertools import pairwise

import pytest

from tap_pinterest.errors import Refused, StreamError, Unanswered
from tap_pinterest.network import http
from tests.unit.test_http import CHUNKED, HEAD, Server, ask, sends, whole

FOUND = b"HTTP/1.1 302 Found\r\n"

PLACES = {
    "half an address": b"http://[",
    "no text": b"\xff\xfe",
    "no port": b"http://localhost:port/",
    "nothing": b"",
    "another scheme": b"file:///etc/passwd",
    "codes": b"https://\x1b]52;c;YQ==\x07",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"307 Temporary", b"308 Permanent"])
def test_where_a_redirect_leads_is_not_looked_at(place: str, status: bytes) -> None:
    head = b"HTTP/1.1 %b\r\nLocation: %b\r\n" % (status, PLACES[place])
    with Server(sends(whole(b"{}", head))) as server:
        answer = ask(server)
        assert (answer.status, answer.body) == (int(status[:3]), b"{}")
        assert len(server.heard) == 1
        slices = http.download(server.url, {})
        assert slices.status == int(status[:3])
        slices.slices.close()


def test_the_body_of_a_redirect_has_the_bound_of_others() -> None:
    bomb = gzip.compress(b" " * (http.MOST_OF_AN_ERROR + 1))
    head = FOUND + b"Location: /there\r\nContent-Encoding: gzip\r\n"
    with Server(sends(whole(bomb, head))) as server, pytest.raises(Refused, match="1,024 KB"):
        ask(server)


SIZES = {
    "below nothing": b"-5",
    "more than there is": b"7fffffffffffffff",
    "more digits than any": b"f" * 5_000,
    "no number": b"zz",
    "a number to Python": b"1_0",
    "no text": b"\xff",
}


@pytest.mark.parametrize("size", SIZES)
def test_a_chunk_of_odd_size_is_no_answer(size: str) -> None:
    answer = CHUNKED + b"\r\n" + SIZES[size] + b"\r\n{}\r\n0\r\n\r\n"
    with Server(sends(answer)) as server:
        with pytest.raises(Unanswered):
            ask(server)
        with pytest.raises((StreamError, Unanswered)):
            list(http.download(server.url, {}).slices)


HEADS = {
    "a length below nothing": HEAD + b"Content-Length: -1\r\n\r\n{}",
    "two lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "lengths": HEAD + b"Content-Length: 2, 3\r\n\r\n{}",
    "a long length": HEAD + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n{}",
    "no length": HEAD + b"Content-Length: x\r\n\r\n{}",
    "a status of one digit": b"HTTP/1.1 2 OK\r\n\r\n{}",
    "a status below nothing": b"HTTP/1.1 -20 OK\r\n\r\n{}",
    "no status": b"HTTP/1.1 OK\r\n\r\n{}",
    "a version to come": b"HTTP/9.9 200 OK\r\n\r\n{}",
    "no version": b"HTTP/ 200\r\n\r\n{}",
    "many headers": HEAD + b"X-More: 1\r\n" * 200 + b"\r\n{}",
    "no headers": b"HTTP/1.1 200 OK\r\n\xff\xfe\x00: \xff\r\nno colon\r\n: no name\r\n\r\n{}",
    "a cookie of many dates": HEAD
    + b"Set-Cookie: a=b; expires=" + b"1 " * 30_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
    "a cookie of many parts": HEAD
    + b"Set-Cookie: " + b"a=b; " * 12_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
    "an encoding of many names": HEAD
    + b"Content-Encoding: " + b"gzip, " * 10_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
    "another encoding of the whole": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n{}",
    "nothing": b"",
    "a line": b"\r\n",
    "something else": b"SSH-2.0-OpenSSH_9.6\r\n",
}  # fmt: skip


@pytest.mark.parametrize("head", HEADS)
def test_an_odd_head_is_an_answer_or_none(head: str) -> None:
    with Server(sends(HEADS[head])) as server:
        try:
            answer = ask(server)
        except (Unanswered, Refused):
            return
        assert answer.body in (b"{}", b"")


@pytest.mark.parametrize("size", [1, http.PART - 1, http.PART, http.PART + 1, 3 * http.PART])
def test_many_small_files_of_gzip_are_as_one(size: int) -> None:
    """Wherever they are cut on their way."""
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    cuts = [*range(0, size, max(1, size // 500)), size]
    body = b"".join(gzip.compress(content[a:b]) for a, b in pairwise(cuts))
    with Server(sends(whole(body, HEAD + b"Content-Encoding: gzip\r\n"))) as server:
        assert ask(server).body == content


def test_of_a_member_little_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows the end of a small file is handed back: each time all that is left."""
    handed: list[int] = []

    class Member:
        eof, unconsumed_tail = True, b""

        def decompress(self, part: bytes, _: int) -> bytes:
            handed.append(len(part))
            self.unused_data = part[1:]
            return b""

    monkeypatch.setattr("zlib.decompressobj", lambda _: Member())
    list(http._unzipped([b"\x1f" * 60_000]))
    assert len(handed) == 60_000
    assert max(handed) <= 16 << 10


COOKIES = {
    "a year of many digits": b"a=b; expires=Mon, 01-Jan-" + b"1" * 5_000 + b" 00:00:00 GMT",
    "an age of many digits": b"a=b; max-age=" + b"1" * 5_000,
    "an odd port": b'a=b; version=1; port="' + b"1" * 5_000 + b'"',
}


@pytest.mark.parametrize("name", [b"Set-Cookie", b"set-cookie2"])
@pytest.mark.parametrize("cookie", COOKIES)
@pytest.mark.filterwarnings("error")
def test_cookies_are_not_looked_at(cookie: str, name: bytes) -> None:
    head = HEAD + name + b": " + COOKIES[cookie] + b"\r\n"
    with Server(sends(whole(b"{}", head))) as server, http.new_session(server.url) as session:
        answer = http.exchange(session, "GET", server.url)
        assert answer.body == b"{}"
        assert name.decode() not in answer.headers
        assert not session.cookies
