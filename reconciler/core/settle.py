"""How long doubt lasts: the parts of the settle time, and how it grows with what was observed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.values import dataclass

REMEMBERED_S = 86_400.0
"""For a day a label that took long counts."""
GROWTH = 2.0
"""The settle time is at least so many times the longest that a label took to appear within a day."""
LEAST_TOTAL_S = 200.0
"""No policy sets less: the client waits 30 s for an answer, a request may take effect 90 s after that, a list may be
30 s old, and two lists and a pause of the process come on top (reliability: Q = 200 s in the proof, 300 s shipped)."""
LEAST_EVIDENCE_S = 150.0
"""30 s + 90 s + 30 s: before it a list that lacks an attempt says nothing."""
LEAST_APART_S = 30.0
"""How old a list may be: two lists closer than that may be the same reading."""


@dataclass(frozen=True, slots=True)
class Settle:
    """How long doubt lasts, in seconds. Two lists at least `apart_s` apart, each started `evidence_after_s` after
    the attempt, settle it; no verdict before `total_s`."""

    total_s: float = 300.0
    evidence_after_s: float = 150.0
    apart_s: float = 30.0
    lost_per_day: int = 1
    """So many lost attempts of one seat within a day are followed by another rent; one more freezes the seat."""

    @classmethod
    def within(cls, total_s: float) -> Settle:
        """The default proportions for another total."""
        return cls(total_s, total_s / 2, total_s / 10)


@dataclass(frozen=True, slots=True)
class Appearance:
    """A label that was not in the first list that could have shown it: when it was seen, and how long it took."""

    at: float
    took_s: float


def grown(settle: Settle, appeared: Iterable[Appearance], now: float) -> Settle:
    """The settle time of a market that is slow today: total and evidence at least `GROWTH` and once the longest that a
    label took within a day. It never shrinks below what is set."""
    longest = max((a.took_s for a in appeared if now - a.at < REMEMBERED_S), default=0.0)
    total = max(settle.total_s, GROWTH * longest)
    return replace(settle, total_s=total, evidence_after_s=max(settle.evidence_after_s, longest))


def with_appearance(appeared: Iterable[Appearance], new: Appearance) -> tuple[Appearance, ...]:
    """What is remembered with one more: of a day only those that no later one outlasts."""
    kept = (a for a in appeared if new.at - a.at < REMEMBERED_S and a.took_s > new.took_s)
    return (*kept, new)
