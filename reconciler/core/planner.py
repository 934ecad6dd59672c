"""From a diff to a plan: every seat's action with its reason, price and wait. Equal inputs give equal plans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from reconciler.core.debuting import doomed, is_condemned, tried
from reconciler.core.diff import Diff, FleetDiff, Member, SeatView
from reconciler.core.drift import is_of_machine
from reconciler.core.evidence import Vanished
from reconciler.core.faults import STOPPED
from reconciler.core.in_vain import is_in_vain
from reconciler.core.label import Seat
from reconciler.core.model import Fleet
from reconciler.core.outbid import new_bids, successor_of, why_replaced
from reconciler.core.placement import Choice, Need, Placement, ceiling
from reconciler.core.plan import (
    SURPLUS_FIRST,
    Action,
    Create,
    Destroy,
    FleetPlan,
    Replace,
    Unfilled,
    Wait,
)
from reconciler.core.renewal import EXPIRED
from reconciler.core.rollout import Pace
from reconciler.core.seat_notes import notes_of, on_trial
from reconciler.core.states import State

NOTHING_THERE = "nothing is there"
"""The reason of a rent for a seat that was simply never filled."""


def needs_of(
    diff: Diff,
    ceilings: Mapping[Seat, Decimal] | None = None,
    beside: frozenset[str] = frozenset(),
    failed: frozenset[int] = frozenset(),
    vanished: frozenset[Seat] = frozenset(),
    if_failed: frozenset[Seat] = frozenset(),
) -> list[Need]:
    """The seats that want an offer: empty ones, and those whose instance has to be replaced.

    `ceilings`, where given, are an approved plan's: a seat that is not in it gets nothing. `beside` are the owners
    whose fleets of the same name are accepted. `failed` are machines that failed in this run; those under an
    unhealthy instance are out as well, and those on which a spec at its debut failed. `vanished` are seats whose
    instance is gone: to fill them is a repair. Seats of `if_failed` get nothing while they are only drifted.
    """
    failed = failed.union(*(_failing(view) for part in diff.fleets for view in part.seats))
    return [
        Need(
            view.seat,
            successor_of(part.fleet, view) or part.fleet,
            _cap(part.fleet, view.seat, ceilings),
            not_on,
            in_line=view.bucket == "drifted" and freed >= part.fleet.step,
            frees=_frees(view),
            repair=view.bucket in ("unhealthy", "outbid") or view.emptied or view.seat in vanished,
        )
        for part in diff.fleets
        if not part.paused and not part.newer_labels and (part.foreign_owner is None or part.foreign_owner in beside)
        if not is_condemned(part)
        for not_on in (failed | tried(part),)
        for view, freed in _in_line(part)
        if _wants(part.fleet, view) and (ceilings is None or view.seat in ceilings)
        if not (view.goes_on and view.seat in if_failed)
    ]


def _in_line(part: FleetDiff) -> Iterator[tuple[SeatView, int]]:
    """The seats, each with how many of those before it free a machine in a rollout."""
    freed = 0
    for view in part.seats:
        yield view, freed
        freed += _frees(view)


def _frees(view: SeatView) -> bool:
    """Whether the rollout frees a machine here on which the fleet could go on: only what runs there is to change."""
    drifts = view.keeper.drifts if view.keeper is not None else ()
    return view.bucket == "drifted" and not any(map(is_of_machine, drifts))


def _cap(fleet: Fleet, seat: Seat, ceilings: Mapping[Seat, Decimal] | None) -> Decimal:
    return fleet.price.max_per_hour if ceilings is None else min(fleet.price.max_per_hour, ceilings[seat])


def _failing(view: SeatView) -> frozenset[int]:
    keeper = view.keeper
    if keeper is None or keeper.fault is None or keeper.instance.machine_id is None:
        return frozenset()
    return frozenset([keeper.instance.machine_id])


def _wants(fleet: Fleet, view: SeatView) -> bool:
    if view.frozen:
        return False
    if view.bucket in ("missing", "leaving"):
        return True
    going = view.bucket in ("unhealthy", "drifted") or successor_of(fleet, view) is not None
    return going and not _moving(view) and not view.intents


def _moving(view: SeatView) -> bool:
    """Whether a further instance of the seat is to go first; one that somebody stopped is left alone and holds nothing
    up. A dead one goes although the keeper is dead as well: it may come back, and be a second one beside the next."""
    return any(not _stays(view, extra) for extra in view.extras)


def _crowded(view: SeatView) -> bool:
    """Whether a further instance of the seat bills, even a dead one; one that somebody stopped is not counted."""
    return any(not extra.left_alone for extra in view.extras)


def _stays(view: SeatView, extra: Member) -> bool:
    if extra.fault is None:
        return extra.left_alone
    if view.keeper is not None and view.keeper.state is State.OUTBID:
        return True
    return view.bucket == "unhealthy" and (extra.state is State.OUTBID or extra.fault.grace_left_s > 0)


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
        pace, hopeless = Pace(part, [view.seat for view in part.seats if _crowded(view)]), doomed(part)
        for view in part.seats:
            if view.keeper is not None and view.keeper.id in hopeless:
                actions += (_given_up(view, m) for m in view.members() if m.id in hopeless)
                continue
            actions += _of_seat(view, part.fleet, placement, vanished, rents_wait, pace, clock_text)
        actions = [*_after_outgoing(part, actions), *_surplus(part)]
        empty = [v.seat for v in part.seats if v.bucket in ("missing", "leaving")]
        open_seats = [seat for seat in empty if seat in placement.unplaced]
    return FleetPlan(
        part.fleet,
        running=sum(any(m.state is State.READY for m in view.members()) for view in part.seats),
        live=len(part.members()),
        surplus=len(part.surplus),
        actions=tuple(actions),
        unfilled=(_unfilled(part.fleet, open_seats, placement),) if open_seats else (),
        notes=tuple(
            note for view in part.seats for note in notes_of(part.fleet, view, view.seat in placement.unplaced)
        ),
        doubts=tuple((view.seat, intent.ceiling) for view in part.seats for intent in view.intents),
        paused=part.paused,
        amiss=_amiss(part),
        drifted=sum(any(m.drifts for m in view.members()) for view in part.seats),
        canary=part.canary,
    )


def _amiss(part: FleetDiff) -> int:
    keepers = [view.keeper for view in part.seats if view.keeper is not None]
    return len(part.members()) - sum(k.state is State.READY and not k.drifts for k in keepers)


def _given_up(view: SeatView, member: Member) -> Destroy:
    """What was never ready goes, and nothing comes for it: the next one would fail alike, or none is for sale."""
    return Destroy(view.seat, member, f"instance {member.id} {_wrong(member)}", unasked=True)


def _unfilled(fleet: Fleet, seats: Sequence[Seat], placement: Placement) -> Unfilled:
    from reconciler.core.shortage import Shortage

    return Unfilled(tuple(seats), placement.shortages.get(fleet.name, Shortage(0)))


def _of_seat(
    view: SeatView,
    fleet: Fleet,
    placement: Placement,
    vanished: Mapping[Seat, Vanished],
    rents_wait: Wait | None,
    pace: Pace,
    clock_text: Mapping[int, str],
) -> Iterator[Action]:
    choice = placement.choices.get(view.seat)
    yield from _extras(view)
    yield from new_bids(fleet, view)
    going = Wait(f"until instance {view.leaving[0].id} is gone") if view.leaving else None
    if choice is not None and view.bucket in ("missing", "leaving"):
        reason = _why_missing(vanished.get(view.seat), clock_text)
        yield Create(view.seat, fleet, choice, _ceiling(choice, fleet), reason, going or rents_wait, view.emptied)
    elif choice is not None and view.keeper is not None and view.bucket == "unhealthy":
        yield _repair(view, view.keeper, choice, fleet, rents_wait)
    elif view.keeper is not None and view.bucket == "unhealthy":
        if is_in_vain(view.keeper) and not (view.intents or _moving(view)):
            yield _given_up(view, view.keeper)
    elif choice is not None and view.keeper is not None and view.bucket == "outbid":
        yield _follow(view, view.keeper, choice, fleet, pace.next(view.seat) or going or rents_wait)
    elif choice is not None and view.keeper is not None and view.bucket == "drifted":
        wait = pace.step(view.seat) or going or rents_wait
        reason = "; ".join(map(str, view.keeper.drifts))
        yield Replace(
            view.seat,
            fleet,
            view.keeper,
            choice,
            _ceiling(choice, fleet),
            reason,
            fleet.rollout.order,
            True,
            wait,
        )


def _ceiling(choice: Choice, fleet: Fleet) -> Decimal:
    return ceiling(choice.candidate, fleet.price.max_per_hour)


def _after_outgoing(part: FleetDiff, actions: Sequence[Action]) -> Iterator[Action]:
    """Never more instances above the declared replicas than one step has: rents beyond wait until the surplus is
    gone."""
    beyond = len(part.surplus) + len(part.leaving_beyond)
    room = part.fleet.replicas + part.fleet.step - len(part.members()) - len(part.leaving_beyond) - len(part.intents())
    for action in actions:
        if beyond and isinstance(action, Create) and action.wait is None:
            if room <= 0:
                action = replace(action, wait=Wait(SURPLUS_FIRST))
            room -= 1
        yield action


def _why_missing(gone: Vanished | None, clock_text: Mapping[int, str]) -> str:
    if gone is None:
        return NOTHING_THERE
    return f"instance {gone.id} was destroyed outside, last seen {clock_text.get(gone.id, 'earlier')}"


def _repair(view: SeatView, keeper: Member, choice: Choice, fleet: Fleet, rents_wait: Wait | None) -> Replace:
    """A dead instance serves nothing and may bill: it goes first, with an offer in hand."""
    fault = keeper.fault
    reason = f"instance {keeper.id} {_wrong(keeper)}"
    grace = Wait("its grace", fault.grace_left_s) if fault and fault.grace_left_s > 0 else None
    wait = max((w for w in (grace, rents_wait) if w), key=lambda w: w.seconds or 0, default=None)
    return Replace(
        view.seat,
        fleet,
        keeper,
        choice,
        _ceiling(choice, fleet),
        reason,
        "destroy-first",
        False,
        wait,
    )


def _follow(view: SeatView, keeper: Member, choice: Choice, fleet: Fleet, wait: Wait | None) -> Replace:
    """A stopped instance bills its disk alone, and may win its bid again: it goes once another one runs."""
    rented_as = successor_of(fleet, view) or fleet
    reason, limit = why_replaced(fleet, keeper), _ceiling(choice, fleet)
    return Replace(view.seat, rented_as, keeper, choice, limit, reason, "create-first", False, wait)


def _wrong(keeper: Member) -> str:
    if keeper.fault is None:
        return "failed"
    told = {STOPPED: "was stopped by someone", EXPIRED: "is at the end of its contract"}
    return told.get(keeper.fault.kind, f"is {keeper.fault.kind}")


def _extras(view: SeatView) -> Iterator[Destroy]:
    """Further instances of a seat go, once the keeper can do without them."""
    keeper = view.keeper
    if keeper is not None and view.bucket == "unhealthy":
        dead = (extra for extra in view.extras if extra.fault is not None and not _stays(view, extra))
        yield from (Destroy(view.seat, each, f"instance {each.id} {_wrong(each)}", unasked=True) for each in dead)
    if keeper is None or keeper.state not in (State.READY, State.PENDING):
        return
    for extra in view.extras:
        if extra.left_alone or on_trial(extra):
            continue
        needed = keeper.state is not State.READY and _may_serve(extra)
        reason = _why_extra(extra, keeper)
        wait = Wait(f"until instance {keeper.id} runs") if needed else None
        yield Destroy(view.seat, extra, reason, wait, keeper.id)


def _may_serve(member: Member) -> bool:
    """Whether it serves, or may do so again: one failed look does not make it worse than an instance that boots."""
    if member.state in (State.READY, State.OUTBID):
        return True
    return member.fault is not None and member.fault.grace_left_s > 0 and not member.fault.booting


def _why_extra(extra: Member, keeper: Member) -> str:
    """Why a further instance of a seat goes and the keeper stays."""
    fault = extra.fault if extra.fault is not None and extra.fault.grace_left_s <= 0 else None
    if extra.trial_left_s is not None and (fault is None or not fault.over_status):
        return f"replace.cheaper: it was not ready in time, instance {keeper.id} stays"
    if fault is not None and extra.state is not State.OUTBID:
        return f"instance {extra.id} {_wrong(extra)}; instance {keeper.id} stays"
    drift = "; ".join(map(str, extra.drifts))
    return f"replaced by instance {keeper.id}" + (f": {drift}" if drift else "")


def _surplus(part: FleetDiff) -> Iterator[Destroy]:
    if part.surplus:
        before = max(m.mark.seat.index for m in part.surplus) + 1
        for member in part.surplus:
            yield Destroy(member.mark.seat, member, f"replicas {before} -> {part.fleet.replicas}")
