"""Rents at most once: each attempt is written down, sent once, and its answer classified."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import chain
from typing import Literal

from reconciler.apply.destroys import confirm, save_leaving
from reconciler.apply.fresh import FRESH_READ_S
from reconciler.apply.run import Run
from reconciler.core.aside import BID_LOST, CREATED, set_aside
from reconciler.core.batches import Batch
from reconciler.core.budget import money
from reconciler.core.candidates import Candidate
from reconciler.core.checking import with_rented
from reconciler.core.fields import spec_hash
from reconciler.core.history import rented
from reconciler.core.instance import Instance
from reconciler.core.label import ATTEMPT_BITS, Mark, Seat, attempt_of, read_label, write_label
from reconciler.core.model import Fleet
from reconciler.core.offer import Offer, RentOrder
from reconciler.core.plan import Rent, Replace, is_unasked
from reconciler.core.record import (
    Intent,
    Known,
    Leaving,
    Record,
    with_bid,
    with_intent,
    with_known,
    without_instance,
    without_intents,
)
from reconciler.core.renewal import Cheaper
from reconciler.core.replacing import with_emptied, with_replacement, without_replacement
from reconciler.core.report import Outcome
from reconciler.core.trials import Trial, until, with_trial, without_trial
from reconciler.core.unasked import with_unasked, without_unasked
from reconciler.errors import DoubtfulReading, SearchQuotaUsedUp, Unreachable
from reconciler.provider import OfferGone, RefusedButCreated, RentAnswer, RentDoubtful, Rented, RentRefused
from reconciler.survey import is_stale, offer_now

DOUBTS_PER_RUN = 2
"""After so many rents of doubtful end a run rents nothing more."""
SEND_WITHIN_S = 5.0
"""A rent leaves within so many seconds of its written intent, or within a fifth of the time after which lists are
evidence against it where that is longer; else it does not leave at all. A paused process must not send it late."""


def rent(run: Run, action: Rent) -> None:
    """Try the chosen offer, then its successors where the offer itself is gone; in batches of 1, 2, 4, ..."""
    if not run.batches.setdefault(action.seat.fleet, Batch()).may_rent():
        return
    spare = (candidate for candidate in action.choice.fallbacks if not _crowds(run, action.fleet, candidate.offer))
    candidates = chain([action.choice.candidate], spare)
    for candidate in (c for c in candidates if c.price <= action.ceiling and c.offer.id not in run.offers_gone):
        if run.rents_stopped or action.seat.fleet in run.stopped_fleets:
            return
        if not _attempt(run, action, candidate):
            return


def _crowds(run: Run, fleet: Fleet, offer: Offer) -> bool:
    """Whether this run has rented on the offer's machine already, or on its host where hosts are counted."""
    per_host = fleet.spread.per_host is not None
    return any(offer.machine_id == machine or (per_host and offer.host_id == host) for machine, host in run.used)


def _as_of_now(run: Run, action: Rent, candidate: Candidate) -> Candidate | Literal["next", "stop"]:
    """The candidate with the price of this moment, if it may be rented for that; else whether to try the next one."""
    if not is_stale(run.market, run.clock.now()):
        return candidate
    offer = f"offer {candidate.offer.id}"
    try:
        fresh, news = offer_now(run.provider, action.fleet, candidate, run.clock.now())
    except (DoubtfulReading, Unreachable, SearchQuotaUsedUp) as error:
        why = f"{offer} is not rented: its price could not be read again: {error}"
        run.note(Outcome("skipped", action.seat, why))
        return "stop"
    run.saw(news)
    if fresh is not None and fresh.price <= action.ceiling and (fresh.bid is None) == (candidate.bid is None):
        return fresh
    now = "is not shown any more" if fresh is None else f"costs ${fresh.price:.3f}/h now, over ${action.ceiling:.3f}/h"
    run.offers_gone.add(candidate.offer.id)
    run.note(Outcome("offer gone", action.seat, f"{offer} {now}"))
    return "next"


