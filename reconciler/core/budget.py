"""What fleets bill and may come to bill: committed money, what a rent adds at its worst moment, and room in a limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from reconciler.core.diff import Diff, FleetDiff, Member
from reconciler.core.model import Fleet
from reconciler.core.plan import Action, Cost, Create, Destroy, FleetPlan, Plan, Replace, Update
from reconciler.core.states import rate_per_hour
from reconciler.values import dataclass

Spending = Create | Replace | Update
"""What adds to what a fleet bills."""


def fleet_budget(fleet: Fleet) -> Decimal:
    """The fleet's budget in $/h: as written, else every seat, and every seat of a rollout step besides, at the cap."""
    written = fleet.price.budget_per_hour
    return written if written is not None else (fleet.replicas + fleet.step) * fleet.price.max_per_hour


def rooms(diff: Diff) -> dict[str, Decimal]:
    """What each fleet with a written budget may still commit, in $/h: an instance that has to be replaced frees what
    it bills. The guard on budgets judges the finished plan; this only keeps a placement from choosing too dear."""
    return {
        part.fleet.name: part.fleet.price.budget_per_hour - committed(part) + freed(part)
        for part in diff.fleets
        if part.fleet.price.budget_per_hour is not None
    }


def freed(part: FleetDiff) -> Decimal:
    """What the instances bill that have to be replaced, in $/h."""
    keepers = ((view.bucket, view.keeper) for view in part.seats if view.keeper is not None)
    going = (k for bucket, k in keepers if bucket in ("unhealthy", "drifted") or (bucket == "outbid" and k.condemned))
    return sum((full_price(keeper, part.fleet) for keeper in going), Decimal(0))


def is_later_step(action: Spending) -> bool:
    """Whether it waits until something else is done, such as the step of a rollout before it."""
    return action.wait is not None and action.wait.seconds is None


def freed_by_then(plan: FleetPlan, part: FleetDiff) -> Decimal:
    """What is gone when the next step of a rollout comes: what is replaced, surplus, or on its way out."""
    surplus = {member.id for member in part.surplus}
    going_now = (a for a in plan.actions if isinstance(a, Destroy))
    replaced = (a.old for a in going_now if a.keeper_id is not None or a.old.id in surplus)
    going = sum((item.rate_per_hour for item in part.leaving()), Decimal(0))
    return going + sum((full_price(member, part.fleet) for member in replaced), Decimal(0))


def old_first(action: Replace) -> Replace:
    """The same replacement with the old instance going first. What is only cheaper never does: the old one stays until
    the new one is ready."""
    if action.order == "destroy-first" or action.trial:
        return action
    return replace(action, order="destroy-first", reason=f"{action.reason} (old first: the budget is tight)")


def over_cap(part: FleetDiff) -> Decimal:
    """By how much the fleet's instances are over its cap, in $/h, all together."""
    cap = part.fleet.price.max_per_hour
    return sum((max(Decimal(0), full_price(m, part.fleet) - cap) for m in part.members()), Decimal(0))


def committed(part: FleetDiff) -> Decimal:
    """What the fleet bills or may come to bill in $/h: live instances at their full price (the cap where the account
    does not tell it), open and lost attempts at their ceiling, instances on their way out."""
    live = sum((full_price(m, part.fleet) for m in part.members()), Decimal(0))
    doubt = sum((i.ceiling for i in part.intents()), Decimal(0)) + sum((t.ceiling for t in part.lost()), Decimal(0))
    going = sum((item.rate_per_hour for item in part.leaving()), Decimal(0))
    return live + doubt + going


def full_price(member: Member, fleet: Fleet) -> Decimal:
    """What an instance of the fleet bills in $/h while it runs."""
    price = member.instance.price_per_hour
    return fleet.price.max_per_hour if price is None else price


@dataclass(frozen=True, slots=True)
class Weight:
    """What a rent adds to a limited quantity: for good, and besides while a create-first step lasts."""

    lasting: Decimal
    passing: Decimal = Decimal(0)


def money(action: Spending, at_most: Decimal | None = None) -> Weight:
    """In $/h: a rent its ceiling, less what the old instance bills (`at_most` so much); which goes on for a while where
    the new one comes first. A new bid adds what it is above the old one, for its instance may run at any time."""
    if isinstance(action, Create):
        return Weight(action.ceiling)
    old = full_price(action.old, action.fleet)
    if isinstance(action, Update):
        return Weight(max(Decimal(0), action.ceiling - old))
    old = old if at_most is None else min(old, at_most)
    return Weight(action.ceiling - old, old if action.order == "create-first" else Decimal(0))


def number(action: Spending) -> Weight:
    """In instances: a replacement adds one only while the old one is there too."""
    if isinstance(action, Create):
        return Weight(Decimal(1))
    if isinstance(action, Update):
        return Weight(Decimal(0))
    return Weight(Decimal(0), Decimal(1) if action.order == "create-first" else Decimal(0))


