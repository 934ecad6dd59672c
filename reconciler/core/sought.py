"""Who is looked for in a pass: seats whose rent would be due in it, and those of which no offer is known yet.

Whoever waits for its turn, a canary, a debut or a grace, and whoever a guard holds back, is not rented for whatever the
market has. Such a seat is planned, guarded and counted with the offer that was seen for it last, which takes none of
the day's rows; in the pass in which it would be due with that, it is looked for afresh.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from reconciler.core.candidates import Candidate
from reconciler.core.envelope import Done, Envelope, envelope_of, within
from reconciler.core.label import Seat
from reconciler.core.offer import Offer
from reconciler.core.placement import Choice, Need
from reconciler.core.plan import Create, Plan, Replace, due
from reconciler.core.score import Score
from reconciler.core.text import safe
from reconciler.values import dataclass

Offers = Mapping[Seat, Choice]
"""What was seen last, by the seat that it was for."""
_NOTHING = Decimal(0)
ANY = Choice(
    Candidate(Offer(0, 0, None, safe(""), 0, _NOTHING, _NOTHING), _NOTHING, None, Score((), 0.0, 0.0, 0.0), 0.0)
)
"""Stands for the offer of a seat that was never looked for, where it is asked who would be due. It is never planned."""


@dataclass(frozen=True, slots=True)
class Sought:
    """How the seats that want an offer get one."""

    needs: tuple[Need, ...]
    """They are looked for."""
    known: Offers
    """The others, which go on with what they had."""


def sought(needs: Sequence[Need], offers: Offers, plan_of: Callable[[Offers], Plan]) -> Sought:
    """Who of `needs` is looked for; `plan_of` is the plan of this pass, were these the offers of its seats.

    What waits is no repair yet: it does not take of the rows that are kept for repairs.
    """
    if not offers and not any(need.repair for need in needs):
        return Sought(tuple(needs), {})
    plan = plan_of({need.seat: offers.get(need.seat, ANY) for need in needs})
    now, waiting = due_rents(plan), _waiting(plan)
    looked_for = (need for need in needs if need.seat in now or need.seat not in offers)
    known = {need.seat: offers[need.seat] for need in needs if need.seat in offers and need.seat not in now}
    return Sought(tuple(replace(n, repair=False) if n.seat in waiting else n for n in looked_for), known)


def moved_up(before: Sought, needs: Sequence[Need], plan: Plan) -> Sought | None:
    """Who is looked for after all: a seat that was to wait, and is due because another one got nothing, with its whole
    fleet. None where there is none."""
    now = due_rents(plan)
    fleets = {seat.fleet for seat in now & before.known.keys()}
    if not fleets:
        return None
    known = {seat: choice for seat, choice in before.known.items() if seat.fleet not in fleets}
    asked = {need.seat: need for need in before.needs}
    more = (n if n.seat in now else replace(n, repair=False) for n in needs if n.seat not in known)
    return Sought(tuple(asked.get(need.seat, need) for need in more), known)


def approved_part(plan: Plan, envelope: Envelope | None, done: Done) -> Plan:
    """What of a plan would be carried out, were it approved as it is, else what was approved of it before. A step moves
    up where the one before it is held back, so this is not the plan itself."""
    approved = envelope_of(plan) if envelope is None or envelope.is_scope else envelope
    return within(plan, approved, done)


def due_rents(plan: Plan) -> frozenset[Seat]:
    """Seats that are rented for as soon as the plan is carried out."""
    return frozenset(a.seat for a in plan.actions() if isinstance(a, Create | Replace) and due(a))


def _waiting(plan: Plan) -> frozenset[Seat]:
    return frozenset(a.seat for a in plan.actions() if isinstance(a, Create | Replace) and not due(a))
