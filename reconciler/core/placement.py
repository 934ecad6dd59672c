"""What is asked of a placement and what comes of it, as data: most runs want nothing and need no more of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.values import dataclass

if TYPE_CHECKING:
    from reconciler.core.candidates import Candidate
    from reconciler.core.label import Seat
    from reconciler.core.model import Fleet
    from reconciler.core.shortage import Shortage

CEILING_FACTOR = Decimal("1.05")
"""An approved rent may cost this much more than ranked, never more than its cap."""


@dataclass(frozen=True, slots=True)
class Need:
    """A seat that wants an offer, and the most it may cost in $/h."""

    seat: Seat
    fleet: Fleet
    cap: Decimal
    not_on: frozenset[int] = frozenset()
    """Machines that have just failed this seat."""
    in_line: bool = False
    """A later seat of a rollout: the step before it frees a machine, so it may be promised one that is taken."""
    frees: bool = False
    """A seat of a rollout whose old instance leaves a machine that fits the fleet as it is now."""
    repair: bool = False
    """Something that worked is to be replaced, rather than something new to be added."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What one seat gets: the best offer and the next ones."""

    candidate: Candidate
    fallbacks: tuple[Candidate, ...] = ()
    promised: bool = False
    """The offer is that of a seat before it in the line of a rollout, which frees a machine like it: by then it is
    another one."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Offers for seats; `unplaced` seats got none, and their fleet's shortage says why."""

    choices: Mapping[Seat, Choice] = field(default_factory=dict)
    unplaced: frozenset[Seat] = frozenset()
    shortages: Mapping[str, Shortage] = field(default_factory=dict)


def ceiling(candidate: Candidate, cap: Decimal) -> Decimal:
    """The most a rent may cost once approved: the ranked price x 1.05, never above the cap."""
    return min(candidate.price * CEILING_FACTOR, cap)
