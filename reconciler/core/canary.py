"""The first instance of a changed spec, which must have been ready for a while before other seats follow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from reconciler.core.fields import spec_hash
from reconciler.core.label import Seat
from reconciler.core.model import Fleet
from reconciler.core.states import State
from reconciler.values import dataclass

if TYPE_CHECKING:
    from reconciler.core.diff import Member

AT_REST = (State.OUTBID, State.HELD, State.QUEUED)
"""What rests proves nothing, and may rest for ever: another seat's instance is the first one then."""


@dataclass(frozen=True, slots=True)
class Canary:
    """A spec that has not proved itself yet: no seat follows, or only a first one goes."""

    seat: Seat | None = None
    """Where its first instance is; None: nowhere yet."""
    left_s: float | None = None
    """How long it must still be ready; None: it is not ready yet."""


def canary_of(fleet: Fleet, members: Iterable[Member], now: float) -> Canary | None:
    """What other seats wait for; None where the spec asks for no such wait, or has proved itself: one that is ready for
    so long proves it, though it has to go for another reason, like the end of its contract."""
    lasts_s = fleet.rollout.canary_s
    if lasts_s is None:
        return None
    current = spec_hash(fleet)
    ours = [member for member in members if is_of(current, member)]
    if any((since := ready_since(member)) is not None and now - since >= lasts_s for member in ours):
        return None
    first = [member for member in ours if not (member.condemned or member.state in AT_REST)]
    if not first:
        return Canary()
    left = {member.mark.seat: lasts_s - (now - since) for member in first if (since := ready_since(member)) is not None}
    if not left:
        return Canary(min(member.mark.seat for member in first))
    seat = min(left, key=lambda seat: (left[seat], seat))
    return Canary(seat, left[seat])


def is_of(current: str, member: Member) -> bool:
    """Whether it was rented by the spec of this hash; an adopted one only carries it."""
    return member.mark.spec_hash == current and not member.mark.adopted


def ready_since(member: Member) -> float | None:
    """Since when it is ready without a break, as far as that is known; None while it is not. Where nobody looks, since
    it was rented."""
    if member.state is not State.READY:
        return None
    return member.instance.started_at if member.health is None else member.health.ready_at
