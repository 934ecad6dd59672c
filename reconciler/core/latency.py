"""How far an offer is from the users, in milliseconds: measured where somebody asked the machine, else estimated.

What is wanted is the way from the users to the machine; what can be measured is the way from here. A measurement is
therefore worth taking only where this program runs near the users, which the spec says with `latency.probe`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.core.geo import distance_km, estimate_ms, where
from reconciler.core.model import Latency
from reconciler.core.offer import Offer
from reconciler.core.places import parse_location
from reconciler.core.sights import Measured

MEASURED_AT_ONCE = 16
"""So many of the best candidates are worth a measurement."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The round trip between the users and an offer, as far as it is known."""

    ms: float
    measured: bool
    """False: estimated from the distance."""
    km: float | None
    """The great circle to the middle of the place that the host names; None where it names none."""
    rough: bool
    """True for an estimate to the middle of a large country: it may be wrong by thousands of kilometres."""


def reading_of(latency: Latency, offer: Offer, measured: Mapping[int, Measured]) -> Reading | None:
    """The best known round trip to `offer`, a measurement (by machine id) before an estimate; None where there is
    neither. Old measurements must have been dropped: `Sights.fresh` does it. They count only with `probe`."""
    position = where(parse_location(offer.location))
    km = None if position is None else distance_km(_users(latency), position.degrees)
    known = measured.get(offer.machine_id) if latency.probe else None
    if known is not None and known.ms is not None:
        return Reading(known.ms, True, km, False)
    if position is None or km is None:
        return None
    return Reading(estimate_ms(km), False, km, position.rough)


def _users(latency: Latency) -> tuple[float, float]:
    return float(latency.users_at[0]), float(latency.users_at[1])


def candidates_to_measure(
    offers_ranked: Iterable[Offer], already: Mapping[int, Measured], limit: int = MEASURED_AT_ONCE
) -> tuple[str, ...]:
    """The addresses worth measuring, best offer first: of machines not asked yet, each once, at most `limit`."""
    addresses: dict[str, None] = {}
    for offer in offers_ranked:
        if len(addresses) >= limit:
            break
        if offer.address and offer.machine_id not in already:
            addresses[offer.address] = None
    return tuple(addresses)


def answers_by_machine(
    offers: Iterable[Offer], asked: Iterable[str], answers: Mapping[str, float], at: float
) -> Mapping[int, Measured]:
    """What was learnt of each machine whose address was `asked`; one that did not answer is remembered as such.

    Machines may share an address. Where nothing answered at all, it is this side that cannot see: nothing is learnt.
    """
    if not answers:
        return {}
    wanted = frozenset(asked)
    return {offer.machine_id: Measured(answers.get(offer.address), at) for offer in offers if offer.address in wanted}