def _attempt(run: Run, action: Rent, candidate: Candidate) -> bool:
    """One attempt: read the price again where it is old, write the intent, send once, classify. True when the next
    offer should be tried."""
    seat = action.seat
    run.clock.sleep(run.provider.free_at("rent") - run.clock.now())
    fresh = _as_of_now(run, action, candidate)
    if not isinstance(fresh, Candidate):
        return fresh == "next"
    candidate = fresh
    attempt = attempt_of(run.random_bits(ATTEMPT_BITS))
    order = _order(run, seat, action.fleet, candidate, attempt)
    offer = candidate.offer
    intent = Intent(attempt, seat, run.clock.now(), action.ceiling, offer.id, offer.machine_id)
    record = with_intent(run.record, intent)
    if isinstance(action, Replace) and action.trial is not None:
        record = with_trial(record, _trial(intent, action.trial, candidate.price))
    run.save(_counted(record, action, intent.at))
    if run.clock.now() - intent.at > max(SEND_WITHIN_S, run.settle.evidence_after_s / 5):
        # Others may be about to settle it as never made. Whoever has done so has written: then this save is refused.
        run.note(Outcome("skipped", seat, f"offer {offer.id}: it took too long to write the attempt down"))
        run.save(_never_made(run.record, action, intent))
        return False
    run.attempts[seat] = run.attempts.get(seat, 0) + 1
    run.used.add((offer.machine_id, offer.host_id))
    return _answered(run, action, candidate, intent, run.provider.rent(order))


def _answered(run: Run, action: Rent, candidate: Candidate, intent: Intent, answer: RentAnswer) -> bool:
    """What an attempt has come to, written down. True when the next offer should be tried."""
    seat, offer, batch = action.seat, candidate.offer, run.batches[action.seat.fleet]
    match answer:
        case Rented(instance_id):
            batch.answered(clear=True)
            run.added += max(Decimal(0), money(action).lasting)
            _rented(run, intent, instance_id, candidate)
        case RefusedButCreated(instance_id, why):
            # A lost bid is a clear answer: somebody else bids more there, and of other machines it says nothing.
            batch.answered(clear=candidate.bid is not None)
            if candidate.bid is not None:
                run.machines_failed.add(offer.machine_id)
            _rented(run, intent, instance_id, None)
            _undo(run, action, intent, instance_id, why, candidate)
        case OfferGone(why):
            run.offers_gone.add(offer.id)
            run.attempts[seat] -= 1
            run.note(Outcome("offer gone", seat, f"offer {offer.id} is gone: {why}"))
            run.save(_never_made(run.record, action, intent))
            return True
        case RentRefused(why, stops):
            batch.answered(clear=False)
            run.note(Outcome("refused", seat, f"offer {offer.id} was refused: {why}"))
            run.save(_never_made(run.record, action, intent))
            run.stopped_fleets.add(seat.fleet)
            run.rents_stopped = run.rents_stopped or stops == "run"
        case RentDoubtful(why, stops_run):
            batch.answered(clear=False)
            run.added += max(Decimal(0), money(action).lasting)
            run.doubts += 1
            run.rents_stopped = run.rents_stopped or stops_run or run.doubts >= DOUBTS_PER_RUN
            text = f"offer {offer.id}: {why}; the seat stays occupied until the account settles it"
            run.note(Outcome("doubtful", seat, text, None, action.ceiling))
    return False


def _counted(record: Record, action: Rent, at: float) -> Record:
    """The record in which a rent that nobody asked for counts: for its seat, and for its fleet where the old instance
    goes later. Where that goes first, its destroy has counted."""
    if not is_unasked(action):
        return record
    record = with_replacement(record, action.seat, at)
    return with_unasked(record, action.seat.fleet, at) if _comes_first(action) else record


def _comes_first(action: Rent) -> bool:
    return isinstance(action, Replace) and action.order == "create-first"


def _never_made(record: Record, action: Rent, intent: Intent) -> Record:
    """The record once an attempt was refused in so many words."""
    record = without_trial(without_intents(record, [intent.attempt]), intent.attempt)
    return without_replacement(_ends_nothing(record, action, intent), intent.seat, intent.at)


