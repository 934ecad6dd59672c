"""How good an offer is: each part at its ends and in the middle, weights, tiers, modifiers, and what unseen offers
could score at most."""

from __future__ import annotations

from dataclasses import astuple, replace
from decimal import Decimal

import pytest
from builders import DAY_S, NO_BANS, NOW, fleet, judged, offer, regions
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.core.candidates import Appraiser
from reconciler.core.latency import Reading
from reconciler.core.model import Latency, Modifiers, Scoring, Tier, Weights
from reconciler.core.score import FAR_MS, PARTS, STRATEGIES, Scorer, modifiers_of, total, weights_of
from reconciler.core.sights import Measured, Sighting, Sights

D = Decimal
HERE = Latency((D("37.77"), D("-122.42")))
"""Users in San Francisco."""


def weighing(**weights):
    """Scoring by hand."""
    return Scoring(strategy=None, weights=Weights(**{name: D(str(value)) for name, value in weights.items()}))


def only(part):
    """Scoring by one part alone."""
    return weighing(**{part: 1})


def at(ms):
    """A measured way."""
    return None if ms is None else Reading(ms, True, None, False)


def part(name, spec, row, reading=None, times=1):
    """One part of an offer's score."""
    price = row.price_per_hour(spec.container.disk_gb)
    return Scorer(spec, NOW).of(row, price, 0, reading, times).parts[PARTS.index(name)]


# --- the parts ------------------------------------------------------------------------------------

CARDS = fleet(models=("RTX 4090", "RTX 3090", "RTX 3080", "RTX 3060"))
FLOOR = fleet(min_reliability=D("0.9"))
PARTS_AT = {
    "latency: no way at all": ("latency", fleet(), {}, at(0), 1, 1.0),
    "latency: half of what is far": ("latency", fleet(), {}, at(FAR_MS / 2), 1, 0.5),
    "latency: far": ("latency", fleet(), {}, at(FAR_MS), 1, 0.0),
    "latency: farther than far": ("latency", fleet(), {}, at(FAR_MS * 3), 1, 0.0),
    "latency: unknown": ("latency", fleet(), {}, at(None), 1, 0.0),
    "price: as good as free": ("price", fleet(), {"price": "0.0001"}, None, 1, 0.9998),
    "price: half the cap": ("price", fleet(), {"price": "0.25"}, None, 1, 0.5),
    "price: the cap": ("price", fleet(), {"price": "0.5"}, None, 1, 0.0),
    "price: over the cap, as a refused offer is": ("price", fleet(), {"price": "0.9"}, None, 1, 0.0),
    "price: all-in": (
        "price",
        fleet(disk_gb=36),
        {"price": "0.1", "storage_price_per_gb_month": D(3)},
        None,
        1,
        0.5,
    ),
    "gpu: the first of four": ("gpu", CARDS, {"gpu_name": "RTX 4090"}, None, 1, 1.0),
    "gpu: the third of four": ("gpu", CARDS, {"gpu_name": "RTX 3080"}, None, 1, 0.5),
    "gpu: the last of four": ("gpu", CARDS, {"gpu_name": "RTX 3060"}, None, 1, 0.25),
    "gpu: another spelling": ("gpu", CARDS, {"gpu_name": "RTX_3090"}, None, 1, 0.75),
    "gpu: none of them": ("gpu", CARDS, {"gpu_name": "RTX 2080"}, None, 1, 0.0),
    "reliability: the least that is allowed": ("reliability", FLOOR, {"reliability": D("0.9")}, None, 1, 0.0),
    "reliability: half way to perfect": ("reliability", FLOOR, {"reliability": D("0.95")}, None, 1, 0.5),
    "reliability: perfect": ("reliability", FLOOR, {"reliability": D(1)}, None, 1, 1.0),
    "reliability: below what is allowed": ("reliability", FLOOR, {"reliability": D("0.5")}, None, 1, 0.0),
    "reliability: unknown": ("reliability", FLOOR, {"reliability": None}, None, 1, 0.0),
    "reliability: nothing less than perfect is allowed": (
        "reliability",
        fleet(min_reliability=D(1)),
        {"reliability": D(1)},
        None,
        1,
        0.0,
    ),
    "availability: hardly a minute left, seen once": ("availability", fleet(), {"seconds_left": 0.0}, None, 1, 0.125),
    "availability: half a month, seen twice": ("availability", fleet(), {"seconds_left": 15 * DAY_S}, None, 2, 0.5),
    "availability: a month, seen often": ("availability", fleet(), {"seconds_left": 30 * DAY_S}, None, 4, 1.0),
    "availability: years, seen all day": ("availability", fleet(), {"seconds_left": 9000 * DAY_S}, None, 99, 1.0),
    "availability: time left unknown": ("availability", fleet(), {"seconds_left": None}, None, 4, 0.5),
}


