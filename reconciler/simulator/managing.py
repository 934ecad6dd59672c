"""What can be done to one instance: show it, start, stop, label, bid, reboot, destroy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Answer, answer, no_such_instance, refusal
from reconciler.simulator.bidding import contest, retry, winning
from reconciler.simulator.conditions import number
from reconciler.simulator.instances import instance

if TYPE_CHECKING:
    from reconciler.simulator.contracts import Contract
    from reconciler.simulator.world import World

LONGEST_LABEL = 1024
LEAST_BID = 0.001
DEAREST_GPU = 32.0
"""The ceiling of a bid, $/h and GPU."""

QUEUED = "Required resources are currently unavailable, state change queued."


def show(world: World, instance_id: int) -> Answer:
    """One instance; an unknown or destroyed id is no error but null."""
    contract = world.contracts.get(instance_id)
    return answer(
        {"instances": instance(contract, world.now, world.seed, world.reached.get(contract.id)) if contract else None}
    )


def destroy(world: World, instance_id: int) -> Answer:
    """End a contract for good."""
    world.destroy(_contract(world, instance_id))
    return answer({"success": True, "msg": f"instance {instance_id} destroyed."})


def destroy_many(world: World, body: dict[str, Any]) -> Answer:
    """End several contracts; nothing happens when one of the ids is unknown."""
    contracts = [_contract(world, number) for number in _ids(body.get("instance_ids"))]
    for contract in contracts:
        world.destroy(contract)
    return answer({"success": True})


def manage(world: World, instance_id: int, body: dict[str, Any]) -> Answer:
    """Change the label or the state."""
    contract = _contract(world, instance_id)
    if "label" in body:
        return _label(contract, body["label"])
    return _state(world, contract, body.get("state"))


def manage_many(world: World, body: dict[str, Any]) -> Answer:
    """The same state for several instances."""
    replies = [_state(world, _contract(world, number), body.get("state")) for number in _ids(body.get("ids"))]
    return replies[-1] if replies else answer({"success": True})


def change_bid(world: World, instance_id: int, body: dict[str, Any]) -> Answer:
    """A new standing bid; without a price, the least that wins."""
    contract = world.contracts.get(instance_id)
    if contract is None or contract.bid is None:
        raise refusal(404, "no_such_instance", "Instance with that ID does not exist.")
    price = number(winning(world, contract) if body.get("price") is None else body["price"])
    if price is None or price < LEAST_BID:
        raise refusal(400, "invalid_args", f"Please set a bid price >= {LEAST_BID}.")
    if price > DEAREST_GPU * contract.terms["num_gpus"]:
        raise refusal(400, "invalid_args", f"Please set a bid price <= {DEAREST_GPU * contract.terms['num_gpus']}.")
    contract.bid = price
    contest(world, contract)
    if contract.outbid or contract.queued:
        retry(world, contract)
    return answer({"success": True})


def reboot(world: World, instance_id: int) -> Answer:
    """Stop and start the container without giving the GPUs away."""
    contract = _contract(world, instance_id)
    if contract.current == "running" and contract.fault != "offline":
        contract.first_boot = False
        contract.begin(world.seed, world.now, world.laws, "rebooting")
    return answer({"success": True})


def recycle(world: World, instance_id: int) -> Answer:
    """Make the container anew from a fresh pull of its image, without giving the GPUs away."""
    contract = _contract(world, instance_id)
    if contract.current == "running" and contract.fault != "offline":
        contract.first_boot = True
        contract.begin(world.seed, world.now, world.laws, "recycling")
    return answer({"success": True})


def _contract(world: World, instance_id: int) -> Contract:
    contract = world.contracts.get(instance_id)
    if contract is None:
        raise no_such_instance(instance_id)
    return contract


def _ids(ids: object) -> list[int]:
    if not isinstance(ids, list) or not all(isinstance(one, int) for one in ids):
        raise refusal(400, "invalid_args", "error 400/1782: Invalid args: ids")
    return ids


def _label(contract: Contract, label: object) -> Answer:
    if not isinstance(label, str):
        raise refusal(400, "invalid_args", "error 400/1782: Invalid args: label")
    if len(label) > LONGEST_LABEL:
        raise refusal(400, "label_too_long", "Please limit label length to 1024 characters, ideally less than 128.")
    contract.label = label or None
    return answer({"success": True, "msg": f"label for {contract.id} set to '{label}'"})


def _state(world: World, contract: Contract, state: object) -> Answer:
    if state == "stopped":
        world.stop(contract)
    elif state == "running":
        if world.credit <= 0:
            raise refusal(400, "insufficient_credit", "Your account lacks credit; see the billing page.")
        if not world.start(contract):
            return answer({"success": False, "error": "resources_unavailable", "msg": QUEUED})
    else:
        raise refusal(400, "invalid_args", f"error 400/1782: Invalid args: state {state}")
    return answer({"success": True})
