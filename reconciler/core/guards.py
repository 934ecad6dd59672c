"""Refuse the catastrophe: every guard takes planned actions and gives back what may stay and what it holds.

A guard says its numbers, and the one flag, field or command that lifts it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import field, replace
from decimal import ROUND_UP, Decimal

from reconciler.core import in_vain
from reconciler.core.budget import (
    Room,
    Spending,
    Standing,
    Weight,
    committed,
    fleet_budget,
    freed_by_then,
    is_later_step,
    money,
    number,
    old_first,
    over_cap,
)
from reconciler.core.diff import FleetDiff
from reconciler.core.instance import Account
from reconciler.core.model import Limits, Policy
from reconciler.core.plan import (
    SURPLUS_FIRST,
    Action,
    Create,
    Destroy,
    FleetPlan,
    Held,
    Plan,
    Replace,
    Update,
    Wait,
    is_unasked,
)
from reconciler.core.seat_guards import guard_seats
from reconciler.core.traces import Suspect
from reconciler.core.vanishing import CONFIRMED_AFTER_S, SUSPICIOUS_HOSTS, SUSPICIOUS_INSTANCES
from reconciler.values import dataclass

Unasked = Replace | Destroy
"""What may end an instance that nobody asked to end."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the command line lifts, and what this run has used up."""

    max_destroys: int | None = None
    beside: frozenset[str] = frozenset()
    """Owners whose fleets of the same name are accepted."""
    run_started_at: float = 0.0
    counted: bool = False
    """Exact numbers were compared when the run began; its later passes stay below them."""
    rents_done: int = 0
    approved: frozenset[int] = frozenset()
    """Destroys that a saved plan approved: asked for, so not limited by the share."""
    accept_gone: int | None = None
    """So many instances are believed to be gone, though that many at once are suspicious."""
    max_added: Decimal | None = None
    """What one run may add to what the fleets bill, in $/h."""
    added: Decimal = Decimal(0)
    """What this run has added already."""
    rented: frozenset[int] = frozenset()
    """Instances that this run rented: those of them that were never ready go, whatever their number."""
    unasked_before: Mapping[str, int] = field(default_factory=dict)
    """Unasked destroys of each fleet that count against this run as well: under `watch` those of ten minutes."""


def guard_fleet(plan: FleetPlan, part: FleetDiff, policy: Policy, allowed: Allowed) -> FleetPlan:
    """One fleet's plan with everything held back that a guard of the fleet refuses."""
    plan = guard_seats(plan, part, policy.limits)
    plan = _foreign(plan, part, allowed)
    plan = _unasked(plan, part, policy.limits, allowed)
    plan = _protected(plan, policy, allowed)
    return _fleet_budget(plan, part)


def hold(plan: FleetPlan, held: Held, keep: Callable[[Action], bool]) -> FleetPlan:
    """The plan without the actions that `keep` rejects; they stand in `held` instead."""
    out = tuple(a for a in plan.actions if not keep(a))
    if not out:
        return plan
    kept = tuple(a for a in plan.actions if keep(a))
    return replace(plan, actions=kept, held=(*plan.held, replace(held, fleet=plan.fleet.name, actions=out)))


def _hold_rents(plan: FleetPlan, held: Held, refused: Collection[int]) -> FleetPlan:
    """The plan without rents that are refused, by identity; what was never ready goes all the same."""
    out = tuple(a for a in plan.actions if id(a) in refused)
    if not out:
        return plan
    kept = (a for a in plan.actions if id(a) not in refused)
    held = replace(held, fleet=plan.fleet.name, actions=in_vain.rents(out))
    return replace(plan, actions=(*kept, *in_vain.ends(out)), held=(*plan.held, held))


