"""The words all views share: money, plurals, marks, durations, times, and what a plan counts up to."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.core.plan import Action, Cost, Create, Destroy, Plan, Replace, Update
from reconciler.values import dataclass

if TYPE_CHECKING:
    from reconciler.core.candidates import Candidate
    from reconciler.core.latency import Reading
    from reconciler.core.rollout import Rolling
    from reconciler.core.shortage import Relaxation

HOURS_PER_MONTH = 720
MOST_WAYS_OUT = 2
"""So many rules that could be loosened are named with a shortage; `reconcile offers --relax` names all."""
PROMISED = "a machine that an earlier seat frees"
"""What a later seat of a rollout gets where no other offer is left: which one is not known yet."""
UNFILLED_MARK = "!"
"""The mark of seats without an offer."""


def amount(value: Decimal, places: int = 3) -> str:
    """`$0.243`, `-$0.301`, `$5,612` with no places: dollars, the sign before them."""
    shown = f"{abs(value):,.{places}f}"
    negative = value < 0 and any(digit in shown for digit in "123456789")
    return f"{'-' if negative else ''}${shown}"


def money(value: Decimal) -> str:
    """`$0.243/h`: a price per hour with three decimals."""
    return f"{amount(value)}/h"


def plural(count: int, noun: str, many: str | None = None) -> str:
    """`1 seat`, `2 seats`, `7 searches`, `1,200 offers`; `many` where neither ending will do."""
    ending = "es" if noun.endswith(("s", "x", "ch", "sh")) else "s"
    return f"{count:,} {noun if count == 1 else many or noun + ending}"


def mark_of(action: Action) -> str:
    """`+` create, `+/-` replace with the new one first, `-/+` with the old one first, `-` destroy, `~` a new bid."""
    if isinstance(action, Create):
        return "+"
    if isinstance(action, Replace):
        return "+/-" if action.order == "create-first" else "-/+"
    return "~" if isinstance(action, Update) else "-"


def bid_text(candidate: Candidate) -> str:
    """`bid $0.1100/h over $0.1000/h`: the bid and the host's least one, both without storage; empty on demand."""
    least = candidate.offer.least_bid
    if candidate.bid is None or least is None:
        return ""
    return f"bid {amount(candidate.bid, 4)}/h over {amount(least, 4)}/h"


def duration(seconds: float) -> str:
    """`8s`, `4m10s`, `2h05m`, `3d04h`: rounded up to whole seconds, two units at most."""
    whole = max(0, -int(-seconds // 1))
    minutes, s = divmod(whole, 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    if days:
        return f"{days}d{h:02}h"
    if hours:
        return f"{hours}h{m:02}m"
    return f"{m}m{s:02}s" if minutes else f"{s}s"


def moment(at: float) -> str:
    """`2026-11-21T18:00:00Z`: ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many actions of each kind a plan has, how many instances it leaves alone, seats it cannot fill, refusals."""

    create: int
    replace: int
    destroy: int
    unchanged: int
    unfilled: int
    held: int
    bids: int = 0
    """New bids for instances that lost theirs."""


def counts(plan: Plan) -> Counts:
    """The numbers of a plan's summary. What is pruned or sent again is no declared instance, so not `unchanged`."""
    actions = list(plan.actions())
    touched = {a.old.id for fleet in plan.fleets for a in fleet.actions if not isinstance(a, Create)}
    return Counts(
        create=sum(isinstance(a, Create) for a in actions),
        replace=sum(isinstance(a, Replace) for a in actions),
        destroy=sum(isinstance(a, Destroy) for a in actions),
        unchanged=max(0, sum(fleet.live for fleet in plan.fleets) - len(touched)),
        unfilled=sum(len(open_.seats) for fleet in plan.fleets for open_ in fleet.unfilled),
        held=sum(1 for _ in plan.refusals()),
        bids=sum(isinstance(a, Update) for a in actions),
    )


def coming_text(action: Replace) -> str:
    """What the new instance bills; at most, where it is not known yet which machine it is on."""
    if action.choice.promised:
        return f"at most {money(action.ceiling)}"
    return money(action.choice.candidate.price)


def rolling_text(left: Rolling) -> str:
    """`rollout: 6 of 10 seats to go in 3 steps of 2, about 12m00s, at most $0.400/h more on the way`."""
    steps = f"{plural(left.steps, 'step')} of {left.at_once}"
    more = f", at most {money(left.extra_per_hour)} more on the way" if left.extra_per_hour else ""
    seats = f"{left.seats} of {plural(left.replicas, 'seat')}"
    return f"rollout: {seats} to go in {steps}, about {duration(left.seconds)}{more}"


def share_text(share: float | None) -> str:
    """How complete the view of the market is."""
    if share is None:
        return "there may be more"
    if share >= 0.995:
        return "all that could matter"
    return f"about {min(99, share * 100):.0f} % of those that could matter"


def relaxation_text(step: Relaxation) -> str:
    """One rule loosened, and what it would admit."""
    if step.to is None:
        return f"without {step.rule} {plural(step.machines, 'more machine')} would fit"
    return f"{step.rule} {step.to} would admit {plural(step.machines, 'machine')}"


def reading_text(reading: Reading | None) -> str:
    """`41 ms`, measured; `~60 ms (3,900 km)`, estimated; a rough estimate is to the middle of a large country."""
    if reading is None:
        return "unknown"
    if reading.measured:
        return f"{reading.ms:.0f} ms"
    rough = ", roughly" if reading.rough else ""
    return f"~{reading.ms:.0f} ms ({reading.km or 0:,.0f} km{rough})"


def spent_text(cost: Cost) -> str:
    """`spent about $1.20 in 24 hours, $31.00 in 30 days of $500.00`; empty where there is nothing to tell."""
    if not cost.spent.month and cost.budget_30_days is None:
        return ""
    budget = f" of {amount(cost.budget_30_days, 2)}" if cost.budget_30_days is not None else ""
    return f"spent about {amount(cost.spent.day, 2)} in 24 hours, {amount(cost.spent.month, 2)} in 30 days{budget}"
