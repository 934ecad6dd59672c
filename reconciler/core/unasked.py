"""Destroys that nobody asked for, by fleet: under `watch` they are counted in any ten minutes, across restarts.

Where the successor comes first, its rent counts, for the old instance goes as soon as it runs; from then on that does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.core.incidents import UNASKED_WINDOW_S
from reconciler.core.label import Seat
from reconciler.core.record import Record


def with_unasked(record: Record, fleet: str, at: float) -> Record:
    """The record with one more; those that count no more go."""
    kept = {name: times for name, all_of in record.unasked.items() if (times := _counting(all_of, at))}
    return replace(record, unasked={**kept, fleet: (*kept.get(fleet, ()), at)})


def without_unasked(record: Record, fleet: str, at: float) -> Record:
    """The record once the one that was counted at `at` has come to nothing; another one may carry the same time."""
    times = record.unasked.get(fleet, ())
    if at not in times:
        return record
    where = times.index(at)
    return replace(record, unasked={**record.unasked, fleet: (*times[:where], *times[where + 1 :])})


def goes_now(record: Record, seat: Seat, at: float) -> Record:
    """The record once the old instance of a seat goes whose successor was counted when it was rented: it counts from
    now on, and no more from then."""
    rents = record.replaced.get(seat, ())
    record = without_unasked(record, seat.fleet, rents[-1]) if rents else record
    return with_unasked(record, seat.fleet, at)


def unasked_lately(record: Record, now: float) -> Mapping[str, int]:
    """How many each fleet saw within the last ten minutes. One dated later than now, by a clock that was set back,
    counts as well."""
    counts = {fleet: len(_counting(times, now)) for fleet, times in record.unasked.items()}
    return {fleet: count for fleet, count in counts.items() if count}


def _counting(times: tuple[float, ...], now: float) -> tuple[float, ...]:
    return tuple(t for t in times if now - t < UNASKED_WINDOW_S)
