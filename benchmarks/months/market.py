"""What is for sale, in full: every offer that a fleet may have at a moment, and which of them would really work."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from reconciler.core.bids import priced
from reconciler.core.candidates import Appraiser
from reconciler.core.model import Blacklist, Container, Fleet, Gpu, Price
from reconciler.core.offer import Offer
from reconciler.core.rental import ON_DEMAND, Rental
from reconciler.simulator.boots import machines_failure
from reconciler.simulator.generated import GeneratedMachine
from reconciler.simulator.market import Ask
from reconciler.simulator.outages import outage_at
from reconciler.simulator.rivals import rival
from reconciler.simulator.world import World
from reconciler.vast.decode import decode
from reconciler.vast.offers import offers

MODELS = ("RTX 3060", "RTX 3090")
IMAGE = "ghcr.io/acme/june:1"
NAME = "june"
CAP = Decimal("0.5")
AT_A_TIME = 32
"""So many rows are read at once: mostly the first ones do."""


class Goods(NamedTuple):
    """One offer: its ask, its machine, and its all-in price in $/h."""

    ask: int
    machine: int
    price: float
    bid: float | None = None
    """The part of the price that is bid, without storage; None on demand."""


def fleet(replicas: int, rental: Rental = ON_DEMAND) -> Fleet:
    """The fleet of the month, with default rules but for how it rents."""
    container = Container(image=IMAGE, connect="ssh-direct")
    return Fleet(NAME, Gpu(MODELS), Price(CAP), container, replicas=replicas, rental=rental)


def working(world: World, want: Fleet) -> Iterator[Goods]:
    """The eligible offers whose machines are there and get containers to run, the cheapest first, one a machine. By
    bids: those whose bid, as the fleet's rule has it, wins now."""
    rows = sorted(_rows(world, want), key=lambda row: (row["dph_total"], row["machine_id"]))
    appraiser, found = Appraiser(want, Blacklist(), world.now), set[int]()
    for start in range(0, len(rows), AT_A_TIME):
        for offer in _read(rows[start : start + AT_A_TIME], bids=want.rental.interruptible):
            goods = _goods(want, offer)
            if goods.machine not in found and appraiser.judge.admits(offer) and _wins(world, goods, offer):
                found.add(goods.machine)
                yield goods


def _goods(want: Fleet, offer: Offer) -> Goods:
    cost = priced(want, offer)
    return Goods(offer.id, offer.machine_id, float(cost.price), None if cost.bid is None else float(cost.bid))


def _wins(world: World, goods: Goods, offer: Offer) -> bool:
    """Whether nobody bids more; that the host takes the bid is the judge's matter."""
    if offer.least_bid is None:
        return True
    highest = float(offer.least_bid) * rival(world.seed, offer.machine_id, world.now)
    return goods.bid is not None and goods.bid > highest


def _read(rows: Sequence[dict[str, Any]], *, bids: bool) -> Sequence[Offer]:
    answer = decode(json.dumps({"offers": [{**row, "score": 1.0} for row in rows]}).encode())
    return offers(answer["offers"], for_bids=bids)  # type: ignore[index]


def _rows(world: World, want: Fleet) -> Iterator[dict[str, Any]]:
    """Every rentable ask with the fleet's cards in its number, on a machine that works."""
    market, bid = world.market(), want.rental.interruptible
    for machine in market.machines:
        if not isinstance(machine, GeneratedMachine) or not _may_fit(machine, want):
            continue
        held = machine.occupancy
        fitting = [position for position in held.free() if held.masks[position].bit_count() == want.gpu.count]
        if fitting and _works(world, machine.machine_id):
            rows = (market.row(Ask(machine, each), world.now, want.container.disk_gb, bid=bid) for each in fitting)
            yield from (row for row in rows if row["rentable"])


def _may_fit(machine: GeneratedMachine, want: Fleet) -> bool:
    """What can be told without making a row: the judge looks at the rest."""
    if "verified" in want.host.require and machine.verification != "verified":
        return False
    return machine.model.name in want.gpu.models


def _works(world: World, machine_id: int) -> bool:
    return not _fails(world.seed, machine_id) and outage_at(world.seed, machine_id, world.now) is None


@lru_cache(maxsize=100_000)
def _fails(seed: int, machine_id: int) -> bool:
    return bool(machines_failure(seed, machine_id))
