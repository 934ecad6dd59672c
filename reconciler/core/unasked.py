"""Destroys that nobody asked for, by fleet: under `watch` they are counted in any ten minutes, across restarts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.core.incidents import UNASKED_WINDOW_S
from reconciler.core.record import Record


def with_unasked(record: Record, fleet: str, at: float) -> Record:
    """The record with one more; those that count no more go."""
    kept = {name: times for name, all_of in record.unasked.items() if (times := _counting(all_of, at))}
    return replace(record, unasked={**kept, fleet: (*kept.get(fleet, ()), at)})


def unasked_lately(record: Record, now: float) -> Mapping[str, int]:
    """How many each fleet saw within the last ten minutes. One dated later than now, by a clock that was set back,
    counts as well."""
    counts = {fleet: len(_counting(times, now)) for fleet, times in record.unasked.items()}
    return {fleet: count for fleet, count in counts.items() if count}


def _counting(times: tuple[float, ...], now: float) -> tuple[float, ...]:
    return tuple(t for t in times if now - t < UNASKED_WINDOW_S)
