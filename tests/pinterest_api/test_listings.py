"""What the simulator lists: equal to its oracle, paged and guarded as by the API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.pinterest_api import (
    LIKES_BOARD,
    SCOPES,
    TOKEN,
    Simulator,
    World,
)
from tests.pinterest_api.client import TODAY, Client, error, on

# -- the wire equals the oracle ---------------------------------------------------------------------


def test_listings_on_the_wire_equal_the_oracle(sim: Simulator, client: Client) -> None:
    world = sim.world
    board = world.board_id(0)
    section = world.section_id(0, 1)
    expected = {
        "/boards": world.all_boards(),
        f"/boards/{board}/pins": world.pins_of(board),
        f"/boards/{board}/sections": world.sections_of(board),
        f"/boards/{board}/sections/{section}/pins": world.pins_of(board, section),
        "/pins": world.all_pins(),
        "/media": world.all_media(),
        "/search/boards": world.search_boards(),
        "/user_account/followers": world.all_followers(),
        "/user_account/following": world.all_following(),
        "/user_account/following/boards": world.all_following_boards(),
        "/user_account/websites": world.all_websites(),
        f"/users/{world.username}/interests/follow": world.all_interests(),
        "/ad_accounts": world.all_ad_accounts(),
    }
    for path, records in expected.items():
        assert len(records) > 0, path
        assert client.all(path, page_size=7) == list(records), path
    assert client.get("/user_account").json() == world.account()
    assert client.get("/user_account/businesses").json() == world.all_businesses()
    assert client.all("/search/pins", query="KITCHEN") == list(world.search_pins("kitchen")) != []


def test_ids_are_unique_and_beyond_what_a_float_can_hold(sim: Simulator) -> None:
    pins = [pin["id"] for pin in sim.world.all_pins(include_protected_pins=True)]
    boards = [board["id"] for board in sim.world.all_boards()]
    for ids in (pins, boards):
        assert len(set(ids)) == len(ids)
        assert all(18 <= len(identity) <= 19 for identity in ids)
        assert len({float(identity) for identity in ids}) < len(ids)


def test_messy_data_has_what_the_wild_has() -> None:
    pins = list(World(pins_per_board=200, today=TODAY).all_pins())
    assert {pin["media"]["media_type"] for pin in pins} == {
        "image",
        "video",
        "multiple_images",
        "multiple_videos",
        "multiple_mixed",
    }
    for name in ("title", "description", "link", "alt_text", "dominant_color"):
        assert any(name not in pin for pin in pins)
        assert any(pin.get(name, "") is None for pin in pins)
    assert {len(pin["created_at"]) for pin in pins} == {19, 26}
    assert all("note" in pin and "product_tags" in pin for pin in pins)
    assert any("\u2028" in json.dumps(pin, ensure_ascii=False) for pin in pins)
    clean = list(World(today=TODAY, messy=False).all_pins())
    assert all(pin["created_at"].endswith("Z") and "note" not in pin for pin in clean)
    assert all(None not in (pin["title"], pin["description"], pin["link"]) for pin in clean)


def test_a_world_of_any_size_makes_no_more_than_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(boards=1000, pins_per_board=[200_000, 3], today=TODAY)
    made: list[Any] = []
    make = world.pin
    monkeypatch.setattr(
        world, "pin", lambda place, **more: (made.append(place), make(place, **more))[1]
    )
    with Simulator(world) as sim, Client(sim).session as session:
        session.headers["Authorization"] = f"Bearer {TOKEN}"
        url = f"{sim.url}/boards/{world.board_id(0)}/pins"
        page = session.get(url, params={"page_size": 250}).json()
        assert len(page["items"]) == 250
        assert page["bookmark"]
        assert 250 <= len(made) <= 251
        assert len(world.pins_of(world.board_id(0))) == 200_000


# -- paging -----------------------------------------------------------------------------------------


def test_pages_have_25_items_or_page_size_and_the_last_one_no_bookmark(client: Client) -> None:
    pages = client.pages("/user_account/followers")
    assert [len(page["items"]) for page in pages] == [25, 25, 10]
    pages = client.pages("/user_account/followers", page_size=30)
    assert [len(page["items"]) for page in pages] == [30, 30]
    assert [page["bookmark"] is None for page in pages] == [False, True]


def test_a_bookmark_belongs_to_its_listing(client: Client) -> None:
    bookmark = client.get("/user_account/followers").json()["bookmark"]
    assert error(client.get("/user_account/following", bookmark=bookmark)) == (400, 1)
    assert error(client.get("/user_account/followers", bookmark="nonsense")) == (400, 1)
    assert client.get("/user_account/followers", bookmark=bookmark).status_code == 200


def test_empty_pages_in_between_lose_nothing(sim: Simulator, client: Client) -> None:
    sim.pager.empty_pages = 2
    pages = client.pages("/user_account/followers")
    assert [len(page["items"]) for page in pages] == [25, 0, 25, 0, 10, 0]
    assert client.all("/user_account/followers") == list(sim.world.all_followers())


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/boards", {"page_size": 251}),
        ("/boards", {"page_size": 0}),
        ("/boards", {"page_size": "ten"}),
        ("/boards", {"privacy": "OPEN"}),
        ("/boards", {"colour": "red"}),
        ("/boards", {"ad_account_id": "1" * 19}),
        ("/boards/abc/pins", {}),
        ("/pins", {"pin_metrics": "True"}),
        ("/pins", {"creative_types": "REGULAR,VIDEO"}),
        ("/search/pins", {}),
        ("/search/pins", {"query": "x", "page_size": 25}),
        ("/users/12345/interests/follow", {}),
        ("/user_account/followers", {"ad_account_id": "549000000000000001"}),
        ("/user_account/analytics", {"start_date": on(3)}),
        ("/user_account/analytics", {"start_date": on(3), "end_date": "20260309"}),
    ],
)
def test_whatever_the_description_does_not_allow_is_refused(
    client: Client, path: str, params: dict[str, Any]
) -> None:
    assert error(client.get(path, **params)) == (400, 1)


def test_unknown_paths_and_methods(sim: Simulator, client: Client) -> None:
    assert error(client.get("/nothing"))[0] == 404
    assert error(client.session.post(f"{sim.url}/boards")) == (405, 5)


# -- who may see what -------------------------------------------------------------------------------


def test_secret_boards_and_pins_need_their_scopes(sim: Simulator, client: Client) -> None:
    everything = {board["privacy"] for board in client.all("/boards")}
    assert everything == {"PUBLIC", "PROTECTED", "SECRET"}
    secret = sim.world.board_id(sim.world.boards + sim.world.protected_boards)
    pins = len(client.all("/pins"))

    sim.world.scopes = SCOPES - {"pins:read_secret"}
    assert error(client.get(f"/boards/{secret}/pins")) == (403, 29)
    assert error(client.get("/search/pins", query="a")) == (401, 3)
    assert 0 < len(client.all("/pins")) < pins

    sim.world.scopes = SCOPES - {"pins:read_secret", "boards:read_secret"}
    assert {board["privacy"] for board in client.all("/boards")} == {"PUBLIC", "PROTECTED"}
    assert client.all("/boards", privacy="SECRET") == []
    assert error(client.get(f"/boards/{secret}/pins")) == (404, 40)


def test_which_pins_are_listed(sim: Simulator, client: Client) -> None:
    world = sim.world
    privacies = {board["id"]: board["privacy"] for board in client.all("/boards")}

    def seen(**params: Any) -> set[str]:
        return {privacies[pin["board_id"]] for pin in client.all("/pins", **params)}

    assert seen() == {"PUBLIC", "SECRET"}
    assert seen(include_protected_pins="true") == {"PUBLIC", "PROTECTED", "SECRET"}
    assert seen(pin_type="PRIVATE") == {"SECRET"}
    assert all(pin["is_owner"] for pin in client.all("/pins"))
    assert not all(pin["is_owner"] for pin in client.all(f"/boards/{world.board_id(5)}/pins"))
    assert {p["creative_type"] for p in client.all("/pins", creative_types=["VIDEO", "IDEA"])} == {
        "VIDEO",
        "IDEA",
    }
    native = client.all("/pins", pin_filter="exclude_repins")
    saved = client.all("/pins", pin_filter="exclude_native")
    assert len(native) + len(saved) == len(client.all("/pins"))
    assert all(pin["parent_pin_id"] for pin in saved)
    assert "pin_metrics" not in client.all("/pins")[0]
    assert any(pin["pin_metrics"] for pin in client.all("/pins", pin_metrics="true"))


def test_likes_are_a_secret_board(sim: Simulator, client: Client) -> None:
    (likes,) = [b for b in client.all("/boards", privacy="SECRET") if b["name"] == LIKES_BOARD]
    assert len(client.all(f"/boards/{likes['id']}/pins")) == sim.world.likes
    sim.world.likes = None
    assert LIKES_BOARD not in {board["name"] for board in client.all("/boards")}


def test_acting_as_the_owner_of_an_ad_account(sim: Simulator, client: Client) -> None:
    mine, partners = (account["id"] for account in client.all("/ad_accounts"))
    assert client.get("/user_account", ad_account_id=mine).json() == sim.world.account()
    partner = sim.world.accounts[partners]
    assert client.get("/user_account", ad_account_id=partners).json() == partner.account()
    assert client.all("/pins", ad_account_id=partners) == list(partner.all_pins())
    assert {p["id"] for p in partner.all_pins()}.isdisjoint(p["id"] for p in sim.world.all_pins())
    assert error(client.get("/boards", ad_account_id="7")) == (403, 29)


def test_boards_and_pins_that_vanish(sim: Simulator, client: Client) -> None:
    world = sim.world
    first, second, third = (world.board_id(i) for i in range(3))
    assert len(client.all(f"/boards/{first}/pins")) == 40  # and is cached
    world.removed_boards.add(first)
    world.gone_boards.add(second)
    world.forbidden_boards.add(third)
    listed = {board["id"] for board in client.all("/boards")}
    assert first not in listed
    assert {second, third} <= listed
    assert error(client.get(f"/boards/{first}/pins")) == (404, 40)
    assert error(client.get(f"/boards/{second}/pins")) == (404, 40)
    assert error(client.get(f"/boards/{third}/sections")) == (403, 29)
    board = world.board_id(3)
    pins = [pin["id"] for pin in client.all(f"/boards/{board}/pins")]
    world.removed_pins.add(pins[1])
    assert [p["id"] for p in client.all(f"/boards/{board}/pins")] == [pins[0], *pins[2:]]


def test_records_can_be_altered(sim: Simulator, client: Client) -> None:
    sim.world.alter["board"] = lambda board: board | {"invented": 1}
    assert all(board["invented"] == 1 for board in client.all("/boards"))
    assert client.all("/boards") == list(sim.world.all_boards())