def _foreign(plan: FleetPlan, part: FleetDiff, allowed: Allowed) -> FleetPlan:
    """A fleet without instances of ours, whose name lives under another owner, is not rented."""
    owner, name = part.foreign_owner, plan.fleet.name
    if owner is None or (owner in allowed.beside and not part.newer_labels) or plan.fleet.replicas == 0:
        return plan
    message = f"fleet {name} has no instance of ours, but owner {owner} has one of that name in this account"
    lift = f"--beside {owner}"
    if part.newer_labels:
        message, lift = f"fleet {name} has instances whose label is of another release", "upgrade vast-reconciler"
    kept = tuple(a for a in plan.actions if isinstance(a, Destroy))
    out = tuple(a for a in plan.actions if not isinstance(a, Destroy))
    held = Held("name under another owner", message, lift, name, out)
    return replace(plan, actions=kept, unfilled=(), held=(*plan.held, held))


def _unasked(plan: FleetPlan, part: FleetDiff, limits: Limits, allowed: Allowed) -> FleetPlan:
    """At most max(1, floor(share x n)) destroys that nobody asked for, the worst first. Successors beside the instances
    that they replace make no fleet larger."""
    repairs = sorted((a for a in plan.actions if isinstance(a, Unasked) and _counts(a, allowed)), key=_worst)
    live = len(part.members()) - sum(len(view.extras) for view in part.seats)
    lift = f"--max-destroys {len(repairs)}"
    limit = max(1, int(limits.max_unasked_destroy_share * live))
    message = f"{len(repairs)} of {live} instances are to be replaced unasked, at most {limit} in one run"
    if before := allowed.unasked_before.get(plan.fleet.name, 0):
        message, limit = f"{message}, and {before} went in the last ten minutes", max(0, limit - before)
    held = Held("unasked destroys", message, lift)
    if allowed.max_destroys is not None:
        limit = allowed.max_destroys
    elif suspects := _turned_together(repairs, allowed.run_started_at):
        hosts = len({a.old.instance.host_id for a in suspects})
        message = f"{len(suspects)} instances on {hosts} hosts turned bad in one reading: suspected, none is destroyed"
        limit, held = 0, Held("suspected reading", message, lift)
    waiting = {id(a) for a in repairs[limit:]}
    return hold(plan, held, lambda a: id(a) not in waiting)


def _counts(action: Unasked, allowed: Allowed) -> bool:
    """Whether a destroy is one that nobody asked for, and that the share limits."""
    old, ours = action.old, action.old.id in allowed.rented
    if old.id in allowed.approved or (ours and old.fault is not None and old.fault.booting):
        return False
    return not action.asked if isinstance(action, Replace) else action.unasked and not ours


def _worst(action: Unasked) -> tuple[bool, float, int]:
    """Past its grace before within it, then the longest in trouble."""
    fault = action.old.fault
    return (fault is not None and fault.grace_left_s > 0, fault.since if fault else 0.0, action.old.id)


def _turned_together(repairs: Iterable[Unasked], run_started_at: float) -> list[Unasked]:
    """Instances first seen bad in this run, when they are at least 3 on at least 2 hosts: the reading is suspected.
    What was never ready has not turned."""
    faults = ((a, a.old.fault) for a in repairs)
    fresh = [a for a, fault in faults if fault is not None and not fault.booting and fault.since >= run_started_at]
    hosts = {a.old.instance.host_id for a in fresh}
    return fresh if len(fresh) >= SUSPICIOUS_INSTANCES and len(hosts) >= SUSPICIOUS_HOSTS else []


def _protected(plan: FleetPlan, policy: Policy, allowed: Allowed) -> FleetPlan:
    """A protected fleet loses an instance only with the exact number named."""
    if plan.fleet.name not in policy.protect:
        return plan
    count = sum(isinstance(a, Replace | Destroy) for a in plan.actions)
    rest = allowed.counted and count < (allowed.max_destroys or 0)
    if count == 0 or allowed.max_destroys == count or rest:
        return plan
    message = f"fleet {plan.fleet.name} is protected, and {count} of its instances would be destroyed"
    return hold(plan, Held("protect", message, f"--max-destroys {count}"), lambda a: isinstance(a, Create | Update))


