"""Destroys that are sure: read afresh, written down, sent once, and gone only when seen gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from reconciler.apply.fresh import FRESH_READ_S, for_its_fault, fresh_reading, skipped, take_back
from reconciler.apply.keys import let_key_in
from reconciler.apply.run import Run
from reconciler.core.aside import set_aside
from reconciler.core.blaming import struck_by
from reconciler.core.diff import Member, judge
from reconciler.core.history import of_seat
from reconciler.core.instance import Instance
from reconciler.core.label import Mark, Seat, read_label
from reconciler.core.leftovers import not_as_ordered
from reconciler.core.model import Blacklist, Fleet
from reconciler.core.plan import Destroy, Replace
from reconciler.core.record import Known, Leaving, Record, with_known, with_leaving, with_sent, without_instance
from reconciler.core.replacing import with_emptied, without_emptied
from reconciler.core.report import Outcome
from reconciler.core.settle import grown
from reconciler.core.states import State, rate_per_hour
from reconciler.core.striking import failed, with_waste
from reconciler.core.text import safe
from reconciler.core.unasked import goes_now, with_unasked
from reconciler.errors import DoubtfulReading, Unreachable
from reconciler.provider import DestroyDoubtful, Gone, KeptLog

LOG_LINES = 200
"""So many lines of a failed instance's log are kept."""
LOG_WIDTH = 500
"""In characters."""
LOG_SHOWN = 300
"""So many characters of its end are told at once."""


def send_destroy(run: Run, action: Destroy | Replace) -> bool:
    """Read afresh, write down, send. True when a destroy is under way."""
    victim = action.old.id
    _keep_log(run, action)
    run.clock.sleep(run.provider.free_at("destroy") - run.clock.now())
    reading, read_at = fresh_reading(run, action)
    if isinstance(reading, Instance):
        reading = _written_down(run, action, reading, read_at)
    if isinstance(reading, Outcome):
        run.note(reading)
        return False
    if isinstance(reading, Gone):
        return True
    if (action.old.fault or victim in run.rented) and reading.machine_id is not None:
        run.machines_failed.add(reading.machine_id)
    run.sent.add(victim)
    answer = run.provider.destroy(victim)
    if isinstance(answer, DestroyDoubtful):
        rate = rate_per_hour(reading)
        run.note(Outcome("sent", action.seat, f"destroy of instance {victim}: {answer.why}", victim, rate))
    return True


def _written_down(run: Run, action: Destroy | Replace, reading: Instance, read_at: float) -> Instance | Gone | Outcome:
    """The victim as it is once its destroy is durable, read again where that took long: by now it may be another's, or
    have recovered. What is not sent then was surely never sent, and nothing stays of it."""
    victim, at, again = action.old.id, run.clock.now(), action.old.id in run.record.leaving
    keeper = action.keeper_id if isinstance(action, Destroy) else None
    fault = action.old.fault if for_its_fault(action) else None
    kind, rate = fault.kind if fault else "", rate_per_hour(reading)
    item = Leaving(victim, action.seat, at, action.reason, rate, keeper, kind, in_doubt_at=at)
    save_leaving(run, item, _failed(run, action, reading, at))
    fresh: Instance | Gone | Outcome = reading
    if run.clock.now() - read_at > FRESH_READ_S:
        fresh, read_at = fresh_reading(run, action)
    if isinstance(fresh, Instance) and run.clock.now() - read_at > FRESH_READ_S:
        run.unread.add(victim)
        fresh = skipped(action, f"its reading is older than {FRESH_READ_S:.0f} s")
    if isinstance(fresh, Outcome) and not again:
        take_back(run, item, reading.machine_id)
    return fresh


def save_leaving(run: Run, leaving: Leaving, record: Record) -> None:
    """Write a destroy down before it is sent; in the history it stands once."""
    told = of_seat(leaving.since, "destroying", leaving.seat, leaving.reason, leaving.id, leaving.rate_per_hour)
    strikes = struck_by(run.record, record, leaving.seat, leaving.id, leaving.since)
    run.save(with_leaving(record, leaving), *(() if leaving.id in run.record.leaving else (told, *strikes)))


def _keep_log(run: Run, action: Destroy | Replace) -> None:
    """Keep what a failed instance says of itself while it is there. Without a log it goes all the same."""
    fault = action.old.fault
    if run.logs is None or fault is None or not fault.has_log or action.old.id in run.record.leaving:
        return
    text = run.provider.logs(action.old.id, LOG_LINES)
    if text:
        lines = tuple(safe(line, LOG_WIDTH) for line in text.splitlines()[-LOG_LINES:])
        run.logs.keep(KeptLog(action.seat, action.old.id, run.clock.now(), fault.kind, lines))
        shown = " | ".join(line for line in lines if line)
        end = safe(shown[-LOG_SHOWN:], LOG_SHOWN)
        run.note(Outcome("log", action.seat, f"its log ends: {end}", action.old.id))


