"""One pass: observe -> settle -> diff -> place -> plan -> guard. It reads the world and changes nothing in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce

from reconciler.clock import Clock
from reconciler.core.diff import Diff, Member, compare, faults_of, judge
from reconciler.core.envelope import Done, Envelope
from reconciler.core.evidence import Merged, Observation, Settle, doubt_left_s, merge, rents_wait_s
from reconciler.core.guards import Allowed, Standing, committed, guard_all, guard_fleet
from reconciler.core.label import Mark, read_label
from reconciler.core.model import Account, Fleet, Instance, Offer, Policy
from reconciler.core.place import Need, Placement, judge_market, place
from reconciler.core.plan import (
    COLD_START,
    Action,
    Create,
    Destroy,
    FleetPlan,
    Leak,
    MarketSeen,
    Plan,
    SeatNote,
    Wait,
    costs,
    fleet_plan,
    needs_of,
    strays,
)
from reconciler.core.query import dearer, query_of, wide_query_of
from reconciler.core.record import Record, without_pause
from reconciler.errors import DoubtfulReading, KeyProblem, SearchQuotaUsedUp, Unreachable
from reconciler.provider import Gone, Listing, Provider

FULL_ANSWER = 64
SEARCHES_PER_FLEET = 5
EMPTY_LIST_AGAIN_S = 30.0
SPARE_MACHINES = 8
"""Eligible machines wanted beyond the need, so that vanished offers have successors."""


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


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass read and decided."""

    plan: Plan
    record: Record
    diff: Diff
    merged: Merged


def observe(provider: Provider, record: Record, owner: str, clock: Clock, account: Account | None) -> Observation:
    """One complete reading of the account; known ids that the list lacks are asked for singly.

    An empty list that lacks known ids must be confirmed by a second one, 30 s later, and the account must read
    normally in between. Raises `DoubtfulReading` and the other errors of a failing world.
    """
    listing = provider.instances()
    named = (intent.instance_id for intent in record.intents.values() if intent.instance_id is not None)
    expected = {*record.known, *record.leaving, *named}
    if not listing.instances and expected - set(record.leaving):
        listing = _empty_again(provider, clock)
    missing = sorted(expected - {i.id for i in listing.instances})
    alive: list[Instance] = []
    gone: list[int] = []
    for instance_id in missing:
        answer = provider.instance(instance_id)
        if isinstance(answer, Gone):
            gone.append(instance_id)
        elif isinstance(read_label(answer.label, owner), Mark):
            alive.append(answer)
    return Observation((*listing.instances, *alive), listing.started_at, frozenset(gone), account)


def _empty_again(provider: Provider, clock: Clock) -> Listing:
    provider.account()
    clock.sleep(EMPTY_LIST_AGAIN_S)
    again = provider.instances()
    if again.instances:
        raise DoubtfulReading("the account listed no instance, then 30 s later some: neither list is believed")
    return again


def read_account(provider: Provider) -> Account | None:
    """The account, or None where the key may not read it."""
    try:
        return provider.account()
    except KeyProblem:
        return None


def settle(record: Record, observation: Observation, wish: Wish, now: float) -> Merged:
    """The record brought up to date with what was observed."""
    policy = wish.policy
    fleets = {fleet.name: fleet for fleet in wish.fleets}
    faults = faults_of(observation.instances, fleets, policy.owner, policy.blacklist, now)
    merged = merge(record, observation, policy.owner, now=now, settle=wish.settle, faults=faults)
    if wish.first_run and not merged.record.warm and not merged.record.known:
        return replace(merged, record=replace(merged.record, warm=True, cold=None))
    return merged


