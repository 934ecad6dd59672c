"""Cheaper places for what runs, where a fleet asks for it: which instances are compared, and what is worth a change.

The market is not drift: without `replace.cheaper` nothing of this happens, with it to one instance of
a fleet at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from reconciler.core.diff import Diff, FleetDiff, SeatView
from reconciler.core.label import Seat
from reconciler.core.model import HOURS_PER_STORAGE_MONTH as HOURS_PER_MONTH
from reconciler.core.model import Fleet
from reconciler.core.placement import Need
from reconciler.core.record import Record
from reconciler.core.renewal import Cheaper
from reconciler.core.trials import DAY_S, Proposal, trials_of

LOOK_EVERY_S = 6 * 3600.0
"""How often the market is looked at for this alone."""
ROWS_FOR_LOOKS = 10_000
"""Once so many rows of a day are used nobody looks for this: the other half is for empty seats and repairs."""
_ROUND = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Asking:
    """What a run wants of cheaper places."""

    now: float
    run_started_at: float
    rows_used: int = 0
    """Rows of the day that searches have answered."""
    approved: frozenset[Seat] = frozenset()
    """Seats that a person named."""
    planned: frozenset[Seat] = frozenset()
    """Seats that the plan of this run rents for."""

    def names(self, seat: Seat, rules: Cheaper) -> bool:
        """Whether a seat is looked at now, however late the last look was."""
        return seat in self.approved or (rules.approve == "auto" and seat in self.planned)


def worth(rules: Cheaper, price: Decimal) -> Decimal:
    """The most that an offer may cost, in $/h, to be worth leaving an instance of this price."""
    by_month = price - rules.saves_per_month / HOURS_PER_MONTH
    by_share = price * (100 - rules.saves_percent) / 100
    return min(by_month, by_share)


def looks(diff: Diff, record: Record, asking: Asking, busy: Iterable[str] = ()) -> list[Need]:
    """The seats whose instance is compared with the market in this pass. `busy` are fleets with seats to fill."""
    if not record.warm:
        return []
    named = set(busy)
    return [need for part in diff.fleets if part.fleet.name not in named for need in _looks_of(part, record, asking)]


def _looks_of(part: FleetDiff, record: Record, asking: Asking) -> list[Need]:
    rules = part.fleet.replace.cheaper
    if rules is None or not is_calm(part):
        return []
    due = _is_due(part.fleet.name, record, asking)
    caps = {
        view.seat: cap
        for view in part.seats
        if _is_asked_for(view.seat, rules, record, asking, due) and (cap := _worth(view, rules, asking.now)) > 0
    }
    fleet = _capped(part.fleet, caps.values())
    failed = frozenset(trial.machine_id for trial in trials_of(record, part.fleet.name, asking.now))
    return [Need(seat, fleet, cap, failed) for seat, cap in caps.items()]


def _is_due(fleet: str, record: Record, asking: Asking) -> bool:
    long_ago = asking.now - record.looked.get(fleet, float("-inf")) >= LOOK_EVERY_S
    return long_ago and asking.rows_used < ROWS_FOR_LOOKS


def _is_asked_for(seat: Seat, rules: Cheaper, record: Record, asking: Asking, due: bool) -> bool:
    """A seat that was named is looked at once more in this run, until a candidate was rented for it."""
    return not tried(record, seat, asking.run_started_at) if asking.names(seat, rules) else due


def _capped(fleet: Fleet, caps: Iterable[Decimal]) -> Fleet:
    """The fleet that asks for nothing dearer than could be of use."""
    most = max(caps, default=_ROUND).quantize(_ROUND)
    return replace(fleet, price=replace(fleet.price, max_per_hour=min(fleet.price.max_per_hour, most + _ROUND)))


def is_calm(part: FleetDiff) -> bool:
    """Whether nothing of the fleet is on its way: with a candidate it has one instance more than declared."""
    on_the_way = len(part.members()) + len(part.intents()) + len(part.leaving())
    return on_the_way <= part.fleet.replicas and not (part.paused or part.newer_labels or part.foreign_owner)


def _worth(view: SeatView, rules: Cheaper, now: float) -> Decimal:
    """What an offer may cost at most, in $/h; 0 where the instance does not run well, or not long enough."""
    keeper = view.keeper
    if keeper is None or view.bucket != "ready" or view.extras or view.intents or view.leaving:
        return Decimal(0)
    started, price = keeper.instance.started_at, keeper.instance.price_per_hour
    old_enough = started is not None and now - started >= rules.min_age_s
    return worth(rules, price) if old_enough and price is not None else Decimal(0)


def tried(record: Record, seat: Seat, since: float) -> bool:
    """Whether a candidate was rented for the seat since then."""
    return any(trial.seat == seat and trial.at >= since for trial in record.trials.values())


def left_today(record: Record, fleet: Fleet, rules: Cheaper, now: float) -> int:
    """How many instances of the fleet may still be changed today without anybody's word."""
    return max(0, rules.max_per_day - sum(1 for _ in trials_of(record, fleet.name, now)))


def with_looks(record: Record, wanted: Iterable[Need], found: Mapping[Seat, Proposal], asking: Asking) -> Record:
    """The record that knows what was found for the seats that were looked at; what was proposed for them before is
    over. A look at some seats that were named does not put off the next one at all."""
    seats = {need.seat for need in wanted}
    if not seats:
        return record
    now, whole = asking.now, {seat.fleet for seat in seats if _is_due(seat.fleet, record, asking)}
    kept = {s: each for s, each in record.proposals.items() if s not in seats and now - each.at < DAY_S}
    looked = {name: at for name, at in record.looked.items() if now - at < DAY_S}
    return replace(record, proposals={**kept, **found}, looked={**looked, **dict.fromkeys(sorted(whole), now)})


def standing_proposals(part: FleetDiff, record: Record, now: float) -> Iterator[Proposal]:
    """What the last look found, as long as it is about what runs."""
    for view in part.seats:
        found = record.proposals.get(view.seat)
        same = found is not None and view.keeper is not None and view.keeper.id == found.instance_id
        if found is not None and same and view.bucket == "ready" and now - found.at < LOOK_EVERY_S:
            yield found
