"""Which offer for which seat, and what is said where there is none."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import NO_BANS, NOW, fleet, instance, judged, offer, offers, regions, seat
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.model import Limit, Rollout
from reconciler.core.place import FALLBACKS, Ground, place
from reconciler.core.placement import Need

D = Decimal


def fill(spec, market, *, seats=None, sitting=(), cap=None, avoid=frozenset()):
    """Place one fleet's seats; the choices by seat number."""
    indexes = range(spec.replicas) if seats is None else seats
    cap = spec.price.max_per_hour if cap is None else D(cap)
    needs = [Need(seat(f"{spec.name}/{i}"), spec, cap) for i in indexes]
    return place(needs, market, Ground(NO_BANS, NOW, {spec.name: sitting}, avoid))


def chosen(placement):
    return {str(s): choice.candidate.offer.id for s, choice in placement.choices.items()}


IN = {"far": "Sweden, SE", "near": "California, US"}
ORDER = {
    "the cheapest first": ([offer(1, price="0.3"), offer(2, price="0.2")], 2),
    "the earlier tier before the lower price, where their order is strict": (
        [offer(1, price="0.1", location=IN["far"]), offer(2, price="0.4", location=IN["near"])],
        2,
    ),
    "the lower price before the higher reliability": (
        [offer(1, price="0.21", reliability=D("0.999")), offer(2, price="0.2", reliability=D("0.96"))],
        2,
    ),
    "the higher reliability at the same price": (
        [offer(1, reliability=D("0.97")), offer(2, reliability=D("0.98"))],
        2,
    ),
    "the lower machine at the same of all": ([offer(1, machine_id=9), offer(2, machine_id=8)], 2),
    "the lower ask of one machine": ([offer(2, machine_id=8), offer(1, machine_id=8)], 1),
    "an eligible one before a cheaper refused one": ([offer(1, price="0.1", verified=False), offer(2)], 2),
    "all-in, not the base price": (
        [offer(1, price="0.2", storage_price_per_gb_month=D(3)), offer(2, price="0.3")],
        2,
    ),
}


@pytest.mark.parametrize(("market", "expected"), ORDER.values(), ids=ORDER.keys())
def test_the_best_offer_is_taken(market, expected):
    spec = fleet(regions=replace(regions("US", "SE"), strict_order=True))
    for rows in (market, market[::-1]):
        assert chosen(fill(spec, rows)) == {"june/0": expected}


def test_a_choice_names_its_tier():
    near, far = offer(location=IN["near"]), offer(location=IN["far"])
    spec = fleet(regions=regions("US-CA", elsewhere="allow"))
    assert fill(spec, [near]).choices[seat()].candidate.tier == "US-CA"
    assert fill(spec, [far]).choices[seat()].candidate.tier is None


def test_seats_are_filled_in_turn_the_first_with_the_best():
    assert chosen(fill(fleet(replicas=3), offers("0.3", "0.1", "0.2"))) == {"june/0": 2, "june/1": 3, "june/2": 1}


# --- spread ---------------------------------------------------------------------------------------


def slices(count, **same):
    """Several asks of one machine, or of one host, each with a GPU of its own."""
    return [offer(i, gpu_ids=frozenset({i}), **same) for i in range(1, count + 1)]


SPREAD = {
    # fleet, offers, sitting, how many are placed, the rule that refuses the others
    "one replica a machine by default": (
        fleet(replicas=2),
        [offer(1), offer(2, machine_id=1100)],
        [instance(id=100)],
        1,
        "spread.per_machine",
    ),
    "two replicas a machine where that is declared": (
        fleet(replicas=2, per_machine=Limit(D(2))),
        [offer(2, machine_id=1100)],
        [instance(id=100)],
        1,
        None,
    ),
    "one replica a host": (
        fleet(replicas=3, per_host=Limit(D(1))),
        slices(3, host_id=7),
        [],
        1,
        "spread.per_host",
    ),
    "those who sit there count": (
        fleet(replicas=3, per_host=Limit(D(2))),
        slices(3, host_id=7),
        [instance(id=100, host_id=7)],
        1,
        "spread.per_host",
    ),
    "a share of the replicas": (
        fleet(replicas=4, per_host=Limit(D(50), percent=True)),
        slices(4, host_id=7),
        [],
        2,
        "spread.per_host",
    ),
    "a share is rounded down": (
        fleet(replicas=5, per_host=Limit(D(50), percent=True)),
        slices(5, host_id=7),
        [],
        2,
        "spread.per_host",
    ),
    "a share is at least one": (
        fleet(replicas=2, per_host=Limit(D(10), percent=True)),
        slices(2, host_id=7),
        [],
        1,
        "spread.per_host",
    ),
    "a host that is not told is refused where hosts count": (
        fleet(replicas=1, per_host=Limit(D(1))),
        [offer(host_id=None)],
        [],
        0,
        "spread.per_host",
    ),
    "hosts do not count by default": (fleet(replicas=3), slices(3, host_id=7), [], 3, None),
}