@pytest.mark.parametrize(("name", "spec", "shown", "reading", "times", "expected"), PARTS_AT.values(), ids=PARTS_AT)
def test_a_part_of_the_score(name, spec, shown, reading, times, expected):
    assert part(name, spec, offer(**shown), reading, times) == pytest.approx(expected)


def test_a_part_that_weighs_all_is_the_score():
    row = offer(price="0.2", reliability=D("0.96"), seconds_left=3 * DAY_S)
    for name in PARTS:
        spec = fleet(latency=HERE, scoring=only(name))
        found = Scorer(spec, NOW).of(row, D("0.2"), 0, at(30))
        assert found.total == pytest.approx(found.parts[PARTS.index(name)])


def test_a_measured_way_counts_for_its_machine():
    near, far = offer(1, machine_id=1), offer(2, machine_id=2)
    spec = fleet(latency=replace(HERE, probe=True), scoring=only("latency"))
    sights = Sights(measured={1: Measured(90.0, NOW), 2: Measured(20.0, NOW)})
    assert [c.offer.id for c in judged(spec, [near, far], sights=sights)] == [2, 1]
    assert judged(spec, [far], sights=sights)[0].score.total == pytest.approx(0.9)


def test_a_size_of_a_machine_that_was_seen_often_ranks_before_one_that_was_not():
    spec = fleet(scoring=only("availability"))
    sights = Sights(sightings={(2, 1): Sighting(NOW, 3), (1, 8): Sighting(NOW, 3)})
    rows = [offer(1, machine_id=1), offer(2, machine_id=2)]
    assert [c.offer.id for c in judged(spec, rows, sights=sights)] == [2, 1]


# --- weights --------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_weights_of_a_strategy_sum_to_one(strategy):
    weights = astuple(STRATEGIES[strategy])
    assert sum(weights) == 1
    assert min(weights) >= 0


def test_latency_first_is_35_25_20_15_5():
    assert [100 * weight for weight in astuple(STRATEGIES["latency-first"])] == [35, 25, 20, 15, 5]


SHARED_OUT = {
    "of latency-first": (Scoring("latency-first"), [0, 25 / 65, 20 / 65, 15 / 65, 5 / 65]),
    "of low-latency": (Scoring("low-latency"), [0, 0.5, 0.05 / 0.3, 0.05 / 0.3, 0.05 / 0.3]),
    "of weights by hand": (weighing(latency=0.5, gpu=0.4, price=0.1), [0, 0.2, 0.8, 0, 0]),
    "to the price, where nothing else counts": (weighing(latency=1), [0, 1, 0, 0, 0]),
    "none, where it has no weight": (Scoring("reliable"), [0, 0.25, 0.10, 0.50, 0.15]),
}


@pytest.mark.parametrize(("scoring", "expected"), SHARED_OUT.values(), ids=SHARED_OUT)
def test_without_latency_its_weight_is_shared_out_over_the_others(scoring, expected):
    weights = [float(weight) for weight in astuple(weights_of(fleet(scoring=scoring)))]
    assert weights == pytest.approx(expected)
    assert sum(weights) == pytest.approx(1)


@pytest.mark.parametrize("scoring", [one for one, _ in SHARED_OUT.values()], ids=SHARED_OUT)
def test_with_latency_the_weights_are_as_written(scoring):
    written = scoring.weights or STRATEGIES[scoring.strategy]
    assert weights_of(fleet(latency=HERE, scoring=scoring)) == written


