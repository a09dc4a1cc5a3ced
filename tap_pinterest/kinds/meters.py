"""Meters for child streams, which the SDK syncs once per batch of parents: they tell totals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk import metrics

if TYPE_CHECKING:
    from typing import Self


class TotalCounter(metrics.Counter):
    """A counter that is entered once per batch and tells its total in the end."""

    def exit(self) -> None:
        """Say nothing yet."""

    def close(self) -> None:
        """Tell the total."""
        super().exit()


class TotalTimer(metrics.Timer):
    """A timer that is entered once per batch and tells the whole time in the end."""

    def __enter__(self) -> Self:
        """Go on."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Say nothing yet."""

    def close(self) -> None:
        """Tell the time since the first batch."""
        super().__exit__(None, None, None)
