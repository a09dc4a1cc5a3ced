"""What an account is made of: its settings, its calendar and its ids."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, cast

from .names import BUSINESSES, again, username

if TYPE_CHECKING:
    from . import World
    from .records import Record

SCOPES = frozenset(
    {
        "ads:read",
        "biz_access:read",
        "boards:read",
        "boards:read_secret",
        "catalogs:read",
        "pins:read",
        "pins:read_secret",
        "user_accounts:read",
    }
)
LIKES_BOARD = "Your Pinterest Likes"
CLAIMED_DOMAIN = "shop.example"
PRIVACIES = ("PUBLIC", "PROTECTED", "SECRET")

# Ids lie beyond 2**53 and, as numbers, closer together than a double can tell apart: whoever reads
# one as a float loses it. Kind -> (first id, distance); another account is 10**16 away.
_IDS = {
    "user": (700_000_000_000_000_001, 7),
    "board": (100_000_000_000_000_007, 7),
    "section": (5_000_000_000_000_000_011, 7),
    "pin": (3_000_000_000_000_000_013, 1),
    "interest": (900_000_000_000_000_003, 7),
    "media": (4_000_000_000_000_000_017, 7),
}
PER_ACCOUNT = 10**16
PINS_PER_BOARD = 10**7
SECTIONS_PER_BOARD = 10**4

Size = int | Sequence[int] | Callable[[int], int]
Place = tuple[int, int]  # (index of the board, index of the pin on it)


class Settings:
    """How large the world is, and who is in it. All of it may be changed at run time.

    Args:
        seed: another seed, other data.
        boards: public boards. Every seventh (5, 12, 19 …) belongs to somebody else who shares it.
        protected_boards: protected boards, listed after the public ones.
        secret_boards: secret boards, listed after those.
        pins_per_board: one size for all, a list (its last entry holds for the rest), or a function
            of the board's index. Protected and secret boards count on from the public ones.
        sections_per_board: sections; one part in (sections + 1) of the pins is in no section.
        followers, following_users, following_boards, following_interests, media, websites,
            businesses: how many.
        likes: pins on the secret board "Your Pinterest Likes", listed last; None: no such board.
        video_share: part of the pins that are a video.
        today: the calendar of the API; None: the real one, UTC.
        origin: ages of records count back from here, whatever today is; default: today at the start.
        messy: nulls, absent and undeclared fields, times without zone: as in the wild.
        username, account_id: who the account is.
        scopes: what the default token may do, and all that consent grants.
        tier: "standard" or "trial"; decides the published quotas and the default of bulk analytics.
        bulk_analytics: whether GET /pins/analytics is open to the app.
        ad_accounts: ad accounts of this one, in up to four currencies.
        campaigns: campaigns in each ad account; of ten there are some in every status.
        ad_groups, ads, keywords: ad groups of each campaign, ads and keywords of each ad group.
        audiences: audiences that each ad account owns.
        product_groups: promoted product groups of each ad group of a campaign for catalog sales.
        busy: every campaign, ad group and ad has metrics on every day, drafts too; else, some days
            are idle, and nothing comes of what is a draft, not yet begun or over.
        labels_nested: labels come as `items[].labels[]` (5.23), else flat (5.28).
        keywords_in_bulk: whether `ad_group_ids` of keywords, a beta, is open to the app.
        other_accounts: ad accounts of other people that share theirs with this one.
        number: keeps the ids of different accounts apart.

    Attributes:
        removed_boards, removed_pins: ids that have vanished from every listing.
        gone_boards, gone_pins: ids still listed, but 404 when asked for.
        forbidden_boards, forbidden_pins: ids still listed, but not to be looked into.
        alter: kind of record -> function that changes it, e.g. {"board": lambda r: r | {"x": 1}}.
        accounts: ad account id -> the world of its owner; this account's own come first.
        refused_accounts: ad account id -> status and code with which all that is below it is
            refused, e.g. (403, 29) or (401, 3); the list of ad accounts has it all the same.
        refused_columns: "campaign", "campaign_targeting" and so on -> columns that analytics of that
            level refuse, beyond those that the API refuses everywhere.
        late_conversions: (id of an ad account, campaign, ad group or ad, or "*" for all campaigns,
            day as "2026-03-01") -> checkouts after a click that the day has besides, whatever the
            status and the windows are; they are counted for the first ad of what is named.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        boards: int = 12,
        protected_boards: int = 2,
        secret_boards: int = 2,
        pins_per_board: Size = 20,
        sections_per_board: int = 2,
        followers: int = 60,
        following_users: int = 30,
        following_boards: int = 30,
        following_interests: int = 30,
        media: int = 30,
        websites: int = 3,
        businesses: int = 2,
        likes: int | None = 5,
        video_share: float = 0.2,
        today: date | None = None,
        origin: date | None = None,
        messy: bool = True,
        username: str = "simulated_user",
        account_id: str | None = None,
        scopes: Collection[str] = SCOPES,
        tier: str = "standard",
        bulk_analytics: bool | None = None,
        ad_accounts: int = 1,
        campaigns: int = 12,
        ad_groups: int = 2,
        ads: int = 2,
        keywords: int = 3,
        audiences: int = 5,
        product_groups: int = 2,
        busy: bool = False,
        labels_nested: bool = False,
        keywords_in_bulk: bool = True,
        other_accounts: int = 1,
        number: int = 0,
    ) -> None:
        self.__dict__["_version"] = 0
        self._today = today
        self.seed, self.number = seed, number
        self.boards, self.protected_boards, self.secret_boards = (
            boards,
            protected_boards,
            secret_boards,
        )
        self.pins_per_board = pins_per_board
        self.sections_per_board = sections_per_board
        self.followers, self.following_users = followers, following_users
        self.following_boards, self.following_interests = following_boards, following_interests
        self.media, self.websites, self.businesses = media, websites, businesses
        self.likes = likes
        self.video_share = video_share
        self.origin = origin or self.today
        self.messy = messy
        self.username = username
        self.account_id = account_id or self._id("user", 0)
        self.scopes = frozenset(scopes)
        self.tier = tier
        self.bulk_analytics = tier != "trial" if bulk_analytics is None else bulk_analytics
        self.removed_boards: set[str] = set()
        self.removed_pins: set[str] = set()
        self.gone_boards: set[str] = set()
        self.gone_pins: set[str] = set()
        self.forbidden_boards: set[str] = set()
        self.forbidden_pins: set[str] = set()
        self.alter: dict[str, Callable[[Record], Record]] = {}
        self.campaigns, self.ad_groups, self.ads, self.keywords = (
            campaigns,
            ad_groups,
            ads,
            keywords,
        )
        self.audiences, self.product_groups, self.busy = audiences, product_groups, busy
        self.labels_nested, self.keywords_in_bulk = labels_nested, keywords_in_bulk
        first = 549_000_000_000_000_001 + number * 10**12
        self.ad_account_id = str(first)
        self.accounts: dict[str, World] = {
            str(first + i): cast("World", self) for i in range(ad_accounts)
        }
        self.refused_accounts: dict[str, tuple[int, int]] = {}
        self.refused_columns: dict[str, Collection[str]] = {}
        self.late_conversions: dict[tuple[str, str], int] = {}
        for i in range(other_accounts):
            other: Any = type(self)(
                seed=seed + i + 1,
                boards=5,
                pins_per_board=7,
                today=today,
                origin=self.origin,
                messy=messy,
                username=again(BUSINESSES, i).replace(" ", "_"),
                other_accounts=0,
                number=number + i + 1,
            )
            self.accounts[other.ad_account_id] = other

    _version: int

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name != "_version":
            object.__setattr__(self, "_version", self._version + 1)

    def state(self) -> tuple[Any, ...]:
        """Changes whenever an answer may have changed; answers are cached under it."""
        own = (
            self._version,
            self.today,
            frozenset(self.removed_boards),
            frozenset(self.removed_pins),
            frozenset(self.gone_boards),
            frozenset(self.gone_pins),
            frozenset(self.forbidden_boards),
            frozenset(self.forbidden_pins),
            tuple(self.alter.items()),
            tuple((account, *how) for account, how in self.refused_accounts.items()),
            tuple((level, *names) for level, names in self.refused_columns.items()),
            tuple(self.late_conversions.items()),
        )
        return own + tuple(w.state() for w in self.accounts.values() if w is not self)

    @property
    def today(self) -> date:
        """The API's calendar day; accounts shared with this one follow when it is set."""
        return self._today or datetime.now(UTC).date()

    @today.setter
    def today(self, value: date | None) -> None:
        self._today = value
        for world in self.accounts.values():
            if world is not self:
                world.today = value

    # -- ids --------------------------------------------------------------------------------

    def _id(self, kind: str, index: int) -> str:
        first, step = _IDS[kind]
        return str(first + self.number * PER_ACCOUNT + index * step)

    def _index(self, kind: str, identity: str) -> int | None:
        first, step = _IDS[kind]
        index, rest = divmod(int(identity) - first - self.number * PER_ACCOUNT, step)
        return index if rest == 0 and 0 <= index * step < PER_ACCOUNT else None

    def board_id(self, index: int) -> str:
        """Id of the board at an index."""
        return self._id("board", index)

    def board_index(self, board_id: str) -> int | None:
        """Index of a board; None where the account has no such board."""
        index = self._index("board", board_id)
        if index is None or index >= self.board_total or board_id in self.removed_boards:
            return None
        return index

    def pin_id(self, board: int, index: int) -> str:
        """Id of the pin at an index on the board at an index."""
        return self._id("pin", board * PINS_PER_BOARD + index)

    def pin_place(self, pin_id: str) -> Place | None:
        """Where a pin is; None where there is no such pin."""
        index = self._index("pin", pin_id)
        if index is None or pin_id in self.removed_pins:
            return None
        board, at = divmod(index, PINS_PER_BOARD)
        if self.board_index(self.board_id(board)) is None or at >= self.pins_on(board):
            return None
        return board, at

    def section_id(self, board: int, section: int) -> str:
        """Id of a section of the board at an index."""
        return self._id("section", board * SECTIONS_PER_BOARD + section)

    def section_place(self, section_id: str) -> Place | None:
        """Board and number of a section; None where there is no such section."""
        index = self._index("section", section_id)
        if index is None:
            return None
        board, section = divmod(index, SECTIONS_PER_BOARD)
        if self.board_index(self.board_id(board)) is None or section >= self.sections_per_board:
            return None
        return board, section

    # -- what is where ----------------------------------------------------------------------

    @property
    def board_total(self) -> int:
        """Boards of all privacies, the likes board included."""
        return self.boards + self.protected_boards + self.secret_boards + (self.likes is not None)

    def pins_on(self, board: int) -> int:
        """How many pins are on the board at an index."""
        if self.likes is not None and board == self.board_total - 1:
            return self.likes
        size = self.pins_per_board
        if callable(size):
            return size(board)
        if isinstance(size, int):
            return size
        return size[min(board, len(size) - 1)] if size else 0

    def privacy(self, board: int) -> str:
        """Privacy of the board at an index."""
        return PRIVACIES[(board >= self.boards) + (board >= self.boards + self.protected_boards)]

    def is_shared(self, board: int) -> bool:
        """Whether the board belongs to somebody else who lets this account contribute."""
        return board < self.boards and board % 7 == 5

    def _owner(self, board: int) -> Record:
        return (
            {"username": username(board, 0), "id": self._id("user", 10 + board)}
            if self.is_shared(board)
            else {"username": self.username, "id": self.account_id}
        )

    def _emit(self, kind: str, record: Record) -> Record:
        change = self.alter.get(kind)
        return change(record) if change else record