def test_nothing_said_means_the_price():
    assert weights_of(fleet(scoring=Scoring(None))) == Weights(price=D(1))


FLIPS = {
    # What the one weight prefers, the other does not: the first offer wins by the first part, else the second.
    "latency": ({"location": "California, US", "price": "0.4"}, {"location": "Sweden, SE", "price": "0.1"}, "price"),
    "price": ({"price": "0.1", "reliability": D("0.96")}, {"price": "0.4", "reliability": D(1)}, "reliability"),
    "gpu": ({"gpu_name": "RTX 3060", "price": "0.4"}, {"gpu_name": "RTX 3090", "price": "0.1"}, "price"),
    "reliability": ({"reliability": D(1), "price": "0.4"}, {"reliability": D("0.96"), "price": "0.1"}, "price"),
    "availability": ({"price": "0.4"}, {"seconds_left": 4 * DAY_S, "price": "0.1"}, "price"),
}


@pytest.mark.parametrize("name", FLIPS)
def test_a_weight_turns_the_order(name):
    one, two, other = FLIPS[name]
    market = [offer(1, **one), offer(2, **two)]
    for scoring, order in ((only(name), [1, 2]), (only(other), [2, 1])):
        spec = fleet(latency=HERE, models=("RTX 3060", "RTX 3090"), scoring=scoring)
        assert [c.offer.id for c in judged(spec, market)] == order


def test_without_a_weight_for_gpus_their_order_does_not_count():
    market = [offer(1, gpu_name="RTX 3090", price="0.21"), offer(2, gpu_name="RTX 3060", price="0.2")]
    for models in (("RTX 3090", "RTX 3060"), ("RTX 3060", "RTX 3090")):
        assert [c.offer.id for c in judged(fleet(models=models), market)] == [2, 1]


# --- tiers and modifiers --------------------------------------------------------------------------

THREE = (Tier("west", ("US-CA",), D("0.20")), Tier("south", ("US-TX",), D("0.15")), Tier("east", ("US-NY",), D("0.10")))
WORKED = [
    offer(1, price="0.18", location="California, US"),
    offer(2, price="0.15", location="Texas, US"),
    offer(3, price="0.12", location="New York, US"),
]


def test_three_states_whose_bonuses_turn_their_order():
    """Bases of 0.82, 0.85 and 0.88 rank the other way round with +0.20, +0.15 and +0.10 (a worked example of
    geographic preference in the documentation of a virtual kubelet for Vast.ai)."""
    spec = fleet(max_per_hour="1", regions=replace(regions(), tiers=THREE, elsewhere="refuse"))
    ranked = judged(spec, WORKED)
    assert [(c.tier, c.score.total - c.score.bonus, c.score.total) for c in ranked] == [
        ("west", pytest.approx(0.82), pytest.approx(1.02)),
        ("south", pytest.approx(0.85), pytest.approx(1.00)),
        ("east", pytest.approx(0.88), pytest.approx(0.98)),
    ]
    assert [c.offer.id for c in judged(fleet(max_per_hour="1"), WORKED)] == [3, 2, 1]


def test_a_bonus_outweighs_no_more_than_it_says():
    spec = fleet(max_per_hour="1", regions=replace(regions(), tiers=THREE, elsewhere="refuse"))
    cheap = offer(4, price="0.0699", location="New York, US")
    assert [c.offer.id for c in judged(spec, [WORKED[0], cheap])] == [4, 1]
    assert [c.offer.id for c in judged(spec, [WORKED[0], replace(cheap, base_price_per_hour=D("0.0801"))])] == [1, 4]


@pytest.mark.parametrize(("penalty", "order"), [("0", [2, 1]), ("0.19", [2, 1]), ("0.21", [1, 2]), ("2", [1, 2])])
def test_the_penalty_of_elsewhere_is_taken_off(penalty, order):
    here, far = offer(1, price="0.3", location="California, US"), offer(2, price="0.1", location="Sweden, SE")
    places = replace(regions("US-CA", elsewhere="allow"), penalty=D(penalty))
    ranked = judged(fleet(max_per_hour="1", regions=places), [here, far])
    assert [c.offer.id for c in ranked] == order
    [away] = [c for c in ranked if c.offer.id == 2]
    assert away.score.bonus == -float(penalty)
    assert away.score.total == pytest.approx(0.9 - float(penalty))


