"""How far a rollout is, and what it adds on the way: stated beforehand, exceeded by no order of steps."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import NOW, diff, fleet, instance, intent, money, offers, plans, record, seat
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.budget import costs, on_the_way
from reconciler.core.canary import Canary
from reconciler.core.forecast import apply_s
from reconciler.core.model import Limit, Rollout
from reconciler.core.plan import Plan, Wait
from reconciler.core.renewal import Cheaper
from reconciler.core.rollout import rolling

OLD = fleet(image="a:1")


def changed(replicas, at_once=1, order="create-first"):
    return fleet(image="a:2", replicas=replicas, rollout=Rollout(order, at_once=Limit(Decimal(at_once))))


def plan(spec, prices, market, before=None):
    """The plan for so many old instances at these prices."""
    rows = [instance(f"june/{n}", OLD, id=100 + n, price_per_hour=money(price)) for n, price in enumerate(prices)]
    (made,) = plans(diff(spec, rows, before), offers(*market))
    return made


ADDED = {
    "the new one beside the old one": (changed(1), ["0.20"], ["0.10"], "0.105"),
    "a dearer one too": (changed(1), ["0.10"], ["0.20"], "0.21"),
    "all that are dearer, and one old one": (changed(2), ["0.10", "0.10"], ["0.20", "0.20"], "0.32"),
    "two old ones of a step": (changed(2, 2), ["0.10", "0.10"], ["0.20", "0.20"], "0.42"),
    "old ones first add what is dearer": (changed(1, order="destroy-first"), ["0.10"], ["0.20"], "0.11"),
    "nothing": (changed(1, order="destroy-first"), ["0.20"], ["0.10"], "0"),
}


@pytest.mark.parametrize(("spec", "prices", "market", "expected"), ADDED.values(), ids=ADDED.keys())
def test_what_replacements_add_on_the_way(spec, prices, market, expected):
    made = plan(spec, prices, market)
    assert on_the_way(made.actions, spec) == money(expected)
    cost = costs(Plan("default", 1, 0, (made,)), diff(spec), None, None)
    assert cost.peak == money(expected)


cents = st.integers(5, 30).map(lambda n: f"0.{n:02}")


@given(st.lists(st.tuples(cents, cents), min_size=1, max_size=6), st.integers(1, 3), st.randoms())
def test_no_order_of_the_steps_bills_more(pairs, at_once, dice):
    """Old ones come to their end in any order; at most `at_once` seats hold two at a time."""
    spec = changed(len(pairs), at_once)
    made = plan(spec, [old for old, _ in pairs], [new for _, new in pairs])
    swaps = [(money(str(a.old.instance.price_per_hour)), a.ceiling) for a in made.actions]
    stated = sum(old for old, _ in swaps) + on_the_way(made.actions, spec)
    waiting, both, billed = list(swaps), [], sum(old for old, _ in swaps)
    while waiting or both:
        if waiting and len(both) < spec.step and dice.random() < 0.7:
            both.append(waiting.pop(dice.randrange(len(waiting))))
            billed += both[-1][1]
        elif both:
            billed -= both.pop(dice.randrange(len(both)))[0]
        assert billed <= stated


def test_seats_in_doubt_or_held_up_by_a_guard_are_to_go_as_well():
    spec = changed(4)
    made = plan(spec, ["0.2"] * 4, ["0.1"] * 4, record(intent("june/2")))
    assert (rolling(made).seats, rolling(made).steps) == (4, 4)
    held = replace(made, actions=made.actions[:1])
    assert rolling(held).seats == 4


FIRST = seat("june/0")
HALF_HOUR = 1800.0
TIMES = {
    # replicas and at once, the canary if one is asked for, then steps and seconds
    "one by one": (4, 1, None, None, (4, 4 * 240)),
    "three at once": (10, 3, None, None, (4, 4 * 240)),
    "so many that their rents take longer than a boot": (60, 30, None, None, (2, 2 * (30 * 4.5 + 180))),
    "a canary that is to come goes alone, then all of its time": (5, 2, HALF_HOUR, Canary(), (3, 3 * 240 + 1800)),
    "its step is one more where it fills none": (4, 2, HALF_HOUR, Canary(), (3, 3 * 240 + 1800)),
    "it boots: all of its time": (4, 2, HALF_HOUR, Canary(FIRST), (3, 3 * 240 + 1800)),
    "it is ready: what is left of its time": (4, 2, HALF_HOUR, Canary(FIRST, 300.0), (2, 2 * 240 + 300)),
    "its time is over": (4, 2, HALF_HOUR, None, (2, 2 * 240)),
}


@pytest.mark.parametrize(("replicas", "at_once", "lasts", "canary", "expected"), TIMES.values(), ids=TIMES.keys())
def test_how_long_a_rollout_takes_and_so_does_the_plan_that_is_nothing_else(replicas, at_once, lasts, canary, expected):
    spec = changed(replicas, at_once)
    spec = replace(spec, rollout=replace(spec.rollout, canary_s=lasts))
    made = replace(plan(spec, ["0.2"] * replicas, ["0.1"] * replicas), canary=canary)
    found = rolling(made)
    assert (found.steps, found.seconds) == expected
    assert apply_s(Plan("default", 1, NOW, (made,))) == found.seconds


def test_the_plan_of_a_fleet_knows_its_canary():
    spec = changed(2)
    spec = replace(spec, rollout=replace(spec.rollout, canary_s=HALF_HOUR))
    assert plan(spec, ["0.2", "0.2"], ["0.1", "0.1"]).canary == Canary()
    new = instance("june/0", spec, id=100, started_at=NOW - 600)
    (made,) = plans(diff(spec, [new, instance("june/1", OLD, id=101)]), offers("0.1"))
    assert made.canary == Canary(FIRST, 1200.0)


def test_a_single_seat_waits_for_nobody_else_s_canary():
    spec = changed(1)
    made = plan(replace(spec, rollout=replace(spec.rollout, canary_s=HALF_HOUR)), ["0.2"], ["0.1"])
    assert (rolling(made).seats, rolling(made).seconds) == (1, 240)
    assert apply_s(Plan("default", 1, NOW, (made,))) == 240


ROLLING = plan(changed(2), ["0.2", "0.2"], ["0.1", "0.1"])
EMPTY = plan(fleet("july", replicas=3), [], ["0.1"] * 3)
GRACE = replace(EMPTY, actions=tuple(replace(a, wait=Wait("its grace", 600.0)) for a in EMPTY.actions))
TRIED = replace(ROLLING, actions=tuple(replace(a, trial=Cheaper()) for a in ROLLING.actions))
ALL = {
    "nothing to rent": ((), 0.0, 0),
    "empty seats boot side by side": ((EMPTY,), 0.0, 3 * 4.5 + 180),
    "after what they wait for": ((GRACE,), 0.0, 600 + 3 * 4.5 + 180),
    "fleets go on side by side, the longest counts": ((EMPTY, ROLLING), 0.0, 2 * 240),
    "a rollout begins after a cold start": ((ROLLING,), 300.0, 300 + 2 * 240),
    "candidates for cheaper places go one by one": ((TRIED,), 0.0, 2 * 240),
}


@pytest.mark.parametrize(("fleets", "cold", "expected"), ALL.values(), ids=ALL.keys())
def test_how_long_apply_takes(fleets, cold, expected):
    assert apply_s(Plan("default", 1, NOW, fleets, rents_wait_s=cold)) == expected


def test_candidates_for_cheaper_places_are_no_rollout():
    assert rolling(TRIED) is None


def test_without_a_seat_whose_turn_comes_there_is_no_rollout():
    made = plan(changed(3), ["0.2"] * 3, [])
    assert (made.drifted, rolling(made)) == (3, None)


UNDER_WAY = {
    # seats at a time, what the old ones of seats under way bill, what the others' old ones do; the new ones cost 0.21
    "one of one: its old one goes before another comes": (1, ["0.20"], ["0.20"], "0.01"),
    "one of two: another may come beside it": (2, ["0.20"], ["0.20", "0.20"], "0.22"),
    "two of two: they go before two others come": (2, ["0.20", "0.20"], ["0.20", "0.20"], "0.02"),
    "a small one goes, a large one comes": (1, ["0.05"], ["0.20"], "0.16"),
    "a large one goes, a small one comes": (1, ["0.20"], ["0.05"], "0.16"),
}


@pytest.mark.parametrize(("at_once", "going", "waiting", "extra"), UNDER_WAY.values(), ids=UNDER_WAY.keys())
def test_in_the_middle_what_follows_begins_when_the_old_ones_under_way_are_gone(at_once, going, waiting, extra):
    """Else a plan in the middle would state a higher peak than the first one."""
    spec = changed(len(going) + len(waiting), at_once)
    rows = [
        instance(f"june/{n}", OLD, id=100 + n, price_per_hour=money(price))
        for n, price in enumerate([*going, *waiting])
    ]
    rows += [instance(f"june/{n}", spec, id=200 + n, price_per_hour=money("0.2")) for n in range(len(going))]
    (made,) = plans(diff(spec, rows), offers(*["0.20"] * len(waiting)))
    assert on_the_way(made.actions, spec) == money(extra)
    assert rolling(made).extra_per_hour == money(extra)
