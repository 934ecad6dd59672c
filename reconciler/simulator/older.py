"""State files of the first version, brought to the form of the second."""

from __future__ import annotations

from typing import Any

from reconciler.simulator.account import Account
from reconciler.simulator.charges import Parts

GONE = ("spent",)
"""What a contract no longer says of itself."""


def upgraded(saved: dict[str, Any]) -> dict[str, Any]:
    """The same world; what its instances have cost so far stands in the ledger as one spell each."""
    now, credit = float(saved["now"]), float(saved["credit"])
    contracts = [dict(one) for one in saved["contracts"]]
    account = Account(now, credit + sum(one["spent"] for one in contracts))
    for one in contracts:
        begun, spent = min(float(one["created"]), now - 1), float(one["spent"])
        about = f"{one['terms']['num_gpus']}x {one['terms']['gpu_name']}, machine {one['terms']['machine_id']}"
        rates = Parts(spent * 3600 / (now - begun))
        account.charges.change(int(one["id"]), about, one["label"], rates, begun)
        account.charges.end(int(one["id"]), one["label"], now)
    return {
        **saved,
        "begun": now,
        "laws": {},
        "credit": [credit, now, 0.0, now if credit <= 0 else None],
        "account": account.saved(),
        "contracts": [{name: value for name, value in one.items() if name not in GONE} for one in contracts],
    }
