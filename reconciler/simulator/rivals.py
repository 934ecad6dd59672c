"""Other bidders: what the highest of them offers for a machine, as a multiple of the host's least bid."""

from __future__ import annotations

from reconciler.simulator.rng import fraction

SPELL = 4 * 3600.0
"""So long a rival's bid stands."""

NOBODY, CLOSE = 0.60, 0.88
"""Shares of the time without a rival, and with one at most a quarter above the least bid (cumulative)."""


def _begin(seed: object, machine_id: int) -> int:
    """Whole seconds, so that a moment computed from a spell's number lies in the next spell exactly."""
    return int(SPELL * fraction(seed, "rivals begin", machine_id))


def _number(seed: object, machine_id: int, now: float) -> int:
    return int((now + _begin(seed, machine_id)) // SPELL)


def rival(seed: object, machine_id: int, now: float) -> float:
    """The highest other bid over the least bid; zero without one."""
    u = fraction(seed, "rival", machine_id, _number(seed, machine_id, now))
    if u < NOBODY:
        return 0.0
    if u < CLOSE:
        return 1.0 + 0.25 * (u - NOBODY) / (CLOSE - NOBODY)
    return 1.25 + 1.75 * (u - CLOSE) / (1 - CLOSE)


def stands_until(seed: object, machine_id: int, now: float) -> float:
    """When the rivals next think again."""
    return (_number(seed, machine_id, now) + 1) * SPELL - _begin(seed, machine_id)
