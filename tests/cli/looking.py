"""Looks at the simulated market whose every question can be counted, and worlds whose server refuses questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reconciler.cli import offers as offers_command
from reconciler.cli.compose import World, open_world
from reconciler.cli.declared import one, read, wish
from reconciler.cli.options import Scope, Shape, Where
from reconciler.cli.plan import look
from reconciler.cli.screen import Screen
from reconciler.core.evidence import Settle
from reconciler.core.place import Ground
from reconciler.ledger.sqlite import SqliteStore
from reconciler.reconcile import Pass
from reconciler.simulator import open_simulation
from reconciler.simulator.limits import DAY, ROWS_A_DAY, SEARCHES, Limits
from reconciler.survey import Market

from .driving import Watched, nothing
from .project import LEDGER, STATE, Project


class Counting:
    """A probe that remembers whom it was asked about."""

    def __init__(self, probe: Any) -> None:
        self._probe = probe
        self.asked: list[str] = []

    def latency_ms(self, addresses: Sequence[str], timeout_s: float) -> Mapping[str, float]:
        self.asked += addresses
        found: Mapping[str, float] = self._probe.latency_ms(addresses, timeout_s)
        return found


class Looks:
    """What was done in one look: calls to the account by name, and addresses that were measured."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.measured: list[str] = []

    @property
    def searches(self) -> int:
        """How many questions were asked."""
        return self.calls.count("search")

    def watch(self, world: World) -> Counting:
        world.provider = Watched(world.provider, self.calls.append, nothing)  # type: ignore[assignment]
        world.probe = probe = Counting(world.probe)
        return probe


def planned(project: Project) -> tuple[Pass, Looks]:
    """What `reconcile plan --simulate` decides, and what it asks for that."""
    looks = Looks()
    loaded = read(Scope(("specs/",), (), None), Screen(Shape("text", False)))
    with open_world(Where(True, None, None, STATE)) as world:
        probe = looks.watch(world)
        found = look(world, wish(loaded, world.settle if world.settle else Settle()))
    looks.measured = probe.asked
    return found, looks


def offered(project: Project, fleet: str = "june", machine: int | None = None) -> tuple[Market, Looks]:
    """What `reconcile offers --simulate` sees, and what it asks for that."""
    looks = Looks()
    loaded = read(Scope(("specs/",), (), None), Screen(Shape("text", False)))
    with open_world(Where(True, None, None, STATE)) as world:
        looks.watch(world)
        ground = Ground(loaded.policy.blacklist, world.clock.now())
        window = offers_command.look(world, one(loaded, fleet), ground, loaded.policy.owner, machine)
    return window.market, looks


def remembered(project: Project) -> Any:
    """What the ledger holds of the market, and the simulated moment."""
    with open_simulation(project.path / STATE) as simulation:
        now = simulation.clock.now()
    with open_world(Where(True, None, None, STATE)) as world:
        account = world.provider.account()
    store = SqliteStore(project.path / LEDGER, account=account.id, owner="default", read_only=True)
    try:
        return store.sights(now), now
    finally:
        store.close()


def use_up_the_rows(project: Project, left: int = 0) -> None:
    """The server has answered so many rows today that few are left."""

    def used(now: float) -> dict[str, Any]:
        return {"day": int(now // DAY), "rows": ROWS_A_DAY - left}

    _limit(project, used)


def refuse_searches(project: Project, seconds: float) -> None:
    """The server takes every search for one too many, for so long."""
    _limit(project, lambda now: {"searches": [now + seconds - 60] * SEARCHES})


def _limit(project: Project, saved: Any) -> None:
    state: Path = project.path / STATE
    with open_simulation(state) as simulation:
        simulation.world.limits = Limits(saved(simulation.clock.now()))
        simulation.save()
