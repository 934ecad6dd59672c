"""How good is what the survey finds, against the best that the whole market has?

    python benchmarks/regret.py [--cases 300] [--seed 1] [--market FILE] [--jobs 1]

Needs of 1 to 50 replicas of many kinds are drawn, and looked for on simulated markets: generated ones of several sizes,
and the recorded one of `--market` (or of the folder that RECONCILE_MARKET_DATA names). The product searches through its
own client, 64 rows an answer, one ask drawn of each bundle, the market at rest meanwhile. The optimum is that of an
integer program over every rentable ask (needs scipy). Beside it stand three simple ways with one search: the first
eligible of an answer ordered by price, of one in the default order, and the cheapest of the ten dearest.

Regret under `cheapest` is what all seats cost more than in the optimum, as a share of the optimum's cost. A tier's
bonus counts as money (bonus x cap), and a seat that the optimum fills and we do not costs the cap (and the penalty of
elsewhere, if there is one). Under `latency-first` the regret is what the sum of scores lacks.

Goals, at most 10 searches a fleet: `cheapest`: median at most 0.2 %, p95 at most 1 %, and at most half of the seats
left empty that the first way leaves empty; `latency-first`: p95 at most 5 %.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from exact import Wish, optimum

from reconciler.core.candidates import Appraiser, Candidate
from reconciler.core.crowd import Crowd, Taken
from reconciler.core.hunt import SEARCHES_PER_FLEET
from reconciler.core.label import Seat
from reconciler.core.model import (
    Blacklist,
    Container,
    Fleet,
    Gpu,
    HostRules,
    Latency,
    Limit,
    Price,
    Regions,
    Scoring,
    Spread,
    Strategy,
    Tier,
)
from reconciler.core.offer import Offer
from reconciler.core.place import Ground, place
from reconciler.core.placement import Need
from reconciler.core.query import query_of
from reconciler.core.shelf import Shelf
from reconciler.simulator.clock import SimulatedClock
from reconciler.simulator.door import Asked
from reconciler.simulator.origin import Generated, Recorded, beginning
from reconciler.simulator.transport import SimulatedTransport
from reconciler.simulator.world import World
from reconciler.survey import Eyes, survey
from reconciler.vast.client import Wire
from reconciler.vast.decode import decode
from reconciler.vast.key import ApiKey
from reconciler.vast.offers import offers
from reconciler.vast.pacing import Pacing
from reconciler.vast.provider import VastProvider
from reconciler.vast.search import search_body

RECORDED = "offers-2024-11-05-full-market.json"
GENERATED = ((2044, 3500), (7, 3500), (11, 1200), (13, 10_000), (17, 20_000))
"""Seed and machines."""
KEY = {"Authorization": "Bearer benchmark"}
GOAL_MEDIAN, GOAL_P95, GOAL_SCORE_P95 = 0.002, 0.01, 0.05
WAYS = ("product", "by price", "by score", "ten dearest")


@dataclass(frozen=True, slots=True)
class Bazaar:
    """A market at rest, and everything that it has."""

    name: str
    world: World
    shelf: Shelf
    every: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one way came to."""

    cost: float
    """Of all seats that can be filled, in $/h; with `latency-first` the sum of scores."""
    filled: int
    searches: int = 1
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """One need, and how each way did."""

    market: str
    number: int
    strategy: Strategy
    wanted: int
    fillable: int
    best: float
    base: float
    """What regret is a share of."""
    outcomes: dict[str, Outcome]
    about: str

    def regret(self, way: str) -> float:
        """As a share; 0 is the optimum itself."""
        worse = self.outcomes[way].cost - self.best
        return round((worse if self.strategy == "cheapest" else -worse) / self.base, 9) + 0.0

    def empty(self, way: str) -> int:
        """Seats left empty that could be filled."""
        return self.fillable - self.outcomes[way].filled


# --- markets --------------------------------------------------------------------------------------


