"""How the settle time grows with what was observed, and never shrinks."""

from __future__ import annotations

import pytest
from builders import NOW, attempt, instance, intent, merged, observation, record, tombstone

from reconciler.core.settle import Appearance, Settle, grown, with_appearance

DAY_S = 86_400.0

GROWN = {
    # how long labels took, and how long ago, in seconds; total, evidence after
    "nothing took long": ([], 300, 150),
    "half of the settle time changes nothing": ([(150, 10)], 300, 150),
    "more than half of it doubles": ([(200, 10)], 400, 200),
    "the longest counts": ([(200, 10), (400, 20), (100, 5)], 800, 400),
    "that of yesterday does not": ([(400, DAY_S)], 300, 150),
}


@pytest.mark.parametrize(("took", "total", "evidence"), GROWN.values(), ids=GROWN.keys())
def test_the_settle_time_is_twice_the_longest_of_a_day(took, total, evidence):
    settle = grown(Settle(), [Appearance(NOW - ago, seconds) for seconds, ago in took], NOW)
    assert (settle.total_s, settle.evidence_after_s, settle.apart_s) == (total, evidence, 30)


def test_a_policy_that_waits_longer_is_not_shortened():
    assert grown(Settle(1000, 500, 60), [Appearance(NOW, 200)], NOW) == Settle(1000, 500, 60)


def test_only_what_can_still_be_the_longest_is_remembered():
    kept = ()
    for at, took in ((0, 90), (10, 200), (20, 100), (30, 50), (40, 60)):
        kept = with_appearance(kept, Appearance(NOW + at, took))
    assert [a.took_s for a in kept] == [200, 100, 60]


TOOK = {
    # when the last list before this one started (seconds after the attempt), when this one: how long the label took
    "a label in the first list that could show it took no time": (-10, 30, None),
    "one that the list before lacked took until this one": (40, 50, 50),
    "who looks rarely has not seen it take long: a minute after the last list that lacked it": (40, 4000, 100),
}


@pytest.mark.parametrize(("lacked", "seen", "took"), TOOK.values(), ids=TOOK.keys())
def test_how_long_a_label_took(lacked, seen, took):
    doubt = intent(number=100, age_s=seen)
    before = record(doubt, last_list_at=doubt.at + lacked)
    after = merged(before, observation(instance())).record
    assert [a.took_s for a in after.appeared] == ([] if took is None else [took])


def test_a_lost_attempt_that_appears_took_longer_than_anybody_believed():
    stone = tombstone(number=100, age_s=1000)
    after = merged(record(stone, last_list_at=NOW - 30), observation(instance())).record
    assert attempt(100) not in after.tombstones
    assert [a.took_s for a in after.appeared] == [1000]
