"""Ads as no description has them: what is odd costs itself, or its ad account, and the run says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_pinterest import bounds
from tests.ads_faults import MEASURED, SMALL, below, bookmarks
from tests.ads_harness import BY_NAME, by_key
from tests.analytics_harness import back
from tests.harness import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness import Run
    from tests.pinterest_api import Seen, Simulator

METRICS = "campaign_analytics"
TARGETS = "campaign_targeting_analytics"
NIGHT = str(back(1))


@pytest.fixture
def sim(simulate: Callable[..., Simulator]) -> Simulator:
    return simulate(**{**SMALL, "messy": False})


def edit(sim: Simulator, path: str, change: Callable[[Any], Any]) -> Any:
    """Change the answers about a path."""
    rule = sim.faults.add(path=path, kind="without_days", times=None)
    rule.edit = lambda answer, _: change(answer)
    return rule


def about(identity: str) -> Callable[[Seen], bool]:
    """Whether a request asks for an entity, with others or not."""
    return lambda seen: identity in {value for name, value in seen.query if name.endswith("_ids")}


def rows(run: Run, stream: str) -> dict[Any, Any]:
    """The rows of a stream by key."""
    return by_key(run, stream)


def without(found: dict[Any, Any], **lost: Any) -> dict[Any, Any]:
    """Rows, but those that have one of these values."""
    return {key: row for key, row in found.items() if all(row[name] != lost[name] for name in lost)}


# -- accounts


@pytest.mark.parametrize("refusal", [(403, 29), (401, 3)])
@pytest.mark.parametrize("tolerated", [False, True])
def test_an_account_that_is_not_open_costs_its_rows_of_every_stream(
    simulate: Callable[..., Simulator], refusal: tuple[int, int], tolerated: bool
) -> None:
    sim = simulate(**{**SMALL, "ad_accounts": 3})
    whole = run_tap(sim, select=tuple(BY_NAME), **MEASURED).ok()
    first, closed, third = sim.world.accounts
    sim.world.refused_accounts[closed] = refusal
    run = run_tap(sim, select=tuple(BY_NAME), skip_forbidden_streams=tolerated, **MEASURED)
    assert run.exit_code == (0 if tolerated else 1)
    assert run.crash is None
    assert "Traceback" not in run.log
    assert tolerated == (not run.said(" ERROR "))
    for stream, declared in BY_NAME.items():
        everything = rows(whole, stream)
        if stream == "ad_accounts":
            assert rows(run, stream) == everything
            continue
        expected = without(everything, ad_account_id=closed)
        assert {row["ad_account_id"] for row in expected.values()} == {first, third}, stream
        assert rows(run, stream) == expected, stream
        told = run.said("WARNING" if tolerated else "ERROR", f"Stream {stream} ")
        assert told, stream
        if declared.parent_stream_type is BY_NAME["ad_accounts"]:
            assert closed in told[0]
            assert "ad_account_ids" in told[0]
        if isinstance(declared.replication_key, str):
            assert set(bookmarks(run, stream)) == {first, third}, stream
    assert [stream for stream, _ in run.activate_versions] == ["ad_accounts"]


def test_an_ad_account_that_appears_later_is_read_whole(
    simulate: Callable[..., Simulator],
) -> None:
    sim = simulate(**{**SMALL, "ad_accounts": 3})
    late = list(sim.world.accounts)[1]
    hidden = edit(
        sim,
        "/v5/ad_accounts$",
        lambda page: page | {"items": [each for each in page["items"] if each["id"] != late]},
    )
    streams = ("campaigns", METRICS)
    settings = {**MEASURED, "start_days_back": 9}
    before = run_tap(sim, select=streams, **settings).ok()
    assert hidden.fired
    sim.faults.clear()
    after = run_tap(sim, select=streams, state=before.states[-1], **settings).ok()
    whole = run_tap(sim, select=streams, **settings).ok()
    for stream in streams:
        mine = {
            key: row for key, row in rows(whole, stream).items() if row["ad_account_id"] == late
        }
        assert mine
        assert not mine.keys() & rows(before, stream).keys()
        assert mine.items() <= rows(after, stream).items()
        assert len(rows(after, stream)) < len(rows(whole, stream))
        assert set(bookmarks(after, stream)) == set(sim.world.accounts)


ODD_ACCOUNTS: dict[str, dict[str, Any]] = {
    "no id": {"id": None},
    "an empty id": {"id": ""},
    "an id with a comma": {"id": "1,2"},
    "an id that leads elsewhere": {"id": "../pins"},
}


@pytest.mark.parametrize("odd", ODD_ACCOUNTS)
def test_an_account_with_an_odd_id_costs_itself(sim: Simulator, odd: str) -> None:
    first, second = sim.world.accounts
    whole = run_tap(sim, select=("campaigns", METRICS), **MEASURED).ok()
    sim.world.alter["ad_account"] = lambda account: (
        account | (ODD_ACCOUNTS[odd] if account["id"] == first else {})
    )
    run = run_tap(sim, select=("campaigns", METRICS), **MEASURED)
    assert run.exit_code == 1
    assert "Traceback" not in run.log
    for stream in ("campaigns", METRICS):
        assert rows(run, stream) == without(rows(whole, stream), ad_account_id=first)
        assert set(bookmarks(run, stream)) == {second}
        assert [part["context"] for part in run.states[-1]["bookmarks"][stream]["partitions"]] == [
            {"ad_account_id": second}
        ]
    assert run.said("ERROR", "ad_accounts" if odd in ("no id", "an empty id") else "campaigns")


@pytest.mark.parametrize("currency", [None, "absent", 5])
def test_an_account_without_a_currency_or_with_a_number_for_its_id_is_read(
    sim: Simulator, currency: Any
) -> None:
    first, second = sim.world.accounts
    whole = run_tap(sim, select=("campaigns", METRICS), **MEASURED).ok()

    def alter(account: Any) -> Any:
        if account["id"] != first:
            return account
        odd = account | {"id": int(first), "currency": currency}
        return {name: odd[name] for name in odd if odd[name] != "absent"}

    sim.world.alter["ad_account"] = alter
    run = run_tap(sim, select=("campaigns", METRICS), **MEASURED).ok()
    expected = "5" if currency == 5 else None
    for stream in ("campaigns", METRICS):
        assert rows(run, stream) == {
            key: row | ({"currency": expected} if row["ad_account_id"] == first else {})
            for key, row in rows(whole, stream).items()
        }
        assert set(bookmarks(run, stream)) == {first, second}


@pytest.mark.parametrize("answer", ["500", [], None, 5, {}, [{"id": "1"}]], ids=str)
def test_one_of_the_named_accounts_that_is_not_answered_costs_itself(
    sim: Simulator, answer: Any
) -> None:
    first, second = sim.world.accounts
    settings = {**MEASURED, "ad_account_ids": [first, second]}
    whole = run_tap(sim, select=("ad_accounts", METRICS), **settings).ok()
    if answer == "500":
        sim.faults.add(path=f"/ad_accounts/{first}$", kind="server_error", times=None)
    else:
        edit(sim, f"/ad_accounts/{first}$", lambda _: answer)
    run = run_tap(sim, select=("ad_accounts", METRICS), **settings)
    assert run.exit_code == 1
    assert "Traceback" not in run.log
    assert rows(run, "ad_accounts") == without(rows(whole, "ad_accounts"), id=first)
    assert rows(run, METRICS) == without(rows(whole, METRICS), ad_account_id=first)
    assert run.said("ERROR", "ad_accounts")


def test_named_accounts_of_which_none_is_answered_are_not_all_waited_for(sim: Simulator) -> None:
    sim.faults.add(path="/ad_accounts/[0-9]+$", kind="server_error", times=None)
    named = [str(number) for number in range(1, 9)]
    run = run_tap(sim, select=("ad_accounts",), ad_account_ids=named, **MEASURED)
    assert run.exit_code == 1
    assert len({seen.path for seen in sim.requests}) == 3


# -- entities


@pytest.mark.parametrize("odd", [None, 5, "x", {"a": 1}, [None]], ids=str)
def test_a_campaign_with_odd_labels_costs_its_labels(
    simulate: Callable[..., Simulator], odd: Any
) -> None:
    sim = simulate(**{**SMALL, "messy": False, "labels_nested": True})
    whole = run_tap(sim, select=("labels",), **MEASURED).ok()
    first = next(iter(sim.world.accounts))
    lost: list[str] = []

    def alter(page: Any) -> Any:
        lost[:] = [label["id"] for label in page["items"][0]["labels"]]
        return page | {"items": [{"labels": odd}, *page["items"][1:]]}

    edit(sim, below(first, "/labels"), alter)
    run = run_tap(sim, select=("labels",), **MEASURED)
    assert run.exit_code == (odd is not None)
    assert lost
    assert rows(run, "labels") == {
        key: row
        for key, row in rows(whole, "labels").items()
        if row["ad_account_id"] != first or row["id"] not in lost
    }


@pytest.mark.parametrize("path", ["/campaigns", "/ad_groups", "/ads"])
def test_what_comes_twice_in_a_list_is_asked_for_once(sim: Simulator, path: str) -> None:
    streams = (METRICS, "ad_group_analytics", "ad_analytics", "ad_pin_analytics")
    whole = run_tap(sim, select=streams, **MEASURED).ok()
    first = next(iter(sim.world.accounts))
    edit(sim, below(first, path), lambda page: page | {"items": page["items"] * 2})
    sim.clear()
    run = run_tap(sim, select=streams, **MEASURED).ok()
    for stream in streams:
        assert rows(run, stream) == rows(whole, stream)
    for seen in sim.requests:
        ids = [pair for pair in seen.query if pair[0].endswith("_ids")]
        assert len(ids) == len(set(ids))


ONE = {
    "404": ({"kind": "not_found", "code": 404}, 0),
    "403 code 29": ({"kind": "forbidden"}, 0),
    "400": ({"kind": "status", "status": 400, "code": 1, "message": "no"}, 1),
    "500": ({"kind": "server_error"}, 1),
}


@pytest.mark.parametrize("fault", ONE)
@pytest.mark.parametrize("which", [0, 137, 249])
def test_one_of_250_that_fails_its_batch_costs_itself(
    simulate: Callable[..., Simulator], fault: str, which: int
) -> None:
    sim = simulate(**{**SMALL, "campaigns": 250, "ad_groups": 1, "ads": 1})
    first, second = sim.world.accounts
    bad = sim.world.ads_list("campaign", first)[which]["id"]
    whole = run_tap(sim, select=(METRICS,), **MEASURED).ok()
    sim.clear()
    answer, code = ONE[fault]
    sim.faults.add(path="/campaigns/analytics$", when=about(bad), times=None, **answer)
    run = run_tap(sim, select=(METRICS,), **MEASURED)
    assert run.exit_code == code
    assert rows(run, METRICS) == without(rows(whole, METRICS), campaign_id=bad)
    told = run.said("ERROR" if code else "WARNING", METRICS, bad)
    assert told
    assert code or "is skipped" in told[0]
    asked = sum(seen.path.endswith("/campaigns/analytics") for seen in sim.requests)
    assert asked <= 2 + 2 * 8 * (8 if fault == "500" else 1)
    assert bookmarks(run, METRICS) == {second: NIGHT}
    sim.faults.clear()
    again = run_tap(sim, select=(METRICS,), state=run.states[-1], **MEASURED).ok()
    assert (
        without(rows(whole, METRICS), ad_account_id=second).items() <= rows(again, METRICS).items()
    )


def test_what_one_campaign_withholds_first_keeps_the_others_of_its_account_open(
    sim: Simulator,
) -> None:
    """Of one campaign with one Pin the only batch is refused; the ad account is open all the same."""
    stream, first = "ad_pin_analytics", next(iter(sim.world.accounts))
    whole = run_tap(sim, select=(stream,), **MEASURED).ok()
    bad = sim.world.ads_list("campaign", first)[0]["id"]
    sim.faults.add(
        path="/pins/analytics$", contains={"campaign_id": bad}, times=None, kind="forbidden"
    )
    run = run_tap(sim, select=(stream,), **MEASURED).ok()
    assert rows(run, stream) == without(rows(whole, stream), campaign_id=bad)
    assert run.said("WARNING", stream, "is skipped", bad)
    assert first not in bookmarks(run, stream)


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("in_bulk", [True, False])
def test_ad_groups_that_were_deleted_meanwhile_cost_their_own_children(
    simulate: Callable[..., Simulator], count: int, in_bulk: bool
) -> None:
    """Keywords of many are asked for together, and the first ones fail that."""
    sim = simulate(**{**SMALL, "messy": False, "keywords_in_bulk": in_bulk})
    whole = run_tap(sim, select=("keywords",), **MEASURED).ok()
    first = next(iter(sim.world.accounts))
    bad = {group["id"] for group in list(sim.world.ads_list("ad_group", first))[:count]}

    def is_about(seen: Seen) -> bool:
        return bool(bad & {value for name, value in seen.query if name.startswith("ad_group_id")})

    sim.faults.add(path="/keywords$", when=is_about, times=None, kind="not_found", code=404)
    run = run_tap(sim, select=("keywords",), **MEASURED).ok()
    assert rows(run, "keywords") == {
        key: row for key, row in rows(whole, "keywords").items() if row["parent_id"] not in bad
    }
    assert all(run.said("WARNING", "keywords", "is skipped", group) for group in bad)
    assert not run.activate_versions


def test_keywords_of_ad_groups_that_are_not_open_are_told(
    simulate: Callable[..., Simulator],
) -> None:
    sim = simulate(**{**SMALL, "messy": False})
    whole = run_tap(sim, select=("keywords",), **MEASURED).ok()
    first = next(iter(sim.world.accounts))
    sim.faults.add(
        path=below(first, "/keywords"),
        when=lambda seen: any(name.startswith("ad_group_id") for name, _ in seen.query),
        times=None,
        kind="forbidden",
    )
    run = run_tap(sim, select=("keywords",), **MEASURED)
    assert run.exit_code == 1
    assert run.said("ERROR", "keywords", first, "ad_account_ids")
    theirs = without(rows(whole, "keywords"), ad_account_id=first)
    assert theirs.items() <= rows(run, "keywords").items() <= rows(whole, "keywords").items()


def test_an_answer_that_is_too_large_is_asked_for_in_smaller_parts(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {**MEASURED, "start_days_back": 40}
    whole = run_tap(sim, select=(METRICS, TARGETS), **settings).ok()
    monkeypatch.setattr(bounds, "MOST_VALUES", 200)
    sim.clear()
    run = run_tap(sim, select=(METRICS, TARGETS), **settings).ok()
    for stream in (METRICS, TARGETS):
        assert rows(run, stream) == rows(whole, stream)
    windows = {
        seen.params()["end_date"] for seen in sim.requests if seen.path.endswith("/analytics")
    }
    assert len(windows) > 1


# -- rows


def first_row(change: Callable[[Any], Any], *, targeted: bool) -> Callable[[Any], Any]:
    """Change the first row of an answer."""

    def edited(answer: Any) -> Any:
        found = answer["data"] if targeted else answer
        return (
            ({"data": [change(found[0]), *found[1:]]})
            if targeted
            else [change(found[0]), *found[1:]]
        )

    return edited


def metrics(change: dict[str, Any]) -> Callable[[Any], Any]:
    """A row whose metrics, by target or not, have other values; those that are "absent" are not."""

    def changed(row: Any) -> Any:
        inner = row.get("metrics", row)
        inner = {n: v for n, v in (inner | change).items() if v != "absent"}
        return row | {"metrics": inner} if "metrics" in row else inner

    return changed


ODD_ROWS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "no id": (metrics({"CAMPAIGN_ID": "absent"}), "`campaign_id`"),
    "a null id": (metrics({"CAMPAIGN_ID": None}), "`campaign_id`"),
    "an id that is an object": (metrics({"CAMPAIGN_ID": {"a": 1}}), "`campaign_id`"),
    "no date": (metrics({"DATE": "absent"}), "`date`"),
    "a null date": (metrics({"DATE": None}), "`date`"),
    "a week": (metrics({"DATE": "2026-03-02 - 2026-03-08"}), "for its day"),
    "an hour": (metrics({"DATE": "2026-03-08T12:00:00"}), "for its day"),
    "a day that is none": (metrics({"DATE": "2026-02-30"}), "for its day"),
    "a date that is a number": (metrics({"DATE": 20260308}), "for its day"),
    "a row that is a number": (lambda _: 5, "5"),
    "a row that is null": (lambda _: None, "null"),
}


@pytest.mark.parametrize("odd", ODD_ROWS)
@pytest.mark.parametrize("stream", [METRICS, TARGETS])
def test_an_odd_row_costs_itself(sim: Simulator, stream: str, odd: str) -> None:
    first, second = sim.world.accounts
    whole = run_tap(sim, select=(stream,), **MEASURED).ok()
    change, told = ODD_ROWS[odd]
    edit(
        sim,
        below(first, BY_NAME[stream].path.removeprefix("/ad_accounts/{ad_account_id}")),
        first_row(change, targeted=stream == TARGETS),
    )
    run = run_tap(sim, select=(stream,), **MEASURED)
    assert run.exit_code == 1
    assert "Traceback" not in run.log
    assert rows(run, stream).items() <= rows(whole, stream).items()
    assert len(rows(run, stream)) == len(rows(whole, stream)) - 1
    assert run.said("ERROR", stream, told)
    assert set(bookmarks(run, stream)) == {second}


@pytest.mark.parametrize(
    "form", ["{}T00:00:00", "{} 00:00", "{}T00:00:00.000Z", "{}T00:00:00+00:00"]
)
@pytest.mark.parametrize("stream", [METRICS, TARGETS])
def test_a_day_in_another_form_is_the_same_row(sim: Simulator, stream: str, form: str) -> None:
    whole = run_tap(sim, select=(stream,), **MEASURED).ok()
    first = next(iter(sim.world.accounts))

    def change(row: Any) -> Any:
        return metrics({"DATE": form.format(row.get("metrics", row)["DATE"])})(row)

    edit(
        sim,
        below(first, BY_NAME[stream].path.removeprefix("/ad_accounts/{ad_account_id}")),
        first_row(change, targeted=stream == TARGETS),
    )
    assert rows(run_tap(sim, select=(stream,), **MEASURED).ok(), stream) == rows(whole, stream)


@pytest.mark.parametrize("stream", [METRICS, TARGETS])
def test_a_metric_in_small_letters_takes_no_other_ones_place(sim: Simulator, stream: str) -> None:
    whole = run_tap(sim, select=(stream,), **MEASURED).ok()
    first = next(iter(sim.world.accounts))
    small = {"campaign_id": "5", "Date": "2026-01-01", "impression_1": 0}
    edit(
        sim,
        below(first, BY_NAME[stream].path.removeprefix("/ad_accounts/{ad_account_id}")),
        first_row(metrics(small), targeted=stream == TARGETS),
    )
    run = run_tap(sim, select=(stream,), **MEASURED).ok()
    assert rows(run, stream) == rows(whole, stream)
    assert run.said("WARNING", stream, "differ in case only")


def test_a_refusal_that_names_all_columns_is_about_none_of_them(sim: Simulator) -> None:
    """It may list those that there are; the other ad account has them all."""
    whole = run_tap(sim, select=(METRICS,), **MEASURED).ok()
    first = next(iter(sim.world.accounts))
    sim.faults.add(
        path=below(first, "/campaigns/analytics"),
        kind="status",
        status=400,
        code=1,
        message="none of AD_ACCOUNT_ID, CAMPAIGN_ID, SPEND_IN_MICRO_DOLLAR, IMPRESSION_1",
        times=None,
    )
    run = run_tap(sim, select=(METRICS,), **MEASURED)
    assert run.exit_code == 1
    assert rows(run, METRICS) == without(rows(whole, METRICS), ad_account_id=first)
    assert not run.said("deselect `")


@pytest.mark.parametrize("odd", [None, 5, "x", [1]], ids=str)
def test_metrics_that_are_no_object_cost_their_row(sim: Simulator, odd: Any) -> None:
    whole = run_tap(sim, select=(TARGETS,), **MEASURED).ok()
    first, second = sim.world.accounts
    edit(
        sim,
        below(first, "/campaigns/targeting_analytics"),
        first_row(lambda row: row | {"metrics": odd}, targeted=True),
    )
    run = run_tap(sim, select=(TARGETS,), **MEASURED)
    assert run.exit_code == 1
    assert len(rows(run, TARGETS)) == len(rows(whole, TARGETS)) - 1
    assert run.said("ERROR", TARGETS, "for its metrics")
    assert set(bookmarks(run, TARGETS)) == {second}


@pytest.mark.parametrize(
    ("stream", "answer"),
    [
        ("campaigns", {"items": None}),
        ("campaigns", {"items": {}}),
        ("campaigns", {"items": "x"}),
        ("keywords", {"items": None}),
        ("labels", {"items": None}),
        ("labels", {"items": 5}),
        ("conversion_tags", {"items": None}),
        (METRICS, None),
        (METRICS, {}),
        (METRICS, 5),
        (METRICS, {"data": None}),
        (METRICS, [[]]),
        (TARGETS, {"data": None}),
        (TARGETS, {"data": {}}),
        (TARGETS, {"data": "x"}),
        (TARGETS, []),
        (TARGETS, None),
    ],
    ids=str,
)
def test_an_answer_without_a_list_costs_its_account(
    sim: Simulator, stream: str, answer: Any
) -> None:
    first, second = sim.world.accounts
    whole = run_tap(sim, select=(stream,), **MEASURED).ok()
    edit(
        sim,
        below(first, BY_NAME[stream].path.removeprefix("/ad_accounts/{ad_account_id}")),
        lambda _: answer,
    )
    run = run_tap(sim, select=(stream,), **MEASURED)
    assert run.exit_code == 1
    assert "Traceback" not in run.log
    assert run.said("ERROR", stream, first)
    assert rows(run, stream) == without(rows(whole, stream), ad_account_id=first)
    assert not run.activate_versions
    if isinstance(BY_NAME[stream].replication_key, str):
        assert set(bookmarks(run, stream)) == {second}


@pytest.mark.parametrize("odd", [None, "", "1,2", {"a": 1}, "../x"], ids=str)
def test_a_campaign_without_an_id_that_can_be_asked_for_costs_its_metrics(
    sim: Simulator, odd: Any
) -> None:
    first, second = sim.world.accounts
    whole = run_tap(sim, select=(METRICS,), **MEASURED).ok()
    bad = sim.world.ads_list("campaign", first)[0]["id"]
    sim.world.alter["campaign"] = lambda record: (
        record | ({"id": odd} if record["id"] == bad else {})
    )
    run = run_tap(sim, select=("campaigns", METRICS), **MEASURED)
    assert run.exit_code == 1
    assert "Traceback" not in run.log
    assert rows(run, METRICS) == without(rows(whole, METRICS), campaign_id=bad)
    assert set(bookmarks(run, METRICS)) == {second}
    asked = {value for seen in sim.requests for name, value in seen.query if name == "campaign_ids"}
    assert not {"1", "2", "1,2", "../x"} & asked
