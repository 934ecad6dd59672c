"""Another configuration for an instance, and a snapshot of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Answer, answer, refusal
from reconciler.simulator.incoming import contract_of
from reconciler.simulator.instances import instance
from reconciler.simulator.templates import completed

if TYPE_CHECKING:
    from reconciler.simulator.contracts import Contract
    from reconciler.simulator.incoming import Request
    from reconciler.simulator.world import World

_FORMS: dict[str, type] = {"image": str, "onstart": str, "env": dict, "template_hash_id": str}


def update_template(world: World, request: Request) -> Answer:
    """Change image, environment, start script or template; the container takes them over when it is made anew."""
    contract = contract_of(world, request)
    given = {name: value for name, value in request.body.items() if name in _FORMS and value is not None}
    if any(not isinstance(value, _FORMS[name]) or not value for name, value in given.items()):
        raise refusal(400, "invalid_args", "error 400/1782: Invalid args: invalid json")
    _take_over(contract, completed(given))
    return answer(
        {"success": True, "updated_instance": instance(contract, world.now, world.seed, world.reached.get(contract.id))}
    )


def take_snapshot(world: World, request: Request) -> Answer:
    """Accept the wish for a snapshot. The official client names the id twice, which the server refuses."""
    if "id" in request.body:
        raise refusal(400, "invalid_args", "params duplicated in URL and body: ['id']")
    contract_of(world, request)
    return answer({"success": True, "msg": "Snapshot scheduled."})


def _take_over(contract: Contract, given: dict[str, Any]) -> None:
    contract.image = given.get("image", contract.image)
    contract.onstart = given.get("onstart", contract.onstart)
    contract.template = given.get("template_hash_id", contract.template)
    if "env" in given:
        contract.env = [[str(name), str(value)] for name, value in given["env"].items()]
