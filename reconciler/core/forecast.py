"""How long a plan takes, roughly: one reckoning for a fleet's rollout and for all that apply does."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.plan import Action, Create, FleetPlan, Plan, Replace

RENT_S = 4.5
"""The account takes one rent in so many seconds."""
BOOT_S = 180.0
STEP_S = 240.0
"""What a step of one instance takes: the rent, a boot, the end of the old instance and the proof of it."""


def steps_of(plan: FleetPlan) -> int:
    """How many steps a rollout has left. Before a canary is ready, its own comes first, and has one seat."""
    canary, size = plan.canary, plan.fleet.step
    tried = min(plan.drifted, int(canary is not None and canary.left_s is None))
    return tried - (tried - plan.drifted) // size


def rollout_s(plan: FleetPlan) -> float:
    """How long what is left of a fleet's rollout takes, with what is left of its canary's time; 0 where nothing of it
    is to come."""
    if not any(map(_is_step, plan.actions)):
        return 0.0
    step_s = max(STEP_S, RENT_S * min(plan.fleet.step, plan.drifted) + BOOT_S)
    return steps_of(plan) * step_s + _canary_s(plan)


def _is_step(action: Action) -> bool:
    """Whether it belongs to a rollout: what is only cheaper does not."""
    return isinstance(action, Replace) and action.asked and action.trial is None


def _canary_s(plan: FleetPlan) -> float:
    """How long the canary must still be ready before others follow; 0 where none does."""
    canary = plan.canary
    if canary is None or (canary.seat is None and plan.drifted < 2):
        return 0.0
    return (plan.fleet.rollout.canary_s or 0.0) if canary.left_s is None else canary.left_s


def apply_s(plan: Plan) -> float:
    """How long apply takes until all that the plan rents is ready; 0 where it rents nothing. Fleets go on side by side,
    and so do their rents, but for the steps of a rollout and for candidates for a cheaper place."""
    rents = [action for action in plan.actions() if isinstance(action, Create | Replace)]
    if not rents:
        return 0.0
    others = [action for action in rents if not _is_step(action)]
    waits = max((action.wait.seconds or 0.0 for action in others if action.wait), default=0.0)
    at_once = [waits + RENT_S * len(others) + BOOT_S] if others else []
    return max([*at_once, *(plan.rents_wait_s + one_by_one for one_by_one in _in_turn(plan))])


def _in_turn(plan: Plan) -> Iterator[float]:
    for fleet in plan.fleets:
        yield rollout_s(fleet)
        yield STEP_S * sum(isinstance(action, Replace) and action.trial is not None for action in fleet.actions)
