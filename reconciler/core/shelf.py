"""The offers of a pass, laid out by card and number of cards, so that a fleet looks only at those it may want."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.gpus import normalise
from reconciler.core.model import Fleet, Offer


class Shelf:
    """Offers of one moment, each ask once: of several sightings of an ask the last given counts."""

    def __init__(self, offers: Iterable[Offer]) -> None:
        self._places: dict[tuple[str, int], list[Offer]] = {}
        for offer in {offer.id: offer for offer in offers}.values():
            self._places.setdefault((normalise(offer.gpu_name), offer.gpu_count), []).append(offer)

    def of(self, fleet: Fleet) -> list[Offer]:
        """The offers with the fleet's cards in the number it wants."""
        return [
            offer
            for model in dict.fromkeys(fleet.gpu.models)
            for offer in self._places.get((model, fleet.gpu.count), ())
        ]
