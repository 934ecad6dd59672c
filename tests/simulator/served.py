"""What the tests of the server and of faults share: our client at either door, on a clock that never really waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from reconciler.core.model import Container
from reconciler.core.offer import OfferQuery, RentOrder
from reconciler.simulator.faults import parse
from reconciler.simulator.faulty import FaultyDoor
from reconciler.simulator.origin import Generated
from reconciler.simulator.server import SimulatorServer
from reconciler.simulator.simulation import begun
from reconciler.simulator.transport import SimulatedTransport
from reconciler.simulator.world import World
from reconciler.vast.client import Wire
from reconciler.vast.key import ApiKey
from reconciler.vast.pacing import Pacing
from reconciler.vast.provider import VastProvider

IN_PROCESS, OVER_HTTP = DOORS = ("in process", "over HTTP")
LABEL = "rc1/o/f/0/aaaaaaaa/bbbbbbbb/cccc"
QUERY = OfferQuery(models=(), gpu_count=1, disk_gb=20)


VILLAGE = 300
"""Machines: a market small enough to be made for every test."""


def village(seed: int | None = None) -> World:
    world = begun(None, seed)
    world.origin = Generated(world.seed, VILLAGE)
    return world


class WorldClock:
    """The world's own time; a wait lets it pass at once."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> float:
        return self._world.now

    def sleep(self, seconds: float) -> None:
        self._world.advance(max(0.0, seconds))


def order(offer_id: int) -> RentOrder:
    container = Container(image="ghcr.io/acme/june:1", disk_gb=20, connect="ssh-direct")
    return RentOrder(offer_id=offer_id, label=LABEL, container=container, env={})


class Client:
    """Our provider at a world, and the switch of the world's faults."""

    def __init__(self, world: World, provider: VastProvider, door: FaultyDoor) -> None:
        self.world = world
        self.provider = provider
        self.door = door

    def fail(self, *entries: object) -> None:
        self.door.install(parse(list(entries)))

    def rent(self) -> object:
        """One attempt, on the cheapest offer; None where nothing is offered."""
        offers = self.provider.search(QUERY).offers
        return self.provider.rent(order(offers[0].id)) if offers else None

    def rented(self) -> int:
        """An instance whose container runs."""
        before = set(self.world.contracts)
        self.rent()
        self.world.advance(600)
        (made,) = set(self.world.contracts) - before
        return made


@contextmanager
def client(kind: str, world: World | None = None) -> Iterator[Client]:
    """Our client in the same process, or over a real socket."""
    world = world or village()
    if kind == OVER_HTTP:
        with SimulatorServer(world) as server, httpx.HTTPTransport(trust_env=False, verify=False) as transport:
            yield _client(world, server.url, transport, server.service.door)
            assert server.service.failures == []
    else:
        door = FaultyDoor(world)
        yield _client(world, "http://127.0.0.1", SimulatedTransport(world, door), door)


def _client(world: World, url: str, transport: httpx.BaseTransport, door: FaultyDoor) -> Client:
    clock = WorldClock(world)
    wire = Wire(
        key=ApiKey("a-key-of-tests"),
        origin=url,
        clock=clock,
        pacing=Pacing(clock),
        transport=transport,
        jitter=lambda: 1.0,
    )
    return Client(world, VastProvider(wire, clock), door)
