"""A pass of a fleet that asks for cheaper places, from diff to plan, without a world around it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from builders import DAY_S, NO_BANS, NOW, diff, fleet, instance, money, record

from reconciler.core.cheaper import Asking, looks, with_looks
from reconciler.core.diff import Diff
from reconciler.core.guards import Allowed, guard_fleet
from reconciler.core.instance import Instance
from reconciler.core.model import Fleet, Policy
from reconciler.core.offer import Offer
from reconciler.core.place import Ground, place
from reconciler.core.plan import FleetPlan, Plan
from reconciler.core.planner import fleet_plan
from reconciler.core.record import Record
from reconciler.core.renewal import Cheaper, ReplaceRules
from reconciler.core.trading import Trades, demoted, proposals_of, with_trades

ASKING = Asking(NOW, NOW - 60)


def asks(replicas: int = 1, price: object = None, **rules: object) -> Fleet:
    """A fleet that asks for cheaper places: by default for what saves $10 a month and 20 %."""
    said = {name: money(value) if name.startswith("saves") else value for name, value in rules.items()}
    options = {} if price is None else {"budget_per_hour": price}
    return fleet(replicas=replicas, replace=ReplaceRules(cheaper=Cheaper(**said)), **options)  # type: ignore[arg-type]


def compared(
    spec: Fleet,
    running: Iterable[Instance],
    market: Iterable[Offer],
    before: Record | None = None,
    asking: Asking = ASKING,
    rules: Policy | None = None,
) -> tuple[FleetPlan, Record]:
    """The fleet's plan, guarded, and the record that is left."""
    before = before or record()
    found = diff(spec, running, before, rules=rules)
    return planned(found, market, before, asking, rules)


def planned(
    found: Diff, market: Iterable[Offer], before: Record, asking: Asking = ASKING, rules: Policy | None = None
) -> tuple[FleetPlan, Record]:
    (part,) = found.fleets
    wanted = looks(found, before, asking)
    placed = place(wanted, tuple(market), Ground(NO_BANS, NOW)) if wanted else place([], [], Ground(NO_BANS, NOW))
    after = with_looks(before, wanted, proposals_of(found, wanted, placed.choices, asking.now), asking)
    made = fleet_plan(part, place([], [], Ground(NO_BANS, NOW)), {}, None, {})
    made = with_trades(made, part, after, Trades(asking, placed.choices))
    made = guard_fleet(made, part, rules or Policy(), Allowed())
    whole = demoted(Plan("default", 1, NOW, (made,)), asking)
    return whole.fleets[0], after


def old(spec: Fleet, at: str = "june/0", **options: object) -> Instance:
    """An instance that was rented two days ago, at $0.25/h."""
    said = {"started_at": NOW - 2 * DAY_S, **options}
    return instance(at, spec, **said)  # type: ignore[arg-type]


def later(asking: Asking, **changes: object) -> Asking:
    return replace(asking, **changes)  # type: ignore[arg-type]
