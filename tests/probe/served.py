"""What the tests of checks share: a served world whose instances can be reached, and probes of little patience."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import asyncssh
import httpx
from simulator.served import WorldClock, village

from reconciler.core.instance import Instance
from reconciler.core.model import Container, Port
from reconciler.core.offer import OfferQuery, RentOrder
from reconciler.core.readiness import Check, Finding, Target
from reconciler.probe.checks import MachineProbe
from reconciler.probe.key import LoginKey
from reconciler.probe.latency import public_or_loopback
from reconciler.probe.rounds import Manner
from reconciler.probe.visit import Patience
from reconciler.simulator.lies import Lie, Telling
from reconciler.simulator.server import SimulatorServer
from reconciler.simulator.shells import Shells
from reconciler.vast.client import Wire
from reconciler.vast.key import ApiKey
from reconciler.vast.pacing import Pacing
from reconciler.vast.provider import VastProvider

OURS, NOBODYS = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
SSH, GPU = Check("ssh"), Check("gpu")
TCP, HTTP = Check("tcp", port=8000), Check("http", port=8000, path="/healthz")
COMMAND = Check("command", run="test -f /root/ready")
ALL = (SSH, GPU, COMMAND, TCP, HTTP)
HASTE = Patience(connect_s=3.0, answer_s=3.0, target_s=6.0, call_s=20.0)
"""Bounds that nothing healthy comes near, even on a busy machine."""


def public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode()


def key_file(folder: Path, key: asyncssh.SSHKey = OURS) -> Path:
    path = folder / f"key-{public(key)[30:40].replace('/', '_')}"
    key.write_private_key(str(path))
    path.chmod(0o600)
    return path


def probe(key: Path | None = None, patience: Patience = HASTE, **options: object) -> MachineProbe:
    return MachineProbe(LoginKey(key), **{"allow": public_or_loopback, "manner": Manner(patience), **options})  # type: ignore[arg-type]


def target(instance: Instance, *checks: Check) -> Target:
    """As rented, by the instance's own row."""
    drivers = () if instance.driver is None else (instance.driver,)
    return Target(instance, checks, (str(instance.gpu_name),), instance.gpu_count or 1, instance.vram_mb, drivers)


def said(findings: tuple[Finding, ...]) -> list[str]:
    """`ssh pass`, `http fail: http 500`."""
    return [f"{one.check.kind} {one.verdict}" + (f": {one.cause}" if one.cause else "") for one in findings]


def look(by: MachineProbe, instance: Instance, *checks: Check) -> list[str]:
    return said(by.check([target(instance, *checks)])[instance.id])


@dataclass(frozen=True)
class Served:
    """A served world, and our client at it."""

    server: SimulatorServer
    provider: VastProvider

    def rented(self, gpus: int = 1, wait_s: float = 900, label: str = "a-label", **container: object) -> Instance:
        """An instance whose container runs, with port 8000 published."""
        query = OfferQuery(models=(), gpu_count=gpus, disk_gb=20, min_direct_ports=5)
        given = {"image": "acme/app:1", "disk_gb": 20, "connect": "ssh-direct", "ports": (Port(8000),), **container}
        before = {row.id for row in self.provider.instances().instances}
        order = RentOrder(self.provider.search(query).offers[0].id, label, Container(**given), {})  # type: ignore[arg-type]
        self.provider.rent(order)
        self.server.service.advance(wait_s)
        (made,) = (row for row in self.provider.instances().instances if row.id not in before)
        return made

    def again(self, instance: Instance) -> Instance:
        found = self.provider.instance(instance.id)
        assert isinstance(found, Instance)
        return found

    def lie(self, name: str | None, seconds: float = 0.0) -> None:
        shells = self.server.service.shells
        assert shells is not None
        shells.lies.tell(Telling(None, Lie(name, seconds) if name else None))
        self.server.service.follow()


@contextmanager
def served(*told: Telling) -> Iterator[Served]:
    """The world, which leaves neither thread nor socket behind; the account holds our key."""
    before = set(threading.enumerate())
    world = village()
    with (
        SimulatorServer(world, shells=Shells(told), limits=False) as server,
        httpx.HTTPTransport(trust_env=False, verify=False) as transport,
    ):
        clock = WorldClock(world)
        wire = Wire(key=ApiKey("a-key"), origin=server.url, clock=clock, pacing=Pacing(clock), transport=transport)
        provider = VastProvider(wire, clock)
        provider.add_ssh_key(public(OURS))
        yield Served(server, provider)
        assert server.service.failures == []
    assert set(threading.enumerate()) <= before
    gc.collect()  # A socket left open is a warning then, and a warning is an error.


def copies(instance: Instance, number: int) -> list[Instance]:
    """As many instances, all behind the same doors."""
    return [replace(instance, id=10_000 + each) for each in range(number)]
