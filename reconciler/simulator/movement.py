"""An hour of other people's business on a generated market: slots taken and freed, prices changed."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.simulator import tables
from reconciler.simulator.generate import GeneratedMachine
from reconciler.simulator.rng import quantile

if TYPE_CHECKING:
    from random import Random

    from reconciler.simulator.market import Market


def move(market: Market, rng: Random) -> None:
    """Let one hour's share of slots and prices change, by the measured rates."""
    machines = [machine for machine in market.machines if isinstance(machine, GeneratedMachine)]
    classes: dict[str, list[GeneratedMachine]] = defaultdict(list)
    for machine in machines:
        classes[machine.verification].append(machine)
    for verification, (taken, freed) in tables.TURNOVER.items():
        group = classes[verification]
        open_ones = [machine for machine in group if machine.occupancy.busy != machine.occupancy.masks[0]]
        held = [machine for machine in group if machine.occupancy.taken]
        for machine in _some(rng, open_ones, taken):
            _take(rng, machine)
        for machine in _some(rng, held, freed):
            _free(rng, market, machine)
    for machine in _some(rng, machines, tables.PRICE_CHANGES):
        _reprice(rng, market, machine)


def _some(rng: Random, machines: list[GeneratedMachine], share: float) -> list[GeneratedMachine]:
    """So many of them; the fraction over a whole number is decided by chance."""
    return rng.sample(machines, min(len(machines), int(len(machines) * share + rng.random())))


def _take(rng: Random, machine: GeneratedMachine) -> None:
    free = machine.occupancy.free()
    if free:
        machine.occupancy.taken |= machine.occupancy.masks[rng.choice(free)]
        machine.changed = True


def _free(rng: Random, market: Market, machine: GeneratedMachine) -> None:
    taken = machine.occupancy.taken
    mask = rng.choice([mask for mask in machine.occupancy.masks if mask & taken]) & taken
    machine.occupancy.taken &= ~mask
    market.renew(machine, mask)


def _reprice(rng: Random, market: Market, machine: GeneratedMachine) -> None:
    """A new price in whole cents; one in five changes lists the machine anew, under new ids."""
    machine.cents = max(1, round(machine.price() * quantile(rng.random(), tables.PRICE_RATIOS)))
    machine.changed = True
    if rng.random() < 0.2:
        market.renew(machine, machine.occupancy.masks[0])
