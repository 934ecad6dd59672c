"""What four status fields of the account mean, and what each state bills, as one table.

The fields are: what the host last reported of the container, what was last asked for (`intended`), whether the contract
holds its GPU (`current`), and where it is heading. Besides them count when the contract ends and whether it is a bid.
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Literal, NamedTuple

from reconciler.core.instance import Instance
from reconciler.values import dataclass

GRACE_S = {"exited": 120.0, "offline": 600.0, "unknown": 600.0}
"""How long a bad report must last, from the first list that showed it, before it counts against an instance."""


class State(Enum):
    """The state of an instance.

    The account alone tells all but two of them: that one which runs is `unready`, or is not ready yet and so `pending`,
    is told by its checks (`reconciler.core.health`). Without them running is ready.
    """

    PENDING = "pending"
    READY = "ready"
    UNREADY = "unready"
    FAILED = "failed"
    OUTBID = "outbid"
    QUEUED = "queued"
    HELD = "held"
    EXPIRED = "expired"
    GONE = "gone"
    DOUBTFUL = "doubtful"


RESTING = frozenset({State.OUTBID, State.QUEUED, State.HELD, State.EXPIRED})
"""Its GPU is not held: nothing runs, nothing boots, and its storage bills."""

Bill = Literal["nothing", "storage", "everything"]


class Told(NamedTuple):
    """What counts of an instance."""

    reported: str | None
    intended: str | None
    current: str | None
    heading: str | None
    ended: bool
    interruptible: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; None: whatever it says."""

    state: State
    bills: Bill
    reported: frozenset[str] | None = None
    intended: str | None = None
    current: str | None = None
    heading: str | None = None
    ended: bool | None = None
    """Whether the contract's end has passed."""
    interruptible: bool | None = None

    def holds(self, told: Told) -> bool:
        """Whether this line speaks of an instance that tells this."""
        return (
            (self.reported is None or told.reported in self.reported)
            and self.intended in (None, told.intended)
            and self.current in (None, told.current)
            and self.heading in (None, told.heading)
            and self.ended in (None, told.ended)
            and self.interruptible in (None, told.interruptible)
        )


TABLE = (
    # A contract past its end cannot be started again, whoever stopped it.
    Row(State.EXPIRED, "storage", intended="stopped", ended=True),
    Row(State.EXPIRED, "storage", current="stopped", ended=True),
    # A bid that somebody beat cannot be told from a stop, nor from a start that waits.
    Row(State.OUTBID, "storage", current="stopped", interruptible=True),
    # A stop outweighs any report of the host. Nobody says who stopped it.
    Row(State.HELD, "storage", intended="stopped"),
    # What is to stay stopped waits for no GPU, whatever was asked for last.
    Row(State.HELD, "storage", current="stopped", heading="stopped"),
    # A queued start outweighs a stale report.
    Row(State.QUEUED, "storage", intended="running", current="stopped"),
    Row(State.READY, "everything", reported=frozenset({"running"})),
    Row(State.FAILED, "nothing", reported=frozenset({"offline"}), intended="running"),
    # A container that ended still holds its GPU; one that is not heard of may run.
    Row(State.FAILED, "everything", reported=frozenset({"exited", "unknown"}), intended="running"),
    # What boots, and any word nobody has seen: it occupies its seat. A pull is counted as if it were billed.
    Row(State.PENDING, "everything"),
)
"""The first line that holds counts (reading order: agreed by several clients of the field)."""


def told(instance: Instance, now: float | None) -> Told:
    """What counts of an instance; without `now` its contract has not ended."""
    ended = now is not None and instance.ends_at is not None and instance.ends_at <= now
    bid = bool(instance.interruptible)
    return Told(instance.reported, instance.intended, instance.current, instance.heading, ended, bid)


@lru_cache(maxsize=1024)  # the instances of an account tell few different things
def _row(told: Told) -> Row:
    return next(row for row in TABLE if row.holds(told))


def state_of(instance: Instance, now: float | None = None) -> State:
    """The state as the account tells it. Without `now` no contract counts as past its end."""
    return _row(told(instance, now)).state


def state_of_absent(called_gone: bool) -> State:
    """The state of one that no list shows: gone by a typed answer; without one nobody knows."""
    return State.GONE if called_gone else State.DOUBTFUL


def rate_per_hour(instance: Instance) -> Decimal:
    """What the instance bills now in $/h, as far as the account tells. What is gone bills nothing; what is in doubt
    is counted at the ceiling of its attempt, not here."""
    bills = _row(told(instance, None)).bills
    if bills == "nothing":
        return Decimal(0)
    return (instance.storage_per_hour if bills == "storage" else instance.price_per_hour) or Decimal(0)
