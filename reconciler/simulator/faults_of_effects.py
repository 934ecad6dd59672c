"""Faults of renting and destroying: what is made is not what was asked for, or the answer does not say what it is."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Answer, answer
from reconciler.simulator.door import Asked, Outcome
from reconciler.simulator.faults_of_the_wire import Action, rewritten, said
from reconciler.simulator.past import unlimited
from reconciler.simulator.scene import accepted

if TYPE_CHECKING:
    from reconciler.simulator.contracts import Contract
    from reconciler.simulator.scene import Scene
    from reconciler.simulator.world import World

DEARER = 1.5
"""The price of a contract over the offer's, where it is not what was offered."""


def no_such_ask(scene: Scene) -> Answer:
    """Somebody else has the offer."""
    number = f"error {scene.rule.status}/3603"
    msg = f"{number}: no_such_ask  Instance type by id {scene.number} is not available."
    word = "no_such_ask" if scene.rule.status == 410 else "invalid_args"
    return said(scene.rule.status, word, msg, ask_id=scene.number)


def bad_args(scene: Scene) -> Answer:
    """The arguments are refused."""
    return said(400, "invalid_args", "error 400/3467: Invalid args: image", ask_id=scene.number)


def rented(make: Callable[[Scene, dict[str, Any]], Outcome]) -> Action:
    """A fault that needs a contract made; where the engine refused, its refusal stands."""

    def act(scene: Scene) -> Outcome:
        reply = scene.real()
        content = accepted(reply)
        return Outcome(reply) if content is None else make(scene, content)

    return act


def made(change: Callable[[World, Contract], None]) -> Action:
    """A fault in the contract itself; the answer says nothing of it."""

    def act(scene: Scene) -> Outcome:
        reply = scene.real()
        content = accepted(reply)
        contract = scene.world.contracts.get(content["new_contract"]) if content else None
        if contract is not None:
            change(scene.world, contract)
        return Outcome(reply)

    return act


def refused_but_created(_scene: Scene, content: dict[str, Any]) -> Outcome:
    """A 400 that names the contract it made."""
    error = {"success": False, "error": "invalid_args", "msg": "error 400/3467: Invalid args"}
    return Outcome(answer({**error, "new_contract": content["new_contract"]}, 400))


def no_id(_scene: Scene, content: dict[str, Any]) -> Outcome:
    """Success without an id."""
    return rewritten({name: value for name, value in content.items() if name != "new_contract"})


def text_id(_scene: Scene, content: dict[str, Any]) -> Outcome:
    """The id as text."""
    return rewritten({**content, "new_contract": str(content["new_contract"])})


def offer_id(scene: Scene, content: dict[str, Any]) -> Outcome:
    """The offer's id in place of the contract's."""
    return rewritten({**content, "new_contract": scene.number})


def twice(scene: Scene, content: dict[str, Any]) -> Outcome:
    """The request is doubled below us: a second contract on a like offer, under the same label."""
    world, terms = scene.world, scene.world.contracts[content["new_contract"]].terms
    with unlimited(world):
        alike = _cheapest(scene, terms, "gpu_name", "num_gpus") or _cheapest(scene, terms, "num_gpus")
        for offer in alike:
            scene.asked._replace(path=f"/api/v0/asks/{offer['id']}/").to(world)
    return rewritten(content)


def _cheapest(scene: Scene, terms: dict[str, Any], *same: str) -> list[dict[str, Any]]:
    """The cheapest free offer that is like what was rented, if there is one."""
    alike = {name: {"eq": terms[name]} for name in same}
    wanted = {**alike, "verified": {"in": [True, False]}, "order": [["dph_total", "asc"]], "limit": 1}
    asked = Asked("POST", "/api/v0/bundles/", "", scene.asked.headers, json.dumps(wanted).encode())
    offers: list[dict[str, Any]] = json.loads(asked.to(scene.world).body).get("offers", [])
    return offers


def other_price(_world: World, contract: Contract) -> None:
    """It costs more than the offer said."""
    contract.terms = {**contract.terms, "dph_base": round(contract.terms["dph_base"] * DEARER, 6)}


def other_kind(_world: World, contract: Contract) -> None:
    """What was ordered on demand stands on a bid, and the other way round."""
    contract.bid = float(contract.terms["min_bid"]) if contract.bid is None else None


def label_cut(_world: World, contract: Contract) -> None:
    """Half of the label is lost."""
    contract.label = (contract.label or "")[: len(contract.label or "") // 2] or None


def label_dropped(_world: World, contract: Contract) -> None:
    """The label is lost."""
    contract.label = None


def dies(world: World, contract: Contract) -> None:
    """Its container ends at once."""
    contract.fail("exited", world.now)


def not_found(scene: Scene) -> Answer:
    """There is no such instance, it says, though there is."""
    return said(404, "no_such_instance", f"Instance {scene.number} not found.")


def not_successful(_scene: Scene) -> Answer:
    """Status 200 around a no."""
    return answer({"success": False, "error": "server_error", "msg": "Could not destroy the instance."})


def comes_back(scene: Scene) -> Outcome:
    """It is gone, and after some seconds it is back; destroyed again it stays away."""
    world, number = scene.world, scene.number
    kept = copy.copy(world.contracts.get(number))
    reply = scene.real()
    if kept is not None and number not in world.contracts and number not in scene.memory.returned:
        scene.memory.returned.add(number)
        world.later.append((world.now + scene.rule.seconds, lambda: _return(world, kept)))
    return Outcome(reply)


def _return(world: World, contract: Contract) -> None:
    if contract.current == "running" and not world.market().hold_again(contract.machine_id, contract.mask):
        contract.halt(world.now)
    world.contracts[contract.id] = contract


def still_listed(scene: Scene) -> Outcome:
    """It is gone, and the list goes on showing it for some seconds."""
    contract = copy.copy(scene.world.contracts.get(scene.number))
    reply = scene.real()
    if contract is not None and scene.number not in scene.world.contracts:
        scene.memory.ghosts[contract.id] = (scene.world.now + scene.rule.seconds, contract)
    return Outcome(reply)