def bazaar(origin: Generated | Recorded) -> Bazaar:
    """The market of an origin, without a limiter, and every rentable ask of it as the product reads it."""
    world = World(origin, *beginning(origin))
    world.limited = False
    market = world.market()
    rows = [market.row(ask, world.now, 8.0) for ask in market.asks()]
    read = decode(json.dumps({"offers": [row for row in rows if row["rentable"]]}).encode())
    every = offers(read["offers"])  # type: ignore[index]
    return Bazaar(f"{origin.description}, {len(every)} offers", world, Shelf(every), every)


def origins(recorded: Path | None) -> list[Generated | Recorded]:
    """All markets that are looked at."""
    found: list[Generated | Recorded] = [Generated(seed, size) for seed, size in GENERATED]
    return [Recorded(recorded), *found] if recorded else found


# --- needs ----------------------------------------------------------------------------------------


def drawn_fleet(rng: random.Random, shelf: Bazaar, strategy: Strategy) -> Fleet:
    """A fleet as somebody might write it, for cards that are on this market."""
    count = rng.choices((1, 2, 4, 8), (55, 20, 15, 10))[0]
    there = Counter(str(offer.gpu_name) for offer in shelf.every if offer.gpu_count == count)
    names, weights = list(there), list(there.values())
    wanted = 1 if rng.random() < 0.5 else rng.randint(2, 6)
    models = tuple(dict.fromkeys(rng.choices(names, weights, k=wanted)))
    replicas = round(math.exp(rng.uniform(0, math.log(50))))
    fleet = Fleet(
        "drawn",
        Gpu(models, count),
        Price(Decimal(1)),
        Container(image="acme/app:1", disk_gb=rng.choice((8, 32, 32, 100, 500)), connect="ssh-direct"),
        replicas=replicas,
        regions=_regions(rng, strategy),
        host=_host(rng),
        spread=_spread(rng),
        latency=_latency(rng) if strategy != "cheapest" else None,
        scoring=Scoring(strategy),
    )
    return replace(fleet, price=Price(_cap(rng, fleet, shelf)))


def _host(rng: random.Random) -> HostRules:
    return HostRules(
        require=rng.choices(((), ("verified",), ("verified", "datacenter"), ("static_ip",)), (45, 40, 8, 7))[0],
        min_reliability=Decimal(rng.choice(("0", "0.9", "0.9", "0.95", "0.95", "0.98", "0.99"))),
        min_download_mbps=rng.choice((None, Decimal(100), Decimal(100), Decimal(500))),
        min_cpu_cores=rng.choice((None, None, None, Decimal(8))),
        min_days_left=Decimal(rng.choice((0, 3, 3, 20))),
    )


def _spread(rng: random.Random) -> Spread:
    per_machine = rng.choices((Limit(Decimal(1)), Limit(Decimal(2)), None), (80, 8, 12))[0]
    per_host = rng.choices((None, Limit(Decimal(2)), Limit(Decimal(25), percent=True)), (84, 8, 8))[0]
    return Spread(per_machine, per_host)


def _regions(rng: random.Random, strategy: Strategy) -> Regions:
    blocked = ("CN", "RU") if rng.random() < 0.2 else ()
    if strategy == "cheapest" and rng.random() < 0.45:
        return Regions(blocked=blocked)
    places = [("US",), ("Europe",), ("CA", "MX"), ("US-CA", "US-WA", "US-TX"), ("Asia",), ("SE", "NO", "FI")]
    chosen = rng.sample(places, rng.randint(1, 3))
    most = rng.choice((0.0, 0.1, 0.3))
    bonuses = sorted((round(rng.uniform(0, most), 2) for _ in chosen), reverse=True)
    tiers = [Tier(f"tier {i}", tokens, Decimal(str(bonuses[i]))) for i, tokens in enumerate(chosen)]
    elsewhere = "allow" if rng.random() < 0.5 else "refuse"
    penalty = Decimal(str(rng.choice((0, 0.05, 0.2)))) if elsewhere == "allow" else Decimal(0)
    return Regions(tuple(tiers), blocked, elsewhere, penalty)  # type: ignore[arg-type]


