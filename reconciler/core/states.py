"""What four status fields of the account mean, as one table."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

from reconciler.core.model import Instance

GRACE_S = {"exited": 120.0, "offline": 600.0, "unknown": 600.0}
"""How long a bad report must last, from the first list that showed it, before it counts against an instance."""


class State(Enum):
    """The state of an instance that exists. Until readiness checks exist, running is ready."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"
    QUEUED = "queued"
    HELD = "held"
    OUTBID = "outbid"


def state_of(instance: Instance) -> State:
    """The reading order of the field: a stop outweighs any report of the host, a queued start outweighs a stale one.

    Nobody says who stopped an instance: it is held, and left alone. A report that is not in the table is pending:
    it occupies its seat and nothing is done about it. Nor can a bid that somebody beat be told from a stop: an
    interruptible instance without its GPU counts as outbid.
    """
    if instance.interruptible and instance.current == "stopped":
        return State.OUTBID
    if instance.intended == "stopped" or _all_stopped(instance):
        return State.HELD
    if instance.current == "stopped" and instance.intended == "running":
        return State.QUEUED
    if instance.reported == "running":
        return State.READY
    if instance.reported in GRACE_S and instance.intended == "running":
        return State.FAILED
    return State.PENDING


def _all_stopped(instance: Instance) -> bool:
    return instance.current == instance.intended == instance.heading == "stopped"


def rate_per_hour(instance: Instance) -> Decimal:
    """What the instance bills now in $/h, as far as the account tells: nothing while its host is offline, storage
    alone while it is stopped, queued or outbid, else the full price (a pull is counted as if it were billed)."""
    state = state_of(instance)
    if state is State.FAILED and instance.reported == "offline":
        return Decimal(0)
    if state in (State.HELD, State.QUEUED, State.OUTBID):
        return instance.storage_per_hour or Decimal(0)
    return instance.price_per_hour or Decimal(0)