def test_without_tiers_there_is_no_elsewhere():
    places = replace(regions(elsewhere="allow"), penalty=D("0.5"))
    assert judged(fleet(regions=places), [offer()])[0].score.bonus == 0


def test_in_a_strict_order_no_bonus_lifts_a_later_tier():
    tiers = (Tier("west", ("US-CA",), D(-1)), Tier("east", ("US-NY",), D(1)))
    market = [offer(1, price="0.49", location="California, US"), offer(2, price="0.01", location="New York, US")]
    loose = replace(regions(), tiers=tiers, elsewhere="refuse")
    assert [c.offer.id for c in judged(fleet(regions=loose), market)] == [2, 1]
    assert [c.offer.id for c in judged(fleet(regions=replace(loose, strict_order=True)), market)] == [1, 2]


MODIFIED = {
    # property: (an offer that has it, one that has not)
    "verified": ({"verified": True}, {"verified": False}),
    "datacenter": ({"datacenter": True}, {"datacenter": False}),
    "high_bandwidth": ({"download_mbps": D(1000)}, {"download_mbps": D(999)}),
    "new_host": ({"listed_at": NOW - 29 * DAY_S}, {"listed_at": NOW - 30 * DAY_S}),
}


@pytest.mark.parametrize("name", MODIFIED)
def test_a_modifier_turns_the_order(name):
    with_it, without = MODIFIED[name]
    market = [offer(1, price="0.21", **with_it), offer(2, price="0.2", **without)]
    orders = {"0": [2, 1], "0.03": [1, 2], "-0.03": [2, 1]}
    for value, order in orders.items():
        spec = fleet(require=(), scoring=Scoring(modifiers=Modifiers(**{name: D(value)})))
        assert [c.offer.id for c in judged(spec, market)] == order
    lowered = fleet(require=(), scoring=Scoring(modifiers=Modifiers(**{name: D(-1)})))
    cheap = [offer(1, price="0.1", **with_it), offer(2, price="0.4", **without)]
    assert [c.offer.id for c in judged(lowered, cheap)] == [2, 1]


@pytest.mark.parametrize("name", MODIFIED)
def test_what_is_unknown_has_no_property(name):
    [field] = MODIFIED[name][0]
    assert modifiers_of(Modifiers(**{name: D(1)}), offer(**{field: None}), NOW) == {}


def test_all_modifiers_of_an_offer_add_up():
    values = Modifiers(D("0.1"), D("0.05"), D("0.08"), D("-0.05"))
    row = offer(verified=True, datacenter=True, download_mbps=D(2000), listed_at=NOW)
    spec = fleet(scoring=Scoring(modifiers=values))
    assert judged(spec, [row])[0].score.modifiers == pytest.approx(0.18)


def test_the_order_of_adding_does_not_count():
    """0.1 + 0.2 + 0.3 differs from 0.3 + 0.2 + 0.1 in the last bit."""
    assert total((0.1, 0.2, 0.3), (1, 1, 1)) == total((0.3, 0.2, 0.1), (1, 1, 1)) == 0.6


# --- what an unseen offer could score -------------------------------------------------------------

SHARES = st.lists(st.integers(0, 20), min_size=5, max_size=5).filter(any)
CENTS = st.integers(1, 200).map(lambda cents: D(cents) / 100)
SIGNED = st.sampled_from([D("-0.3"), D("-0.05"), D(0), D("0.08"), D("0.4")])
LIKELY = st.builds(Modifiers, SIGNED, SIGNED, SIGNED, SIGNED)


