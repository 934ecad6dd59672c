"""The whole plan from everything that was read: fleets planned and guarded, strays, leaks, money, warnings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.core.broke import without_credit
from reconciler.core.budget import Standing, committed, costs, freed, others
from reconciler.core.debuting import with_debut_waits
from reconciler.core.diff import Diff, FleetDiff, digest_of
from reconciler.core.envelope import Done
from reconciler.core.evidence import Merged, Observation, rents_wait_s
from reconciler.core.guards import Allowed, guard_all, guard_fleet
from reconciler.core.instance import Instance
from reconciler.core.label import Seat
from reconciler.core.leftovers import own_mistakes, resent, strays
from reconciler.core.lost import standing_tombstones
from reconciler.core.model import Fleet, Limits, Policy
from reconciler.core.month import guard_month
from reconciler.core.placement import Placement
from reconciler.core.plan import COLD_START, Cost, Destroy, FleetPlan, Leak, MarketSeen, Plan, Wait
from reconciler.core.planner import fleet_plan
from reconciler.core.record import Leaving, Record
from reconciler.core.scheduled import with_schedule
from reconciler.core.seat_notes import with_countdown
from reconciler.core.settle import Settle
from reconciler.core.spend import rate_left, spent
from reconciler.values import dataclass

if TYPE_CHECKING:
    from reconciler.core.trading import Trades


@dataclass(frozen=True, slots=True)
class Wish:
    """What this run wants: the declared fleets in its scope, the policy, and what the command line adds."""

    fleets: tuple[Fleet, ...]
    policy: Policy
    complete: bool = False
    """A whole directory was read: managed instances of undeclared fleets are orphans."""
    prune: frozenset[str] = frozenset()
    allowed: Allowed = field(default_factory=Allowed)
    first_run: bool = False
    settle: Settle = field(default_factory=Settle)
    ending: frozenset[str] = frozenset()
    """Fleets that a person ends: planned although they are paused from now on."""
    approve: frozenset[Seat] = frozenset()
    """Seats whose cheaper place a person has agreed to."""
    replacing: frozenset[Seat] = frozenset()
    """Seats whose instance a person wants replaced."""
    agreed: Mapping[Seat, int] = field(default_factory=dict)
    """The same by a saved plan: this very instance, not what is there now."""
    checked: bool = False
    """Instances are looked at in this world: ready is who has passed its checks, and a new spec is tried out first."""
    probing: bool = True
    """This very pass looks at them."""
    lacking: Mapping[str, str] = field(default_factory=dict)
    """Fleets for which nothing can be rented, since variables are not in the environment: their names."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What a plan is made of."""

    observation: Observation
    merged: Merged
    diff: Diff
    placement: Placement
    market: MarketSeen
    problems: tuple[str, ...] = ()
    trades: Trades | None = None


def sitting(diff: Diff) -> dict[str, list[Instance]]:
    """The instances of each fleet that count for `spread`: every one of its seats, also one that is to be replaced, for
    it may stay, and a candidate for a cheaper place."""
    return {part.fleet.name: [m.instance for view in part.seats for m in view.members()] for part in diff.fleets}


def assemble(wish: Wish, readings: Readings, now: float, done: Done) -> Plan:
    """The plan of one pass, guarded and counted."""
    policy, observation, diff = wish.policy, readings.observation, readings.diff
    record, account = readings.merged.record, observation.account
    allowed = replace(wish.allowed, rents_done=done.rents, added=done.added, rented=done.rented)
    undeclared = [m for m in diff.undeclared if m.id not in record.leaving]
    pruned = [m for m in undeclared if m.mark.seat.fleet in wish.prune]
    orphans = [m for m in undeclared if m not in pruned] if wish.complete else []
    plan = Plan(
        owner=policy.owner,
        account_id=account.id if account else None,
        made_at=now,
        fleets=tuple(
            guard_fleet(_fleet(part, wish, readings, now, done), part, policy, allowed) for part in diff.fleets
        ),
        pruned=tuple(Destroy(m.mark.seat, m, "pruned") for m in pruned),
        resent=resent(observation.instances, record, policy.owner, policy.blacklist, now),
        orphans=strays([(policy.owner, m.mark.seat.fleet, m.instance) for m in orphans]),
        other_owned=strays([(mark.owner, mark.fleet, i) for mark, i in diff.other_owned]),
        unmanaged=strays([(None, None, i) for i in diff.unmanaged]),
        leaks=tuple(Leak(x.id, x.seat, x.since, x.rate_per_hour) for x in record.leaving.values()),
        mislabelled=readings.merged.mislabelled,
        market=readings.market,
        rents_wait_s=rents_wait_s(record, now, wish.settle),
        observed=digest_of(diff),
        problems=readings.problems,
    )
    plan = guard_month(plan, policy.limits, standing(diff, record, now), record.spend, now)
    plan = guard_all(
        plan,
        policy.limits,
        standing(diff, record, now),
        account,
        allowed,
        protect=policy.protect,
        suspects=record.suspects.values(),
    )
    if readings.trades is not None:
        from reconciler.core.trading import demoted

        plan = demoted(plan, readings.trades.asking)
    plan = without_credit(plan, observation)
    cost = costs(plan, diff, policy.limits.budget_per_hour, account.credit if account else None)
    cost = replace(cost, spent=spent(record.spend, now), budget_30_days=policy.limits.budget_per_30_days)
    nothing = sorted(wish.prune - {m.mark.seat.fleet for m in diff.undeclared})
    empty = sorted(v.seat for part in diff.fleets for v in part.seats if v.seat in wish.replacing and v.keeper is None)
    warnings = [*_warnings(cost, policy.limits), *(f"--prune {name}: no instance of such a fleet" for name in nothing)]
    warnings += [f"--replace {seat}: no instance is there" for seat in empty]
    warnings += _alarms(diff, record)
    return replace(plan, cost=cost, warnings=(*warnings, *map(_taken_back, readings.merged.taken_back)))


