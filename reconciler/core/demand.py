"""What one fleet wants of a placement, in what order, and what it has been given so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from reconciler.core.candidates import Candidate, best_first
from reconciler.core.crowd import TAKEN, Crowd, Taken
from reconciler.core.instance import Instance
from reconciler.core.label import Seat
from reconciler.core.placement import Need, ceiling
from reconciler.core.rental import RentalKind

EMPTY = -1000.0
"""What an empty seat is worth: less than any filled one."""


def who_wants(need: Need) -> tuple[str, RentalKind]:
    """Seats that are filled from the same offers: those of a fleet, of one rental kind."""
    return need.seat.fleet, need.fleet.rental.kind


def in_order(need: Need) -> tuple[int, str, RentalKind, Seat]:
    """Fleets of higher priority first, then by name; the seats of a fleet by kind and index."""
    return -need.fleet.priority, *who_wants(need), need.seat


class Demand:
    """What one fleet wants and has been given so far."""

    def __init__(self, needs: Sequence[Need], ranked: Sequence[Candidate], sitting: Iterable[Instance]) -> None:
        self.fleet = needs[0].fleet
        self.needs = tuple(needs)
        self.ranked = list(ranked)
        self.pressure = 0.0
        """How much money weighs besides the rank: rank - pressure x price / cap is what counts."""
        self.crowd = Crowd(self.fleet, sitting)
        self.given: dict[Seat, Candidate] = {}
        self._seat_of: dict[int, Need] = {}
        self._machines: dict[int, list[Candidate]] | None = None

    @property
    def scarcity(self) -> tuple[float, str]:
        """How many machines there are for each seat: the fewest first."""
        machines = {candidate.offer.machine_id for candidate in self.ranked}
        return (len(machines) / len(self.needs), self.fleet.name)

    def press(self, pressure: float) -> None:
        """Let money weigh so much from now on."""
        self.pressure = pressure
        self.ranked.sort(key=lambda candidate: (-self.value(candidate), *best_first(candidate)))
        self._machines = None

    def value(self, candidate: Candidate | None) -> float:
        """What an offer is worth to this fleet, or what an empty seat is."""
        if candidate is None:
            return EMPTY
        return candidate.rank - self.pressure * float(candidate.price / self.fleet.price.max_per_hour)

    @property
    def cost(self) -> Decimal:
        """What its seats may come to cost, in $/h: ceilings, as they count against budgets."""
        cap = self.fleet.price.max_per_hour
        return sum((ceiling(candidate, cap) for candidate in self.given.values()), Decimal(0))

    def refuses(self, need: Need, candidate: Candidate) -> str | None:
        """What keeps an eligible offer from this very seat, other seats' offers apart."""
        if candidate.price > need.cap:
            return "the approved ceiling"
        if candidate.offer.machine_id in need.not_on:
            return "failed just now"
        return self.crowd.refuses(candidate.offer)

    def best(self, need: Need, taken: Taken) -> Candidate | None:
        """The best offer that is free for a seat."""
        return next(self.free(need, taken), None)

    def free(self, need: Need, taken: Taken) -> Iterator[Candidate]:
        """The offers that are free for a seat, best first."""
        return (c for c in self.ranked if not taken.excludes(c.offer) and self.refuses(need, c) is None)

    def give(self, need: Need, candidate: Candidate, taken: Taken) -> None:
        """Fill a seat."""
        self.given[need.seat] = candidate
        self._seat_of[candidate.offer.id] = need
        self.crowd.add(candidate.offer)
        taken.add(candidate.offer)

    def release(self, need: Need, taken: Taken) -> Candidate | None:
        """Empty a seat; what it had."""
        had = self.given.pop(need.seat, None)
        if had is not None:
            del self._seat_of[had.offer.id]
            self.crowd.add(had.offer, by=-1)
            taken.drop(had.offer)
        return had

    def holder(self, offer_id: int) -> Need | None:
        """The seat of this fleet that was given an offer."""
        return self._seat_of.get(offer_id)

    def on(self, machine_id: int) -> Sequence[Candidate]:
        """The offers of one machine, best first."""
        if self._machines is None:
            self._machines = {}
            for candidate in self.ranked:
                self._machines.setdefault(candidate.offer.machine_id, []).append(candidate)
        return self._machines.get(machine_id, ())

    def held(self) -> Iterator[tuple[Need, Candidate]]:
        """The seats that were given something, and what."""
        return ((need, self.given[need.seat]) for need in self.needs if need.seat in self.given)

    def worst(self) -> Need | None:
        """The seat that does worst: an empty one, else that of the lowest rank. Seats of a rollout's line are apart."""
        own = [need for need in self.needs if not need.in_line]
        return min(own, key=lambda need: (self.value(self.given.get(need.seat)), need.seat), default=None)

    def crowded(self, need: Need, taken: Taken) -> Iterator[str]:
        """What keeps each of the eligible offers from a seat."""
        for candidate in self.ranked:
            refused_by = self.refuses(need, candidate)
            if taken.excludes(candidate.offer) and (refused_by is None or self.holder(candidate.offer.id)):
                refused_by = TAKEN
            if refused_by is not None:
                yield refused_by

    def clear(self, taken: Taken) -> None:
        """Empty all seats."""
        for need in self.needs:
            self.release(need, taken)

    def empty(self) -> list[Need]:
        """The seats without an offer."""
        return [need for need in self.needs if need.seat not in self.given]
