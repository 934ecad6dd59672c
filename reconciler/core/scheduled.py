"""What a schedule has to do with the actions of a plan, in words."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.diff import FleetDiff
from reconciler.core.plan import Action, Create, Destroy, FleetPlan
from reconciler.core.planner import NOTHING_THERE
from reconciler.core.timing import decide


def with_schedule(plan: FleetPlan, part: FleetDiff, now: float) -> FleetPlan:
    """The plan of a fleet, what comes or goes by its schedule with the window that says so."""
    schedule = part.fleet.schedule
    if schedule is None:
        return plan
    found, surplus = decide(schedule, now), {member.id for member in part.surplus}
    if found.replicas != part.fleet.replicas:  # A window began or ended while this pass was reading.
        return plan

    def said(action: Action) -> Action:
        goes = isinstance(action, Destroy) and action.old.id in surplus
        empty = isinstance(action, Create) and action.reason == NOTHING_THERE
        if goes or (empty and action.seat.index >= schedule.otherwise):
            return replace(action, reason=f"{action.reason}: {found.why}")
        return action

    return replace(plan, actions=tuple(map(said, plan.actions)))
