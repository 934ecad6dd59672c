"""Machines shared out anew while seats are empty: one of many GPUs may fill one seat of a fleet, or several of others.

A chain of exchanges cannot see that, since each of its hops is about one seat. So an empty seat is given an offer whose
GPUs others have, they are seated anew as well as it goes, and what then is free of the machine goes to other empty
seats; where that does not pay in sum, all is put back (the principle of ruin and recreate, Schrimpf et al. 2000).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from reconciler.core.candidates import Candidate
from reconciler.core.crowd import Taken
from reconciler.core.demand import EMPTY, Demand
from reconciler.core.exchange import GAIN, bettered
from reconciler.core.label import Seat
from reconciler.core.placement import Need

TRIES = 8
"""So many offers are tried for a fleet with an empty seat."""


def shared_anew(demands: Sequence[Demand], taken: Taken) -> bool:
    """Whether anything was won for fleets with empty seats."""
    won = False
    for demand in demands:
        contested = (c for c in demand.ranked if taken.excludes(c.offer) and demand.holder(c.offer.id) is None)
        for candidate in list(islice(contested, TRIES)) if _waiting(demand) else ():
            need = _waiting(demand)
            if need is not None and _forced(demand, need, candidate, demands, taken):
                won = True
    return won


def _waiting(demand: Demand) -> Need | None:
    need = demand.worst()
    return None if need is None or need.seat in demand.given else need


def _forced(demand: Demand, need: Need, wanted: Candidate, demands: Sequence[Demand], taken: Taken) -> bool:
    clashes = list(taken.clashes(wanted.offer))
    held = [(of, at) for offer in clashes for of in demands if (at := of.holder(offer.id)) is not None]
    if len(held) < len(clashes):
        return False
    before, worth = [dict(of.given) for of in demands], _worth(demands)
    for of, at in held:
        of.release(at, taken)
    if demand.refuses(need, wanted) is None:
        demand.give(need, wanted, taken)
        for of, at in held:
            bettered(of, at, demands, taken)
        for of in demands:
            _fill_up(of, wanted.offer.machine_id, taken)
        if _worth(demands) > worth + GAIN:
            return True
    for of, given in zip(demands, before, strict=True):
        _put_back(of, given, taken)
    return False


def _fill_up(demand: Demand, machine_id: int, taken: Taken) -> None:
    """Give what is free of a machine to empty seats."""
    for need in demand.empty():
        free = (c for c in demand.on(machine_id) if not taken.excludes(c.offer) and demand.refuses(need, c) is None)
        found = next(free, None)
        if found is None:
            return
        demand.give(need, found, taken)


def _worth(demands: Sequence[Demand]) -> float:
    return sum(demand.value(candidate) - EMPTY for demand in demands for candidate in demand.given.values())


def _put_back(demand: Demand, given: Mapping[Seat, Candidate], taken: Taken) -> None:
    changed = [need for need in demand.needs if demand.given.get(need.seat) is not given.get(need.seat)]
    for need in changed:
        demand.release(need, taken)
    for need in changed:
        if need.seat in given:
            demand.give(need, given[need.seat], taken)
