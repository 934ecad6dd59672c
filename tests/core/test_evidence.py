"""What a reading proves, and above all what it does not."""

from __future__ import annotations

import pytest
from builders import (
    NOW,
    SETTLE,
    attempt,
    fleet,
    instance,
    intent,
    known,
    label,
    leaving,
    merged,
    observation,
    record,
    regions,
    seat,
)

from reconciler.core.evidence import Settle, doubt_left_s, marks_of, rents_wait_s
from reconciler.core.record import ColdStart
from reconciler.core.rental import Rental

# --- attempts in doubt ----------------------------------------------------------------------------

VOTES = {
    "a list that started 149 s after the attempt is no evidence": (149, (), 0),
    "a list that started 150 s after the attempt is a vote": (150, (), 1),
    "a second list 29 s after the first vote is none": (229, (200,), 1),
    "a second list 30 s after the first vote is another": (230, (200,), 2),
}


@pytest.mark.parametrize(("started_after", "votes", "expected"), VOTES.values(), ids=VOTES.keys())
def test_which_lists_vote(started_after, votes, expected):
    tried_at = NOW - 250
    doubt = intent(age_s=250, votes=tuple(tried_at + vote for vote in votes))
    after = merged(record(doubt), observation(age_s=250 - started_after)).record
    assert len(after.intents[attempt(1)].votes) == expected


VERDICTS = {
    # age of the attempt, votes before (seconds after it), lost
    "two votes before 300 s are no verdict": (299, (160,), False),
    "two votes after 300 s settle it": (300, (160,), True),
    "one vote settles nothing, however late": (100_000, (), False),
    "votes of long ago and one more settle it": (100_000, (160,), True),
}


@pytest.mark.parametrize(("age_s", "votes", "expected"), VERDICTS.values(), ids=VERDICTS.keys())
def test_when_an_attempt_is_lost(age_s, votes, expected):
    doubt = intent(age_s=age_s, votes=tuple(NOW - age_s + vote for vote in votes))
    result = merged(record(doubt), observation())
    assert [i.attempt for i in result.lost] == ([doubt.attempt] if expected else [])
    assert (doubt.attempt in result.record.intents) is not expected


def test_the_time_of_the_verdict_is_now_but_the_votes_are_when_the_lists_started():
    doubt = intent(age_s=320, votes=(NOW - 150,))
    late_answer = observation(age_s=140)
    assert merged(record(doubt), late_answer).lost == ()
    assert len(merged(record(doubt), observation(age_s=120)).lost) == 1


def test_a_label_that_appears_settles_its_attempt():
    doubt = intent(number=7)
    rented = instance(id=7)
    result = merged(record(doubt), observation(rented))
    assert result.record.intents == {}
    assert result.lost == ()
    assert result.record.known[7].seat == seat()


def test_a_label_that_appears_after_the_first_vote_settles_its_attempt():
    doubt = intent(number=7, age_s=400, votes=(NOW - 200,))
    result = merged(record(doubt), observation(instance(id=7)))
    assert (result.record.intents, result.lost) == ({}, ())


def test_another_instance_of_the_same_seat_settles_nothing():
    doubt = intent(number=7)
    assert doubt.attempt in merged(record(doubt), observation(instance(id=8))).record.intents


def test_an_attempt_with_an_id_collects_no_votes():
    rented = intent(age_s=1000, instance_id=55)
    result = merged(record(rented), observation())
    assert result.record.intents[rented.attempt].votes == ()
    assert result.lost == ()


def test_an_attempt_whose_instance_is_gone_is_settled():
    rented = intent(age_s=1000, instance_id=55)
    assert merged(record(rented), observation(gone=[55])).record.intents == {}


def test_every_attempt_is_judged_by_itself():
    old, young = intent(number=1, age_s=400, votes=(NOW - 200,)), intent("june/1", number=2, age_s=10)
    result = merged(record(old, young), observation())
    assert result.lost[0].attempt == old.attempt
    assert set(result.record.intents) == {young.attempt}


MISLABELLED = {"without a label": None, "cut off": label(number=55)[:-1], "renamed by hand": "mine"}


@pytest.mark.parametrize("shown", MISLABELLED.values(), ids=MISLABELLED.keys())
def test_an_instance_that_comes_back_without_our_label_is_reported_and_its_seat_stays_taken(shown):
    rented = intent(age_s=1000, instance_id=55)
    result = merged(record(rented, known(55)), observation(instance(id=55, label=shown)))
    assert result.mislabelled == (55,)
    assert rented.attempt in result.record.intents
    assert 55 not in result.record.known


def test_a_mislabelled_instance_frees_its_seat_when_it_is_gone():
    rented = intent(age_s=1000, instance_id=55)
    assert merged(record(rented), observation(gone=[55])).record.intents == {}


