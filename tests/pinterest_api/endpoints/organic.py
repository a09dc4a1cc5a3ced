"""The organic endpoints: what the account has, pins, follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.pinterest_api.api import NOT_PERMITTED, ApiError, Call, choice, endpoint, flag, text

if TYPE_CHECKING:
    from tests.pinterest_api.lazy import Lazy
    from tests.pinterest_api.world import World
    from tests.pinterest_api.world.records import Record

CREATIVE_TYPES = (
    "REGULAR",
    "VIDEO",
    "SHOPPING",
    "CAROUSEL",
    "MAX_VIDEO",
    "SHOP_THE_PIN",
    "COLLECTION",
    "IDEA",
    "SHOWCASE",
    "QUIZ",
    "COLLAGE",
    "MAX_WIDTH_REGULAR_COLLECTION",
    "MAX_WIDTH_VIDEO_COLLECTION",
)
BOARDS = ("boards:read",)
PINS = ("boards:read", "pins:read")
USER = ("user_accounts:read",)
PIN_METRICS = {"pin_metrics": flag()}
BY_CREATIVE_TYPE = {"creative_types": choice(CREATIVE_TYPES, many="repeat")}
EXPLICIT = {"explicit_following": flag()}


def check_board(world: World, call: Call, *, pins: bool) -> str:
    """The board asked for, if this token may look into it.

    A secret board does not exist for a token without boards:read_secret; its pins need
    pins:read_secret too.
    """
    board_id: str = call["board_id"]
    index = world.board_index(board_id)
    if index is None or board_id in world.gone_boards:
        raise ApiError(404, 40, "Board not found.")
    if world.privacy(index) == "SECRET":
        if "boards:read_secret" not in call.scopes:
            raise ApiError(404, 40, "Board not found.")
        if pins and "pins:read_secret" not in call.scopes:
            raise ApiError(403, 29, NOT_PERMITTED)
    if board_id in world.forbidden_boards:
        raise ApiError(403, 29, NOT_PERMITTED)
    return board_id


@endpoint("GET", "/user_account", scopes=USER, quota="org_read", paged=False)
def user_account(world: World, call: Call) -> Record:
    """Operation user_account/get."""
    return world.account()


@endpoint(
    "GET",
    "/boards",
    scopes=BOARDS,
    quota="org_read",
    params={
        "privacy": choice(("ALL", "PUBLIC", "PROTECTED", "SECRET", "PUBLIC_AND_SECRET"), "ALL")
    },
)
def boards(world: World, call: Call) -> Lazy[Record]:
    """Operation boards/list."""
    return world.all_boards(call["privacy"], call.scopes)


@endpoint(
    "GET",
    "/boards/{board_id}/pins",
    scopes=PINS,
    quota="org_read",
    params={**BY_CREATIVE_TYPE, **PIN_METRICS},
)
def board_pins(world: World, call: Call) -> Lazy[Record]:
    """Operation boards/list_pins."""
    places = world.places_of(check_board(world, call, pins=True))
    if wanted := call["creative_types"]:
        places = places.where(lambda place: world.creative_type(place) in wanted)
    return places.map(lambda place: world.pin(place, pin_metrics=call["pin_metrics"]))


@endpoint("GET", "/boards/{board_id}/sections", scopes=BOARDS, quota="org_read")
def board_sections(world: World, call: Call) -> Lazy[Record]:
    """Operation board_sections/list."""
    return world.sections_of(check_board(world, call, pins=False))


@endpoint("GET", "/boards/{board_id}/sections/{section_id}/pins", scopes=PINS, quota="org_read")
def section_pins(world: World, call: Call) -> Lazy[Record]:
    """Operation board_sections/list_pins."""
    board_id = check_board(world, call, pins=True)
    try:
        return world.pins_of(board_id, call["section_id"])
    except KeyError:
        raise ApiError(404, 2031, "Board section not found.") from None


@endpoint(
    "GET",
    "/pins",
    scopes=PINS,
    quota="org_read",
    params={
        "pin_filter": choice(("exclude_native", "exclude_repins", "has_been_promoted")),
        "include_protected_pins": flag(),
        "pin_type": choice(("PRIVATE",)),
        **BY_CREATIVE_TYPE,
        **PIN_METRICS,
    },
)
def pins(world: World, call: Call) -> Lazy[Record]:
    """Operation pins/list."""
    names = ("pin_filter", "include_protected_pins", "pin_type", "creative_types", "pin_metrics")
    return world.all_pins(call.scopes, **{name: call[name] for name in names})


@endpoint("GET", "/media", scopes=("pins:read",), quota="org_read", acts_as=False)
def media(world: World, call: Call) -> Lazy[Record]:
    """Operation media/list."""
    return world.all_media()


@endpoint(
    "GET",
    "/search/boards",
    scopes=("boards:read", "boards:read_secret"),
    quota="org_read",
    params={"query": text()},
)
def search_boards(world: World, call: Call) -> Lazy[Record]:
    """Operation search_user_boards/get."""
    return world.search_boards(call["query"] or "", call.scopes)


@endpoint(
    "GET",
    "/search/pins",
    scopes=("boards:read", "boards:read_secret", "pins:read", "pins:read_secret"),
    quota="org_read",
    params={"query": text(required=True)},
    page_size=False,
)
def search_pins(world: World, call: Call) -> Lazy[Record]:
    """Operation search_user_pins/list."""
    return world.search_pins(call["query"], call.scopes)


@endpoint("GET", "/user_account/followers", scopes=USER, quota="ads_read", acts_as=False)
def followers(world: World, call: Call) -> Lazy[Record]:
    """Operation followers/list."""
    return world.all_followers()


@endpoint(
    "GET",
    "/user_account/following",
    scopes=USER,
    quota="org_read",
    params={
        "feed_type": choice(("ALL", "RANKED", "CREATOR_ONLY", "RANKED_CREATOR_ONLY"), "ALL"),
        **EXPLICIT,
    },
)
def following(world: World, call: Call) -> Lazy[Record]:
    """Operation user_following/get."""
    return world.all_following(
        feed_type=call["feed_type"], explicit_following=call["explicit_following"]
    )


@endpoint("GET", "/user_account/following/boards", scopes=USER, quota="org_read", params=EXPLICIT)
def following_boards(world: World, call: Call) -> Lazy[Record]:
    """Operation boards_user_follows/list."""
    return world.all_following_boards(explicit_following=call["explicit_following"])


@endpoint("GET", "/user_account/websites", scopes=USER, quota="org_read", acts_as=False)
def websites(world: World, call: Call) -> Lazy[Record]:
    """Operation user_websites/get."""
    return world.all_websites()


@endpoint(
    "GET", "/user_account/businesses", scopes=USER, quota="org_read", acts_as=False, paged=False
)
def businesses(world: World, call: Call) -> list[Record]:
    """Operation linked_business_accounts/get: a bare array."""
    return world.all_businesses()


@endpoint(
    "GET",
    "/users/{username}/interests/follow",
    scopes=USER,
    quota="org_read",
    acts_as=False,
    path_params={"username": text(pattern=r"(?![0-9]+$).+")},
)
def interests(world: World, call: Call) -> Lazy[Record]:
    """Operation user_account/followed_interests; only the account's own are known here."""
    if call["username"] != world.username:
        raise ApiError(404, 30, "User not found.")
    return world.all_interests()
