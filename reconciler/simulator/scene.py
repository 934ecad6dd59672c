"""What a fault sees when it strikes: the request, the world, its own settings, and what the door remembers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import JSON, Answer
from reconciler.simulator.door import Asked
from reconciler.simulator.past import Past, showing

if TYPE_CHECKING:
    from reconciler.simulator.contracts import Contract
    from reconciler.simulator.faults import Rule
    from reconciler.simulator.world import World

LOOP = "bG9vcA=="
"""The cursor of a list that never ends: whoever sends it gets the first page again."""

_CALLS = tuple(
    (call, method, re.compile(path))
    for call, method, path in (
        ("rent", "PUT", r"/api/v0/asks/[0-9]+/?"),
        ("list", "GET", r"/api/v1/instances/?"),
        ("show", "GET", r"/api/v0/instances/[0-9]+/?"),
        ("destroy", "DELETE", r"/api/v0/instances/[0-9]+/?"),
        ("search", "POST", r"/api/v0/bundles/?"),
        ("search", "GET", r"/api/v0/bundles/?"),
        ("search", "PUT", r"/api/v0/search/asks/?"),
        ("search", "GET", r"/api/v0/search/asks/?"),
        ("account", "GET", r"/api/v0/users/current/?"),
    )
)

CALLS = ("rent", "list", "show", "destroy", "search", "account")
"""The calls that can be faulty."""


def call_of(asked: Asked) -> str | None:
    """Which of the calls a request is."""
    return next((call for call, method, path in _CALLS if method == asked.method and path.fullmatch(asked.path)), None)


@dataclass(slots=True)
class Memory:
    """What a faulty door remembers between two requests."""

    past: Past
    listed: float
    """When the last list was answered."""
    ghosts: dict[int, tuple[float, Contract]] = field(default_factory=dict)
    """Destroyed contracts that the list still shows, and until when."""
    returned: set[int] = field(default_factory=set)
    """Contracts that came back once already."""


@dataclass(slots=True)
class Scene:
    """One request at a faulty door."""

    world: World
    asked: Asked
    rule: Rule
    memory: Memory

    def real(self) -> Answer:
        """Let the engine carry the request out."""
        return answered(self.world, self.asked, self.memory)

    @property
    def number(self) -> int:
        """The id in the request's path."""
        return int(re.findall("[0-9]+", self.asked.path)[-1])


def answered(world: World, asked: Asked, memory: Memory) -> Answer:
    """The engine's answer; a list still shows the ghosts."""
    memory.ghosts = {number: ghost for number, ghost in memory.ghosts.items() if ghost[0] > world.now}
    reply = asked.to(world)
    if memory.ghosts and call_of(asked) == "list" and reply.status == 200:
        with showing(world, {**world.contracts, **{number: ghost for number, (_, ghost) in memory.ghosts.items()}}):
            return asked.to(world)
    return reply


def accepted(reply: Answer) -> dict[str, Any] | None:
    """The content of an answer that says yes; None for a refusal, which a fault leaves as it is."""
    if reply.status != 200 or reply.headers.get("content-type") != JSON["content-type"]:
        return None
    content = json.loads(reply.body)
    return content if isinstance(content, dict) and content.get("success", True) is True else None
