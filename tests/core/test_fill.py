"""Seats of several fleets at once: GPUs that exclude each other, who comes first, exchanges, and budgets."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest
from builders import NO_BANS, NOW, diff, fleet, instance, offer, policy, record, regions, seat
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.assemble import room
from reconciler.core.budget import rooms
from reconciler.core.candidates import Appraiser
from reconciler.core.crowd import overlap
from reconciler.core.guards import Allowed, guard_fleet
from reconciler.core.model import Limit, Scoring, Weights
from reconciler.core.place import Ground, place
from reconciler.core.placement import CEILING_FACTOR, Need
from reconciler.core.planner import fleet_plan, needs_of

D = Decimal


def wants(*specs, not_on=()):
    """Every seat of these fleets."""
    banned = frozenset(not_on)
    return [Need(seat(f"{s.name}/{i}"), s, s.price.max_per_hour, banned) for s in specs for i in range(s.replicas)]


def ground(**options):
    return Ground(NO_BANS, NOW, **options)


def fill(*specs, market, **options):
    """Who gets which offer."""
    return told(place(wants(*specs), market, ground(**options)))


def told(placement):
    return {str(at): choice.candidate.offer.id for at, choice in placement.choices.items()}


def sized(id, gpus, machine=7, **options):
    """An offer of a machine with these GPUs, `"01"`; with a number so many, and it does not say which."""
    known = frozenset(map(int, gpus)) if isinstance(gpus, str) else frozenset()
    return offer(id, machine_id=machine, gpu_count=len(gpus) if known else gpus, gpu_ids=known, **options)


# --- GPUs of one machine --------------------------------------------------------------------------

SINGLE, PAIR, QUAD = fleet("single"), fleet("pair", count=2, max_per_hour="1"), fleet("quad", count=4, max_per_hour="2")
SHARED = {
    "both halves": ([SINGLE, PAIR], [sized(1, "0"), sized(2, "12")], {"single/0": 1, "pair/0": 2}),
    "a pair and one of its cards": ([SINGLE, PAIR], [sized(1, "0"), sized(2, "01")], 1),
    "another card than those of the pair": (
        [SINGLE, PAIR],
        [sized(1, "0", price="0.1"), sized(3, "2"), sized(2, "01")],
        {"single/0": 3, "pair/0": 2},
    ),
    "the whole machine and a part": ([QUAD, PAIR], [sized(1, "0123"), sized(2, "23")], 1),
    "the same number of cards, unknown which": (
        [SINGLE, fleet("other")],
        [sized(1, 1), sized(2, 1)],
        1,
    ),
    "different numbers of cards, unknown which": ([SINGLE, PAIR], [sized(1, 1), sized(2, 2)], 1),
    "one says which, the other does not": ([SINGLE, PAIR], [sized(1, "0"), sized(2, 2)], 1),
    "two models in one machine, unknown which": (
        [SINGLE, fleet("other", models=("RTX 3090",))],
        [sized(1, 1), sized(2, 1, gpu_name="RTX 3090")],
        1,
    ),
    "two models in one machine": (
        [SINGLE, fleet("other", models=("RTX 3090",))],
        [sized(1, "0"), sized(2, "1", gpu_name="RTX 3090")],
        {"single/0": 1, "other/0": 2},
    ),
    "equal numbers on different machines": (
        [SINGLE, PAIR],
        [sized(1, "0"), sized(2, "01", machine=8)],
        {"single/0": 1, "pair/0": 2},
    ),
}


@pytest.mark.parametrize(("specs", "market", "expected"), SHARED.values(), ids=SHARED)
def test_two_fleets_on_one_machine(specs, market, expected):
    """A number: so many seats are filled, whoever gets them."""
    for rows in (market, market[::-1]):
        found = fill(*specs, market=rows)
        assert (len(found) if isinstance(expected, int) else found) == expected


def test_what_excludes_an_offer_is_said():
    placement = place(wants(SINGLE, PAIR), [sized(1, "0"), sized(2, "01")], ground())
    [short] = placement.shortages.values()
    assert short.refused == (("taken by another seat", 1),)


def test_a_fallback_does_not_share_a_gpu_with_what_was_given_away():
    placement = place(wants(SINGLE, PAIR), [sized(1, "0"), sized(2, "12"), sized(3, "2", price="0.3")], ground())
    assert told(placement) == {"single/0": 1, "pair/0": 2}
    assert placement.choices[seat("single/0")].fallbacks == ()


# --- spread ---------------------------------------------------------------------------------------

PERCENT = {
    # how many replicas, per_machine as written, how many of one machine's eight cards are taken
    "a number": (8, Limit(D(3)), 3),
    "a quarter": (8, Limit(D(25), percent=True), 2),
    "a third, rounded down": (8, Limit(D(33), percent=True), 2),
    "at least one": (8, Limit(D(1), percent=True), 1),
    "all": (8, Limit(D(100), percent=True), 8),
    "no rule": (8, None, 8),
}


@pytest.mark.parametrize(("replicas", "limit", "expected"), PERCENT.values(), ids=PERCENT)
@pytest.mark.parametrize("where", ["machine", "host"])
def test_how_many_seats_one_machine_or_one_host_takes(replicas, limit, expected, where):
    if where == "machine":
        spec = fleet(replicas=replicas, per_machine=limit)
        market = [sized(i, str(i)) for i in range(8)]
    else:
        spec = fleet(replicas=replicas, per_host=limit)
        market = [offer(i + 1, host_id=7) for i in range(8)]
    assert len(fill(spec, market=market)) == expected


def test_spread_counts_each_fleet_for_itself():
    market = [offer(i, host_id=7) for i in range(1, 5)]
    specs = [fleet(name, replicas=2, per_host=Limit(D(1))) for name in ("a", "b")]
    assert sorted(seat_[0] for seat_ in fill(*specs, market=market)) == ["a", "b"]


# --- who comes first ------------------------------------------------------------------------------


def test_a_higher_priority_takes_the_best_whatever_that_costs_others():
    market = [offer(1, price="0.1"), offer(2, price="0.4", verified=False)]
    high, low = fleet("low", priority=5, require=()), fleet("high")
    assert fill(high, low, market=market) == {"low/0": 1}
    assert fill(fleet("low", require=()), low, market=market) == {"low/0": 2, "high/0": 1}


def test_priorities_may_be_below_zero():
    assert fill(fleet("a", priority=-1), fleet("b"), market=[offer(1)]) == {"b/0": 1}


def test_the_fleet_with_the_fewest_machines_for_its_seats_chooses_first():
    """`picky` comes later by name and takes what `any` would have liked best."""
    market = [offer(1, price="0.1", datacenter=True), offer(2, price="0.2"), offer(3, price="0.3")]
    assert fill(fleet("any"), fleet("picky", require=("datacenter",)), market=market) == {"any/0": 2, "picky/0": 1}


def test_what_is_scarce_is_counted_for_each_seat():
    market = [offer(1, price="0.1", datacenter=True), offer(2, price="0.2", datacenter=True), offer(3, price="0.3")]
    many, one = fleet("many", replicas=2, require=("datacenter",)), fleet("any")
    assert fill(one, many, market=market) == {"any/0": 3, "many/0": 1, "many/1": 2}


# --- exchanges ------------------------------------------------------------------------------------


def test_an_exchange_fills_a_seat_that_would_stay_empty():
    """Each has two machines, so `a` is first and takes the cheaper; `b` may not have its other one again."""
    market = [offer(1, price="0.1"), offer(2, price="0.2", datacenter=False), offer(3, price="0.2", datacenter=True)]
    a = fleet("a", models=("RTX 3060",))
    needs = [*wants(a), *wants(fleet("b", require=("verified",)), not_on=(5002, 5003))]
    assert told(place(needs, market, ground())) == {"a/0": 2, "b/0": 1}


def test_an_exchange_raises_the_sum_of_both_scores():
    """Who loses less takes the worse machine: `a` cares little where it is, `b` much."""
    west, east = offer(1, price="0.10", location="California, US"), offer(2, price="0.11", location="New York, US")
    near = regions("US-CA", elsewhere="allow")
    b = fleet("b", regions=type(near)(near.tiers, (), "allow", D("0.5"), False))
    assert fill(fleet("a"), b, market=[west, east]) == {"a/0": 2, "b/0": 1}


def test_an_exchange_never_takes_from_a_higher_priority():
    market = [offer(1, price="0.1"), offer(2, price="0.2", verified=False)]
    assert fill(fleet("a", require=(), priority=1), fleet("b"), market=market) == {"a/0": 1}


# --- budgets --------------------------------------------------------------------------------------

STEADY = Scoring(None, Weights(reliability=D(1)))
DEAR = [offer(i, price="0.40", reliability=D("0.99")) for i in (1, 2, 3)]
CHEAP = [offer(i, price="0.20", reliability=D("0.96")) for i in (4, 5, 6)]
PRICES = {row.id: row.base_price_per_hour for row in DEAR + CHEAP}
ROOMS = {
    # $/h for three seats, how many dear ones are taken, how many cheap ones. Ceilings count: 0.42 and 0.21.
    "enough": ("1.26", 3, 0),
    "a little less": ("1.25", 2, 1),
    "for one dear one": ("0.84", 1, 2),
    "for cheap ones only": ("0.65", 0, 3),
    "for all of them cheap, just so": ("0.63", 0, 3),
    "not even for the cheapest": ("0.62", 0, 3),
}


@pytest.mark.parametrize("whose", ["fleet", "policy"])
@pytest.mark.parametrize(("money", "dear", "cheap"), ROOMS.values(), ids=ROOMS)
def test_a_budget_makes_cheaper_offers_chosen_rather_than_seats_left_empty(whose, money, dear, cheap):
    """Where not even the cheapest fit they are chosen all the same: the guard says which of them wait."""
    limits = {"rooms": {"june": D(money)}} if whose == "fleet" else {"room": D(money)}
    found = fill(fleet(replicas=3, scoring=STEADY), market=[*DEAR, *CHEAP], **limits)
    prices = sorted(PRICES[id] for id in found.values())
    if money != "0.62":
        assert prices == [D("0.20")] * cheap + [D("0.40")] * dear
        assert sum(prices) * CEILING_FACTOR <= D(money)
    assert len(prices) == 3


def test_a_budget_of_one_fleet_does_not_make_another_choose_cheaper():
    specs = [fleet(name, scoring=STEADY) for name in ("a", "b")]
    found = fill(*specs, market=[*DEAR, *CHEAP], rooms={"b": D("0.25")})
    assert (PRICES[found["a/0"]], PRICES[found["b/0"]]) == (D("0.40"), D("0.20"))


def test_the_policys_budget_presses_on_all_fleets_of_a_priority_and_spares_the_higher():
    high, low = fleet("high", scoring=STEADY, priority=1), fleet("low", scoring=STEADY)
    found = fill(high, low, market=[*DEAR, *CHEAP], room=D("0.65"))
    assert (PRICES[found["high/0"]], PRICES[found["low/0"]]) == (D("0.40"), D("0.20"))
    both = [fleet(name, scoring=STEADY) for name in ("a", "b")]
    assert {PRICES[id] for id in fill(*both, market=[*DEAR, *CHEAP], room=D("0.45")).values()} == {D("0.20")}


def guarded(spec, market, **limits):
    """The plan of a fleet with a written budget as a pass makes it."""
    rules = policy(**limits)
    difference = diff(spec, [], rules=rules)
    options = {"rooms": rooms(difference), "room": room(rules.limits, difference, record(), NOW)}
    placement = place(needs_of(difference), market, ground(**options))
    [part] = difference.fleets
    return guard_fleet(fleet_plan(part, placement, {}, None, {}), part, rules, Allowed())


def test_within_a_written_budget_every_seat_is_filled_with_what_fits():
    made = guarded(fleet(replicas=3, scoring=STEADY, budget_per_hour="0.65"), [*DEAR, *CHEAP])
    assert [action.choice.candidate.price for action in made.actions] == [D("0.20")] * 3
    assert made.held == ()


def test_with_too_little_for_even_the_cheapest_the_guard_says_so():
    made = guarded(fleet(replicas=3, scoring=STEADY, budget_per_hour="0.50"), [*DEAR, *CHEAP])
    assert [action.choice.candidate.price for action in made.actions] == [D("0.20")] * 2
    [held] = made.held
    assert (held.guard, len(held.actions), held.lift) == ("fleet budget", 1, "price.budget_per_hour")
    assert held.message == "1 more would exceed the fleet's budget of $0.500/h ($0.420/h are committed)"


def test_what_runs_already_takes_its_part_of_the_budget():
    spec = fleet(replicas=2, scoring=STEADY, budget_per_hour="0.65")
    running = instance("june/0", spec, price_per_hour="0.25")
    difference = diff(spec, [running])
    assert rooms(difference) == {"june": D("0.40")}
    assert [PRICES[id] for id in fill(fleet(scoring=STEADY), market=[*DEAR, *CHEAP]).values()] == [D("0.40")]
    placement = place(needs_of(difference), [*DEAR, *CHEAP], ground(rooms=rooms(difference)))
    assert [choice.candidate.price for choice in placement.choices.values()] == [D("0.20")]


# --- properties -----------------------------------------------------------------------------------

GPUS = ("", "0", "1", "01", "23", "0123", "2", "3")
MODELS = ("RTX 3060", "RTX 3090")
OFFERS = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.sampled_from(GPUS),
        st.sampled_from([1, 2, 4]),
        st.integers(5, 60),
        st.sampled_from(MODELS),
        st.sampled_from([1, 2, None]),
        st.sampled_from([D("0.96"), D("0.99")]),
    ),
    max_size=9,
)
FLEETS = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.sampled_from([1, 1, 2, 4]),
        st.sampled_from([MODELS, MODELS[:1], MODELS[::-1]]),
        st.sampled_from([None, 1, 2]),
        st.sampled_from([None, 1, 2]),
        st.sampled_from([0, 0, 1]),
        st.booleans(),
    ),
    min_size=1,
    max_size=3,
)


def market_of(drawn):
    rows = []
    for number, (machine, gpus, count, cents, model, host, reliability) in enumerate(drawn, 1):
        shown = {"gpu_name": model, "host_id": host, "reliability": reliability, "price": f"{cents / 100:.2f}"}
        rows.append(sized(number, gpus or count, machine, **shown))
    return rows


def limit(number):
    return None if number is None else Limit(D(number))


def fleets_of(drawn):
    return [
        fleet(
            name,
            replicas=replicas,
            count=count,
            models=models,
            per_machine=limit(per_machine),
            per_host=limit(per_host),
            priority=priority,
            scoring=STEADY if steady else Scoring(),
            max_per_hour="0.5",
        )
        for name, (replicas, count, models, per_machine, per_host, priority, steady) in zip("abc", drawn, strict=False)
    ]


@given(OFFERS, FLEETS, st.sampled_from([None, "0.3", "0.8"]), st.sampled_from([None, "0.3", "0.9"]), st.data())
@settings(max_examples=120, deadline=None)
def test_a_placement_of_several_fleets_holds_every_rule(drawn, wanted, own, all_, data):
    specs, market = fleets_of(wanted), market_of(drawn)
    limits = {"rooms": {"a": D(own)} if own else {}, "room": D(all_) if all_ else None}
    needs = wants(*specs)
    placement = place(needs, market, ground(**limits))
    given_ = [choice.candidate.offer for choice in placement.choices.values()]
    for i, one in enumerate(given_):
        assert not [other for other in given_[:i] if one.machine_id == other.machine_id and overlap(one, other)]
    for spec in specs:
        own_ = {at: c.candidate for at, c in placement.choices.items() if at.fleet == spec.name}
        assert all(c.price <= spec.price.max_per_hour for c in own_.values())
        assert all(Appraiser(spec, NO_BANS, NOW).judge.admits(c.offer) for c in own_.values())
        for rule, place_of in ((spec.spread.per_machine, "machine_id"), (spec.spread.per_host, "host_id")):
            there = [getattr(c.offer, place_of) for c in own_.values()]
            assert rule is None or all(there.count(one) <= rule.of(spec.replicas) for one in there)
    assert placement.unplaced == {need.seat for need in needs} - placement.choices.keys()
    assert set(placement.shortages) == {at.fleet for at in placement.unplaced}
    shuffled = place(data.draw(st.permutations(needs)), data.draw(st.permutations(market)), ground(**limits))
    assert shuffled == placement


@given(
    st.lists(st.tuples(st.integers(5, 50), st.sampled_from([D("0.96"), D("0.98"), D(1)])), min_size=1, max_size=8),
    st.integers(1, 4),
    st.integers(10, 150),
)
@settings(max_examples=120, deadline=None)
def test_a_budget_that_allows_for_the_cheapest_is_kept_and_leaves_no_seat_empty(drawn, replicas, cents):
    market = [offer(i, price=f"{c / 100:.2f}", reliability=reliable) for i, (c, reliable) in enumerate(drawn, 1)]
    spec, limit = fleet(replicas=replicas, scoring=STEADY), D(cents) / 100
    seats = min(replicas, len(market))
    ceilings = {row.id: min(row.base_price_per_hour * CEILING_FACTOR, D("0.5")) for row in market}
    found = fill(spec, market=market, rooms={"june": limit})
    assert len(found) == seats
    if sum(sorted(ceilings.values())[:seats]) <= limit:
        assert sum(ceilings[id] for id in found.values()) <= limit
        best = fill(spec, market=market)
        if sum(ceilings[id] for id in best.values()) <= limit:
            assert found == best


def most_seats(specs, market):
    """By trying everything: how many seats can be filled at once."""
    needs = wants(*specs)
    fitting = {s.name: [row for row in market if Appraiser(s, NO_BANS, NOW).judge.admits(row)] for s in specs}
    return max(
        sum(row is not None for row in rows)
        for rows in product(*([None, *fitting[need.fleet.name]] for need in needs))
        if possible(needs, rows)
    )


def possible(needs, rows):
    taken = [row for row in rows if row is not None]
    for i, one in enumerate(taken):
        if any(one.machine_id == other.machine_id and overlap(one, other) for other in taken[:i]):
            return False
    return all(
        spread(need.fleet, [row for other, row in zip(needs, rows, strict=True) if row and other.fleet == need.fleet])
        for need in needs
    )


def spread(spec, rows):
    for rule, where in ((spec.spread.per_machine, "machine_id"), (spec.spread.per_host, "host_id")):
        there = [getattr(row, where) for row in rows]
        if rule is not None and any(there.count(one) > rule.of(spec.replicas) for one in there):
            return False
    return True


TINY = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.just("0"),
        st.just(1),
        st.integers(5, 60),
        st.sampled_from(MODELS),
        st.sampled_from([1, 2]),
        st.sampled_from([D("0.96"), D("0.99")]),
    ),
    max_size=5,
    unique_by=lambda row: row[0],
)
SEATS = st.lists(
    st.tuples(
        st.just(1),
        st.just(1),
        st.sampled_from([MODELS, MODELS[:1], MODELS[1:]]),
        st.just(1),
        st.sampled_from([None, 1]),
        st.just(0),
        st.booleans(),
    ),
    min_size=1,
    max_size=3,
)


@given(TINY, SEATS)
@settings(max_examples=150, deadline=None)
def test_as_many_seats_are_filled_as_can_be(drawn, wanted):
    """Tiny cases, against trying everything."""
    specs, market = fleets_of(wanted), market_of(drawn)
    assert len(place(wants(*specs), market, ground()).choices) == most_seats(specs, market)


# --- three seats of three fleets, every way in which machines may suit them ------------------------

MACHINES = (1, 2, 3)
SUITED = [tuple(one for one in MACHINES if bits >> (one - 1) & 1) for bits in range(2 ** len(MACHINES))]
THREE_FLEETS = [fleet(name) for name in "abc"]


def test_every_way_in_which_three_machines_may_suit_three_seats_fills_as_many_as_can_be():
    """512 cases, some of which take an exchange over all three fleets."""
    market = [offer(number, price=f"0.{number}") for number in MACHINES]
    short = [suited for suited in product(SUITED, repeat=3) if filled(suited, market) < matched(suited)]
    assert short == []


def filled(suited, market):
    """How many seats get an offer; a machine that does not suit a seat has just failed it."""
    needs = [
        Need(seat(f"{spec.name}/0"), spec, D("0.5"), frozenset(5000 + n for n in MACHINES if n not in its))
        for spec, its in zip(THREE_FLEETS, suited, strict=True)
    ]
    return len(place(needs, market, ground()).choices)


def matched(suited):
    """How many can get one."""
    picks = ([n for n in pick if n] for pick in product(*([0, *its] for its in suited)))
    return max(len(pick) for pick in picks if len(set(pick)) == len(pick))
