"""What is remembered of cheaper places: what a look has found, and candidates that run beside what they may replace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.core.label import Seat

if TYPE_CHECKING:
    from reconciler.core.diff import Diff, SeatView
    from reconciler.core.record import Record

DAY_S = 86_400.0
_KEPT_S = 2 * DAY_S
"""No candidate may take longer than a day."""
HOURS_PER_MONTH = 720


@dataclass(frozen=True, slots=True)
class Proposal:
    """An offer that would be worth leaving an instance for."""

    seat: Seat
    instance_id: int
    now_per_hour: Decimal
    then_per_hour: Decimal
    machine_id: int
    at: float
    """When the offer was seen."""

    @property
    def saves_per_month(self) -> Decimal:
        """In dollars."""
        return (self.now_per_hour - self.then_per_hour) * HOURS_PER_MONTH

    @property
    def saves_percent(self) -> Decimal:
        """Of what the instance costs."""
        return 100 * (1 - self.then_per_hour / self.now_per_hour)

    def __str__(self) -> str:
        return f"saves ${self.saves_per_month:.2f} a month, {self.saves_percent:.0f} %"


@dataclass(frozen=True, slots=True)
class Trial:
    """A rent for a seat whose instance runs on until the new one is ready."""

    attempt: str
    seat: Seat
    at: float
    until: float
    """When the new one goes unless it is ready by then."""
    machine_id: int
    won: bool = False
    """Its instance has the seat for itself: from then on it is an instance like any other."""


def with_trial(record: Record, trial: Trial) -> Record:
    """The record with a candidate, before its rent is sent; those of long ago are forgotten, and so is the proposal."""
    kept = {attempt: each for attempt, each in record.trials.items() if trial.at - each.at < _KEPT_S}
    proposals = {seat: each for seat, each in record.proposals.items() if seat != trial.seat}
    return replace(record, trials={**kept, trial.attempt: trial}, proposals=proposals)


def without_trial(record: Record, attempt: str) -> Record:
    """The record once a candidate was never made."""
    if attempt not in record.trials:
        return record
    return replace(record, trials={a: each for a, each in record.trials.items() if a != attempt})


def with_winners(record: Record, diff: Diff) -> Record:
    """The record once candidates have their seat for themselves: the trial of each is over."""
    alone = {view.keeper.mark.attempt for part in diff.fleets for view in part.seats if view.keeper and _alone(view)}
    won = {attempt for attempt in alone & record.trials.keys() if not record.trials[attempt].won}
    if not won:
        return record
    return replace(record, trials={a: replace(t, won=True) if a in won else t for a, t in record.trials.items()})


def _alone(view: SeatView) -> bool:
    """Whether nothing else is, or may be, in the seat."""
    return not (view.extras or view.absent or view.intents)


def trials_of(record: Record, fleet: str, now: float) -> Iterator[Trial]:
    """The candidates of a fleet within the last day, whatever became of them."""
    return (trial for trial in record.trials.values() if trial.seat.fleet == fleet and now - trial.at < DAY_S)


def until(at: float, price: Decimal, for_s: float, cost: Decimal) -> float:
    """When a candidate's time or money is used up."""
    return at + min(for_s, float(cost / price) * 3600 if price > 0 else for_s)