def run_pass(
    provider: Provider,
    wish: Wish,
    record: Record,
    clock: Clock,
    account: Account | None,
    *,
    envelope: Envelope | None = None,
    done: Done | None = None,
) -> Pass:
    """Observe, settle, compare, place, plan and guard. With an `envelope`, only its seats look for offers."""
    done = done or Done()
    observation = observe(provider, record, wish.policy.owner, clock, account)
    merged = settle(record, observation, wish, clock.now())
    diff = compare(
        wish.fleets,
        observation.instances,
        reduce(without_pause, wish.ending, merged.record),
        wish.policy.owner,
        wish.policy.blacklist,
        now=clock.now(),
    )
    ceilings = envelope.rents if envelope else None
    needs = needs_of(diff, ceilings, wish.allowed.beside, done.machines_failed)
    market = survey(provider, needs, wish.policy, clock)
    placement = place(needs, market.offers, _sitting(diff), wish.policy.blacklist, clock.now(), done.offers_gone)
    plan = _assemble(wish, merged, observation, diff, placement, market, clock.now(), done)
    return Pass(plan, merged.record, diff, merged)


# --- the market -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Market:
    """What was seen of the market, by fleet."""

    offers: Mapping[str, Sequence[Offer]] = field(default_factory=dict)
    searches: int = 0
    problems: tuple[str, ...] = ()

    @property
    def machines(self) -> int:
        """How many different machines were seen."""
        return len({offer.machine_id for offers in self.offers.values() for offer in offers})


def survey(provider: Provider, needs: Sequence[Need], policy: Policy, clock: Clock) -> Market:
    """Offers for every fleet that needs some. A pass without needs searches nothing; one fleet's failed search
    does not stop the others, but a day's quota used up ends the searching."""
    offers: dict[str, Sequence[Offer]] = {}
    searches = 0
    problems: list[str] = []
    wanted = {need.fleet.name: need.fleet for need in needs}
    for name, fleet in sorted(wanted.items()):
        count = sum(need.seat.fleet == name for need in needs)
        try:
            offers[name], used = search_fleet(provider, fleet, count, policy, clock.now())
            searches += used
        except (DoubtfulReading, Unreachable, SearchQuotaUsedUp) as error:
            problems.append(f"fleet {name}: the market could not be searched: {error}")
            if isinstance(error, SearchQuotaUsedUp):
                break
    return Market(offers, searches, tuple(problems))


def search_fleet(
    provider: Provider, fleet: Fleet, count: int, policy: Policy, now: float
) -> tuple[tuple[Offer, ...], int]:
    """Offers for one fleet, upwards by price until enough machines fit or an answer is not full; where too few fit,
    one search without its rules shows what they refuse. Also how many searches it took."""
    query, seen, searches = query_of(fleet), dict[int, Offer](), 0
    while searches < SEARCHES_PER_FLEET:
        rows = provider.search(query)
        searches += 1
        fresh = [offer for offer in rows if offer.id not in seen]
        seen.update((offer.id, offer) for offer in rows)
        if len(rows) < FULL_ANSWER or not fresh or _eligible(fleet, seen, policy, now) >= count + SPARE_MACHINES:
            break
        query = dearer(query, max(offer.price_per_hour(query.disk_gb) for offer in rows))
    if _eligible(fleet, seen, policy, now) < count:
        seen.update((offer.id, offer) for offer in provider.search(wide_query_of(fleet)))
        searches += 1
    return tuple(seen.values()), searches


def _eligible(fleet: Fleet, seen: Mapping[int, Offer], policy: Policy, now: float) -> int:
    judged = judge_market(fleet, seen.values(), policy.blacklist, now)
    return len({j.offer.machine_id for j in judged if j.eligible})


# --- the plan -------------------------------------------------------------------------------------


def _sitting(diff: Diff) -> dict[str, list[Instance]]:
    """The instances a fleet keeps, for `spread`: those about to be replaced make room."""
    keeps = ("ready", "pending", "held")
    return {
        part.fleet.name: [v.keeper.instance for v in part.seats if v.keeper is not None and v.bucket in keeps]
        for part in diff.fleets
    }