@pytest.mark.parametrize(("spec", "market", "sitting", "count", "rule"), SPREAD.values(), ids=SPREAD.keys())
def test_how_many_replicas_share_a_machine_or_host(spec, market, sitting, count, rule):
    placement = fill(spec, market, sitting=sitting)
    assert len(placement.choices) == count
    refused = dict(placement.shortages["june"].refused) if "june" in placement.shortages else {}
    assert [name for name in refused if name.startswith("spread")] == ([rule] if rule and count < spec.replicas else [])


def test_slices_of_one_machine_are_taken_each_once_where_replicas_may_share():
    spec = fleet(replicas=3, per_machine=None)
    placement = fill(spec, slices(2, machine_id=7))
    assert chosen(placement) == {"june/0": 1, "june/1": 2}
    assert dict(placement.shortages["june"].refused) == {"taken by another seat": 2}


def test_a_machine_that_failed_the_seat_is_not_taken_again():
    need = Need(seat(), fleet(), D("0.5"), not_on=frozenset({5001}))
    assert chosen(place([need], offers("0.1", "0.2"), Ground(NO_BANS, NOW))) == {"june/0": 2}


PROMISES = {
    # at once, the market, seats whose old machine is of no use, the offer of each seat; promised ones as negative
    "the step before frees a machine": (1, ["0.1"], "", {0: 1, 1: -1, 2: -1, 3: -1}),
    "each seat of a step another one": (2, ["0.1", "0.2"], "", {0: 1, 1: 2, 2: -1, 3: -2}),
    "half a step frees less than the next one takes": (2, ["0.1"], "", {0: 1}),
    "an offer of its own comes before a promise": (2, ["0.1", "0.2", "0.3"], "", {0: 1, 1: 2, 2: 3, 3: -2}),
    "no machine is freed that could be used": (1, ["0.1"], "0123", {0: 1}),
    "only one is, and goes to one seat": (1, ["0.1", "0.2"], "023", {0: 1, 1: 2, 2: -2}),
    "nothing is for sale": (1, [], "", {}),
}


def line(at_once, useless="", **options):
    """The needs of four seats of a rollout."""
    spec = fleet(replicas=4, rollout=Rollout(at_once=Limit(D(at_once))))
    frees = [str(i) not in useless for i in range(4)]
    return [
        Need(seat(f"june/{i}"), spec, D("0.5"), in_line=sum(frees[:i]) >= at_once, frees=frees[i], **options)
        for i in range(4)
    ]


@pytest.mark.parametrize(("at_once", "market", "useless", "expected"), PROMISES.values(), ids=PROMISES.keys())
def test_a_later_step_of_a_rollout_is_promised_what_the_step_before_takes(at_once, market, useless, expected):
    found = place(line(at_once, useless), offers(*market), Ground(NO_BANS, NOW)).choices
    told = {at.index: c.candidate.offer.id * (-1 if c.promised else 1) for at, c in found.items()}
    assert told == expected


def test_a_seat_is_promised_nothing_above_its_ceiling_nor_where_it_has_just_failed():
    first, *others = line(1)
    for refused in ({"cap": D("0.09")}, {"not_on": frozenset({5001})}):
        needs = [first, *(replace(need, **refused) for need in others)]
        assert chosen(place(needs, offers("0.1"), Ground(NO_BANS, NOW))) == {"june/0": 1}


# --- several fleets -------------------------------------------------------------------------------


def compete(*specs, market):
    needs = [Need(seat(f"{s.name}/{i}"), s, s.price.max_per_hour) for s in specs for i in range(s.replicas)]
    return place(needs, market, Ground(NO_BANS, NOW))


def test_a_machine_is_used_once_over_all_fleets():
    placement = compete(fleet("a"), fleet("b"), market=[offer(1)])
    assert chosen(placement) == {"a/0": 1}
    assert dict(placement.shortages["b"].refused) == {"taken by another seat": 1}


def test_the_fleet_of_higher_priority_is_placed_first():
    assert chosen(compete(fleet("a"), fleet("b", priority=1), market=[offer(1)])) == {"b/0": 1}


def test_fleets_of_equal_priority_are_placed_by_name():
    assert chosen(compete(fleet("b"), fleet("a"), market=offers("0.1", "0.2"))) == {"a/0": 1, "b/0": 2}


# --- ceilings, fallbacks, offers that are gone ----------------------------------------------------


def test_a_seat_pays_no_more_than_its_ceiling():
    placement = fill(fleet(), offers("0.3"), cap="0.29")
    assert placement.choices == {}
    assert placement.shortages["june"].refused == (("the approved ceiling", 1),)


def test_an_offer_at_the_ceiling_is_taken():
    assert chosen(fill(fleet(), offers("0.3"), cap="0.3")) == {"june/0": 1}


def test_a_seat_carries_the_next_offers_in_their_order():
    placement = fill(fleet(), offers("0.16", "0.11", "0.12", "0.13", "0.14", "0.15"))
    assert [c.offer.id for c in placement.choices[seat()].fallbacks] == [3, 4, 5, 6]
    assert len(placement.choices[seat()].fallbacks) == FALLBACKS


FALLBACK = {
    "no refused offer": offer(2, verified=False),
    "no offer over the ceiling": offer(2, price="0.31"),
    "no second ask of a machine that is used": offer(2, machine_id=5001),
}


