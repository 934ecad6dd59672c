"""What each guard refuses and permits at its boundary, with its numbers and what lifts it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import pytest
from builders import (
    NOW,
    diff,
    fleet,
    instance,
    intent,
    leaving,
    offers,
    plans,
    policy,
    record,
    told,
)

from reconciler.core.assemble import standing
from reconciler.core.budget import Standing, committed, fleet_budget
from reconciler.core.guards import Allowed, guard_all, guard_fleet
from reconciler.core.instance import Account
from reconciler.core.model import Fleet, Limits, Policy, RunwayHours
from reconciler.core.plan import Destroy, FleetPlan, Plan, Replace, Wait

D = Decimal
RUN = Allowed(run_started_at=NOW - 1)
CHEAP = [f"0.{n:02d}" for n in range(10, 30)]


def fleet_of(replicas: int, **options) -> Fleet:
    return fleet(replicas=replicas, **options)


def rows(spec: Fleet, dead: Iterable[int] = (), *, status: str = "exited", **options):
    """An instance in every seat, those of `dead` in a bad state."""
    bad = set(dead)
    states = {i: status if i in bad else "running" for i in range(spec.replicas)}
    return [instance(f"{spec.name}/{i}", spec, id=100 + i, status=states[i], **options) for i in states]


def long_bad(*ids: int, status: str = "exited"):
    """A record that saw these instances bad well before this run, the first of them first."""
    return record(since={(i, status): NOW - 1000 + i for i in ids})


def guarded(spec, listed=(), market=CHEAP, before=None, rules: Policy | None = None, allowed=RUN) -> FleetPlan:
    difference = diff(spec, listed, before, rules=rules)
    (made,) = plans(difference, offers(*market))
    return guard_fleet(made, difference.fleets[0], rules or policy(), allowed)


def refusals(made):
    return [(held.guard, len(held.actions), held.lift) for held in made.held]


# --- unasked destroys -----------------------------------------------------------------------------

FLOORS = {
    # live instances, how many may be replaced unasked with the default share of 0.3
    1: 1,
    2: 1,
    3: 1,
    4: 1,
    6: 1,
    7: 2,
    10: 3,
}


@pytest.mark.parametrize(("live", "limit"), FLOORS.items())
def test_how_many_are_replaced_unasked_in_one_run(live, limit):
    spec = fleet_of(live, max_per_hour="0.5")
    made = guarded(spec, rows(spec, range(live)), before=long_bad(*range(100, 100 + live)))
    assert len(made.actions) == limit
    held = [("unasked destroys", live - limit, f"--max-destroys {live}")] if live > limit else []
    assert refusals(made) == held


def test_the_guard_says_its_numbers():
    spec = fleet_of(4)
    (held,) = guarded(spec, rows(spec, [0, 1]), before=long_bad(100, 101)).held
    assert held.message == "2 of 4 instances are to be replaced unasked, at most 1 in one run"
    assert held.fleet == "june"


def test_the_worst_goes_first():
    spec = fleet_of(4)
    before = record(since={(100, "exited"): NOW - 500, (102, "exited"): NOW - 900})
    assert told(guarded(spec, rows(spec, [0, 2]), before=before).actions)[0].startswith("-/+ june/2 102")


SHARES = {"a share of none is still one": ("0", 1), "half": ("0.5", 2), "all": ("1", 4), "rounded down": ("0.74", 2)}


@pytest.mark.parametrize(("share", "expected"), SHARES.values(), ids=SHARES.keys())
def test_the_share_is_the_policys(share, expected):
    spec, rules = fleet_of(4), policy(max_unasked_destroy_share=D(share))
    assert len(guarded(spec, rows(spec, range(4)), before=long_bad(*range(100, 104)), rules=rules).actions) == expected


@pytest.mark.parametrize(("allowed", "expected"), [(0, 0), (1, 1), (3, 3), (9, 4)])
def test_the_flag_says_the_number_instead(allowed, expected):
    spec = fleet_of(4)
    flag = replace(RUN, max_destroys=allowed)
    made = guarded(spec, rows(spec, range(4)), before=long_bad(*range(100, 104)), allowed=flag)
    assert len(made.actions) == expected


LATELY = {"none went lately": (0, 3), "one did": (1, 2), "all that may": (3, 0), "more, when it had more": (5, 0)}


@pytest.mark.parametrize(("before", "expected"), LATELY.values(), ids=LATELY.keys())
def test_what_went_lately_counts_against_the_share(before, expected):
    spec, flag = fleet_of(10), replace(RUN, unasked_before={"june": before, "july": 9})
    made = guarded(spec, rows(spec, range(4)), before=long_bad(*range(100, 104)), allowed=flag)
    assert len(made.actions) == expected
    if before:
        assert made.held[0].message.endswith(f"at most 3 in one run, and {before} went in the last ten minutes")


def test_what_is_asked_for_is_not_limited_by_the_share():
    smaller = fleet_of(1)
    made = guarded(smaller, rows(fleet_of(9)))
    assert (len(made.actions), made.held) == (8, ())


def test_a_rollout_is_not_limited_by_the_share():
    spec = fleet_of(3, image="a:2")
    made = guarded(spec, rows(fleet_of(3, image="a:1")))
    assert (len(made.actions), made.held) == (3, ())


# --- a suspected reading --------------------------------------------------------------------------


def turned_bad(count, hosts, *, live=10, before=None, allowed=RUN):
    """`count` of `live` instances are seen bad for the first time, standing on `hosts` hosts."""
    spec = fleet_of(live)
    listed = [replace(r, host_id=i % hosts if i < count else 1000 + i) for i, r in enumerate(rows(spec, range(count)))]
    return guarded(spec, listed, before=before, allowed=allowed)


SUSPECTED = {
    "two instances on two hosts are believed": (2, 2, False),
    "three instances on one host are believed": (3, 1, False),
    "three instances on two hosts are suspected": (3, 2, True),
    "all of them at once are suspected": (10, 10, True),
}


@pytest.mark.parametrize(("count", "hosts", "expected"), SUSPECTED.values(), ids=SUSPECTED.keys())
def test_many_that_turn_bad_at_once_are_a_suspected_reading(count, hosts, expected):
    made = turned_bad(count, hosts)
    assert ("suspected reading" in [held.guard for held in made.held]) is expected
    assert (made.actions == ()) is expected


def test_a_suspected_reading_says_its_numbers_and_its_lift():
    (held,) = turned_bad(4, 2).held
    assert held.message == "4 instances on 2 hosts turned bad in one reading: suspected, none is destroyed"
    assert held.lift == "--max-destroys 4"


def test_the_flag_lifts_a_suspicion():
    assert len(turned_bad(4, 2, allowed=replace(RUN, max_destroys=4)).actions) == 4


def test_what_was_bad_before_this_run_is_not_suspected():
    made = turned_bad(4, 2, before=long_bad(100, 101, 102, 103))
    assert (len(made.actions), refusals(made)) == (3, [("unasked destroys", 1, "--max-destroys 4")])


# --- protect --------------------------------------------------------------------------------------

PROTECTED = policy(protect=("june",))
EXACT = {
    "without a number nothing goes": (None, False),
    "one too few": (1, False),
    "the exact number": (2, True),
    "one too many": (3, False),
}


@pytest.mark.parametrize(("number", "expected"), EXACT.values(), ids=EXACT.keys())
def test_a_protected_fleet_loses_instances_only_by_the_exact_number(number, expected):
    made = guarded(fleet_of(1), rows(fleet_of(3)), rules=PROTECTED, allowed=replace(RUN, max_destroys=number))
    assert len(made.actions) == (2 if expected else 0)
    assert refusals(made) == ([] if expected else [("protect", 2, "--max-destroys 2")])


def test_a_protected_fleet_may_grow():
    assert guarded(fleet_of(2), rules=PROTECTED).held == ()


def test_a_protected_fleet_is_not_rolled_out_or_repaired_without_the_number():
    spec = fleet(image="a:2")
    assert guarded(spec, rows(fleet(image="a:1")), rules=PROTECTED).actions == ()
    assert guarded(spec, rows(spec, [0]), before=long_bad(100), rules=PROTECTED).actions == ()


def test_another_fleet_is_not_protected():
    assert len(guarded(fleet_of(1), rows(fleet_of(2)), rules=policy(protect=("july",))).actions) == 1


# --- the fleet's budget ---------------------------------------------------------------------------


def test_an_unwritten_budget_is_every_seat_and_one_step_at_the_cap():
    assert fleet_budget(fleet_of(3, max_per_hour="0.4")) == D("1.6")
    assert fleet_budget(fleet_of(3, max_per_hour="0.4", budget_per_hour="1")) == 1


BUDGETS = {
    # offers at 0.2, ceilings 0.21
    "all of it fits": ("0.63", 3),
    "a cent less and one does not": ("0.62", 2),
    "nothing fits": ("0.2", 0),
}


@pytest.mark.parametrize(("budget", "expected"), BUDGETS.values(), ids=BUDGETS.keys())
def test_rents_stay_within_a_written_budget(budget, expected):
    made = guarded(fleet_of(3, budget_per_hour=budget), market=["0.2"] * 3)
    assert len(made.actions) == expected
    held = [("fleet budget", 3 - expected, "price.budget_per_hour")] if expected < 3 else []
    assert refusals(made) == held


@pytest.mark.parametrize("budget", [None, "0.51"])
def test_a_repair_that_fits_once_the_surplus_is_gone_waits_for_that(budget):
    spec = fleet_of(2, max_per_hour="0.26", budget_per_hour=budget)
    made = guarded(spec, rows(fleet_of(8), dead=[0]), market=["0.24"], before=long_bad(100))
    assert refusals(made) == []
    (repair,) = (a for a in made.actions if isinstance(a, Replace))
    assert repair.wait == Wait("until the surplus is gone")
    assert [a.old.id for a in made.actions if isinstance(a, Destroy)] == [102, 103, 104, 105, 106, 107]


def test_a_repair_waits_for_no_surplus_that_stays_or_is_not_enough():
    listed, before = rows(fleet_of(8), dead=[0]), long_bad(100)
    small = fleet_of(2, max_per_hour="0.26", budget_per_hour="0.25")
    assert ("fleet budget", 1, "price.budget_per_hour") in refusals(guarded(small, listed, ["0.24"], before))
    tight, rules = replace(small, price=replace(small.price, budget_per_hour=D("0.5"))), policy(protect=["june"])
    made = guarded(tight, listed, ["0.24"], before, rules)
    assert [(guard, count) for guard, count, _ in refusals(made)] == [("protect", 7)]


def test_the_budget_says_its_numbers():
    (held,) = guarded(fleet_of(3, budget_per_hour="0.5"), market=["0.2"] * 3).held
    assert held.message == "1 more would exceed the fleet's budget of $0.500/h ($0.420/h are committed)"


COMMITTED = {
    "an instance at its full price": ([instance()], record(), "0.25"),
    "a stopped one too, since it may start again": ([instance(status="stopped")], record(), "0.25"),
    "an offline one too, since it may come back": ([instance(status="offline")], record(), "0.25"),
    "one whose price is not told at the cap": ([instance(price_per_hour=None)], record(), "0.5"),
    "one beyond the replicas": ([instance("june/8")], record(), "0.25"),
    "an attempt in doubt at its ceiling": ([], record(intent(ceiling=D("0.3"))), "0.3"),
    "an attempt in doubt beyond the replicas": ([], record(intent("june/8", ceiling=D("0.3"))), "0.3"),
    "a destroy that is not seen": ([], record(leaving(5, rate="0.2")), "0.2"),
    "a destroy that is not seen beyond the replicas": ([], record(leaving(5, "june/8", rate="0.2")), "0.2"),
    "an instance on its way out is counted once": ([instance(id=5)], record(leaving(5, rate="0.25")), "0.25"),
    "a surplus one on its way out is counted once": (
        [instance("june/8", id=5)],
        record(leaving(5, "june/8", rate="0.25")),
        "0.25",
    ),
}


@pytest.mark.parametrize(("listed", "before", "expected"), COMMITTED.values(), ids=COMMITTED.keys())
def test_what_a_fleet_has_committed(listed, before, expected):
    assert committed(diff(fleet(), listed, before).fleets[0]) == D(expected)


def test_an_attempt_in_doubt_spends_its_price():
    before = record(intent("june/0", ceiling=D("0.3")))
    made = guarded(fleet_of(2, budget_per_hour="0.5"), before=before, market=["0.2"])
    assert refusals(made) == [("fleet budget", 1, "price.budget_per_hour")]


# instances at 0.25, offers at 0.2, ceilings 0.21: one step on the way makes 0.25 * n + 0.21
ROLLOUTS = {
    "there is room for a step": (1, "0.46", ["+/-"]),
    "a cent less and the old one goes first": (1, "0.45", ["-/+"]),
    "there is room for one step at a time": (3, "0.96", ["+/-", "+/-", "+/-"]),
    "a cent less and every step is old first": (3, "0.95", ["-/+", "-/+", "-/+"]),
    "the default has room for one step at a time": (3, None, ["+/-", "+/-", "+/-"]),
}


@pytest.mark.parametrize(("replicas", "budget", "expected"), ROLLOUTS.values(), ids=ROLLOUTS.keys())
def test_a_tight_budget_turns_the_order_of_a_rollout(replicas, budget, expected):
    spec = fleet_of(replicas, image="a:2", budget_per_hour=budget)
    made = guarded(spec, rows(fleet_of(replicas, image="a:1")), market=["0.2"] * replicas)
    assert [line.split()[0] for line in told(made.actions)] == expected
    assert made.held == ()
    assert ["the budget is tight" in a.reason for a in made.actions] == [sign == "-/+" for sign in expected]


def test_a_tight_budget_turns_no_order_while_a_seat_is_empty():
    spec = fleet_of(3, image="a:2", budget_per_hour="0.75", max_per_hour="0.26")
    made = guarded(spec, rows(fleet_of(3, image="a:1"))[1:], market=["0.24"] * 3)
    assert not any(line.startswith("-/+") for line in told(made.actions))


def test_a_default_fleet_near_its_cap_is_rolled_out_new_first():
    spec = fleet_of(4, image="a:2", max_per_hour="0.26")
    made = guarded(spec, rows(fleet_of(4, image="a:1")), market=["0.25"] * 4)
    assert {line.split()[0] for line in told(made.actions)} == {"+/-"}


def test_a_step_and_a_rent_count_together():
    spec = fleet_of(2, image="a:2", budget_per_hour="0.66")
    made = guarded(spec, [instance("june/0", fleet(image="a:1"))], market=["0.2"] * 2)
    assert [line.split()[0] for line in told(made.actions)] == ["+/-"]
    assert refusals(made) == [("fleet budget", 1, "price.budget_per_hour")]


def test_a_repair_at_the_same_price_fits_a_full_budget():
    spec = fleet_of(2, budget_per_hour="0.5")
    made = guarded(spec, rows(spec, [0]), before=long_bad(100), market=["0.238"])
    assert (len(made.actions), made.held) == (1, ())


def test_a_lowered_cap_is_reached_although_what_runs_is_over_the_new_budget():
    """One instance at $0.50 under a cap of $0.24: its replacement is what brings the fleet within, and only a budget
    that somebody wrote makes the old one go first."""
    made = guarded(fleet(max_per_hour="0.24"), [instance(price_per_hour="0.5")], market=["0.2"])
    assert (told(made.actions), made.held) == (["+/- june/0 100 -> offer 1"], ())
    tight = fleet(max_per_hour="0.24", budget_per_hour="0.48")
    made = guarded(tight, [instance(price_per_hour="0.5")], market=["0.2"])
    assert (told(made.actions), made.held) == (["-/+ june/0 100 -> offer 1"], ())


@pytest.mark.parametrize("budget", [None, "0.71"])
def test_the_next_step_is_judged_by_what_is_there_when_its_turn_comes(budget):
    """In the middle of a step there are three of two; the next one comes when there are two again."""
    spec = fleet_of(2, image="a:2", max_per_hour="0.25", budget_per_hour=budget)
    listed = [
        instance("june/0", fleet(image="a:1"), id=99),
        instance("june/0", spec, id=100),
        instance("june/1", fleet(image="a:1"), id=101),
    ]
    made = guarded(spec, listed, market=["0.2"])
    assert told(made.actions) == ["- june/0 99", "+/- june/1 101 -> offer 1, after june/0"]
    assert made.held == ()


def test_a_lowered_budget_destroys_nothing_by_itself():
    spec = fleet_of(3, budget_per_hour="0.1")
    assert guarded(spec, rows(spec)).actions == ()


def test_a_destroy_is_never_too_expensive():
    made = guarded(fleet_of(1, budget_per_hour="0.01"), rows(fleet_of(3)))
    assert told(made.actions) == ["- june/1 101", "- june/2 102"]


def test_what_a_destroy_frees_is_spent_only_once_it_is_seen():
    spec = fleet_of(2, budget_per_hour="0.5")
    listed = [instance("june/0", spec), instance("june/5", spec, id=105)]
    made = guarded(spec, listed, market=["0.2"])
    assert told(made.actions) == ["- june/5 105"]
    assert refusals(made) == [("fleet budget", 1, "price.budget_per_hour")]


# --- a name under another owner -------------------------------------------------------------------

THEIRS = instance("june/0", id=9, owner="other")
BESIDE = {
    "refused by default": (frozenset(), True),
    "another name does not lift it": (frozenset({"someone"}), True),
    "the owner's name does": (frozenset({"other"}), False),
}


@pytest.mark.parametrize(("beside", "expected"), BESIDE.values(), ids=BESIDE.keys())
def test_a_fleet_whose_name_lives_under_another_owner_is_refused(beside, expected):
    made = guarded(fleet(), [THEIRS], allowed=replace(RUN, beside=beside))
    assert refusals(made) == ([("name under another owner", 0, "--beside other")] if expected else [])
    assert "june" in made.held[0].message if expected else True


def test_nothing_of_a_refused_fleet_is_rented_even_if_it_was_placed():
    (part,) = diff(fleet(), [THEIRS]).fleets
    ((made),) = plans(diff(fleet()), offers("0.1"))
    refused = guard_fleet(made, part, policy(), RUN)
    assert (refused.actions, refusals(refused)) == ((), [("name under another owner", 1, "--beside other")])


def test_a_fleet_of_zero_is_refused_nothing():
    assert guarded(fleet(replicas=0), [THEIRS]).held == ()


# --- the policy's limits, over all fleets ---------------------------------------------------------


def whole(specs, listed=(), *, limits, standing=None, account=None, allowed=RUN, before=None, market=CHEAP) -> Plan:
    difference = diff(specs, listed, before)
    made = Plan("default", None, NOW, tuple(plans(difference, offers(*market))))
    live = [m for part in difference.fleets for m in part.members()]
    counted = standing or Standing(len(live), sum((m.instance.price_per_hour for m in live), D(0)))
    return guard_all(made, limits, counted, account, allowed)


def kept(made: Plan) -> list[str]:
    return told(made.actions())


def lifts(made: Plan) -> list[tuple[str, str | None, int]]:
    return [(held.guard, held.fleet, len(held.actions)) for held in made.refusals()]


RENTS = {"no limit": (None, 0, 3), "two in a run": (2, 0, 2), "one was done": (2, 1, 1), "all were done": (2, 2, 0)}


@pytest.mark.parametrize(("limit", "done", "expected"), RENTS.values(), ids=RENTS.keys())
def test_how_many_are_rented_in_one_run(limit, done, expected):
    made = whole(fleet_of(3), limits=Limits(rents_per_run=limit), allowed=replace(RUN, rents_done=done))
    assert len(kept(made)) == expected
    assert lifts(made) == ([("rents per run", "june", 3 - expected)] if expected < 3 else [])


def test_a_repair_is_a_rent_too():
    spec = fleet()
    made = whole(spec, rows(spec, [0]), before=long_bad(100), limits=Limits(rents_per_run=0))
    assert kept(made) == []


COUNTS = {"room for all": (5, 3), "room for one": (3, 1), "room for none": (2, 0), "already too many": (1, 0)}


@pytest.mark.parametrize(("most", "expected"), COUNTS.values(), ids=COUNTS.keys())
def test_how_many_instances_there_may_be(most, expected):
    made = whole(fleet_of(3), limits=Limits(max_instances=most), standing=Standing(2, D(0)))
    assert len(kept(made)) == expected
    if expected < 3:
        (held,) = made.refusals()
        assert held.message == f"the policy allows {most} instances, 2 are there"
        assert held.lift == "limits.max_instances"


def test_a_repair_takes_the_place_of_the_dead_one():
    spec = fleet_of(2)
    made = whole(spec, rows(spec, [0]), before=long_bad(100), limits=Limits(max_instances=2))
    assert len(kept(made)) == 1


@pytest.mark.parametrize(("most", "expected"), [(3, 0), (4, 3)])
def test_a_rollout_needs_room_for_one_step(most, expected):
    made = whole(fleet_of(3, image="a:2"), rows(fleet_of(3, image="a:1")), limits=Limits(max_instances=most))
    assert len(kept(made)) == expected


POLICY_BUDGETS = {"all fits": ("1.13", 3), "a cent less": ("1.12", 2), "nothing fits": ("0.6", 0)}


@pytest.mark.parametrize(("budget", "expected"), POLICY_BUDGETS.values(), ids=POLICY_BUDGETS.keys())
def test_all_fleets_stay_within_the_policys_budget(budget, expected):
    limits = Limits(budget_per_hour=D(budget))
    made = whole(fleet_of(3), limits=limits, standing=Standing(2, D("0.5")), market=["0.2"] * 3)
    assert len(kept(made)) == expected
    if expected < 3:
        (held,) = made.refusals()
        assert held.message == f"the policy's budget is ${D(budget):.3f}/h, $0.500/h are committed"


def test_a_rollout_of_a_large_fleet_needs_the_budget_of_one_step():
    limits = Limits(budget_per_hour=D("2.71"))
    made = whole(fleet_of(10, image="a:2"), rows(fleet_of(10, image="a:1")), limits=limits, market=["0.2"] * 10)
    assert (len(kept(made)), lifts(made)) == (10, [])


def test_two_fleets_share_a_budget_by_priority():
    limits = Limits(budget_per_hour=D("0.21"))
    made = whole([fleet("a"), fleet("b", priority=1)], limits=limits, market=["0.2", "0.2"])
    assert [line.split()[1] for line in kept(made)] == ["b/0"]
    assert lifts(made) == [("policy budget", "a", 1)]


def test_limits_hold_no_destroy_back():
    limits = Limits(rents_per_run=0, max_instances=0, budget_per_hour=D(0))
    made = whole(fleet_of(1), rows(fleet_of(2)), limits=limits, account=Account(1, D(0)))
    assert kept(made) == ["- june/1 101"]


# --- credit ---------------------------------------------------------------------------------------

CREDIT = {
    # the new rate is 0.5 + 0.21 = 0.71 $/h, the limit two hours
    "it lasts two hours": ("1.42", 2, 1),
    "it lasts a little less": ("1.41", 2, 0),
    "no limit": ("0", 0, 1),
    "none left": ("0", 2, 0),
    "in debt": ("-3", 2, 0),
}


@pytest.mark.parametrize(("credit", "hours", "expected"), CREDIT.values(), ids=CREDIT.keys())
def test_nothing_is_rented_that_the_credit_does_not_carry(credit, hours, expected):
    limits = Limits(min_runway_hours=RunwayHours(refuse=D(hours)))
    account = Account(1, D(credit))
    made = whole(fleet(), limits=limits, account=account, standing=Standing(2, D("0.5")), market=["0.2"])
    assert len(kept(made)) == expected


def test_the_runway_says_its_numbers():
    made = whole(
        fleet(), limits=Limits(), account=Account(1, D("0.71")), standing=Standing(2, D("0.5")), market=["0.2"]
    )
    (held,) = made.refusals()
    assert held.guard == "credit runway"
    assert held.message == "the credit of $0.71 would last 1.0 h at $0.710/h, less than 2 h"
    assert held.lift == "add credit, or limits.min_runway_hours"


def test_what_others_bill_counts_for_the_credit_and_for_no_budget():
    theirs = [
        instance("june/0", owner="other", id=8, price_per_hour=D("0.2")),
        instance(None, id=9, price_per_hour=D("0.3")),
    ]
    found = standing(diff(fleet(), [*rows(fleet()), *theirs]), record(), NOW)
    assert (found.instances, found.per_hour, found.besides) == (1, D("0.25"), D("0.5"))
    limits = Limits(budget_per_hour=D("0.21"))
    beside = Standing(0, D(0), D("0.5"))
    assert len(kept(whole(fleet(), limits=limits, standing=beside, account=Account(1, D("1.42")), market=["0.2"]))) == 1
    assert kept(whole(fleet(), limits=limits, standing=beside, account=Account(1, D("1.41")), market=["0.2"])) == []


def test_an_account_that_may_not_be_read_refuses_nothing():
    assert len(kept(whole(fleet(), limits=Limits(), account=None))) == 1


def test_a_low_credit_does_not_stop_a_repair_that_costs_no_more():
    spec = fleet()
    account = Account(1, D("0.01"))
    made = whole(spec, rows(spec, [0]), before=long_bad(100), limits=Limits(), account=account, market=["0.2"])
    assert len(kept(made)) == 1
