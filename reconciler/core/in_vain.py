"""What was never ready goes, also where nothing may be rented for it, or nothing is for sale: it bills in vain."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.diff import Member
from reconciler.core.plan import Action, Create, Destroy, Replace


def is_in_vain(member: Member) -> bool:
    """Whether an instance had its time and was never ready. One whose host is not heard of costs nothing and may yet
    come."""
    fault = member.fault
    return fault is not None and fault.booting and fault.grace_left_s <= 0 and not fault.of_the_host


def ends(refused: Iterable[Action]) -> tuple[Destroy, ...]:
    """What is still done of repairs whose rents are refused."""
    repairs = (action for action in refused if isinstance(action, Replace) and is_in_vain(action.old))
    return tuple(Destroy(each.seat, each.old, each.reason, unasked=True) for each in repairs)


def rents(refused: Iterable[Action]) -> tuple[Action, ...]:
    """What is not done of them."""
    return tuple(map(_rent, refused))


def _rent(action: Action) -> Action:
    if not isinstance(action, Replace) or not is_in_vain(action.old):
        return action
    return Create(action.seat, action.fleet, action.choice, action.ceiling, action.reason, action.wait, repair=True)
