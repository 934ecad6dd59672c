"""Runs of apply whose every call to the account can be watched, stopped or cut off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.cli.apply import Consent, begun, carry_out
from reconciler.cli.compose import World, open_world
from reconciler.cli.declared import read, wish
from reconciler.cli.options import Scope, Shape, Where
from reconciler.cli.screen import Screen
from reconciler.core.evidence import Settle
from reconciler.simulator.listing import all_rows

from .project import STATE, Project

MUTATIONS = ("rent", "destroy")


class Watched:
    """A provider that says what it is about to do, and what it has done."""

    def __init__(self, provider: Any, before: Callable[[str], None], after: Callable[[str], None]) -> None:
        self._provider, self._before, self._after = provider, before, after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._provider, name)
        if name == "free_at":
            return method

        def call(*args: Any) -> Any:
            self._before(name)
            answer = method(*args)
            self._after(name)
            return answer

        return call


def nothing(_: str) -> None:
    """What a watcher does who only looks at the other side of a call."""


def drive(project: Project, wrap: Callable[[World], Any], *, step_only: bool = False) -> int:
    """`reconcile apply --simulate --yes` on the project, its provider wrapped; the exit code. Errors leave as they
    are."""
    screen = Screen(Shape("text", False))
    loaded = read(Scope(("specs/",), (), None), screen)
    with open_world(Where(True, None, None, Path(STATE))) as world:
        world.provider = wrap(world)
        return carry_out(
            world,
            begun(wish(loaded, Settle()), world),
            Consent(screen, True, None, None),
            timeout_s=7200,
            step_only=step_only,
        )


@dataclass
class Seen:
    """The extremes of a run: how many instances were there at most, and how few ran."""

    most: int = 0
    fewest_running: int = 10_000
    calls: list[str] = field(default_factory=list)

    def watch(self, world: World) -> Watched:
        assert world.simulation is not None
        inside = world.simulation._world

        def look(name: str) -> None:
            self.calls.append(name)
            rows = all_rows(inside)
            self.most = max(self.most, len(rows))
            self.fewest_running = min(self.fewest_running, sum(row["actual_status"] == "running" for row in rows))

        return Watched(world.provider, look, look)
