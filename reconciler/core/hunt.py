"""What to ask the market next for one fleet, until nothing unseen could be better than what is known. Pure.

A search answers at most 64 offers, the cheapest first, and of several like offers ("bundle") only one, drawn at random.
So every further question leaves out the machines that are known: its rows are all news, those hidden behind a drawn one
included. And it asks only below the price at which an unseen machine could still win a seat. When such a question is
answered with nothing, the view is complete as far as it matters. Tiers that score differently are asked for part by
part only where the whole question's answer is cut; a part that brings too little for the empty seats waits for the
others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_UP, Decimal

from reconciler.core.candidates import STRICT, Appraiser
from reconciler.core.crowd import Taken
from reconciler.core.demand import Demand
from reconciler.core.fill import fill
from reconciler.core.instance import Instance
from reconciler.core.offer import OfferQuery
from reconciler.core.placement import Need
from reconciler.core.places import countries_of
from reconciler.core.pool import Pool
from reconciler.core.query import query_of, wide_query_of

FULL_ANSWER = 64
"""An answer of so many rows was cut (seen: the server answers no more, whatever is asked for)."""
SEARCHES_PER_FLEET = 10
SPARE_MACHINES = 8
"""Eligible machines wanted beyond the need, so that vanished offers have successors."""
SEARCHES_FOR_SPARE = 3
"""So many searches are worth it for spare machines alone."""
IDLE = 3
"""After so many answers in a row that brought nothing better a slice is left: some hosts have dozens of like machines,
and each answer shows one more of them."""
_STEP = Decimal("0.0001")


@dataclass(slots=True)
class Slice:
    """A part of what a fleet may want: the tiers of some countries."""

    query: OfferQuery
    tiers: tuple[int, ...]
    news: list[int] = field(default_factory=list)
    """How many machines each answer brought."""
    cut: bool = False
    """Whether the last answer was full."""
    floor: Decimal | None = None
    """Where a full answer brought no news, the next one starts at its dearest row."""
    stuck: bool = False
    idle: int = 0
    """How many answers in a row brought nothing better than what was known."""

    def dribbles(self, empty: int, searches: int) -> bool:
        """Whether it will not fill so many seats in so many searches, going by its last answer: of like machines of one
        host each answer shows one."""
        return bool(self.news) and not self.cut and self.news[-1] * searches < empty

    @property
    def given_up(self) -> bool:
        """Whether asking on has become useless."""
        return self.stuck or self.idle >= IDLE


class Hunt:
    """The search for one fleet's seats. `rivals` are the seats of other fleets that want the same cards: so many more
    machines have to be known, and known to be the best."""

    def __init__(
        self, needs: Sequence[Need], appraiser: Appraiser, sitting: Sequence[Instance] = (), rivals: int = 0
    ) -> None:
        self.fleet = appraiser.fleet
        self.needs = tuple(needs)
        self.searches = 0
        self._appraiser, self._sitting = appraiser, sitting
        self._rivals = rivals
        self._parts = slices(appraiser)
        self._slices = [whole(appraiser)] if len(self._parts) > 1 else self._parts
        self._asked: Slice | None = None
        self._before: float | None = None
        self._known = 0
        self._looked_wide = False
        self._judged: tuple[tuple[int, int, bool], tuple[float | None, int]] | None = None

    @property
    def repairs(self) -> bool:
        """Whether any of its seats had an instance that worked."""
        return any(need.repair for need in self.needs)

    def next(self, pool: Pool) -> OfferQuery | None:
        """The next question; None when enough is known, or the fleet's searches are used up."""
        self._asked = None
        if self.searches >= SEARCHES_PER_FLEET:
            return None
        least, unfilled = self._least(pool)
        left = SEARCHES_PER_FLEET - self.searches
        for part in sorted(self._slices, key=lambda part: (part.dribbles(unfilled, left), -self._best(part))):
            price = self._price(part, least)
            if price is not None and not part.given_up and not pool.knows(part.query, price):
                self._asked, self._before, self._known = part, least, _count(pool, part)
                return self._question(part, price, pool)
        if unfilled and not self._looked_wide:
            self._looked_wide = True
            return wide_query_of(self.fleet)
        return None

    def heard(self, query: OfferQuery, rows: int, news: int, dearest: Decimal | None, pool: Pool) -> None:
        """Take note of an answer: its rows, the machines that were new, and its dearest price."""
        self.searches += 1
        part = self._asked
        if part is None:
            return
        part.news.append(news)
        least, _ = self._least(pool)
        part.idle = part.idle + 1 if least is not None and least == self._before else 0
        part.cut = rows >= FULL_ANSWER
        if part.cut:  # Only then anything is won by asking for the parts one by one.
            self._slices = self._parts
        # Of a machine that may have several replicas the next offer is news, too.
        told = news > 0 or _count(pool, part) > self._known
        if told or not part.cut:
            part.floor = None
            if not told and query.min_price_per_hour is None and query.max_price_per_hour is not None:
                pool.prove(part.query, query.max_price_per_hour)
            part.stuck = not told and query.min_price_per_hour is not None
            return
        part.stuck = dearest is None or dearest == part.floor
        part.floor = dearest

    def remaining(self, pool: Pool) -> float | None:
        """How many machines that could matter are probably unseen; None where nothing tells."""
        least, _ = self._least(pool)
        unseen = 0.0
        for part in self._slices:
            price = self._price(part, least)
            if price is None or pool.knows(part.query, price):
                continue
            guess = dwindling(part.news) if part.news and not part.cut else None
            if guess is None:
                return None
            unseen += guess
        return unseen

    def _least(self, pool: Pool) -> tuple[float | None, int]:
        """The rank that an unseen offer must beat to be of use, None: any is; and how many seats are empty."""
        state = (id(pool), pool.answers, self.searches < SEARCHES_FOR_SPARE)
        if self._judged is None or self._judged[0] != state:
            self._judged = (state, self._judge(pool))
        return self._judged[1]

    def _judge(self, pool: Pool) -> tuple[float | None, int]:
        ranked = self._appraiser.ranked(pool)
        demand, taken = Demand(self.needs, ranked, self._sitting), Taken()
        fill([demand], taken)
        if demand.empty():
            return None, sum(not need.in_line for need in demand.empty())
        spare = list({c.offer.machine_id: c.rank for c in reversed(ranked) if not taken.uses(c.offer)}.values())[::-1]
        if len(spare) < self._rivals or (len(spare) < SPARE_MACHINES and self.searches < SEARCHES_FOR_SPARE):
            return None, 0
        worst = min(candidate.rank for candidate in demand.given.values())
        return (min(worst, spare[self._rivals - 1]) if self._rivals else worst), 0

    def _price(self, part: Slice, least: float | None) -> Decimal | None:
        """Below which price an unseen offer of the slice could be of use; None: at no price."""
        cap = max(need.cap for need in self.needs)
        if least is None:
            return cap
        strict = STRICT if self.fleet.regions.strict_order else 0.0
        prices = [self._appraiser.scorer.price_for(least + strict * tier, tier) for tier in part.tiers]
        best = max((price for price in prices if price is not None), default=None)
        return None if best is None else min(cap, Decimal(best).quantize(_STEP, ROUND_UP))

    def _best(self, part: Slice) -> float:
        strict = STRICT if self.fleet.regions.strict_order else 0.0
        return max(self._appraiser.scorer.most(0.0, tier) - strict * tier for tier in part.tiers)

    def _question(self, part: Slice, price: Decimal, pool: Pool) -> OfferQuery:
        known = pool.sizes(part.query.gpu_count, interruptible=part.query.interruptible)
        limit = self.fleet.spread.per_machine
        enough = limit.of(self.fleet.replicas) if limit else len(self.needs)
        done = sorted(machine for machine, offers in known.items() if len(offers) >= enough)
        begun = sorted(o.id for machine, offers in known.items() if len(offers) < enough for o in offers)
        return replace(
            part.query,
            max_price_per_hour=price,
            min_price_per_hour=part.floor,
            not_machines=tuple(done),
            not_offers=tuple(begun),
        )


