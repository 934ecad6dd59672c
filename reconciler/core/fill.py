"""Seats of several fleets filled together: scarcest need first, then exchanges while they pay.

Greedy filling alone can give a machine to a fleet that had another, from one that had not. So afterwards fleets take
machines from each other where the sum of all rises (`exchange`), and while seats stay empty, machines are shared out
anew (`anew`). The exact optimum is an integer program, since offers may share GPUs; this comes close
(`benchmarks/scale.py` measures how close).
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.anew import shared_anew
from reconciler.core.crowd import Taken
from reconciler.core.demand import Demand
from reconciler.core.exchange import bettered

ROUNDS = 12


def fill(demands: Sequence[Demand], taken: Taken) -> None:
    """Give every seat of these fleets of one priority its offer; what earlier ones were given is in `taken`."""
    ordered = sorted(demands, key=lambda demand: demand.scarcity)
    for demand in ordered:
        for need in demand.needs:
            found = demand.best(need, taken)
            if found is not None:
                demand.give(need, found, taken)
    if len(ordered) > 1:
        for _ in range(ROUNDS):
            moved = [_exchange(demand, ordered, taken) for demand in ordered]
            if not any(moved) and not shared_anew(ordered, taken):
                break


def _exchange(demand: Demand, others: Sequence[Demand], taken: Taken) -> bool:
    """Try to better a fleet's worst seat, and again while that works."""
    moved = False
    for _ in demand.needs:
        need = demand.worst()
        if need is None or not bettered(demand, need, others, taken):
            break
        moved = True
    return moved