def _latency(rng: random.Random) -> Latency:
    cities = ((37.8, -122.4), (40.7, -74.0), (51.5, -0.1), (52.5, 13.4), (35.7, 139.7), (1.3, 103.8), (-23.5, -46.6))
    latitude, longitude = rng.choice(cities)
    return Latency((Decimal(str(latitude)), Decimal(str(longitude))))


def _cap(rng: random.Random, fleet: Fleet, shelf: Bazaar) -> Decimal:
    """From tight to loose, by the prices of the cards wanted."""
    prices = sorted(offer.price_per_hour(fleet.container.disk_gb) for offer in shelf.shelf.of(fleet))
    share = rng.choice((0.15, 0.3, 0.5, 0.75, 0.95))
    loose = Decimal(str(rng.choice((1, 1, 1.5, 4))))
    return (prices[int(share * (len(prices) - 1))] * loose + Decimal("0.001")).quantize(Decimal("0.001"))


# --- ways -----------------------------------------------------------------------------------------


def money(fleet: Fleet, chosen: Sequence[Candidate], fillable: int) -> float:
    """What the seats cost, bonuses taken off; an empty one that could be filled costs the most that one may."""
    cap = float(fleet.price.max_per_hour)
    dearest = cap * (1 + float(fleet.regions.penalty))
    return sum(cap * (1 - c.rank) for c in chosen) + (fillable - len(chosen)) * dearest


def scores(_fleet: Fleet, chosen: Sequence[Candidate], _fillable: int) -> float:
    """The sum; an empty seat has none."""
    return sum(c.rank for c in chosen)


def by_product(market: Bazaar, fleet: Fleet) -> tuple[list[Candidate], int, int]:
    """What the product chooses, its searches and rows."""
    world, clock = market.world, SimulatedClock(market.world)
    wire = Wire(
        key=ApiKey("benchmark"),
        origin="http://127.0.0.1",
        clock=clock,
        pacing=Pacing(clock, scale=0.0),
        transport=SimulatedTransport(world, takes=0.0),
    )
    needs = [Need(Seat(fleet.name, i), fleet, fleet.price.max_per_hour) for i in range(fleet.replicas)]
    ground = Ground(Blacklist(), world.now)
    seen = survey(Eyes(VastProvider(wire, clock), clock), needs, ground)
    wire.close()
    if seen.problems:
        raise RuntimeError("; ".join(seen.problems))
    placed = place(needs, seen.offers, ground)
    return [choice.candidate for choice in placed.choices.values()], seen.searches, seen.rows


def by_one_search(
    market: Bazaar, fleet: Fleet, order: list[list[str]], limit: int, *, cheapest_first: bool
) -> tuple[list[Candidate], int, int]:
    """The first eligible ones of one answer."""
    body = {**search_body(query_of(fleet)), "order": order, "limit": limit}
    answer = Asked("POST", "/api/v0/bundles/", "", KEY, json.dumps(body).encode()).to(market.world).body
    rows = decode(answer)["offers"]  # type: ignore[index]
    appraiser = Appraiser(fleet, Blacklist(), market.world.now)
    eligible = [appraiser.candidate(offer) for offer in offers(rows) if appraiser.judge.admits(offer)]
    if cheapest_first:
        eligible.sort(key=lambda c: c.price)
    return first(fleet, eligible), 1, len(rows)


def first(fleet: Fleet, ordered: Iterable[Candidate]) -> list[Candidate]:
    """The first ones that `spread` and the GPUs allow."""
    chosen: list[Candidate] = []
    crowd, taken = Crowd(fleet, ()), Taken()
    for candidate in ordered:
        if len(chosen) < fleet.replicas and not taken.excludes(candidate.offer) and not crowd.refuses(candidate.offer):
            crowd.add(candidate.offer)
            taken.add(candidate.offer)
            chosen.append(candidate)
    return chosen


