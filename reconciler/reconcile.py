"""One pass: observe -> settle -> diff -> place -> plan -> guard. It reads the world and changes nothing in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from functools import reduce

from reconciler.clock import Clock
from reconciler.core.assemble import Readings, Wish, assemble
from reconciler.core.broke import no_credit
from reconciler.core.checking import seen_ready, targets_of, watched
from reconciler.core.diff import Diff, compare, faults_of
from reconciler.core.envelope import Done, Envelope
from reconciler.core.evidence import Merged, Observation, merge
from reconciler.core.instance import Account, Instance
from reconciler.core.label import Mark, Seat, read_label
from reconciler.core.placement import Choice, Need, Placement
from reconciler.core.plan import Held, MarketSeen, Plan
from reconciler.core.planner import needs_of
from reconciler.core.readiness import Look, blinded, is_blind, logs_in, suspected, tries_a_key
from reconciler.core.record import Record, with_unwanted, without_pause
from reconciler.core.replacing import without_unwanted
from reconciler.core.settle import grown
from reconciler.core.sights import NewSights, Sights
from reconciler.core.spend import counted
from reconciler.core.timing import as_wanted
from reconciler.errors import DoubtfulReading, KeyProblem, Unreachable
from reconciler.eyes import Eyes
from reconciler.provider import Gone, Listing, Probe, Provider
from reconciler.values import dataclass

EMPTY_LIST_AGAIN_S = 30.0
ACCOUNT_AGAIN_S = 600.0
"""So long a run relies on one answer about whose account it is."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass read and decided."""

    plan: Plan
    record: Record
    diff: Diff
    merged: Merged
    news: NewSights | None = None
    """What was seen of the market, to be remembered."""
    offers: Mapping[Seat, Choice] = field(default_factory=dict)
    """What its seats were planned with: the next pass looks for none of them before it would be rented for."""


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
    unlisted: list[int] = []
    for instance_id in missing:
        answer = provider.instance(instance_id)
        if isinstance(answer, Gone):
            gone.append(instance_id)
            continue
        unlisted.append(instance_id)
        if isinstance(read_label(answer.label, owner), Mark):
            alive.append(answer)
    everything = (*listing.instances, *alive)
    return Observation(everything, listing.started_at, frozenset(gone), account, unlisted=frozenset(unlisted))


def looked_at(checks: Probe, observation: Observation, wish: Wish, record: Record, clock: Clock) -> Observation:
    """The observation with what the checks say of the instances that need a look. Where all are out of reach alike, and
    so is what has nothing to do with them, that tells of this runner and of no instance."""
    fleets = {fleet.name: fleet for fleet in wish.fleets}
    found = list(watched(observation.instances, fleets, record, wish.policy.owner))
    targets = targets_of(found, record, clock.now())
    others = any(seen_ready(record.health.get(each.instance.id), clock.now()) for each in found)
    findings = checks.check(targets) if targets else {}
    causes = frozenset() if others else suspected(findings)
    if causes and is_blind(causes, checks.controls([target.instance for target in targets])):
        findings = blinded(findings)
    look = Look(clock.now(), frozenset(each.instance.id for each in found), findings)
    return replace(observation, look=look)


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


def same_account(provider: Provider, account: Account) -> Account:
    """The account read again: the same one, with its credit of now. Raises `DoubtfulReading` where it is another's:
    then either answer is wrong, and the ledger that was chosen by the first may not be this account's."""
    again = provider.account()
    if again.id != account.id:
        said = f"the key was said to be of account {account.id}, now of account {again.id}"
        raise DoubtfulReading(f"{said}: neither answer is believed", hint="try again; if it stays, check the key")
    return again


def settle(record: Record, observation: Observation, wish: Wish, now: float) -> Merged:
    """The record brought up to date with what was observed."""
    policy = wish.policy
    fleets = {fleet.name: fleet for fleet in wish.fleets}
    faults = faults_of(observation.instances, fleets, policy.owner, policy.blacklist, now, record.since)
    accepted = None if wish.allowed.counted else wish.allowed.accept_gone
    merged = merge(record, observation, policy.owner, now=now, settle=wish.settle, faults=faults, accepted=accepted)
    billed = counted(record, merged.record, observation.instances, policy.owner, observation.list_started_at)
    wanted = without_unwanted(billed, {fleet.name: fleet.replicas for fleet in wish.fleets})
    merged = replace(merged, record=wanted)
    if wish.first_run and not merged.record.warm and not merged.record.known:
        return replace(merged, record=replace(merged.record, warm=True, cold=None))
    return merged


