"""When instances that are called gone are believed to be gone, and when a fleet is paused for losing too many."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import NOW, known, merged, observation, record, seat

from reconciler.core.record import Known, without_pause
from reconciler.core.traces import Suspect
from reconciler.core.vanishing import CONFIRMED_AFTER_S, suspicious

MINUTE_S = 60.0


def instances(*seats: str, hosts: int = 100, age_s: float = 60.0) -> list[Known]:
    """Known instances 1, 2, ... in these seats, on so many hosts."""
    return [known(n, at, age_s=age_s, host_id=n % hosts) for n, at in enumerate(seats, 1)]


def fleet_of(count: int, name: str = "june") -> list[str]:
    return [f"{name}/{index}" for index in range(count)]


def look(before, gone, *, at_s: float = 0.0, accepted=None):
    seen = replace(observation(gone=gone), list_started_at=NOW + at_s)
    return merged(before, seen, now=NOW + at_s, accepted=accepted)


SUSPICIOUS = {
    # known seats, gone ids, hosts, how many are suspected
    "one of one is believed: a small fleet is the common case": (fleet_of(1), [1], 100, 0),
    "two of two are believed": (fleet_of(2), [1, 2], 100, 0),
    "one of three is believed": (fleet_of(3), [1], 100, 0),
    "two of three are more than half": (fleet_of(3), [1, 2], 100, 2),
    "two of four are half, not more": (fleet_of(4), [1, 2], 100, 0),
    "three of forty on three hosts are suspected": (fleet_of(40), [1, 2, 3], 100, 3),
    "three of forty on one host are one host that died": (fleet_of(40), [1, 2, 3], 1, 0),
    "three single ones of three fleets are suspected": (["a/0", "b/0", "c/0"], [1, 2, 3], 100, 3),
    "of two fleets only the one that lost more than half": ([*fleet_of(3), "b/0", "b/1"], [1, 2], 100, 2),
}


@pytest.mark.parametrize(("seats", "gone", "hosts", "expected"), SUSPICIOUS.values(), ids=SUSPICIOUS.keys())
def test_how_many_at_once_are_suspicious(seats, gone, hosts, expected):
    result = look(record(*instances(*seats, hosts=hosts)), gone)
    assert len(result.record.suspects) == expected
    assert len(result.vanished) == len(gone) - expected
    assert result.record.suspects.keys() <= result.record.known.keys()


def test_a_host_that_is_not_known_counts_as_one_of_its_own():
    lost = [replace(one, host_id=None) for one in instances(*fleet_of(3))]
    assert len(suspicious(record(*instances(*fleet_of(9))), lost)) == 3


UNLISTED = {
    "one that lives and was listed before is lacking, too: the list is unsound": (True, 1),
    "one that was rented just now may be lacking for a moment": (False, 0),
}


@pytest.mark.parametrize(("listed", "expected"), UNLISTED.values(), ids=UNLISTED.keys())
def test_a_list_that_lacks_the_living_proves_nobody_dead(listed, expected):
    gone, lives = instances("june/0", "june/1")
    seen = replace(observation(gone=[gone.id]), unlisted=frozenset([lives.id]))
    result = merged(record(gone, replace(lives, listed=listed)), seen)
    assert (len(result.record.suspects), len(result.vanished)) == (expected, 1 - expected)


def suspected(count: int = 3, fleet: int = 40):
    return look(record(*instances(*fleet_of(fleet))), range(1, count + 1)).record


CONFIRMED = {
    "a second reading at once confirms nothing": (30.0, False),
    "nor one 10 minutes less a second later": (CONFIRMED_AFTER_S - 1, False),
    "one 10 minutes later does": (CONFIRMED_AFTER_S, True),
}


@pytest.mark.parametrize(("later_s", "believed"), CONFIRMED.values(), ids=CONFIRMED.keys())
def test_when_a_second_reading_confirms(later_s, believed):
    result = look(suspected(), [1, 2, 3], at_s=later_s)
    assert len(result.vanished) == (3 if believed else 0)
    assert (result.record.suspects == {}) is believed
    assert ({1, 2, 3} <= result.record.known.keys()) is not believed


def test_readings_in_between_do_not_start_the_ten_minutes_anew():
    between = look(suspected(), [1, 2, 3], at_s=300).record
    assert len(look(between, [1, 2, 3], at_s=CONFIRMED_AFTER_S).vanished) == 3


def test_one_more_that_goes_while_others_are_suspected_is_suspected_too():
    result = look(suspected(), [1, 2, 3, 4], at_s=60)
    assert sorted(result.record.suspects) == [1, 2, 3, 4]
    later = look(result.record, [1, 2, 3, 4], at_s=CONFIRMED_AFTER_S)
    assert sorted(v.id for v in later.vanished) == [1, 2, 3]


@pytest.mark.parametrize(("accepted", "believed"), [(None, 0), (2, 0), (3, 3), (4, 0)])
def test_a_person_accepts_the_exact_number_and_no_other(accepted, believed):
    result = look(suspected(), [1, 2, 3], at_s=60, accepted=accepted)
    assert len(result.vanished) == believed


def test_what_a_person_accepted_pauses_nothing():
    first = look(record(*instances(*fleet_of(4))), [1, 2, 3], accepted=3).record
    assert (first.paused, first.stopped, first.outside) == ({}, {}, {})


def test_the_seat_of_a_vanished_instance_is_replaced_and_not_rented_anew():
    assert seat("june/0") in look(record(*instances("june/0")), [1]).record.emptied


OUTSIDE = {
    # size of the fleet, how many are gone (seen one by one), paused
    "the only instance": (1, 1, False),
    "both of two": (2, 2, False),
    "two of twenty": (20, 2, False),
    "three of twenty are more than two": (20, 3, True),
    "four of forty are a tenth": (40, 4, False),
    "five of forty are more than a tenth": (40, 5, True),
}


def one_by_one(before, count, *, every_s: float = MINUTE_S):
    for number in range(count):
        listed_at = NOW + number * every_s
        still = {i: replace(k, seen_at=listed_at - 60) for i, k in before.known.items()}
        before = look(replace(before, known=still), [number + 1], at_s=number * every_s).record
    return before


@pytest.mark.parametrize(("size", "gone", "paused"), OUTSIDE.values(), ids=OUTSIDE.keys())
def test_how_many_may_be_destroyed_outside_within_an_hour(size, gone, paused):
    after = one_by_one(record(*instances(*fleet_of(size))), gone)
    assert ("june" in after.paused, "june" in after.stopped) == (paused, paused)


def test_the_reason_has_its_numbers():
    after = one_by_one(record(*instances(*fleet_of(20))), 3)
    assert after.stopped["june"] == "3 of 20 instances of june were destroyed outside within an hour, more than 2"


def test_more_than_an_hour_apart_they_are_not_counted_together():
    assert one_by_one(record(*instances(*fleet_of(20))), 5, every_s=1900).paused == {}


def test_a_resumed_fleet_begins_to_count_anew():
    resumed = without_pause(one_by_one(record(*instances(*fleet_of(20))), 3), "june")
    assert (resumed.paused, resumed.stopped, resumed.outside) == ({}, {}, {})


def test_a_fleet_that_a_person_paused_is_not_paused_by_a_guard_as_well():
    before = record(*instances(*fleet_of(20)), paused={"june": NOW - 5})
    assert one_by_one(before, 3).stopped == {}


def test_a_suspect_that_is_there_after_all_is_none():
    before = record(*instances(*fleet_of(1)), suspects={1: Suspect(1, seat(), NOW - 60, NOW - 120)})
    from builders import instance

    after = merged(before, observation(instance(id=1))).record
    assert after.suspects == {}
    assert 1 in after.known
