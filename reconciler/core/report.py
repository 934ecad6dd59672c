"""What a run did, as data: an outcome for every step, and how the run ended."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Literal

from reconciler.core.label import Seat
from reconciler.core.plan import Leak, Plan
from reconciler.core.record import Intent

OutcomeKind = Literal[
    "rented", "ready", "destroyed", "sent", "doubtful", "refused", "offer gone", "skipped", "bid", "log"
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one step of an action."""

    kind: OutcomeKind
    seat: Seat
    text: str
    instance_id: int | None = None
    rate_per_hour: Decimal = Decimal(0)


class Ending(Enum):
    """How a run ended."""

    DONE = "done"
    STEPPED = "stepped"
    """One step was done, as asked."""
    LATE = "late"
    """Time was up before everything ran."""
    FAILED = "failed"
    """An error ended it."""


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run: what it did, what is still open, and why it ended."""

    plan: Plan
    """The last plan that was made."""
    ending: Ending
    at: float
    outcomes: tuple[Outcome, ...] = ()
    waits: tuple[str, ...] = ()
    """What was still being waited for."""
    failed: tuple[str, ...] = ()
    """What should have been done and was not."""
    doubts: tuple[Intent, ...] = ()
    """Rents of which nobody knows whether they were made."""
    leaks: tuple[Leak, ...] = ()
    """Destroys that were sent and are not proven."""
    error: str | None = None
    hint: str | None = None
    left_out: tuple[Seat, ...] = ()
    """Seats that are wanted and empty, and that the saved plan does not name."""
