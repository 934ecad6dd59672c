"""The offers of a pass, laid out by card and number of cards, so that a fleet looks only at those it may want."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.gpus import normalise
from reconciler.core.model import Fleet
from reconciler.core.offer import Offer
from reconciler.core.pool import is_for_bids


class Shelf:
    """Offers of one moment, each ask once: of several sightings of an ask the last given counts."""

    def __init__(self, offers: Iterable[Offer]) -> None:
        self._places: dict[tuple[str, int, bool], list[Offer]] = {}
        for offer in {(offer.id, is_for_bids(offer)): offer for offer in offers}.values():
            place = (normalise(offer.gpu_name), offer.gpu_count, is_for_bids(offer))
            self._places.setdefault(place, []).append(offer)

    def of(self, fleet: Fleet) -> list[Offer]:
        """The offers with the fleet's cards in the number it wants, of the kind that it rents."""
        return [
            offer
            for model in dict.fromkeys(fleet.gpu.models)
            for offer in self._places.get((model, fleet.gpu.count, fleet.rental.interruptible), ())
        ]
