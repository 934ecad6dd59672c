"""What is there and planned by nobody: mistakes of this run, destroys to be sent again, strays."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from reconciler.core.diff import Member, judge
from reconciler.core.drift import KIND
from reconciler.core.instance import Instance
from reconciler.core.label import Mark, read_label
from reconciler.core.model import Blacklist
from reconciler.core.plan import Action, Create, Destroy, FleetPlan, Stray
from reconciler.core.record import Record
from reconciler.core.states import rate_per_hour


def strays(instances: Sequence[tuple[str | None, str | None, Instance]]) -> tuple[Stray, ...]:
    """Instances outside the plan: owner and fleet as their label says, and what they bill."""
    return tuple(Stray(i.id, owner, fleet, rate_per_hour(i)) for owner, fleet, i in instances)


def own_mistakes(plan: FleetPlan, members: Sequence[Member], rented: Collection[int]) -> FleetPlan:
    """What this very run rented and should not have: over the cap, or of the other kind. It goes at once."""
    wrong = {m.id: why for m in members if m.id in rented and (why := not_as_ordered(m))}
    if not wrong:
        return plan
    kept: list[Action] = [a for a in plan.actions if isinstance(a, Create) or a.old.id not in wrong]
    at_once = [Destroy(m.mark.seat, m, wrong[m.id], unasked=True) for m in members if m.id in wrong]
    return replace(plan, actions=(*kept, *at_once))


def not_as_ordered(member: Member) -> str | None:
    """What is wrong with an instance that was rented just now: more than 1 % over its cap, or of the other kind."""
    over = next((d for d in member.drifts if d.field == "price.max_per_hour"), None)
    if over is not None:
        return f"over its cap: {over}"
    other = next((d for d in member.drifts if d.field == KIND), None)
    return f"ordered {other.desired}, came back {other.actual}" if other is not None else None


def resent(
    instances: Sequence[Instance], record: Record, owner: str, shared: Blacklist, now: float
) -> tuple[Destroy, ...]:
    """Destroys sent before whose instance still shows: they are sent again."""
    again = []
    for instance in instances:
        mark = read_label(instance.label, owner)
        item = record.leaving.get(instance.id)
        if item is not None and isinstance(mark, Mark):
            member = judge(instance, mark, None, record, shared, now=now, list_at=now)
            again.append(Destroy(mark.seat, member, item.reason, keeper_id=item.keeper_id))
    return tuple(again)
