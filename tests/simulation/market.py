"""A market of at most 40 machines, all of one GPU, for worlds that are made thousands of times."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any

from reconciler.simulator import tables
from reconciler.simulator.asks import Occupancy, tree
from reconciler.simulator.details import WORLD_START
from reconciler.simulator.generate import FIRST_ID, drawn_host, drawn_machine
from reconciler.simulator.generated import GeneratedMachine
from reconciler.simulator.machines import Machine
from reconciler.simulator.rng import digest

MODEL = next(gpu for gpu in tables.GPUS if gpu.name == "RTX 3060")
MARKETS = 50
"""Different markets: machines are costly to draw, so many seeds share one."""
START = WORLD_START


class Tiny:
    """The market of a seed: one GPU a machine, all free and verified when it begins."""

    moving = True
    description = "tiny market"

    def __init__(self, seed: int, size: int) -> None:
        self.seed = seed % MARKETS
        self.size = size

    def machines(self) -> list[Machine]:
        """Fresh machines that share what was drawn for them once."""
        found: list[Machine] = []
        for number, drawn in enumerate(_drawn(self.seed)[: self.size]):
            occupancy = Occupancy(tree(1, 1), [FIRST_ID + number], 0)
            machine = GeneratedMachine(
                drawn.seed, drawn.machine_id, drawn.host, drawn.model, 1, "verified", drawn.first_gpu, occupancy
            )
            machine._facts = dict(drawn.facts())
            found.append(machine)
        return found

    def saved(self) -> dict[str, Any]:
        """These worlds are never saved."""
        raise NotImplementedError


@lru_cache(maxsize=MARKETS)
def _drawn(seed: int) -> tuple[GeneratedMachine, ...]:
    rng = random.Random(int.from_bytes(digest("tiny", seed)[:8], "big"))
    found = []
    for number in range(40):
        host = drawn_host(rng, 1_000 + number // 2)._replace(favourite=MODEL, size=1, standing="verified")
        machine = None
        while machine is None or machine.model is not MODEL:
            machine = drawn_machine(rng, seed, 2_000 + number, host, 90_000 + number, "verified")
        machine.count = 1
        machine.facts()
        found.append(machine)
    return tuple(found)