def _assemble(
    wish: Wish,
    merged: Merged,
    observation: Observation,
    diff: Diff,
    placement: Placement,
    market: Market,
    now: float,
    done: Done,
) -> Plan:
    policy, account = wish.policy, observation.account
    wait_s = rents_wait_s(merged.record, now, wish.settle)
    wait = Wait(COLD_START, wait_s) if wait_s else None
    vanished = {gone.seat: gone for gone in merged.vanished}
    seen_at = {gone.id: datetime.fromtimestamp(gone.seen_at, UTC).strftime("%H:%M") for gone in merged.vanished}
    parts = []
    for part in diff.fleets:
        made = fleet_plan(part, placement, vanished, wait, seen_at)
        made = _own_mistakes(made, part.members(), done)
        made = replace(made, notes=tuple(_with_countdown(made, merged.record, now, wish.settle)))
        parts.append(guard_fleet(made, part, policy, wish.allowed))
    undeclared = [m for m in diff.undeclared if m.id not in merged.record.leaving]
    orphans = [m for m in undeclared if m.mark.seat.fleet not in wish.prune] if wish.complete else []
    plan = Plan(
        owner=policy.owner,
        account_id=account.id if account else None,
        made_at=now,
        fleets=tuple(parts),
        pruned=tuple(Destroy(m.mark.seat, m, "pruned") for m in undeclared if m.mark.seat.fleet in wish.prune),
        resent=_resent(observation, merged.record, wish, now),
        orphans=strays([(policy.owner, m.mark.seat.fleet, m.instance) for m in orphans]),
        other_owned=strays([(mark.owner, mark.fleet, i) for mark, i in diff.other_owned]),
        unmanaged=strays([(None, None, i) for i in diff.unmanaged]),
        leaks=tuple(Leak(x.id, x.seat, x.since, x.rate_per_hour) for x in merged.record.leaving.values()),
        mislabelled=merged.mislabelled,
        market=MarketSeen(market.machines, market.searches),
        rents_wait_s=wait_s,
        problems=market.problems,
    )
    standing = _standing(diff)
    plan = guard_all(plan, policy.limits, standing, account, wish.allowed)
    return replace(plan, cost=costs(plan, diff, policy.limits.budget_per_hour, account.credit if account else None))


def _standing(diff: Diff) -> Standing:
    """What all managed instances amount to, the undeclared ones included."""
    undeclared = sum((m.instance.price_per_hour or Decimal(0) for m in diff.undeclared), Decimal(0))
    open_attempts = sum(len(v.intents) for part in diff.fleets for v in part.seats)
    live = sum(len(part.members()) for part in diff.fleets) + len(diff.undeclared) + open_attempts
    return Standing(live, sum((committed(part) for part in diff.fleets), undeclared))


def _own_mistakes(plan: FleetPlan, members: Sequence[Member], done: Done) -> FleetPlan:
    """What this very run rented and should not have: over the cap, or not on demand. It goes at once."""
    wrong: dict[int, str] = {}
    for member in members:
        if member.id in done.rented:
            over = next((d for d in member.drifts if d.field == "price.max_per_hour"), None)
            if over is not None:
                wrong[member.id] = f"over its cap: {over}"
            elif member.instance.interruptible:
                wrong[member.id] = "rented on demand, came back interruptible"
    if not wrong:
        return plan
    kept: list[Action] = [a for a in plan.actions if isinstance(a, Create) or a.old.id not in wrong]
    at_once = [Destroy(m.mark.seat, m, wrong[m.id]) for m in members if m.id in wrong]
    return replace(plan, actions=(*kept, *at_once))


def _resent(observation: Observation, record: Record, wish: Wish, now: float) -> tuple[Destroy, ...]:
    """Destroys sent before whose instance still shows: they are sent again."""
    again = []
    for instance in observation.instances:
        mark = read_label(instance.label, wish.policy.owner)
        item = record.leaving.get(instance.id)
        if item is not None and isinstance(mark, Mark):
            member = judge(instance, mark, None, record, wish.policy.blacklist, now=now, list_at=now)
            again.append(Destroy(mark.seat, member, item.reason))
    return tuple(again)


def _with_countdown(plan: FleetPlan, record: Record, now: float, settle: Settle) -> list[SeatNote]:
    """The notes, each doubtful attempt with how long its doubt lasts at least."""
    left = {i.seat: doubt_left_s(i, now, settle) for i in record.intents.values()}
    return [
        replace(n, text=f"{n.text}, settles in {left[n.seat]:.0f}s at the earliest")
        if n.kind == "doubtful" and n.seat in left
        else n
        for n in plan.notes
    ]
