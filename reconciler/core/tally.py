"""What a watch has done, counted by fleet and reason. Reasons are few and fixed: a label must not grow without end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from reconciler.core.history import MADE, Event
from reconciler.core.label import Seat
from reconciler.core.plan import Create, Plan, Replace, is_unasked

Counted = Literal["rents", "rents_failed", "destroys", "refusals", "leaks", "vanished", "strikes"]
Count = tuple[Counted, str, str]
"""What, of which fleet (empty: of none), for which reason (empty: there is only one)."""

_REASONS = (
    (re.compile(r"replicas \d+ -> \d+"), "surplus"),
    (re.compile(r"replaced by instance \d+|replace\.cheaper saves "), "superseded"),
    (re.compile(r"instance \d+ (is|was|failed)\b|replace\.cheaper: it was not ready in time"), "unhealthy"),
    (re.compile(r"the bid lost\b|instance \d+ lost its bid\b"), "outbid"),
    (re.compile(r"pruned|the fleet is destroyed"), "ended"),
    (re.compile(r"over its cap|ordered \S+, came back |refused but created"), "not_as_ordered"),
)
"""How the words of a destroy's reason begin. What begins otherwise names a field that differs."""


def reason_of_destroy(text: str) -> str:
    """The class of a destroy's reason: `surplus`, `superseded`, `unhealthy`, `outbid`, `ended`, `not_as_ordered` or
    `drift`."""
    return next((name for pattern, name in _REASONS if pattern.match(text)), "drift")


def reason_of_strike(text: str) -> str:
    """The class of what a machine got a strike for: `never_ready`, `unready` or `died`."""
    cause = text.partition(": ")[2]
    if cause.startswith(("not ready in ", "unable to start")):
        return "never_ready"
    return "unready" if cause.startswith(("unready", "not ready again")) else "died"


def reasons_of_rents(plan: Plan) -> Mapping[Seat, str]:
    """Why each seat of a plan is rented for: `new`, `repair` or `rollout`."""
    rents = (a for a in plan.actions() if isinstance(a, Create | Replace))
    return {a.seat: "repair" if is_unasked(a) else "rollout" if isinstance(a, Replace) else "new" for a in rents}


def counted(events: Iterable[Event], rents: Mapping[Seat, str]) -> Counter[Count]:
    """What the events of a pass add to the counts."""
    counts: Counter[Count] = Counter()
    for event in events:
        found = _count(event, rents)
        if found is not None:
            counts[found] += 1
    return counts


def _count(event: Event, rents: Mapping[Seat, str]) -> Count | None:
    seat = Seat(event.fleet, event.index or 0)
    match event.kind:
        case "rented":
            return "rents", event.fleet, rents.get(seat, "new")
        case "settled" if event.text == MADE:
            return "rents", event.fleet, rents.get(seat, "new")
        case "doubtful" if event.instance_id is not None:  # A destroy: what is not proven is a leak.
            return None
        case "doubtful" | "refused" if event.fleet:
            return "rents_failed", event.fleet, event.kind
        case "destroyed":
            return "destroys", event.fleet, reason_of_destroy(event.text)
        case "leak opened":
            return "leaks", event.fleet, reason_of_destroy(event.text.rpartition("not proven gone: ")[2])
        case "held back":
            return "refusals", event.fleet, event.text.partition(":")[0]
        case "vanished":
            return "vanished", event.fleet, ""
        case "strike":
            return "strikes", event.fleet, reason_of_strike(event.text)
        case _:
            return None
