"""What a debut means for one fleet's plan: what goes without a successor, which rents wait, what is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconciler.core.canary import AT_REST
from reconciler.core.debut import AT_ONCE, Debut, Failure, condemned, said, with_failures
from reconciler.core.diff import FleetDiff, Member
from reconciler.core.fields import spec_hash
from reconciler.core.health import never_ran
from reconciler.core.plan import Action, Destroy, FleetPlan, Held, Wait
from reconciler.core.states import State

GUARD = "failed spec"
ON_TRIAL = "until one of the first is ready"
"""The reason of a wait for a spec that nobody has seen run yet."""


def is_condemned(part: FleetDiff) -> bool:
    """Whether nothing more is rented for the spec as it is, by what is remembered and what this reading shows."""
    return bool(condemned(_now(part)))


def tried(part: FleetDiff) -> frozenset[int]:
    """Machines on which a spec that nobody has seen run yet has failed: another one tells more."""
    return frozenset(each.machine_id for each in _now(part).failures)


def doomed(part: FleetDiff) -> frozenset[int]:
    """Instances that were never ready, in a fleet whose spec is condemned: none of them is replaced."""
    return frozenset(m.id for m in _never_ready(part)) if is_condemned(part) else frozenset()


def _now(part: FleetDiff) -> Debut:
    """The debut with the failures of this very reading."""
    if _is_proved(part):
        return Debut(proved=True)
    failures = (
        Failure(m.instance.machine_id, m.fault.cause, 0.0)
        for m in _never_ready(part)
        if m.fault is not None and m.instance.machine_id is not None
    )
    return with_failures(part.debut, failures)


def _is_proved(part: FleetDiff) -> bool:
    return part.debut.proved or any(m.state is State.READY for m in _of_this_spec(part))


def _of_this_spec(part: FleetDiff) -> Iterator[Member]:
    """The instances of the spec as it is; an adopted one carries its hash and was never rented by it."""
    current = spec_hash(part.fleet)
    leaving = {item.id for item in part.leaving()}
    return (m for m in part.members() if m.mark.spec_hash == current and not m.mark.adopted and m.id not in leaving)


def _never_ready(part: FleetDiff) -> list[Member]:
    """Those that are condemned for not coming up; of a dead host nothing follows for the spec."""
    return [
        m
        for m in _of_this_spec(part)
        if m.fault is not None and m.fault.booting and m.fault.has_log and m.fault.grace_left_s <= 0
    ]


def with_debut_waits(plan: FleetPlan, part: FleetDiff) -> FleetPlan:
    """Of a spec that was never ready only two instances are on their way at a time, and one once a machine has failed:
    the second one's fate is awaited before there is a third."""
    if _is_proved(part):
        return plan
    coming = sum(_is_coming(m) for m in _of_this_spec(part)) + len(part.intents())
    at_once = 1 if _now(part).failures else AT_ONCE
    return replace(plan, actions=tuple(_waiting(plan.actions, at_once - coming)))


def _is_coming(member: Member) -> bool:
    """Whether it may yet be ready. What rests may rest for ever; but one that was stopped before it ran is waited for
    as long as a boot takes: so looks a host that gives up, or an image that fails everywhere."""
    gave_up = member.state is State.HELD and member.health is not None and never_ran(member.health)
    return not member.condemned and (gave_up or member.state not in AT_REST)


def _waiting(actions: Iterable[Action], room: int) -> Iterator[Action]:
    for action in actions:
        if isinstance(action, Destroy) or action.wait is not None:
            yield action
        elif room > 0:
            room -= 1
            yield action
        else:
            yield replace(action, wait=Wait(ON_TRIAL))


def refusal(part: FleetDiff) -> Held | None:
    """What is to be said of a condemned spec."""
    failures = condemned(_now(part))
    if not failures:
        return None
    name = part.fleet.name
    message = f"{said(name, failures)}{failures[0].cause}; reconcile logs {name}/INDEX shows what they said"
    return Held(GUARD, message, f"reconcile resume {name}, or a changed spec", name)
