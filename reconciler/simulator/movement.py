"""What others do to a machine of the generated market: rent and leave, change prices, verify, relist.

Each machine has a life of its own. What happens at its n-th step, and how long it is until the next one, depends on
the seed, the machine, n and how the machine stands; so it does not matter when, how often or in which company it is
looked at.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reconciler.simulator import tables
from reconciler.simulator.rng import fraction, fractions, quantile

if TYPE_CHECKING:
    from reconciler.simulator.generated import GeneratedMachine
    from reconciler.simulator.laws import Laws

HOUR = 3600.0

Rates = tuple[tuple[str, float], ...]


def settle_in(machine: GeneratedMachine, laws: Laws) -> None:
    """Begin the life of a machine that has just arrived."""
    machine.pace = quantile(fraction(machine.seed, "pace", machine.machine_id), tables.PACES)
    machine.acts = machine.arrived + _wait(machine, laws, fraction(machine.seed, "first step", machine.machine_id))


def live(machine: GeneratedMachine, until: float, laws: Laws) -> int:
    """Let everything happen that others do up to a moment; gives the GPUs whose asks stand under new ids now."""
    renewed = 0
    while happens(machine, laws) <= until:
        kind, which, value, wait = fractions(f"{machine.seed}/life/{machine.machine_id}/", machine.steps)
        renewed |= _step(machine, laws, kind, which, value)
        machine.steps += 1
        machine.acts += _wait(machine, laws, wait)
        machine.changed = True
    return renewed


def happens(machine: GeneratedMachine, laws: Laws) -> float:
    """When the next step takes effect: at once, or when the market moves next."""
    if not laws.grain or math.isinf(machine.acts):
        return machine.acts
    return math.ceil(machine.acts / laws.grain) * laws.grain


def _rates(machine: GeneratedMachine, laws: Laws) -> Rates:
    """What can happen now, and how often an hour."""
    taken, freed = tables.TURNOVER[machine.verification]
    pace = machine.pace if laws.buyers else 0.0
    held = machine.occupancy.taken
    lost, found = tables.ASTRAY if laws.places else (0.0, 0.0)
    return (
        ("take", taken * pace if held != machine.occupancy.masks[0] else 0.0),
        ("free", freed * pace if held else 0.0),
        ("price", tables.PRICE_CHANGES if laws.prices else 0.0),
        ("place", found if machine.astray else lost),
        *(tables.VERIFYING[machine.verification] if laws.verification else ()),
    )


def _wait(machine: GeneratedMachine, laws: Laws, u: float) -> float:
    total = sum(rate for _, rate in _rates(machine, laws))
    return -math.log(1 - u) / total * HOUR if total else math.inf


def _chosen(rates: Rates, kind: float) -> str:
    left = kind * sum(rate for _, rate in rates)
    for name, rate in rates:
        left -= rate
        if left < 0:
            return name
    return rates[-1][0]


def _step(machine: GeneratedMachine, laws: Laws, kind: float, which: float, value: float) -> int:
    name = _chosen(_rates(machine, laws), kind)
    if name == "take":
        _take(machine, which, value)
    elif name == "free":
        return _free(machine, which, value)
    elif name == "price":
        return _reprice(machine, which, value)
    elif name == "place":
        machine.change(astray=not machine.astray)
    else:
        machine.change(verification=name)
    return 0


def _take(machine: GeneratedMachine, which: float, value: float) -> None:
    """Somebody rents an ask, or all asks that are left."""
    held = machine.occupancy
    free = held.open()
    if not free:
        return
    mask = held.masks[free[int(which * len(free))]]
    if value < tables.WHOLE_TAKEN:
        for position in free:
            mask |= held.masks[position]
    held.taken |= mask


def _free(machine: GeneratedMachine, which: float, value: float) -> int:
    """Somebody leaves, or everybody does."""
    held = machine.occupancy
    mask = held.taken
    if value >= tables.WHOLE_FREED:
        touched = [one for one in held.masks if one & held.taken]
        mask &= touched[int(which * len(touched))]
    held.taken &= ~mask
    return mask


def _reprice(machine: GeneratedMachine, which: float, value: float) -> int:
    """Another price; one in five changes lists the machine anew."""
    if machine.drift != 1.0 and which < tables.PRICE_RETURNS:
        machine.drift = 1.0
    else:
        machine.drift = min(20.0, max(0.05, machine.drift * quantile(value, tables.PRICE_RATIOS)))
    relisted = which * 1000 % 1 < tables.RELISTS
    return machine.occupancy.masks[0] if relisted else 0
