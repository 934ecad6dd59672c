"""Who is at work on a ledger: politeness between runs. What keeps them from spending twice is the compare-and-swap."""

from __future__ import annotations

from dataclasses import dataclass

LASTS_S = 600.0
"""A lease that was not renewed for so long does not stand any more."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a lease."""

    host: str
    pid: int
    command: str
    """What was typed, without its options: `reconcile apply`."""


@dataclass(frozen=True, slots=True)
class Lease:
    """One run's turn with a ledger."""

    id: str
    holder: Holder
    since: float
    renewed: float
    """When the holder last wrote."""

    @property
    def expires(self) -> float:
        """Until when it stands, unless it is renewed."""
        return self.renewed + LASTS_S


def stands(lease: Lease, now: float, *, dead: bool = False) -> bool:
    """Whether others should wait. Not where the holder is known to be dead, nor where the two clocks are further apart
    than a lease lasts, for then nobody can tell when it ends."""
    return not dead and abs(now - lease.renewed) < LASTS_S
