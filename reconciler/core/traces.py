"""Traces that past passes left in the record and guards read: lost attempts, suspects, instances gone outside."""

from __future__ import annotations

from decimal import Decimal

from reconciler.core.label import Seat
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True)
class Tombstone:
    """An attempt that was settled as never made. Should its label appear after all, it is known."""

    attempt: str
    seat: Seat
    machine_id: int
    at: float
    """When it was written down, before the first byte left."""
    lost_at: float
    """When it was settled: a tombstone stands for a day from then."""
    ceiling: Decimal
    freed: bool = False
    """A person has said that it counts no more, neither against its seat nor against budgets."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A known instance that was called gone together with many others: not believed yet."""

    id: int
    seat: Seat
    at: float
    """When the list started that lacked it first."""
    seen_at: float


@dataclass(frozen=True, slots=True)
class Outside:
    """An instance of ours that somebody else destroyed, and when a list lacked it first."""

    id: int
    seat: Seat
    at: float
