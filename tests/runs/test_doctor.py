"""tap-pinterest-doctor: what can be read is found out by one smallest request each."""

from __future__ import annotations

import itertools
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from tap_pinterest import doctor
from tap_pinterest.errors import TapError
from tap_pinterest.network.token_store import TokenStore
from tap_pinterest.network.transport import Transport
from tap_pinterest.streams import STREAMS
from tests.harness import config_for, files, invoke
from tests.pinterest_api import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, SCOPES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Run
    from tests.pinterest_api import Simulator

COMMAND: Any = SimpleNamespace(get_singer_command=lambda: doctor.main)
NAMES = [stream.declared_name() for stream in STREAMS]
QUERIES = {"search_queries": ["a"]}


@pytest.fixture
def examine(tmp_path: Path) -> Any:
    """Run the doctor with settings; nothing that it says holds a secret."""

    def run(sim: Simulator | dict[str, Any], *args: str, **settings: Any) -> Run:
        done = invoke([*files(tmp_path, config=config_for(sim, settings)), *args], COMMAND)
        said = done.stdout.decode() + done.log
        assert not re.findall(r"simulator-(?:token|access|refresh|client)\S*", said), said
        assert "Traceback" not in said
        return done

    return run


def rows(run: Run) -> dict[str, str]:
    """Each stream or label, and all that stands behind it, wrapped lines joined."""
    joined = re.sub(r"\n {10,}", " ", run.stdout.decode())
    pairs = (re.split(r"\s{2,}", line, maxsplit=1) for line in joined.splitlines() if line)
    return {pair[0]: pair[1] if len(pair) > 1 else "" for pair in pairs}


def test_everything_works(sim: Simulator, examine: Any) -> None:
    run = examine(sim, **QUERIES).ok()
    found = rows(run)
    assert {name: found[name] for name in NAMES} == dict.fromkeys(NAMES, "yes")
    assert found["Account"] == "simulated_user (business account)"
    assert found["Ad accounts"].startswith(f"{sim.world.ad_account_id} (")
    assert found["Scopes"].startswith("unknown")
    assert re.search(r"org_read \d+ of \d+", found["Quota left"])
    assert not run.warnings


def test_each_stream_costs_one_smallest_request(sim: Simulator, examine: Any) -> None:
    examine(sim, **QUERIES).ok()
    # Both of these are asked for once, and shown above the streams, too.
    shown = ("/v5/user_account", "/v5/ad_accounts")
    tried = [seen for seen in sim.requests if seen.path not in shown]
    # What likes asks for first, to find its board, is no request of its own.
    looked_up = [seen for seen in tried if ("privacy", "SECRET") in seen.query]
    assert len(looked_up) == 1
    without_own = {"account", "account_snapshots", "board_snapshots", "ad_accounts"}
    other_accounts = len(sim.world.accounts) - 1
    assert len(tried) - len(looked_up) == len(set(NAMES) - without_own) + other_accounts
    sizes = {
        size
        for seen in tried
        if seen not in looked_up
        for name, size in seen.query
        if name == "page_size"
    }
    assert sizes == {"1"}
    assert [sim.paths()[path] for path in shown] == [1, 1]


def test_a_scope_that_is_missing_is_named(sim: Simulator, examine: Any) -> None:
    sim.oauth.add_token("simulator-token-2", {"boards:read", "pins:read"})
    run = examine(sim, access_token="simulator-token-2", **QUERIES)
    found = rows(run)
    assert run.exit_code == 1
    assert found["boards"] == found["board_pins"] == found["pins"] == "yes"
    assert found["followers"].startswith("no        needs user_accounts:read: HTTP 401 (code 3)")
    assert found["search_pins"].startswith("no        needs boards:read, boards:read_secret")
    assert found["likes"].startswith("untried")
    assert "needs user_accounts:read" in found["Account"]
    assert "needs ads:read" in found["Ad accounts"]
    assert "Not readable: account," in run.last_line
    assert "followers" in run.last_line
    assert "search_pins" not in run.last_line  # not selected by default
    assert "tap-pinterest-login" in run.last_line


def test_what_the_store_knows_is_shown(simulate: Any, tmp_path: Path, examine: Any) -> None:
    sim = simulate(scopes=SCOPES - {"boards:read_secret", "pins:read_secret", "ads:read"})
    store = tmp_path / "tokens.json"
    settings = {
        "access_token": None,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN,
        "token_store": str(store),
    }
    run = examine(sim, **settings, **QUERIES).ok()
    found = rows(run)
    assert (
        found["Scopes"]
        == "biz_access:read, boards:read, catalogs:read, pins:read, user_accounts:read"
    )
    assert re.fullmatch(r"ends on 20\d\d-\d\d-\d\d", found["Access token"])
    assert re.fullmatch(
        r"ends on 20\d\d-\d\d-\d\d, if it is not used until then", found["Refresh token"]
    )
    assert found["search_boards"].startswith("no        lacks boards:read_secret: HTTP 401")
    assert found["likes"].endswith("lacks boards:read_secret, pins:read_secret")
    before = TokenStore(store).read()
    examine(sim, **settings | {"refresh_token": None}).ok()
    assert TokenStore(store).read() == before
    assert sim.paths()["/v5/oauth/token"] == 1


