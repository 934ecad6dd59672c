"""What a failed instance leaves in the record: a strike of its machine, a failure of its spec, what it has cost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from reconciler.core.debut import NEW, Failure, condemned, with_debut, with_failures
from reconciler.core.faults import OUTBID, STOPPED, Fault
from reconciler.core.label import Mark, Seat
from reconciler.core.record import Record
from reconciler.core.renewal import EXPIRED
from reconciler.core.strikes import Strike, StrikeRules, counting

DAY_S = 86_400.0
HOUR_S = Decimal(3600)
_NOBODYS = frozenset({STOPPED, OUTBID, EXPIRED})
"""Faults that come with the contract, from a person or from a rival."""


def with_strike(record: Record, machine_id: int, strike: Strike, rules: StrikeRules) -> Record:
    """The record with a strike more; the forgotten ones of all machines go."""
    all_kept = {m: kept for m, all_of in record.strikes.items() if (kept := counting(all_of, rules, strike.at))}
    return replace(record, strikes={**all_kept, machine_id: (*all_kept.get(machine_id, ()), strike)})


def forgiven(record: Record, machine_id: int) -> Record:
    """The record without any strike of a machine."""
    return replace(record, strikes={m: all_of for m, all_of in record.strikes.items() if m != machine_id})


def failed(record: Record, mark: Mark, machine_id: int | None, fault: Fault, rules: StrikeRules, at: float) -> Record:
    """The record once an instance goes for `fault`. Where that condemns its spec, no machine keeps a strike for it."""
    if machine_id is None or fault.kind in _NOBODYS or fault.grace_left_s > 0:
        return record
    if fault.blames_machine:
        record = with_strike(record, machine_id, Strike(at, fault.kind, str(mark.seat)), rules)
    if not fault.booting or fault.of_the_host:
        return record
    key = (mark.seat.fleet, mark.spec_hash)
    debut = record.debuts.get(key, NEW)
    if debut.proved:
        return record
    debut = with_failures(debut, [Failure(machine_id, fault.cause, at)])
    record = replace(record, debuts=with_debut(record.debuts, key, debut))
    for each in condemned(debut):
        record = _taken_back(record, each)
    return record


def _taken_back(record: Record, failure: Failure) -> Record:
    """The record without the strike that this failure gave."""
    kept = tuple(strike for strike in record.strikes.get(failure.machine_id, ()) if strike.at != failure.at)
    others = {m: all_of for m, all_of in record.strikes.items() if m != failure.machine_id}
    return replace(record, strikes={**others, failure.machine_id: kept} if kept else others)


# --- money ----------------------------------------------------------------------------------------


def with_waste(record: Record, seat: Seat, since: float, rate_per_hour: Decimal, at: float) -> Record:
    """The record with what an instance of a seat cost that was never ready; those of yesterday go."""
    dollars = (rate_per_hour * Decimal(str(max(0.0, at - since))) / HOUR_S).quantize(Decimal("0.000001"))
    kept = {s: found for s, items in record.wasted.items() if (found := _of_the_day(items, at))}
    return replace(record, wasted={**kept, seat: (*kept.get(seat, ()), (at, dollars))})


def wasted_of(record: Record, seat: Seat, now: float) -> Decimal:
    """What instances of a seat that were never ready cost within the last day, in dollars."""
    return sum((dollars for _, dollars in _of_the_day(record.wasted.get(seat, ()), now)), Decimal(0))


def _of_the_day(items: tuple[tuple[float, Decimal], ...], now: float) -> tuple[tuple[float, Decimal], ...]:
    return tuple(item for item in items if now - item[0] < DAY_S)
