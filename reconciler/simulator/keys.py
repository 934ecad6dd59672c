"""SSH keys: the account's, and which of them an instance accepts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reconciler.simulator.account import date_text
from reconciler.simulator.answers import Answer, answer, refusal
from reconciler.simulator.incoming import contract_of

if TYPE_CHECKING:
    from reconciler.simulator.contracts import Contract
    from reconciler.simulator.incoming import Request
    from reconciler.simulator.world import World

ACCOUNT = 704117
"""The id of the account that every simulated world has."""

LONGEST_KEY = 16384


def listed(world: World, _request: Request) -> Answer:
    """All keys of the account as a bare array; 404 when there are none."""
    found = [_shown(key) for key in _present(world)]
    return answer(found) if found else answer({"success": False, "msg": "No SSH keys found for the user."}, 404)


def added(world: World, request: Request) -> Answer:
    """A new key. It reaches the instances that are created from now on, not those that run."""
    return answer({"success": True, "key": _shown(_new(world, _text(request)))})


def changed(world: World, request: Request) -> Answer:
    """Another text under the same id."""
    key = _key(world, request.ids[0])
    key["public_key"] = _text(request)
    return answer({"success": True, "key": _shown(key)})


def deleted(world: World, request: Request) -> Answer:
    """The account forgets a key; instances keep it."""
    _key(world, request.ids[0])["deleted"] = world.now
    return answer({"success": True})


def of_instance(world: World, request: Request) -> Answer:
    """The keys that an instance accepts, as a JSON text inside the JSON."""
    found = [_shown(key) for key in accepted(world, contract_of(world, request))]
    return answer({"success": True, "ssh_keys": json.dumps(found)})


def attached(world: World, request: Request) -> Answer:
    """Let an instance accept a key; the account takes a new one as its own."""
    contract = contract_of(world, request)
    text = _text(request)
    key = next((one for one in _present(world) if one["public_key"].strip() == text.strip()), None)
    _mark(world, contract, key or _new(world, text), True)
    return answer({"success": True, "msg": "SSH key attached successfully"})


def detached(world: World, request: Request) -> Answer:
    """An instance accepts a key no longer."""
    contract = contract_of(world, request)
    key = next((one for one in accepted(world, contract) if one["id"] == request.ids[1]), None)
    if key is None:
        raise refusal(404, "no_such_ssh_key", f"SSH key {request.ids[1]} not found on instance {contract.id}.")
    _mark(world, contract, key, False)
    return answer({"success": True, "msg": "SSH key removed from instance."})


def accepted(world: World, contract: Contract) -> list[dict[str, Any]]:
    """The keys an instance accepts: the account's when it was created (none for `args`), and what was done since."""
    marks = world.account.attached.get(str(contract.id), {})
    return [key for key in world.account.keys if marks.get(str(key["id"]), _had(contract, key))]


def _had(contract: Contract, key: dict[str, Any]) -> bool:
    present = key["created"] <= contract.created and (key["deleted"] is None or key["deleted"] > contract.created)
    return present and contract.runtype != "args"


def _mark(world: World, contract: Contract, key: dict[str, Any], wanted: bool) -> None:
    world.account.attached.setdefault(str(contract.id), {})[str(key["id"])] = wanted


def _present(world: World) -> list[dict[str, Any]]:
    return [key for key in world.account.keys if key["deleted"] is None]


def _key(world: World, key_id: int) -> dict[str, Any]:
    for key in _present(world):
        if key["id"] == key_id:
            return key
    raise refusal(400, "no_ssh_key", "SSH key not found")


def _new(world: World, text: str) -> dict[str, Any]:
    key = {"id": len(world.account.keys) + 1, "public_key": text, "created": world.now, "deleted": None}
    world.account.keys.append(key)
    return key


def _text(request: Request) -> str:
    text = request.body.get("ssh_key")
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_KEY:
        raise refusal(400, "no_ssh_key", "No SSH key provided.")
    return text


def _shown(key: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": key["id"],
        "user_id": ACCOUNT,
        "public_key": key["public_key"],
        "created_at": date_text(key["created"]),
        "deleted_at": None if key["deleted"] is None else date_text(key["deleted"]),
    }
