"""Attempts that were never made: their tombstones, the seats they freeze, and the word that frees one.

At most one instance too many can come of a lost attempt, when its request takes effect later than anyone believed.
So a seat is rented for again after `Settle.lost_per_day` of them (1), and after one more nobody rents for it until the
day is over or a person frees it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from reconciler.core.aside import tried_anew
from reconciler.core.label import Seat
from reconciler.core.record import Intent, Record
from reconciler.core.traces import Tombstone

DAY_S = 86_400.0


def with_tombstones(record: Record, lost: Iterable[Intent], now: float) -> Record:
    """The record with a tombstone for each attempt that was settled as never made; those of yesterday go. Its machine
    is not set aside: of two requests for one offer the late one is refused, and so there is no instance too many."""
    new = {i.attempt: Tombstone(i.attempt, i.seat, i.machine_id, i.at, now, i.ceiling) for i in lost}
    kept = {a: t for a, t in record.tombstones.items() if now - t.lost_at < DAY_S}
    return replace(record, tombstones={**kept, **new})


def risen(record: Record, seen: Collection[str]) -> tuple[Record, tuple[Tombstone, ...]]:
    """The record without the tombstones whose label appeared after all, and these: their instance is known now."""
    back = tuple(t for a, t in record.tombstones.items() if a in seen)
    kept = {a: t for a, t in record.tombstones.items() if a not in seen}
    return (replace(record, tombstones=kept) if back else record), back


def lost_of(record: Record, seat: Seat, now: float) -> tuple[Tombstone, ...]:
    """The lost attempts that count against a seat now, the oldest first."""
    found = (t for t in record.tombstones.values() if t.seat == seat and not t.freed and now - t.lost_at < DAY_S)
    return tuple(sorted(found, key=lambda t: (t.lost_at, t.attempt)))


def standing_tombstones(record: Record, now: float) -> tuple[Tombstone, ...]:
    """All lost attempts that count against budgets now."""
    return tuple(t for t in record.tombstones.values() if not t.freed and now - t.lost_at < DAY_S)


def freed(record: Record, seat: Seat) -> Record:
    """The record once a person has freed a seat: lost attempts, replacements and lost bids of the day count no more,
    and the machines that were set aside for it are tried again. The tombstones stay, so that a label that appears late
    is recognised."""
    tombstones = {a: replace(t, freed=True) if t.seat == seat else t for a, t in record.tombstones.items()}
    counted = {s: times for s, times in record.replaced.items() if s != seat}
    wasted = {s: items for s, items in record.wasted.items() if s != seat}
    return replace(tried_anew(record, seat), tombstones=tombstones, replaced=counted, wasted=wasted)
