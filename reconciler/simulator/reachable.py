"""What the doors of an instance need to know of it, as plain values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from reconciler.simulator.instances import published
from reconciler.simulator.keys import accepted
from reconciler.simulator.nvidia import Gpus

if TYPE_CHECKING:
    from reconciler.simulator.contracts import Contract
    from reconciler.simulator.lies import Lie
    from reconciler.simulator.world import World

_TOUCHED = re.compile(r"\btouch\s+([^\s;&|]+)")
_ALWAYS_THERE = ("/etc/environment", "/root/.ssh/authorized_keys")


class Facts(NamedTuple):
    """One instance as its doors see it. Plain values: the doors live in another thread than the world."""

    run: float | None
    """When this run of its container began; None while there is none."""
    shell: bool
    """Whether it has an SSH server at all."""
    ports: tuple[str, ...]
    """The published TCP ports by their docker names."""
    keys: tuple[str, ...]
    gpus: Gpus
    files: frozenset[str]
    identity: tuple[object, ...]
    """What its host key comes from."""
    lie: Lie | None


def facts(world: World, contract: Contract, lie: Lie | None) -> Facts:
    """The present facts of an instance."""
    return Facts(
        run=contract.runs if contract.status(world.now) == "running" else None,
        shell=contract.runtype != "args",
        ports=tuple(name for name in published(contract) if name.endswith("/tcp")),
        keys=tuple(key["public_key"] for key in accepted(world, contract)),
        gpus=_gpus(contract),
        files=_files(contract),
        identity=(world.seed, "host key", contract.id),
        lie=lie,
    )


def _gpus(contract: Contract) -> Gpus:
    terms = contract.terms
    return Gpus(
        name=str(terms["gpu_name"]),
        number=int(terms["num_gpus"]),
        memory=int(terms["gpu_ram"] or 0),
        driver=str(terms.get("driver_version") or "570.133.07"),
        cuda=float(terms.get("cuda_max_good") or 12.8),
        watts=float(terms.get("gpu_max_power") or 300),
        machine=contract.machine_id,
    )


def _files(contract: Contract) -> frozenset[str]:
    """The start script, and whatever it touches."""
    script = contract.onstart or ""
    own = ("/root/onstart.sh",) if script else ()
    return frozenset((*_ALWAYS_THERE, *own, *(path.strip("'\"") for path in _TOUCHED.findall(script))))