def _fleet_budget(plan: FleetPlan, part: FleetDiff) -> FleetPlan:
    """Live instances, open attempts and what is rented now stay within the fleet's budget.

    A replacement that fits only once the surplus is gone waits for that. Where a create-first step would break a
    written budget, that step is destroy-first, unless the fleet is short of an instance already. One that is not
    written counts every instance at the cap at most: after the cap was lowered it would leave no room for a step.
    """
    budget, written = fleet_budget(plan.fleet), plan.fleet.price.budget_per_hour is not None
    spent = committed(part) if written else committed(part) - over_cap(part)
    room = Room(spent, budget)
    later = Room(spent - freed_by_then(plan, part), budget)
    may_turn = written and all(view.keeper is not None and view.bucket != "unhealthy" for view in part.seats)
    surplus = {member.id for member in part.surplus}
    shrinks = any(isinstance(action, Destroy) and action.old.id in surplus for action in plan.actions)
    kept: list[Action] = []
    out: list[Action] = []
    for action in plan.actions:
        if isinstance(action, Destroy):
            kept.append(action)
            continue
        rooms = (later,) if is_later_step(action) else (room, later)
        if may_turn and isinstance(action, Replace) and not all(r.fits(action, money(action)) for r in rooms):
            action = old_first(action)
        weight = money(action) if written else money(action, at_most=plan.fleet.price.max_per_hour)
        if shrinks and isinstance(action, Replace) and room in rooms and not room.fits(action, weight):
            action, rooms = replace(action, wait=Wait(SURPLUS_FIRST)), (later,)
        if all(r.fits(action, weight) for r in rooms):
            kept.append(action)
            for each in rooms:
                each.takes(action, weight)
        else:
            out.append(action)
    changed = replace(plan, actions=(*kept, *in_vain.ends(out)))
    if not out:
        return changed
    lost = sum((t.ceiling for t in part.lost()), Decimal(0))
    doubt = f", ${lost:.3f}/h of them for attempts of the day that were never made" if lost else ""
    spent_text = f"${room.used:.3f}/h are committed{doubt}"
    message = f"{len(out)} more would exceed the fleet's budget of ${budget:.3f}/h ({spent_text})"
    held = Held("fleet budget", message, "price.budget_per_hour", plan.fleet.name, in_vain.rents(out))
    return replace(changed, held=(*changed.held, held))


# --- over all fleets ------------------------------------------------------------------------------


def guard_all(
    plan: Plan,
    limits: Limits,
    standing: Standing,
    account: Account | None,
    allowed: Allowed,
    *,
    protect: Collection[str] = (),
    suspects: Collection[Suspect] = (),
) -> Plan:
    """The whole plan with everything held back that the policy's limits refuse."""
    plan = _pruned(plan, protect, allowed)
    plan = _suspected(plan, suspects)
    if limits.rents_per_run is not None:
        message = f"at most {limits.rents_per_run} instances are rented in one run"
        held = Held("rents per run", message, "limits.rents_per_run")
        room = Room(Decimal(allowed.rents_done), Decimal(limits.rents_per_run))
        plan = _limit_rents(plan, room, lambda a: Weight(Decimal(not isinstance(a, Update))), held)
    if limits.max_instances is not None:
        message = f"the policy allows {limits.max_instances} instances, {standing.instances} are there"
        held = Held("instance count", message, "limits.max_instances")
        plan = _limit_rents(plan, Room(Decimal(standing.instances), Decimal(limits.max_instances)), number, held)
    if limits.budget_per_hour is not None:
        budget = limits.budget_per_hour
        message = f"the policy's budget is ${budget:.3f}/h, ${standing.per_hour:.3f}/h are committed"
        held = Held("policy budget", message, "limits.budget_per_hour")
        plan = _limit_rents(plan, Room(standing.per_hour, budget), money, held)
    plan = _added(plan, allowed)
    return _runway(plan, limits, standing, account)


def _pruned(plan: Plan, protect: Collection[str], allowed: Allowed) -> Plan:
    """What is pruned of a protected fleet goes only with the exact number named, as in `_protected`."""
    for name in sorted({a.seat.fleet for a in plan.pruned} & set(protect)):
        out = tuple(a for a in plan.pruned if a.seat.fleet == name)
        exact = allowed.max_destroys is not None and allowed.max_destroys == len(out)
        if not exact and not (allowed.counted and allowed.max_destroys is not None):
            message = f"fleet {name} is protected, and {len(out)} of its instances would be pruned"
            held = Held("protect", message, f"--max-destroys {len(out)}", name, out)
            plan = replace(plan, pruned=tuple(a for a in plan.pruned if a not in out), held=(*plan.held, held))
    return plan


