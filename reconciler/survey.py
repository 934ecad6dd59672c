"""Seeing the market: question after question until enough is known, within the day's quota; then the best measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import groupby

from reconciler.core.bids import priced
from reconciler.core.candidates import Appraiser, Candidate
from reconciler.core.crowd import overlap
from reconciler.core.demand import in_order, who_wants
from reconciler.core.hunt import Hunt
from reconciler.core.label import Seat
from reconciler.core.latency import answers_by_machine, candidates_to_measure
from reconciler.core.model import Fleet
from reconciler.core.offer import Offer, OfferQuery
from reconciler.core.place import Ground
from reconciler.core.placement import Need
from reconciler.core.plan import MarketSeen
from reconciler.core.pool import Pool
from reconciler.core.query import wide_query_of
from reconciler.core.sights import NewSights, Sights, sizes_of, together, utc_day, with_measured
from reconciler.errors import DoubtfulReading, SearchQuotaUsedUp, Unreachable
from reconciler.eyes import Eyes
from reconciler.provider import Found, Probe, Provider

ROWS_A_DAY = 20_000
"""The quota (seen): rows that searches answer, by UTC day."""
ROWS_FOR_REPAIRS = ROWS_A_DAY // 4
ROWS_AN_ANSWER = 64
MEASURING_ROUNDS = 2
OFFER_HOLDS_S = 60.0
"""For so long the price of a search answer is taken for the price of the moment."""


@dataclass(frozen=True, slots=True)
class Market:
    """What was seen of the market in one pass."""

    offers: tuple[Offer, ...] = ()
    searches: int = 0
    rows: int = 0
    share: float | None = None
    """Which share of the machines that could matter was seen, as estimated; None: nothing tells."""
    problems: tuple[str, ...] = ()
    news: NewSights | None = None
    """To be remembered; None where nothing was asked."""
    since: float | None = None
    """When looking began."""

    @property
    def machines(self) -> int:
        """How many different machines were seen."""
        return len({offer.machine_id for offer in self.offers})

    @property
    def seen(self) -> MarketSeen:
        """How much that is, for the plan."""
        return MarketSeen(self.machines, self.searches, self.rows, self.share, self.since)


@dataclass(slots=True)
class _Look:
    """One pass's look, as it grows."""

    pool: Pool = field(default_factory=Pool)
    searches: int = 0
    rows: int = 0
    problems: list[str] = field(default_factory=list)
    unseen: float | None = 0.0
    quota_used_up: bool = False
    asked: set[OfferQuery] = field(default_factory=set)

    @property
    def share(self) -> float | None:
        """Which share of the machines that could matter was seen."""
        if not self.unseen:
            return None if self.unseen is None else 1.0
        return self.pool.machines / (self.pool.machines + self.unseen)


def survey(eyes: Eyes, needs: Sequence[Need], ground: Ground) -> Market:
    """Offers for every fleet that needs some, fleets of higher priority first. Without needs nothing is searched; one
    fleet's failed search does not stop the others, but a day's quota used up ends the searching."""
    return _market(eyes, needs, _look(eyes, needs, ground), ground)


def both(first: Market, second: Market) -> Market:
    """Two looks of one pass as one. What kept the second from seeing more is no problem of the plan."""
    news = [each.news for each in (first, second) if each.news is not None]
    share = first.share if first.searches else second.share
    searches, rows = first.searches + second.searches, first.rows + second.rows
    seen = reduce(together, news) if news else None
    return Market((*first.offers, *second.offers), searches, rows, share, first.problems, seen, first.since)


def look_around(eyes: Eyes, fleet: Fleet, ground: Ground, machine: int | None = None) -> Market:
    """The market as one fleet sees it: what its seats would be filled with, and what its rules refuse. Of one
    `machine`, where that is asked for, whatever it offers."""
    needs = [Need(Seat(fleet.name, i), fleet, fleet.price.max_per_hour) for i in range(max(1, fleet.replicas))]
    look = _look(eyes, needs, ground)
    wide = wide_query_of(fleet)
    for query in [wide] if machine is None else [wide, replace(wide, only_machines=(machine,))]:
        if not look.problems and query not in look.asked:
            _answer(eyes, query, look, ground, needs[0])
    return _market(eyes, needs, look, ground)


def _look(eyes: Eyes, needs: Sequence[Need], ground: Ground) -> _Look:
    look = _Look()
    for hunt in _hunts(needs, ground):
        if not look.quota_used_up:
            _search(eyes, hunt, look, ground)
        left = hunt.remaining(look.pool)
        look.unseen = None if look.unseen is None or left is None else look.unseen + left
    return look


def _market(eyes: Eyes, needs: Sequence[Need], look: _Look, ground: Ground) -> Market:
    measured = _measure(eyes, needs, look.pool, ground)
    news = NewSights(ground.now, measured.measured, sizes_of(look.pool), look.rows) if look.searches else None
    return Market(tuple(look.pool), look.searches, look.rows, look.share, tuple(look.problems), news, ground.now)


def _hunts(needs: Sequence[Need], ground: Ground) -> list[Hunt]:
    groups = [list(group) for _, group in groupby(sorted(needs, key=in_order), key=who_wants)]
    return [_hunt(group, groups, ground) for group in groups]


