"""What is for sale, in full: every offer that a fleet may have at a moment, and which of them would really work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from reconciler.core.candidates import Appraiser
from reconciler.core.model import Blacklist, Container, Fleet, Gpu, Price
from reconciler.core.rental import ON_DEMAND, Rental
from reconciler.simulator.boots import machines_failure
from reconciler.simulator.generated import GeneratedMachine
from reconciler.simulator.market import Ask
from reconciler.simulator.outages import outage_at
from reconciler.simulator.world import World
from reconciler.vast.decode import decode
from reconciler.vast.offers import offers

MODELS = ("RTX 3060", "RTX 3090")
IMAGE = "ghcr.io/acme/june:1"
NAME = "june"
CAP = Decimal("0.5")


class Goods(NamedTuple):
    """One offer: its ask, its machine, and its all-in price in $/h."""

    ask: int
    machine: int
    price: float


def fleet(replicas: int, rental: Rental = ON_DEMAND) -> Fleet:
    """The fleet of the month, with default rules but for how it rents."""
    container = Container(image=IMAGE, connect="ssh-direct")
    return Fleet(NAME, Gpu(MODELS), Price(CAP), container, replicas=replicas, rental=rental)


def working(world: World, want: Fleet) -> list[Goods]:
    """The eligible offers whose machines are there and get containers to run, the cheapest first, one a machine."""
    rows = [row for row in _rows(world, want) if _works(world, row["machine_id"])]
    appraiser = Appraiser(want, Blacklist(), world.now)
    read = decode(json.dumps({"offers": [{**row, "score": 1.0} for row in rows]}).encode())
    found: dict[int, Goods] = {}
    for offer in offers(read["offers"]):  # type: ignore[index]
        if appraiser.judge.admits(offer):
            price = float(offer.price_per_hour(want.container.disk_gb))
            found.setdefault(offer.machine_id, Goods(offer.id, offer.machine_id, price))
    return sorted(found.values(), key=lambda goods: (goods.price, goods.machine))


def _rows(world: World, want: Fleet) -> Iterator[dict[str, Any]]:
    """Every rentable ask with the fleet's cards in its number."""
    market = world.market()
    for machine in market.machines:
        if machine.brief()["gpu_name"] not in want.gpu.models or not isinstance(machine, GeneratedMachine):
            continue
        for position in machine.occupancy.free():
            if machine.occupancy.masks[position].bit_count() == want.gpu.count:
                row = market.row(Ask(machine, position), world.now, want.container.disk_gb)
                if row["rentable"]:
                    yield row


def _works(world: World, machine_id: int) -> bool:
    return not machines_failure(world.seed, machine_id) and outage_at(world.seed, machine_id, world.now) is None
