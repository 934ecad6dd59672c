"""Hosts who ask for a higher price: what they offer to instances near the end of their term, and the answers.

Without an answer, or with a refusal, price and end date stay; with consent the new ones take over when the present
term ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Answer, answer, refusal
from reconciler.simulator.rng import fraction, whole

if TYPE_CHECKING:
    from reconciler.simulator.contracts import Contract
    from reconciler.simulator.incoming import Request
    from reconciler.simulator.world import World

DAY = 86400.0

NEAR = 3 * DAY
"""So long before the end a host asks."""

ASKERS = 0.5
"""Share of the hosts who ask."""

MORE = 1.15
LONGER = 30 * DAY


def pending(world: World, _request: Request) -> Answer:
    """All that wait for an answer."""
    rows = [_row(contract) for contract in _asked(world)]
    return answer({"success": True, "count": len(rows), "truncated": False, "pending_price_increases": rows})


def accept(world: World, request: Request) -> Answer:
    """Consent: the new price and end date take over when the present term ends."""
    contract = _answered(world, request)
    new = [float(contract.terms["dph_base"]) * MORE, float(contract.terms["end_date"]) + LONGER]
    world.account.extensions[str(contract.id)] = new
    return _done(world, request, contract)


def reject(world: World, request: Request) -> Answer:
    """Decline: the contract ends as agreed."""
    return _done(world, request, _answered(world, request))


def extended(world: World, contract: Contract) -> bool:
    """At the end of a term: whether a longer one takes over."""
    new = world.account.extensions.pop(str(contract.id), None)
    if new is not None:
        contract.terms = {**contract.terms, "dph_base": new[0], "end_date": new[1]}
    return new is not None


def _asked(world: World) -> list[Contract]:
    return [
        contract
        for contract in world.contracts.values()
        if 0 < contract.terms["end_date"] - world.now < NEAR
        and contract.bid is None
        and contract.id not in world.account.answered
        and fraction(world.seed, "asks for more", contract.machine_id) < ASKERS
    ]


def _number(contract: Contract) -> int:
    return whole("price increase", contract.id)


def _answered(world: World, request: Request) -> Contract:
    if set(request.body) != {"pending_price_increase_id"}:
        raise refusal(400, "invalid_args", "error 400/1782: Invalid args: pending_price_increase_id only")
    wanted = request.body["pending_price_increase_id"]
    for contract in _asked(world):
        if _number(contract) == wanted:
            return contract
    raise refusal(404, "no_pending_price_increase", "No pending price increase.")


def _done(world: World, request: Request, contract: Contract) -> Answer:
    world.account.answered.append(contract.id)
    return answer({"success": True, **request.body, "contract_id": contract.id})


def _row(contract: Contract) -> dict[str, Any]:
    old, end = float(contract.terms["dph_base"]) / 3600, contract.terms["end_date"]
    unchanged = ("disk_ram_costpersec", "bwu_cost", "bwd_cost", "platform_fee")
    return {
        "pending_price_increase_id": _number(contract),
        "contract_id": contract.id,
        "host_id": contract.terms["host_id"],
        "new_gpu_costpersec": old * MORE,
        "old_gpu_costpersec": old,
        **{f"{when}_{name}": None for when in ("new", "old") for name in unchanged},
        "contract_end_date": end,
        "ask_end_date": end + LONGER,
        "created_at": end - NEAR,
    }