def test_streams_that_are_skipped_say_why(sim: Simulator, examine: Any) -> None:
    run = examine(sim, ad_account_id=sim.world.ad_account_id).ok()
    found = rows(run)
    assert found["search_pins"].startswith("skipped   there are no `search_queries`")
    assert found["followers"].startswith("skipped   its endpoint does not take `ad_account_id`")
    assert found["boards"] == "yes"


def test_an_empty_account_has_nothing_to_try_children_with(simulate: Any, examine: Any) -> None:
    sim = simulate(boards=0, protected_boards=0, secret_boards=0, likes=None)
    run = examine(sim).ok()
    found = rows(run)
    assert found["boards"] == "yes"
    assert found["board_pins"] == "untried   boards is empty: there is none to try with"
    assert found["pin_analytics"] == "untried   pins is empty: there is none to try with"
    assert found["board_section_pins"] == "untried   see board_sections"


def test_a_parent_that_is_refused_takes_its_children_along(sim: Simulator, examine: Any) -> None:
    sim.faults.add(path="/boards$", kind="forbidden", times=None)
    run = examine(sim)
    found = rows(run)
    assert run.exit_code == 1
    assert found["boards"].startswith("no        needs boards:read: HTTP 403 (code 29)")
    assert found["board_pins"] == "no        see boards"


def test_a_child_that_is_refused_names_what_was_tried(sim: Simulator, examine: Any) -> None:
    sim.faults.add(path=r"/boards/\d+/pins$", kind="forbidden", times=None)
    found = rows(examine(sim))
    board = sim.world.board_id(0)
    assert found["board_pins"].endswith(f"(tried with boards {board})")
    assert found["board_sections"] == "yes"


def test_named_boards_are_the_ones_tried(sim: Simulator, examine: Any) -> None:
    board = sim.world.board_id(3)
    examine(sim, board_ids=[board]).ok()
    assert sim.paths()[f"/v5/boards/{board}/pins"] == 1
    assert sim.paths()[f"/v5/boards/{sim.world.board_id(0)}/pins"] == 0


def test_an_api_in_trouble_is_told(sim: Simulator, examine: Any) -> None:
    sim.faults.add(path="/user_account/followers", kind="server_error", times=None)
    run = examine(sim)
    assert run.exit_code == 1
    assert "HTTP 500" in rows(run)["followers"]


def test_a_quota_that_is_used_up_is_told_and_not_taken_for_a_scope(
    sim: Simulator, examine: Any
) -> None:
    sim.faults.add(path="/", kind="rate_limited", reset=30_000, times=None)
    run = examine(sim)
    found = rows(run)
    assert run.exit_code == 1
    assert found["media"].startswith("untried   ")
    assert found["board_pins"] == "untried   see boards"
    for label in ("media", "Account", "Ad accounts"):
        assert "comes back at" in found[label]
        assert "needs" not in found[label]
    assert "Not tried, as a quota is used up: account, " in run.last_line
    assert "board_pins" in run.last_line
    assert "scopes" not in run.last_line


def test_each_reason_has_its_advice(sim: Simulator, examine: Any) -> None:
    sim.faults.add(path="/user_account/followers", kind="server_error", times=None)
    sim.faults.add(path="/pins$", kind="forbidden", times=None)
    run = examine(sim)
    forbidden, _, failed = run.last_line.partition(" Not read: ")
    assert "Not readable: " in forbidden
    assert "pins" in forbidden
    assert "tap-pinterest-login" in forbidden
    assert failed.startswith("followers. ")
    assert "run this again later" in failed


def test_streams_are_tried_side_by_side_and_told_in_order(simulate: Any, examine: Any) -> None:
    sim = simulate(latency=0.05)
    run = examine(sim, max_concurrency=5, **QUERIES).ok()
    assert sim.peak_in_flight == 5
    told = [line.split()[0] for line in run.stdout.decode().splitlines() if " yes" in line]
    assert told == sorted(NAMES)


