"""The guard of `limits.budget_per_30_days`: it refuses rents that it could not carry on, and destroys nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from reconciler.core.budget import Room, Standing, Weight, money
from reconciler.core.guards import hold
from reconciler.core.model import Limits
from reconciler.core.plan import Destroy, Held, Plan
from reconciler.core.spend import rate_left, spent

GUARD = "30-day budget"


def guard_month(plan: Plan, limits: Limits, standing: Standing, spend: Mapping[int, Decimal], now: float) -> Plan:
    """The plan without the rents with which some 30 days that hold this hour would cost more than the budget.

    The past part of those 30 days counts as it was spent, the rest at the committed rate, each rent at its ceiling. The
    overlap of a step of a rollout passes, so it is not counted.
    """
    budget = limits.budget_per_30_days
    if budget is None:
        return plan
    left = rate_left(spend, budget, now)
    room = Room(standing.per_hour, left)
    rents = [
        action
        for fleet in sorted(plan.fleets, key=lambda f: (-f.fleet.priority, f.fleet.name))
        for action in fleet.actions
        if not isinstance(action, Destroy)
    ]
    refused = {id(action) for action in rents if not room.takes(action, Weight(money(action).lasting))}
    message = (
        f"${spent(spend, now).month:.2f} of ${budget:.2f} were spent in 30 days, which leaves"
        f" ${max(Decimal(0), left):.3f}/h from now on; ${standing.per_hour:.3f}/h are committed"
    )
    held = Held(GUARD, message, "limits.budget_per_30_days")
    return replace(plan, fleets=tuple(hold(fleet, held, lambda a: id(a) not in refused) for fleet in plan.fleets))
