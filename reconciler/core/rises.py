"""What hosts ask for beyond the end of a contract: a higher price, which nobody here accepts. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from reconciler.core.diff import Diff
from reconciler.core.label import Seat


@dataclass(frozen=True, slots=True)
class Asked:
    """A host's wish as the marketplace tells it: so much more in $/h, from the end of the present contract on."""

    instance_id: int
    more_per_hour: Decimal
    at: float
    """When the present contract ends, epoch seconds."""
    until: float | None = None
    """When the longer one would end."""


@dataclass(frozen=True, slots=True)
class Rise:
    """The same about a seat, with what its instance costs, all-in in $/h, now and then."""

    seat: Seat
    instance_id: int
    now_per_hour: Decimal
    then_per_hour: Decimal
    at: float
    until: float | None = None


def rises_of(asked: Iterable[Asked], diff: Diff) -> tuple[Rise, ...]:
    """What is asked of managed instances, the next one first."""
    members = [m for part in diff.fleets for m in part.members()] + list(diff.undeclared)
    by_id = {member.id: member for member in members}
    found = []
    for each in asked:
        member = by_id.get(each.instance_id)
        price = None if member is None else member.instance.price_per_hour
        if member is not None and price is not None:
            then = price + each.more_per_hour
            found.append(Rise(member.mark.seat, each.instance_id, price, then, each.at, each.until))
    return tuple(sorted(found, key=lambda rise: (rise.at, rise.seat, rise.instance_id)))
