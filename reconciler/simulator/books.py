"""What the contracts cost from moment to moment, and when something next happens to each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reconciler.simulator.charges import NOTHING
from reconciler.simulator.turns import turns

if TYPE_CHECKING:
    from reconciler.simulator.contracts import Contract
    from reconciler.simulator.world import World


class Books:
    """Follows the contracts of a world; whatever was changed in them, by whomever, is noted by `settle`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._seen: dict[int, tuple[Contract, object]] = {}
        self._due: dict[int, float] = {}

    def settle(self) -> None:
        """Note at which rates the contracts are billed from now on, and when something next happens to each."""
        for contract in self._world.contracts.values():
            now = (contract, contract.signature())
            before = self._seen.get(contract.id)
            if before is None or before[0] is not contract or before[1] != now[1]:
                self._seen[contract.id] = now
                self._note(contract)
        self._burn()

    def due(self) -> list[Contract]:
        """The contracts to which something happens now; they are noted anew by the next `settle`."""
        world = self._world
        found = [one for one in world.contracts.values() if self._due.get(one.id, math.inf) <= world.now]
        for contract in found:
            del self._seen[contract.id]
        return found

    def moments(self) -> list[float]:
        """When something next happens to each contract."""
        return list(self._due.values())

    def doubt(self) -> None:
        """All rates may have changed."""
        self._seen.clear()

    def close(self, contract: Contract) -> None:
        """The contract is no more."""
        self._seen.pop(contract.id, None)
        self._due.pop(contract.id, None)
        self._world.account.charges.end(contract.id, contract.label, self._world.now)
        self._burn()

    def _note(self, contract: Contract) -> None:
        world = self._world
        about = f"{contract.terms['num_gpus']}x {contract.terms['gpu_name']}, machine {contract.machine_id}"
        rates = contract.rates(world.now, world.laws) if world.dry is None else NOTHING
        world.account.charges.change(contract.id, about, contract.label, rates, world.now)
        later = (moment for moment in turns(world, contract) if moment > world.now)
        self._due[contract.id] = min(later, default=math.inf)

    def _burn(self) -> None:
        self._world.money.burn(self._world.account.charges.rate(), self._world.now)