def _hunt(needs: Sequence[Need], groups: Sequence[Sequence[Need]], ground: Ground) -> Hunt:
    fleet = needs[0].fleet
    rivals = sum(len(other) for other in groups if other is not needs and _compete(needs[0], other[0]))
    appraiser = Appraiser(fleet, ground.shared, ground.now, ground.sights)
    return Hunt(needs, appraiser, ground.sitting.get(fleet.name, ()), rivals)


def _compete(one: Need, other: Need) -> bool:
    return not set(one.fleet.gpu.models).isdisjoint(other.fleet.gpu.models)


def _search(eyes: Eyes, hunt: Hunt, look: _Look, ground: Ground) -> None:
    while (query := hunt.next(look.pool)) is not None:
        answer = _answer(eyes, query, look, ground, hunt.needs[0], repairs=hunt.repairs)
        if answer is None:
            return
        found, news = answer
        dearest = max((o.price_per_hour(query.disk_gb) for o in found.offers), default=None)
        hunt.heard(query, found.rows, news, dearest, look.pool)


def _answer(
    eyes: Eyes, query: OfferQuery, look: _Look, ground: Ground, need: Need, *, repairs: bool = False
) -> tuple[Found, int] | None:
    """One question, where the day's quota has room for its answer, and of how many machines it told something new;
    None where there was no answer, which is a problem of the look."""
    used = ground.sights.rows_used(utc_day(ground.now)) + look.rows
    about = f"fleet {need.fleet.name}"
    if used + ROWS_AN_ANSWER > (ROWS_A_DAY if repairs else ROWS_A_DAY - ROWS_FOR_REPAIRS):
        look.problems.append(f"{about}: {_spent(used, repairs)}")
        return None
    try:
        found = eyes.provider.search(query)
    except (DoubtfulReading, Unreachable, SearchQuotaUsedUp) as error:
        look.quota_used_up = isinstance(error, SearchQuotaUsedUp)
        way_on = f"; {error.hint}" if error.hint else ""
        look.problems.append(f"{about}: the market could not be searched: {error}{way_on}")
        return None
    look.asked.add(query)
    look.searches, look.rows = look.searches + 1, look.rows + found.rows
    return found, look.pool.add(found.offers)


def _spent(used: int, repairs: bool) -> str:
    kept = "" if repairs else f", and the last {ROWS_FOR_REPAIRS:,} are kept for repairs"
    return f"not searched: {used:,} of the day's {ROWS_A_DAY:,} rows are used{kept}; they start anew at 00:00 UTC"


def _measure(eyes: Eyes, needs: Sequence[Need], pool: Pool, ground: Ground) -> NewSights:
    """Ask the best candidates of fleets with `latency.probe` how far they are; what was learnt."""
    learnt = NewSights(ground.now)
    fleets = {who_wants(need): need.fleet for need in needs if need.fleet.latency and need.fleet.latency.probe}
    if eyes.probe is None:
        return learnt
    for fleet in fleets.values():
        for _ in range(MEASURING_ROUNDS):
            sights = with_measured(ground.sights, learnt)
            more = _ask(eyes.probe, fleet, pool, replace(ground, sights=sights), sights)
            if not more.measured:
                break
            learnt = replace(learnt, measured={**learnt.measured, **more.measured})
    return learnt


def _ask(probe: Probe, fleet: Fleet, pool: Pool, ground: Ground, sights: Sights) -> NewSights:
    latency = fleet.latency
    assert latency is not None
    ranked = [c.offer for c in Appraiser(fleet, ground.shared, ground.now, sights).ranked(pool)]
    addresses = candidates_to_measure(ranked, sights.measured)
    if not addresses:
        return NewSights(ground.now)
    answers: Mapping[str, float] = probe.latency_ms(addresses, float(latency.timeout_s))
    return NewSights(ground.now, answers_by_machine(ranked, addresses, answers, ground.now))


# --- an offer's price once more, just before it is rented ------------------------------------------


def is_stale(seen: MarketSeen, now: float) -> bool:
    """Whether the plan's offers may be older than `OFFER_HOLDS_S`."""
    return seen.since is None or now - seen.since > OFFER_HOLDS_S


def offer_now(provider: Provider, fleet: Fleet, candidate: Candidate, now: float) -> tuple[Candidate | None, NewSights]:
    """The offer as it stands now, with its price for the fleet's disk, and what asking took of the day's rows.

    An ask lives for one answer, a machine stays: where the ask has another number by now, one of the same size on the
    same machine stands for it, of the same GPUs if that can be told. None where the answer shows none: it may be gone,
    and a price nobody knows is not paid. Raises what a search raises.
    """
    old = candidate.offer
    found = provider.search(replace(wide_query_of(fleet), only_machines=(old.machine_id,)))
    size = (old.machine_id, old.gpu_count, old.gpu_name)
    alike = (offer for offer in found.offers if (offer.machine_id, offer.gpu_count, offer.gpu_name) == size)
    fresh = min(alike, key=lambda offer: (offer.id != old.id, not overlap(offer, old), offer.id), default=None)
    news = NewSights(now, rows=found.rows)
    if fresh is None:
        return None, news
    cost = priced(fleet, fresh)
    return replace(candidate, offer=fresh, price=cost.price, bid=cost.bid), news
