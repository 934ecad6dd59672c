"""Time as an argument: every wait and every timestamp of the product goes through a Clock."""

from __future__ import annotations

import time
from typing import Protocol

from reconciler.errors import Interrupted

SLICE_S = 0.2


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


class StoppingClock:
    """A clock whose waits end, by `Interrupted`, once a stop was asked for. Calls in flight are not its business."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.stop_requested = False

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass, in slices short enough to feel immediate when a stop is asked for."""
        now = self._clock.now()
        until = now + seconds
        while (left := until - now) > 0:
            self.check()
            self._clock.sleep(min(left, SLICE_S) if isinstance(self._clock, SystemClock) else left)
            before, now = now, self._clock.now()
            if now <= before:  # What is left is less than this clock can tell.
                break
        self.check()

    def stop(self) -> None:
        """Ask for a stop: the wait that goes on, or the next one, raises."""
        self.stop_requested = True

    def check(self) -> None:
        """Raise `Interrupted` when a stop was asked for."""
        if self.stop_requested:
            raise Interrupted("stopped, as asked")
