"""Who is looked for in a pass: whoever would be due with the offer seen last, or has none yet."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import NOW, diff, fleet, instance, offers, placed, record, seat

from reconciler.core.envelope import Done, Envelope
from reconciler.core.health import Health
from reconciler.core.label import Seat
from reconciler.core.placement import Placement
from reconciler.core.plan import Held, Plan
from reconciler.core.planner import fleet_plan, needs_of
from reconciler.core.record import Record
from reconciler.core.sought import ANY, Sought, approved_part, due_rents, moved_up, sought

OLD, NEW = fleet(image="a:1", replicas=3), fleet(image="a:2", replicas=3)
MARKET = offers("0.1", "0.2", "0.3")
STEPS = [instance(f"june/{n}", OLD, id=100 + n) for n in range(3)]
BOOTS = [instance("june/0", NEW, id=200, status="loading"), *STEPS[1:]]
DYING = [*(instance(f"june/{n}", NEW, id=100 + n) for n in range(2)), instance("june/2", NEW, id=102, status="offline")]
DEAD = record(since={(102, "offline"): NOW - 1000.0})
JUNE = (Seat("june", 0), Seat("june", 1), Seat("june", 2))


def asked(rows, before: Record | None = None, known=(), spec=NEW):
    """Who is looked for, and who of them is a repair."""
    difference = diff(spec, rows, before)
    seen = placed(difference, MARKET).choices
    plan = planning(difference)
    found = sought(needs_of(difference), {at: choice for at, choice in seen.items() if at.index in known}, plan)
    return found, plan


def planning(difference):
    def plan_of(choices):
        parts = (fleet_plan(part, Placement(choices), {}, None, {}) for part in difference.fleets)
        return Plan("default", 1, NOW, tuple(parts))

    return plan_of


CASES = {
    # what is there, what is remembered, whose offers were seen before; who is looked for, who goes on with what it had
    "nothing was seen before: all": (STEPS, None, (), {0, 1, 2}, set()),
    "the step whose turn it is": (STEPS, None, (0, 1, 2), {0}, {1, 2}),
    "one that was never looked for has the turn": (STEPS, None, (1, 2), {0}, {1, 2}),
    "one that was never looked for waits": (STEPS, None, (0, 1), {0, 2}, {1}),
    "all wait for one that boots": (BOOTS, None, (1, 2), set(), {1, 2}),
    "within its grace": (DYING, None, (2,), set(), {2}),
    "its grace is over": (DYING, DEAD, (2,), {2}, set()),
    "all are empty": ([], None, (0, 1, 2), {0, 1, 2}, set()),
    "nothing is wanted": (DYING[:2], None, (0, 1), {2}, set()),
}


@pytest.mark.parametrize(("rows", "before", "seen", "looked_for", "known"), CASES.values(), ids=CASES.keys())
def test_who_is_looked_for(rows, before, seen, looked_for, known):
    found, _ = asked(rows, before, seen)
    assert {need.seat.index for need in found.needs} == looked_for
    assert {at.index for at in found.known} == known


@pytest.mark.parametrize(("before", "repair"), [(None, False), (DEAD, True)], ids=["in its grace", "due"])
def test_what_waits_takes_none_of_the_rows_for_repairs(before, repair):
    found, _ = asked(DYING, before)
    assert [(need.seat, need.repair) for need in found.needs] == [(JUNE[2], repair)]


def test_what_stands_for_an_offer_is_given_to_nobody():
    found, _ = asked(STEPS, None, (0,))
    assert ANY not in found.known.values()


def test_a_seat_that_moves_up_is_looked_for_with_its_fleet():
    found, plan_of = asked(STEPS, None, (0, 1, 2))
    needs = needs_of(diff(NEW, STEPS))
    whole = plan_of({**found.known, JUNE[0]: ANY})
    assert moved_up(found, needs, whole) is None
    without_the_first = plan_of(found.known)
    assert moved_up(found, needs, without_the_first) == Sought(tuple(needs), {})


def test_a_seat_that_moves_up_because_the_first_is_not_approved_is_looked_for():
    _, plan_of = asked(STEPS, None, (0, 1, 2))
    difference = diff(NEW, STEPS)
    seen = placed(difference, MARKET).choices
    rest = Envelope(dict.fromkeys(JUNE[1:], NEW.price.max_per_hour), frozenset({101, 102}))
    found = sought(needs_of(difference, rest.rents), seen, lambda got: approved_part(plan_of(got), rest, Done()))
    assert [need.seat for need in found.needs] == [JUNE[1]]


def test_one_that_boots_and_is_not_told_to_be_ready_holds_up_the_look_too():
    before = record(health={200: Health(NOW - 60, checked_at=NOW, verdict="fail", cause="http: http 503")})
    found, _ = asked([instance("june/0", NEW, id=200), *STEPS[1:]], before, (1, 2))
    assert found.needs == ()
    assert seat("june/1") in found.known


def test_a_scope_looks_for_whoever_moves_up_past_one_that_is_held():
    """A step is looked for in the pass in which it is rented, also where a guard holds the one before it."""
    difference = diff(NEW, STEPS)
    (part,) = (fleet_plan(part, placed(difference, MARKET), {}, None, {}) for part in difference.fleets)
    held = replace(part, actions=part.actions[1:], held=(Held("x", "", "", "june", part.actions[:1]),))
    made = Plan("default", 1, NOW, (held,))
    scope = Envelope({}, frozenset(), is_scope=True)
    assert {seat.index for seat in due_rents(made)} == set()
    assert {seat.index for seat in due_rents(approved_part(made, scope, Done()))} == {1}
