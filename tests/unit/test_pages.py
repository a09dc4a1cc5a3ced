"""Where the records of an answer are, and what is taken for one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tap_pinterest.errors import StreamError
from tap_pinterest.records.pages import Page, combinations, path_for, reader
from tap_pinterest.settings import setting

ONE, TWO = {"id": "1"}, {"id": "2", "n": 2}


@pytest.mark.parametrize(
    ("records_at", "answer", "records", "bookmark"),
    [
        ("items", {"items": [ONE, TWO], "bookmark": "b"}, [ONE, TWO], "b"),
        ("items", {"items": [], "bookmark": None}, [], None),
        ("", [ONE, TWO], [ONE, TWO], None),
        ("", ONE, [ONE], None),
        ("data", {"code": 0, "data": [TWO]}, [TWO], None),
        ("data", {"data": TWO, "bookmark": "b"}, [TWO], "b"),
        ("report.rows", {"report": {"rows": [ONE], "bookmark": "no"}}, [ONE], None),
    ],
)
def test_records_are_where_the_stream_says(
    records_at: str, answer: Any, records: list[Any], bookmark: str | None
) -> None:
    found = reader(records_at)(msgspec.json.encode(answer))
    assert Page(found.items, 0).records() == records
    assert found.bookmark == bookmark


@pytest.mark.parametrize(
    ("records_at", "answer"),
    [("items", {"things": []}), ("data", {}), ("data", []), ("report.rows", {"report": {}})],
)
def test_an_answer_without_that_place_is_none(records_at: str, answer: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        reader(records_at)(msgspec.json.encode(answer))


def test_what_is_no_record_costs_itself() -> None:
    page = Page(b'[{"id":"1"}, null, 5, {"id":"2","n":2}, []]', 0)
    assert page.records() == [ONE, TWO]
    assert [str(error) for error in page.odd] == [
        f"the API sent {what} among the records" for what in ("null", "5", "[]")
    ]


def test_a_page_that_is_no_list_is_none() -> None:
    with pytest.raises(StreamError):
        Page(b'"text"', 0).records()


def test_a_stream_is_read_over_each_value_once() -> None:
    over = {"type": ("A", "B"), "query": setting("search_queries")}
    assert list(combinations(over, {"search_queries": [" x", "y", "x"]})) == [
        {"type": kind, "query": text} for kind in ("A", "B") for text in ("x", "y")
    ]
    assert list(combinations(over, {})) == []
    assert list(combinations({}, {})) == [{}]


def test_a_path_without_what_it_needs_is_not_asked_for() -> None:
    assert path_for("/a/{b}/c", {"b": "GB+IE", "other": ".."}) == "/a/GB+IE/c"
    with pytest.raises(StreamError, match="'b'"):
        path_for("/a/{b}/c", {"b": None})
