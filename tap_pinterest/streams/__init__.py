"""The streams: a table of contents of what can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_pinterest.streams.audience import (
    Followers,
    FollowingBoards,
    FollowingInterests,
    FollowingUsers,
)
from tap_pinterest.streams.organic import (
    Account,
    BoardPins,
    Boards,
    BoardSectionPins,
    BoardSections,
    Likes,
    LinkedBusinesses,
    Media,
    Pins,
    Websites,
)
from tap_pinterest.streams.organic_analytics import AccountAnalytics, TopPins, TopVideoPins
from tap_pinterest.streams.pin_analytics import PinAnalytics, PinLifetimeAnalytics
from tap_pinterest.streams.search import SearchBoards, SearchPins
from tap_pinterest.streams.snapshots import AccountSnapshots, BoardSnapshots

if TYPE_CHECKING:
    from tap_pinterest.kinds.stream import PinterestStream

STREAMS: tuple[type[PinterestStream], ...] = (
    Account,
    AccountSnapshots,
    AccountAnalytics,
    Boards,
    BoardPins,
    BoardSections,
    BoardSectionPins,
    BoardSnapshots,
    Followers,
    FollowingUsers,
    FollowingBoards,
    FollowingInterests,
    Likes,
    LinkedBusinesses,
    Media,
    Pins,
    PinAnalytics,
    PinLifetimeAnalytics,
    TopPins,
    TopVideoPins,
    Websites,
    SearchBoards,
    SearchPins,
)
