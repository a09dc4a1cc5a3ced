"""New tokens on their way to a store that may have those of another account.

Whose they are can only be learned with them, and the code that they were given for is spent then.
So they are kept beside the store until it is clear that they may take the place of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_pinterest.errors import TapError
from tap_pinterest.network.token_store import TokenStore
from tap_pinterest.shown import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_pinterest.network.tokens import Tokens


class Handover:
    """Hands new tokens over to a store.

    Attributes:
        store: The store.
        old: The tokens that it held before; None where it held none.
    """

    def __init__(self, store: TokenStore) -> None:
        self.store = store
        self.old: Tokens | None = None
        self._aside = TokenStore(f"{store.path}.granted")
        self._place = store
        self._kept: Tokens | None = None

    def rehearse(self) -> None:
        """Find out whether tokens can be kept, before they are asked for.

        Raises:
            TapError: They cannot; the message says why.
        """
        with self.store.locked(), self.store.replacement(), self._aside.replacement():
            pass

    def take(self, ask: Callable[[Tokens | None], Tokens], *, at_once: bool) -> Tokens:
        """Ask for tokens and keep them, before anything else can go wrong.

        Args:
            ask: Called with the tokens of before, under the store's lock.
            at_once: Whether they may replace those of before, whosever they are.

        Raises:
            TapError: There are none to be had, or they cannot be kept.
        """
        with self.store.locked():
            old = self.store.read()
            place = self.store if old is None or at_once else self._aside
            with place.replacement(inherit=False) as keep:
                tokens = ask(old)
                keep(tokens)
        self._kept, self._place, self.old = tokens, place, old
        return tokens

    @property
    def waits(self) -> bool:
        """Whether the tokens lie beside the store."""
        return self._place is self._aside

    def finish(self, tokens: Tokens) -> None:
        """Let the store have the tokens, with all that is known of them by now.

        Raises:
            TapError: They cannot be kept, or others have come there; the message says why.
        """
        with self.store.locked():
            now = self.store.read()
            if not self.waits and now != self._kept:
                return  # a run has renewed them meanwhile
            if self.waits and now and self.old and now.account != self.old.account:
                whose = f"those of {plain(now.account)}" if now.account else "other ones"
                raise TapError(
                    f"{self.store.path} has got tokens meanwhile, {whose}, which are left there. "
                    f"Those of this login are kept in {self._place.path}. Run the login again."
                )
            with self.store.replacement(inherit=False) as keep:
                keep(tokens)
            self._aside.discard(self._kept)
            self._kept, self._place = tokens, self.store

    def decline(self) -> None:
        """Leave the store as it is, and forget the tokens."""
        with self.store.locked():
            self._aside.discard(self._kept)

    @property
    def so_far(self) -> str:
        """What has become of the tokens, for whoever ends it all."""
        try:
            kept = self._kept is not None and self._place.read() == self._kept
        except TapError:
            kept = False
        if not kept:
            return "nothing that Pinterest granted is kept: run the login again"
        if self.waits:
            return (
                f"{self.store.path} is as it was, and what Pinterest has granted now is kept in "
                f"{self._place.path}: move it to the place of the other, or run the login again"
            )
        return f"what Pinterest has granted is kept in {self.store.path}"