def _alarms(diff: Diff, record: Record) -> list[str]:
    doubted = [m for part in diff.fleets for m in part.members() if m.health is not None and m.health.cause]
    if not doubted:
        return []
    from reconciler.core.alarms import warnings_of

    return list(warnings_of(doubted, record))


def _taken_back(item: Leaving) -> str:
    rate = f"${item.rate_per_hour:.3f}/h"
    return f"instance {item.id} ({rate}) was told to go, and its label is not that of {item.seat} any more: left alone"


def _fleet(part: FleetDiff, wish: Wish, readings: Readings, now: float, done: Done) -> FleetPlan:
    record = readings.merged.record
    wait_s = rents_wait_s(record, now, wish.settle)
    vanished = {gone.seat: gone for gone in readings.merged.vanished}
    seen_at = {gone.id: datetime.fromtimestamp(gone.seen_at, UTC).strftime("%H:%M") for gone in vanished.values()}
    made = fleet_plan(part, readings.placement, vanished, Wait(COLD_START, wait_s) if wait_s else None, seen_at)
    made = with_schedule(made, part, now)
    if readings.trades is not None:
        from reconciler.core.trading import with_trades

        made = with_trades(made, part, record, readings.trades)
    if part.fleet.name in wish.ending:
        ended = (replace(a, reason="the fleet is destroyed") if isinstance(a, Destroy) else a for a in made.actions)
        made = replace(made, actions=tuple(ended))
    made = own_mistakes(made, part.members(), done.rented)
    made = with_debut_waits(made, part) if wish.checked else made
    return replace(made, notes=tuple(with_countdown(made, record, now, wish.settle)))


def room(limits: Limits, diff: Diff, record: Record, now: float) -> Decimal | None:
    """What all fleets together may still commit, in $/h; None where the policy sets no budget."""
    month = limits.budget_per_30_days
    budgets = [] if limits.budget_per_hour is None else [limits.budget_per_hour]
    budgets += [] if month is None else [rate_left(record.spend, month, now)]
    if not budgets:
        return None
    return min(budgets) - standing(diff, record, now).per_hour + sum(map(freed, diff.fleets), Decimal(0))


def standing(diff: Diff, record: Record, now: float) -> Standing:
    """What all managed instances, open attempts and (in money) lost ones amount to, those of undeclared fleets
    included; and what others on the account bill besides."""
    declared = {part.fleet.name for part in diff.fleets}
    open_attempts = [i for i in record.intents.values() if i.seat.fleet not in declared]
    undeclared = sum((m.instance.price_per_hour or Decimal(0) for m in diff.undeclared), Decimal(0))
    undeclared += sum((intent.ceiling for intent in open_attempts), Decimal(0))
    undeclared += sum((t.ceiling for t in standing_tombstones(record, now) if t.seat.fleet not in declared), Decimal(0))
    number = sum(len(part.members()) + len(part.intents()) for part in diff.fleets)
    number += len(diff.undeclared) + len(open_attempts)
    return Standing(number, sum((committed(part) for part in diff.fleets), undeclared), others(diff))


def _warnings(cost: Cost, limits: Limits) -> tuple[str, ...]:
    hours, warn = cost.credit_lasts_h, limits.min_runway_hours.warn
    if hours is None or hours >= warn:
        return ()
    return (
        f"the credit lasts {hours:.0f} hours at the account's planned rate, less than the {warn} h to be warned at",
    )
