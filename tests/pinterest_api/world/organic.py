"""Boards, sections and pins of an account."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from tests.pinterest_api import metrics
from tests.pinterest_api.lazy import Lazy, chain
from tests.pinterest_api.noise import mix

from . import records
from .names import SECTIONS, again, board_name, pin_title
from .settings import LIKES_BOARD, PINS_PER_BOARD, PRIVACIES, SCOPES, Place, Settings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from .records import Record


class Content(Settings):
    """What is pinned where."""

    # -- boards -----------------------------------------------------------------------------

    def board(self, index: int) -> Record:
        """The board at an index."""
        h = mix(self.seed, 1, index)
        owner = self._owner(index)
        likes = self.likes is not None and index == self.board_total - 1
        record = records.board(
            self.board_id(index),
            h,
            name=LIKES_BOARD if likes else board_name(index),
            owner=owner if self.messy else {"username": owner["username"]},
            privacy=self.privacy(index),
            pin_count=len(self._places(index)),
            follower_count=h % 50,
            created_at=records.moment(self.origin, 1500 + h % 1500, h >> 7, messy=self.messy),
            modified_at=records.moment(self.origin, 1 + h % 300, h >> 9, messy=self.messy),
            messy=self.messy,
        )
        return self._emit("board", record)

    def _board_indexes(self, privacy: str, scopes: Collection[str]) -> list[int]:
        wanted = {"ALL": PRIVACIES, "PUBLIC_AND_SECRET": ("PUBLIC", "SECRET")}.get(
            privacy, (privacy,)
        )
        removed = {self._index("board", identity) for identity in self.removed_boards}
        return [
            index
            for index in range(self.board_total)
            if index not in removed
            and (kind := self.privacy(index)) in wanted
            and (kind != "SECRET" or "boards:read_secret" in scopes)
        ]

    def all_boards(self, privacy: str = "ALL", scopes: Collection[str] = SCOPES) -> Lazy[Record]:
        """GET /boards: public, protected, secret, likes; secret ones only with the scope."""
        indexes = self._board_indexes(privacy, scopes)
        return Lazy(len(indexes), lambda i: self.board(indexes[i]))

    def search_boards(self, query: str = "", scopes: Collection[str] = SCOPES) -> Lazy[Record]:
        """GET /search/boards: own boards whose name or description contains the query."""
        wanted = query.casefold()
        indexes = [
            index
            for index in self._board_indexes("ALL", scopes)
            if not self.is_shared(index) and _contains(wanted, self.board(index), "name")
        ]
        return Lazy(len(indexes), lambda i: self.board(indexes[i]))

    def sections_of(self, board_id: str) -> Lazy[Record]:
        """GET /boards/{board_id}/sections."""
        board = self._known(board_id)

        def get(section: int) -> Record:
            name = again(SECTIONS, section)
            return self._emit("section", {"id": self.section_id(board, section), "name": name})

        return Lazy(self.sections_per_board, get)

    def _known(self, board_id: str) -> int:
        index = self.board_index(board_id)
        if index is None:
            raise KeyError(board_id)
        return index

    # -- pins -------------------------------------------------------------------------------

    def traits(self, place: Place) -> tuple[int, str, bool, bool]:
        """(stirred bits, kind of media, promoted?, saved from elsewhere?) of a pin."""
        board, index = place
        h = mix(self.seed, 4, board, index)
        share = (h >> 48) / 65536
        if share < self.video_share:
            kind = "video"
        else:
            kind = records.MEDIA_TYPES[2 + (h >> 20) % 3] if h >> 24 & 15 == 0 else "image"
        likes = self.likes is not None and board == self.board_total - 1
        return h, kind, h >> 28 & 7 == 0, likes or h >> 32 & 3 == 0

    def is_video(self, place: Place) -> bool:
        """Whether video metrics are about this pin."""
        return self.traits(place)[1] not in ("image", "multiple_images")

    def creative_type(self, place: Place) -> str | None:
        """The creative type that the pin carries and the filter goes by."""
        h, kind, _, _ = self.traits(place)
        if kind != "image":
            return {"video": "VIDEO", "multiple_images": "CAROUSEL"}.get(kind, "IDEA")
        which = h >> 36 & 31
        return None if which == 0 and self.messy else "SHOPPING" if which == 1 else "REGULAR"

    def is_mine(self, place: Place) -> bool:
        """Whether the account owns the pin: all on its boards, every other on a shared one."""
        return not self.is_shared(place[0]) or place[1] % 2 == 0

    def created_on(self, place: Place) -> date:
        """The day on which the pin was made."""
        return date.fromordinal(self.origin.toordinal() - self._age(mix(self.seed, 4, *place)))

    @staticmethod
    def _age(h: int) -> int:
        """Days before the origin: two of five pins are younger than 120 days."""
        return 1 + (h >> 5) % 119 if h % 5 < 2 else 120 + (h >> 5) % 1380

    def pin(self, place: Place, *, pin_metrics: bool = False) -> Record:
        """The pin at a place."""
        board, index = place
        h, kind, promoted, saved = self.traits(place)
        part = index % (self.sections_per_board + 1)
        record = records.pin(
            {
                "id": self.pin_id(board, index),
                "board_id": self.board_id(board),
                "board_section_id": self.section_id(board, part)
                if part < self.sections_per_board
                else None,
                "parent_pin_id": str(10**18 + h % 10**17) if saved else None,
            },
            h,
            records.moment(self.origin, self._age(h), h >> 11, messy=self.messy),
            title=pin_title(board, h >> 13),
            owner=self._owner(board)["username"],
            mine=self.is_mine(place),
            kind=kind,
            creative_type=self.creative_type(place),
            promoted=promoted,
            messy=self.messy,
        )
        if pin_metrics:
            record["pin_metrics"] = self._pin_metrics(place, h)
        return self._emit("pin", record)

    def _pin_metrics(self, place: Place, h: int) -> Record | None:
        if self.messy and h >> 40 & 7 == 0:
            return None
        c = metrics.counts(self.who(place), self.today, scale=90)
        recent = {"impression": c[0], "pin_click": c[1], "clickthrough": c[2], "save": c[3]}
        total = {key: value * 3 for key, value in recent.items()}
        comments, reactions = self.lifetime(place)
        return {
            "90d": recent,
            "lifetime_metrics": total | {"comment": comments, "reaction": reactions},
        }

    def lifetime(self, place: Place) -> tuple[int, int]:
        """Comments and reactions that a pin has received."""
        h, level = mix(self.seed, 4, *place), metrics.level(self.who(place))
        return level * (h >> 10 & 7) >> 3, level * (h >> 20 & 31) >> 2

    def who(self, place: Place) -> int:
        """What the metrics of a pin follow from."""
        return mix(self.seed, 8, *place)

    def _places(self, board: int, *, mine: bool = False, part: int | None = None) -> Lazy[Place]:
        """Pins of a board: all, the account's own, or those of one section; removed ones left out."""
        first, step = 0, 1
        if part is not None:
            first, step = part, self.sections_per_board + 1
        elif mine and self.is_shared(board):
            first, step = 0, 2
        size = len(range(first, self.pins_on(board), step))
        places = Lazy(size, lambda i: (board, first + i * step))
        if any(self._index("pin", p) // PINS_PER_BOARD == board for p in self._removed()):  # type: ignore[operator]
            return places.where(lambda place: self.pin_id(*place) not in self.removed_pins)
        return places

    def _removed(self) -> Iterable[str]:
        return (p for p in self.removed_pins if self._index("pin", p) is not None)

    def places_of(self, board_id: str, section_id: str | None = None) -> Lazy[Place]:
        """Where the pins of a board, or of one of its sections, are."""
        board = self._known(board_id)
        if section_id is None:
            return self._places(board)
        place = self.section_place(section_id)
        if place is None or place[0] != board:
            raise KeyError(section_id)
        return self._places(board, part=place[1])

    def pins_of(
        self, board_id: str, section_id: str | None = None, *, pin_metrics: bool = False
    ) -> Lazy[Record]:
        """GET /boards/{board_id}/pins, or of one section. KeyError: no such board or section."""
        places = self.places_of(board_id, section_id)
        return places.map(lambda place: self.pin(place, pin_metrics=pin_metrics))

    def _pin_places(
        self, scopes: Collection[str], *, protected: bool, public: bool = True, mine: bool = True
    ) -> Lazy[Place]:
        wanted = {"PUBLIC"} if public else set()
        if protected:
            wanted.add("PROTECTED")
        if "pins:read_secret" in scopes:
            wanted.add("SECRET")
        return chain(
            [
                self._places(board, mine=mine)
                for board in self._board_indexes("ALL", SCOPES)
                if self.privacy(board) in wanted
            ]
        )

    def own_places(
        self,
        scopes: Collection[str] = SCOPES,
        *,
        include_protected_pins: bool = False,
        pin_type: str | None = None,
        pin_filter: str | None = None,
        creative_types: Collection[str] | None = None,
    ) -> Lazy[Place]:
        """Where the pins are that GET /pins lists.

        Own pins on public boards and on shared ones; on secret boards with the scope
        pins:read_secret; on protected boards where asked for. PRIVATE leaves the secret ones.
        """
        public = pin_type != "PRIVATE"
        places = self._pin_places(
            scopes, protected=include_protected_pins and public, public=public
        )
        if pin_filter:
            places = places.where(lambda place: self._passes(place, pin_filter))
        if creative_types:
            places = places.where(lambda place: self.creative_type(place) in creative_types)
        return places

    def _passes(self, place: Place, pin_filter: str) -> bool:
        _, _, promoted, saved = self.traits(place)
        return {
            "has_been_promoted": promoted,
            "exclude_native": saved,
            "exclude_repins": not saved,
        }[pin_filter]

    def all_pins(
        self, scopes: Collection[str] = SCOPES, *, pin_metrics: bool = False, **filters: Any
    ) -> Lazy[Record]:
        """GET /pins; filters as in `own_places`."""
        return self.own_places(scopes, **filters).map(
            lambda place: self.pin(place, pin_metrics=pin_metrics)
        )

    def search_pins(self, query: str, scopes: Collection[str] = SCOPES) -> Lazy[Record]:
        """GET /search/pins: own pins whose title or description contains the query, or by ids."""
        places = self._pin_places(scopes, protected=True)
        if query and all(part.strip().isdecimal() for part in query.split(",")):
            wanted = {part.strip() for part in query.split(",")}
            return places.where(lambda place: self.pin_id(*place) in wanted).map(self.pin)
        text = query.casefold()
        return places.where(lambda p: _contains(text, self.pin(p), "title")).map(self.pin)


def _contains(wanted: str, record: Record, name: str) -> bool:
    return any(wanted in (record.get(key) or "").casefold() for key in (name, "description"))
