"""Replacements of a seat, what a run may add, stopped instances, no credit, pruning: each with its numbers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import NOW, SETTLE, diff, fleet, instance, known, merged, observation, offers, plans, policy, record, told

from reconciler.core.batches import Batch
from reconciler.core.broke import no_credit, without_credit
from reconciler.core.budget import Standing
from reconciler.core.guards import Allowed, guard_all, guard_fleet
from reconciler.core.instance import Account
from reconciler.core.label import Seat
from reconciler.core.model import Limits, Rollout
from reconciler.core.plan import Destroy, Plan, Replace
from reconciler.core.replacing import (
    replacements_of,
    with_emptied,
    with_replacement,
    without_replacement,
    without_unwanted,
)
from reconciler.core.traces import Suspect

D = Decimal
JUNE = Seat("june", 0)
RUN = Allowed(run_started_at=NOW - 1)
NOTHING = Standing(0, D(0))


def whole(spec, listed=(), before=None, market=("0.2", "0.25", "0.3", "0.35"), **options):
    difference = diff(spec, listed, before)
    return Plan("default", 4711, NOW, tuple(plans(difference, offers(*market))), **options)


def guarded(spec, listed=(), before=None, rules=None):
    difference = diff(spec, listed, before)
    (made,) = plans(difference, offers("0.2", "0.25"))
    return guard_fleet(made, difference.fleets[0], rules or policy(), RUN)


# --- replacements of a seat -----------------------------------------------------------------------

HOUR_S = 3600.0
WORN = {
    # when it was replaced (hours ago), the limit, refused
    "never replaced": ((), 3, False),
    "twice within a day": ((1, 2), 3, False),
    "three times within a day": ((1, 2, 3), 3, True),
    "three times, one of them yesterday": ((1, 2, 24), 3, False),
    "the policy allows more": ((1, 2, 3), 4, False),
    "the policy allows none": ((), 0, True),
}


@pytest.mark.parametrize(("hours", "limit", "refused"), WORN.values(), ids=WORN.keys())
@pytest.mark.parametrize("how", ["dead", "vanished"])
def test_how_often_a_seat_is_replaced_within_a_day(hours, limit, refused, how):
    times = tuple(NOW - h * HOUR_S for h in hours)
    dead = [instance(status="exited")] if how == "dead" else []
    before = record(replaced={JUNE: times}, since={(100, "exited"): NOW - 900})
    before = before if dead else with_emptied(before, JUNE, NOW - 60)
    made = guarded(fleet(), dead, before, policy(replacements_per_seat_per_day=limit))
    assert len(made.actions) == (0 if refused else 1)
    held = [(h.guard, h.lift, h.seat) for h in made.held]
    assert held == [("replacements per seat", "reconcile free june/0", JUNE)] * refused


def test_the_refusal_says_how_often_and_how_often_it_may():
    before = with_emptied(record(replaced={JUNE: (NOW - 3, NOW - 2, NOW - 1)}), JUNE, NOW)
    (held,) = guarded(fleet(), (), before).held
    assert held.message == (
        "june/0 was replaced unasked 3 times within a day, limits.replacements_per_seat_per_day is 3"
    )


def test_a_first_rent_and_a_rollout_are_no_replacements():
    worn = record(replaced={JUNE: (NOW - 3, NOW - 2, NOW - 1)})
    assert told(guarded(fleet(), (), worn).actions) == ["+ june/0 offer 1"]
    new = fleet(image="a:2")
    assert told(guarded(new, [instance(spec=fleet(image="a:1"))], worn).actions) == ["+/- june/0 100 -> offer 1"]


def test_a_seat_that_holds_an_instance_again_is_not_emptied_any_more():
    before = with_emptied(record(known(100)), JUNE, NOW - 60)
    assert merged(before, observation(instance())).record.emptied == {}


UNWANTED = {
    # replicas by fleet: whether june/1 is still empty because its instance went
    "wanted": ({"june": 2}, True),
    "not wanted any more": ({"june": 1}, False),
    "of a fleet that is not looked at": ({"july": 1}, True),
}


@pytest.mark.parametrize(("replicas", "kept"), UNWANTED.values(), ids=UNWANTED.keys())
def test_a_seat_that_nobody_wants_is_forgotten_to_have_been_emptied(replicas, kept):
    before = with_emptied(record(), Seat("june", 1), NOW)
    assert without_unwanted(before, replicas).emptied == (before.emptied if kept else {})


def test_a_refused_rent_takes_its_count_back():
    twice = with_replacement(with_replacement(record(), JUNE, NOW - 10), JUNE, NOW)
    assert replacements_of(without_replacement(twice, JUNE, NOW), JUNE, NOW) == (NOW - 10,)


@pytest.mark.parametrize("successors", [0, 4])
def test_successors_beside_their_old_instances_let_no_more_go(successors):
    spec = fleet(replicas=10)
    listed = [instance(f"june/{n}", spec, id=100 + n, status="exited" if n < 5 else "running") for n in range(10)]
    listed += [instance(f"june/{n}", spec, id=200 + n) for n in range(9, 9 - successors, -1)]
    before = record(since={(100 + n, "exited"): NOW - 900 for n in range(5)})
    difference = diff(spec, listed, before)
    (made,) = plans(difference, offers(*["0.2"] * 10))
    guarded_one = guard_fleet(made, difference.fleets[0], policy(), RUN)
    assert sum(isinstance(action, Replace) for action in guarded_one.actions) == 3


# --- what a run may add ---------------------------------------------------------------------------

ADDED = {
    # the flag, what the run added before, how many of three rents of at most 0.21, 0.2625 and 0.315 stay
    "no flag": (None, "0", 3),
    "exactly all of it": ("0.7875", "0", 3),
    "a little less": ("0.7874", "0", 2),
    "the first alone": ("0.21", "0", 1),
    "nothing": ("0", "0", 0),
    "what the run added before counts": ("0.7875", "0.3", 2),
}


@pytest.mark.parametrize(("flag", "before", "kept"), ADDED.values(), ids=ADDED.keys())
def test_what_one_run_may_add(flag, before, kept):
    allowed = replace(RUN, max_added=D(flag) if flag else None, added=D(before))
    made = guard_all(whole(fleet(replicas=3)), Limits(), NOTHING, None, allowed)
    (part,) = made.fleets
    assert len(part.actions) == kept
    if kept < 3:
        total = D("0.788") + D(before)
        assert [(h.guard, h.lift) for h in part.held] == [("added per hour", f"--max-added-per-hour {total}")]


def test_a_replacement_adds_what_it_costs_more_and_a_step_of_a_rollout_both_for_a_while():
    old = [instance(spec=fleet(image="a:1"))]
    for order, most in (("create-first", "0.21"), ("destroy-first", "0")):
        spec = fleet(image="a:2", rollout=Rollout(order))
        for flag, kept in ((D(most), 1), (D(most) - D("0.001"), 0)):
            if flag >= 0:
                made = guard_all(whole(spec, old), Limits(), NOTHING, None, replace(RUN, max_added=flag))
                assert len(made.fleets[0].actions) == kept, (order, flag)


# --- instances that someone stopped ---------------------------------------------------------------


def test_a_stopped_instance_is_held_and_its_rate_is_told():
    (made,) = plans(diff(fleet(), [instance(status="stopped")]), offers("0.1"))
    (note,) = made.notes
    assert (made.actions, note.kind, note.rate_per_hour) == ((), "held", D("0.01"))


def test_a_fleet_may_have_stopped_instances_replaced():
    spec = fleet(on_manual_stop="replace")
    made = guarded(spec, [instance(spec=spec, status="stopped")])
    assert told(made.actions) == ["-/+ june/0 100 -> offer 1"]
    assert made.actions[0].reason == "instance 100 was stopped by someone"


def test_replacing_what_was_stopped_is_unasked_and_limited_by_the_share():
    spec = fleet(replicas=2, on_manual_stop="replace")
    rows = [instance(f"june/{i}", spec, id=100 + i, status="stopped") for i in range(2)]
    made = guarded(spec, rows)
    assert (len(made.actions), [h.guard for h in made.held]) == (1, ["unasked destroys"])


def test_a_queued_instance_was_not_stopped_by_anyone():
    spec = fleet(on_manual_stop="replace")
    assert guarded(spec, [instance(spec=spec, status="queued")]).actions == ()


BROKE = {
    "all stopped and no credit": (["stopped", "stopped"], "0", True),
    "less than nothing left": (["stopped"], "-0.3", True),
    "stopped and waiting for a GPU": (["stopped", "queued"], "0", True),
    "one runs still": (["stopped", "running"], "0", False),
    "a cent is left: somebody stopped them": (["stopped", "stopped"], "0.01", False),
    "no instance at all": ([], "0", False),
}


@pytest.mark.parametrize(("states", "credit", "broke"), BROKE.values(), ids=BROKE.keys())
def test_when_the_failure_is_that_there_is_no_credit(states, credit, broke):
    rows = [instance(f"june/{i}", id=100 + i, status=state) for i, state in enumerate(states)]
    seen = observation(*rows, account=Account(4711, D(credit)))
    assert (no_credit(seen) is not None) is broke


def test_without_credit_nothing_is_planned_and_one_problem_is_told():
    rows = [instance(f"june/{i}", id=100 + i, status="stopped") for i in range(2)]
    made = without_credit(whole(fleet(replicas=5), rows), observation(*rows, account=Account(4711, D("-0.12"))))
    assert (list(made.actions()), list(made.refusals())) == ([], [])
    assert made.problems[0].startswith("no credit: $-0.12 is left and all 2 instances of the account are stopped")


def test_a_credit_that_cannot_be_read_is_no_failure():
    assert no_credit(observation(instance(status="stopped"))) is None


# --- suspects, pruning ----------------------------------------------------------------------------


def test_instances_that_vanished_together_are_one_refusal_with_the_exact_number():
    suspects = [Suspect(i, Seat("june", i), NOW - 60, NOW - 120) for i in (1, 2, 3)]
    made = guard_all(Plan("default", 4711, NOW, ()), Limits(), NOTHING, None, RUN, suspects=suspects)
    (held,) = made.held
    assert (held.guard, held.lift) == ("suspicious vanishing", "--accept-gone 3")
    assert "3 instances of 1 fleet are called gone at once (1, 2, 3)" in held.message
    assert "in 9 min or later" in held.message


@pytest.mark.parametrize(("number", "pruned"), [(None, 0), (1, 0), (2, 2), (3, 0)])
def test_a_protected_fleet_is_pruned_only_with_the_exact_number(number, pruned):
    spec = fleet(replicas=2)
    part = diff(spec, [instance(f"june/{i}", spec, id=100 + i) for i in range(2)]).fleets[0]
    going = tuple(Destroy(m.mark.seat, m, "pruned") for m in part.members())
    plan = Plan("default", 4711, NOW, (), going)
    made = guard_all(plan, Limits(), NOTHING, None, replace(RUN, max_destroys=number), protect=["june"])
    assert len(made.pruned) == pruned
    assert [(h.guard, h.lift) for h in made.held] == ([] if pruned else [("protect", "--max-destroys 2")])


def test_other_fleets_are_pruned_without_a_number():
    member = diff(fleet(), [instance()]).fleets[0].members()[0]
    plan = Plan("default", 4711, NOW, (), (Destroy(JUNE, member, "pruned"),))
    assert len(guard_all(plan, Limits(), NOTHING, None, RUN, protect=["other"]).pruned) == 1


# --- batches --------------------------------------------------------------------------------------

BATCHES = {
    "all clear: no end": ([True] * 15, 15),
    "a doubt in the first ends at once": ([False], 1),
    "a doubt in the second ends with it": ([True, False, True], 3),
    "a doubt at the end of the second as well": ([True, True, False], 3),
    "a doubt in the third ends with its four": ([True, True, True, False, True, True, True], 7),
}


@pytest.mark.parametrize(("answers", "sent"), BATCHES.values(), ids=BATCHES.keys())
def test_where_a_doubt_ends_the_rents_of_a_pass(answers, sent):
    batch, count = Batch(), 0
    for clear in [*answers, *[True] * 20][:15]:
        if batch.may_rent():
            count += 1
            batch.answered(clear)
    assert count == sent


def test_the_next_pass_begins_with_one_after_a_doubt_and_goes_on_without():
    batch = Batch()
    assert batch.may_rent()
    batch.answered(True)
    batch.begin_pass()
    assert batch.may_rent()
    assert batch.size == 2
    batch.answered(False)
    batch.begin_pass()
    assert (batch.size, batch.may_rent()) == (1, True)


def test_the_default_settle_time_is_the_documented_one():
    assert (SETTLE.total_s, SETTLE.evidence_after_s, SETTLE.apart_s, SETTLE.lost_per_day) == (300, 150, 30, 1)


def rolling_beside(*others, **options):
    """A fleet whose three seats change one after the other, and another fleet with these rows."""
    aa, bb = fleet("aa", replicas=3, image="a:2"), fleet("bb", replicas=1, **options)
    rows = [instance(f"aa/{n}", fleet("aa", image="a:1"), id=10 + n) for n in range(3)]
    return (aa, bb), [*rows, *others]


ORDER = {
    # the other fleet, its rows; which two rents are let through
    "an empty seat, before the steps that only wait": ({}, (), ["aa/0", "bb/0"]),
    "a repair, before a healthy seat": (
        {},
        (instance("bb/0", fleet("bb"), id=20, status="offline"),),
        ["aa/0", "bb/0"],
    ),
    "a fleet of lower priority, before the steps that only wait": ({"priority": -1}, (), ["aa/0", "bb/0"]),
}


@pytest.mark.parametrize(("options", "others", "through"), ORDER.values(), ids=ORDER.keys())
def test_in_which_order_limits_are_given_out(options, others, through):
    fleets, rows = rolling_beside(*others, **options)
    before = record(since={(20, "offline"): NOW - 900})
    made = Plan("default", 1, NOW, tuple(plans(diff(fleets, rows, before), offers("0.1", "0.2", "0.3", "0.4"))))
    kept = guard_all(made, Limits(rents_per_run=2), NOTHING, None, RUN)
    assert sorted(str(a.seat) for a in kept.actions()) == through
    one = guard_all(made, Limits(rents_per_run=1), NOTHING, None, RUN)
    assert [str(a.seat) for a in one.actions()] == (["bb/0"] if others else ["aa/0"])
