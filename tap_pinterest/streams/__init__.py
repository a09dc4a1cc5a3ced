"""The streams: a table of contents of what can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_pinterest.streams.audience import (
    Followers,
    FollowingBoards,
    FollowingInterests,
    FollowingUsers,
)
from tap_pinterest.streams.organic import Account, BoardPins, Boards, Likes, Pins
from tap_pinterest.streams.search import SearchBoards, SearchPins

if TYPE_CHECKING:
    from tap_pinterest.client import PinterestStream

STREAMS: tuple[type[PinterestStream], ...] = (
    Account,
    Boards,
    BoardPins,
    Followers,
    FollowingUsers,
    FollowingBoards,
    FollowingInterests,
    Likes,
    Pins,
    SearchBoards,
    SearchPins,
)
