"""No credit: when it is used up, Vast.ai stops every instance. That is one failure, not one for each instance."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.evidence import Observation
from reconciler.core.plan import Plan
from reconciler.core.states import State, state_of


def no_credit(observation: Observation) -> str | None:
    """What is to be said where the account has no credit left and all of its instances are stopped."""
    account, there = observation.account, observation.instances
    if account is None or account.credit > 0 or not there:
        return None
    if any(state_of(instance) not in (State.HELD, State.QUEUED, State.OUTBID) for instance in there):
        return None
    return (
        f"no credit: ${account.credit:.2f} is left and all {len(there)} instances of the account are stopped;"
        " nothing is changed, nor started when there is credit again: add credit, then start them at Vast.ai"
    )


def without_credit(plan: Plan, observation: Observation) -> Plan:
    """The plan that does nothing about an account without credit but say so."""
    why = no_credit(observation)
    if why is None:
        return plan
    fleets = tuple(replace(fleet, actions=(), unfilled=(), held=()) for fleet in plan.fleets)
    return replace(plan, fleets=fleets, pruned=(), resent=(), held=(), problems=(why,))
