"""A plan as plain, frozen data, and how a diff becomes one. Equal inputs give equal plans.

Apply may do what the plan says and nothing else; whatever waits, is held back or stays unfilled is in it as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from reconciler.core.diff import Diff, FleetDiff, Member, SeatView
from reconciler.core.evidence import Vanished
from reconciler.core.label import Seat
from reconciler.core.model import Fleet, Instance, RolloutOrder
from reconciler.core.place import Choice, Need, Placement, Shortage
from reconciler.core.states import State, rate_per_hour

COLD_START = "cold start"
"""The reason of a wait that concerns every rent alike."""
CEILING_FACTOR = Decimal("1.05")
"""An approved rent may cost this much more than ranked, never more than its cap."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Why an action is not due yet, and for how long at least (None: until something happens)."""

    reason: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Create:
    """Rent an instance for an empty seat."""

    seat: Seat
    fleet: Fleet
    choice: Choice
    ceiling: Decimal
    reason: str
    wait: Wait | None = None


@dataclass(frozen=True, slots=True)
class Replace:
    """Rent a better instance for a seat and let the old one go, in the given order.

    Create-first rents now; the old one goes in a later pass, once the new one runs. Destroy-first does both.
    """

    seat: Seat
    fleet: Fleet
    old: Member
    choice: Choice
    ceiling: Decimal
    reason: str
    order: RolloutOrder
    asked: bool
    """Paced by a rollout; False: unhealthy, and limited by the guard on unasked destroys."""
    wait: Wait | None = None


@dataclass(frozen=True, slots=True)
class Destroy:
    """End one instance."""

    seat: Seat
    old: Member
    reason: str
    wait: Wait | None = None
    keeper_id: int | None = None
    """The instance that stays in this seat and must be seen alive before this one goes."""


Action = Create | Replace | Destroy


@dataclass(frozen=True, slots=True)
class Unfilled:
    """Seats without an offer, and why."""

    seats: tuple[Seat, ...]
    shortage: Shortage


@dataclass(frozen=True, slots=True)
class Held:
    """What a guard refuses: its numbers in words, and the one flag, field or command that lifts it."""

    guard: str
    message: str
    lift: str
    fleet: str | None = None
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class SeatNote:
    """A seat about which something is to be said, though nothing is to be done."""

    seat: Seat
    kind: Literal["doubtful", "leaving", "held", "pending", "kept"]
    text: str
    rate_per_hour: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """One fleet's part of the plan."""

    fleet: Fleet
    running: int
    live: int
    """Its instances in the account, whatever their state."""
    surplus: int
    actions: tuple[Action, ...] = ()
    unfilled: tuple[Unfilled, ...] = ()
    held: tuple[Held, ...] = ()
    notes: tuple[SeatNote, ...] = ()
    paused: bool = False

    @property
    def below_min_ready(self) -> bool:
        """Fewer run than `min_ready` asks for, and none is still booting."""
        booting = any(note.kind == "pending" for note in self.notes)
        return not self.paused and self.running < min(self.fleet.min_ready, self.fleet.replicas) and not booting


@dataclass(frozen=True, slots=True)
class Stray:
    """An instance outside the plan, with what it bills."""

    id: int
    owner: str | None
    """None: unmanaged."""
    fleet: str | None
    rate_per_hour: Decimal


@dataclass(frozen=True, slots=True)
class Leak:
    """A destroy that was sent and is not proven."""

    id: int
    seat: Seat
    since: float
    rate_per_hour: Decimal


@dataclass(frozen=True, slots=True)
class Cost:
    """What the declared fleets bill in $/h: now, when the plan is done, at most on the way."""

    now: Decimal
    after: Decimal
    peak: Decimal
    budget: Decimal | None = None
    credit: Decimal | None = None

    @property
    def credit_lasts_h(self) -> Decimal | None:
        """How long the credit lasts at the planned rate, in hours."""
        return None if self.credit is None or self.after <= 0 else self.credit / self.after


