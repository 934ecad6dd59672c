"""What happens to a contract by itself, and when: it boots, its host drops off, its bid is beaten, its term ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.simulator.bidding import contest, retry
from reconciler.simulator.extending import extended
from reconciler.simulator.outages import DOUBT, address_after, leaves_exited, next_change, outage_at
from reconciler.simulator.rivals import stands_until

if TYPE_CHECKING:
    from reconciler.simulator.contracts import Contract
    from reconciler.simulator.world import World

KEPT = 48 * 3600.0
"""So long the disk of an ended contract is kept."""


def turns(world: World, contract: Contract) -> Iterator[float]:
    """Moments at which something may happen to a contract."""
    yield from (contract.reports, contract.runs, contract.gives_up)
    yield from (contract.terms["end_date"], contract.terms["end_date"] + KEPT)
    if world.laws.outages:
        yield next_change(world.seed, contract.machine_id, world.now)
    waits = contract.queued or contract.outbid
    if waits or (contract.bid is not None and contract.current == "running" and world.laws.rivals):
        yield world.machine(contract).due
        if contract.bid is not None and world.laws.rivals:
            yield stands_until(world.seed, contract.machine_id, world.now)


def turn(world: World, contract: Contract) -> None:
    """Let happen what is due now."""
    end = contract.terms["end_date"]
    if end <= world.now and not extended(world, contract):
        if world.now >= end + KEPT:
            world.destroy(contract)
            return
        if contract.intended == "running" or contract.outbid:
            world.stop(contract)
    if 0 < contract.gives_up <= world.now:
        world.stop(contract)
    if world.laws.outages:
        _host(world, contract)
    if world.laws.rivals:
        contest(world, contract)
    if contract.queued or contract.outbid:
        retry(world, contract)


def _host(world: World, contract: Contract) -> None:
    """Its host drops off, or comes back: elsewhere, where its address is not static, and not always all well."""
    outage = outage_at(world.seed, contract.machine_id, world.now)
    if outage is not None and contract.fault != "offline":
        contract.fail("offline", world.now)
        contract.lost, contract.doubtful = True, outage.start + DOUBT
    elif outage is None and contract.lost:
        contract.lost, contract.fault = False, None
        if contract.current == "running" and leaves_exited(world.seed, contract.machine_id, world.now):
            contract.fail("exited", world.now)
        if not contract.terms["static_ip"]:
            address = address_after(world.seed, contract.machine_id, world.now)
            contract.terms = {**contract.terms, "public_ipaddr": address}