DOUBT_LEFT = {
    "a fresh attempt is in doubt for five minutes": (0, (), 300),
    "time passes": (100, (), 200),
    "two lists are missing after five minutes": (1000, (), 30),
    "one list is missing after five minutes": (1000, (160,), 0),
}


@pytest.mark.parametrize(("age_s", "votes", "expected"), DOUBT_LEFT.values(), ids=DOUBT_LEFT.keys())
def test_how_long_doubt_lasts_at_least(age_s, votes, expected):
    doubt = intent(age_s=age_s, votes=tuple(NOW - age_s + vote for vote in votes))
    assert doubt_left_s(doubt, NOW, SETTLE) == expected


# --- known instances ------------------------------------------------------------------------------


def test_an_instance_that_is_seen_is_known():
    after = merged(record(), observation(instance("june/3", id=5), age_s=2)).record
    assert (after.known[5].seat, after.known[5].seen_at) == (seat("june/3"), NOW - 2)


def test_a_known_id_that_no_list_shows_is_not_gone_by_that():
    result = merged(record(known(5)), observation())
    assert 5 in result.record.known
    assert result.vanished == ()


def test_a_known_id_that_is_called_gone_has_vanished():
    result = merged(record(known(5, age_s=60)), observation(gone=[5]))
    assert [(v.id, v.seat, v.seen_at) for v in result.vanished] == [(5, seat(), NOW - 60)]
    assert result.record.known == {}


@pytest.mark.parametrize(("age_s", "expected"), [(29, ()), (30, (5,))])
def test_gone_is_believed_only_when_the_last_sight_is_30_s_old(age_s, expected):
    result = merged(record(known(5, age_s=age_s)), observation(gone=[5]))
    assert tuple(v.id for v in result.vanished) == expected


def test_a_destroy_of_ours_that_is_called_gone_is_done_and_has_not_vanished():
    result = merged(record(known(5, age_s=1), leaving(5)), observation(gone=[5]))
    assert (result.destroyed, result.vanished) == ((5,), ())
    assert (result.record.known, result.record.leaving) == ({}, {})


def test_a_destroy_that_is_not_called_gone_stays_a_leak():
    result = merged(record(known(5), leaving(5)), observation())
    assert set(result.record.leaving) == {5}


@pytest.mark.parametrize(("at", "owner"), [("june/0", "other"), ("june/1", "default")])
def test_a_destroy_whose_instance_bears_another_label_is_taken_back(at, owner):
    result = merged(record(known(5), leaving(5)), observation(instance(at, id=5, owner=owner)))
    assert result.record.leaving == {}
    assert [item.id for item in result.taken_back] == [5]


def test_a_destroy_whose_instance_has_no_label_any_more_is_taken_back_and_the_seat_is_free():
    result = merged(record(known(5), leaving(5)), observation(instance(None, id=5)))
    assert (result.record.known, result.record.leaving) == ({}, {})


def test_a_destroy_whose_instance_is_still_ours_is_not_taken_back():
    result = merged(record(known(5), leaving(5)), observation(instance(id=5)))
    assert (set(result.record.leaving), result.taken_back) == ({5}, ())


def test_an_id_nobody_knew_can_be_gone_without_a_word():
    assert merged(record(), observation(gone=[5])).vanished == ()


def test_an_instance_whose_label_somebody_took_away_is_released():
    after = merged(record(known(5), since={(5, "offline"): NOW - 900}), observation(instance(None, id=5))).record
    assert (after.known, after.since) == ({}, {})


def test_an_instance_that_another_owner_took_over_is_released():
    assert merged(record(known(5)), observation(instance(id=5, owner="other"))).record.known == {}


def test_only_labels_of_ours_are_managed():
    seen = observation(instance(id=1), instance(id=2, owner="other"), instance(None, id=3))
    assert set(marks_of(seen, "default")) == {1}


# --- since when -----------------------------------------------------------------------------------


def since(*readings):
    """What the record dates after readings of instance 5, each `(age_s, faults)`; None: absent."""
    after = record(known(5, age_s=5000))
    for age_s, faults in readings:
        seen = observation(*([] if faults is None else [instance(id=5)]), age_s=age_s)
        shown = {} if faults is None else {5: frozenset(faults)}
        after = merged(after, seen, faults=shown).record
    return {fault: NOW - at for (_, fault), at in after.since.items()}


SINCE = {
    "a fault counts from the first list that shows it": ([(900, {"offline"}), (0, {"offline"})], {"offline": 900}),
    "a fault that a list no longer shows is forgotten": ([(900, {"offline"}), (0, set())], {}),
    "a fault that comes back counts anew": ([(900, {"a"}), (500, set()), (100, {"a"})], {"a": 100}),
    "two faults count each by itself": ([(900, {"a"}), (100, {"a", "b"})], {"a": 900, "b": 100}),
    "a list that lacks the instance forgets nothing": ([(900, {"a"}), (500, None), (0, {"a"})], {"a": 900}),
}


