"""The parts documents are made of: values as JSON has them, and every part of a plan as an object.

Nothing of a container but what a reason says of it gets here: no variable, no script, no login.
"""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from reconciler.core.candidates import Candidate
from reconciler.core.instance import Instance
from reconciler.core.model import Fleet
from reconciler.core.plan import (
    Action,
    Cost,
    Create,
    Destroy,
    FleetPlan,
    Held,
    Leak,
    MarketSeen,
    Plan,
    Replace,
    SeatNote,
    Stray,
    Unfilled,
    Update,
    Wait,
)
from reconciler.core.rises import Rise
from reconciler.core.rollout import Rolling, rolling
from reconciler.core.score import PARTS, Score
from reconciler.core.shortage import Miss, Relaxation, Shortage
from reconciler.core.states import rate_per_hour
from reconciler.views.wording import HOURS_PER_MONTH, counts, moment

Document = dict[str, Any]
"""A JSON object: strings, numbers, booleans, None, lists and objects of them."""


# --- values ---------------------------------------------------------------------------------------


def value(number: Decimal) -> str:
    """The full value without an exponent or trailing zeros: `0.243`."""
    return f"{number.normalize():f}" if number else "0"


def maybe(number: Decimal | None) -> str | None:
    """The same of what may be unknown."""
    return None if number is None else value(number)


def tenths(number: Decimal | None) -> str | None:
    """Hours and percentages, with one decimal."""
    return None if number is None else f"{number:.1f}"


def instance_parts(instance: Instance) -> Document:
    """What is rented, as the account tells it."""
    return {
        "id": instance.id,
        "machine": instance.machine_id,
        "host": instance.host_id,
        "gpus": instance.gpu_count,
        "gpu": instance.gpu_name,
        "location": instance.location,
    }


def place_of(fleet: Fleet) -> Document:
    """Which fleet, and where it is declared."""
    return {"name": fleet.name, "file": fleet.source.file, "line": fleet.source.line}


# --- the parts of a plan --------------------------------------------------------------------------


def plan_parts(plan: Plan) -> Document:
    """Everything a plan says."""
    return {
        "owner": plan.owner,
        "account": plan.account_id,
        "made_at": moment(plan.made_at),
        "summary": asdict(counts(plan)),
        "cost": _cost(plan.cost),
        "market": market_parts(plan.market),
        "rents_wait_s": plan.rents_wait_s,
        "fleets": [_fleet(fleet) for fleet in plan.fleets],
        "pruned": [_action(action) for action in plan.pruned],
        "resent": [_action(action) for action in plan.resent],
        "held": [_held(held) for held in plan.held],
        "orphans": [_stray(stray) for stray in plan.orphans],
        "other_owned": [_stray(stray) for stray in plan.other_owned],
        "unmanaged": [_stray(stray) for stray in plan.unmanaged],
        "leaks": [_leak(leak) for leak in plan.leaks],
        "warnings": list(plan.warnings),
        "problems": list(plan.problems),
        "mislabelled": list(plan.mislabelled),
        "price_rises": [_rise(rise) for rise in plan.rises],
    }


def _rise(rise: Rise) -> Document:
    return {
        "seat": str(rise.seat),
        "instance": rise.instance_id,
        "now_per_hour": value(rise.now_per_hour),
        "then_per_hour": value(rise.then_per_hour),
        "at": moment(rise.at),
        "until": None if rise.until is None else moment(rise.until),
    }


def _cost(cost: Cost) -> Document:
    return {
        "now": value(cost.now),
        "after": value(cost.after),
        "peak": value(cost.peak),
        "month": value(cost.after * HOURS_PER_MONTH),
        "budget": maybe(cost.budget),
        "credit": maybe(cost.credit),
        "credit_lasts_hours": tenths(cost.credit_lasts_h),
        "spent_24_hours": value(cost.spent.day),
        "spent_30_days": value(cost.spent.month),
        "budget_30_days": maybe(cost.budget_30_days),
    }


def _fleet(plan: FleetPlan) -> Document:
    state = {
        "wanted": plan.fleet.replicas,
        "running": plan.running,
        "live": plan.live,
        "surplus": plan.surplus,
        "paused": plan.paused,
        "below_min_ready": plan.below_min_ready,
        "actions": [_action(action) for action in plan.actions],
        "unfilled": [_unfilled(unfilled) for unfilled in plan.unfilled],
        "held": [_held(held) for held in plan.held],
        "notes": [_note(note) for note in plan.notes],
        "rollout": _rolling(rolling(plan)),
    }
    return place_of(plan.fleet) | state