def _failed(run: Run, action: Destroy | Replace, reading: Instance, at: float) -> Record:
    """The record that knows what the victim's failure says of its machine, its spec and its seat."""
    record, fault = _emptied(run, action, at), action.old.fault
    if action.old.id in run.record.leaving:
        return record
    if fault is None:
        machine_id = reading.machine_id if isinstance(action, Destroy) and action.unasked else None
        return record if machine_id is None else set_aside(record, machine_id, action.seat, action.reason, at)
    record = failed(record, action.old.mark, reading.machine_id, fault, run.strikes, at)
    health = record.health.get(action.old.id)
    if health is None or not fault.booting:
        return record
    return with_waste(record, action.seat, health.since, reading.price_per_hour or Decimal(0), at)


def _emptied(run: Run, action: Destroy | Replace, at: float) -> Record:
    """The record that knows whether the seat's next rent is a replacement; a destroy that is sent again says nothing
    new about it."""
    if action.old.id in run.record.leaving:
        return run.record
    unasked = action.unasked if isinstance(action, Destroy) else not action.asked
    seat, record = action.seat, run.record
    if unasked and (isinstance(action, Replace) or action.old.id not in run.rented):
        record = with_unasked(record, seat.fleet, at)
    if isinstance(action, Destroy) and action.keeper_id is not None and _lost_its_bid(action.old):
        record = goes_now(record, seat, at)
    return with_emptied(record, seat, at) if unasked else without_emptied(record, frozenset([seat]))


def _lost_its_bid(old: Member) -> bool:
    """Whether it was replaced for that alone: a rollout's step is asked for, however its old instance is."""
    return old.state is State.OUTBID and not old.drifts


def confirm(run: Run, ids: list[int]) -> set[int]:
    """Which of `ids` are seen gone: absent from a complete list, and the single read says so. The others are leaks
    for now; a later pass asks again."""
    confirmed: set[int] = set()
    try:
        listed = {instance.id for instance in run.provider.instances().instances}
        for instance_id in ids:
            if instance_id in listed or _too_new(run, instance_id):
                continue
            if isinstance(run.provider.instance(instance_id), Gone):
                confirmed.add(instance_id)
    except (DoubtfulReading, Unreachable):
        pass
    record = with_sent(run.record, run.sent)
    for instance_id in confirmed:
        item = record.leaving.get(instance_id)
        known = record.known.get(instance_id)
        seat = item.seat if item else known.seat if known else Seat("", 0)
        rate = item.rate_per_hour if item else Decimal(0)
        record = without_instance(record, instance_id)
        run.note(Outcome("destroyed", seat, item.reason if item else "it was gone already", instance_id, rate))
    if record is not run.record:
        run.save(record)
    return confirmed


def _too_new(run: Run, instance_id: int) -> bool:
    """Whether an instance was rented so lately, and never listed, that nobody can call it gone yet."""
    known = run.record.known.get(instance_id)
    now = run.clock.now()
    settle = grown(run.settle, run.record.appeared, now)
    return known is not None and not known.listed and now - known.seen_at < settle.total_s


def check_rented(run: Run, fleets: Iterable[Fleet]) -> None:
    """Look at what this run rented, one by one: what came back over its price, or of the wrong kind, goes at once.
    What cannot be read is left to the next run."""
    declared = {fleet.name: fleet for fleet in fleets}
    sent = []
    for instance_id in (i for i in run.rented if i not in run.record.leaving):
        try:
            reading = run.provider.instance(instance_id)
        except (DoubtfulReading, Unreachable):
            continue
        if isinstance(reading, Instance):
            let_key_in(run, [reading], declared.values())
        action = None if isinstance(reading, Gone) else _mistake(run, reading, declared)
        if action is not None:  # It was seen: from now on an absence counts.
            run.save(with_known(run.record, [Known(instance_id, action.seat, run.clock.now())]))
            sent += [instance_id] if send_destroy(run, action) else []
    if sent:
        confirm(run, sent)


def _mistake(run: Run, reading: Instance, declared: Mapping[str, Fleet]) -> Destroy | None:
    mark = read_label(reading.label, run.owner)
    if not isinstance(mark, Mark):
        return None
    now, fleet = run.clock.now(), declared.get(mark.seat.fleet)
    member = judge(reading, mark, fleet, run.record, Blacklist(), now=now, list_at=now)
    why = not_as_ordered(member)
    return Destroy(mark.seat, member, why, unasked=True) if why else None
