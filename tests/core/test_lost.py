"""Lost attempts: their tombstones, the seats they freeze, what they cost in budgets, and labels that appear late."""

from __future__ import annotations

from decimal import Decimal

import pytest
from builders import (
    NOW,
    attempt,
    diff,
    fleet,
    instance,
    intent,
    known,
    merged,
    observation,
    offers,
    plans,
    policy,
    record,
    seat,
    told,
    tombstone,
)

from reconciler.core.assemble import standing
from reconciler.core.budget import committed
from reconciler.core.diff import compare
from reconciler.core.guards import Allowed, guard_fleet
from reconciler.core.lost import DAY_S, freed
from reconciler.core.model import Blacklist

D = Decimal


def lost_now(**options):
    doubt = intent(age_s=400, votes=(NOW - 200,), **options)
    return merged(record(doubt), observation()).record


def test_an_attempt_that_was_never_made_leaves_a_tombstone():
    (stone,) = lost_now(number=7, machine_id=42).tombstones.values()
    assert (stone.attempt, stone.seat, stone.machine_id) == (attempt(7), seat(), 42)
    assert (stone.at, stone.lost_at, stone.ceiling, stone.freed) == (NOW - 400, NOW, D("0.3"), False)


def view(*stones, listed=(), lost_per_day=1, **options):
    before = record(*stones, **options)
    (part,) = compare([fleet()], listed, before, "default", Blacklist(), now=NOW, lost_per_day=lost_per_day).fleets
    return part.seats[0]


HOUR_S = 3600.0
FROZEN = {
    "one lost attempt is followed by another rent": ([tombstone()], 1, False),
    "a second one within a day freezes the seat": ([tombstone(), tombstone(number=2)], 1, True),
    "a second one of another seat does not": ([tombstone(), tombstone("june/1", number=2)], 1, False),
    "the first one of yesterday does not count": ([tombstone(age_s=DAY_S + 400), tombstone(number=2)], 1, False),
    "the policy may freeze with the first": ([tombstone()], 0, True),
    "or with the fourth": ([tombstone(number=n) for n in (1, 2, 3)], 3, False),
    "one that a person freed does not count": ([tombstone(freed=True), tombstone(number=2)], 1, False),
}


@pytest.mark.parametrize(("stones", "lost_per_day", "frozen"), FROZEN.values(), ids=FROZEN.keys())
def test_when_a_seat_is_frozen(stones, lost_per_day, frozen):
    found = view(*stones, lost_per_day=lost_per_day)
    assert (found.frozen, found.bucket) == (frozen, "frozen" if frozen else "missing")


TWO = (tombstone(), tombstone(number=2))


def guarded(listed=(), before=None, spec=None):
    difference = diff(spec or fleet(), listed, before or record(*TWO))
    (made,) = plans(difference, offers("0.2"))
    return guard_fleet(made, difference.fleets[0], policy(), Allowed())


def test_nothing_is_rented_for_a_frozen_seat_and_the_plan_says_what_frees_it():
    made = guarded()
    (held,) = made.held
    assert (told(made.actions), held.lift) == ([], "reconcile free june/0")
    assert held.message == (
        "2 attempts for june/0 within a day were never made, so nothing is rented for it;"
        " had they been made after all, they would bill $0.600/h"
    )


def test_a_frozen_seat_in_which_an_instance_runs_is_no_refusal():
    assert guarded([instance()]).held == ()


def test_a_dead_instance_in_a_frozen_seat_stays_rather_than_leave_it_empty():
    made = guarded([instance(status="exited")], record(*TWO, since={(100, "exited"): NOW - 900}))
    assert told(made.actions) == []
    assert [held.guard for held in made.held] == ["frozen seat"]


def test_freeing_a_seat_keeps_its_tombstones_for_late_labels():
    after = freed(record(*TWO), seat())
    assert [t.freed for t in after.tombstones.values()] == [True, True]
    assert told(guarded(before=after).actions) == ["+ june/0 offer 1"]


def test_lost_attempts_count_against_budgets_until_they_are_freed():
    (part,) = diff(fleet(), (), record(tombstone())).fleets
    assert committed(part) == D("0.3")
    (part,) = diff(fleet(), (), record(tombstone(freed=True))).fleets
    assert committed(part) == D(0)


def test_lost_attempts_beyond_the_replicas_and_of_undeclared_fleets_count_too():
    before = record(tombstone("june/5"), tombstone("other/0", number=2))
    whole = diff(fleet(), (), before)
    assert standing(whole, before, NOW).per_hour == D("0.6")


def test_the_budget_says_how_much_of_it_lost_attempts_take():
    (held,) = guarded(before=record(tombstone()), spec=fleet(budget_per_hour="0.4")).held
    assert "$0.300/h of them for attempts of the day that were never made" in held.message


def test_a_label_that_appears_late_is_a_known_instance_of_its_seat():
    result = merged(record(tombstone(number=7)), observation(instance(id=7)))
    assert [t.attempt for t in result.late] == [attempt(7)]
    assert result.record.tombstones == {}
    assert (result.record.known[7].seat, result.record.known[7].stranger) == (seat(), False)


def test_of_a_late_instance_and_its_successor_the_duplicate_rule_keeps_one():
    first, second = instance(id=7), instance(id=8)
    before = merged(record(tombstone(number=7), known(8)), observation(first, second)).record
    (part,) = compare([fleet()], [first, second], before, "default", Blacklist(), now=NOW).fleets
    assert (part.seats[0].keeper.id, [extra.id for extra in part.seats[0].extras]) == (7, [8])


def test_an_attempt_that_this_ledger_never_wrote_is_another_runners():
    (part,) = diff(fleet(), [instance()], strangers=[100]).fleets
    assert part.seats[0].keeper.stranger
    assert (part.seats[0].bucket, committed(part)) == ("ready", D("0.25"))
    (made,) = plans(diff(fleet(), [instance()], strangers=[100]), offers("0.1"))
    (note,) = made.notes
    assert (made.actions, note.kind) == ((), "stranger")
    assert "another runner" in note.text


STRANGERS = {
    "an attempt that was written here": (record(intent(number=100)), False),
    "a lost attempt that appears after all": (record(tombstone(number=100)), False),
    "an instance that was known before": (record(known(100)), False),
    "an attempt that nobody here wrote": (record(), True),
    "anything in a ledger that remembers nothing yet": (record(warm=False), False),
}


@pytest.mark.parametrize(("before", "stranger"), STRANGERS.values(), ids=STRANGERS.keys())
def test_who_is_a_stranger(before, stranger):
    assert merged(before, observation(instance())).record.known[100].stranger is stranger


def test_a_stranger_stays_one():
    once = merged(record(), observation(instance())).record
    assert merged(once, observation(instance())).record.known[100].stranger
