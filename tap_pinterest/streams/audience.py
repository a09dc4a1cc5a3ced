"""Who follows the account, and whom and what it follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tap_pinterest.kinds.lists import ListStream, paginate
from tap_pinterest.records.pages import path_for
from tap_pinterest.settings import setting
from tap_pinterest.streams.organic import link_to_profile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_pinterest.records.pages import Page


class Followers(ListStream):
    """Users who follow the account. API: followers/list."""

    name = "followers"
    path = "/user_account/followers"
    record_type = "organic/user_summary"
    primary_keys = ("username",)
    scopes = ("user_accounts:read",)
    quota = "ads_read"
    takes_ad_account = False
    fill = staticmethod(link_to_profile)


class FollowingUsers(ListStream):
    """Users whom the account follows. API: user_following/get."""

    name = "following_users"
    path = "/user_account/following"
    record_type = "organic/user_summary"
    primary_keys = ("username",)
    scopes = ("user_accounts:read",)
    params: ClassVar = {
        "feed_type": setting("following_feed_type"),
        "explicit_following": setting("explicit_following"),
    }
    fill = staticmethod(link_to_profile)


class FollowingBoards(ListStream):
    """Boards that the account follows. API: boards_user_follows/list."""

    name = "following_boards"
    path = "/user_account/following/boards"
    record_type = "organic/board"
    primary_keys = ("id",)
    scopes = ("user_accounts:read",)
    params: ClassVar = {"explicit_following": setting("explicit_following")}


class FollowingInterests(ListStream):
    """Interests that the account follows. API: user_account/followed_interests."""

    name = "following_interests"
    path = "/users/{username}/interests/follow"
    record_type = "organic/interest"
    primary_keys = ("id",)
    scopes = ("user_accounts:read",)
    takes_ad_account = False

    def pages(self) -> Iterator[Page]:
        """The list of the account's own user."""
        return paginate(self, path_for(self.path, self.run.account()), self.query())