def whole(appraiser: Appraiser) -> Slice:
    """The fleet's question in one piece."""
    fleet = appraiser.fleet
    tiers = range(len(fleet.regions.tiers) + (fleet.regions.elsewhere == "allow" or not fleet.regions.tiers))
    return Slice(query_of(fleet), tuple(tiers))


def _count(pool: Pool, part: Slice) -> int:
    known = pool.sizes(part.query.gpu_count, interruptible=part.query.interruptible)
    return sum(map(len, known.values()))


def slices(appraiser: Appraiser) -> list[Slice]:
    """The parts of a fleet's question: where tiers score differently, a part for the countries of each."""
    fleet, query = appraiser.fleet, query_of(appraiser.fleet)
    bonuses, tiers = appraiser.scorer.bonuses, fleet.regions.tiers
    inside = range(len(tiers)) if fleet.regions.elsewhere == "refuse" and tiers else range(len(tiers) + 1)
    if not tiers or not (fleet.regions.strict_order or len({bonuses[i] for i in inside}) > 1):
        return [Slice(query, tuple(inside))]
    parts: list[Slice] = []
    asked: set[str] = set()
    for i, tier in enumerate(tiers):
        countries = {country for token in tier.places for country in countries_of(token)}
        if countries - asked:
            own = tuple(sorted(countries - asked))
            parts.append(Slice(replace(query, countries=own), _tiers_in(appraiser, own, i)))
            asked |= countries
    if len(tiers) in inside:
        barred = tuple(sorted({*query.blocked_countries, *asked}))
        parts.append(Slice(replace(query, countries=(), blocked_countries=barred), (len(tiers),)))
    return parts


def _tiers_in(appraiser: Appraiser, countries: Sequence[str], first: int) -> tuple[int, ...]:
    """The tiers that an offer of these countries may be of."""
    regions = appraiser.fleet.regions
    inside = [
        i
        for i, tier in enumerate(regions.tiers)
        if i >= first and any(country in countries for token in tier.places for country in countries_of(token))
    ]
    return (*inside, len(regions.tiers)) if regions.elsewhere == "allow" else tuple(inside)


def dwindling(news: Sequence[int]) -> float | None:
    """How many more there are when each answer brings fewer new ones than the one before: the removal method of
    counting animals, with a constant share caught each time (Zippin 1956). None where one answer is all there is."""
    if not news[-1]:
        return 0.0
    if len(news) < 2 or news[-1] >= news[-2]:
        return None
    share_left = news[-1] / news[-2]
    return news[-1] * share_left / (1 - share_left)
