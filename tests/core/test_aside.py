"""Machines where a rent came to nothing: left out for a while, blamed for nothing, and tried again before long."""

from __future__ import annotations

import pytest
from builders import (
    NOW,
    diff,
    fleet,
    instance,
    intent,
    judged,
    merged,
    money,
    observation,
    offer,
    offers,
    plans,
    policy,
    record,
    seat,
)

from reconciler.core.aside import BID_LOST, CREATED, aside, bids_lost, set_aside, tried_anew
from reconciler.core.bans import bans_of
from reconciler.core.guards import Allowed, guard_fleet
from reconciler.core.lost import freed
from reconciler.core.rental import Rental
from reconciler.core.strikes import Strike

HOUR_S, DAY_S = 3600.0, 86_400.0
BIDS = fleet(rental=Rental("interruptible"))


def after(*ages_h, machine=7, reason=BID_LOST, at="june/0"):
    """A record in which rents on a machine came to nothing, so many hours ago."""
    found = record()
    for age in ages_h:
        found = set_aside(found, machine, seat(at), reason, NOW - age * HOUR_S)
    return found


TIMES = {
    # how many hours ago, for how many hours from now on it is out
    "never": ((), None),
    "just now: an hour": ((0,), 1),
    "an hour ago: it is tried again": ((1,), None),
    "the second time twice as long": ((1, 0), 2),
    "the third time again": ((3, 1, 0), 4),
    "never longer than a day": (tuple(range(9, -1, -1)), 24),
    "what is two days old is forgotten": ((48, 0), 1),
}


@pytest.mark.parametrize(("ages_h", "left_h"), TIMES.values(), ids=TIMES.keys())
def test_how_long_a_machine_is_left_out(ages_h, left_h):
    found = aside(after(*ages_h), NOW)
    assert {m: (each.until - NOW) / HOUR_S for m, each in found.items()} == ({7: left_h} if left_h else {})


def test_its_offers_are_refused_by_one_name_that_says_until_when_and_why():
    shared = bans_of(policy(), after(0, machine=5001, reason=CREATED), NOW)
    good, refused = judged(fleet(), offers("0.2", "0.3"), shared)
    assert (good.offer.id, good.refusals) == (2, ())
    assert [(r.rule, r.detail) for r in refused.refusals] == [
        ("set aside", "set aside until 2026-11-20 13:00 UTC: refused but created")
    ]


def test_it_is_no_strike():
    assert after(0).strikes == {}


def test_what_is_forgotten_is_kept_no_longer():
    old = after(49, machine=8)
    assert set(set_aside(old, 7, seat(), BID_LOST, NOW).aside) == {7}


def test_the_machine_of_an_attempt_that_was_never_made_is_not_set_aside():
    """Should its request take effect late, the offer is rented already: there is no instance too many."""
    doubt = intent(age_s=400, votes=(NOW - 200,), machine_id=42)
    assert merged(record(doubt), observation()).record.aside == {}


def test_who_frees_a_seat_has_its_machines_tried_again():
    both = set_aside(after(0, at="june/1"), 7, seat("june/0"), BID_LOST, NOW)
    assert freed(both, seat("june/0")) == tried_anew(both, seat("june/0"))
    assert freed(both, seat("june/0")).aside == {7: (Strike(NOW, BID_LOST, "june/1"),)}
    assert freed(after(0), seat()).aside == {}


# --- lost bids of a seat ----------------------------------------------------------------------------


def beaten(times, *, at="june/0", reason=BID_LOST, age_h=1.0):
    found = record()
    for machine in range(times):
        found = set_aside(found, machine, seat(at), reason, NOW - age_h * HOUR_S)
    return found


BEATEN = {
    # what came to nothing, the limit of replacements, refused
    "none": (beaten(0), 3, False),
    "eleven bids": (beaten(11), 3, False),
    "twelve bids": (beaten(12), 3, True),
    "twelve, yesterday": (beaten(12, age_h=24), 3, False),
    "twelve of another seat": (beaten(12, at="june/1"), 3, False),
    "twelve that were no bids": (beaten(12, reason=CREATED), 3, False),
    "more replacements are allowed": (beaten(15), 4, False),
    "no replacement is allowed: a first rent may lose some bids": (beaten(3), 0, False),
    "and not more": (beaten(4), 0, True),
}


def guarded(spec, before, listed=(), **limits):
    market = [
        offer(n, least_bid="0.05", base_price_per_hour=money("0.3")) if spec is BIDS else offer(n) for n in (901, 902)
    ]
    difference = diff(spec, listed, before)
    (made,) = plans(difference, market)
    return guard_fleet(made, difference.fleets[0], policy(**limits), Allowed(run_started_at=NOW - 1))


@pytest.mark.parametrize(("before", "limit", "refused"), BEATEN.values(), ids=BEATEN.keys())
def test_how_many_bids_of_a_seat_may_lose_at_once_within_a_day(before, limit, refused):
    made = guarded(BIDS, before, replacements_per_seat_per_day=limit)
    assert len(made.actions) == (0 if refused else 1)
    assert [(h.guard, h.lift) for h in made.held] == [("lost bids per seat", "reconcile free june/0")] * refused
    assert {held.seat for held in made.held} == ({seat("june/0")} if refused else set())


def test_the_refusal_says_how_many():
    (held,) = guarded(BIDS, beaten(12)).held
    assert held.message == "12 bids for june/0 lost as soon as they were made within a day, at most 12 may"


def test_on_demand_nothing_is_bid_and_nothing_refused():
    assert guarded(fleet(), beaten(12)).held == ()


def test_a_seat_that_runs_is_left_alone():
    assert guarded(fleet(), beaten(12), [instance()]).held == ()


def test_they_are_counted_by_seat_over_all_machines():
    assert bids_lost(set_aside(beaten(3), 99, seat("june/1"), BID_LOST, NOW), NOW) == {"june/0": 3, "june/1": 1}
