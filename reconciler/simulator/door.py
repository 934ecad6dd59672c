"""What a door of the simulator passes on: a request, and how the answer to it ends.

Two doors lead to the one engine, an HTTP server and an httpx transport in the same process. A door may be faulty: it
then says not only what the answer is but also that it is late, torn or lost, and each transport does that in its way.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from reconciler.simulator.answers import Answer
from reconciler.simulator.routes import handle

if TYPE_CHECKING:
    from reconciler.simulator.world import World

PATIENCE = 30.0
"""Seconds a client waits for an answer, where it does not say itself."""


class Asked(NamedTuple):
    """A request as it arrived."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def to(self, world: World) -> Answer:
        """The engine's own answer, at the world's present moment."""
        return Answer(*handle(world, self.method, self.path, self.query, self.headers, self.body))


class Ending(Enum):
    """How much of an answer reaches the client."""

    WHOLE = "whole"
    TORN = "torn"
    """The connection ends in the middle of the body."""
    CLOSED = "closed"
    """The connection ends before the first byte."""
    REFUSED = "refused"
    """The connection is reset; in one process it is not even made."""
    SILENT = "silent"
    """Nothing comes until the client gives up."""


class Outcome(NamedTuple):
    """An answer, and what becomes of it on its way."""

    answer: Answer
    ending: Ending = Ending.WHOLE
    delay: float = 0.0
    """Seconds of the world's time before it leaves."""
    fault: str | None = None
    """The fault that made it, for the log of requests."""


class Door(Protocol):
    """Where requests come in."""

    def handle(self, asked: Asked) -> Outcome:
        """Answer one request."""
        ...


class SoundDoor:
    """The door without faults."""

    def __init__(self, world: World) -> None:
        self._world = world

    def handle(self, asked: Asked) -> Outcome:
        """The engine's answer, whole and at once."""
        return Outcome(asked.to(self._world))
