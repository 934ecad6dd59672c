"""People in the account: they stop, relabel, delete, and make instances whose labels are ours or nearly so."""

from __future__ import annotations

import copy

from builders import OWNER, fleet, label

from reconciler.core.label import Mark, read_label
from reconciler.simulator.contracts import Contract
from reconciler.simulator.renting import rent
from reconciler.simulator.world import World
from simulation.oracle import Oracle

BODY = {"client_id": "me", "image": "somebody/else:1", "disk": 10, "runtype": "ssh_direc"}


def strangers(world: World, oracle: Oracle, count: int) -> None:
    """Instances that were there before, under labels of other people."""
    for number in range(count):
        _made(world, oracle, f"not-ours-{number}")


def act(world: World, oracle: Oracle, what: str, pick: int) -> None:
    """One person does one thing to one of the instances, whosever it is."""
    ids = sorted(world.contracts)
    if what in ("look-alike", "near miss", "unlabelled"):
        ours = [c.label for c in world.contracts.values() if isinstance(read_label(c.label, OWNER), Mark)]
        _made(world, oracle, _like(what, ours[pick % len(ours)] if ours else None))
    elif ids:
        contract = world.contracts[ids[pick % len(ids)]]
        if what == "delete":
            oracle.struck(contract.id)
            world.destroy(contract)
        elif what == "stop":
            oracle.struck(contract.id)
            world.stop(contract)
        elif what == "relabel":
            oracle.struck(contract.id)
            contract.label = (None, "mine now", (contract.label or "x")[:-1])[pick % 3]
            oracle.relabelled(contract)


def _like(what: str, ours: str | None) -> str | None:
    """A label that is ours (a copy), nearly ours, or none."""
    copied = ours or label("fleet-0/0", fleet("fleet-0"))
    return {"look-alike": copied, "near miss": copied[:-1] + ("a" if copied[-1] != "a" else "b")}.get(what)


def _made(world: World, oracle: Oracle, text: str | None) -> Contract | None:
    """Rented by somebody on the web page."""
    free = [machine for machine in world.market().machines if machine.occupancy.free()]
    if not free:
        return None
    before = set(world.contracts)
    rent(world, free[0].occupancy.ids[0], {**copy.deepcopy(BODY), "label": text})
    contract = next(c for number, c in world.contracts.items() if number not in before)
    oracle.made_by_a_person(contract)
    return contract
