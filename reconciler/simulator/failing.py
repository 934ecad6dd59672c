"""Breaking an instance by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import WrongUsage
from reconciler.simulator.bidding import outdo

if TYPE_CHECKING:
    from reconciler.simulator.world import World

FAILURES = ("offline", "exited", "gone", "outbid")


def fail(world: World, instance_id: int, how: str) -> None:
    """Break an instance: its host goes `offline`, its container has `exited`, it is `gone` altogether, or a rival
    bids more than it."""
    contract = world.contracts.get(instance_id)
    if contract is None:
        raise WrongUsage(f"there is no instance {instance_id} in the simulated world")
    if how not in FAILURES:
        raise WrongUsage(f"an instance cannot fail as {how!r}", hint=f"one of {', '.join(FAILURES)}")
    if how == "gone":
        world.destroy(contract)
    elif how == "outbid":
        outdo(world, contract)
    else:
        contract.fail(how, world.now)
