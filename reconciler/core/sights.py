"""What was seen of the market and is worth knowing for a day: answers of machines, sightings, and rows read.

All of it is soft. Losing it costs a measurement or a little of the ranking, never money.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from reconciler.values import dataclass

if TYPE_CHECKING:
    from reconciler.core.offer import Offer

KEPT_S = 86_400.0
"""So long sightings and measurements count: lines and routes change."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a machine answered when it was asked."""

    ms: float | None
    """The round trip; None where it was asked and did not answer, which need not be asked again so soon."""
    at: float
    """When, epoch seconds."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A size of a machine (its id and a number of GPUs) that was seen for sale."""

    last_at: float
    times: int
    """In how many passes, none of them more than a day after the one before."""


@dataclass(frozen=True, slots=True)
class Sights:
    """What is remembered. Machines are named by id, their sizes by (machine id, number of GPUs)."""

    measured: Mapping[int, Measured] = field(default_factory=dict)
    sightings: Mapping[tuple[int, int], Sighting] = field(default_factory=dict)
    rows: Mapping[date, int] = field(default_factory=dict)
    """Rows that searches answered, by UTC day."""

    def times_seen(self, machine_id: int, gpu_count: int) -> int:
        """In how many passes this size of the machine was seen; 0 for one never seen."""
        seen = self.sightings.get((machine_id, gpu_count))
        return 0 if seen is None else seen.times

    def rows_used(self, day: date) -> int:
        """Rows that searches answered on that UTC day."""
        return self.rows.get(day, 0)

    def fresh(self, now: float) -> Sights:
        """Without what is older than a day (rows: than yesterday), or dated later than `now`."""
        since, days = now - KEPT_S, (utc_day(now), utc_day(now - 86_400.0))
        return Sights(
            {machine: one for machine, one in self.measured.items() if since <= one.at <= now},
            {size: one for size, one in self.sightings.items() if since <= one.last_at <= now},
            {day: count for day, count in self.rows.items() if day in days},
        )


@dataclass(frozen=True, slots=True)
class NewSights:
    """What one pass adds to the sights."""

    at: float
    measured: Mapping[int, Measured] = field(default_factory=dict)
    seen: frozenset[tuple[int, int]] = frozenset()
    """(machine id, number of GPUs) of every offer seen."""
    rows: int = 0
    """Rows that its searches answered."""

    @property
    def day(self) -> date:
        """The UTC day that the rows count for."""
        return utc_day(self.at)


def sizes_of(offers: Iterable[Offer]) -> frozenset[tuple[int, int]]:
    """The sizes of machines among `offers`."""
    return frozenset((offer.machine_id, offer.gpu_count) for offer in offers)


def utc_day(at: float) -> date:
    """The UTC day of a moment in epoch seconds."""
    return datetime.fromtimestamp(at, UTC).date()


def with_new(sights: Sights, new: NewSights) -> Sights:
    """The sights with what a pass adds, as a store would keep them, so that the pass can go on with it."""
    sights = sights.fresh(new.at)
    seen = {size: Sighting(new.at, sights.times_seen(*size) + 1) for size in new.seen}
    rows = {**sights.rows, new.day: sights.rows_used(new.day) + new.rows}
    return Sights({**sights.measured, **new.measured}, {**sights.sightings, **seen}, rows).fresh(new.at)


def together(one: NewSights, other: NewSights) -> NewSights:
    """What two looks of one pass add, as if they were one."""
    measured = {**one.measured, **other.measured}
    return NewSights(one.at, measured, one.seen | other.seen, one.rows + other.rows)


def with_measured(sights: Sights, new: NewSights) -> Sights:
    """The sights with what was measured in this very pass; it is not seen once more for having been seen now."""
    return replace(sights, measured={**sights.measured, **new.measured})
