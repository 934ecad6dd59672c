"""The account's money: an amount at a moment, and the rate at which it burns since then."""

from __future__ import annotations

import math


class Credit:
    """Only changes of the rate are noted, so that the amount does not depend on when anybody looks."""

    def __init__(self, amount: float, since: float) -> None:
        self.amount = amount
        self.since = since
        self.rate = 0.0
        """Dollars an hour."""

    def at(self, now: float) -> float:
        """Dollars left."""
        return max(0.0, self.amount - self.rate * max(0.0, now - self.since) / 3600)

    def burn(self, rate: float, now: float) -> None:
        """From now on it burns at another rate."""
        if rate != self.rate:
            self.amount, self.since, self.rate = self.at(now), now, rate

    def add(self, amount: float, now: float) -> None:
        """Pay in."""
        self.amount, self.since = self.at(now) + amount, now

    def empty_at(self) -> float:
        """When nothing will be left."""
        return self.since + self.amount / self.rate * 3600 if self.rate > 0 else math.inf
