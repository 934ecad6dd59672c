"""Offers as candidates of a fleet: judged, priced, scored and ranked. Equal inputs rank equally, in any order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from reconciler.core.bids import priced
from reconciler.core.eligibility import Judge, Refusal
from reconciler.core.latency import Reading, reading_of
from reconciler.core.model import Blacklist, Fleet
from reconciler.core.offer import Offer
from reconciler.core.score import Score, Scorer
from reconciler.core.sights import Sights

STRICT = 10.0
"""In a strict order of tiers each tier ranks below the one before by more than any score can make up for."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An offer as one fleet sees it."""

    offer: Offer
    price: Decimal
    """All-in for the fleet's disk, $/h."""
    tier: str | None
    score: Score
    rank: float
    """What it is ranked by: the score, below those of earlier tiers where their order is strict."""
    reading: Reading | None = None
    """How far it is from the users, where the fleet asks."""
    refusals: tuple[Refusal, ...] = ()
    bid: Decimal | None = None
    """The part of the price that is bid, without storage; None on demand."""

    @property
    def eligible(self) -> bool:
        """Whether no rule refuses it."""
        return not self.refusals


class Appraiser:
    """One fleet's view of offers: its rules and its scoring, prepared once."""

    def __init__(self, fleet: Fleet, shared: Blacklist, now: float, sights: Sights | None = None) -> None:
        self.fleet = fleet
        self.sights = sights or Sights()
        self.judge = Judge(fleet, shared, now, self.sights.measured)
        self.scorer = Scorer(fleet, now)
        self._tiers = (*(tier.name for tier in fleet.regions.tiers), None)
        self._readings: dict[tuple[int, str | None], Reading | None] = {}

    def candidate(self, offer: Offer) -> Candidate:
        """The offer priced and scored; its refusals are not asked for."""
        cost = priced(self.fleet, offer)
        tier, reading = self.judge.tier(offer), self._reading(offer)
        times = self.sights.times_seen(offer.machine_id, offer.gpu_count) + 1
        score = self.scorer.of(offer, cost.price, tier, reading, times)
        rank = score.total - STRICT * tier if self.fleet.regions.strict_order else score.total
        return Candidate(offer, cost.price, self._tiers[tier], score, rank, reading, bid=cost.bid)

    def ranked(self, offers: Iterable[Offer]) -> list[Candidate]:
        """The eligible ones, the best first."""
        return sorted(map(self.candidate, filter(self.judge.admits, offers)), key=best_first)

    def judged(self, offers: Iterable[Offer]) -> list[Candidate]:
        """All of them with their refusals: the eligible first, each part the best first."""
        seen = (replace(self.candidate(offer), refusals=self.judge.refusals(offer)) for offer in offers)
        return sorted(seen, key=lambda c: (not c.eligible, *best_first(c)))

    def _reading(self, offer: Offer) -> Reading | None:
        latency = self.fleet.latency
        if latency is None:
            return None
        key = (offer.machine_id if latency.probe else 0, offer.location)
        if key not in self._readings:
            self._readings[key] = reading_of(latency, offer, self.sights.measured)
        return self._readings[key]


def best_first(candidate: Candidate) -> tuple[float, Decimal, Decimal, int, int]:
    """A total order: rank, then price, then reliability, then the lower machine and ask."""
    offer = candidate.offer
    reliability = offer.reliability if offer.reliability is not None else Decimal(0)
    return (-candidate.rank, candidate.price, -reliability, offer.machine_id, offer.id)