def tried(market: Bazaar, number: int, seed: int, strategy: Strategy) -> Case | None:
    """One case; None where the market has nothing at all for the need."""
    rng = random.Random(f"{seed} {strategy} {market.name} {number}")
    fleet = drawn_fleet(rng, market, strategy)
    ranked = Appraiser(fleet, Blacklist(), market.world.now).ranked(market.shelf.of(fleet))
    best = optimum([Wish(fleet, ranked, fleet.replicas)])
    market.world.draws = number * 1000  # what chance does to a case depends on no other case
    if not best.filled:
        return None
    _check_trivial(fleet, ranked, best.filled, best.total)
    worth = money if strategy == "cheapest" else scores
    price, score = [["dph_total", "asc"]], [["score", "desc"]]
    found = {
        "product": by_product(market, fleet),
        "by price": by_one_search(market, fleet, price, 64, cheapest_first=False),
        "by score": by_one_search(market, fleet, score, 64, cheapest_first=False),
        "ten dearest": by_one_search(market, fleet, [["dph_total", "desc"]], 10, cheapest_first=True),
    }
    outcomes = {
        way: Outcome(worth(fleet, chosen, best.filled), len(chosen), searches, rows)
        for way, (chosen, searches, rows) in found.items()
    }
    chosen = [candidate for _, candidate in best.chosen]
    base = float(sum(c.price for c in chosen)) if strategy == "cheapest" else abs(best.total)
    total = worth(fleet, chosen, best.filled)
    about = _about(fleet, len({c.offer.machine_id for c in ranked}))
    return Case(market.name, number, strategy, fleet.replicas, best.filled, total, base, outcomes, about)


def _check_trivial(fleet: Fleet, ranked: Sequence[Candidate], filled: int, total: float) -> None:
    """With one replica a machine and no rule on hosts the best machines are the optimum: the program must find them."""
    if fleet.spread.per_host is None and fleet.spread.per_machine is not None:
        simple = first(fleet, ranked)
        if len(simple) != filled or abs(sum(c.rank for c in simple) - total) > 1e-6:
            raise RuntimeError(f"the integer program is wrong: {filled} seats, {total}")


def _about(fleet: Fleet, machines: int) -> str:
    tiers = [f"{'+'.join(t.places)} {t.bonus}" for t in fleet.regions.tiers]
    places = f", {'; '.join(tiers)}, elsewhere {fleet.regions.elsewhere}" if tiers else ""
    spread = fleet.spread
    limits = "/".join("-" if one is None else f"{one.value}" for one in (spread.per_machine, spread.per_host))
    return (
        f"{fleet.replicas} x {fleet.gpu.count} {'|'.join(fleet.gpu.models)} under ${fleet.price.max_per_hour}, "
        f"disk {fleet.container.disk_gb}, spread {limits}{places}; {machines} machines eligible"
    )


# --- the report -----------------------------------------------------------------------------------


