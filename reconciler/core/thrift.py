"""Seats filled within budgets: where the best offers together cost too much, money weighs more until they fit.

The pressure on price is the multiplier of a Lagrangian relaxation, found by halving: the least that keeps the budget
costs the least score. Under pressure like offers turn all at once, so what is left of the budget then buys better ones
again, seat after seat. Where not even the cheapest offers fit together, they are taken all the same, and the guard on
the budget says which of them wait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from reconciler.core.candidates import best_first
from reconciler.core.crowd import Taken
from reconciler.core.demand import Demand
from reconciler.core.fill import fill
from reconciler.core.placement import ceiling

HARDEST = 512.0
"""With so much pressure a fraction of a cent outweighs any score."""
_HALVINGS = 12


def fill_within(
    demands: Sequence[Demand], taken: Taken, rooms: Mapping[str, Decimal], room: Decimal | None = None
) -> None:
    """Fill the seats of fleets of one priority. `rooms` are what single fleets may still commit, `room` what all of
    them together may, in $/h."""
    fill(demands, taken)
    for demand in demands:
        limit = rooms.get(demand.fleet.name)
        if limit is not None:
            _fit([demand], limit, lambda: _again(demands, taken))
    if room is not None:
        _fit(demands, room, lambda: _again(demands, taken))
    for demand in demands:
        if demand.pressure:
            _spend(demand, taken, _left(demand, demands, rooms, room))


def _again(demands: Sequence[Demand], taken: Taken) -> None:
    for demand in demands:
        demand.clear(taken)
    fill(demands, taken)


def _fit(group: Sequence[Demand], limit: Decimal, again: Callable[[], None]) -> None:
    """Press on prices just as much as it takes for the group's seats to cost no more than `limit`."""
    before = [demand.pressure for demand in group]

    def press(pressure: float) -> bool:
        for demand, own in zip(group, before, strict=True):
            demand.press(max(own, pressure))
        again()
        return sum((demand.cost for demand in group), Decimal(0)) <= limit

    if sum((demand.cost for demand in group), Decimal(0)) <= limit or not press(HARDEST):
        return
    low, high = 0.0, HARDEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2 if low else high / 4
        if press(middle):
            high = middle
        else:
            low = middle
    press(high)


def _left(demand: Demand, demands: Sequence[Demand], rooms: Mapping[str, Decimal], room: Decimal | None) -> Decimal:
    """What a fleet's seats may cost more, in $/h."""
    own, cost = rooms.get(demand.fleet.name), sum((each.cost for each in demands), Decimal(0))
    left = [*([] if own is None else [own - demand.cost]), *([] if room is None else [room - cost])]
    return min(left, default=Decimal(0))


def _spend(demand: Demand, taken: Taken, left: Decimal) -> None:
    """Let what is left of a budget buy better offers."""
    cap, best = demand.fleet.price.max_per_hour, sorted(demand.ranked, key=best_first)
    for need in demand.needs:
        had = demand.release(need, taken)
        if had is None:
            continue
        found = had
        for candidate in best:
            if candidate.rank <= had.rank or left <= 0:
                break
            dearer = ceiling(candidate, cap) - ceiling(had, cap)
            if dearer <= left and not taken.excludes(candidate.offer) and demand.refuses(need, candidate) is None:
                found, left = candidate, left - dearer
                break
        demand.give(need, found, taken)
