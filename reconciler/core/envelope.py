"""What was approved: seats with a ceiling each, and ids to destroy. Less may happen, never more.

The ceilings bound the total: no seat is rented for that is not named, and none above its ceiling.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from decimal import Decimal

from reconciler.core.diff import FleetDiff
from reconciler.core.label import Seat
from reconciler.core.plan import Action, Create, Destroy, FleetPlan, Plan, Replace, Update, due
from reconciler.values import dataclass

RENTS_PER_SEAT = 4
"""How often one run may rent for one seat: the first time, and after an offer vanished or its instance failed."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The most that apply may do, in one run, all its passes together."""

    rents: Mapping[Seat, Decimal]
    """Seats that may be rented for, and the most one instance may cost there in $/h."""
    destroys: frozenset[int]
    ending: frozenset[str] = frozenset()
    """Fleets that are to end: whatever of them turns up later may go too."""
    bids: Mapping[int, Decimal] = field(default_factory=dict)
    """Instances that may be given a higher bid, and the most each may bill then in $/h, all-in."""
    is_scope: bool = False
    """It approves nothing: `rents` are the seats that a pass looks for offers for, and no plan rents for them yet."""
    if_failed: frozenset[Seat] = frozenset()
    """Seats of a scope that are looked for only where their instance has failed."""


@dataclass(frozen=True, slots=True)
class Done:
    """What this run has done so far."""

    rented: frozenset[int] = frozenset()
    """Instances that this run itself rented: it may destroy them again."""
    attempts: Mapping[Seat, int] | None = None
    leaving: frozenset[int] = frozenset()
    """Destroys that were sent before and are not proven: they may be sent again."""
    offers_gone: frozenset[int] = frozenset()
    machines_failed: frozenset[int] = frozenset()
    """Machines whose instance was replaced as unhealthy: not rented again in this run."""
    rents: int = 0
    """How many instances were rented, those in doubt included."""
    added: Decimal = Decimal(0)
    """What they add to what the fleets bill, in $/h at their ceilings, less what the replaced ones billed."""
    bid: frozenset[int] = frozenset()
    """Instances that were given a new bid: once in a run is enough."""


def envelope_of(plan: Plan) -> Envelope:
    """The approval that `plan` stands for. An open attempt is part of it: should it prove never to have been made,
    its seat may be rented for again, up to what it was to cost."""
    doubts = {seat: ceiling for fleet in plan.fleets for seat, ceiling in fleet.doubts}
    rents = doubts | {a.seat: a.ceiling for a in plan.actions() if isinstance(a, Create | Replace)}
    destroys = frozenset(a.old.id for a in plan.actions() if isinstance(a, Replace | Destroy))
    bids = {a.old.id: a.ceiling for a in plan.actions() if isinstance(a, Update)}
    return Envelope(rents, destroys, bids=bids)


def narrowed(approved: Envelope, plan: Plan) -> Envelope:
    """What is left of an approval once everything was computed again: what a guarded plan of now would do as well.

    So an approval that names too much, by mistake or by forgery, opens nothing to the later passes of the run.
    """
    now = envelope_of(plan)
    rents = {seat: min(ceiling, now.rents[seat]) for seat, ceiling in approved.rents.items() if seat in now.rents}
    bids = {i: min(ceiling, now.bids[i]) for i, ceiling in approved.bids.items() if i in now.bids}
    return replace(approved, rents=rents, destroys=approved.destroys & now.destroys, bids=bids)


def left_out(parts: Iterable[FleetDiff], approved: Envelope) -> tuple[Seat, ...]:
    """Seats that are wanted and empty, and that the approval does not name."""
    wanted = (view for part in parts if not (part.paused or part.stopped) for view in part.seats)
    return tuple(view.seat for view in wanted if view.bucket == "missing" and view.seat not in approved.rents)


def within(plan: Plan, envelope: Envelope, done: Done) -> Plan:
    """The part of a newer plan that the approval covers."""
    fleets = tuple(_fleet_within(fleet, envelope, done) for fleet in plan.fleets)
    pruned = tuple(a for a in plan.pruned if _covered(a, envelope, done))
    return replace(plan, fleets=fleets, pruned=pruned)


def _fleet_within(fleet: FleetPlan, envelope: Envelope, done: Done) -> FleetPlan:
    covered = [_capped(action, envelope) for action in fleet.actions if _covered(action, envelope, done)]
    moved = [_moved_up(action, fleet, covered) for action in covered]
    return replace(fleet, actions=tuple(_each_with_its_own(moved)))


def _each_with_its_own(actions: Sequence[Action]) -> Iterator[Action]:
    """Without what has moved up to a promise that another rent holds: it would end an instance for nothing."""
    own = {_offer_id(a) for a in actions if isinstance(a, Create | Replace) and due(a) and not a.choice.promised}
    for action in actions:
        if isinstance(action, Create | Replace) and due(action) and action.choice.promised:
            if _offer_id(action) in own:
                continue
            own.add(_offer_id(action))
        yield action


def _offer_id(action: Create | Replace) -> int:
    return action.choice.candidate.offer.id


def _moved_up(action: Action, fleet: FleetPlan, covered: Sequence[Action]) -> Action:
    """A step of a rollout does not wait for steps that are not taken: it has the turn of the first of them."""
    held = (one for refusal in fleet.held for one in refusal.actions)
    waits = {one.seat: one.wait for one in (*held, *fleet.actions) if isinstance(one, Replace)}
    taken = {one.seat for one in covered if isinstance(one, Replace)}
    wait = action.wait
    while wait is not None and wait.turn is not None and wait.turn not in taken:
        wait = waits.get(wait.turn)
    return action if wait is action.wait else replace(action, wait=wait)


def _capped(action: Action, envelope: Envelope) -> Action:
    if isinstance(action, Destroy | Update):
        return action
    return replace(action, ceiling=min(action.ceiling, envelope.rents[action.seat]))


def _covered(action: Action, envelope: Envelope, done: Done) -> bool:
    if envelope.is_scope:
        return False
    if isinstance(action, Update):
        most = envelope.bids.get(action.old.id)
        return most is not None and action.ceiling <= most and action.old.id not in done.bid
    goes = True
    if not isinstance(action, Create):
        goes = action.seat.fleet in envelope.ending
        goes = goes or action.old.id in envelope.destroys | done.rented | done.leaving
    if isinstance(action, Destroy):
        return goes
    ceiling = envelope.rents.get(action.seat)
    tries = (done.attempts or {}).get(action.seat, 0)
    return goes and ceiling is not None and action.choice.candidate.price <= ceiling and tries < RENTS_PER_SEAT
