"""Which offer for which seat: eligible machines ranked, seats filled one by one within every limit.

A first ranking: the tier in order, then the price, then reliability. Machines are ranked, not ask ids; no two fleets
share a machine in one plan, so that overlapping slices of one box are never bought as if they were independent.
(Slices of one size do not overlap: within a fleet `spread` alone decides.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice

from reconciler.core.eligibility import Judgement, judge_offer
from reconciler.core.label import Seat
from reconciler.core.model import Blacklist, Fleet, Instance, Offer

TAKEN = "taken by another seat"
FALLBACKS = 4
"""How many further offers a seat carries, in case its own is gone when it is asked for."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An eligible offer for a seat, with its all-in price."""

    offer: Offer
    price: Decimal
    tier: str | None


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


@dataclass(frozen=True, slots=True)
class Choice:
    """What one seat gets: the best offer and the next ones."""

    candidate: Candidate
    fallbacks: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Miss:
    """The refused offer that comes nearest, and what refuses it."""

    rule: str
    detail: str
    percent: Decimal | None
    price: Decimal


@dataclass(frozen=True, slots=True)
class Shortage:
    """Why seats of a fleet stay unfilled: offers seen, refusals by rule, and the nearest miss."""

    seen: int
    refused: tuple[tuple[str, int], ...] = ()
    nearest: Miss | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """Offers for seats; `unplaced` seats got none, and their fleet's shortage says why."""

    choices: Mapping[Seat, Choice] = field(default_factory=dict)
    unplaced: frozenset[Seat] = frozenset()
    shortages: Mapping[str, Shortage] = field(default_factory=dict)


def judge_market(
    fleet: Fleet, offers: Iterable[Offer], shared: Blacklist, now: float, cap: Decimal | None = None
) -> list[Judgement]:
    """Every offer judged, the best first. The order is total: equal inputs rank equally."""
    judged = (judge_offer(fleet, offer, shared, now, cap) for offer in offers)
    return sorted(judged, key=_rank)


def _rank(judged: Judgement) -> tuple[bool, int, Decimal, Decimal, int, int]:
    offer = judged.offer
    reliability = offer.reliability if offer.reliability is not None else Decimal(0)
    return (not judged.eligible, judged.tier, judged.price, -reliability, offer.machine_id, offer.id)


def place(
    needs: Sequence[Need],
    offers: Mapping[str, Sequence[Offer]],
    sitting: Mapping[str, Sequence[Instance]],
    shared: Blacklist,
    now: float,
    avoid: frozenset[int] = frozenset(),
) -> Placement:
    """Fill every seat in turn, fleets by priority, then by name. `sitting` are the instances a fleet keeps, for
    `spread`; `avoid` are offers known to be gone."""
    used: dict[int, str] = {}
    choices: dict[Seat, Choice] = {}
    shortages: dict[str, Shortage] = {}
    by_fleet: dict[str, list[Need]] = {}
    for need in sorted(needs, key=lambda n: (-n.fleet.priority, n.seat)):
        by_fleet.setdefault(need.fleet.name, []).append(need)
    for name, wanting in by_fleet.items():
        fleet = wanting[0].fleet
        judged = judge_market(fleet, (o for o in offers.get(name, ()) if o.id not in avoid), shared, now)
        crowd = _Crowd(fleet, sitting.get(name, ()))
        for need in wanting:
            taken, crowded = _best(need, judged, crowd, used)
            if taken is None and need.in_line:
                taken = next((_candidate(fleet, j) for j in judged if j.eligible and j.price <= need.cap), None)
            if taken is None:
                shortages[name] = shortage(judged, crowded)
                continue
            choices[need.seat] = Choice(taken)
            used[taken.offer.machine_id] = name
            crowd.add(taken.offer)
        for need in wanting:
            if need.seat in choices:
                spare = _free(need, judged, crowd, used)
                choices[need.seat] = Choice(choices[need.seat].candidate, tuple(islice(spare, FALLBACKS)))
    return Placement(choices, frozenset(need.seat for need in needs) - choices.keys(), shortages)


