"""Contracts that end: replaced in time, at the pace of a rollout, by what outlasts them; and those that have ended."""

from __future__ import annotations

from decimal import Decimal

import pytest
from builders import DAY_S, HOUR_S, NOW, diff, fleet, instance, offer, offers, plans, told

from reconciler.core.renewal import ReplaceRules, unwritten_before_expiry_s


def rules(hours: float) -> ReplaceRules:
    return ReplaceRules(before_expiry_s=hours * HOUR_S)


ROTATED = ["+/- june/0 100 -> offer 1"]
REPLACED = ["-/+ june/0 100 -> offer 1"]
ENDING = {
    "a contract with days left is left alone": (24, {"ends_at": NOW + 3 * DAY_S}, []),
    "one that ends within the span is rotated": (24, {"ends_at": NOW + 23 * HOUR_S}, ROTATED),
    "the span's first second counts": (24, {"ends_at": NOW + DAY_S}, ROTATED),
    "the one before it does not": (24, {"ends_at": NOW + DAY_S + 1}, []),
    "an end that nobody tells rotates nothing": (24, {"ends_at": None}, []),
    "with 0 only the end itself counts": (0, {"ends_at": NOW + 1}, []),
    "a contract that still runs after its end is rotated": (24, {"ends_at": NOW - 60}, ROTATED),
    "a short contract is kept through its first half": (
        24,
        {"started_at": NOW - 4 * HOUR_S, "ends_at": NOW + 5 * HOUR_S},
        [],
    ),
    "and rotated in its second": (24, {"started_at": NOW - 5 * HOUR_S, "ends_at": NOW + 4 * HOUR_S}, ROTATED),
    "a start after the end is nonsense": (24, {"started_at": NOW + DAY_S, "ends_at": NOW + HOUR_S}, ROTATED),
    "one that boots is rotated too": (24, {"status": "loading", "ends_at": NOW + HOUR_S}, ROTATED),
    "one that someone stopped is left alone": (24, {"status": "stopped", "ends_at": NOW + HOUR_S}, []),
    "stopped at the end of its contract it goes": (
        24,
        {"status": "stopped", "ends_at": NOW},
        REPLACED,
    ),
    "whatever the span": (0, {"status": "stopped", "ends_at": NOW - DAY_S}, REPLACED),
    "and without the grace of what may come back": (
        24,
        {"status": "offline", "ends_at": NOW - 1},
        REPLACED,
    ),
}


@pytest.mark.parametrize(("hours", "facts", "actions"), ENDING.values(), ids=ENDING.keys())
def test_what_becomes_of_a_contract(hours, facts, actions):
    spec = fleet(replace=rules(hours))
    (made,) = plans(diff(spec, [instance("june/0", spec, **facts)]), offers("0.2"))
    assert told(made.actions) == actions


def test_the_reason_names_the_end_and_what_is_desired():
    spec = fleet(replace=rules(24))
    (made,) = plans(diff(spec, [instance("june/0", spec, ends_at=NOW + 2 * HOUR_S)]), offers("0.2"))
    assert made.actions[0].reason == ("replace.before_expiry contract ends 2026-11-20 14:00 UTC -> more than 24 h left")
    (made,) = plans(diff(spec, [instance("june/0", spec, status="stopped", ends_at=NOW)]), offers("0.2"))
    assert made.actions[0].reason == "instance 100 is at the end of its contract"


def test_contracts_that_end_together_are_rotated_one_after_the_other():
    spec = fleet(replicas=3)
    running = [instance(f"june/{n}", spec, id=100 + n, ends_at=NOW + HOUR_S) for n in range(3)]
    (made,) = plans(diff(spec, running), offers("0.2", "0.2", "0.2"))
    lines = told(made.actions)
    assert [line.partition(",")[2].strip() for line in lines] == ["", "after june/0", "after june/1"]
    assert all(action.asked for action in made.actions)


def test_what_is_rented_outlasts_what_it_replaces():
    spec = fleet(replace=rules(24))
    ending = [instance("june/0", spec, ends_at=NOW + 2 * HOUR_S)]
    (made,) = plans(diff(spec, ending), [offer(1, price="0.1", seconds_left=2 * DAY_S), offer(2, price="0.3")])
    assert told(made.actions) == ["+/- june/0 100 -> offer 2"]


def test_without_an_offer_that_lasts_the_old_one_is_kept_to_its_end():
    spec = fleet(replace=rules(24))
    difference = diff(spec, [instance("june/0", spec, ends_at=NOW + 2 * HOUR_S)])
    (made,) = plans(difference, [offer(1, seconds_left=2 * DAY_S)])
    assert (told(made.actions), made.unfilled) == ([], ())
    assert [note.kind for note in made.notes] == ["kept"]


def test_the_new_one_is_kept_and_the_ending_one_goes():
    spec = fleet(replace=rules(24))
    old = instance("june/0", spec, id=100, ends_at=NOW + 2 * HOUR_S)
    new = instance("june/0", spec, id=101, ends_at=NOW + 9 * DAY_S)
    (made,) = plans(diff(spec, [old, new]))
    assert told(made.actions) == ["- june/0 100"]
    assert "replace.before_expiry" in made.actions[0].reason
    (made,) = plans(diff(spec, [old, instance("june/0", spec, id=101, status="loading", ends_at=NOW + 9 * DAY_S)]))
    assert told(made.actions) == ["- june/0 100, until instance 101 runs"]


UNWRITTEN = {"3": 24, "2": 24, "1": 12, "0.25": 3, "0": 0}


@pytest.mark.parametrize(("days", "hours"), UNWRITTEN.items(), ids=UNWRITTEN.keys())
def test_the_span_that_is_not_written_is_outlasted_by_what_is_rented(days, hours):
    assert unwritten_before_expiry_s(Decimal(days)) == hours * HOUR_S
