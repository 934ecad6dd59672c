"""One seat bettered by an exchange between fleets of one priority: the chain that gains most is carried out."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.chains import Chain, Chains
from reconciler.core.crowd import Taken
from reconciler.core.demand import Demand
from reconciler.core.placement import Need

GAIN = 1e-9
"""What gains less is rounding."""


def bettered(demand: Demand, need: Need, demands: Sequence[Demand], taken: Taken) -> bool:
    """Whether the seat got something better, others being moved for it where that pays in sum."""
    had = demand.given.get(need.seat)
    if not demand.ranked or demand.value(demand.ranked[0]) <= demand.value(had) + GAIN:
        return False
    holders = {candidate.offer.id: (other, of) for other in demands for of, candidate in other.held()}
    demand.release(need, taken)
    chain = Chains(demand, need, demand.value(had), holders, taken).best()
    if chain is not None and _moved(chain, taken):
        return True
    if had is not None:
        demand.give(need, had, taken)
    return False


def _moved(chain: Chain, taken: Taken) -> bool:
    """Do it; undone where a rule of `spread` or a shared GPU is in the way after all."""
    had = [(demand, need, demand.release(need, taken)) for demand, need, _ in chain]
    if _given(chain, taken):
        return True
    for demand, need, _ in chain:
        demand.release(need, taken)
    _given(had, taken)
    return False


def _given(chain: Chain, taken: Taken) -> bool:
    for demand, need, wanted in chain:
        if wanted is None:
            continue
        if taken.excludes(wanted.offer) or demand.refuses(need, wanted) is not None:
            return False
        demand.give(need, wanted, taken)
    return True
