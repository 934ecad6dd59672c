"""What can be asked of the account and the market at large: the user, GPU names and types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Answer, answer, invalid_request
from reconciler.simulator.keys import ACCOUNT
from reconciler.simulator.tables import GPUS

if TYPE_CHECKING:
    from reconciler.simulator.incoming import Request
    from reconciler.simulator.world import World


def user(world: World, request: Request) -> Answer:
    """The account; the official client's old `?owner=me` is refused."""
    if "owner" in request.query:
        raise invalid_request("owner is not a valid parameter")
    return answer({
        "id": ACCOUNT,
        "email": "simulated@example.com",
        "username": "simulated",
        "fullname": "Simulated User",
        "credit": world.credit,
        "balance": 0,
        "balance_threshold": 0,
        "billed_expected": 0,
        "can_pay": True,
        "has_billing": True,
        "host_agreement_accepted": False,
        "key_id": 1,
        "sid": str(ACCOUNT),
        "ssh_key": None,
    })  # fmt: skip


def gpu_names(_world: World, _request: Request) -> Answer:
    """All GPU names."""
    return answer({"gpu_names": sorted(gpu.name for gpu in GPUS)})


def gpu_types(_world: World, _request: Request) -> Answer:
    """All GPU models with their memory."""
    types = [
        {"id": number, "canonical_name": gpu.name, "gpu_ram_mb": gpu.vram, "compute_cap": gpu.compute_cap}
        for number, gpu in enumerate(GPUS, 1)
    ]
    return answer({"success": True, "gpu_types": types})
