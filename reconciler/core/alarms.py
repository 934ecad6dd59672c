"""What looks at instances say that nobody must miss: another SSH host key, and that they tell nothing any more.

The alarm of a host key that is not the one seen first (another machine may answer in the instance's place) stands until
the instance passes a look or is gone: a look that fails otherwise in between takes nothing back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from reconciler.core.causes import HOST_KEY_CHANGED

if TYPE_CHECKING:
    from reconciler.core.diff import Member
    from reconciler.core.health import Health
    from reconciler.core.label import Seat
    from reconciler.core.record import Record

ANOTHER_KEY = "has another SSH host key than the first time"


def told_as(instance_id: int) -> str:
    """Under which key of `Record.told` the alarm stands."""
    return f"key/{instance_id}"


def has_another_key(health: Health | None) -> bool:
    """Whether the last look met another host key."""
    return health is not None and health.verdict == "fail" and health.cause.endswith(f": {HOST_KEY_CHANGED}")


def ringing(record: Record) -> Iterator[tuple[int, Seat]]:
    """The instances of which the alarm stands, and their seats."""
    for instance_id, health in record.health.items():
        known = record.known.get(instance_id)
        if known is not None and _rings(record, instance_id, health):
            yield instance_id, known.seat


def warnings_of(members: Iterable[Member], record: Record) -> Iterator[str]:
    """What a plan says of them."""
    members = list(members)
    for member in members:
        if member.health is not None and _rings(record, member.id, member.health):
            doubt = "another machine may answer in its place, so trust nothing that it says"
            yield f"ALARM: {member.mark.seat}: instance {member.id} {ANOTHER_KEY}: {doubt}"
    yield from (blind_text(fleet, cause, number) for (fleet, cause), number in blind_to(members).items())


def blind_to(members: Iterable[Member]) -> dict[tuple[str, str], int]:
    """How many instances that were ready nobody can tell anything of, by fleet and cause. Nothing follows for them,
    and one that dies behind it is not found."""
    found: Counter[tuple[str, str]] = Counter()
    for member in members:
        health = member.health
        if health is not None and health.ready_at is not None and health.verdict == "cannot tell":
            found[member.mark.seat.fleet, health.cause] += 1
    return dict(sorted(found.items()))


def blind_text(fleet: str, cause: str, number: int) -> str:
    """The same in words."""
    many = f"{number} instances that were ready still are" if number > 1 else "an instance that was ready still is"
    return f"{fleet}: whether {many} cannot be told: {cause}; nothing is replaced for it"


def _rings(record: Record, instance_id: int, health: Health) -> bool:
    return has_another_key(health) or (health.verdict != "pass" and told_as(instance_id) in record.told)
