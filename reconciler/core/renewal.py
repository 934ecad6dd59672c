"""When an instance that works is replaced all the same: before its contract ends, or for a cheaper one where asked."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from reconciler.values import dataclass

if TYPE_CHECKING:
    from reconciler.core.instance import Instance
    from reconciler.core.model import Fleet

EXPIRED = "expired"
"""The fault of an instance whose contract has ended: it is stopped, and nobody can start it again."""
BEFORE_EXPIRY_S = 24 * 3600.0
_DAY_S = 86_400.0
_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Cheaper:
    """When an offer is so much cheaper than an instance that it is worth a change."""

    saves_per_month: Decimal = Decimal(10)
    """At least so many dollars in 720 hours, and"""
    saves_percent: Decimal = Decimal(20)
    """at least such a part of what the instance costs."""
    min_age_s: float = _DAY_S
    """An instance that was rented later than that is left alone."""
    max_per_day: int = 1
    """Of one fleet, without anybody's word."""
    approve: Literal["manual", "auto"] = "manual"
    candidate_for_s: float = 2 * _HOUR_S
    """How long the new one may take until it is ready; the old one runs on meanwhile."""
    candidate_cost: Decimal = Decimal("1.50")
    """How many dollars it may cost until then."""


@dataclass(frozen=True, slots=True)
class ReplaceRules:
    """What replaces an instance that works and is as declared."""

    before_expiry_s: float = BEFORE_EXPIRY_S
    """So long before its contract ends; 0: not before."""
    cheaper: Cheaper | None = None


def unwritten_before_expiry_s(min_days_left: Decimal) -> float:
    """A day, or half of the time that a contract must have left at renting, where that is less."""
    return min(BEFORE_EXPIRY_S, float(min_days_left) * _DAY_S / 2)


def contract_is_over(instance: Instance, now: float) -> bool:
    """Whether the contract's end has passed, as far as it is told."""
    return instance.ends_at is not None and instance.ends_at <= now


def running_out(fleet: Fleet, instance: Instance, now: float) -> tuple[str, str] | None:
    """What is desired and what is there, where the contract ends within `before_expiry`.

    A contract that was short from its beginning is not given up in its first half: the next one may be as short.
    """
    margin, ends_at = fleet.replace.before_expiry_s, instance.ends_at
    if ends_at is None or margin <= 0:
        return None
    if instance.started_at is not None and instance.started_at < ends_at:
        margin = min(margin, (ends_at - instance.started_at) / 2)
    if ends_at - now > margin:
        return None
    end = datetime.fromtimestamp(ends_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"more than {margin / _HOUR_S:.0f} h left", f"contract ends {end}"
