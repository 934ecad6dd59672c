"""One pass: observe -> settle -> diff -> place -> plan -> guard. It reads the world and changes nothing in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import reduce

from reconciler.clock import Clock
from reconciler.core.assemble import Readings, Wish, assemble, sitting
from reconciler.core.diff import Diff, compare, faults_of
from reconciler.core.envelope import Done, Envelope
from reconciler.core.evidence import Merged, Observation, merge
from reconciler.core.label import Mark, read_label
from reconciler.core.model import Account, Blacklist, Instance, Offer
from reconciler.core.place import Need, judge_market, place
from reconciler.core.plan import MarketSeen, Plan
from reconciler.core.planner import needs_of
from reconciler.core.query import dearer, query_of, wide_query_of
from reconciler.core.record import Record, without_pause
from reconciler.core.template import refuse_gone
from reconciler.errors import DoubtfulReading, KeyProblem, SearchQuotaUsedUp, Unreachable
from reconciler.provider import Gone, Listing, Provider

FULL_ANSWER = 48
"""From so many rows on an answer of at most 64 counts as full: rows that cannot be read are missing from it."""
SEARCHES_PER_FLEET = 5
EMPTY_LIST_AGAIN_S = 30.0
SPARE_MACHINES = 8
"""Eligible machines wanted beyond the need, so that vanished offers have successors."""


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
    gone = gone_templates(provider, needs)
    needs = [need for need in needs if need.fleet.name not in gone]
    market = survey(provider, needs, sitting(diff), wish.policy.blacklist, clock)
    avoid = done.offers_gone.union(intent.offer_id for intent in merged.record.intents.values())
    placement = place(needs, market.offers, sitting(diff), wish.policy.blacklist, clock.now(), avoid)
    seen = MarketSeen(market.machines, market.searches)
    readings = Readings(observation, merged, diff, placement, seen, market.problems)
    plan = refuse_gone(assemble(wish, readings, clock.now(), done), gone)
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


def survey(
    provider: Provider,
    needs: Sequence[Need],
    sitting: Mapping[str, Sequence[Instance]],
    shared: Blacklist,
    clock: Clock,
) -> Market:
    """Offers for every fleet that needs some. A pass without needs searches nothing; one fleet's failed search
    does not stop the others, but a day's quota used up ends the searching."""
    offers: dict[str, Sequence[Offer]] = {}
    searches = 0
    problems: list[str] = []
    by_fleet: dict[str, list[Need]] = {}
    for need in needs:
        by_fleet.setdefault(need.fleet.name, []).append(need)
    for name, wanting in sorted(by_fleet.items()):
        try:
            offers[name], used = search_fleet(provider, wanting, sitting.get(name, ()), shared, clock.now())
            searches += used
        except (DoubtfulReading, Unreachable, SearchQuotaUsedUp) as error:
            problems.append(f"fleet {name}: the market could not be searched: {error}")
            if isinstance(error, SearchQuotaUsedUp):
                break
    return Market(offers, searches, tuple(problems))


def search_fleet(
    provider: Provider, needs: Sequence[Need], sitting: Sequence[Instance], shared: Blacklist, now: float
) -> tuple[tuple[Offer, ...], int]:
    """Offers for one fleet, upwards by price until its seats are filled from its best tier with some to spare, or an
    answer is not full; where seats stay open, one search without its rules shows what they refuse. Also how many
    searches it took."""
    fleet = needs[0].fleet
    query, seen, searches = query_of(fleet), dict[int, Offer](), 0
    while searches < SEARCHES_PER_FLEET:
        rows = provider.search(query)
        searches += 1
        fresh = [offer for offer in rows if offer.id not in seen]
        seen.update((offer.id, offer) for offer in rows)
        if len(rows) < FULL_ANSWER or not fresh or _enough(needs, seen.values(), sitting, shared, now):
            break
        query = dearer(query, max(offer.price_per_hour(query.disk_gb) for offer in rows))
    if place(needs, {fleet.name: tuple(seen.values())}, {fleet.name: sitting}, shared, now).unplaced:
        seen.update((offer.id, offer) for offer in provider.search(wide_query_of(fleet)))
        searches += 1
    return tuple(seen.values()), searches


def _enough(
    needs: Sequence[Need], offers: Iterable[Offer], sitting: Sequence[Instance], shared: Blacklist, now: float
) -> bool:
    """Whether every seat has an offer of the fleet's best tier, and machines of that tier are left over."""
    fleet, rows = needs[0].fleet, tuple(offers)
    best = {j.offer.machine_id for j in judge_market(fleet, rows, shared, now) if j.eligible and j.tier == 0}
    filled = place(needs, {fleet.name: rows}, {fleet.name: sitting}, shared, now).choices
    used = {choice.candidate.offer.machine_id for choice in filled.values()}
    return len(filled) == len(needs) and used <= best and len(best - used) >= SPARE_MACHINES


# --- templates ------------------------------------------------------------------------------------


def gone_templates(provider: Provider, needs: Sequence[Need]) -> dict[str, str]:
    """Fleets that want to rent from a template that does not exist, with its hash. Where that cannot be told, the
    rent itself will tell: a lookup that failed refuses nothing."""
    wanted = {need.fleet.name: need.fleet.container.vast_template for need in needs}
    gone: dict[str, str] = {}
    for fleet, template_hash in sorted(wanted.items()):
        with suppress(DoubtfulReading, Unreachable, KeyProblem):
            if template_hash is not None and provider.template(template_hash) is None:
                gone[fleet] = template_hash
    return gone