class _Crowd:
    """How many replicas of a fleet sit on each machine and host."""

    def __init__(self, fleet: Fleet, sitting: Iterable[Instance]) -> None:
        spread = fleet.spread
        self._per_machine = None if spread.per_machine is None else spread.per_machine.of(fleet.replicas)
        self._per_host = None if spread.per_host is None else spread.per_host.of(fleet.replicas)
        self._offers: set[int] = set()
        present = list(sitting)
        self._machines = Counter(i.machine_id for i in present)
        self._hosts = Counter(i.host_id for i in present)

    def add(self, offer: Offer) -> None:
        """Count a replica that goes there."""
        self._offers.add(offer.id)
        self._machines[offer.machine_id] += 1
        self._hosts[offer.host_id] += 1

    def refuses(self, offer: Offer) -> str | None:
        """The rule of `spread` that refuses one more replica there."""
        if offer.id in self._offers:
            return TAKEN
        if self._per_machine is not None and self._machines[offer.machine_id] >= self._per_machine:
            return "spread.per_machine"
        if self._per_host is None:
            return None
        full = offer.host_id is None or self._hosts[offer.host_id] >= self._per_host
        return "spread.per_host" if full else None


def _refuses_seat(need: Need, j: Judgement, crowd: _Crowd, used: Mapping[int, str]) -> str | None:
    """What keeps an eligible offer from this very seat."""
    if j.price > need.cap:
        return "the approved ceiling"
    if j.offer.machine_id in need.not_on:
        return "failed just now"
    if used.get(j.offer.machine_id, need.fleet.name) != need.fleet.name:
        return TAKEN
    return crowd.refuses(j.offer)


def _best(
    need: Need, judged: Sequence[Judgement], crowd: _Crowd, used: Mapping[int, str]
) -> tuple[Candidate | None, Counter[str]]:
    """The best offer for a seat; with none, how many eligible ones each rule kept from it."""
    crowded: Counter[str] = Counter()
    for j in (j for j in judged if j.eligible):
        refused_by = _refuses_seat(need, j, crowd, used)
        if refused_by is None:
            return _candidate(need.fleet, j), crowded
        crowded[refused_by] += 1
    return None, crowded


def _free(need: Need, judged: Sequence[Judgement], crowd: _Crowd, used: Mapping[int, str]) -> Iterator[Candidate]:
    """The offers that nobody took, best first: a seat's next ones when its own is gone."""
    for j in judged:
        if j.eligible and j.offer.machine_id not in used and _refuses_seat(need, j, crowd, used) is None:
            yield _candidate(need.fleet, j)


def _candidate(fleet: Fleet, j: Judgement) -> Candidate:
    tiers = fleet.regions.tiers
    return Candidate(j.offer, j.price, tiers[j.tier].name if j.tier < len(tiers) else None)


def shortage(judged: Sequence[Judgement], crowded: Mapping[str, int]) -> Shortage:
    """Refusals counted by rule, and the offer that one rule alone keeps out by the least."""
    counts: Counter[str] = Counter(crowded)
    for j in judged:
        if j.refusals:
            counts[j.refusals[0].rule] += 1
    nearly = [j for j in judged if len(j.refusals) == 1]
    nearest = min(nearly, key=_distance, default=None)
    ordered = tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return Shortage(len(judged), ordered, _miss(nearest) if nearest else None)


def _distance(j: Judgement) -> tuple[bool, Decimal, Decimal, int]:
    miss = j.refusals[0].miss
    return (miss is None, miss or Decimal(0), j.price, j.offer.id)


def _miss(j: Judgement) -> Miss:
    refusal = j.refusals[0]
    percent = None if refusal.miss is None else refusal.miss * 100
    return Miss(refusal.rule, refusal.detail, percent, j.price)
