"""Machines that come to the generated market day by day, and how long a machine stays on it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reconciler.simulator import tables
from reconciler.simulator.generate import MACHINES, drawn_host, drawn_machine
from reconciler.simulator.rng import fraction, stream, weighted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from reconciler.simulator.generated import GeneratedMachine

DAY = 86400.0

FIRST_MACHINE, MACHINES_A_DAY = 140_000, 200
"""Ids of newcomers: above those of the first machines, so many for each day."""

FIRST_HOST, FIRST_GPU, GPUS_A_MACHINE = 420_000, 1_000_000, 16


def stay(seed: object, machine_id: int) -> float:
    """Seconds that a machine stays on the market."""
    return -math.log(1 - fraction(seed, "stays", machine_id)) * DAY / tables.LEAVING


def newcomers(seed: int, begun: float, day: int, now: float, wanted: Collection[int]) -> Iterator[GeneratedMachine]:
    """The machines that come on a day of the market, in order; without those that have left by now, unless wanted."""
    count = int(MACHINES * tables.COMING * (0.8 + 0.4 * fraction(seed, "newcomers", day)))
    for place in range(count):
        machine_id = FIRST_MACHINE + day * MACHINES_A_DAY + place
        arrived = round(begun + DAY * (day + (place + fraction(seed, "arrives", machine_id)) / count), 3)
        if arrived + stay(seed, machine_id) > now or machine_id in wanted:
            yield _newcomer(seed, machine_id, arrived)


def _newcomer(seed: int, machine_id: int, arrived: float) -> GeneratedMachine:
    rng = stream(seed, "newcomer", machine_id)
    number = machine_id - FIRST_MACHINE
    # Every third one belongs to the host of the one before it.
    owner = number - number % 3
    host = drawn_host(stream(seed, "new host", owner), FIRST_HOST + owner)
    verification = weighted(rng, tables.VERIFICATIONS, tables.NEW_VERIFICATIONS)
    machine = drawn_machine(rng, seed, machine_id, host, FIRST_GPU + number * GPUS_A_MACHINE, verification)
    machine.arrived = arrived
    return machine
