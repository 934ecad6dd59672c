"""How good is an eligible offer for a fleet: weighted parts in 0..1, the tier's bonus, and modifiers. Pure arithmetic.

score = sum(weight x part) + bonus of the tier (or minus the penalty of elsewhere) + modifiers
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from decimal import Decimal

from reconciler.core.gpus import normalise
from reconciler.core.latency import Reading
from reconciler.core.model import Fleet, Modifiers, Scoring, Strategy, Weights
from reconciler.core.offer import Offer

PARTS = ("latency", "price", "gpu", "reliability", "availability")

STRATEGIES: Mapping[Strategy, Weights] = {
    "latency-first": Weights(Decimal("0.35"), Decimal("0.25"), Decimal("0.20"), Decimal("0.15"), Decimal("0.05")),
    "cheapest": Weights(price=Decimal(1)),
    "low-latency": Weights(Decimal("0.70"), Decimal("0.15"), Decimal("0.05"), Decimal("0.05"), Decimal("0.05")),
    "reliable": Weights(Decimal(0), Decimal("0.25"), Decimal("0.10"), Decimal("0.50"), Decimal("0.15")),
}

FAR_MS = 200.0
"""A round trip of so long scores nothing for latency; none at all scores 1."""
LONG_DAYS = 30.0
"""A contract of so many days scores all there is for the time left."""
OFTEN = 4
"""Seen so often within a day, an offer scores all there is for being steady."""
HIGH_BANDWIDTH_MBPS = 1000
NEW_HOST_S = 30 * 86400.0
"""An offer that has stood for less is of a new host, as far as the market tells."""


@dataclass(frozen=True, slots=True)
class Score:
    """One offer's score, its parts in the order of `PARTS`."""

    parts: tuple[float, ...]
    bonus: float
    """Of the tier; below zero: the penalty of elsewhere."""
    modifiers: float
    total: float


def weights_of(fleet: Fleet) -> Weights:
    """What the parts count for this fleet; without `latency` its weight is shared out over the others."""
    weights = _written(fleet.scoring)
    rest = 1 - weights.latency
    if fleet.latency is not None or not weights.latency:
        return weights
    if not rest:
        return Weights(price=Decimal(1))
    return Weights(
        Decimal(0), weights.price / rest, weights.gpu / rest, weights.reliability / rest, weights.availability / rest
    )


def _written(scoring: Scoring) -> Weights:
    return scoring.weights or STRATEGIES[scoring.strategy or "cheapest"]


def total(weights: Sequence[float], parts: Sequence[float], bonus: float = 0.0, modifiers: float = 0.0) -> float:
    """The sum. Rounded, so that the order in which floats are added never ranks one offer above another."""
    return round(sum(w * p for w, p in zip(weights, parts, strict=True)) + bonus + modifiers, 9)


class Scorer:
    """The scoring of one fleet, prepared once and asked of many offers."""

    def __init__(self, fleet: Fleet, now: float) -> None:
        self.weights: tuple[float, ...] = tuple(float(weight) for weight in astuple(weights_of(fleet)))
        self._cap = float(fleet.price.max_per_hour)
        self._floor = float(fleet.host.min_reliability)
        self._ranks = {model: 1 - i / len(fleet.gpu.models) for i, model in enumerate(fleet.gpu.models)}
        penalty = -float(fleet.regions.penalty) if fleet.regions.tiers else 0.0
        self.bonuses = (*(float(tier.bonus) for tier in fleet.regions.tiers), penalty)
        self._modifiers = fleet.scoring.modifiers
        self._modified = fleet.scoring.modifiers != Modifiers()
        self._now = now

    def of(self, offer: Offer, price: Decimal, tier: int, reading: Reading | None, times_seen: int = 1) -> Score:
        """The score of an offer at an all-in price, in a tier, at a distance, seen so often within a day."""
        parts = (
            0.0 if reading is None else max(0.0, 1 - float(reading.ms) / FAR_MS),
            max(0.0, 1 - float(price) / self._cap) if self._cap else 0.0,
            self._ranks.get(normalise(offer.gpu_name), 0.0),
            self._reliability(offer),
            (_time_left(offer) + min(times_seen, OFTEN) / OFTEN) / 2,
        )
        bonus = self.bonuses[tier]
        modifiers = sum(modifiers_of(self._modifiers, offer, self._now).values()) if self._modified else 0.0
        return Score(parts, bonus, modifiers, total(self.weights, parts, bonus, modifiers))

    def most(self, price: float, tier: int) -> float:
        """The best score that an offer at this price in this tier can have at all."""
        best = (1.0, max(0.0, 1 - price / self._cap) if self._cap else 0.0, 1.0, 1.0, 1.0)
        return total(self.weights, best, self.bonuses[tier], self._most_modified())

    def price_for(self, least: float, tier: int) -> float | None:
        """Above this price no offer of the tier can score `least`; None: at no price can it."""
        weight, cap = self.weights[1], self._cap
        if self.most(0.0, tier) <= least:
            return None
        if not weight or self.most(cap, tier) > least:
            return cap
        return min(cap, cap * (self.most(0.0, tier) - least) / weight)

    def _reliability(self, offer: Offer) -> float:
        if offer.reliability is None or self._floor >= 1:
            return 0.0
        return min(1.0, max(0.0, (float(offer.reliability) - self._floor) / (1 - self._floor)))

    def _most_modified(self) -> float:
        return float(sum(max(value, Decimal(0)) for value in astuple(self._modifiers)))


def _time_left(offer: Offer) -> float:
    return 0.0 if offer.seconds_left is None else min(1.0, offer.seconds_left / (LONG_DAYS * 86400))


def modifiers_of(modifiers: Modifiers, offer: Offer, now: float) -> dict[str, float]:
    """The modifiers that an offer has, by name."""
    has = {
        "verified": offer.verified is True,
        "datacenter": offer.datacenter is True,
        "high_bandwidth": offer.download_mbps is not None and offer.download_mbps >= HIGH_BANDWIDTH_MBPS,
        "new_host": offer.listed_at is not None and now - offer.listed_at < NEW_HOST_S,
    }
    return {name: float(getattr(modifiers, name)) for name, holds in has.items() if holds and getattr(modifiers, name)}