def quantile(values: Sequence[float], share: float) -> float:
    """By rank, upwards."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def spread_of(values: Sequence[float], shown: Callable[[float], str]) -> str:
    """Median, p95 and the largest."""
    return "".join(f"{shown(v):>9}" for v in (statistics.median(values), quantile(values, 0.95), max(values)))


def table(strategy: Strategy, cases: Sequence[Case]) -> None:
    """All markets and ways of one strategy."""
    print(f"\n{strategy}: {len(cases)} cases, {sum(c.fillable for c in cases)} seats that can be filled")
    print(f"{'':28}{'regret: median':>16}{'p95':>9}{'max':>9}{'empty seats':>13}{'searches':>12}{'p95':>9}{'max':>9}"
          f"{'rows':>9}{'p95':>9}{'max':>9}")  # fmt: skip
    for market in dict.fromkeys(case.market for case in cases):
        _line(market, "product", [case for case in cases if case.market == market])
    for way in WAYS:
        _line(f"all markets, {way}", way, cases)


def _line(label: str, way: str, cases: Sequence[Case]) -> None:
    regrets = spread_of([case.regret(way) for case in cases], lambda v: f"{v:.2%}")
    outcomes = [case.outcomes[way] for case in cases]
    counts = "".join(
        spread_of([getattr(one, name) for one in outcomes], lambda v: f"{v:.0f}") for name in ("searches", "rows")
    )
    print(f"{label[:34]:35}{regrets}{sum(case.empty(way) for case in cases):>13}   {counts}")


def verdicts(cases: Sequence[Case]) -> list[tuple[bool, str]]:
    """Each goal, and whether it was reached."""
    cheap = [case for case in cases if case.strategy == "cheapest"]
    near = [case for case in cases if case.strategy != "cheapest"]
    median, p95 = (quantile([case.regret("product") for case in cheap], share) for share in (0.5, 0.95))
    score = quantile([case.regret("product") for case in near], 0.95)
    ours, theirs = (sum(case.empty(way) for case in cheap) for way in ("product", "by price"))
    most = max(case.outcomes["product"].searches for case in cases)
    return [
        (median <= GOAL_MEDIAN, f"cheapest, median regret {median:.3%}, goal at most {GOAL_MEDIAN:.1%}"),
        (p95 <= GOAL_P95, f"cheapest, p95 of regret {p95:.3%}, goal at most {GOAL_P95:.0%}"),
        (2 * ours <= theirs, f"cheapest, seats left empty {ours}, goal at most half of {theirs}"),
        (
            score <= GOAL_SCORE_P95,
            f"latency-first, p95 of lacking score {score:.3%}, goal at most {GOAL_SCORE_P95:.0%}",
        ),
        (most <= SEARCHES_PER_FLEET, f"searches of one fleet {most}, goal at most {SEARCHES_PER_FLEET}"),
    ]


def all_of(origin: Generated | Recorded, seed: int, cases: int) -> list[Case]:
    """The cases of one market, of both strategies."""
    market = bazaar(origin)
    found: list[Case] = []
    for strategy in ("cheapest", "latency-first"):
        number, wanted = 0, len(found) + cases
        while len(found) < wanted:
            case = tried(market, number, seed, strategy)  # type: ignore[arg-type]
            found += [case] if case else []
            number += 1
    return found


def main() -> None:
    """Print the tables; exit with 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=300, help="of each strategy, at least")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--market", type=Path, help="a recorded market")
    parser.add_argument("--jobs", type=int, default=1, help="markets at a time")
    parser.add_argument("--worst", type=int, default=0, help="show so many of the worst cases")
    given = parser.parse_args()
    folder = os.environ.get("RECONCILE_MARKET_DATA")
    markets = origins(given.market or (Path(folder) / RECORDED if folder else None))
    each = math.ceil(given.cases / len(markets))
    print(f"seed {given.seed}; generated markets (seed, machines): {', '.join(map(str, GENERATED))}")
    with ProcessPoolExecutor(given.jobs) as pool:
        parts = pool.map(all_of, markets, [given.seed] * len(markets), [each] * len(markets))
        cases = [case for part in parts for case in part]
    for strategy in ("cheapest", "latency-first"):
        table(strategy, [case for case in cases if case.strategy == strategy])  # type: ignore[arg-type]
        worst = sorted((c for c in cases if c.strategy == strategy), key=lambda c: -c.regret("product"))
        for case in worst[: given.worst]:
            one = case.outcomes["product"]
            print(f"  {case.regret('product'):.2%} {case.market} #{case.number}: {one.filled}/{case.fillable} seats, "
                  f"{one.searches} searches: {case.about}")  # fmt: skip
    print()
    results = verdicts(cases)
    for reached, text in results:
        print(f"{'reached' if reached else 'MISSED '}  {text}")
    sys.exit(0 if all(reached for reached, _ in results) else 1)


if __name__ == "__main__":
    main()
