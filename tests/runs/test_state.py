"""What `check_state` leaves of a state: part by part, in partitions as in streams."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from tap_pinterest import clock
from tap_pinterest.state import check_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from _pytest.logging import LogCaptureFixture

TODAY = "2026-03-10"
GOOD = {"replication_key": "date", "replication_key_value": "2026-03-08", "covered_from": TODAY}
PASS = {
    "open": True,
    "from": "2026-03-08",
    "first": "2026-03-01",
    "asked": "start_days_back=9",
    "fingerprint": "0123456789ab:1",
    "after": "1234",
    "through": "2026-03-09",
    "holes": False,
}


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Any]:
    """What is left of the bookmark of a stream."""
    now = clock.datetime(2026, 3, 10, 23, 59, tzinfo=clock.UTC).timestamp()
    monkeypatch.setattr(clock, "now", lambda: now)

    def check(bookmark: Any) -> Any:
        state = {"bookmarks": {"a": copy.deepcopy(bookmark), "b": copy.deepcopy(GOOD)}}
        check_state(state, ("a", "b"))
        assert state["bookmarks"]["b"] == GOOD, "a bad bookmark costs itself"
        return state["bookmarks"]["a"]

    return check


def test_what_this_version_writes_is_kept(trusted: Any, caplog: LogCaptureFixture) -> None:
    for unfinished in (PASS, PASS | {"open": False, "from": "", "after": "", "through": ""}):
        for bookmark in (
            {**GOOD, "fingerprint": "x", "pass": unfinished, "from_elsewhere": [1]},
            {"partitions": [{"context": {"ad_account_id": "1"}, **GOOD, "pass": unfinished}]},
        ):
            assert trusted(bookmark) == bookmark
    assert not caplog.records


@pytest.mark.parametrize(
    "changed",
    [
        *({name: wrong} for name in PASS for wrong in (5, {"a": 1}, [])),
        *({name: str(day)} for name in ("first", "from", "through") for day in ("2026-03-11", "x")),
        {"first": ""},
        {"open": "true"},
    ],
    ids=str,
)
def test_a_pass_of_another_form_is_not_gone_on_with(
    trusted: Any, caplog: LogCaptureFixture, changed: dict[str, Any]
) -> None:
    caplog.set_level("INFO")
    assert trusted(GOOD | {"pass": PASS | changed}) == GOOD
    (record,) = caplog.records
    assert record.levelname == "INFO"
    assert "stream a has an unfinished pass" in record.getMessage()


@pytest.mark.parametrize("name", PASS)
def test_a_pass_of_an_older_version_lacks_something(trusted: Any, name: str) -> None:
    older = {key: value for key, value in PASS.items() if key != name}
    assert trusted(GOOD | {"pass": older}) == GOOD
    part = {"context": {"ad_account_id": "1"}, **GOOD}
    assert trusted({"partitions": [part | {"pass": older}]}) == {"partitions": [part]}


def test_each_partition_is_looked_at_by_itself(trusted: Any, caplog: LogCaptureFixture) -> None:
    def part(account: Any, **more: Any) -> dict[str, Any]:
        return {"context": {"ad_account_id": account}, **GOOD, **more}

    good = [part("1"), part("2"), part("3")]
    left = trusted(
        {
            "partitions": [
                good[0],
                part("2") | {"fingerprint": 5, "replication_key": []},
                5,
                {"context": "x", **GOOD},
                part(7),
                part("8"),
                part("8", covered_from="2026-01-01"),
                part("3"),
            ]
        }
    )
    del good[1]["replication_key"]
    assert left == {"partitions": good}
    said = " ".join(record.getMessage() for record in caplog.records)
    assert "stream a, ad_account_id 2 has a `fingerprint` that makes no sense" in said
    assert said.count("stream a has a partition that makes no sense") == 1, "once"
    assert "stream a has ad_account_id 8 2 times" in said
    future = trusted({"partitions": [part("1", replication_key_value="2026-03-11"), part("2")]})
    assert "replication_key_value" not in future["partitions"][0]
    assert future["partitions"][1] == part("2")


def test_null_is_as_if_it_were_not_there(trusted: Any, caplog: LogCaptureFixture) -> None:
    nulls = dict.fromkeys(("replication_key_value", "partitions", "pass", "progress_markers"))
    assert trusted(nulls) == {"replication_key_value": None}
    assert not caplog.records
