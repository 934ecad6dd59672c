"""What a plan says of a seat besides what it does: doubts, waits, what is held, kept or on its way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.core.diff import Member, SeatView
from reconciler.core.evidence import Settle, doubt_left_s
from reconciler.core.health import Health
from reconciler.core.model import Fleet
from reconciler.core.outbid import waiting
from reconciler.core.plan import FleetPlan, SeatNote
from reconciler.core.readiness import boot_timeout_s
from reconciler.core.record import Record
from reconciler.core.states import State, rate_per_hour


def on_trial(member: Member) -> bool:
    """Whether it may still become ready, beside the instance whose place it would take. How long it may boot is said
    by the rules of the trial; what the host says it cannot start is over at once."""
    coming = member.state in (State.PENDING, State.QUEUED, State.UNREADY)
    fault = member.fault
    hopeless = fault is not None and fault.over_status and fault.grace_left_s <= 0
    return coming and not hopeless and member.trial_left_s is not None and member.trial_left_s > 0


def notes_of(fleet: Fleet, view: SeatView, unplaced: bool) -> Iterator[SeatNote]:
    """The notes of one seat; `unplaced`: no offer was found that it could have."""
    for intent in view.intents:
        text = f"attempt {intent.attempt} is in doubt; proven never made, the seat is rented for again"
        yield SeatNote(view.seat, "doubtful", text, intent.ceiling)
    suspected = {suspect.id for suspect in view.suspects}
    for absent in (i for i in view.absent if i not in suspected):
        yield SeatNote(view.seat, "doubtful", f"instance {absent} is in no list, and nobody called it gone")
    yield from _traces(view)
    for item in view.leaving:
        yield SeatNote(view.seat, "leaving", f"instance {item.id} is being destroyed", item.rate_per_hour)
    for extra in (e for e in view.extras if e.left_alone):
        text = f"instance {extra.id}, also of this seat, was stopped by someone; left alone"
        yield SeatNote(view.seat, "held", text, rate_per_hour(extra.instance))
    keeper = view.keeper
    if keeper is None:
        return
    if keeper.state is State.HELD:
        for extra in (e for e in view.extras if not e.left_alone):
            text = f"instance {extra.id}, also of this seat, is kept while instance {keeper.id} is stopped"
            yield SeatNote(view.seat, "kept", text, rate_per_hour(extra.instance))
    yield from waiting(fleet, view)
    for extra in filter(on_trial, view.extras):
        left = f"{max(0.0, extra.trial_left_s or 0.0) / 60:.0f} min"
        text = f"instance {extra.id} is booting to take the place of instance {keeper.id}, within {left}"
        yield SeatNote(view.seat, "candidate", text, rate_per_hour(extra.instance))
    rate = rate_per_hour(keeper.instance)
    if keeper.accepted:
        text = f"instance {keeper.id} was adopted as it is: {'; '.join(map(str, keeper.accepted))}"
        yield SeatNote(view.seat, "adopted", text, rate)
    if view.bucket == "held":
        what = "waits for its GPU" if keeper.state is State.QUEUED else "was stopped by someone"
        yield SeatNote(view.seat, "held", f"instance {keeper.id} {what}; left alone", rate)
    elif view.bucket in ("unhealthy", "drifted", "outbid") and unplaced:
        wrong = keeper.fault.kind if keeper.fault else "; ".join(map(str, keeper.drifts))
        yield SeatNote(
            view.seat, "kept", f"instance {keeper.id} is kept, without an offer to replace it: {wrong}", rate
        )
    elif keeper.state in (State.PENDING, State.UNREADY) and keeper.fault is None:
        text = f"instance {keeper.id} {_not_yet(keeper)}"
        yield SeatNote(view.seat, "pending", text, rate, overdue=is_overdue(fleet, keeper.health))


def is_overdue(fleet: Fleet, health: Health | None) -> bool:
    """Whether a look after an instance's boot's time could not tell."""
    if health is None or health.verdict != "cannot tell" or health.checked_at is None:
        return False
    return health.checked_at - health.since >= boot_timeout_s(fleet)


def _not_yet(keeper: Member) -> str:
    """Why an instance is not ready that nothing is held against so far."""
    health = keeper.health
    if health is None or not health.cause:
        return "is booting"
    doubt = "whether it is ready cannot be told" if health.verdict == "cannot tell" else "not ready yet"
    return f"runs, {doubt}: {health.cause}"


def _traces(view: SeatView) -> Iterator[SeatNote]:
    """What the record knows against a seat: it is not rented for, or another runner sits in it."""
    for suspect in view.suspects:
        text = f"instance {suspect.id} is called gone, together with too many others to believe it at once"
        yield SeatNote(view.seat, "suspected", text)
    if view.frozen:
        lost = ", ".join(f"{t.attempt} on machine {t.machine_id}" for t in view.lost)
        text = f"frozen: {len(view.lost)} attempts within a day were never made ({lost})"
        yield SeatNote(view.seat, "frozen", text)
    for member in (m for m in view.members() if m.stranger):
        text = f"instance {member.id} was rented by another runner of this owner: this ledger never wrote its attempt"
        yield SeatNote(view.seat, "stranger", text, rate_per_hour(member.instance))


def with_countdown(plan: FleetPlan, record: Record, now: float, settle: Settle) -> list[SeatNote]:
    """The notes, each doubtful attempt with how long its doubt lasts at least."""
    left = {i.seat: doubt_left_s(i, now, settle) for i in record.intents.values()}
    return [
        replace(n, text=f"{n.text}, settles in {left[n.seat]:.0f}s at the earliest")
        if n.kind == "doubtful" and n.seat in left
        else n
        for n in plan.notes
    ]