@st.composite
def scorers(draw):
    """Any scoring: weights by hand or a strategy, tiers with bonuses, modifiers, a cap."""
    shares = draw(SHARES)
    written = Weights(*(D(share) / sum(shares) for share in shares))
    strategies = st.sampled_from(list(STRATEGIES)).map(lambda name: Scoring(name))
    scoring = replace(draw(st.just(Scoring(None, written)) | strategies), modifiers=draw(LIKELY))
    bonuses = draw(st.lists(SIGNED, max_size=2))
    tiers = tuple(Tier(f"t{i}", ("US",), bonus) for i, bonus in enumerate(bonuses))
    places = replace(regions(), tiers=tiers, elsewhere="allow", penalty=draw(st.sampled_from([D(0), D("0.25")])))
    latency = draw(st.sampled_from([None, HERE]))
    spec = fleet(max_per_hour=str(draw(CENTS)), regions=places, scoring=scoring, latency=latency)
    return spec, len(tiers)


ROWS = st.builds(
    lambda price, reliability, days, down, verified, datacenter, listed: offer(
        price=price,
        reliability=reliability,
        seconds_left=days * DAY_S,
        download_mbps=D(down),
        verified=verified,
        datacenter=datacenter,
        listed_at=listed,
    ),
    st.integers(1, 2000).map(lambda mills: D(mills) / 1000),
    st.sampled_from([D("0.95"), D("0.99"), D(1), None]),
    st.sampled_from([0.0, 3.0, 30.0]),
    st.sampled_from([500, 1000]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([NOW, NOW - 90 * DAY_S, None]),
)


@given(scorers(), ROWS, st.sampled_from([None, 0.0, 40.0, 500.0]), st.integers(1, 6), st.data())
@settings(max_examples=150, deadline=None)
def test_no_offer_scores_more_than_the_most(made, row, ms, times, data):
    (spec, elsewhere), tier = made, data.draw(st.integers(0, made[1]))
    scorer, price = Scorer(spec, NOW), row.price_per_hour(spec.container.disk_gb)
    assert elsewhere == len(scorer.bonuses) - 1
    found = scorer.of(row, price, tier, at(ms), times)
    assert found.total <= scorer.most(float(price), tier) + 1e-9
    assert scorer.most(float(price), tier) <= scorer.most(0.0, tier)


@given(scorers(), ROWS, st.sampled_from([None, 0.0, 40.0]), st.floats(-0.5, 1.8), st.data())
@example((fleet(max_per_hour="1"), 0), offer(price="0.3"), None, 0.7, None)
@settings(max_examples=200, deadline=None)
def test_no_offer_above_the_price_for_a_score_can_beat_it(made, row, ms, least, data):
    (spec, elsewhere), scorer = made, Scorer(made[0], NOW)
    tier = 0 if data is None else data.draw(st.integers(0, elsewhere))
    limit, price = scorer.price_for(least, tier), float(row.price_per_hour(spec.container.disk_gb))
    found = scorer.of(row, row.price_per_hour(spec.container.disk_gb), tier, at(ms))
    if price <= float(spec.price.max_per_hour) and (limit is None or price > limit + 1e-6):
        assert found.total <= least + 1e-8
    if limit is not None:
        assert 0 <= limit <= float(spec.price.max_per_hour)


def test_the_price_for_a_score_is_where_the_best_offer_reaches_it():
    scorer = Scorer(fleet(max_per_hour="1", scoring=weighing(price=0.5, gpu=0.5)), NOW)
    assert scorer.price_for(0.9, 0) == pytest.approx(0.2)
    assert scorer.most(0.2, 0) == pytest.approx(0.9)
    assert scorer.price_for(1.0, 0) is None
    assert scorer.price_for(0.4, 0) == 1.0


def test_where_the_price_does_not_count_any_price_will_do():
    scorer = Scorer(fleet(max_per_hour="1", scoring=weighing(gpu=1)), NOW)
    assert scorer.price_for(0.99, 0) == 1.0
    assert scorer.price_for(1.0, 0) is None


def test_a_rank_is_the_score_below_earlier_tiers_where_their_order_is_strict():
    spec = fleet(regions=replace(regions("US-CA", "US-NY"), strict_order=True))
    appraiser = Appraiser(spec, NO_BANS, NOW)
    west, east = (appraiser.candidate(offer(location=place)) for place in ("California, US", "New York, US"))
    assert west.rank == west.score.total
    assert east.score.total == west.score.total
    assert west.rank - east.rank > max(map(abs, (west.score.total, east.score.total))) + 4
