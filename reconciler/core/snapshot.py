"""How things stand after a pass, as one value: what `/metrics` and `/healthz` show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from reconciler.core.calls import Calls
from reconciler.core.diff import FleetDiff, SeatView
from reconciler.core.label import Seat
from reconciler.core.model import Limits
from reconciler.core.plan import Cost, Plan
from reconciler.core.record import Record
from reconciler.core.states import State, rate_per_hour
from reconciler.core.tally import Count
from reconciler.core.watching import PassResult

BUCKETS_S = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
"""The upper bounds of the histogram of a pass's duration."""


@dataclass(frozen=True, slots=True)
class FleetState:
    """The seats of one declared fleet; those of all states add up to `desired`."""

    fleet: str
    desired: int
    ready: int = 0
    pending: int = 0
    """It boots, or its rent is in doubt."""
    outbid: int = 0
    """Its bid was beaten."""
    held: int = 0
    unhealthy: int = 0
    unfilled: int = 0
    """Nothing is there."""
    rate_per_hour: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Durations:
    """How long passes took: how many, in all, and how many within each of `BUCKETS_S`."""

    within: tuple[int, ...] = (0,) * len(BUCKETS_S)
    count: int = 0
    total_s: float = 0.0

    def plus(self, took_s: float) -> Durations:
        """One more."""
        within = (n + (took_s <= bound) for n, bound in zip(self.within, BUCKETS_S, strict=True))
        return Durations(tuple(within), self.count + 1, self.total_s + took_s)


@dataclass(frozen=True, slots=True)
class Account:
    """Money after a pass, all fleets together, in dollars and $/h."""

    cost: Cost
    budget_left_per_hour: Decimal | None = None
    budget_left_30_days: Decimal | None = None
    leaks: int = 0
    leaks_per_hour: Decimal = Decimal(0)
    doubts: int = 0
    orphans: int = 0
    orphans_per_hour: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Calling:
    """The counts of calls at one moment, by route."""

    sent: Mapping[str, int] = field(default_factory=dict)
    too_many: Mapping[str, int] = field(default_factory=dict)
    unanswered: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that is shown. `due_at`: when the next pass should have ended at the latest."""

    at: float
    due_at: float
    owner: str
    passes: Mapping[PassResult, int] = field(default_factory=dict)
    durations: Durations = Durations()
    good_at: float | None = None
    """When the last good pass ended."""
    fleets: tuple[FleetState, ...] = ()
    account: Account | None = None
    """None before the first good pass."""
    counts: Mapping[Count, int] = field(default_factory=dict)
    calls: Calling = Calling()
    resting: Collection[str] = ()
    specs_valid: bool = True
    letters: int = 0
    """Notifications that wait to be delivered."""


def fleet_state(part: FleetDiff, rented: Collection[Seat] = (), told_to_go: Collection[int | None] = ()) -> FleetState:
    """The seats of a fleet after a pass that has rented for the seats `rented` and told the instances `told_to_go` to
    go."""
    states: Counter[str] = Counter(_state(view, view.seat in rented, told_to_go) for view in part.seats)
    rate = sum((rate_per_hour(member.instance) for member in part.members()), Decimal(0))
    return FleetState(part.fleet.name, len(part.seats), rate_per_hour=rate, **states)


def _state(view: SeatView, rented: bool, told_to_go: Collection[int | None]) -> str:
    keeper = view.keeper
    # While the new instance of a replacement boots the old one serves: first it is the keeper, then the other one.
    old = view.members() if rented else view.extras
    if any(member.state is State.READY and member.id not in told_to_go for member in old):
        return "ready"
    if rented or (keeper is None and view.bucket == "doubtful"):
        return "pending"
    if keeper is None:
        return "unfilled"
    if keeper.state is State.OUTBID:
        return "outbid"
    if view.bucket in ("unhealthy", "held"):
        return view.bucket
    return "ready" if keeper.state is State.READY else "pending"


def money_of(plan: Plan, limits: Limits, record: Record) -> Account:
    """What there is to say about money after a pass."""
    cost, per_hour, month = plan.cost, limits.budget_per_hour, limits.budget_per_30_days
    return Account(
        cost,
        None if per_hour is None else per_hour - cost.now,
        None if month is None else month - cost.spent.month,
        len(record.leaving),
        sum((item.rate_per_hour for item in record.leaving.values()), Decimal(0)),
        sum(intent.instance_id is None for intent in record.intents.values()),
        len(plan.orphans),
        sum((stray.rate_per_hour for stray in plan.orphans), Decimal(0)),
    )


def calling(calls: Calls) -> Calling:
    """The counts as they are now."""
    return Calling(dict(calls.sent), dict(calls.too_many), dict(calls.unanswered))


def kept_counts(counts: Mapping[Count, int], fleets: Iterable[str]) -> Counter[Count]:
    """The counts without those of fleets that are declared no more, so that they do not grow without end."""
    declared = {"", *fleets}
    return Counter({key: number for key, number in counts.items() if key[1] in declared})
