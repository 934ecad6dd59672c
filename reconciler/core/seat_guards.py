"""Guards of single seats and of a fleet's past: what the record remembers forbids rents that a plan would make.

They judge the same for `plan` and `status`; what they refuse is named with its numbers and the command that lifts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from reconciler.core import in_vain
from reconciler.core.debuting import GUARD, refusal
from reconciler.core.diff import FleetDiff, SeatView
from reconciler.core.model import Fleet, Limits
from reconciler.core.plan import Action, Create, FleetPlan, Held, Replace, is_unasked

STANDING = frozenset({"frozen seat", "destroyed outside", "suspicious vanishing", GUARD})
"""Guards that refuse for what is remembered, whether anything is planned or not."""
FROM_MEMORY = STANDING | {"replacements per seat", "wasted per seat", "lost bids per seat"}
"""Guards that may begin to refuse in the middle of a run: its last words name them."""
LOST_BIDS = 4
"""A bid that loses at once costs next to nothing: for each replacement that a seat may have, so many are forgiven."""
_SITS = ("ready", "pending", "held")


def guard_seats(plan: FleetPlan, part: FleetDiff, limits: Limits) -> FleetPlan:
    """The plan of a fleet without rents for seats that were replaced too often, and with a refusal for each seat that
    is frozen and for a fleet that a guard paused."""
    plan = _often_replaced(plan, part, limits)
    plan = _too_dear(plan, part, limits)
    plan = _often_beaten(plan, part, limits)
    spec = refusal(part)
    return replace(plan, held=(*plan.held, *_frozen(part), *_stopped(part), *([spec] if spec else [])))


def _frozen(part: FleetDiff) -> Iterator[Held]:
    """Seats that nobody rents for: one late request more, and two instances would bill."""
    for view in part.seats:
        if view.frozen and view.bucket not in _SITS:
            lost = sum((t.ceiling for t in view.lost), Decimal(0))
            message = (
                f"{len(view.lost)} attempts for {view.seat} within a day were never made, so nothing is rented for it;"
                f" had they been made after all, they would bill ${lost:.3f}/h"
            )
            yield Held("frozen seat", message, f"reconcile free {view.seat}", part.fleet.name, seat=view.seat)


def _stopped(part: FleetDiff) -> Iterator[Held]:
    if part.stopped is not None:
        name = part.fleet.name
        yield Held("destroyed outside", f"{part.stopped}: the fleet is paused", f"reconcile resume {name}", name)


def _often_replaced(plan: FleetPlan, part: FleetDiff, limits: Limits) -> FleetPlan:
    """At most so many replacements of a seat within a day: what fails at once is not bought for ever."""
    most = limits.replacements_per_seat_per_day
    worn = {view.seat: view for view in part.seats if len(view.replaced) >= most}
    out = [a for a in plan.actions if a.seat in worn and isinstance(a, Create | Replace) and is_unasked(a)]
    return _without(plan, out, [_worn(a, worn[a.seat], most) for a in in_vain.rents(out)])


def _without(plan: FleetPlan, out: Sequence[Action], held: Iterable[Held]) -> FleetPlan:
    kept = (a for a in plan.actions if not any(a is each for each in out))
    return replace(plan, actions=(*kept, *in_vain.ends(out)), held=(*plan.held, *held))


def _worn(action: Action, view: SeatView, most: int) -> Held:
    message = (
        f"{view.seat} was replaced unasked {len(view.replaced)} times within a day,"
        f" limits.replacements_per_seat_per_day is {most}"
    )
    return Held("replacements per seat", message, f"reconcile free {view.seat}", view.seat.fleet, (action,), view.seat)


def _often_beaten(plan: FleetPlan, part: FleetDiff, limits: Limits) -> FleetPlan:
    """At most so many bids of a seat that lose as soon as they are made, within a day: a higher one is wanted."""
    most = LOST_BIDS * max(1, limits.replacements_per_seat_per_day)
    beaten = {view.seat: view for view in part.seats if view.bids_lost >= most}
    bids = (a for a in plan.actions if isinstance(a, Create | Replace) and a.fleet.rental.interruptible)
    out = [a for a in bids if a.seat in beaten]
    return _without(plan, out, [_outbid(a, beaten[a.seat], most) for a in in_vain.rents(out)])


def _outbid(action: Action, view: SeatView, most: int) -> Held:
    message = f"{view.bids_lost} bids for {view.seat} lost as soon as they were made within a day, at most {most} may"
    return Held("lost bids per seat", message, f"reconcile free {view.seat}", view.seat.fleet, (action,), view.seat)


def wasted_limit(fleet: Fleet, limits: Limits) -> Decimal:
    """What instances of one seat that were never ready may cost within a day, in dollars: as written, else so many
    hours at the fleet's cap as there may be replacements."""
    if limits.wasted_per_seat_per_day is not None:
        return limits.wasted_per_seat_per_day
    return limits.replacements_per_seat_per_day * fleet.price.max_per_hour


def _too_dear(plan: FleetPlan, part: FleetDiff, limits: Limits) -> FleetPlan:
    """At most so much money within a day for instances of a seat that were never ready, those of a rollout included."""
    most = wasted_limit(part.fleet, limits)
    dear = {view.seat: view for view in part.seats if view.wasted >= most and view.wasted > 0}
    out = [a for a in plan.actions if a.seat in dear and isinstance(a, Create | Replace)]
    return _without(plan, out, [_dear(a, dear[a.seat], most) for a in in_vain.rents(out)])


def _dear(action: Action, view: SeatView, most: Decimal) -> Held:
    message = (
        f"instances of {view.seat} that were never ready cost ${view.wasted:.3f} within a day,"
        f" limits.wasted_per_seat_per_day is ${most:.3f}"
    )
    return Held("wasted per seat", message, f"reconcile free {view.seat}", view.seat.fleet, (action,), view.seat)