def test_nobody_who_answers_ends_it(
    sim: Simulator, examine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle, after the account could be read: no stream is called unreadable for it."""
    monkeypatch.setattr(Transport, "get", refusing_after(2))
    run = examine(sim)
    assert run.exit_code == 1
    assert "Nothing answered" in run.last_line
    assert "Not read" not in run.log


def refusing_after(requests: int) -> Any:
    """A transport that reaches nobody after some requests."""
    original, numbers = Transport.get, itertools.count()

    def get(self: Transport, *args: Any) -> Any:
        if next(numbers) >= requests:
            raise TapError("Nothing answered")
        return original(self, *args)

    return get


def test_a_token_that_does_not_work(sim: Simulator, examine: Any) -> None:
    run = examine(sim, access_token="wrong-one")
    assert run.exit_code == 1
    assert "Pinterest refused the access token" in run.last_line
    assert "wrong-one" not in run.log


def test_settings_that_cannot_work(sim: Simulator, examine: Any) -> None:
    run = examine(sim, access_token=None)
    assert run.exit_code == 1
    assert "No credentials" in run.log
    assert not sim.requests


def test_the_environment_is_read(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TAP_PINTEREST_ACCESS_TOKEN", "simulator-token")
    monkeypatch.setenv("TAP_PINTEREST_API_URL", sim.url)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(doctor.main, ["--config", "ENV"])
    assert done.exit_code == 0, done.output
    assert "simulated_user" in done.output


@pytest.mark.parametrize(
    "items", [["x", 5], {"a": 1}, 5, [{"id": "\x1b[2J", "name": "\u202e\n"}]], ids=str
)
def test_odd_ad_accounts_end_nothing(sim: Simulator, examine: Any, items: Any) -> None:
    sim.faults.add(path="/ad_accounts$", kind="status", status=200, body={"items": items})
    run = examine(sim)
    assert run.crash is None
    assert run.exit_code == 0
    assert "\x1b" not in run.stdout.decode() + run.log
    assert "\u202e" not in run.stdout.decode()


# -- answers that are none

ODD_PAGES: list[tuple[Any, str]] = [
    ({"items": [1, 2]}, "the API sent 1 among the records"),
    ({"items": {"a": 1}}, "a page could not be read"),
    ({"items": "x"}, "a page could not be read"),
    ({"items": None}, "a page could not be read"),
    ({"items": [[], []]}, "the API sent [] among the records"),
    ([[[]]], ""),
    (5, ""),
]


@pytest.mark.parametrize(("body", "why"), ODD_PAGES, ids=str)
def test_an_odd_page_is_told_with_the_reason(
    sim: Simulator, examine: Any, body: Any, why: str
) -> None:
    sim.faults.add(path="/boards$", kind="status", status=200, body=body, times=None)
    run = examine(sim)
    found = rows(run)
    assert run.exit_code == 1
    assert found["boards"].startswith("no        ")
    assert why in found["boards"]
    assert found["board_pins"] == "no        see boards"
    assert found["pins"] == "yes"
    assert "Not read: " in run.last_line


@pytest.mark.parametrize("odd", [1, [], "x", {"id": ".."}, {"id": None}, {"id": {"a": 1}}, {}])
def test_a_good_item_behind_an_odd_one_is_used(sim: Simulator, examine: Any, odd: Any) -> None:
    board = next(iter(sim.world.all_boards()))
    body = {"items": [odd, board]}
    sim.faults.add(path="/boards$", kind="status", status=200, body=body, times=None)
    found = rows(examine(sim))
    assert found["boards"] == found["board_pins"] == found["board_sections"] == "yes"
    assert sim.paths()[f"/v5/boards/{board['id']}/pins"] == 1


@pytest.mark.parametrize("odd", ["..", "a/b", "\x1b[2J", 5, None, ["x"], {"a": 1}], ids=str)
def test_a_record_without_a_usable_id_is_not_tried_with(
    sim: Simulator, examine: Any, odd: Any
) -> None:
    for name in ("boards", "pins"):
        body = {"items": [{"id": odd, "created_at": "2026-01-01T00:00:00"}]}
        sim.faults.add(path=f"/{name}$", kind="status", status=200, body=body, times=None)
    run = examine(sim)
    found = rows(run)
    assert found["boards"] == found["pins"] == "yes"
    assert found["board_pins"].startswith("no        ")
    assert "(tried with boards" in found["board_pins"]
    assert "\x1b" not in run.stdout.decode()
    assert not [seen for seen in sim.requests if re.search(r"/boards/.+/pins", seen.path)]


@pytest.mark.parametrize(
    "odd", [{"created_at": 5}, {"created_at": "x"}, {"media": 5}, {"media": []}]
)
def test_a_pin_with_an_odd_field_is_told(sim: Simulator, examine: Any, odd: Any) -> None:
    body = {"items": [next(iter(sim.world.all_pins())) | odd]}
    sim.faults.add(path="/pins$", kind="status", status=200, body=body, times=None)
    run = examine(sim)
    assert run.crash is None
    assert rows(run)["pins"] == "yes"


@pytest.mark.parametrize("body", [5, [], {"id": {"a": 1}}, {"username": ["x"], "account_type": {}}])
def test_an_odd_account_ends_nothing(sim: Simulator, examine: Any, body: Any) -> None:
    sim.faults.add(path="/user_account$", kind="status", status=200, body=body, times=None)
    run = examine(sim)
    assert run.crash is None
    assert rows(run)["boards"] == "yes"