class Room:
    """How much of a limit is used. A fleet's rollout goes step by step, so the greatest of its steps counts."""

    def __init__(self, used: Decimal, limit: Decimal) -> None:
        self.used, self.limit = used, limit
        self._passing: dict[str, tuple[Decimal, ...]] = {}
        """What passes besides, by fleet: as many seats of it, the largest, as one step has."""

    def fits(self, action: Spending, weight: Weight) -> bool:
        """Whether the limit holds with this action too."""
        return self.used + weight.lasting + _sum(self._passing_with(action, weight)) <= self.limit

    def takes(self, action: Spending, weight: Weight) -> bool:
        """Whether it fits; then it counts from now on, and what it frees is not given to others."""
        if not self.fits(action, weight):
            return False
        self.used += max(Decimal(0), weight.lasting)
        self._passing = self._passing_with(action, weight)
        return True

    def peak(self) -> Decimal:
        """The most that is used at any moment."""
        return self.used + _sum(self._passing)

    def _passing_with(self, action: Spending, weight: Weight) -> dict[str, tuple[Decimal, ...]]:
        name = action.fleet.name
        return {**self._passing, name: largest((*self._passing.get(name, ()), weight.passing), action.fleet)}


def _sum(amounts: Mapping[str, Sequence[Decimal]]) -> Decimal:
    return sum((amount for each in amounts.values() for amount in each), Decimal(0))


def largest(amounts: Sequence[Decimal], fleet: Fleet) -> tuple[Decimal, ...]:
    """The largest amounts, as many as one step of the fleet's rollout has seats."""
    return tuple(sorted(amounts, reverse=True)[: fleet.step])


@dataclass(frozen=True, slots=True)
class Standing:
    """What the owner's instances amount to before the plan: number and committed $/h."""

    instances: int
    per_hour: Decimal
    besides: Decimal = Decimal(0)
    """What others on the account bill in $/h: no limit of ours counts it, but the credit pays for it."""


def others(diff: Diff) -> Decimal:
    """What instances of other owners, and those that nobody manages, bill now in $/h."""
    theirs = (*(instance for _, instance in diff.other_owned), *diff.unmanaged)
    return sum(map(rate_per_hour, theirs), Decimal(0))


def _besides(plan: Plan, diff: Diff) -> Decimal:
    """What is left on the account beside the planned fleets when the plan is done, in $/h. What was told to go counts
    no longer, as in the fleets."""
    going = {leak.id for leak in plan.leaks} | {action.old.id for action in plan.pruned}
    undeclared = (rate_per_hour(m.instance) for m in diff.undeclared if m.id not in going)
    return others(diff) + sum(undeclared, Decimal(0))


def costs(plan: Plan, diff: Diff, budget: Decimal | None, credit: Decimal | None) -> Cost:
    """What the fleets of the plan bill now, after it, and at most on the way; and the rest of the account after it."""
    now = sum((rate_per_hour(m.instance) for part in diff.fleets for m in part.members()), Decimal(0))
    going = sum((item.rate_per_hour for part in diff.fleets for item in part.leaving()), Decimal(0))
    actions = [a for fleet in plan.fleets for a in fleet.actions]
    leaving = sum((rate_per_hour(a.old.instance) for a in actions if not isinstance(a, Create)), Decimal(0))
    coming = sum((_price(a) for a in actions if not isinstance(a, Destroy)), Decimal(0))
    created = sum((a.ceiling for a in actions if isinstance(a, Create | Update)), Decimal(0))
    more = sum((on_the_way(part.actions, part.fleet) for part in plan.fleets), Decimal(0))
    after = now - leaving + coming
    now += going
    return Cost(now, after, max(now + created + more, after), budget, credit, besides=_besides(plan, diff))


def _price(action: Spending) -> Decimal:
    """What the instance of an action bills once it runs; where its machine is one that an earlier step frees, about
    what the old one bills, for that goes to the next step in turn."""
    if isinstance(action, Replace) and action.choice.promised:
        return rate_per_hour(action.old.instance)
    return action.ceiling if isinstance(action, Update) else action.choice.candidate.price


def on_the_way(actions: Iterable[Action], fleet: Fleet) -> Decimal:
    """What replacements add at most, at any moment, to what the fleet bills now, in $/h: all that are dearer than the
    old ones, and besides, in the seats of one step, old and new side by side. Seats that are under way have both
    already: what follows them begins when their old ones are gone."""
    actions = list(actions)
    pairs = [(a, rate_per_hour(a.old.instance)) for a in actions if isinstance(a, Replace)]
    dearer = sum((max(Decimal(0), a.ceiling - old) for a, old in pairs), Decimal(0))
    beside = sorted((min(a.ceiling, old) for a, old in pairs if a.order == "create-first"), reverse=True)
    going = sorted(rate_per_hour(a.old.instance) for a in actions if isinstance(a, Destroy) and a.keeper_id is not None)
    free = max(0, fleet.step - len(going))
    return dearer + max(_sum_of(beside[: free + gone]) - _sum_of(going[:gone]) for gone in range(len(going) + 1))


def _sum_of(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
