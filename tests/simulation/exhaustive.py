"""Every schedule of one runner with two replicas, up to two faults and every crash point: listed, not drawn.

The first run rents both seats. A fault strikes one of its calls or the run after it is killed at a point, or both; with
two faults the second one strikes a later call. Then faults end, and what must hold is judged as ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from reconciler.simulator.fault_table import TABLE
from simulation.points import CALLS, POINTS
from simulation.scenario import LAST_INSTANT, AtPoint, Fault, Happens, Scenario, Trouble

CHANGES = ("rent", "destroy")
KILLED_AT = POINTS
_SECONDS = {"late": 60.0, "stale": 25.0, "older": 1.0, "alive_though_gone": 25.0, "still_listed": 25.0, "slow": 20.0}


def faults(calls: tuple[str, ...] = CHANGES) -> list[Fault]:
    """The first and second call of each of these kinds, with every fault that can strike it."""
    return [
        Fault(
            call,
            name,
            at,
            _SECONDS.get(name, 30.0),
            404 if name == "no_such_ask" else 302 if name == "redirect" else 502,
        )
        for name, fault in TABLE.items()
        for call in fault.calls
        if call in calls
        for at in (1, 2)
    ]


def kills() -> list[AtPoint]:
    """A kill at the first and at the second time that a run comes to each point."""
    return [AtPoint("kill", 0, point, nth) for point in KILLED_AT for nth in (1, 2)]


def pauses() -> list[AtPoint]:
    """The same with a pause of ten minutes, short where nothing can be checked any more."""
    return [AtPoint("pause", 0, k.point, k.nth, 4.0 if k.point in LAST_INSTANT else 600.0) for k in kills()]


SHRINKS = Happens(400.0, "fewer", 0)
"""One replica less, so that something is destroyed."""


def _scenario(seed: int, troubles: tuple[Trouble, ...]) -> Scenario:
    return Scenario(
        seed, (2,), machines=12, page=1, period_s=200.0, first_run=True, faulty_s=1000.0, troubles=(*troubles, SHRINKS)
    )


def schedules() -> Iterator[Scenario]:
    """All of them, in one order: kills and pauses alone; each fault; each fault with each kill; each two faults."""
    alone: list[tuple[Trouble, ...]] = [(), *((one,) for one in (*kills(), *pauses()))]
    every = faults(tuple(call for call in CALLS if call != "page"))
    alone += [(fault,) for fault in every]
    changing = faults()
    pairs = [(fault, kill) for fault in changing for kill in kills()]
    doubled = [pair for pair in combinations(changing, 2) if (pair[0].call, pair[0].at) != (pair[1].call, pair[1].at)]
    for number, troubles in enumerate((*alone, *pairs, *doubled)):
        yield _scenario(number, troubles)