def _rolling(left: Rolling | None) -> Document | None:
    if left is None:
        return None
    told = {"seats_to_go": left.seats, "at_once": left.at_once, "steps": left.steps, "seconds": left.seconds}
    return told | {"extra_per_hour": value(left.extra_per_hour)}


def _action(action: Action) -> Document:
    """One action; the keys it has depend on its kind."""
    kind = {Create: "create", Replace: "replace", Destroy: "destroy", Update: "update"}[type(action)]
    told: Document = {"action": kind, "seat": str(action.seat), "reason": action.reason}
    if isinstance(action, Replace):
        told |= {"order": action.order, "asked": action.asked}
    if action.wait is not None:
        told["wait"] = _wait(action.wait)
    if isinstance(action, Update):
        told |= {"bid": value(action.bid), "ceiling": value(action.ceiling)}
    if isinstance(action, Create | Replace):
        told["offer"] = _chosen(action)
    if not isinstance(action, Create):
        old = action.old
        told["instance"] = {
            "id": old.id,
            "rate_per_hour": value(rate_per_hour(old.instance)),
            "state": old.state.value,
        }
    return told


def _wait(wait: Wait) -> Document:
    return {"reason": wait.reason, "seconds": wait.seconds}


def _chosen(action: Create | Replace) -> Document:
    choice = action.choice
    return offer_parts(choice.candidate) | {"ceiling": value(action.ceiling), "promised": choice.promised}


def offer_parts(candidate: Candidate) -> Document:
    """One offer at its all-in price, with its score and how far it is from the users."""
    offer, reading = candidate.offer, candidate.reading
    return {
        "id": offer.id,
        "machine": offer.machine_id,
        "host": offer.host_id,
        "gpus": offer.gpu_count,
        "gpu": offer.gpu_name,
        "location": offer.location,
        "price_per_hour": value(candidate.price),
        "bid": maybe(candidate.bid),
        "least_bid": maybe(offer.least_bid),
        "tier": candidate.tier,
        "score": _score(candidate.score),
        "latency": None if reading is None else {"ms": round(reading.ms, 1), "measured": reading.measured},
    }


def _score(score: Score) -> Document:
    parts = {name: round(part, 4) for name, part in zip(PARTS, score.parts, strict=True)}
    return {
        "total": round(score.total, 4),
        "parts": parts,
        "bonus": round(score.bonus, 4),
        "modifiers": round(score.modifiers, 4),
    }


def market_parts(seen: MarketSeen) -> Document:
    """How much of the market was seen."""
    share = None if seen.share is None else round(seen.share, 3)
    return {"machines": seen.machines, "searches": seen.searches, "rows": seen.rows, "share": share}


def relaxation_parts(step: Relaxation) -> Document:
    """One rule loosened, and how many machines it would admit."""
    return {"rule": step.rule, "to": step.to, "machines": step.machines}


def _unfilled(unfilled: Unfilled) -> Document:
    return {"seats": [str(seat) for seat in unfilled.seats]} | shortage_parts(unfilled.shortage)


def shortage_parts(shortage: Shortage) -> Document:
    """Why seats have no offer."""
    return {
        "seen": shortage.seen,
        "refused": dict(shortage.refused),
        "nearest": nearest_parts(shortage.nearest),
        "relaxations": [relaxation_parts(step) for step in shortage.relaxations],
    }


def nearest_parts(miss: Miss | None) -> Document | None:
    """The refused offer that comes nearest."""
    if miss is None:
        return None
    return {
        "rule": miss.rule,
        "detail": miss.detail,
        "percent": tenths(miss.percent),
        "price": value(miss.price),
    }


def _held(held: Held) -> Document:
    actions = [_action(action) for action in held.actions]
    return {"guard": held.guard, "message": held.message, "lift": held.lift, "actions": actions}


def _note(note: SeatNote) -> Document:
    return {
        "seat": str(note.seat),
        "kind": note.kind,
        "text": note.text,
        "rate_per_hour": value(note.rate_per_hour),
    }


def _stray(stray: Stray) -> Document:
    rate = value(stray.rate_per_hour)
    return {"id": stray.id, "owner": stray.owner, "fleet": stray.fleet, "rate_per_hour": rate}


def _leak(leak: Leak) -> Document:
    rate = value(leak.rate_per_hour)
    return {"id": leak.id, "seat": str(leak.seat), "since": moment(leak.since), "rate_per_hour": rate}
