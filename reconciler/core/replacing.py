"""Replacements that nobody asked for, by seat and day: what fails at once must not be bought for ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.core.label import Seat
from reconciler.core.record import Record

DAY_S = 86_400.0


def with_emptied(record: Record, seat: Seat, at: float) -> Record:
    """The record once a seat's instance went unasked: the next rent for the seat is a replacement."""
    return replace(record, emptied={**record.emptied, seat: record.emptied.get(seat, at)})


def without_emptied(record: Record, seats: frozenset[Seat]) -> Record:
    """The record once these seats hold an instance, or were emptied because somebody asked for it."""
    if record.emptied.keys().isdisjoint(seats):
        return record
    return replace(record, emptied={s: at for s, at in record.emptied.items() if s not in seats})


def without_unwanted(record: Record, replicas: Mapping[str, int]) -> Record:
    """The record once fleets want so many replicas: a seat beyond them that is wanted again one day is a new one."""
    beyond = (seat for seat in record.emptied if seat.index >= replicas.get(seat.fleet, seat.index + 1))
    return without_emptied(record, frozenset(beyond))


def with_replacement(record: Record, seat: Seat, at: float) -> Record:
    """The record with one more replacement of a seat; those of yesterday go."""
    kept = {s: times for s, all_of in record.replaced.items() if (times := _of_the_day(all_of, at))}
    return replace(record, replaced={**kept, seat: (*kept.get(seat, ()), at)})


def without_replacement(record: Record, seat: Seat, at: float) -> Record:
    """The record once the replacement that was written down at `at` was refused: nothing was made."""
    times = tuple(t for t in record.replaced.get(seat, ()) if t != at)
    return replace(record, replaced={**record.replaced, seat: times})


def replacements_of(record: Record, seat: Seat, now: float) -> tuple[float, ...]:
    """When the seat was replaced unasked within the last day, the oldest first."""
    return _of_the_day(record.replaced.get(seat, ()), now)


def _of_the_day(times: tuple[float, ...], now: float) -> tuple[float, ...]:
    return tuple(sorted(t for t in times if now - t < DAY_S))
