"""Hosts that drop off for a while: when, for how long, and what comes back."""

from __future__ import annotations

import math
from typing import NamedTuple

from reconciler.simulator.rng import fraction, whole

SPAN = 8 * 86400.0
"""A machine has at most one outage in so much time."""

LENGTHS = (180.0, 43200.0)
"""From three minutes to twelve hours, short ones far more often."""

DOUBT = 150.0
"""So long a lost host reads `unknown` before it reads `offline`."""

EXITED = 0.3
"""Share of the returns after which the container does not run."""


class Outage(NamedTuple):
    """From the last heartbeat to the next one."""

    start: float
    end: float
    exited: bool
    """Whether the container has exited when the host is back."""


def _outage(seed: object, machine_id: int, number: int) -> Outage | None:
    chance = 0.06 + 0.5 * fraction(seed, "flaky", machine_id) ** 4
    u = fraction(seed, "outage", machine_id, number)
    if u >= chance:
        return None
    short, long = LENGTHS
    start = (number + u / chance * (1 - long / SPAN)) * SPAN
    length = short * math.exp(fraction(seed, "outage lasts", machine_id, number) ** 2 * math.log(long / short))
    exited = fraction(seed, "outage leaves", machine_id, number) < EXITED
    return Outage(round(start, 3), round(start + length, 3), exited)


def outage_at(seed: object, machine_id: int, now: float) -> Outage | None:
    """The outage that the machine is in."""
    found = _outage(seed, machine_id, int(now // SPAN))
    return found if found is not None and found.start <= now < found.end else None


def leaves_exited(seed: object, machine_id: int, now: float) -> bool:
    """Whether containers have exited when the machine is back from its latest outage."""
    found = _outage(seed, machine_id, int(now // SPAN))
    return found is not None and found.exited


def next_change(seed: object, machine_id: int, now: float) -> float:
    """When the machine next drops off or comes back; or when to ask again."""
    number = int(now // SPAN)
    found = _outage(seed, machine_id, number)
    if found is not None and now < found.end:
        return found.start if now < found.start else found.end
    return (number + 1) * SPAN


def address_after(seed: object, machine_id: int, now: float) -> str:
    """Where a machine without an address of its own is found after an outage."""
    number = whole(seed, "new address", machine_id, int(now // SPAN)) % 762
    block = ("203.0.113", "198.51.100", "192.0.2")[number // 254]
    return f"{block}.{number % 254 + 1}"
