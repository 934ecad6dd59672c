"""The account as it was some seconds ago: what a list that lags behind would show."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.simulator.limits import Limits

if TYPE_CHECKING:
    from reconciler.simulator.contracts import Contract
    from reconciler.simulator.world import World


class Past:
    """Keeps copies of the contracts, as far back as anybody may ask."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kept: list[tuple[float, dict[int, Contract]]] = []
        self.reach = 0.0
        """Seconds one may look back; nothing is kept while it is zero."""

    def note(self) -> None:
        """Keep the present; contracts that did not change are not copied again."""
        if not self.reach:
            self._kept = []
            return
        last = self._kept[-1][1] if self._kept else {}
        present = {
            number: last[number] if last.get(number) == contract else copy.copy(contract)
            for number, contract in self._world.contracts.items()
        }
        if not self._kept or present != last:
            self._kept.append((self._world.now, present))
        self._forget()

    def at(self, when: float) -> tuple[float, dict[int, Contract]]:
        """The contracts as they were at `when`, or as far back as was kept; and that moment."""
        if not self._kept:
            return self._world.now, self._world.contracts
        before = [contracts for since, contracts in self._kept if since <= when]
        return max(when, self._kept[0][0]), before[-1] if before else self._kept[0][1]

    def _forget(self) -> None:
        horizon = self._world.now - self.reach
        while len(self._kept) > 1 and self._kept[1][0] <= horizon:
            del self._kept[0]


@contextmanager
def showing(world: World, contracts: Mapping[int, Contract], now: float | None = None) -> Iterator[None]:
    """Meanwhile the world reads as if these were its contracts and `now` its time. For reading only."""
    kept = world.contracts, world.now
    world.contracts, world.now = dict(contracts), world.now if now is None else now
    try:
        with unlimited(world):
            yield
    finally:
        world.contracts, world.now = kept


@contextmanager
def unlimited(world: World) -> Iterator[None]:
    """Meanwhile no request comes too early: it was admitted before."""
    kept, world.limits = world.limits, Limits()
    try:
        yield
    finally:
        world.limits = kept
