"""Who is on a generated market, and what each machine goes through: coming, living, dropping off, leaving."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from reconciler.simulator.arrivals import DAY, newcomers, stay
from reconciler.simulator.generate import generated
from reconciler.simulator.generated import GeneratedMachine
from reconciler.simulator.movement import happens, live, settle_in
from reconciler.simulator.outages import next_change, outage_at

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from reconciler.simulator.laws import Laws
    from reconciler.simulator.machines import Machine


class Lives:
    """The lives of all machines of one market, from the moment at which it began."""

    def __init__(self, seed: int, begun: float, laws: Laws) -> None:
        self._seed = seed
        self._begun = begun
        self._laws = laws
        self._day = 0
        """The first day whose newcomers may not all be on the market yet."""
        self._quiet = begun
        """Before this moment nobody comes."""

    def begin(self, machines: Iterable[Machine]) -> None:
        """Let the lives of the first machines begin."""
        for machine in machines:
            if isinstance(machine, GeneratedMachine):
                machine.arrived = self._begun
                self._settle_in(machine)

    def newcomers(self, now: float, known: Collection[int]) -> Iterator[GeneratedMachine]:
        """The machines that have come since this was last asked, and are still there."""
        if not self._laws.machines or now < self._quiet:
            return
        today = int((now - self._begun) // DAY)
        self._quiet = self._begun + DAY * (today + 1)
        for day in range(self._day, today + 1):
            for machine in newcomers(self._seed, self._begun, day, now, ()):
                if machine.arrived > now:
                    self._quiet = min(self._quiet, machine.arrived)
                elif machine.machine_id not in known:
                    self._settle_in(machine)
                    yield machine
        self._day = today

    def returning(self, now: float, wanted: Mapping[str, object]) -> Iterator[GeneratedMachine]:
        """The newcomers among the machines of a state file."""
        if not self._laws.machines:
            return
        numbers = {int(number) for number in wanted}
        for day in range(int((now - self._begun) // DAY) + 1):
            for machine in newcomers(self._seed, self._begun, day, math.inf, numbers):
                self._settle_in(machine)
                yield machine

    def live(self, machine: Machine, now: float) -> int:
        """Bring one machine up to date; gives the GPUs whose asks stand under new ids now."""
        if not isinstance(machine, GeneratedMachine):
            return 0
        if now >= machine.gone:  # whatever happened before nobody has seen
            machine.listed, machine.due = False, math.inf
            return 0
        renewed = live(machine, now, self._laws)
        if self._laws.outages:
            machine.listed = outage_at(self._seed, machine.machine_id, now) is None
            machine.back = next_change(self._seed, machine.machine_id, now)
        self.reschedule(machine)
        return renewed

    def reschedule(self, machine: Machine) -> None:
        """When something next happens to a machine."""
        if isinstance(machine, GeneratedMachine):
            machine.due = min(happens(machine, self._laws), machine.gone, machine.back)

    def _settle_in(self, machine: GeneratedMachine) -> None:
        settle_in(machine, self._laws)
        if self._laws.machines:
            machine.gone = machine.arrived + stay(self._seed, machine.machine_id)
        if self._laws.outages:
            machine.back = machine.arrived  # looked at as soon as somebody looks
        self.reschedule(machine)


@lru_cache(maxsize=4)
def _drawn(market: int, size: int, seed: int, begun: float, laws: Laws) -> tuple[Machine, ...]:
    machines = generated(market, size)
    Lives(seed, begun, laws).begin(machines)
    return tuple(machines)


def first_day(market: int, size: int, seed: int, begun: float, laws: Laws) -> list[Machine]:
    """The machines of a market of so many at the moment at which their lives begin. One process draws a market once,
    however many worlds it opens on it."""
    return [m.twin() if isinstance(m, GeneratedMachine) else m for m in _drawn(market, size, seed, begun, laws)]
