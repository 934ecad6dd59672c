"""What was billed, as far as lists tell, by hour; and what a budget of 30 days leaves for the future."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import HOUR_S, NOW, OWNER, diff, fleet, instance, intent, known, money, offers, plans, policy, record
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.assemble import room
from reconciler.core.budget import Standing
from reconciler.core.month import guard_month
from reconciler.core.plan import Plan
from reconciler.core.spend import KEPT_H, WINDOW_H, Spent, counted, hour_of, rate_left, spent

HOUR = hour_of(NOW)
MINUTE_S = 60.0


def billed(before, *instances, at=NOW):
    """Dollars by hour, hours counted from the hour of NOW."""
    after = counted(before, before, instances, OWNER, at)
    return {hour - HOUR: dollars for hour, dollars in after.spend.items()}


def running(id=100, **options):
    return instance(id=id, price_per_hour="0.60", **options)


CASES = {
    "an instance bills from when it was last seen": (record(known(age_s=600)), [running()], {-1: money("0.1")}),
    "two bill both": (
        record(known(age_s=600), known(101, "june/1", age_s=300)),
        [running(), running(101, at="june/1")],
        {-1: money("0.15")},
    ),
    "a stretch of more than an hour counts as one hour": (record(known(age_s=9000)), [running()], {-1: money("0.6")}),
    "a stopped one bills its storage": (
        record(known(age_s=600)),
        [running(status="stopped", storage_per_hour=money("0.06"))],
        {-1: money("0.01")},
    ),
    "one whose host is offline bills nothing": (record(known(age_s=600)), [running(status="offline")], {}),
    "an unmanaged one does not count": (record(known(age_s=600)), [running(at=None)], {}),
    "another owner's does not count": (record(known(age_s=600)), [running(owner="bob")], {}),
    "one that a lost answer made bills from its attempt": (
        record(intent(number=100, age_s=300), last_list_at=NOW - 900),
        [running()],
        {-1: money("0.05")},
    ),
    "one that nobody knew bills from the list before": (
        record(last_list_at=NOW - 300),
        [running()],
        {-1: money("0.05")},
    ),
    "one that nobody knew and that began later bills from there": (
        record(last_list_at=NOW - 300, warm=True),
        [running(started_at=NOW - 60)],
        {-1: money("0.01")},
    ),
    "the first list of all counts nothing": (record(), [running()], {}),
    "one that went does not count any more": (record(known(age_s=600)), [], {}),
}


@pytest.mark.parametrize(("before", "instances", "expected"), CASES.values(), ids=CASES.keys())
def test_what_one_list_adds(before, instances, expected):
    assert billed(before, *instances) == expected


def test_a_stretch_is_shared_out_among_the_hours_it_lies_in():
    at = NOW + 10 * MINUTE_S
    assert billed(record(known(age_s=20 * MINUTE_S)), running(), at=at) == {-1: money("0.2"), 0: money("0.1")}


def test_what_is_older_than_31_days_is_forgotten():
    before = record(known(), spend={HOUR - KEPT_H: money(1), HOUR - KEPT_H + 1: money(2)})
    assert 1 - KEPT_H in billed(before)
    assert -KEPT_H not in billed(before)


@given(st.lists(st.floats(1, 3600), min_size=1, max_size=40))
def test_lists_at_most_an_hour_apart_lose_nothing(gaps):
    """However the lists fall, the sum is the rate times the time between the first and the last."""
    now, remembered = NOW, record(known(age_s=0))
    for gap in gaps:
        now += gap
        after = replace(remembered, known={100: replace(known(), seen_at=now)})
        remembered = counted(remembered, after, [running()], OWNER, now)
    total = sum(remembered.spend.values())
    assert abs(total - money("0.6") * Decimal(str((now - NOW) / HOUR_S))) < Decimal("0.0001")


def test_24_hours_and_30_days_are_summed_with_the_running_hour():
    spend = {HOUR: money(1), HOUR - 23: money(2), HOUR - 24: money(4), HOUR - 719: money(8), HOUR - 720: money(16)}
    assert spent(spend, NOW) == Spent(money(3), money(15))


# --- the budget of 30 days ------------------------------------------------------------------------


def test_with_nothing_spent_the_budget_is_a_rate_over_720_hours():
    assert rate_left({}, money(720), NOW) == 1


def test_what_was_spent_long_ago_leaves_the_window_soon():
    """$400 on one day: if that was yesterday, 30 days are to be lived on the rest; 29 days ago, one day."""
    yesterday, long_ago = {HOUR - 24: money(400)}, {HOUR - 29 * 24: money(400)}
    assert rate_left(yesterday, money(720), NOW) == money(320) / (WINDOW_H - 24)
    assert rate_left(long_ago, money(720), NOW) == 1


def test_too_much_spent_leaves_less_than_nothing():
    assert rate_left({HOUR: money(721)}, money(720), NOW) < 0


spends = st.dictionaries(st.integers(HOUR - WINDOW_H, HOUR), st.decimals("0.01", 5, places=2), max_size=30)


@given(spends, st.integers(10, 2000))
def test_a_run_at_the_rate_left_stays_within_the_budget_in_every_window(spend, budget):
    rate = rate_left(spend, Decimal(budget), NOW)
    for hours in range(1, WINDOW_H + 1, 37):
        past = sum(dollars for hour, dollars in spend.items() if hour >= HOUR - WINDOW_H + hours)
        assert past + rate * hours <= budget + Decimal("0.000001")


def planned(*fleets, instances=(), market=()):
    difference = diff(fleets, instances)
    return Plan(OWNER, 1, NOW, tuple(plans(difference, market))), difference


def guarded(plan, budget, committed="0", spend=None):
    limits = policy(budget_per_30_days=money(budget)).limits
    return guard_month(plan, limits, Standing(0, money(committed)), spend or {}, NOW)


def test_rents_beyond_the_rate_that_is_left_are_held_with_their_numbers():
    plan, _ = planned(fleet(replicas=3), market=offers("0.2", "0.2", "0.2"))
    ceiling = next(plan.actions()).ceiling
    found = guarded(plan, ceiling * 2 * 720, spend={})
    (held,) = found.refusals()
    assert len(list(found.actions())) == 2
    assert (held.guard, held.fleet, held.lift) == ("30-day budget", "june", "limits.budget_per_30_days")
    assert f"$0.00 of ${ceiling * 1440:.2f} were spent" in held.message
    assert f"leaves ${ceiling * 2:.3f}/h" in held.message


def test_it_never_holds_a_destroy():
    plan, _ = planned(fleet(replicas=0), instances=[instance()])
    assert list(guarded(plan, "0.01", "0.25", {HOUR: money(99)}).actions()) == list(plan.actions())
    assert list(plan.actions())


def test_without_the_field_nothing_is_held():
    plan, _ = planned(fleet(), market=offers("0.2"))
    assert guard_month(plan, policy().limits, Standing(0, money(0)), {HOUR: money(10**6)}, NOW) is plan


def test_a_seat_is_not_given_an_offer_that_the_budget_refuses():
    _, difference = planned(fleet())
    limits = policy(budget_per_30_days=money(720), budget_per_hour=money(2)).limits
    assert room(limits, difference, record(), NOW) == 1
    assert room(policy(budget_per_hour=money(2)).limits, difference, record(), NOW) == 2
    assert room(policy().limits, difference, record(), NOW) is None
