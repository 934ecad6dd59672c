"""Instances that the account calls gone though we never destroyed them: when that is believed, and when it is war.

One or two that go are rented again at once. Many at once look like a reading that lies (another account's key, a
tenant mix-up), so they are not believed before a second reading says so, at least ten minutes later, or a person
does. And somebody who destroys what we rent faster than one mends by hand would be paid for by us: the fleet is paused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler.core.record import Known, Record, with_pause
from reconciler.core.replacing import with_emptied
from reconciler.core.traces import Outside, Suspect
from reconciler.values import dataclass

SUSPICIOUS_INSTANCES = 3
SUSPICIOUS_HOSTS = 2
SUSPICIOUS_FLEET = 3
"""More than half of a fleet is suspicious from so many instances on."""
CONFIRMED_AFTER_S = 600.0
"""A second complete list and a second typed "gone" of each id, so long after the first, are believed."""
HOUR_S = 3600.0
OUTSIDE_AT_LEAST = 2
OUTSIDE_SHARE = 10
"""So many of a fleet, or the share of 1 / this, may be destroyed outside within an hour; more pauses the fleet."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is believed of the instances that a reading calls gone."""

    record: Record
    believed: tuple[Known, ...] = ()


def judge_gone(
    record: Record, gone: Sequence[Known], at: float, accepted: int | None, *, unsound: bool = False
) -> Verdict:
    """Which of `gone` are believed: suspects that a later reading confirms or a person accepts with their exact
    number, and others unless they are too many at once, or the list is `unsound`: it lacks an instance that lives and
    was listed before. `record` still knows all of them."""
    settled = [k for k in gone if k.id in record.suspects and at - record.suspects[k.id].at >= CONFIRMED_AFTER_S]
    fresh = [k for k in gone if k not in settled]
    doubted = fresh if unsound else suspicious(record, fresh)
    if accepted is not None and doubted and len(doubted) == accepted:
        # Somebody has seen it and said so: it is no sign of a fight.
        return Verdict(record, tuple(gone))
    told = {k.id: record.suspects.get(k.id) or Suspect(k.id, k.seat, at, k.seen_at) for k in doubted}
    believed = tuple(k for k in gone if k.id not in told)
    return Verdict(_destroyed_outside(replace(record, suspects=told), believed, at), believed)


def suspicious(record: Record, fresh: Sequence[Known]) -> list[Known]:
    """Those of `fresh` that are too many at once: at least 3 on 2 hosts, or of a fleet of 3 more than half. While some
    are under suspicion, whatever goes besides is under it too."""
    hosts = {k.host_id if k.host_id is not None else -k.id for k in fresh}
    if any(k.id in record.suspects for k in fresh):
        return list(fresh)
    if len(fresh) >= SUSPICIOUS_INSTANCES and len(hosts) >= SUSPICIOUS_HOSTS:
        return list(fresh)
    sizes, lost = _sizes(record.known.values()), _sizes(fresh)
    large = {name for name, size in sizes.items() if size >= SUSPICIOUS_FLEET}
    return [k for k in fresh if k.seat.fleet in large and 2 * lost[k.seat.fleet] > sizes[k.seat.fleet]]


def _sizes(known: Iterable[Known]) -> Mapping[str, int]:
    sizes: dict[str, int] = {}
    for each in known:
        sizes[each.seat.fleet] = sizes.get(each.seat.fleet, 0) + 1
    return sizes


def _destroyed_outside(record: Record, believed: Sequence[Known], at: float) -> Record:
    """The record that counts them for an hour, and pauses a fleet that loses too many."""
    recent = {i: gone for i, gone in record.outside.items() if at - gone.at < HOUR_S}
    first = {k.id: record.suspects[k.id].at if k.id in record.suspects else at for k in believed}
    recent |= {k.id: Outside(k.id, k.seat, first[k.id]) for k in believed}
    record = replace(record, outside=recent)
    for fleet in sorted({k.seat.fleet for k in believed}):
        lost = sum(gone.seat.fleet == fleet for gone in recent.values())
        seats = {k.seat for k in record.known.values()} | {gone.seat for gone in recent.values()}
        size = sum(seat.fleet == fleet for seat in seats)
        limit = max(OUTSIDE_AT_LEAST, size // OUTSIDE_SHARE)
        if lost > limit and fleet not in record.paused:
            why = f"{lost} of {size} instances of {fleet} were destroyed outside within an hour, more than {limit}"
            record = replace(with_pause(record, fleet, at), stopped={**record.stopped, fleet: why})
    return record


def emptied_by(record: Record, believed: Iterable[Known], at: float) -> Record:
    """The record in which the next rent for each of their seats is a replacement."""
    for known in believed:
        record = with_emptied(record, known.seat, at)
    return record
