"""Contracts that stand on a bid: when it wins, how one is displaced, and how one comes back by itself.

Whoever pays the full price beats every bid; among bids the highest wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import WrongUsage
from reconciler.simulator.rivals import rival
from reconciler.simulator.rng import fraction

if TYPE_CHECKING:
    from reconciler.simulator.contracts import Contract
    from reconciler.simulator.world import World

MORE = 1.02
"""A bid chosen for the client stands so much over the highest other one."""

LINGERING = (10.0, 170.0)
"""Seconds for which a displaced container reads as before."""


def to_beat(world: World, contract: Contract) -> float:
    """The highest other bid for the GPUs of a contract; zero without one."""
    if not world.laws.rivals:
        return contract.rival
    moving = float(contract.terms["min_bid"]) * rival(world.seed, contract.machine_id, world.now)
    return max(contract.rival, moving)


def winning(world: World, contract: Contract) -> float:
    """A bid that wins now."""
    return max(float(contract.terms["min_bid"]), to_beat(world, contract) * MORE)


def wins(world: World, contract: Contract) -> bool:
    """Whether the contract's bid is the best; one at the full price has no bid and always is."""
    if contract.bid is None:
        return True
    return contract.bid >= contract.terms["min_bid"] and contract.bid > to_beat(world, contract)


def contest(world: World, contract: Contract) -> None:
    """See whether a running contract keeps its GPUs, and displace it where it does not."""
    if contract.bid is None or contract.current != "running":
        return
    machine = world.machine(contract)
    if machine.occupancy.taken & contract.mask:
        displace(world, contract)
    elif not wins(world, contract):
        displace(world, contract, by_rival=contract.bid >= contract.terms["min_bid"])


def outdo(world: World, contract: Contract) -> None:
    """By hand: a rival bids a little more for the contract's GPUs, and goes on bidding that."""
    if contract.bid is None:
        raise WrongUsage(f"instance {contract.id} is rented on demand, and nobody can outbid it")
    contract.rival = max(to_beat(world, contract), contract.bid) * MORE
    contest(world, contract)


def displace(world: World, contract: Contract, *, by_rival: bool = False) -> None:
    """The contract loses its GPUs and waits; its status follows late."""
    least, most = LINGERING
    lag = least + (most - least) * fraction(world.seed, "lingers", contract.id, world.now)
    market = world.unmoved_market()
    contract.halt(world.now, lag)
    market.let_go(contract.machine_id, contract.mask)
    if by_rival:
        market.give(contract.machine_id, contract.mask, taken=True)
    contract.outbid, contract.displaced = True, by_rival


def retry(world: World, contract: Contract) -> bool:
    """Let a waiting contract run when its GPUs are free, or held by a rival whom its bid beats."""
    ends = contract.terms["end_date"] <= world.now
    if world.credit <= 0 or ends or contract.fault == "offline" or not wins(world, contract):
        return False
    world.machine(contract)
    market = world.unmoved_market()
    if contract.displaced:
        market.give(contract.machine_id, contract.mask, taken=False)
        contract.displaced = False
    if not market.hold_again(contract.machine_id, contract.mask, soft=contract.bid is not None):
        return False
    contract.begin(world.seed, world.now, world.laws)
    return True