def run_pass(
    eyes: Eyes,
    wish: Wish,
    record: Record,
    account: Account | None,
    *,
    sights: Sights | None = None,
    envelope: Envelope | None = None,
    done: Done | None = None,
    offers: Mapping[Seat, Choice] | None = None,
) -> Pass:
    """Observe, settle, compare, search, place, plan and guard. With an `envelope`, only its seats look for offers;
    `sights` are what earlier passes saw of the market, `offers` what the last one planned its seats with: whoever
    waits or is held back goes on with that."""
    done, clock, policy = done or Done(), eyes.clock, wish.policy
    wish = replace(wish, fleets=tuple(as_wanted(fleet, clock.now()) for fleet in wish.fleets))
    observation = observe(eyes.provider, record, policy.owner, clock, account)
    if eyes.checks is not None:
        wish = replace(wish, checked=True)
        if wish.probing:
            observation = looked_at(eyes.checks, observation, wish, record, clock)
    wish = replace(wish, settle=grown(wish.settle, record.appeared, clock.now()))
    merged = settle(record, observation, wish, clock.now())
    if merged.record.warm and not record.warm and account is not None:
        # An empty ledger was chosen by one answer: another account's would be as empty.
        observation = replace(observation, account=same_account(eyes.provider, account))
    merged = _asked(wish, observation, merged, clock.now())
    diff = _compared(wish, observation, merged.record, clock.now())
    if merged.record.trials:
        from reconciler.core.trials import with_winners

        merged = replace(merged, record=with_winners(merged.record, diff))
    vanished = frozenset(gone.seat for gone in merged.vanished)
    needs = _needs(diff, envelope, wish, done, vanished)
    needs = [] if no_credit(observation) else needs
    nothing_wanted = MarketSeen(share=1.0, since=clock.now())  # and so all was seen that could matter
    readings = Readings(observation, merged, diff, Placement(), nothing_wanted)
    if not (needs or any(fleet.replace.cheaper for fleet in wish.fleets)):
        return Pass(assemble(wish, readings, clock.now(), done), merged.record, diff, merged)
    from reconciler.core.template import refuse
    from reconciler.shopping import Shop, stocked

    going = Shop(eyes, wish, done, (sights or Sights()).fresh(clock.now()), envelope, offers or {})
    found = stocked(going, readings, needs, lambda asked: _refused(eyes, asked, wish))
    merged, choices = found.readings.merged, found.readings.placement.choices
    return Pass(refuse(found.plan, found.refused), merged.record, diff, merged, found.news, choices)


def _refused(eyes: Eyes, needs: Sequence[Need], wish: Wish) -> dict[str, Held]:
    """Fleets that want to rent, and whose rents would be in vain."""
    refused = _lacking(wish, needs)
    needs = [need for need in needs if need.fleet.name not in refused]
    refused |= refused_templates(eyes.provider, needs, wish.policy.images.allow)
    return refused | refused_logins(eyes.checks, needs)


def _needs(diff: Diff, envelope: Envelope | None, wish: Wish, done: Done, vanished: frozenset[Seat]) -> list[Need]:
    ceilings, if_failed = (envelope.rents, envelope.if_failed) if envelope else (None, frozenset[Seat]())
    return needs_of(diff, ceilings, wish.allowed.beside, done.machines_failed, vanished, if_failed)


def _asked(wish: Wish, observation: Observation, merged: Merged, now: float) -> Merged:
    """What a person wants replaced, written down in the first pass of a run: what comes in its place is another one."""
    if wish.allowed.counted or not (wish.replacing or wish.agreed):
        return merged
    marks = ((i.id, read_label(i.label, wish.policy.owner)) for i in observation.instances)
    seats = {number: mark.seat for number, mark in marks if isinstance(mark, Mark)}
    there = [i for i, seat in seats.items() if seat in wish.replacing or wish.agreed.get(seat) == i]
    return replace(merged, record=with_unwanted(merged.record, there, now))


def _compared(wish: Wish, observation: Observation, record: Record, now: float) -> Diff:
    policy = wish.policy
    return compare(
        wish.fleets,
        observation.instances,
        reduce(without_pause, wish.ending, record),
        policy.owner,
        policy.blacklist,
        now=now,
        lost_per_day=wish.settle.lost_per_day,
    )


def refused_logins(checks: Probe | None, needs: Sequence[Need]) -> dict[str, Held]:
    """Fleets that want to rent, whose checks log in, where nobody could: what is rented would never be ready. `ssh`
    needs no key; but with one that is named and lets nobody in it would be blind."""
    if checks is None:
        return {}
    fleets = {need.fleet.name: need.fleet for need in needs}
    must = {name for name, fleet in fleets.items() if logs_in(fleet)}
    may = {name for name, fleet in fleets.items() if tries_a_key(fleet)} - must
    asked = ((must, checks.why_no_login), (may, checks.why_no_key))
    whys = [(names, why()) for names, why in asked if names]
    if not any(why for _, why in whys):
        return {}
    from reconciler.core.logins import no_login

    return {name: no_login(name, why) for names, why in whys if why is not None for name in sorted(names)}


def _lacking(wish: Wish, needs: Sequence[Need]) -> dict[str, Held]:
    """Fleets that want to rent and whose secrets are not there; the others go on."""
    names = sorted({need.fleet.name for need in needs} & wish.lacking.keys())
    if not names:
        return {}
    from reconciler.core.lacking import unset

    return {name: unset(name, wish.lacking[name]) for name in names}


def refused_templates(
    provider: Provider, needs: Sequence[Need], images: tuple[str, ...] | None = None
) -> dict[str, Held]:
    """Fleets that want to rent from a template and may not, each with its refusal: there is no such template, or its
    image is none that `images`, the policy's patterns, admit."""
    wanted = {need.fleet.name: need.fleet.container.vast_template for need in needs}
    looked_up = {
        fleet: _template_refusal(provider, fleet, template_hash, images)
        for fleet, template_hash in sorted(wanted.items())
        if template_hash is not None
    }
    return {fleet: held for fleet, held in looked_up.items() if held is not None}


def _template_refusal(
    provider: Provider, fleet: str, template_hash: str, images: tuple[str, ...] | None
) -> Held | None:
    from reconciler.core.images import admitted
    from reconciler.core.template import no_such, outside, unseen

    try:
        found = provider.template(template_hash)
    except (DoubtfulReading, Unreachable, KeyProblem) as error:
        # A lookup that failed refuses nothing, for the rent itself will tell; but an unknown image is not admitted.
        return None if images is None else unseen(fleet, template_hash, str(error))
    if found is None:
        return no_such(fleet, template_hash)
    return None if images is None or admitted(found.image or "", images) else outside(fleet, found)
