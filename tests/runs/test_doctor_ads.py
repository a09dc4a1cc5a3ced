"""tap-pinterest-doctor and ads: which accounts are open, and what is read with what a token has."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from tap_pinterest import doctor
from tap_pinterest.checkup import FEW
from tap_pinterest.choosing import USUAL, selected
from tap_pinterest.streams import ADS, ORGANIC
from tests.runs.test_doctor import examine, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pinterest_api import Simulator

__all__ = ["examine"]

NAMES = [stream.declared_name() for stream in ADS]
CAMPAIGNS = "/v5/ad_accounts/{}/campaigns"
NOT_OPEN = ((403, 29), (401, 3))
"""How the API says that an ad account is not open."""


@pytest.fixture
def sim(simulate: Callable[..., Simulator]) -> Simulator:
    """Somebody with three ad accounts."""
    return simulate(ad_accounts=3, other_accounts=0)


def with_scopes(sim: Simulator, *scopes: str) -> dict[str, Any]:
    """The settings of somebody whose token has these scopes."""
    sim.oauth.add_token("simulator-token-2", set(scopes))
    return {"access_token": "simulator-token-2"}


def test_each_kind_of_stream_is_tried_with_the_smallest_request(
    sim: Simulator, examine: Any
) -> None:
    found = rows(examine(sim, "--streams", "ads").ok())
    assert {name: found[name] for name in NAMES} == dict.fromkeys(NAMES, "yes")
    assert not found.keys() & {"boards", "account"}
    own = [seen for seen in sim.requests if seen.path.startswith("/v5/ad_accounts/")]
    first, *others = sim.world.accounts
    # The list is one request; the campaigns of each account say whether it is open.
    assert len(own) == len(NAMES) - 1 + len(others)
    assert Counter(seen.path for seen in sim.requests).most_common(1)[0][1] == 1
    assert {seen.path for seen in own if first not in seen.path} == {
        CAMPAIGNS.format(other) for other in others
    }
    for seen in own:
        query = dict(seen.query)
        assert query.get("page_size", "1") == "1"
        assert query.get("start_date") == query.get("end_date")
        assert "," not in query.get("targeting_types", "") + query.get("columns", "")
        for ids in ("campaign_ids", "ad_group_ids", "ad_ids", "pin_ids", "product_group_ids"):
            assert len([name for name, _ in seen.query if name == ids]) <= 1
            assert "," not in query.get(ids, "")


def test_ad_accounts_are_told_with_their_currencies(sim: Simulator, examine: Any) -> None:
    told = [
        f"{each['id']} ({each['name']}, {each['currency']})" for each in sim.world.all_ad_accounts()
    ]
    assert rows(examine(sim))["Ad accounts"] == ", ".join(told)


def test_of_many_ad_accounts_a_few_are_looked_into(
    simulate: Callable[..., Simulator], examine: Any
) -> None:
    sim = simulate(ad_accounts=FEW + 2, other_accounts=0)
    found = rows(examine(sim, "--streams", "campaigns").ok())
    assert found["Ad accounts"].endswith(" and more")
    assert found["Ad accounts"].count("(") == FEW
    looked_into = [CAMPAIGNS.format(each) for each in list(sim.world.accounts)[:FEW]]
    assert sim.paths() == Counter(["/v5/user_account", "/v5/ad_accounts", *looked_into])


@pytest.mark.parametrize("how", NOT_OPEN, ids=str)
def test_one_forbidden_account_of_three_is_told_and_the_others_are_read(
    sim: Simulator, examine: Any, how: tuple[int, int]
) -> None:
    closed, *others = sim.world.accounts
    sim.world.refused_accounts[closed] = how
    run = examine(sim, "--streams", "ads")
    found = rows(run)
    assert run.exit_code == 1
    assert run.last_line.endswith(
        f"Ad accounts that are not open: {closed}; name only the others in `ad_account_ids` to "
        "leave it out."
    )
    assert f"not {closed}: HTTP {how[0]} (code {how[1]})" in found["ad_accounts"]
    assert found["Ad accounts"].count("not open") == 1
    assert {found[name] for name in NAMES if name != "ad_accounts"} == {"yes"}
    assert [path for path in sim.paths() if closed in path] == [CAMPAIGNS.format(closed)]

    found = rows(examine(sim, "--streams", "ads", ad_account_ids=others).ok())
    assert found["ad_accounts"] == "yes"
    assert closed not in found["Ad accounts"]


def test_named_accounts_are_asked_for_once_each(sim: Simulator, examine: Any) -> None:
    closed, *others = sim.world.accounts
    sim.world.refused_accounts[closed] = NOT_OPEN[0]
    named = list(sim.world.accounts)
    run = examine(sim, "--streams", "campaigns,audiences", ad_account_ids=named)
    found = rows(run)
    assert run.exit_code == 1
    assert found["Ad accounts"].startswith(f"{closed} (not open), {others[0]} (")
    assert found["campaigns"] == found["audiences"] == "yes"
    below = [f"/v5/ad_accounts/{others[0]}/{name}" for name in ("campaigns", "audiences")]
    alone = [f"/v5/ad_accounts/{each}" for each in named]
    assert sim.paths() == Counter(["/v5/user_account", *alone, *below])


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("how", NOT_OPEN, ids=str)
def test_where_no_account_is_open_nothing_is_readable(
    sim: Simulator, examine: Any, how: tuple[int, int], named: bool
) -> None:
    sim.world.refused_accounts = dict.fromkeys(sim.world.accounts, how)
    settings = {"ad_account_ids": list(sim.world.accounts)} if named else {}
    run = examine(sim, "--streams", "ads", **settings)
    found = rows(run)
    assert run.exit_code == 1
    assert "Not readable: " in run.last_line
    assert all(each in run.last_line for each in sim.world.accounts)
    assert all(found[name].startswith("no ") for name in ("campaigns", "ads", "ad_analytics"))


def test_somebody_without_ad_accounts(simulate: Callable[..., Simulator], examine: Any) -> None:
    sim = simulate(ad_accounts=0, other_accounts=0)
    found = rows(examine(sim, "--streams", "ads").ok())
    assert found["Ad accounts"] == "none"
    assert found["campaigns"] == "untried   ad_accounts is empty: there is none to try with"
    assert sim.paths() == Counter(["/v5/user_account", "/v5/ad_accounts"])


def test_an_analyst_sees_ads_and_no_boards(sim: Simulator, examine: Any) -> None:
    """The role, with all scopes: what the organic endpoints refuse does not fail the ads."""
    sim.faults.add(path="/(boards|pins)$", kind="forbidden", times=None)
    examine(sim, "--streams", "ads").ok()
    run = examine(sim)
    found = rows(run)
    assert run.exit_code == 1
    assert found["boards"].startswith("no ")
    assert {found[name] for name in NAMES} == {"yes"}


def test_a_token_for_ads_only(sim: Simulator, examine: Any) -> None:
    settings = with_scopes(sim, "ads:read")
    found = rows(examine(sim, "--streams", "ads", **settings).ok())
    assert {found[name] for name in NAMES} == {"yes"}
    assert "needs user_accounts:read" in found["Account"]


def test_a_token_without_the_scope_fails_those_only_who_want_ads(
    sim: Simulator, examine: Any
) -> None:
    settings = with_scopes(sim, "boards:read", "pins:read", "user_accounts:read")
    found = rows(examine(sim, **settings).ok())
    assert found["ad_accounts"].startswith("no        needs ads:read")
    assert found["campaign_analytics"] == "no        see campaigns"
    assert sim.paths()["/v5/ad_accounts"] == 1
    run = examine(sim, "--streams", "ads", **settings)
    assert run.exit_code == 1
    assert "Not readable: all streams of ads. " in run.last_line
    assert "tap-pinterest-login --streams organic,ads" in run.last_line


SOME = ["ads.*", "campaigns.name"]


@pytest.mark.parametrize(
    ("select", "chosen"),
    [
        (SOME, {"ads", "campaigns"}),
        (["ad_gr*.*"], {"ad_groups", "ad_group_analytics", "ad_group_targeting_analytics"}),
        (["*.*", *(f"!{name}.*" for name in NAMES)], {each.declared_name() for each in ORGANIC}),
        (["pins.*", "!pins.media"], {"pins"}),
        *((odd, {each.declared_name() for each in USUAL}) for odd in ([], "x", 5, None, [5, "x"])),
    ],
)
def test_what_meltano_selects(select: Any, chosen: set[str]) -> None:
    found = selected({"TAP_PINTEREST__SELECT": json.dumps(select)})
    assert {each.declared_name() for each in found} == chosen


def test_no_selection_is_the_usual_one() -> None:
    assert selected({}) == selected({"TAP_PINTEREST__SELECT": "{"}) == USUAL


def test_what_meltano_selects_is_what_must_work(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = with_scopes(sim, "ads:read")["access_token"]
    monkeypatch.setenv("TAP_PINTEREST_ACCESS_TOKEN", token)
    monkeypatch.setenv("TAP_PINTEREST_API_URL", sim.url)
    for select, code in ((["boards.*"], 1), (SOME, 0)):
        monkeypatch.setenv("TAP_PINTEREST__SELECT", json.dumps(select))
        done = CliRunner().invoke(doctor.main, ["--config", "ENV"])
        assert done.exit_code == code, done.output
        assert re.search(r"^boards +no", done.output, re.MULTILINE)  # all are shown


def test_the_quota_of_an_account_is_not_its_closing(sim: Simulator, examine: Any) -> None:
    first = next(iter(sim.world.accounts))
    path = f"/ad_accounts/{first}/campaigns$"
    sim.faults.add(path=path, kind="rate_limited", reset=30_000, times=None)
    found = rows(examine(sim, "--streams", "campaigns"))
    assert "not open" not in found["Ad accounts"]


@pytest.mark.parametrize("identity", ["..", "a/b", None, 5.5], ids=str)
def test_an_ad_account_without_a_usable_id_is_not_looked_into(
    sim: Simulator, examine: Any, identity: Any
) -> None:
    sim.world.alter["ad_account"] = lambda record: record | {"id": identity}
    run = examine(sim, "--streams", "campaigns")
    assert run.crash is None
    assert set(sim.paths()) == {"/v5/user_account", "/v5/ad_accounts"}
