"""The time of a simulated world: nobody waits, time is passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.simulator.world import World


class SimulatedClock:
    """Tells the world's time and moves it. Has the same two methods as a real clock."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> float:
        """Seconds since the epoch, in the simulated world."""
        return self._world.now

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass in the world at once; nothing happens for zero or less."""
        if seconds > 0:
            self._world.advance(seconds)