def _suspected(plan: Plan, suspects: Collection[Suspect]) -> Plan:
    """Instances that vanished together: their seats stay occupied until a later reading or a person says they are
    gone."""
    if not suspects:
        return plan
    ids = ", ".join(str(s.id) for s in sorted(suspects, key=lambda s: s.id)[:5])
    more = f" and {len(suspects) - 5} more" if len(suspects) > 5 else ""
    fleets = len({s.seat.fleet for s in suspects})
    left = max(0.0, max(s.at for s in suspects) + CONFIRMED_AFTER_S - plan.made_at)
    many = f"{len(suspects)} instances of {fleets} fleet{'s' if fleets > 1 else ''} are called gone at once"
    one = "an instance is called gone by a list that lacks living ones"
    message = (
        f"{many if len(suspects) > 1 else one}"
        f" ({ids}{more}): nothing is rented for them until a reading in {left / 60:.0f} min or later says so again"
    )
    return replace(plan, held=(*plan.held, Held("suspicious vanishing", message, f"--accept-gone {len(suspects)}")))


def _added(plan: Plan, allowed: Allowed) -> Plan:
    """At no moment does a run add more than the flag says to what the fleets billed when it began."""
    if allowed.max_added is None:
        return plan
    everything = Room(allowed.added, Decimal("Infinity"))
    for action in _rents(plan):
        everything.takes(action, money(action))
    wanted, most = everything.peak(), allowed.max_added
    message = f"the rents of this run would add ${wanted:.3f}/h, and it may add ${most:.3f}/h"
    lift = f"--max-added-per-hour {wanted.quantize(Decimal('0.001'), ROUND_UP)}"
    return _limit_rents(plan, Room(allowed.added, most), money, Held("added per hour", message, lift))


def _rents(plan: Plan) -> Iterator[Spending]:
    """Every rent and new bid of the plan in the order in which limits are given out: repairs first, then fleets by
    priority and name, of each its empty seats before its rollout. Steps that only wait take what is left."""
    rents = [action for fleet in plan.fleets for action in fleet.actions if not isinstance(action, Destroy)]
    yield from sorted(rents, key=_urgency)


def _urgency(action: Spending) -> tuple[bool, bool, int, str, bool]:
    is_step = isinstance(action, Replace) and action.asked
    repairs = isinstance(action, Create | Replace) and is_unasked(action)
    waits = is_step and action.wait is not None
    return waits, not repairs, -action.fleet.priority, action.fleet.name, is_step


def _limit_rents(plan: Plan, room: Room, weigh: Callable[[Spending], Weight], held: Held) -> Plan:
    """Keep rents in their order while there is room for them; hold the others."""
    refused = {id(action) for action in _rents(plan) if not room.takes(action, weigh(action))}
    return replace(plan, fleets=tuple(_hold_rents(fleet, held, refused) for fleet in plan.fleets))


def _runway(plan: Plan, limits: Limits, standing: Standing, account: Account | None) -> Plan:
    """No rent when the credit would not last `min_runway_hours.refuse` hours at the account's new rate."""
    before = standing.per_hour + standing.besides
    room = Room(before, Decimal("Infinity"))
    for action in _rents(plan):
        room.takes(action, money(action))
    rate = room.peak()
    if account is None or rate <= before or account.credit / rate >= limits.min_runway_hours.refuse:
        return plan
    hours = max(Decimal(0), account.credit / rate)
    message = (
        f"the credit of ${account.credit:.2f} would last {hours:.1f} h at ${rate:.3f}/h,"
        f" less than {limits.min_runway_hours.refuse} h"
    )
    held = Held("credit runway", message, "add credit, or limits.min_runway_hours")
    return _limit_rents(plan, Room(Decimal(0), Decimal(0)), lambda _: Weight(Decimal(1)), held)
