"""What is known of the market in one pass: sightings of machines, and how far questions about it were answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from reconciler.core.cover import covers
from reconciler.core.crowd import overlap
from reconciler.core.offer import Offer, OfferQuery


class Pool:
    """Offers of several answers. Of the same GPUs the newest ask counts: an ask lives for one answer (seen), a
    machine stays. What an answer lacks is not gone."""

    def __init__(self, offers: Iterable[Offer] = ()) -> None:
        self._machines: dict[int, list[Offer]] = {}
        self._proofs: list[tuple[OfferQuery, Decimal]] = []
        self.answers = 0
        """How many were taken in: while it is the same, so is what is known."""
        self.add(offers)

    def add(self, offers: Iterable[Offer]) -> int:
        """Take in an answer; of how many machines it brought something new: a machine, or further GPUs of one."""
        self.answers += 1
        fresh: set[int] = set()
        for offer in offers:
            others = self._machines.get(offer.machine_id, ())
            kept = [o for o in others if not _replaces(offer, o)]
            if len(kept) == len(others):
                fresh.add(offer.machine_id)
            self._machines[offer.machine_id] = [*kept, offer]
        return len(fresh)

    def __iter__(self) -> Iterator[Offer]:
        for offers in self._machines.values():
            yield from offers

    @property
    def machines(self) -> int:
        """How many machines are known."""
        return len(self._machines)

    def sizes(self, gpu_count: int, *, interruptible: bool = False) -> dict[int, list[Offer]]:
        """What is known of one size, by machine: as offered on demand, or for bids."""
        found = {
            machine: [o for o in offers if o.gpu_count == gpu_count and is_for_bids(o) == interruptible]
            for machine, offers in self._machines.items()
        }
        return {machine: offers for machine, offers in found.items() if offers}

    def prove(self, query: OfferQuery, price: Decimal) -> None:
        """Everything that fits the query up to a price is known."""
        self._proofs.append((query, price))

    def knows(self, query: OfferQuery, price: Decimal) -> bool:
        """Whether everything that fits the query up to a price is known."""
        return any(price <= upto and covers(wide, query) for wide, upto in self._proofs)


def is_for_bids(offer: Offer) -> bool:
    """Whether an offer was seen at its least bid. The same ask is an offer on demand, too: those are two sightings."""
    return offer.least_bid is not None


def _replaces(newer: Offer, older: Offer) -> bool:
    return older.gpu_count == newer.gpu_count and is_for_bids(older) == is_for_bids(newer) and overlap(older, newer)
