"""Who follows whom and what, and the account's media, websites and businesses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.pinterest_api.lazy import Lazy
from tests.pinterest_api.noise import mix, remark

from . import records
from .names import BUSINESSES, INTERESTS, again, board_name, username
from .settings import CLAIMED_DOMAIN, Settings

if TYPE_CHECKING:
    from .records import Record


class People(Settings):
    """Everything beside boards and pins."""

    def _listing(self, kind: str, records: list[Record] | Lazy[Record]) -> Lazy[Record]:
        return Lazy(len(records), lambda i: self._emit(kind, records[i]))

    def _user(self, turn: int, index: int) -> Record:
        return {"username": username(index, 2 * self.number + turn), "type": "user"}

    def all_followers(self) -> Lazy[Record]:
        """GET /user_account/followers."""
        return self._listing("user", Lazy(self.followers, lambda i: self._user(1, i)))

    def all_following(
        self, *, feed_type: str = "ALL", explicit_following: bool = False
    ) -> Lazy[Record]:
        """GET /user_account/following. Every second is a creator, every third only implicit."""
        indexes = [
            i
            for i in range(self.following_users)
            if ("CREATOR" not in feed_type or i % 2 == 0)
            and not (explicit_following and i % 3 == 2)
        ]
        if feed_type.startswith("RANKED"):
            indexes.reverse()
        users = Lazy(len(indexes), lambda i: self._user(2, indexes[i]))
        return self._listing("user", users)

    def all_following_boards(self, *, explicit_following: bool = False) -> Lazy[Record]:
        """GET /user_account/following/boards: boards of others, every third only implicit."""
        indexes = [
            i for i in range(self.following_boards) if not (explicit_following and i % 3 == 2)
        ]

        def get(at: int) -> Record:
            index = indexes[at]
            h = mix(self.seed, 5, index)
            owner: Record = {"username": self._user(2, index)["username"]}
            if self.messy:
                owner["id"] = self._id("user", 10**6 + index)
            return records.board(
                self._id("board", 10**9 + index),
                h,
                name=board_name(h % 40),
                owner=owner,
                privacy="PUBLIC",
                pin_count=h % 300,
                follower_count=h % 5000,
                created_at=records.moment(self.origin, 1000 + h % 900, h >> 7, messy=self.messy),
                modified_at=records.moment(self.origin, 1 + h % 300, h >> 9, messy=self.messy),
                messy=self.messy,
            )

        return self._listing("board", Lazy(len(indexes), get))

    def all_interests(self) -> Lazy[Record]:
        """GET /users/{username}/interests/follow."""

        def get(i: int) -> Record:
            name = again(INTERESTS, i)
            record: Record = {
                "id": self._id("interest", i),
                "key": name.casefold(),
                "name": name,
                "canonical_url": f"https://www.pinterest.example/ideas/{self._id('interest', i)}/",
            }
            if self.messy and i % 9 == 4:
                del record["canonical_url"]
            return record

        return self._listing("interest", Lazy(self.following_interests, get))

    def all_media(self) -> Lazy[Record]:
        """GET /media."""

        def get(i: int) -> Record:
            status = ("succeeded", "succeeded", "processing", "registered", "failed")[i % 5]
            return {"media_id": self._id("media", i), "media_type": "video", "status": status}

        return self._listing("media", Lazy(self.media, get))

    def all_websites(self) -> Lazy[Record]:
        """GET /user_account/websites; the first one is claimed."""

        def get(i: int) -> Record:
            record: Record = {
                "website": CLAIMED_DOMAIN if i == 0 else f"site-{i}.example",
                "status": "success" if i % 3 < 2 else "pending",
            }
            if i % 3 < 2 or not self.messy:
                h = mix(self.seed, 7, i)
                record["verified_at"] = records.moment(self.origin, 400 + i, h, messy=self.messy)
            return record

        return self._listing("website", Lazy(self.websites, get))

    def all_businesses(self) -> list[Record]:
        """GET /user_account/businesses."""

        def get(i: int) -> dict[str, Any]:
            sizes = ("small", "medium", "large", "xlarge")
            record: Record = {
                "username": (name := again(BUSINESSES, i).replace(" ", "_")),
                **{f"image_{s}_url": f"{records.HOST}/{s}/{name}.jpg" for s in sizes},
            }
            if self.messy and i % 2:
                del record["image_xlarge_url"]
                record["about"] = remark(i)
            return record

        return list(self._listing("business", Lazy(self.businesses, get)))