def _ends_nothing(record: Record, action: Rent, intent: Intent) -> Record:
    """The record once nothing will run for which an old instance could go."""
    if is_unasked(action) and _comes_first(action):
        return without_unasked(record, intent.seat.fleet, intent.at)
    return record


def _trial(intent: Intent, rules: Cheaper, price: Decimal) -> Trial:
    end = until(intent.at, price, rules.candidate_for_s, rules.candidate_cost)
    return Trial(intent.attempt, intent.seat, intent.at, end, intent.machine_id)


def _order(run: Run, seat: Seat, fleet: Fleet, candidate: Candidate, attempt: str) -> RentOrder:
    """Everything the attempt sends, its secrets filled in from memory: no I/O between the intent and the send."""
    label = write_label(Mark(run.owner, seat, spec_hash(fleet), attempt))
    env = {n: v if isinstance(v, str) else run.secrets.values[v.name] for n, v in fleet.container.env}
    login = fleet.container.registry_login
    password = run.secrets.values[login.password.name] if login else None
    return RentOrder(candidate.offer.id, label, fleet.container, env, password, fleet.rental.kind, candidate.bid)


def _rented(run: Run, intent: Intent, instance_id: int, candidate: Candidate | None) -> None:
    """It exists: said first, since writing it down may fail, and known from now on. The intent stays until its label
    was seen."""
    run.rented[instance_id] = run.clock.now()
    known = Known(instance_id, intent.seat, run.clock.now(), listed=False)
    if candidate is not None:
        offer = candidate.offer
        text = f"{offer.gpu_count}x {offer.gpu_name}, {offer.location or 'place unknown'}, machine {offer.machine_id}"
        text += "" if candidate.bid is None else f", bid ${candidate.bid:.4f}/h"
        run.note(Outcome("rented", intent.seat, text, instance_id, candidate.price))
    record = with_known(with_intent(run.record, replace(intent, instance_id=instance_id)), [known])
    record = with_rented(record, instance_id, known.seen_at) if run.checks is not None else record
    if candidate is not None and candidate.bid is not None:
        record = with_bid(record, instance_id, candidate.bid)
    run.save(rented(record, instance_id, known.seen_at))


def _undo(run: Run, action: Rent, intent: Intent, instance_id: int, why: str, candidate: Candidate) -> None:
    """A refusal that made an instance all the same: it bills, so it goes, unless a fresh read shows that it is another
    one. Where it cannot be read, or not at once, it is sent later."""
    seat, rate, is_bid = intent.seat, candidate.price, candidate.bid is not None
    reason = f"{'the bid lost' if is_bid else CREATED}: {why}"
    run.note(Outcome("refused", seat, f"{reason}; instance {instance_id} is to go", instance_id, rate))
    at = run.clock.now()
    # A bid that loses at once has cost nothing: it was no replacement, and the next one is none.
    record = _ends_nothing(run.record, action, intent)
    record = without_replacement(record, seat, intent.at) if is_bid else with_emptied(record, seat, at)
    record = set_aside(record, candidate.offer.machine_id, seat, BID_LOST if is_bid else CREATED, at)
    save_leaving(run, Leaving(instance_id, seat, at, reason, rate, in_doubt_at=at), record)
    run.clock.sleep(run.provider.free_at("show") - run.clock.now())
    read_at = run.clock.now()
    try:
        reading = run.provider.instance(instance_id)
    except (DoubtfulReading, Unreachable):
        return
    mark = read_label(reading.label, run.owner) if isinstance(reading, Instance) else None
    if isinstance(reading, Instance) and not (isinstance(mark, Mark) and mark.attempt == intent.attempt):
        text = f"instance {instance_id} is left alone: it does not carry the label of this attempt"
        run.note(Outcome("skipped", seat, text, instance_id))
        run.save(without_instance(run.record, instance_id))
        return
    if isinstance(reading, Instance):  # It was seen: from now on an absence counts.
        run.save(with_known(run.record, [Known(instance_id, seat, run.clock.now())]))
    if run.clock.now() - read_at > FRESH_READ_S:
        return
    run.sent.add(instance_id)
    run.provider.destroy(instance_id)
    confirm(run, [instance_id])
