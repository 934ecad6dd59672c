"""A probe for the simulated world: the verdicts follow from the world's truth, and waiting takes its time only.

As with the probe of real machines, what a look needs is imported by the first look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.readiness import Finding, Target
from reconciler.probe.known_hosts import KnownHosts

if TYPE_CHECKING:
    from reconciler.core.instance import Instance
    from reconciler.simulator.distances import Distances
    from reconciler.simulator.knocks import Knocks


@dataclass(slots=True)
class VirtualProbe:
    """As `MachineProbe` with a key that the account holds, without a socket."""

    distances: Distances
    door: Callable[[], Knocks]
    """Makes what knocks at the doors of the world's instances; called once."""
    hosts: KnownHosts = field(default_factory=KnownHosts)
    _knocks: Knocks | None = None

    def latency_ms(self, addresses: Sequence[str], timeout_s: float) -> Mapping[str, float]:
        """The round trip to each of the world's addresses that answers in time, in milliseconds."""
        return self.distances.latency_ms(addresses, timeout_s)

    def why_no_login(self) -> str | None:
        """The simulated account holds every key."""
        return None

    def controls(self, _instances: Sequence[Instance]) -> frozenset[str]:
        """Whoever is in the simulated world sees."""
        return frozenset(("",))

    def key_to_let_in(self) -> str | None:
        """It holds them already."""
        return None

    def why_no_key(self) -> str | None:
        """No key of this machine is used."""
        return None

    def check(self, targets: Sequence[Target]) -> Mapping[int, tuple[Finding, ...]]:
        """What the checks of each target say; the world's time passes as in the slowest look."""
        from reconciler.cli.virtual_look import Look
        from reconciler.probe.visit import Patience

        knocks = self._knocks = self._knocks or self.door()
        looks = [Look(knocks, self.hosts, Patience(), target) for target in targets]
        found = {look.target.instance.id: tuple(look.findings()) for look in looks}
        knocks.wait(max((look.spent for look in looks), default=0.0))
        return found
