"""Rents in batches of 1, 2, 4, ...: what goes wrong for every rent goes wrong for one first."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Batch:
    """Where a fleet stands in its run: how many of the batch are left, and whether all its answers were clear."""

    size: int = 1
    left: int = 1
    clear: bool = True

    def begin_pass(self) -> None:
        """A new pass: after an answer that was not clear it begins with one again."""
        if not self.clear:
            self.size, self.left, self.clear = 1, 1, True

    def may_rent(self) -> bool:
        """Whether another rent may go; a new batch, twice the last, begins only when every answer was clear."""
        if self.left == 0 and self.clear:
            self.size *= 2
            self.left = self.size
        return self.left > 0

    def answered(self, clear: bool) -> None:
        """One rent of the batch has its answer."""
        self.left -= 1
        self.clear = self.clear and clear
