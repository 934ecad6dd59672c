"""Which offer for which seat: what seats need, what they get, and why some get nothing.

Machines are ranked, not ask ids. Fleets of higher priority are filled first; fleets of one priority together
(`fill`), so that the total score is as high as it can be made and no seat stays empty that could be filled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import groupby, islice

from reconciler.core.candidates import Appraiser, Candidate
from reconciler.core.crowd import Taken
from reconciler.core.demand import Demand, in_order, who_wants
from reconciler.core.instance import Instance
from reconciler.core.label import Seat
from reconciler.core.model import Blacklist
from reconciler.core.offer import Offer
from reconciler.core.placement import Choice, Need, Placement
from reconciler.core.shelf import Shelf
from reconciler.core.shortage import Shortage, shortage
from reconciler.core.sights import NewSights, Sights, with_measured
from reconciler.core.thrift import fill_within

FALLBACKS = 4
"""How many further offers a seat carries, in case its own is gone when it is asked for."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a placement rests on besides needs and offers."""

    shared: Blacklist
    now: float
    sitting: Mapping[str, Sequence[Instance]] = field(default_factory=dict)
    """The instances that each fleet keeps, for `spread`."""
    avoid: frozenset[int] = frozenset()
    """Offers known to be gone."""
    sights: Sights = field(default_factory=Sights)
    rooms: Mapping[str, Decimal] = field(default_factory=dict)
    """What each fleet may still commit, in $/h, where that is limited."""
    room: Decimal | None = None
    """What all fleets together may."""


def with_news(ground: Ground, news: NewSights | None) -> Ground:
    """The ground with what was measured in this very pass."""
    return ground if news is None else replace(ground, sights=with_measured(ground.sights, news))


def place(needs: Sequence[Need], offers: Iterable[Offer], ground: Ground) -> Placement:
    """Fill every seat that can be filled. Equal inputs, in whatever order, give equal placements."""
    shelf = Shelf(offer for offer in offers if offer.id not in ground.avoid)
    taken, room = Taken(), ground.room
    choices: dict[Seat, Choice] = {}
    shortages: dict[str, Shortage] = {}
    for demands in _by_priority(needs, shelf, ground):
        fill_within(demands, taken, ground.rooms, room)
        for demand in demands:
            choices.update(_choices(demand, taken, _promised(demand)))
            room = None if room is None else room - demand.cost
            if demand.empty():
                shortages[demand.fleet.name] = _shortage(demand, shelf, taken, ground)
    return Placement(choices, frozenset(need.seat for need in needs) - choices.keys(), shortages)


def _by_priority(needs: Sequence[Need], shelf: Shelf, ground: Ground) -> Iterator[list[Demand]]:
    for _, of_one in groupby(sorted(needs, key=in_order), key=lambda need: need.fleet.priority):
        yield [_demand(list(wanting), shelf, ground) for _, wanting in groupby(of_one, key=who_wants)]


def _demand(needs: Sequence[Need], shelf: Shelf, ground: Ground) -> Demand:
    fleet = needs[0].fleet
    ranked = _appraiser(needs, ground).ranked(shelf.of(fleet))
    return Demand(needs, ranked, ground.sitting.get(fleet.name, ()))


def _appraiser(needs: Sequence[Need], ground: Ground) -> Appraiser:
    return Appraiser(needs[0].fleet, ground.shared, ground.now, ground.sights)


def _promised(demand: Demand) -> frozenset[Seat]:
    """Later seats of a rollout without an offer are promised that of a seat one step before: it frees a machine like
    it, for one of them. Where no whole step goes before it, a seat's turn may be now: it is promised nothing."""
    line: list[Candidate] = []
    freed: list[Candidate] = []
    promised: set[Seat] = set()
    step = demand.fleet.step
    for need in demand.needs:
        if need.in_line and need.seat not in demand.given and freed and _suits(need, freed[-1]):
            demand.given[need.seat] = freed.pop()
            promised.add(need.seat)
        if need.frees and need.seat in demand.given:
            line.append(demand.given[need.seat])
            if len(line) >= step:
                freed.append(line[-step])
    return frozenset(promised)


def _suits(need: Need, candidate: Candidate) -> bool:
    return candidate.price <= need.cap and candidate.offer.machine_id not in need.not_on


def _choices(demand: Demand, taken: Taken, promised: frozenset[Seat]) -> Iterator[tuple[Seat, Choice]]:
    for need in demand.needs:
        if need.seat in demand.given:
            spare = (c for c in demand.free(need, taken) if not taken.uses(c.offer))
            fallbacks = tuple(islice(spare, FALLBACKS))
            yield need.seat, Choice(demand.given[need.seat], fallbacks, need.seat in promised)


def _shortage(demand: Demand, shelf: Shelf, taken: Taken, ground: Ground) -> Shortage:
    judged = _appraiser(demand.needs, ground).judged(shelf.of(demand.fleet))
    open_seats = demand.empty()
    return shortage(judged, Counter(demand.crowded(open_seats[-1], taken)), len(open_seats))
