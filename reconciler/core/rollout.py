"""How a changed spec reaches a fleet: so many seats at a time, and nothing further while these are under way."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from reconciler.core.budget import on_the_way
from reconciler.core.canary import Canary, is_of
from reconciler.core.diff import FleetDiff, SeatView
from reconciler.core.fields import spec_hash
from reconciler.core.forecast import rollout_s, steps_of
from reconciler.core.label import Seat
from reconciler.core.model import Fleet
from reconciler.core.plan import Destroy, FleetPlan, Replace, Wait
from reconciler.core.seat_notes import is_overdue
from reconciler.values import dataclass


class Pace:
    """Whose turn it is: as many seats are under way as `rollout.at_once` says, those included for which something is
    on its way for another reason. A step of a rollout also waits for seats that it would leave the fleet short of, and
    for one whose instance nobody can tell anything of; after its boot's time nothing else waits for that."""

    def __init__(self, part: FleetDiff, crowded: Iterable[Seat]) -> None:
        waits = ("pending", "doubtful")
        coming = (v for v in part.seats if v.bucket in waits and not _is_untold(part.fleet, v))
        busy = [*(v.seat for v in coming), *(v.seat for v in part.seats if v.intents or v.leaving)]
        busy += crowded
        busy += [m.mark.seat for m in part.surplus]
        busy += [item.seat for item in part.leaving_beyond]
        busy += [intent.seat for intent in part.intents_beyond]
        self._line = list(dict.fromkeys(busy))
        untold = [view.seat for view in part.seats if _is_untold(part.fleet, view) and view.seat not in self._line]
        self._short = [*(seat for seat in short_of(part) if seat not in self._line), *untold]
        self._steps: set[Seat] = set()
        self._step = part.fleet.step if part.canary is None else 1
        self._canary = _wait_for(part.canary)
        self._unchanged = _unchanged(part) if self._canary else frozenset()

    def step(self, seat: Seat) -> Wait | None:
        """None for a seat of the rollout whose turn it is; else what it waits for. The canary tries a changed spec:
        what goes for another reason than its spec does not wait for it."""
        canary = None if seat in self._unchanged else self._canary
        return canary or self._behind(seat, [*self._short, *self._line])

    def next(self, seat: Seat) -> Wait | None:
        """The same for a seat that gets another instance for another reason."""
        return self._behind(seat, self._line)

    def _behind(self, seat: Seat, line: list[Seat]) -> Wait | None:
        line = [other for other in line if other != seat]  # No seat waits for itself.
        behind = line[-self._step] if len(line) >= self._step else None
        turn = behind if behind in self._steps else None
        self._line = [*(other for other in self._line if other != seat), seat]
        self._steps.add(seat)
        return Wait(f"after {behind}", turn=turn) if behind is not None else None


def _is_untold(fleet: Fleet, view: SeatView) -> bool:
    """Whether its instance should be ready by now and no look can tell: it may stay so for ever."""
    return view.bucket == "pending" and view.keeper is not None and is_overdue(fleet, view.keeper.health)


def _unchanged(part: FleetDiff) -> frozenset[Seat]:
    """Seats that hold an instance of the spec as it is."""
    current = spec_hash(part.fleet)
    return frozenset(view.seat for view in part.seats if view.keeper is not None and is_of(current, view.keeper))


def short_of(part: FleetDiff) -> list[Seat]:
    """Seats that a rollout must not leave behind: one whose new instance fails; and where old instances go first, also
    one that is empty, or whose instance is dead."""
    first_out = part.fleet.rollout.order == "destroy-first"
    return [view.seat for view in part.seats if _fails(view, first_out)]


def _fails(view: SeatView, first_out: bool) -> bool:
    if view.keeper is None:
        return first_out
    return view.bucket == "unhealthy" and (first_out or not view.keeper.drifts)


def _wait_for(canary: Canary | None) -> Wait | None:
    """Until the first instance of the spec has been ready long enough; None where there is none yet: one may go."""
    if canary is None or canary.seat is None:
        return None
    what = "is ready" if canary.left_s is None else "has been ready long enough"
    return Wait(f"until the canary {canary.seat} {what}", canary.left_s)


@dataclass(frozen=True, slots=True)
class Rolling:
    """What is left of a rollout."""

    seats: int
    """Seats that still hold an old instance: also where its turn, an attempt in doubt or a guard holds it up. One that
    was told to go is not counted: its destroy stands in the plan by itself until it is proven."""
    replicas: int
    at_once: int
    steps: int
    seconds: float
    """What they take, roughly, with what is left of the canary's time."""
    extra_per_hour: Decimal
    """What it adds at most, at any moment, to what the fleet bills now, in $/h; zero where old ones go first."""


def rolling(plan: FleetPlan) -> Rolling | None:
    """What is left of a fleet's rollout; None where no seat is to be replaced because of the spec."""
    to_come = [a for a in plan.actions if isinstance(a, Replace) and a.asked and a.trial is None]
    seats, step = plan.drifted, plan.fleet.step
    if not to_come or not seats:
        return None
    going = [a for a in plan.actions if isinstance(a, Destroy)]
    has_new_first = any(a.order == "create-first" for a in to_come)
    extra = on_the_way([*to_come, *going], plan.fleet) if has_new_first else Decimal(0)
    return Rolling(seats, plan.fleet.replicas, step, steps_of(plan), rollout_s(plan), extra)
