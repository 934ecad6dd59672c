"""From a look at the market to the plan: what is proposed, what is carried out, and what a guard leaves a proposal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from reconciler.core.cheaper import Asking, is_calm, left_today, standing_proposals, tried, worth
from reconciler.core.diff import Diff, FleetDiff
from reconciler.core.label import Seat
from reconciler.core.placement import Choice, Need, ceiling
from reconciler.core.plan import Action, FleetPlan, Held, Plan, Replace, SeatNote, Wait
from reconciler.core.record import Record
from reconciler.core.renewal import Cheaper
from reconciler.core.trials import Proposal


@dataclass(frozen=True, slots=True)
class Trades:
    """What a pass has found of cheaper places."""

    asking: Asking
    choices: Mapping[Seat, Choice] = field(default_factory=dict)


def proposals_of(diff: Diff, needs: Iterable[Need], choices: Mapping[Seat, Choice], now: float) -> dict[Seat, Proposal]:
    """What a look has found, by seat."""
    keepers = {view.seat: view.keeper for part in diff.fleets for view in part.seats}
    found = {}
    for seat in (need.seat for need in needs if need.seat in choices):
        keeper, best = keepers.get(seat), choices[seat].candidate
        if keeper is not None and keeper.instance.price_per_hour is not None:
            price = keeper.instance.price_per_hour
            found[seat] = Proposal(seat, keeper.id, price, best.price, best.offer.machine_id, now)
    return found


def with_trades(plan: FleetPlan, part: FleetDiff, record: Record, trades: Trades) -> FleetPlan:
    """The plan of a fleet with what is proposed, and what of it is carried out: all that a person named, one after the
    other, or the best one where nobody needs to be asked."""
    rules = part.fleet.replace.cheaper
    if rules is None:
        return plan
    asking = trades.asking
    found = sorted(standing_proposals(part, record, asking.now), key=lambda each: (-each.saves_per_month, each.seat))
    done = _carried_out(found, part, record, rules, trades)
    actions: list[Action] = []
    for each in done:
        wait = Wait(f"after {actions[-1].seat}") if actions else None
        actions.append(_exchange(each, part, rules, trades.choices[each.seat], wait))
    notes = [_note(each, asking.now) for each in found if each not in done]
    notes += _others_named(part, record, asking, {each.seat for each in found})
    return replace(plan, actions=(*plan.actions, *actions), notes=(*plan.notes, *notes))


def _carried_out(
    found: Iterable[Proposal], part: FleetDiff, record: Record, rules: Cheaper, trades: Trades
) -> list[Proposal]:
    fresh = [each for each in found if each.seat in trades.choices]
    named = [each for each in fresh if each.seat in trades.asking.approved]
    if named or rules.approve == "manual" or not left_today(record, part.fleet, rules, trades.asking.now):
        return named
    return fresh[:1]


def _exchange(each: Proposal, part: FleetDiff, rules: Cheaper, choice: Choice, wait: Wait | None) -> Replace:
    """New first, whatever the rollout's order is, and never for more than saves enough."""
    fleet, keeper = part.fleet, part.seats[each.seat.index].keeper
    assert keeper is not None
    most = min(ceiling(choice.candidate, fleet.price.max_per_hour), worth(rules, each.now_per_hour))
    reason = f"replace.cheaper {each}"
    return Replace(each.seat, fleet, keeper, choice, most, reason, "create-first", True, wait, trial=rules)


def _note(each: Proposal, now: float, why: str = "") -> SeatNote:
    seen = f", seen {(now - each.at) / 3600:.0f} h ago" if now - each.at >= 1800 else ""
    way_on = why or f"reconcile apply --approve {each.seat}"
    place = f"${each.then_per_hour:.3f}/h on machine {each.machine_id}{seen}"
    text = f"proposed: instance {each.instance_id} could go for {place} ({each}): {way_on}"
    return SeatNote(each.seat, "proposed", text, each.now_per_hour)


def _others_named(part: FleetDiff, record: Record, asking: Asking, found: set[Seat]) -> Iterator[SeatNote]:
    """What else a person named: it comes after what is on its way, or there is nothing to do about it."""
    waits = not part.paused and not is_calm(part)
    for view in part.seats:
        named = view.seat in asking.approved and view.bucket == "ready" and not view.extras
        if not named or tried(record, view.seat, asking.run_started_at):
            continue
        if waits:
            yield SeatNote(view.seat, "candidate", "its cheaper place is looked for after what is on its way")
        elif view.seat not in found:
            text = "there is nothing to approve: no offer saves enough, or its instance is too young to be compared"
            yield SeatNote(view.seat, "proposed", text)


def demoted(plan: Plan, asking: Asking) -> Plan:
    """The plan in which what nobody asked for by name and a guard holds back is a proposal, and no refusal."""
    return replace(plan, fleets=tuple(_demoted(fleet, asking) for fleet in plan.fleets))


def _demoted(plan: FleetPlan, asking: Asking) -> FleetPlan:
    held: list[Held] = []
    notes: list[SeatNote] = []
    for each in plan.held:
        offered = [a for a in each.actions if isinstance(a, Replace) and a.trial and a.seat not in asking.approved]
        notes += [_held_note(action, each.guard, asking.now) for action in offered]
        left = tuple(a for a in each.actions if not any(a is one for one in offered))
        held += [replace(each, actions=left)] if left or not each.actions else []
    return replace(plan, held=tuple(held), notes=(*plan.notes, *notes)) if notes else plan


def _held_note(action: Replace, guard: str, now: float) -> SeatNote:
    best, price = action.choice.candidate, action.old.instance.price_per_hour or Decimal(0)
    found = Proposal(action.seat, action.old.id, price, best.price, best.offer.machine_id, now)
    return _note(found, now, f"held back by {guard}")
