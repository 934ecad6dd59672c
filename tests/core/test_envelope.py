"""What was approved bounds what is done: less may happen, never more."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import NOW, diff, fleet, instance, intent, offers, plans, record, seat, told
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.envelope import RENTS_PER_SEAT, Done, Envelope, envelope_of, within
from reconciler.core.model import Limit, Rollout
from reconciler.core.plan import Create, Destroy, Held, Plan, Replace, due

D = Decimal
NEW, OLD = fleet(image="a:2"), fleet(image="a:1")


def plan(spec, rows=(), market=("0.1", "0.2", "0.3"), before=None) -> Plan:
    return Plan("default", None, NOW, tuple(plans(diff(spec, rows, before), offers(*market))))


def approved(*, rents=(), destroys=()) -> Envelope:
    return Envelope({seat(at): D(ceiling) for at, ceiling in rents}, frozenset(destroys))


def kept(made, envelope, done=None):
    return told(within(made, envelope, done or Done()).actions())


CREATE = plan(NEW, market=["0.2"])
REPLACE = plan(NEW, [instance(spec=OLD)], market=["0.2"])
DESTROY = plan(NEW, [instance(spec=NEW), instance("june/1", NEW, id=101)])
COVERED = {
    "an approved seat may be rented for": (CREATE, approved(rents=[("june/0", "0.2")]), ["+ june/0 offer 1"]),
    "an offer over the ceiling may not": (CREATE, approved(rents=[("june/0", "0.1999")]), []),
    "another seat may not": (CREATE, approved(rents=[("june/1", "0.5")]), []),
    "an approved id may go": (DESTROY, approved(destroys=[101]), ["- june/1 101"]),
    "another id may not": (DESTROY, approved(destroys=[102]), []),
    "a seat is no approval to destroy": (DESTROY, approved(rents=[("june/1", "0.5")]), []),
    "a replacement needs both": (
        REPLACE,
        approved(rents=[("june/0", "0.2")], destroys=[100]),
        ["+/- june/0 100 -> offer 1"],
    ),
    "a replacement without the id may not": (REPLACE, approved(rents=[("june/0", "0.2")]), []),
    "a replacement without the seat may not": (REPLACE, approved(destroys=[100]), []),
    "nothing approved is nothing done": (REPLACE, approved(), []),
}


@pytest.mark.parametrize(("made", "envelope", "expected"), COVERED.values(), ids=COVERED.keys())
def test_what_an_approval_covers(made, envelope, expected):
    assert kept(made, envelope) == expected


THREE = fleet(image="a:2", replicas=3)
ROLLOUT = plan(THREE, [instance(f"june/{n}", OLD, id=100 + n) for n in range(3)])
STEPS = {
    "the second step, where the first is not approved": ([1], ["+/- june/1 101 -> offer 2"]),
    "the third step, where the first two are not approved": ([2], ["+/- june/2 102 -> offer 3"]),
    "the third step after the second": (
        [1, 2],
        ["+/- june/1 101 -> offer 2", "+/- june/2 102 -> offer 3, after june/1"],
    ),
}


@pytest.mark.parametrize(("steps", "expected"), STEPS.values(), ids=STEPS.keys())
def test_a_step_does_not_wait_for_one_that_is_not_taken(steps, expected):
    rents = [(f"june/{n}", "0.5") for n in steps]
    assert kept(ROLLOUT, approved(rents=rents, destroys=[100 + n for n in steps])) == expected


def test_a_step_waits_for_a_seat_in_doubt_though_its_own_step_is_not_taken():
    rows = [instance(f"june/{n}", OLD, id=100 + n) for n in range(3)]
    made = plan(THREE, rows, before=record(intent("june/0")))
    envelope = approved(rents=[("june/2", "0.5")], destroys=[102])
    assert kept(made, envelope) == ["+/- june/2 102 -> offer 2, after june/0"]


PROMISED = {
    # which seats are approved, and what is done: three offers for four seats, the machine of the second fits no more
    "all": ([0, 1, 2, 3], [0, 1]),
    "the lender waits itself": ([2, 3], [2, 3]),
    "another seat holds what was promised": ([0, 2, 3], [0]),
    "nobody does": ([3], [3]),
}


@pytest.mark.parametrize(("seats", "done"), PROMISED.values(), ids=PROMISED.keys())
def test_a_seat_that_moves_up_gets_no_offer_that_another_one_rents_now(seats, done):
    spec = fleet(image="a:2", replicas=4, rollout=Rollout("destroy-first", Limit(D(2))))
    cards = {1: {"gpu_name": "RTX 4090"}}
    rows = [instance(f"june/{n}", OLD, id=100 + n, **cards.get(n, {})) for n in range(4)]
    made = plan(spec, rows, before=record(since={(101, "gpu.models"): NOW - 900}))
    assert [a.choice.promised for a in made.actions()] == [False, False, False, True]
    rents = [(f"june/{n}", "0.5") for n in seats]
    actions = list(within(made, approved(rents=rents, destroys=[100 + n for n in seats]), Done()).actions())
    assert [a.seat.index for a in actions if due(a)] == done


def test_a_plan_covers_itself():
    for made in (CREATE, REPLACE, DESTROY):
        assert within(made, envelope_of(made), Done()) == made


def test_a_ceiling_is_the_approved_one_where_it_is_lower():
    (action,) = within(CREATE, approved(rents=[("june/0", "0.2")]), Done()).actions()
    assert isinstance(action, Create)
    assert action.ceiling == D("0.2")


def test_a_ceiling_is_never_raised_to_the_approved_one():
    (action,) = within(CREATE, approved(rents=[("june/0", "0.5")]), Done()).actions()
    assert isinstance(action, Create)
    assert action.ceiling == D("0.21")


OWN = {
    "an instance that this run rented": Done(rented=frozenset({101})),
    "a destroy that was sent before": Done(leaving=frozenset({101})),
}


@pytest.mark.parametrize("done", OWN.values(), ids=OWN.keys())
def test_some_instances_may_go_without_approval(done):
    assert kept(DESTROY, approved(), done) == ["- june/1 101"]


def test_an_instance_of_our_own_may_be_replaced_only_where_renting_is_approved():
    done = Done(rented=frozenset({100}))
    assert kept(REPLACE, approved(rents=[("june/0", "0.2")]), done) == ["+/- june/0 100 -> offer 1"]
    assert kept(REPLACE, approved(), done) == []


@pytest.mark.parametrize(("tries", "expected"), [(0, 1), (RENTS_PER_SEAT - 1, 1), (RENTS_PER_SEAT, 0)])
def test_a_run_rents_for_a_seat_a_few_times_only(tries, expected):
    done = Done(attempts={seat(): tries})
    assert len(kept(CREATE, approved(rents=[("june/0", "0.2")]), done)) == expected


def test_the_tries_of_another_seat_do_not_count():
    done = Done(attempts={seat("june/1"): 99})
    assert len(kept(CREATE, approved(rents=[("june/0", "0.2")]), done)) == 1


def test_what_is_pruned_must_be_approved_too():
    orphan = diff((), [instance("july/0", id=7)]).undeclared[0]
    made = Plan("default", None, NOW, (), pruned=(Destroy(orphan.mark.seat, orphan, "pruned"),))
    assert kept(made, approved()) == []
    assert kept(made, approved(destroys=[7])) == ["- july/0 7"]


def test_an_approval_remembers_seats_with_ceilings_and_ids():
    assert envelope_of(REPLACE) == Envelope({seat(): D("0.21")}, frozenset({100}))


STATES = st.sampled_from(["running", "loading", "exited", "offline", "stopped"])
SHOWN = st.lists(st.tuples(st.integers(0, 5), STATES, st.booleans()), max_size=8)
PRICES = st.lists(st.sampled_from(["0.1", "0.2", "0.3", "0.45"]), max_size=8)


def world(shown, prices, replicas) -> Plan:
    listed = [
        instance(f"june/{at}", NEW if fresh else OLD, id=100 + n, status=status)
        for n, (at, status, fresh) in enumerate(shown)
    ]
    before = record(since={(i.id, i.reported): NOW - 900 for i in listed if i.reported})
    return plan(fleet(image="a:2", replicas=replicas), listed, prices, before)


@given(SHOWN, PRICES, st.integers(0, 6), SHOWN, PRICES, st.integers(0, 6))
@settings(max_examples=80, deadline=None)
def test_never_more_is_done_than_was_approved_however_the_world_changed(
    shown, prices, replicas, shown_later, prices_later, replicas_later
):
    envelope = envelope_of(world(shown, prices, replicas))
    for action in within(world(shown_later, prices_later, replicas_later), envelope, Done()).actions():
        if isinstance(action, (Create, Replace)):
            assert action.ceiling <= envelope.rents[action.seat]
            assert action.choice.candidate.price <= envelope.rents[action.seat]
        if isinstance(action, (Destroy, Replace)):
            assert action.old.id in envelope.destroys


def test_no_step_moves_past_one_that_a_guard_holds_and_what_that_one_waits_for():
    """june/0 is held; june/2 was to come after it, which was to come after june/1, which boots."""
    rows = [instance("june/0", OLD, id=100), instance("june/1", NEW, id=201, status="loading")]
    rows += [instance("june/1", OLD, id=101), instance("june/2", OLD, id=102)]
    made = plan(fleet(image="a:2", replicas=3), rows, ["0.1", "0.2"])
    part = made.fleets[0]
    [first] = [a for a in part.actions if a.seat == seat("june/0")]
    assert first.wait is not None
    others = tuple(a for a in part.actions if a is not first)
    held = replace(part, actions=others, held=(Held("x", "", "", "june", (first,)),))
    cut = replace(made, fleets=(held,))
    [last] = [a for a in within(cut, envelope_of(cut), Done()).actions() if a.seat == seat("june/2")]
    assert last.wait is not None
    assert str(last.wait) == str(first.wait)
