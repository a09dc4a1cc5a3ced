"""What is recognised as familiar comes out exactly as if each record had been looked at."""

from __future__ import annotations

import copy
import random
import tracemalloc
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tap_pinterest.records import familiar
from tap_pinterest.records.schemas import load_schema
from tap_pinterest.records.shape import Shape
from tests.pinterest_api import World

ODD: list[Any] = [
    None, True, False, 0, 1, 6.0, 6.5, Decimal("0.1"), "", "6", "2021-06-08 09:37:18", [], [1],
    [None], [{}], {}, {"token": "t"}, 2**60, ["s", 1],
]  # fmt: skip


def spoil(record: Any, rng: random.Random, often: float) -> None:
    """Put odd values into a record, at any depth."""
    for name in list(record):
        value = record[name]
        if rng.random() < often:
            record[name] = copy.deepcopy(rng.choice(ODD))
        elif rng.random() < often / 5:
            del record[name]
        elif isinstance(value, dict):
            spoil(value, rng, often)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    spoil(item, rng, often)
    if rng.random() < often / 2:
        record[rng.choice(["new", "api_token", "\x1f", 'a"b'])] = copy.deepcopy(rng.choice(ODD))


def shape(told: list[str]) -> Shape:
    return Shape(load_schema("organic/pin", ("id",)), lambda _: True, told.append)


@pytest.mark.parametrize("seed", range(12))
def test_pages_come_out_as_single_records_do(seed: int) -> None:
    rng = random.Random(seed)
    pins = [dict(pin) for pin in World(boards=2, pins_per_board=40).all_pins()]
    told: tuple[list[str], list[str]] = ([], [])
    pages = shape(told[0])
    unfit = 0
    for often in (0.0, 0.02, 0.0, 0.1, 0.01, 0.0):
        page = [copy.deepcopy(rng.choice(pins)) for _ in range(40)]
        for record in page:
            spoil(record, rng, often)
        alone = copy.deepcopy(page)
        pages.conform_all(page)
        for record in alone:
            fresh = shape(told[1])  # has learned nothing
            fresh.conform(record)
            unfit += fresh.unfit
        assert repr(page) == repr(alone)
    assert pages.unfit == unfit
    assert {text.split(":")[0] for text in told[0]} == {text.split(":")[0] for text in told[1]}


def test_a_clean_page_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    pins = [dict(pin) for pin in World(boards=1, pins_per_board=40, messy=False).all_pins()]
    pages = shape([])
    for _ in range(3):
        pages.conform_all(copy.deepcopy(pins))
    looked_at: list[Any] = []
    monkeypatch.setattr(pages._root, "conform", looked_at.append)
    pages.conform_all(copy.deepcopy(pins))
    assert looked_at == []


@pytest.mark.parametrize(
    ("value", "kind"), [(True, int), ("6", int), (1, bool), ("a", float), (None, str), (1, str)]
)
def test_msgspec_does_not_take_one_type_for_another(value: Any, kind: Any) -> None:
    """What `familiar` builds on: a value of a type not seen yet is refused."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(value, kind)


@pytest.mark.parametrize("length", [20, 300])
def test_ever_new_names_are_not_remembered_for_ever(
    monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    """A map with ids for names, or somebody who wants to fill the memory."""
    monkeypatch.setattr("tap_pinterest.records.shape.SEEN", 10_000)
    monkeypatch.setattr(familiar, "MOST", 100)
    shaped = Shape({"properties": {"id": {"type": "string"}}}, lambda _: True, [].append)
    tracemalloc.start()
    try:
        for number in range(100):
            names = (f"{number}-{place}".ljust(length, "x") for place in range(500))
            shaped.conform_all([dict.fromkeys(names, 1)])
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 2_000_000


def test_a_record_of_many_names_is_learned_in_part() -> None:
    learned = familiar.Familiar(lambda _: True)
    learned.learn(dict.fromkeys(map(str, range(3 * familiar.MOST)), 1))
    learned.remember()
    assert learned.knows({"0": 1})
    assert not learned.knows({str(familiar.MOST): 1})
