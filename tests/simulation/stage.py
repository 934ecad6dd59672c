"""Virtual time and its runners: one world, one thread that moves at a time, handed over like a baton.

One runner goes on in the caller's own thread. Two have a thread each, but never run at once: whoever waits gives the
baton back, and the stage gives it to the one that is due next; among equals, chance of the seed decides.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from random import Random
from typing import Protocol

from reconciler.simulator.world import World


class Killed(BaseException):
    """The process is no more: nothing of it runs after this, clean-ups included."""


class Stage(Protocol):
    """Where runners wait."""

    def wait(self, seconds: float) -> None:
        """Let time pass for the runner that calls; others may go on meanwhile."""
        ...


class Alone:
    """The stage of one runner."""

    def __init__(self, world: World) -> None:
        self._world = world

    def wait(self, seconds: float) -> None:
        """Nobody else is there."""
        if seconds > 0:
            self._world.advance(seconds)


class _Actor:
    def __init__(self, name: int) -> None:
        self.name = name
        self.wakes = 0.0
        self.go = threading.Semaphore(0)
        self.ended = False
        self.error: BaseException | None = None


class Shared:
    """The stage of several runners."""

    def __init__(self, world: World, rng: Random) -> None:
        self._world = world
        self._rng = rng
        self._actors: list[_Actor] = []
        self._back = threading.Semaphore(0)
        self._mine = threading.local()

    def wait(self, seconds: float) -> None:
        """Hand the baton over; it comes back when the time has come. Where nobody else is due before, it stays."""
        actor: _Actor = self._mine.actor
        until = self._world.now + max(0.0, seconds)
        if all(until < other.wakes for other in self._actors if other is not actor and not other.ended):
            if seconds > 0:
                self._world.advance(seconds)
            return
        actor.wakes = until
        self._back.release()
        actor.go.acquire()

    def play(self, parts: list[Callable[[], None]]) -> None:
        """Run all parts to their ends."""
        threads = []
        for number, part in enumerate(parts):
            actor = _Actor(number)
            actor.wakes = self._world.now
            self._actors.append(actor)
            threads.append(threading.Thread(target=self._run, args=(actor, part), daemon=True))
        for thread in threads:
            thread.start()
        while going := [actor for actor in self._actors if not actor.ended]:
            soonest = min(actor.wakes for actor in going)
            if soonest > self._world.now:
                self._world.advance(soonest - self._world.now)
            due = [actor for actor in going if actor.wakes <= self._world.now + 1e-6]
            self._rng.choice(due).go.release()
            self._back.acquire()
        for thread in threads:
            thread.join()
        for actor in self._actors:
            if actor.error is not None:
                raise actor.error

    def _run(self, actor: _Actor, part: Callable[[], None]) -> None:
        self._mine.actor = actor
        actor.go.acquire()
        try:
            part()
        except BaseException as error:
            actor.error = error
        finally:
            actor.ended = True
            self._back.release()
