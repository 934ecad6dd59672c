"""What is told to people who do not look: an incident once when it begins, and once when it ends.

Everything is remembered in the record, so the next run, whoever starts it, neither repeats nor forgets. What a letter
says is composed here; who carries it is no business of the core.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

from reconciler.core.alarms import ANOTHER_KEY, blind_text, blind_to, has_another_key
from reconciler.core.diff import Diff, SeatView
from reconciler.core.evidence import Vanished
from reconciler.core.incidents import Incident, Letter
from reconciler.core.label import Seat
from reconciler.core.notify import Notify
from reconciler.core.outbox import written
from reconciler.core.plan import Plan
from reconciler.core.record import Record
from reconciler.core.states import State
from reconciler.core.traces import Outside

FORGOTTEN_S = 30 * 86_400.0
"""An incident of a fleet that no run has looked at for so long is forgotten."""
CREDIT_CLEARS = Decimal("1.1")
"""The credit must last so many times the limit before it is no longer short: it would flap otherwise."""


@dataclass(frozen=True, slots=True)
class Noticing:
    """What a run needs to know to tell anybody anything."""

    notify: Notify = field(default_factory=Notify)
    warn_hours: Decimal = Decimal(24)
    """Below so many hours of credit it is told."""
    complete: bool = False
    """All declared fleets are planned: an incident of any other fleet is over."""


def noticed(
    record: Record,
    plan: Plan,
    diff: Diff,
    vanished: Iterable[Vanished],
    noticing: Noticing,
    *,
    whole: bool,
    unseen: Collection[str] = (),
) -> Record:
    """The record with the incidents that a good pass shows and the letters that follow. Only a `whole` plan, which
    looked at every seat but those of the fleets `unseen`, shows that something is not held back any more."""
    if not noticing.notify.webhooks:
        return record
    before, now = record.incidents, plan.made_at
    down = _down(diff, {gone.seat: gone for gone in vanished}, record, now)
    standing = {
        i.key: i for i in (*down, *_short(plan), *_held(plan), *_blind(diff, now), *_of_money(record, plan, noticing))
    }
    gone = {key: i for key, i in before.items() if key not in standing and _is_over(i, plan, noticing)}
    ended = {key: i for key, i in gone.items() if i.kind != "held_back" or (whole and i.fleet not in unseen)}
    kept = {
        key: i for key, i in before.items() if key not in ended and (key in standing or now - i.since < FORGOTTEN_S)
    }
    opened = {key: _first(kept.get(key), i) for key, i in standing.items()}
    views = {view.seat: view for part in diff.fleets for view in part.seats}
    ends = {key: _end(i, views, now) for key, i in ended.items() if i.told}
    return written(record, {**kept, **opened}, ends, noticing.notify, now)


def failed(record: Record, why: str, noticing: Noticing, now: float) -> Record:
    """The record once a pass has failed for `why`. Nothing else is known to have changed."""
    if not noticing.notify.webhooks:
        return record
    new = Incident("failing", "failing", now, f"passes fail since {clock_text(now)}: {why}")
    incidents = {**record.incidents, "failing": _first(record.incidents.get("failing"), new)}
    return written(record, incidents, {}, noticing.notify, now)


def _first(before: Incident | None, now: Incident) -> Incident:
    """What is remembered of the beginning stays."""
    return now if before is None else before


def _is_over(incident: Incident, plan: Plan, noticing: Noticing) -> bool:
    """Whether an incident that this pass does not show is over; else it stays as it was."""
    if incident.kind == "credit" and plan.cost.credit is None:
        return False
    part = next((part for part in plan.fleets if part.fleet.name == incident.fleet), None)
    if not incident.fleet or incident.kind == "leak" or (incident.kind == "doubt" and incident.index is not None):
        return True
    return noticing.complete if part is None else not part.paused


# --- what stands now ------------------------------------------------------------------------------


def _down(diff: Diff, vanished: Mapping[Seat, Vanished], record: Record, now: float) -> Iterator[Incident]:
    before, outside = record.incidents, {gone.seat: gone for gone in record.outside.values()}
    for part in (part for part in diff.fleets if not part.paused):
        for view in part.seats:
            key = f"down/{view.seat}"
            if key in before and not _serves(view):
                yield before[key]
            elif (found := _died(view, vanished.get(view.seat), outside.get(view.seat), now)) is not None:
                yield replace(found, key=key)


def _blind(diff: Diff, now: float) -> Iterator[Incident]:
    """Fleets with instances that were ready, and of which nobody can tell any more whether they are."""
    for part in (part for part in diff.fleets if not part.paused):
        if found := blind_to(part.members()):
            text = "; ".join(blind_text(fleet, cause, number) for (fleet, cause), number in found.items())
            yield Incident(f"unseen/{part.fleet.name}", "doubt", now, text, part.fleet.name)


def _serves(view: SeatView) -> bool:
    return view.keeper is not None and view.keeper.state is State.READY and view.keeper.fault is None


def _died(view: SeatView, gone: Vanished | None, before: Outside | None, now: float) -> Incident | None:
    """The seat's instance is dead beyond its grace, or vanished: now, or `before` in a pass that did not look at its
    fleet; another host key has no grace. A seat is empty as well when what was rented for it was not as ordered; that
    is no instance that died."""
    keeper, seat = view.keeper, view.seat
    if keeper is not None and has_another_key(keeper.health):
        text = f"{seat}: down {clock_text(now)}, instance {keeper.id} {ANOTHER_KEY}"
        return Incident("", "down", now, text, seat.fleet, seat.index, keeper.id, keeper.instance.price_per_hour)
    if keeper is not None and keeper.fault is not None and keeper.fault.grace_left_s <= 0:
        since, what = keeper.fault.since, f"instance {keeper.id} is {keeper.fault.kind}"
        found = _lost(seat, since, what, keeper.id, keeper.instance.price_per_hour)
        return found if keeper.fault.of_the_host else replace(found, text=f"{seat}: down {clock_text(since)}, {what}")
    if gone is not None and keeper is None:
        return _lost(seat, now, f"instance {gone.id} vanished, last seen {clock_text(gone.seen_at)}", gone.id)
    if before is not None and view.emptied and keeper is None:
        return _lost(seat, before.at, f"instance {before.id} vanished", before.id)
    return None


def _lost(seat: Seat, since: float, what: str, instance_id: int | None = None, rate: Decimal | None = None) -> Incident:
    text = f"{seat}: host dead {clock_text(since)}, {what}"
    return Incident("", "down", since, text, seat.fleet, seat.index, instance_id, rate)


def _short(plan: Plan) -> Iterator[Incident]:
    for part in plan.fleets:
        if part.below_min_ready:
            name, least = part.fleet.name, min(part.fleet.min_ready, part.fleet.replicas)
            text = f"{name}: {part.running} of at least {least} ready since {clock_text(plan.made_at)}, none is booting"
            yield Incident(f"short/{name}", "below_min_ready", plan.made_at, text, name)


def _held(plan: Plan) -> Iterator[Incident]:
    for held in plan.refusals():
        where = f"{held.seat or held.fleet}: " if held.fleet else ""
        text = f"{where}held back by {held.guard}: {held.message}; lifted by: {held.lift}"
        index = None if held.seat is None else held.seat.index
        yield Incident(held.key, "held_back", plan.made_at, text, held.fleet or "", index)


def _of_money(record: Record, plan: Plan, noticing: Noticing) -> Iterator[Incident]:
    """Destroys that are not proven, rents in doubt, credit that does not last."""
    for item in record.leaving.values():
        text = f"{item.seat}: instance {item.id} was told to go {clock_text(item.since)} and is not proven gone"
        text = f"{text}, {_dollars(item.rate_per_hour)}"
        yield Incident(f"leak/{item.id}", "leak", item.since, text, item.seat.fleet, item.seat.index, item.id)
    for intent in record.intents.values():
        if intent.instance_id is None:
            text = f"{intent.seat}: a rent is in doubt since {clock_text(intent.at)}, up to {_dollars(intent.ceiling)}"
            seat = intent.seat
            yield Incident(f"doubt/{intent.attempt}", "doubt", intent.at, text, seat.fleet, seat.index)
    hours = plan.cost.credit_lasts_h
    limit = noticing.warn_hours * (CREDIT_CLEARS if "credit" in record.incidents else 1)
    if hours is not None and hours < limit:
        text = (
            f"the credit of ${plan.cost.credit or 0:.2f} lasts {hours:.0f} hours at {_dollars(plan.cost.account_after)}"
        )
        yield Incident("credit", "credit", plan.made_at, text)


# --- how it ends ----------------------------------------------------------------------------------


def _end(incident: Incident, views: Mapping[Seat, SeatView], now: float) -> Letter:
    """The letter that says how an incident ended, and when."""
    text, change, instance_id = f"{incident.text} - over {clock_text(now)}", None, incident.instance_id
    if incident.kind == "down" and incident.index is not None:
        seat = Seat(incident.fleet, incident.index)
        text, change, instance_id = _how_it_went(incident, seat, views.get(seat), now)
    elif incident.kind == "failing":
        text = f"passes are good again since {clock_text(now)}, {_span(now - incident.since)} later"
    return Letter(
        "", now, incident.kind, True, incident.since, text, incident.fleet, incident.index, instance_id, change
    )


def _how_it_went(
    incident: Incident, seat: Seat, view: SeatView | None, now: float
) -> tuple[str, Decimal | None, int | None]:
    keeper, took = view.keeper if view else None, _span(now - incident.since)
    if keeper is None:
        return f"{seat}: not wanted any more {clock_text(now)}, {took}", None, incident.instance_id
    if keeper.id == incident.instance_id:
        return f"{seat}: recovered {clock_text(now)}, {took}, instance {keeper.id}", None, keeper.id
    price, change = keeper.instance.price_per_hour, None
    if price is not None and incident.rate_per_hour is not None:
        change = price - incident.rate_per_hour
    costs = "" if change is None else f", {_signed(change)}"
    return f"{seat}: replaced {clock_text(now)}, {took}{costs}, instance {keeper.id}", change, keeper.id


def clock_text(at: float) -> str:
    """`03:04 UTC`."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M UTC")


def _span(seconds: float) -> str:
    """`27 min`; from two hours on `5 h`, from two days on `3 days`."""
    minutes = max(0, round(seconds / 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes / 60:.0f} h" if minutes < 2880 else f"{minutes / 1440:.0f} days"


def _dollars(rate: Decimal) -> str:
    return f"${rate:.3f}/h"


def _signed(change: Decimal) -> str:
    """`+$0.01/h`; tenths of a cent only where they are all there is."""
    places = 2 if change == change.quantize(Decimal("0.01")) else 3
    return f"{'-' if change < 0 else '+'}${abs(change):.{places}f}/h"
