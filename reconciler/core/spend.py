"""An estimate of what the managed instances billed, by UTC hour, and the limit on 30 days.

Counted is every instance at the rate that a complete list shows, from when it was last seen (or rented) up to that
list, at most an hour. So too little is counted of instances that went, from the last list that showed them to their
end, and of what billed unseen while no run looked for more than an hour; a rate that changed in between counts as the
newer one. Traffic is not in it. With a run every ten minutes less than ten minutes are missing of each instance that
went.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal

from reconciler.core.instance import Instance
from reconciler.core.label import Mark, read_label
from reconciler.core.record import Record
from reconciler.core.states import rate_per_hour
from reconciler.values import dataclass

HOUR_S = 3600
WINDOW_H = 30 * 24
KEPT_H = 31 * 24
LONGEST_S = 3600.0
"""The longest stretch that one list adds for one instance."""
_MICRO = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Spent:
    """What the ledger saw being billed, in dollars."""

    day: Decimal = Decimal(0)
    """In the last 24 hours."""
    month: Decimal = Decimal(0)
    """In the last 30 days."""


def hour_of(at: float) -> int:
    """Hours since the epoch, whole: the UTC hour that a moment lies in."""
    return int(at // HOUR_S)


def counted(before: Record, after: Record, instances: Iterable[Instance], owner: str, list_at: float) -> Record:
    """`after` with what the managed `instances` of a list billed since `before` saw them."""
    spend = dict(before.spend)
    for instance in instances:
        mark = read_label(instance.label, owner)
        rate = rate_per_hour(instance)
        if isinstance(mark, Mark) and rate:
            _add(spend, _seen_from(before, instance, mark, list_at), list_at, rate)
    kept = {hour: _micro(dollars) for hour, dollars in spend.items() if hour > hour_of(list_at) - KEPT_H}
    return replace(after, spend=kept)


def _seen_from(before: Record, instance: Instance, mark: Mark, list_at: float) -> float:
    """When the record last knew of the instance; one it does not know counts from the list before, if it ran then."""
    known, intent = before.known.get(instance.id), before.intents.get(mark.attempt)
    if known is not None:
        return known.seen_at
    if intent is not None:
        return intent.at
    if before.last_list_at is None:
        return list_at
    return max(before.last_list_at, instance.started_at or 0.0)


def _add(spend: dict[int, Decimal], since: float, until: float, rate: Decimal) -> None:
    """Share out a stretch among the hours it lies in."""
    since = max(since, until - LONGEST_S)
    while since < until:
        hour = hour_of(since)
        end = min(until, float((hour + 1) * HOUR_S))
        spend[hour] = spend.get(hour, Decimal(0)) + rate * Decimal(str(end - since)) / HOUR_S
        since = end


def _micro(dollars: Decimal) -> Decimal:
    return dollars.quantize(_MICRO, ROUND_HALF_EVEN)


def spent_since(spend: Mapping[int, Decimal], hour: int) -> Decimal:
    """Dollars in this hour and those after it."""
    return sum((dollars for each, dollars in spend.items() if each >= hour), Decimal(0))


def spent(spend: Mapping[int, Decimal], now: float) -> Spent:
    """What was spent in the last 24 hours and 30 days, the running hour included."""
    last = hour_of(now)
    return Spent(spent_since(spend, last - 23), spent_since(spend, last - WINDOW_H + 1))


def rate_left(spend: Mapping[int, Decimal], budget: Decimal, now: float) -> Decimal:
    """The highest rate in $/h with which no 30 days that hold this hour cost more than `budget`: for each of them, what
    was spent in its past part and the rate to its end stay within it. Below zero when too much is spent already."""
    first = hour_of(now) - WINDOW_H + 1
    past = spent_since(spend, first)
    least = budget - past if past > budget else Decimal("Infinity")
    for hours in range(1, WINDOW_H + 1):
        least = min(least, (budget - past) / hours)
        past -= spend.get(first + hours - 1, Decimal(0))
    return least
