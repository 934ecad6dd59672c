"""What an HTTP server serves: a world whose clock runs, behind one lock, with a log. Knows nothing of sockets."""

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from typing import TYPE_CHECKING, Any

from reconciler.simulator import control, results
from reconciler.simulator.answers import answer
from reconciler.simulator.door import Asked, Ending, Outcome
from reconciler.simulator.faulty import FaultyDoor

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.simulator.faults import Rule
    from reconciler.simulator.shells import Shells
    from reconciler.simulator.world import World

REMEMBERED = 1000
"""Requests that the log keeps."""


class Service:
    """One world for many connections: one request at a time, each at the world's present moment.

    The world's clock runs `speed` times as fast as the real one, and is set right when somebody asks; with speed 0 it
    stands still. This is the only place of the simulator that reads a real clock.
    """

    def __init__(
        self,
        world: World,
        *,
        speed: float = 0.0,
        faults: tuple[Rule, ...] = (),
        real_clock: Callable[[], float] = time.monotonic,
        shells: Shells | None = None,
    ) -> None:
        self.world = world
        self.shells = shells
        """The doors of the instances, which follow the world; None where they cannot be reached."""
        self.speed = speed
        self.door = FaultyDoor(world, faults)
        self.log: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)
        self.served = 0
        """Requests so far, those to the control endpoints not counted."""
        self.failures: list[str] = []
        """Tracebacks of the engine: there should never be one."""
        self.lock = threading.RLock()
        self._real_clock = real_clock
        self._set_right_at = real_clock()

    def handle(self, asked: Asked) -> Outcome:
        """Answer one request."""
        with self.lock:
            self.keep_time()
            self.follow()
            outcome = self._outcome(asked)
            self.follow()
            return outcome

    def follow(self) -> None:
        """Let the instances' doors be as the world is."""
        with self.lock:
            try:
                if self.shells is not None:
                    self.shells.sync(self.world)
            except Exception:  # the API goes on where an instance cannot have a door
                self.failures.append(traceback.format_exc())

    def keep_time(self) -> None:
        """Let as much time pass in the world as the real clock says."""
        with self.lock:
            now = self._real_clock()
            if self.speed:
                self.world.advance((now - self._set_right_at) * self.speed)
            self._set_right_at = now

    def advance(self, seconds: float) -> None:
        """Let time pass by hand."""
        with self.lock:
            self.keep_time()
            self.world.advance(seconds)
            self.follow()

    def real_seconds(self, seconds: float) -> float:
        """How long a span of the world's time really lasts; no time at all where the clock stands still."""
        return seconds / self.speed if self.speed else 0.0

    def _outcome(self, asked: Asked) -> Outcome:
        if asked.path.startswith(control.PREFIX) and not asked.path.startswith(results.FOLDER):
            return Outcome(control.handle(self, asked))
        outcome = self._answered(asked)
        self._note(asked, outcome)
        return outcome

    def _answered(self, asked: Asked) -> Outcome:
        try:
            return self.door.handle(asked)
        except Exception:
            # A mistake of ours must not end the connection's thread without an answer.
            self.failures.append(traceback.format_exc())
            content = {"success": False, "error": "server_error", "msg": "Something went wrong on the server"}
            return Outcome(answer(content, 500))

    def _note(self, asked: Asked, outcome: Outcome) -> None:
        self.served += 1
        whole = outcome.ending in (Ending.WHOLE, Ending.TORN)
        entry = {"number": self.served, "at": self.world.now, "method": asked.method, "path": asked.path}
        self.log.append({**entry, "status": outcome.answer.status if whole else None, "fault": outcome.fault})
