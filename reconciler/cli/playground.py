"""A probe for a marketplace that is served on this very machine: most of its instances exist nowhere."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from contextlib import suppress

from reconciler.core.instance import Instance
from reconciler.core.readiness import Finding, Target
from reconciler.probe.checks import MachineProbe
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True)
class PlaygroundProbe:
    """As `MachineProbe` for the instances that are served here too. Of the others nothing can be seen: that they run
    must do."""

    machines: MachineProbe

    def latency_ms(self, addresses: Sequence[str], timeout_s: float) -> Mapping[str, float]:
        """The round trip to each address that answered within `timeout_s`, in milliseconds."""
        return self.machines.latency_ms(addresses, timeout_s)

    def why_no_login(self) -> str | None:
        """Without a key nobody logs in, where nothing is; but a rehearsal finds the mistake in one that is named."""
        return self.machines.why_no_key()

    def controls(self, instances: Sequence[Instance]) -> frozenset[str]:
        """As for real machines, of those that are here."""
        return self.machines.controls([instance for instance in instances if is_here(instance)])

    def key_to_let_in(self) -> str | None:
        """As for real machines."""
        return self.machines.key_to_let_in()

    def why_no_key(self) -> str | None:
        """As for real machines."""
        return self.machines.why_no_key()

    def check(self, targets: Sequence[Target]) -> Mapping[int, tuple[Finding, ...]]:
        """What the checks of each target say; nothing of one that is not here."""
        nothing: dict[int, tuple[Finding, ...]] = {target.instance.id: () for target in targets}
        return nothing | dict(self.machines.check([target for target in targets if is_here(target.instance)]))


def is_here(instance: Instance) -> bool:
    """Whether an instance is reached at an address of this machine."""
    doors = [endpoint for _, endpoint in instance.endpoints] + ([instance.ssh_direct] if instance.ssh_direct else [])
    return any(_is_loopback(door.host) for door in doors)


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False
