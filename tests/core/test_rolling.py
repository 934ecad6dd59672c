"""How far a rollout is, and what it adds on the way: stated beforehand, exceeded by no order of steps."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import diff, fleet, instance, intent, money, offers, plans, record
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.budget import costs, on_the_way
from reconciler.core.model import Limit, Rollout
from reconciler.core.plan import Plan
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


def test_without_a_seat_whose_turn_comes_there_is_no_rollout():
    made = plan(changed(3), ["0.2"] * 3, [])
    assert (made.drifted, rolling(made)) == (3, None)
    assert rolling(plan(changed(1), ["0.2"], ["0.1"])) is None