@dataclass(frozen=True, slots=True)
class MarketSeen:
    """How much of the market the plan rests on."""

    machines: int = 0
    searches: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What apply may do, and everything a reader needs to say yes or no."""

    owner: str
    account_id: int | None
    made_at: float
    fleets: tuple[FleetPlan, ...]
    pruned: tuple[Destroy, ...] = ()
    resent: tuple[Destroy, ...] = ()
    """Destroys that were sent before, whose instance is still there."""
    held: tuple[Held, ...] = ()
    orphans: tuple[Stray, ...] = ()
    other_owned: tuple[Stray, ...] = ()
    unmanaged: tuple[Stray, ...] = ()
    leaks: tuple[Leak, ...] = ()
    mislabelled: tuple[int, ...] = ()
    cost: Cost = field(default_factory=lambda: Cost(Decimal(0), Decimal(0), Decimal(0)))
    market: MarketSeen = MarketSeen()
    rents_wait_s: float = 0.0
    """What a cold start still delays every rent by."""
    problems: tuple[str, ...] = ()
    """What failed while the plan was made, fleet by fleet; the rest of the plan holds."""

    def actions(self) -> Iterator[Action]:
        """Every action: fleet by fleet, then what is pruned and what is sent again."""
        for fleet in self.fleets:
            yield from fleet.actions
        yield from self.pruned
        yield from self.resent

    def refusals(self) -> Iterator[Held]:
        """Everything a guard refuses, anywhere in the plan."""
        for fleet in self.fleets:
            yield from fleet.held
        yield from self.held

    @property
    def changes(self) -> bool:
        """Whether there is anything to do, now or after a wait."""
        return any(True for _ in self.actions())


def due(action: Action) -> bool:
    """Whether nothing stands between an action and its first call."""
    return action.wait is None


# --- from a diff to a plan ------------------------------------------------------------------------


def needs_of(
    diff: Diff,
    ceilings: Mapping[Seat, Decimal] | None = None,
    beside: frozenset[str] = frozenset(),
    failed: frozenset[int] = frozenset(),
) -> list[Need]:
    """The seats that want an offer: empty ones, and those whose instance has to be replaced.

    `ceilings`, where given, are an approved plan's: a seat that is not in it gets nothing. `beside` are the owners
    whose fleets of the same name are accepted. `failed` are machines that failed in this run; those under an
    unhealthy instance are out as well.
    """
    failed = failed.union(*(_failing(view) for part in diff.fleets for view in part.seats))
    return [
        Need(
            view.seat,
            part.fleet,
            _cap(part.fleet, view.seat, ceilings),
            failed,
            in_line=view.bucket == "drifted" and any(v.bucket == "drifted" for v in part.seats[: view.seat.index]),
        )
        for part in diff.fleets
        if not part.paused and (part.foreign_owner is None or part.foreign_owner in beside)
        for view in part.seats
        if _wants(view) and (ceilings is None or view.seat in ceilings)
    ]


def _cap(fleet: Fleet, seat: Seat, ceilings: Mapping[Seat, Decimal] | None) -> Decimal:
    return fleet.price.max_per_hour if ceilings is None else min(fleet.price.max_per_hour, ceilings[seat])


def _failing(view: SeatView) -> frozenset[int]:
    keeper = view.keeper
    if keeper is None or keeper.fault is None or keeper.instance.machine_id is None:
        return frozenset()
    return frozenset([keeper.instance.machine_id])


def _wants(view: SeatView) -> bool:
    if view.bucket == "missing":
        return True
    return view.bucket in ("unhealthy", "drifted") and not view.extras and not view.intents


def fleet_plan(
    part: FleetDiff,
    placement: Placement,
    vanished: Mapping[Seat, Vanished],
    rents_wait: Wait | None,
    clock_text: Mapping[int, str],
) -> FleetPlan:
    """One fleet's actions, unfilled seats and notes, before any guard."""
    actions: list[Action] = []
    open_seats: list[Seat] = []
    if not part.paused:
        pace = _Pace(part)
        for view in part.seats:
            actions += _of_seat(view, part.fleet, placement, vanished, rents_wait, pace, clock_text)
        actions += _surplus(part)
        open_seats = [v.seat for v in part.seats if v.bucket == "missing" and v.seat in placement.unplaced]
    shortage = placement.shortages.get(part.fleet.name, Shortage(0))
    return FleetPlan(
        part.fleet,
        running=sum(v.keeper is not None and v.keeper.state is State.READY for v in part.seats),
        live=len(part.members()),
        surplus=len(part.surplus),
        actions=tuple(actions),
        unfilled=(Unfilled(tuple(open_seats), shortage),) if open_seats else (),
        notes=tuple(note for view in part.seats for note in _notes(view, view.seat in placement.unplaced)),
        paused=part.paused,
    )


class _Pace:
    """One seat of a rollout at a time: the next starts when nothing of the fleet is on its way, in or out."""

    def __init__(self, part: FleetDiff) -> None:
        busy = [v.seat for v in part.seats if v.bucket in ("pending", "doubtful") or v.extras or v.leaving]
        busy += [m.mark.seat for m in part.surplus]
        busy += [item.seat for item in part.leaving_beyond]
        busy += [intent.seat for intent in part.intents_beyond]
        self._behind = busy[0] if busy else None

    def next(self, seat: Seat) -> Wait | None:
        """None for the seat whose turn it is; else after which seat it comes."""
        behind, self._behind = self._behind, seat
        return Wait(f"after {behind}") if behind is not None else None


def _of_seat(
    view: SeatView,
    fleet: Fleet,
    placement: Placement,
    vanished: Mapping[Seat, Vanished],
    rents_wait: Wait | None,
    pace: _Pace,
    clock_text: Mapping[int, str],
) -> Iterator[Action]:
    choice = placement.choices.get(view.seat)
    yield from _extras(view)
    if choice is not None and view.bucket == "missing":
        reason = _why_missing(vanished.get(view.seat), clock_text)
        yield Create(view.seat, fleet, choice, ceiling(choice, fleet), reason, rents_wait)
    elif choice is not None and view.keeper is not None and view.bucket == "unhealthy":
        yield _repair(view, view.keeper, choice, fleet, rents_wait)
    elif choice is not None and view.keeper is not None and view.bucket == "drifted":
        wait = pace.next(view.seat) or rents_wait
        reason = "; ".join(map(str, view.keeper.drifts))
        order = fleet.rollout_order
        yield Replace(view.seat, fleet, view.keeper, choice, ceiling(choice, fleet), reason, order, True, wait)