@pytest.mark.parametrize("other", FALLBACK.values(), ids=FALLBACK.keys())
def test_a_fallback_obeys_every_rule(other):
    assert fill(fleet(), [offer(1, price="0.1"), other], cap="0.3").choices[seat()].fallbacks == ()


def test_a_fallback_is_no_machine_where_the_fleet_sits_already():
    placement = fill(fleet(replicas=2), [offer(1), offer(2, machine_id=1100)], seats=[1], sitting=[instance(id=100)])
    assert placement.choices[seat("june/1")].fallbacks == ()


def test_an_offer_known_to_be_gone_is_not_chosen_again():
    assert chosen(fill(fleet(), offers("0.1", "0.2"), avoid=frozenset({1}))) == {"june/0": 2}


# --- shortages ------------------------------------------------------------------------------------


def test_no_offer_at_all_is_said():
    shortage = fill(fleet(), []).shortages["june"]
    assert (shortage.seen, shortage.refused, shortage.nearest) == (0, (), None)


def test_refusals_are_counted_by_their_first_rule_the_most_frequent_first():
    market = [offer(i, verified=False) for i in (1, 2)] + [offer(3, price="0.6", reliability=D("0.1"))]
    shortage = fill(fleet(), market).shortages["june"]
    assert shortage.seen == 3
    assert shortage.refused == (("host.require verified", 2), ("price.max_per_hour", 1))


def test_what_is_short_is_said_beside_what_was_filled():
    placement = fill(fleet(replicas=3), offers("0.1", "0.2"))
    assert len(placement.choices) == 2
    assert dict(placement.shortages["june"].refused) == {"taken by another seat": 2}
    assert placement.unplaced == {seat("june/2")}


def test_a_fleet_that_is_filled_has_no_shortage():
    assert fill(fleet(), offers("0.1")).shortages == {}


NEAREST = {
    "the price that is least over": (
        [offer(1, price="0.6"), offer(2, price="0.525"), offer(3, price="0.55")],
        ("price.max_per_hour", "$0.525/h", D(5), D("0.525")),
    ),
    "of several rules the least share": (
        [offer(1, price="0.55"), offer(2, reliability=D("0.9405"))],
        ("host.min_reliability", "0.94", D(1), D("0.2")),
    ),
    "one that breaks two rules is not near": (
        [offer(1, price="0.51", verified=False), offer(2, price="0.6")],
        ("price.max_per_hour", "$0.600/h", D(20), D("0.6")),
    ),
    "a number before what is none": (
        [offer(1, verified=False), offer(2, price="1")],
        ("price.max_per_hour", "$1.000/h", D(100), D(1)),
    ),
    "the cheapest of those without a number": (
        [offer(1, price="0.3", verified=False), offer(2, price="0.2", datacenter=None, verified=None)],
        ("host.require verified", "unknown", None, D("0.2")),
    ),
}


@pytest.mark.parametrize(("market", "expected"), NEAREST.values(), ids=NEAREST.keys())
def test_the_nearest_miss_is_told_with_its_numbers(market, expected):
    nearest = fill(fleet(), market).shortages["june"].nearest
    assert (nearest.rule, nearest.detail, nearest.percent, nearest.price) == expected


# --- properties -----------------------------------------------------------------------------------

MARKETS = st.lists(
    st.builds(
        lambda machine, host, cents, verified: offer(
            1, machine_id=machine, host_id=host, price=f"0.{cents:02d}", verified=verified
        ),
        st.integers(1, 8),
        st.integers(1, 4) | st.none(),
        st.integers(1, 80),
        st.sampled_from([True, True, True, None]),
    ),
    max_size=16,
).map(lambda rows: [offer_with_id(i, row) for i, row in enumerate(rows, 1)])


def offer_with_id(number, row):
    shown = {f: getattr(row, f) for f in ("machine_id", "host_id", "base_price_per_hour", "verified")}
    return offer(number, **shown)


@given(MARKETS, st.integers(1, 6), st.integers(1, 3), st.data())
@settings(max_examples=60, deadline=None)
def test_a_placement_holds_every_rule_whatever_the_market(market, replicas, per_host, data):
    spec = fleet(replicas=replicas, per_host=Limit(D(per_host)), max_per_hour="0.5")
    placement = fill(spec, market)
    taken = [choice.candidate.offer for choice in placement.choices.values()]
    machines, hosts = [o.machine_id for o in taken], [o.host_id for o in taken]
    assert len(set(machines)) == len(machines)
    assert all(hosts.count(host) <= per_host for host in hosts)
    assert all(
        c.price <= D("0.5") for choice in placement.choices.values() for c in (choice.candidate, *choice.fallbacks)
    )
    assert bool(placement.shortages) == (len(taken) < replicas)
    assert fill(spec, data.draw(st.permutations(market))) == placement


@given(MARKETS, st.data())
@settings(max_examples=40, deadline=None)
def test_equal_markets_rank_equally(market, data):
    shuffled = data.draw(st.permutations(market))
    assert judged(fleet(), market) == judged(fleet(), shuffled)
