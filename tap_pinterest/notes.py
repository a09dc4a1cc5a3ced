"""What is to be said of a document that the user hands in: each sentence once, not without end."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tap_pinterest.shown import plain
from tap_pinterest.words import nearest

if TYPE_CHECKING:
    from collections.abc import Collection

logger = logging.getLogger("tap-pinterest")

MOST = 100
"""Sentences about one document at most."""


class Notes:
    """The sentences about one document, in the log as they come.

    Args:
        document: What it is: `the state`.
    """

    def __init__(self, document: str) -> None:
        self._document = document
        self._told: set[str] = set()
        self._full = False

    def tell(
        self,
        sentence: str,
        word: str = "",
        known: Collection[str] = (),
        *,
        level: int = logging.WARNING,
    ) -> None:
        """Say a sentence, unless it has been said or there are too many.

        Args:
            sentence: The sentence; foreign parts of it went through `plain`.
            word: A word of the document that is unknown, where the sentence is about one.
            known: The words that may be meant instead; to look among them takes a while.
            level: Of the line of the log.
        """
        if self._full or sentence in self._told:
            return
        if len(self._told) == MOST:
            self._full = True
            logger.warning(
                "There is more of that kind in %s, of which nothing is said; it is treated alike.",
                self._document,
            )
            return
        self._told.add(sentence)
        logger.log(level, "%s%s", sentence, nearest(plain(word), known) if word else "")