@pytest.mark.parametrize(("readings", "expected"), SINCE.values(), ids=SINCE.keys())
def test_since_when_a_fault_lasts(readings, expected):
    assert since(*readings) == expected


JULY = fleet("july", rental=Rental("interruptible"), on_manual_stop="replace", regions=regions("US-TX"))
OF_ANOTHER_RUN = {
    # what instance 5 of july shows, what is dated of it, what a run of june alone keeps
    "it is outbid": ({"status": "outbid"}, "outbid", True),
    "it has won its bid back": ({}, "outbid", False),
    "it is stopped": ({"status": "stopped", "interruptible": False}, "stopped", True),
    "it was started again": ({}, "stopped", False),
    "where it is": ({}, "regions", True),
    "which card it has": ({}, "gpu.models", True),
    "its host is not heard of": ({"status": "offline"}, "offline", True),
    "its host is back": ({}, "offline", False),
}


@pytest.mark.parametrize(("shown", "fault", "kept"), OF_ANOTHER_RUN.values(), ids=OF_ANOTHER_RUN.keys())
def test_a_run_keeps_the_dates_of_fleets_that_it_does_not_plan(shown, fault, kept):
    before = record(known(5, "july/0"), since={(5, fault): NOW - 900})
    row = instance("july/0", JULY, id=5, **shown)
    assert merged(before, observation(row), fleet()).record.since == (before.since if kept else {})


def test_a_run_dates_nothing_that_only_the_spec_of_another_fleet_tells():
    row = instance("july/0", JULY, id=5, status="outbid")
    assert merged(record(known(5, "july/0")), observation(row), fleet()).record.since == {}


def test_the_faults_of_a_vanished_instance_are_forgotten():
    before = record(known(5), since={(5, "offline"): NOW - 900})
    assert merged(before, observation(gone=[5])).record.since == {}


def test_the_record_knows_when_the_last_list_started():
    assert merged(record(), observation(age_s=3)).record.last_list_at == NOW - 3


# --- cold start -----------------------------------------------------------------------------------


def cold(*readings):
    """The record of a new ledger after several lists, each `(age_s, ids)`."""
    after = record(warm=False)
    for age_s, ids in readings:
        rows = [instance(f"june/{i}", fleet(), id=i) for i in ids]
        after = merged(after, observation(*rows, age_s=age_s), faults={}).record
    return after


COLD = {
    "one list warms nothing": ([(0, [])], False),
    "two lists 299 s apart warm nothing": ([(299, []), (0, [])], False),
    "two lists 300 s apart that agree warm it": ([(300, []), (0, [])], True),
    "two lists that show the same instances agree": ([(300, [1, 2]), (0, [1, 2])], True),
    "a second list that shows more starts it anew": ([(300, [1]), (0, [1, 2])], False),
    "a list in between that shows more starts it anew": ([(400, []), (200, [1]), (0, [1])], False),
    "it warms 300 s after the list that showed more": ([(700, []), (300, [1]), (0, [1])], True),
    "a second list that lacks some was settled singly": ([(300, [1, 2]), (0, [1])], True),
    "lists in between do not restart the clock": ([(300, [1]), (200, [1]), (100, [1]), (0, [1])], True),
}


@pytest.mark.parametrize(("readings", "expected"), COLD.values(), ids=COLD.keys())
def test_when_a_cold_ledger_is_warm(readings, expected):
    after = cold(*readings)
    assert after.warm is expected
    assert (after.cold is None) is expected


def test_foreign_and_unmanaged_instances_do_not_disturb_a_cold_start():
    first = merged(record(warm=False), observation(age_s=300)).record
    others = [instance(None, id=1), instance(id=2, owner="other")]
    assert merged(first, observation(*others)).record.warm


def test_a_warm_ledger_stays_warm():
    assert merged(record(), observation(instance(id=1))).record.warm


WAITS = {
    "a warm ledger delays nothing": (record(), 0),
    "without a list all of it is left": (record(warm=False), 300),
    "it counts from the first list": (record(warm=False, cold=ColdStart(NOW - 100, "")), 200),
}


@pytest.mark.parametrize(("before", "expected"), WAITS.values(), ids=WAITS.keys())
def test_how_long_a_cold_start_delays_rents(before, expected):
    assert rents_wait_s(before, NOW, SETTLE) == expected


def test_time_alone_never_ends_a_cold_start():
    """The search after a list at 299 s may end after 300 s: the second list is still to come."""
    first_list_long_ago = record(warm=False, cold=ColdStart(NOW - 301, ""))
    assert rents_wait_s(first_list_long_ago, NOW, SETTLE) > 0


def test_another_total_keeps_the_proportions():
    assert Settle.within(300) == Settle()
    assert Settle.within(10) == Settle(10, 5, 1)
