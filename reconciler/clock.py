"""Time as an argument: every wait and every timestamp of the product goes through a Clock."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time and lets it pass. The simulator's clock passes time without waiting."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass; nothing happens for zero or less."""
        ...


class SystemClock:
    """The clock on the wall."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds` of real time."""
        if seconds > 0:
            time.sleep(seconds)
