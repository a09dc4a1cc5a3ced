"""Rows of figures: quick where their form is known, and never another value than the exact one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_pinterest.records.decoding import decode
from tap_pinterest.records.figures import TRIES, Figures

COLUMNS = ("CAMPAIGN_ID", "DATE", "SPEND_IN_MICRO_DOLLAR", "CTR", "AD_NAME")
FIELDS = tuple(name.lower() for name in COLUMNS)
VALUES = st.one_of(
    st.none(),
    st.text(max_size=5),
    st.integers(-(2**63), 2**64),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.lists(st.integers(), max_size=1),
)
ROWS = st.lists(st.dictionaries(st.sampled_from((*COLUMNS, "NEW")), VALUES, max_size=5), max_size=4)


def lower(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What rows are, with null for what lacks."""
    found = [{name.lower(): value for name, value in row.items()} for row in rows]
    return [dict.fromkeys(FIELDS) | row for row in found]


def typed(rows: list[dict[str, Any]]) -> Any:
    """Rows that are equal only where no digit differs, and no text is a number."""

    def exact(value: Any) -> Any:
        is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        return Decimal(str(value)) if is_number else (type(value), value)

    return [{name: exact(value) for name, value in row.items()} for row in rows]


def known(*rows: dict[str, Any]) -> Figures:
    figures = Figures(FIELDS)
    figures.learn(rows)
    return figures


@given(ROWS, ROWS)
def test_rows_are_exact_or_none(first: Any, second: Any) -> None:
    figures = known(*first)
    items = msgspec.json.encode(second)
    found = figures.rows(items)
    if found is not None:
        whole = [dict.fromkeys(FIELDS) | row for row in found]
        assert typed(whole) == typed(lower(decode(items)))


def test_rows_of_a_known_form_are_read() -> None:
    row = {"CAMPAIGN_ID": "666743919837294988", "DATE": "2026-01-31", "CTR": 0.25}
    figures = known(row, {**row, "SPEND_IN_MICRO_DOLLAR": 2**53 + 1, "CTR": 1})
    for rows in ([row], [row, {"CAMPAIGN_ID": 666743919837294988, "SPEND_IN_MICRO_DOLLAR": 0}]):
        found = figures.rows(msgspec.json.encode(rows))
        assert found is not None
        assert [dict.fromkeys(FIELDS) | each for each in found] == lower(rows)


@pytest.mark.parametrize(
    "items",
    [
        '[{"CTR":0.10}]',
        '[{"CTR":666743919837294988.0}]',
        '[{"CTR":1e2}]',
        '[{"CTR": 1}]',
        '[{"CTR":1,"CTR":2}]',
        '[{"CTR":1,"NEW":2}]',
        '[{"CTR":null}]',
        '[{"DATE":"x","CAMPAIGN_ID":"1"}]',
        '[{"CTR":true}]',
        '[{"CTR":[1]}]',
        "[1]",
        "{}",
        "",
        '[{"CTR":"\\ud83d"}]',
    ],
)
def test_what_would_not_be_the_same_is_left_to_others(items: str) -> None:
    figures = known({"CAMPAIGN_ID": "1", "DATE": "2026-01-31", "CTR": 1})
    assert figures.rows(items.encode()) is None


def test_columns_that_the_schema_does_not_know_are_left_to_others() -> None:
    figures = known({"CTR": 1, "NEW": 2})
    assert figures.rows(b'[{"CTR":1}]') == [{"ctr": 1}]
    assert figures.rows(b'[{"NEW":1}]') is None
    assert known({"NEW": 2}).rows(b'[{"NEW":2}]') is None
    assert known({"CTR": 1, "ctr": 2}).rows(b'[{"CTR":1}]') is None


def test_a_form_is_learned_so_many_times() -> None:
    figures = Figures(FIELDS)
    for _ in range(TRIES):
        figures.learn([{"CTR": 1}])
    figures.learn([{"DATE": "x"}])
    assert figures.rows(b'[{"CTR":1}]') == [{"ctr": 1}]
    assert figures.rows(b'[{"DATE":"x"}]') is None
