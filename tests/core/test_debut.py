"""A spec that nobody has seen run: two instances at a time, and none more after two machines that failed alike."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import NOW, diff, fleet, instance, intent, money, offer, offers, placed, plans, record, seat, told

from reconciler.core.budget import Standing
from reconciler.core.debut import KEPT, Debut, Failure, condemned, with_debut, with_failures, with_proof
from reconciler.core.debuting import with_debut_waits
from reconciler.core.fields import spec_hash
from reconciler.core.guards import Allowed, guard_all, guard_fleet
from reconciler.core.health import Health
from reconciler.core.model import Limits, Policy
from reconciler.core.plan import Plan
from reconciler.core.planner import fleet_plan, needs_of
from reconciler.core.record import without_pause
from reconciler.core.rental import Rental

JUNE = fleet(replicas=4)
KEY = ("june", spec_hash(JUNE))
PULL = "Error response from daemon: manifest unknown"


def debut(*causes, proved=False):
    """Failures of machines 1, 2, ..."""
    return Debut(proved, tuple(Failure(machine, cause, NOW) for machine, cause in enumerate(causes, 1)))


VERDICTS = {
    "nothing has failed": (debut(), 0),
    "one machine": (debut("no gpu"), 0),
    "two alike": (debut("no gpu", "no gpu"), 2),
    "two that differ": (debut("no gpu", "still loading"), 0),
    "two alike after one that differs": (debut("still loading", "no gpu", "no gpu"), 2),
    "an instance was ready once": (debut("no gpu", "no gpu", proved=True), 0),
    "one machine twice": (Debut(failures=(Failure(1, "no gpu", 1.0), Failure(1, "no gpu", 2.0))), 0),
}


@pytest.mark.parametrize(("found", "alike"), VERDICTS.values(), ids=VERDICTS.keys())
def test_two_machines_that_fail_alike_condemn_the_spec(found, alike):
    assert len(condemned(found)) == alike


def test_a_machine_counts_once_for_each_cause():
    once = with_failures(Debut(), [Failure(1, "no gpu", 1.0), Failure(1, "no gpu", 2.0)])
    assert len(with_failures(once, [Failure(1, "still loading", 3.0)]).failures) == 2


def test_a_proof_takes_back_what_failed_before():
    assert with_proof({KEY: debut("no gpu", "no gpu")}, [KEY]) == {KEY: Debut(proved=True)}


def test_only_the_newest_debuts_are_remembered():
    debuts = {}
    for number in range(KEPT + 5):
        debuts = with_debut(debuts, ("june", str(number)), Debut())
    assert (len(debuts), next(iter(debuts))) == (KEPT, ("june", "5"))


# --- the plan -------------------------------------------------------------------------------------


def actions(rows=(), before=None, spec=JUNE, prices=("0.1", "0.11", "0.12", "0.13")):
    """What a pass plans where instances are looked at."""
    difference = diff(spec, rows, before or record())
    (part,) = difference.fleets
    plan = fleet_plan(part, placed(difference, offers(*prices)), {}, None, {})
    return told(with_debut_waits(plan, part).actions)


def coming(number, at="june/0", **options):
    """An instance that boots."""
    return instance(at, JUNE, id=number, status="loading", **options)


LATER = ", until one of the first is ready"


def test_two_instances_of_a_new_spec_are_rented_at_once():
    assert actions() == ["+ june/0 offer 1", "+ june/1 offer 2", f"+ june/2 offer 3{LATER}", f"+ june/3 offer 4{LATER}"]


ON_THEIR_WAY = {
    "one boots": ([coming(100)], record(health={100: Health(NOW)}), 1),
    "two boot": ([coming(100), coming(101, "june/1")], record(health={100: Health(NOW), 101: Health(NOW)}), 0),
    "one attempt is open": ([], record(intent("june/0")), 1),
    "one is ready": ([instance("june/0", JUNE)], record(), 3),
    "one is gone that was ready": ([], record(debuts={KEY: Debut(proved=True)}), 4),
    "one that ran was stopped": (
        [instance("june/0", JUNE, status="stopped")],
        record(health={100: Health(NOW - 60, checked_at=NOW - 30)}),
        2,
    ),
    "one was stopped before it ran": (
        [instance("june/0", JUNE, status="stopped")],
        record(health={100: Health(NOW - 60)}),
        1,
    ),
    "one waits for its GPU": ([instance("june/0", JUNE, status="queued")], record(health={100: Health(NOW)}), 2),
    "one of an older spec is ready": (
        [instance("june/0", fleet(replicas=4, image="ghcr.io/acme/june:0"))],
        record(),
        2,
    ),
}


@pytest.mark.parametrize(("rows", "before", "now"), ON_THEIR_WAY.values(), ids=ON_THEIR_WAY.keys())
def test_how_many_more_are_rented_now(rows, before, now):
    assert sum(LATER not in line and line.startswith(("+ ", "+/- ")) for line in actions(rows, before)) == now


def test_lost_bids_hold_up_no_debut():
    spec = fleet(replicas=4, rental=Rental("interruptible"))
    rows = [instance(f"june/{n}", spec, id=100 + n, status="outbid", interruptible=True) for n in range(2)]
    difference = diff(spec, rows, record(health={100: Health(NOW), 101: Health(NOW)}))
    plan = fleet_plan(
        difference.fleets[0], placed(difference, [offer(n, least_bid="0.1") for n in (1, 2)]), {}, None, {}
    )
    assert told(with_debut_waits(plan, difference.fleets[0]).actions) == ["+ june/2 offer 1", "+ june/3 offer 2"]


def test_the_second_is_awaited_before_there_is_a_third():
    one_failed = [coming(100, message=PULL), coming(101, "june/1")]
    before = record(health={100: Health(NOW), 101: Health(NOW)})
    assert [LATER in line for line in actions(one_failed, before)] == [True, True, True]
    gone = record(debuts={KEY: debut("image not found")}, health={101: Health(NOW)})
    assert [LATER in line for line in actions(one_failed[1:], gone)] == [True, True, True]
    assert [LATER in line for line in actions([], gone)] == [False, True, True, True]


def test_the_first_that_fails_is_replaced():
    first = [coming(100, message=PULL)]
    assert actions(first)[0] == "-/+ june/0 100 -> offer 1"


def test_two_that_fail_alike_go_and_nothing_comes():
    both = [coming(100, message=PULL), coming(101, "june/1", message=PULL)]
    assert actions(both) == ["- june/0 100", "- june/1 101"]


def test_the_second_that_fails_like_the_first_goes_and_nothing_comes():
    before = record(debuts={KEY: debut("image not found")})
    assert actions([coming(100, message=PULL)], before) == ["- june/0 100"]


def test_a_dead_host_says_nothing_of_the_spec():
    both = [instance("june/0", JUNE, id=1, status="offline"), instance("june/1", JUNE, id=2, status="offline")]
    old = {(i, "offline"): NOW - 900 for i in (1, 2)}
    health = {1: Health(NOW - 900), 2: Health(NOW - 900)}
    planned = actions(both, record(since=old, health=health))
    assert planned[:2] == ["-/+ june/0 1 -> offer 1", "-/+ june/1 2 -> offer 2"]


def guarded(rows=(), before=None, spec=JUNE, limits=None, prices=("0.1",), **allowed):
    difference = diff(spec, rows, before or record())
    (part,) = difference.fleets
    plan = fleet_plan(part, placed(difference, offers(*prices)), {}, None, {})
    return guard_fleet(plan, part, Policy(limits=limits or Limits()), Allowed(**allowed))


def test_a_condemned_spec_is_refused_with_its_machines_cause_and_the_way_on():
    before = record(debuts={KEY: debut("image not found", "image not found")})
    (held,) = guarded([], before).held
    assert held.guard == "failed spec"
    assert "2 machines (1, 2) failed alike" in held.message
    assert "image not found" in held.message
    assert held.lift == "reconcile resume june, or a changed spec"
    assert guarded([], before).actions == ()


def test_another_spec_hash_is_another_debut():
    before = record(debuts={KEY: debut("image not found", "image not found")})
    changed = fleet(replicas=4, image="ghcr.io/acme/june:2")
    assert guarded([], before, changed).held == ()
    assert len(guarded([], before, changed).actions) == 1


def test_a_word_of_a_person_lifts_it():
    before = record(debuts={KEY: debut("no gpu", "no gpu"), ("july", "x"): debut("no gpu", "no gpu")})
    assert without_pause(before, "june").debuts == {("july", "x"): debut("no gpu", "no gpu")}


# --- how many go, and what they cost --------------------------------------------------------------


def never_ready(number):
    rows = [coming(100 + i, f"june/{i}", message="no space left on device", host_id=i) for i in range(number)]
    proved = record(debuts={KEY: Debut(proved=True)})
    return rows, proved


PRICES = ("0.1", "0.11", "0.12", "0.13")


def test_what_an_earlier_run_rented_goes_within_the_share():
    plan = guarded(*never_ready(4), prices=PRICES)
    assert (len(plan.actions), [held.guard for held in plan.held]) == (1, ["unasked destroys"])


def test_what_this_run_rented_and_was_never_ready_goes_whatever_its_number():
    plan = guarded(*never_ready(4), prices=PRICES, rented=frozenset(range(100, 104)))
    assert (len(plan.actions), plan.held) == (4, ())


def test_what_this_run_rented_and_was_ready_goes_within_the_share():
    rows, proved = never_ready(4)
    ready = record(debuts=proved.debuts, health={i: Health(0.0, NOW - 99) for i in range(100, 104)})
    ours = frozenset(range(100, 104))
    assert len(guarded(rows, ready, prices=PRICES, rented=ours, run_started_at=NOW + 1).actions) == 1
    assert [held.guard for held in guarded(rows, ready, prices=PRICES, rented=ours).held] == ["suspected reading"]


def test_instances_that_never_came_up_are_no_suspected_reading():
    plan = guarded(*never_ready(4), prices=PRICES, run_started_at=NOW - 999)
    assert [held.guard for held in plan.held] == ["unasked destroys"]


WASTE = {
    # dollars, when, the policy's word, refused
    "little": ("1.49", 0.0, None, False),
    "as much as three hours at the cap": ("1.5", 0.0, None, True),
    "yesterday": ("9", 86_401.0, None, False),
    "more than the policy says": ("0.3", 0.0, "0.3", True),
    "less than the policy says": ("9", 0.0, "9.1", False),
}


@pytest.mark.parametrize(("dollars", "age_s", "most", "refused"), WASTE.values(), ids=WASTE.keys())
def test_a_seat_whose_instances_were_never_ready_costs_so_much_a_day(dollars, age_s, most, refused):
    rows, proved = never_ready(1)
    wasted = {seat("june/0"): ((NOW - age_s, money(dollars)),)}
    before = record(debuts=proved.debuts, wasted=wasted)
    plan = guarded(rows, before, limits=Limits(wasted_per_seat_per_day=None if most is None else money(most)))
    assert [held.guard for held in plan.held] == (["wasted per seat"] if refused else [])
    if refused:
        assert plan.held[0].lift == "reconcile free june/0"
        assert [str(a.seat) for a in plan.held[0].actions] == ["june/0"]


OFTEN = {seat("june/0"): (NOW - 3, NOW - 2, NOW - 1)}
DEAR = {seat("june/0"): ((NOW, money("9")),)}
NOTHING = Standing(0, money("0"), money("0"))
WITHOUT_SUCCESSOR = {
    # what is remembered, the spec, the policy's limits, what the run may add, the guard that refuses the rent
    "replaced too often": ({"replaced": OFTEN}, {}, {}, None, "replacements per seat"),
    "its predecessors cost too much": (
        {"wasted": {seat("june/0"): ((NOW, money("9")),)}},
        {},
        {},
        None,
        "wasted per seat",
    ),
    "beyond the fleet's budget": ({}, {"budget_per_hour": "0.05"}, {}, None, "fleet budget"),
    "beyond the policy's budget": ({}, {}, {"budget_per_hour": money("0.05")}, None, "policy budget"),
    "beyond what a run may rent": ({}, {}, {"rents_per_run": 0}, None, "rents per run"),
    "beyond what a run may add": ({}, {}, {}, "0.01", "added per hour"),
}


@pytest.mark.parametrize(
    ("remembered", "spec", "limits", "most", "guard"), WITHOUT_SUCCESSOR.values(), ids=WITHOUT_SUCCESSOR.keys()
)
def test_what_was_never_ready_goes_though_nothing_may_be_rented_for_it(remembered, spec, limits, most, guard):
    """It would bill for ever, and serve nobody."""
    rows, proved = never_ready(1)
    june = fleet(replicas=1, **spec)
    rules, added = Limits(**limits), Allowed(max_added=None if most is None else money(most))
    cheap = [replace(rows[0], price_per_hour=money("0.01"))]
    part = guarded(cheap, replace(proved, **remembered), june, rules)
    plan = guard_all(Plan("default", 1, NOW, (part,)), rules, Standing(0, money("0"), money("0")), None, added).fleets[
        0
    ]
    assert [(type(a).__name__, a.old.id, a.unasked) for a in plan.actions] == [("Destroy", 100, True)]
    (held,) = plan.held
    assert (held.guard, [type(a).__name__ for a in held.actions]) == (guard, ["Create"])


def test_what_was_never_ready_goes_though_nothing_is_for_sale():
    (action,) = guarded(*never_ready(1), fleet(replicas=1), prices=()).actions
    assert (type(action).__name__, action.old.id) == ("Destroy", 100)


def test_what_was_ready_once_stays_where_nothing_may_be_rented_for_it():
    rows = [instance("june/0", fleet(replicas=1), id=100, status="offline")]
    before = record(since={(100, "offline"): NOW - 900}, health={100: Health(0.0, NOW - 999)}, replaced=OFTEN)
    assert guarded(rows, before, fleet(replicas=1)).actions == ()
    assert guarded(rows, before, fleet(replicas=1), prices=()).actions == ()


def test_a_machine_on_which_a_new_spec_failed_is_not_taken_again():
    one = debut("image not found")
    before = record(debuts={KEY: one})
    assert needs_of(diff(JUNE, [], before))[0].not_on == {one.failures[0].machine_id}
    proved = record(debuts={KEY: replace(one, proved=True)})
    assert needs_of(diff(JUNE, [], proved))[0].not_on == frozenset()


def test_the_steps_of_a_rollout_cost_so_much_a_day_too():
    before = record(wasted={seat("june/0"): ((NOW, money("1.5")),)}, debuts={KEY: Debut(True)})
    rows = [instance(f"june/{index}", fleet(replicas=4, image="a:1"), id=100 + index) for index in range(4)]
    plan = guarded(rows, before, prices=PRICES)
    assert [held.guard for held in plan.held] == ["wasted per seat"]
    assert all(action.seat != seat("june/0") for action in plan.actions)


def test_the_notes_say_why_an_instance_is_not_ready():
    rows = [instance("june/0", JUNE, id=100), instance("june/1", JUNE, id=101), coming(102, "june/2")]
    health = {
        100: Health(NOW, None, NOW, NOW, "fail", "ssh: connection refused"),
        101: Health(NOW, None, None, NOW, "cannot tell", "ssh: no key"),
        102: Health(NOW),
    }
    (plan,) = plans(diff(JUNE, rows, record(health=health)))
    assert [note.text for note in plan.notes] == [
        "instance 100 runs, not ready yet: ssh: connection refused",
        "instance 101 runs, whether it is ready cannot be told: ssh: no key",
        "instance 102 is booting",
    ]
    assert plan.running == 0
