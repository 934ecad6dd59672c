"""Seats of several fleets filled together: scarcest need first, then exchanges while they pay.

Greedy filling alone can give a machine to a fleet that had another, from one that had not. So afterwards a fleet may
take a machine from another where the sum of both rises, or where one more seat is filled. The exact optimum is an
integer program; a bounded number of such exchanges comes close (`benchmarks/scale.py` measures how close).
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.candidates import Candidate
from reconciler.core.crowd import Taken
from reconciler.core.demand import Demand, Need

ROUNDS = 6
TRIES = 64
"""So many machines of others a fleet tries to get for one seat."""
_GAIN = 1e-9


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
            if not any(moved):
                break


def _exchange(demand: Demand, others: Sequence[Demand], taken: Taken) -> bool:
    """Try to better a fleet's worst seat, and again while that works."""
    moved = False
    for _ in demand.needs:
        need = demand.worst()
        if need is None or not _better(demand, need, others, taken):
            break
        moved = True
    return moved


def _better(demand: Demand, need: Need, others: Sequence[Demand], taken: Taken) -> bool:
    tries = 0
    had = demand.given.get(need.seat)
    for candidate in demand.ranked:
        if demand.value(candidate) <= demand.value(had) + _GAIN or tries >= TRIES:
            return False
        clashes = list(taken.clashes(candidate.offer))
        held = _holder(clashes[0].id, others) if len(clashes) == 1 else None
        if clashes and (held is None or held[0] is demand):
            continue
        tries += 1
        if _swap(demand, need, candidate, held, taken):
            return True
    return False


def _holder(offer_id: int, demands: Sequence[Demand]) -> tuple[Demand, Need] | None:
    found = ((demand, need) for demand in demands if (need := demand.holder(offer_id)) is not None)
    return next(found, None)


def _swap(demand: Demand, need: Need, wanted: Candidate, held: tuple[Demand, Need] | None, taken: Taken) -> bool:
    """Give `wanted` to a seat, and its holder the best that is then free; undone where that does not pay."""
    had = demand.release(need, taken)
    lost = held[0].release(held[1], taken) if held else None
    gain = 0.0
    if demand.refuses(need, wanted) is None and not taken.excludes(wanted.offer):
        demand.give(need, wanted, taken)
        gain = demand.value(wanted) - demand.value(had)
        if held:
            instead = held[0].best(held[1], taken)
            if instead is not None:
                held[0].give(held[1], instead, taken)
            gain += held[0].value(instead) - held[0].value(lost)
    if gain > _GAIN:
        return True
    demand.release(need, taken)
    if held:
        held[0].release(held[1], taken)
        assert lost is not None
        held[0].give(held[1], lost, taken)
    if had is not None:
        demand.give(need, had, taken)
    return False