def ceiling(choice: Choice, fleet: Fleet) -> Decimal:
    """The most a rent may cost once approved: the ranked price x 1.05, never above the fleet's cap."""
    return min(choice.candidate.price * CEILING_FACTOR, fleet.price.max_per_hour)


def _why_missing(gone: Vanished | None, clock_text: Mapping[int, str]) -> str:
    if gone is None:
        return "nothing is there"
    return f"instance {gone.id} was destroyed outside, last seen {clock_text.get(gone.id, 'earlier')}"


def _repair(view: SeatView, keeper: Member, choice: Choice, fleet: Fleet, rents_wait: Wait | None) -> Replace:
    """A dead instance serves nothing and may bill: it goes first, with an offer in hand."""
    fault = keeper.fault
    reason = f"instance {keeper.id} is {fault.kind}" if fault else f"instance {keeper.id} failed"
    grace = Wait("its grace", fault.grace_left_s) if fault and fault.grace_left_s > 0 else None
    wait = max((w for w in (grace, rents_wait) if w), key=lambda w: w.seconds or 0, default=None)
    return Replace(view.seat, fleet, keeper, choice, ceiling(choice, fleet), reason, "destroy-first", False, wait)


def _extras(view: SeatView) -> Iterator[Destroy]:
    """Further instances of a seat go, once the keeper can do without them."""
    keeper = view.keeper
    if keeper is None or keeper.state not in (State.READY, State.PENDING):
        return
    for extra in view.extras:
        if extra.state is State.HELD:
            continue
        serves_still = extra.state is State.READY and keeper.state is not State.READY
        drift = "; ".join(map(str, extra.drifts))
        reason = f"replaced by instance {keeper.id}" + (f": {drift}" if drift else "")
        wait = Wait(f"until instance {keeper.id} runs") if serves_still else None
        yield Destroy(view.seat, extra, reason, wait, keeper.id)


def _surplus(part: FleetDiff) -> Iterator[Destroy]:
    if part.surplus:
        before = max(m.mark.seat.index for m in part.surplus) + 1
        for member in part.surplus:
            yield Destroy(member.mark.seat, member, f"replicas {before} -> {part.fleet.replicas}")


def _notes(view: SeatView, unplaced: bool) -> Iterator[SeatNote]:
    for intent in view.intents:
        yield SeatNote(view.seat, "doubtful", f"attempt {intent.attempt} is in doubt", intent.ceiling)
    for absent in view.absent:
        yield SeatNote(view.seat, "doubtful", f"instance {absent} is in no list, and nobody called it gone")
    for item in view.leaving:
        yield SeatNote(view.seat, "leaving", f"instance {item.id} is being destroyed", item.rate_per_hour)
    keeper = view.keeper
    if keeper is None:
        return
    rate = rate_per_hour(keeper.instance)
    if view.bucket == "held":
        what = "was stopped by someone" if keeper.state is State.HELD else "waits for its GPU"
        yield SeatNote(view.seat, "held", f"instance {keeper.id} {what}; left alone", rate)
    elif view.bucket in ("unhealthy", "drifted") and unplaced:
        wrong = keeper.fault.kind if keeper.fault else "; ".join(map(str, keeper.drifts))
        yield SeatNote(
            view.seat, "kept", f"instance {keeper.id} is kept, without an offer to replace it: {wrong}", rate
        )
    elif keeper.state is State.PENDING:
        yield SeatNote(view.seat, "pending", f"instance {keeper.id} is booting", rate)


def strays(instances: Sequence[tuple[str | None, str | None, Instance]]) -> tuple[Stray, ...]:
    """Instances outside the plan: owner and fleet as their label says, and what they bill."""
    return tuple(Stray(i.id, owner, fleet, rate_per_hour(i)) for owner, fleet, i in instances)


def costs(plan: Plan, diff: Diff, budget: Decimal | None, credit: Decimal | None) -> Cost:
    """What the fleets of the plan bill now, after it, and at most on the way."""
    now = sum((rate_per_hour(m.instance) for part in diff.fleets for m in part.members()), Decimal(0))
    now += sum((item.rate_per_hour for part in diff.fleets for item in part.leaving()), Decimal(0))
    actions = [a for fleet in plan.fleets for a in fleet.actions]
    leaving = sum((rate_per_hour(a.old.instance) for a in actions if not isinstance(a, Create)), Decimal(0))
    coming = sum((a.choice.candidate.price for a in actions if not isinstance(a, Destroy)), Decimal(0))
    created = sum((a.ceiling for a in actions if isinstance(a, Create)), Decimal(0))
    steps = (a.ceiling for a in actions if isinstance(a, Replace) and a.order == "create-first")
    after = now - leaving + coming
    return Cost(now, after, max(now + created + max(steps, default=Decimal(0)), after), budget, credit)
