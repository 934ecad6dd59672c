"""Cheaper places: what is compared and when, what is worth it, who says so, and the candidate beside the old one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import (
    DAY_S,
    HOUR_S,
    NO_BANS,
    NOW,
    diff,
    fleet,
    instance,
    intent,
    known,
    money,
    offer,
    offers,
    policy,
    record,
    seat,
    told,
)

from reconciler.core.assemble import sitting
from reconciler.core.budget import money as weight
from reconciler.core.cheaper import LOOK_EVERY_S, ROWS_FOR_LOOKS, Asking, looks, worth
from reconciler.core.health import Health
from reconciler.core.label import read_label
from reconciler.core.model import Rollout
from reconciler.core.place import Ground, place
from reconciler.core.planner import needs_of
from reconciler.core.renewal import Cheaper
from reconciler.core.text import safe
from reconciler.core.trials import Proposal, Trial, until, with_trial, with_winners, without_trial

from .trading import ASKING, asks, compared, later, old, planned

CHEAP = offer(1, price="0.15")
HERE = seat("june/0")


def notes(plan, kind="proposed"):
    return [note.text for note in plan.notes if note.kind == kind]


# --- what is worth it -----------------------------------------------------------------------------

WORTH = {
    "the part where it is more": ("0.25", {"saves_per_month": "10", "saves_percent": "20"}, "0.2"),
    "the dollars where they are more": ("0.25", {"saves_per_month": "72", "saves_percent": "20"}, "0.15"),
    "nothing saves more than all": ("0.05", {"saves_per_month": "72", "saves_percent": "20"}, "-0.05"),
}


@pytest.mark.parametrize(("price", "rules", "most"), WORTH.values(), ids=WORTH.keys())
def test_both_thresholds_must_hold(price, rules, most):
    assert worth(Cheaper(**{name: money(value) for name, value in rules.items()}), money(price)) == money(most)


SAVING = {
    "enough": ("0.15", ["saves $72.00 a month, 40 %"]),
    "just enough": ("0.2", ["saves $36.00 a month, 20 %"]),
    "a little too little": ("0.2001", []),
    "nothing": ("0.3", []),
}


@pytest.mark.parametrize(("price", "said"), SAVING.values(), ids=SAVING.keys())
def test_what_saves_enough_is_proposed_and_nothing_is_done(price, said):
    spec = asks()
    plan, _ = compared(spec, [old(spec)], [offer(1, price=price)])
    assert plan.actions == ()
    assert [any(part in text for text in notes(plan)) for part in said] == [True] * len(said)
    assert len(notes(plan)) == len(said)


def test_a_proposal_names_both_and_how_to_agree():
    spec = asks()
    (text,) = notes(compared(spec, [old(spec)], [CHEAP])[0])
    assert text == (
        "proposed: instance 100 could go for $0.150/h on machine 5001 (saves $72.00 a month, 40 %):"
        " reconcile apply --approve june/0"
    )


def test_the_market_is_not_drift_without_being_asked():
    spec = fleet()
    assert looks(diff(spec, [old(spec)]), record(), ASKING) == []
    plan, _ = compared(spec, [old(spec)], [CHEAP])
    assert (plan.actions, plan.notes) == ((), ())


def test_an_offer_that_the_fleet_s_rules_refuse_is_none():
    spec = asks()
    plan, _ = compared(spec, [old(spec)], [offer(1, price="0.1", verified=False)])
    assert notes(plan) == []


# --- when it is looked ----------------------------------------------------------------------------

RECENT = {"looked": {"june": NOW - LOOK_EVERY_S + 1}}
TRIED = {"trials": {"x": Trial("x", HERE, NOW - 30, NOW, 9)}}
NAMED = later(ASKING, approved=frozenset({HERE}))
PLANNED = later(ASKING, planned=frozenset({HERE}))

WHEN = {
    "an instance of two days": ({}, {}, {}, ASKING, True),
    "a young one": ({}, {"started_at": NOW - DAY_S + 1}, {}, ASKING, False),
    "as old as asked for": ({"min_age_s": HOUR_S}, {"started_at": NOW - HOUR_S}, {}, ASKING, True),
    "one whose age nobody knows": ({}, {"started_at": None}, {}, ASKING, False),
    "one whose price nobody knows": ({}, {"price_per_hour": None}, {}, ASKING, False),
    "one that boots": ({}, {"status": "loading"}, {}, ASKING, False),
    "one that failed": ({}, {"status": "exited"}, {}, ASKING, False),
    "one that someone stopped": ({}, {"status": "stopped"}, {}, ASKING, False),
    "soon after the last look": ({}, {}, RECENT, ASKING, False),
    "six hours after it": ({}, {}, {"looked": {"june": NOW - LOOK_EVERY_S}}, ASKING, True),
    "with half of the day's rows used": ({}, {}, {}, later(ASKING, rows_used=ROWS_FOR_LOOKS), False),
    "without a memory": ({}, {}, {"warm": False}, ASKING, False),
    "named by a person, whenever": ({}, {}, RECENT, later(NAMED, rows_used=ROWS_FOR_LOOKS), True),
    "named, but young": ({}, {"started_at": NOW - 60}, RECENT, NAMED, False),
    "named, and tried in this run": ({}, {}, {**RECENT, **TRIED}, NAMED, False),
    "named, and tried in an earlier run": ({}, {}, {**RECENT, **TRIED}, later(NAMED, run_started_at=NOW - 20), True),
    "in the plan of this run, where nobody is asked": ({"approve": "auto"}, {}, RECENT, PLANNED, True),
    "in it, where somebody is": ({"approve": "manual"}, {}, RECENT, PLANNED, False),
}


@pytest.mark.parametrize(("rules", "facts", "remembered", "asking", "looked"), WHEN.values(), ids=WHEN.keys())
def test_when_an_instance_is_compared(rules, facts, remembered, asking, looked):
    spec = asks(**rules)
    before = record(**remembered)
    assert [need.seat for need in looks(diff(spec, [old(spec, **facts)], before), before, asking)] == [HERE] * looked


def test_nothing_is_compared_while_something_of_the_fleet_is_on_its_way():
    spec = asks(replicas=2)
    both = [old(spec), old(spec, "june/1", id=101)]
    assert len(looks(diff(spec, both), record(), ASKING)) == 2
    beside = instance("june/1", spec, id=102, status="loading")
    assert looks(diff(spec, [*both, beside]), record(), ASKING) == []
    doubt = record(intent("june/1"))
    assert looks(diff(spec, both, doubt), doubt, ASKING) == []
    for part in ({"paused": True}, {}):
        fleets = diff(replace(spec, **part), both)
        assert bool(looks(fleets, record(), ASKING)) is not bool(part)
    assert looks(diff(spec, both), record(), ASKING, busy={"june"}) == []


def test_a_look_asks_for_nothing_that_is_too_dear_to_be_of_use():
    spec = asks(replicas=2)
    running = [old(spec), old(spec, "june/1", id=101, price_per_hour="0.3")]
    needs = looks(diff(spec, running), record(), ASKING)
    assert [need.cap for need in needs] == [money("0.2"), money("0.24")]
    assert {need.fleet.price.max_per_hour for need in needs} == {money("0.2401")}


def test_the_price_cap_of_the_fleet_holds_for_a_cheaper_place_too():
    spec = asks(saves_per_month=0, saves_percent=1)
    spec = replace(spec, price=replace(spec.price, max_per_hour=money("0.1")))
    (need,) = looks(diff(spec, [old(spec, price_per_hour="0.101")]), record(), ASKING)
    assert need.fleet.price.max_per_hour == money("0.1")


# --- what is remembered of a look -----------------------------------------------------------------


def test_what_was_found_is_shown_until_the_next_look_without_asking_the_market():
    spec = asks()
    _, after = compared(spec, [old(spec)], [CHEAP])
    assert after.looked == {"june": NOW}
    plan, same = compared(spec, [old(spec)], [], after, later(ASKING, now=NOW + HOUR_S))
    assert "seen 1 h ago" in notes(plan)[0]
    assert same == after
    plan, _ = compared(spec, [old(spec, id=105)], [], after)
    assert notes(plan) == []


def test_a_look_that_finds_nothing_ends_what_was_proposed():
    spec = asks()
    _, after = compared(spec, [old(spec)], [CHEAP])
    plan, after = compared(spec, [old(spec)], [], after, later(ASKING, now=NOW + LOOK_EVERY_S))
    assert (notes(plan), after.proposals) == ([], {})


def test_a_look_at_one_named_seat_leaves_the_others_proposed_and_the_next_look_due_as_before():
    spec = asks(replicas=2)
    running = [old(spec), old(spec, "june/1", id=101)]
    _, after = compared(spec, running, offers("0.1", "0.1"))
    assert set(after.proposals) == {HERE, seat("june/1")}
    asking = later(NAMED, now=NOW + HOUR_S)
    plan, after = compared(spec, running, offers("0.1"), after, asking)
    assert told(plan.actions) == ["+/- june/0 100 -> offer 1"]
    assert [text.split(" could")[0] for text in notes(plan)] == ["proposed: instance 101"]
    assert after.looked == {"june": NOW}


# --- who says so ----------------------------------------------------------------------------------


def test_what_a_person_named_is_carried_out_new_first_for_at_most_what_saves_enough():
    spec = replace(asks(), rollout=Rollout("destroy-first"))
    plan, _ = compared(spec, [old(spec)], [offer(1, price="0.199")], asking=NAMED)
    (action,) = plan.actions
    assert told(plan.actions) == ["+/- june/0 100 -> offer 1"]
    assert (action.order, action.asked, action.ceiling) == ("create-first", True, money("0.2"))
    assert action.reason == "replace.cheaper saves $36.72 a month, 20 %"
    assert weight(action).lasting == money("-0.05")


def test_several_named_seats_go_one_after_the_other_the_greatest_saving_first():
    spec = asks(replicas=2)
    running = [old(spec), old(spec, "june/1", id=101, price_per_hour="0.4")]
    both = later(ASKING, approved=frozenset({HERE, seat("june/1")}))
    plan, _ = compared(spec, running, offers("0.1", "0.1"), asking=both)
    assert [line.partition(",")[2] for line in told(plan.actions)] == ["", " after june/1"]
    assert [action.seat.index for action in plan.actions] == [1, 0]


def test_a_named_seat_waits_while_a_candidate_is_tried_for_another():
    spec = asks(replicas=2)
    second = instance("june/0", spec, id=102, status="loading")
    running = [old(spec), second, old(spec, "june/1", id=101)]
    before = trial(second, 1800)
    plan, _ = planned(diff(spec, running, before), [CHEAP], before, later(ASKING, approved=frozenset({seat("june/1")})))
    assert [note.seat.index for note in plan.notes if note.kind == "candidate"] == [0, 1]


def test_a_name_for_which_there_is_nothing_is_answered():
    spec = asks()
    plan, _ = compared(spec, [old(spec)], [offer(1, price="0.24")], asking=NAMED)
    assert plan.actions == ()
    assert notes(plan) == [
        "there is nothing to approve: no offer saves enough, or its instance is too young to be compared"
    ]


TODAY = {
    "one a day, none yet": (1, [], 1),
    "one a day, and one today": (1, [NOW - DAY_S + 1], 0),
    "one a day, and one yesterday": (1, [NOW - DAY_S], 1),
    "two a day, and one today": (2, [NOW - HOUR_S], 1),
    "two a day, and two today": (2, [NOW - HOUR_S, NOW - 2 * HOUR_S], 0),
}


@pytest.mark.parametrize(("most", "at", "changed"), TODAY.values(), ids=TODAY.keys())
def test_where_nobody_is_asked_the_best_one_is_taken_within_the_day_s_number(most, at, changed):
    spec = asks(replicas=2, approve="auto", max_per_day=most)
    trials = {str(n): Trial(str(n), seat("june/1"), when, when, 77) for n, when in enumerate(at)}
    trials["other"] = Trial("other", seat("july/0"), NOW - 60, NOW, 77)
    running = [old(spec), old(spec, "june/1", id=101, price_per_hour="0.4")]
    plan, _ = compared(spec, running, offers("0.1", "0.1"), record(trials=trials))
    assert [action.seat.index for action in plan.actions] == [1] * changed
    assert len(notes(plan)) == 2 - changed


def test_a_person_may_agree_to_more_than_the_day_s_number():
    spec = asks(approve="auto", max_per_day=1)
    trials = {"x": Trial("x", HERE, NOW - HOUR_S, NOW, 77)}
    plan, _ = compared(spec, [old(spec)], [CHEAP], record(trials=trials), NAMED)
    assert told(plan.actions) == ["+/- june/0 100 -> offer 1"]


def test_a_machine_that_was_tried_today_is_not_proposed_again():
    spec = asks()
    trials = {"x": Trial("x", HERE, NOW - HOUR_S, NOW, 5001)}
    plan, _ = compared(spec, [old(spec)], [CHEAP, offer(2, price="0.18")], record(trials=trials))
    assert "machine 5002" in notes(plan)[0]


# --- guards ---------------------------------------------------------------------------------------


def test_what_a_guard_holds_back_is_a_proposal_unless_a_person_named_it():
    spec = asks(price="0.3", approve="auto")
    plan, _ = compared(spec, [old(spec)], [CHEAP])
    assert (plan.actions, plan.held) == ((), ())
    assert notes(plan)[0].endswith("held back by fleet budget")
    plan, _ = compared(spec, [old(spec)], [CHEAP], asking=NAMED)
    assert [held.guard for held in plan.held] == ["fleet budget"]
    assert (plan.actions, notes(plan)) == ((), [])


def test_a_protected_fleet_loses_nothing_for_money():
    spec = asks(approve="auto")
    plan, _ = compared(spec, [old(spec)], [CHEAP], rules=policy(protect=("june",)))
    assert (plan.actions, plan.held) == ((), ())
    assert notes(plan)[0].endswith("held back by protect")


# --- the candidate --------------------------------------------------------------------------------


def trial(of, until_s, id=101):
    """A record that knows the instance as a candidate, which must be ready in so many seconds."""
    attempt = read_label(of.label, "default").attempt
    return record(trials={attempt: Trial(attempt, HERE, NOW - 600, NOW + until_s, of.machine_id)})


CANDIDATES = {
    "it boots beside the old one": ("running", "loading", 60, [], "ready", 100),
    "it has not reported yet": ("running", "queued", 60, [], "ready", 100),
    "ready it takes the place": ("running", "running", 60, ["- june/0 100"], "ready", 101),
    "ready a little late it does too": ("running", "running", -5, ["- june/0 100"], "ready", 101),
    "late it goes, and the old one stays": ("running", "loading", 0, ["- june/0 101"], "ready", 100),
    "failed it goes": ("running", "exited", 60, ["- june/0 101"], "ready", 100),
    "when the old one fails it may come back": (
        "exited",
        "loading",
        60,
        ["- june/0 100, until instance 101 runs"],
        "pending",
        101,
    ),
    "both dead, both stay until one lives": ("offline", "exited", 60, [], "unhealthy", 101),
}


def test_a_candidate_whose_host_cannot_start_it_goes_before_its_time_is_over():
    spec = asks()
    pull = safe("Error response from daemon: manifest unknown")
    first, second = old(spec), instance("june/0", spec, id=101, status="loading", message=pull)
    health = {100: Health(NOW - 9999, NOW - 9000, None, NOW, "pass"), 101: Health(NOW - 60)}
    before = replace(trial(second, 7000), health=health)
    plan, _ = planned(diff(spec, [first, second], before), [CHEAP], before)
    assert told(plan.actions) == ["- june/0 101"]


@pytest.mark.parametrize(("was", "comes", "left_s", "actions", "bucket", "keeper"), CANDIDATES.values(), ids=CANDIDATES)
def test_who_stays_while_a_candidate_is_tried(was, comes, left_s, actions, bucket, keeper):
    spec = asks()
    first, second = old(spec, status=was), instance("june/0", spec, id=101, status=comes)
    before = trial(second, left_s)
    found = diff(spec, [first, second], before)
    (view,) = found.fleets[0].seats
    plan, _ = planned(found, [CHEAP], before)
    assert (told(plan.actions), view.bucket, view.keeper.id) == (actions, bucket, keeper)


def test_a_candidate_on_its_way_is_told_with_the_time_it_has():
    spec = asks()
    second = instance("june/0", spec, id=101, status="loading")
    before = trial(second, 1800)
    plan, _ = planned(diff(spec, [old(spec), second], before), [], before)
    assert notes(plan, "candidate") == ["instance 101 is booting to take the place of instance 100, within 30 min"]
    assert not plan.below_min_ready


SECOND = {
    # the last candidate, its time, and who goes once it is ready or late
    "ready the later candidate takes the place of the earlier one": ("running", 60, ["- june/0 101"]),
    "late it goes, and the earlier one stays": ("loading", 0, ["- june/0 102"]),
    "it boots beside it": ("loading", 60, []),
}


@pytest.mark.parametrize(("comes", "left_s", "actions"), SECOND.values(), ids=SECOND.keys())
def test_a_candidate_that_has_its_seat_for_itself_is_none_any_more(comes, left_s, actions):
    spec = asks()
    first, second = old(spec, id=101), instance("june/0", spec, id=102, status=comes)
    before = with_winners(trial(first, 1800), diff(spec, [first], trial(first, 1800)))
    before = replace(before, trials={**before.trials, **trial(second, left_s).trials})
    plan, _ = planned(diff(spec, [first, second], before), [CHEAP], before)
    assert told(plan.actions) == actions
    assert [action.reason for action in plan.actions if action.old is not None and action.old.id == 101] == [
        "replaced by instance 102"
    ] * ("- june/0 101" in actions)


def test_what_was_a_candidate_once_is_replaced_by_a_rollout_as_any_other():
    spec = asks()
    first = old(fleet(image="a:0"), id=101)
    before = with_winners(trial(first, 1800), diff(spec, [first], trial(first, 1800)))
    found = diff(spec, [first, instance("june/0", spec, id=102)], before)
    (action,) = planned(found, [CHEAP], before)[0].actions
    assert (action.old.id, action.reason.partition(":")[0]) == (101, "replaced by instance 102")


STILL_TRIED = {
    "beside the instance it may follow": ([{"id": 100}, {"id": 101}], ()),
    "that one is in no list": ([{"id": 101}], (known(100),)),
    "another attempt for the seat is in doubt": ([{"id": 101}], (intent("june/0", number=9),)),
}


@pytest.mark.parametrize(("rows", "remembered"), STILL_TRIED.values(), ids=STILL_TRIED.keys())
def test_a_candidate_that_is_not_alone_is_still_one(rows, remembered):
    spec = asks()
    listed = [old(spec, **row) for row in rows]
    before = replace(trial(listed[-1], 1800), **{k: getattr(record(*remembered), k) for k in ("known", "intents")})
    assert with_winners(before, diff(spec, listed, before)) is before


def test_a_trial_that_is_won_counts_for_the_day_all_the_same():
    spec = asks(approve="auto")
    trials = {"x": Trial("x", HERE, NOW - HOUR_S, NOW, 77, won=True)}
    plan, _ = compared(spec, [old(spec)], [CHEAP], record(trials=trials))
    assert plan.actions == ()


def test_without_its_memory_the_second_instance_goes_as_any_duplicate_does():
    spec = asks()
    plan, _ = compared(spec, [old(spec), instance("june/0", spec, id=101, status="loading")], [])
    assert told(plan.actions) == ["- june/0 101"]


LIMITS = {
    "time": ("0.1", 7200, "5", 7200),
    "money": ("0.5", 7200, "0.25", 1800),
    "a price of nothing": ("0", 7200, "0.25", 7200),
}


@pytest.mark.parametrize(("price", "for_s", "cost", "lasts"), LIMITS.values(), ids=LIMITS.keys())
def test_a_candidate_has_the_shorter_of_its_time_and_its_money(price, for_s, cost, lasts):
    assert until(NOW, money(price), for_s, money(cost)) == NOW + lasts


def test_a_candidate_is_remembered_for_two_days_and_its_proposal_is_over():
    proposal = Proposal(HERE, 100, money("0.25"), money("0.15"), 5001, NOW)
    before = record(
        proposals={HERE: proposal},
        trials={"a": Trial("a", HERE, NOW - 2 * DAY_S, NOW, 1), "b": Trial("b", HERE, NOW - DAY_S, NOW, 1)},
    )
    after = with_trial(before, Trial("c", HERE, NOW, NOW + 60, 5001))
    assert (sorted(after.trials), after.proposals) == (["b", "c"], {})
    assert sorted(without_trial(after, "c").trials) == ["b"]
    assert without_trial(after, "x") is after


def test_a_candidate_takes_up_its_machine_beside_the_instance_it_may_follow():
    spec = asks(2)
    found = diff(spec, [old(spec), instance(spec=spec, id=101, machine_id=5001, status="loading")])
    assert [row.id for row in sitting(found)["june"]] == [100, 101]
    placed = place(needs_of(found), [offer(1, machine_id=5001)], Ground(NO_BANS, NOW, sitting(found)))
    assert placed.choices == {}


def test_asking_names_a_planned_seat_only_where_nobody_has_to_agree():
    asking = Asking(NOW, NOW, planned=frozenset({HERE}))
    assert [asking.names(HERE, Cheaper(approve=how)) for how in ("manual", "auto")] == [False, True]
