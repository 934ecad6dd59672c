"""How a diff becomes actions: what is done, in which order, what waits and what is only said."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import (
    DAY_S,
    NOW,
    diff,
    fleet,
    instance,
    intent,
    known,
    leaving,
    money,
    offer,
    offers,
    plans,
    record,
    seat,
    told,
)

from reconciler.core.budget import costs
from reconciler.core.debut import Debut
from reconciler.core.evidence import Vanished
from reconciler.core.fields import spec_hash
from reconciler.core.health import Health, checked
from reconciler.core.model import Limit, Rollout
from reconciler.core.plan import Cost, Create, Destroy, Plan, Replace, Wait
from reconciler.core.planner import needs_of

D = Decimal
NEW, OLD = fleet(image="a:2"), fleet(image="a:1")
TWO, THREE = fleet(image="a:2", replicas=2), fleet(image="a:2", replicas=3)
TWO_AT_ONCE = fleet(image="a:2", replicas=3, rollout=Rollout(at_once=Limit(Decimal(2))))
CANARY = replace(TWO, rollout=Rollout(at_once=Limit(Decimal(2)), canary_s=300.0))
DESTROY_FIRST = fleet(image="a:2", rollout=Rollout("destroy-first"))
TWO_DESTROY_FIRST = replace(DESTROY_FIRST, replicas=2)
UNTOLD = Health(NOW - 2 * DAY_S, checked_at=NOW, verdict="cannot tell", cause="ssh: no key")
PROVED = {("june", spec_hash(NEW)): Debut(True)}


def sits(index=0, *, id=100, spec=NEW, status="running", **options):
    return instance(f"june/{index}", spec, id=id, status=status, **options)


def old(index=0, *, id=100, **options):
    return sits(index, id=id, spec=OLD, **options)


def plan(spec, rows=(), market=(), before=None, **options):
    (made,) = plans(diff(spec, rows, before), market, **options)
    return made


MARKET = offers("0.1", "0.2", "0.3", "0.4")
ACTIONS = {
    "nothing there: create": (NEW, [], record(), ["+ june/0 offer 1"]),
    "running as declared: nothing": (NEW, [sits()], record(), []),
    "booting: nothing": (NEW, [sits(status="loading")], record(), []),
    "stopped by someone: nothing": (NEW, [sits(status="stopped")], record(), []),
    "waiting for its GPU: nothing": (NEW, [sits(status="queued")], record(), []),
    "an attempt in doubt: nothing": (NEW, [], record(intent()), []),
    "known and not called gone: nothing": (NEW, [], record(known(5)), []),
    "a destroy under way: rented once it is seen": (
        NEW,
        [],
        record(leaving(5)),
        ["+ june/0 offer 1, until instance 5 is gone"],
    ),
    "drifted: replace, new first": (NEW, [old()], record(), ["+/- june/0 100 -> offer 1"]),
    "drifted: replace, old first where declared": (DESTROY_FIRST, [old()], record(), ["-/+ june/0 100 -> offer 1"]),
    "dead beyond its grace: replace, old first": (
        NEW,
        [sits(status="exited")],
        record(since={(100, "exited"): NOW - 120}),
        ["-/+ june/0 100 -> offer 1"],
    ),
    "dead within its grace: the repair waits": (
        NEW,
        [sits(status="exited")],
        record(),
        ["-/+ june/0 100 -> offer 1, its grace"],
    ),
    "beyond the replicas: destroy": (NEW, [sits(), sits(1, id=101)], record(), ["- june/1 101"]),
    "beyond the replicas and stopped by someone: destroy": (
        NEW,
        [sits(), sits(1, id=101, status="stopped")],
        record(),
        ["- june/1 101"],
    ),
    "beyond the replicas and on its way out: nothing": (
        NEW,
        [sits(), sits(1, id=101)],
        record(leaving(101, "june/1")),
        [],
    ),
    "two of one seat: the other goes": (NEW, [sits(), sits(id=101)], record(), ["- june/0 101"]),
    "two of one seat, one booting: that one goes": (
        NEW,
        [sits(id=101), sits(status="loading")],
        record(),
        ["- june/0 100"],
    ),
    "two of one seat, one stopped by someone: it is left alone": (
        NEW,
        [sits(), sits(id=101, status="stopped")],
        record(),
        [],
    ),
    "the new one boots: the old one serves on": (
        NEW,
        [old(), sits(id=101, status="loading")],
        record(),
        ["- june/0 100, until instance 101 runs"],
    ),
    "the new one runs: the old one goes": (NEW, [old(), sits(id=101)], record(), ["- june/0 100"]),
    "the new one boots and the old one is dead: it goes": (
        NEW,
        [old(status="exited"), sits(id=101, status="loading")],
        record(since={(100, "exited"): NOW - 120}),
        ["- june/0 100"],
    ),
    "the new one boots and the old one fails within its grace: it may serve again": (
        NEW,
        [old(status="exited"), sits(id=101, status="loading")],
        record(),
        ["- june/0 100, until instance 101 runs"],
    ),
    "the new one boots and a look at the old one failed: it may serve again": (
        NEW,
        [old(), sits(id=101, status="loading")],
        record(health={100: Health(NOW - 9000, NOW - 8000, NOW, NOW, "fail", "http: 500"), 101: Health(NOW - 60)}),
        ["- june/0 100, until instance 101 runs"],
    ),
    "old first: no further one goes while a seat is empty": (
        TWO_DESTROY_FIRST,
        [old(1)],
        record(),
        ["+ june/0 offer 1", "-/+ june/1 100 -> offer 2, after june/0"],
    ),
    "old first: no further one goes while an old one is dead": (
        TWO_DESTROY_FIRST,
        [old(status="exited"), old(1, id=101)],
        record(since={(100, "exited"): NOW - 120}),
        ["-/+ june/0 100 -> offer 1", "-/+ june/1 101 -> offer 2, after june/0"],
    ),
    "new first: no further one comes while the new one is dead": (
        TWO,
        [sits(status="exited"), old(1, id=101)],
        record(since={(100, "exited"): NOW - 120}, debuts=PROVED),
        ["-/+ june/0 100 -> offer 1", "+/- june/1 101 -> offer 2, after june/0"],
    ),
    "new first: one comes while an old one is dead": (
        TWO,
        [old(status="exited"), old(1, id=101)],
        record(since={(100, "exited"): NOW - 120}, debuts=PROVED),
        ["-/+ june/0 100 -> offer 1", "+/- june/1 101 -> offer 2"],
    ),
    "the new one fails within its grace: nothing yet": (NEW, [old(), sits(id=101, status="exited")], record(), []),
    "the new one fails for good: the old one stays": (
        NEW,
        [old(), sits(id=101, status="exited")],
        record(since={(101, "exited"): NOW - 120}),
        ["- june/0 101"],
    ),
    "drifted with an attempt in doubt: nothing more is rented": (NEW, [old()], record(intent(number=9)), []),
    "a rollout goes seat by seat": (
        THREE,
        [old(0, id=100), old(1, id=101), old(2, id=102)],
        record(),
        [
            "+/- june/0 100 -> offer 1",
            "+/- june/1 101 -> offer 2, after june/0",
            "+/- june/2 102 -> offer 3, after june/1",
        ],
    ),
    "two at once: the third waits for the first": (
        TWO_AT_ONCE,
        [old(0, id=100), old(1, id=101), old(2, id=102)],
        record(),
        [
            "+/- june/0 100 -> offer 1",
            "+/- june/1 101 -> offer 2",
            "+/- june/2 102 -> offer 3, after june/0",
        ],
    ),
    "two at once, one of them boots: one more goes": (
        TWO_AT_ONCE,
        [sits(0, status="loading"), old(1, id=101), old(2, id=102)],
        record(),
        ["+/- june/1 101 -> offer 1", "+/- june/2 102 -> offer 2, after june/0"],
    ),
    "two at once, both boot: nobody else goes": (
        TWO_AT_ONCE,
        [sits(0, status="loading"), sits(1, id=101, status="loading"), old(2, id=102)],
        record(),
        ["+/- june/2 102 -> offer 1, after june/0"],
    ),
    "a canary: one goes first, though two may at once": (
        CANARY,
        [old(0, id=100), old(1, id=101)],
        record(),
        ["+/- june/0 100 -> offer 1", "+/- june/1 101 -> offer 2, after june/0"],
    ),
    "a canary that boots: the others wait for it": (
        CANARY,
        [sits(0, status="loading"), old(1, id=101)],
        record(),
        ["+/- june/1 101 -> offer 1, until the canary june/0 is ready"],
    ),
    "a canary that has been ready for two minutes of five": (
        CANARY,
        [sits(0), old(1, id=101)],
        record(health={100: Health(NOW - 500, NOW - 120, verdict="pass")}),
        ["+/- june/1 101 -> offer 1, until the canary june/0 has been ready long enough"],
    ),
    "a canary that has been ready long enough": (
        CANARY,
        [sits(0), old(1, id=101)],
        record(health={100: Health(NOW - 500, NOW - 300, verdict="pass")}),
        ["+/- june/1 101 -> offer 1"],
    ),
    "a canary that has flapped": (
        CANARY,
        [sits(0), old(1, id=101)],
        record(health={100: checked(Health(NOW - 900, NOW - 800, NOW - 60, NOW - 60, "fail", "ssh: x"), (), NOW - 1)}),
        ["+/- june/1 101 -> offer 1, until the canary june/0 has been ready long enough"],
    ),
    "a canary that was ready and fails": (
        CANARY,
        [sits(0), old(1, id=101)],
        record(health={100: Health(NOW - 900, NOW - 800, NOW - 60, NOW, "fail", "ssh: connection refused")}),
        [
            "-/+ june/0 100 -> offer 1, its grace",
            "+/- june/1 101 -> offer 2, until the canary june/0 is ready",
        ],
    ),
    "a canary that somebody stopped: another one is it": (
        CANARY,
        [sits(0, status="stopped"), old(1, id=101)],
        record(health={100: Health(NOW - 900, NOW - 800, checked_at=NOW)}),
        ["+/- june/1 101 -> offer 1"],
    ),
    "one of the spec that was ready long enough and comes to its end proves it": (
        CANARY,
        [sits(0, ends_at=NOW + DAY_S / 2), old(1, id=101)],
        record(health={100: Health(NOW - 500, NOW - 300, verdict="pass")}),
        ["+/- june/0 100 -> offer 1", "+/- june/1 101 -> offer 2"],
    ),
    "one that comes to its end waits for no canary of the spec that it has": (
        CANARY,
        [sits(0), sits(1, id=101, ends_at=NOW + DAY_S / 2)],
        record(health={n: Health(NOW - 500, NOW - 120, verdict="pass") for n in (100, 101)}),
        ["+/- june/1 101 -> offer 1"],
    ),
    "one of which nobody can tell: no further one goes": (
        TWO_DESTROY_FIRST,
        [sits(0), old(1, id=101)],
        record(health={100: UNTOLD}),
        ["-/+ june/1 101 -> offer 1, after june/0"],
    ),
    "a seat whose last newcomer is still on its way out": (
        NEW,
        [old(), sits(id=101)],
        record(leaving(101, "june/0")),
        ["+/- june/0 100 -> offer 1, until instance 101 is gone"],
    ),
    "one that a person wants replaced": (
        NEW,
        [sits()],
        record(unwanted={100: NOW}),
        ["+/- june/0 100 -> offer 1"],
    ),
    "one that a person wants replaced, though somebody stopped it": (
        NEW,
        [sits(status="stopped")],
        record(unwanted={100: NOW}),
        ["+/- june/0 100 -> offer 1"],
    ),
    "the one that was wanted in its place runs": (
        NEW,
        [sits(), sits(id=101)],
        record(unwanted={100: NOW}),
        ["- june/0 100"],
    ),
    "the next step waits while a new one boots": (
        TWO,
        [sits(0, status="loading"), old(1, id=101)],
        record(),
        ["+/- june/1 101 -> offer 1, after june/0"],
    ),
    "the next step waits while an old one is still there": (
        TWO,
        [sits(0), old(0, id=99), old(1, id=101)],
        record(),
        ["- june/0 99", "+/- june/1 101 -> offer 1, after june/0"],
    ),
    "the next step waits for a doubtful rent": (
        TWO,
        [old(1, id=101)],
        record(intent("june/0")),
        ["+/- june/1 101 -> offer 1, after june/0"],
    ),
    "the next step waits for a doubtful rent of the step before it": (
        TWO,
        [old(0), old(1, id=101)],
        record(intent("june/0")),
        ["+/- june/1 101 -> offer 1, after june/0"],
    ),
    "of two dead ones of a seat one goes first, and the next step waits": (
        TWO,
        [sits(0, id=98, status="exited"), sits(0, id=99, status="exited"), old(1, id=101)],
        record(since={(98, "exited"): NOW - 120, (99, "exited"): NOW - 120}),
        ["- june/0 99", "+/- june/1 101 -> offer 1, after june/0"],
    ),
    "the next step waits for a destroy under way": (
        TWO,
        [old(1, id=101)],
        record(leaving(5, "june/0")),
        ["+ june/0 offer 1, until instance 5 is gone", "+/- june/1 101 -> offer 2, after june/0"],
    ),
    "the next step waits for an old one whose destroy is not seen": (
        TWO,
        [sits(0), old(1, id=101)],
        record(leaving(5, "june/0")),
        ["+/- june/1 101 -> offer 1, after june/0"],
    ),
    "a rollout waits for what is beyond the replicas": (
        NEW,
        [old(0), sits(3, id=103)],
        record(),
        ["+/- june/0 100 -> offer 1, after june/3", "- june/3 103"],
    ),
    "an empty seat does not wait for a rollout": (
        TWO,
        [old(0, id=100)],
        record(),
        ["+/- june/0 100 -> offer 1", "+ june/1 offer 2"],
    ),
    "a paused fleet does nothing": (replace(NEW, paused=True), [old(), sits(3, id=103)], record(), []),
    "a fleet of zero lets everything go": (fleet(replicas=0), [sits(spec=fleet())], record(), ["- june/0 100"]),
}


@pytest.mark.parametrize(("spec", "rows", "before", "expected"), ACTIONS.values(), ids=ACTIONS.keys())
def test_the_actions_of_a_fleet(spec, rows, before, expected):
    assert told(plan(spec, rows, MARKET, before).actions) == expected


# --- waits ----------------------------------------------------------------------------------------

COLD = Wait("cold start", 200.0)


def only(made):
    (action,) = made.actions
    return action


def test_a_cold_start_delays_every_rent():
    assert only(plan(NEW, [], MARKET, wait=COLD)).wait == COLD
    assert only(plan(NEW, [old()], MARKET, wait=COLD)).wait == COLD
    dead = record(since={(100, "exited"): NOW - 120})
    assert only(plan(NEW, [sits(status="exited")], MARKET, dead, wait=COLD)).wait == COLD


def test_a_cold_start_delays_no_destroy():
    assert only(plan(NEW, [sits(), sits(1, id=101)], MARKET, wait=COLD)).wait is None


@pytest.mark.parametrize(("status", "expected"), [("exited", "cold start"), ("offline", "its grace")])
def test_a_repair_waits_for_the_longer_of_its_grace_and_the_cold_start(status, expected):
    assert only(plan(NEW, [sits(status=status)], MARKET, wait=COLD)).wait.reason == expected


def test_a_grace_is_counted_from_when_the_fault_was_first_seen():
    before = record(since={(100, "offline"): NOW - 400})
    assert only(plan(NEW, [sits(status="offline")], MARKET, before)).wait == Wait("its grace", 200)


# --- reasons, ceilings, ids -----------------------------------------------------------------------


def test_a_repair_is_unasked_and_a_rollout_is_asked_for():
    dead, drifted = only(plan(NEW, [sits(status="exited")], MARKET)), only(plan(NEW, [old()], MARKET))
    assert isinstance(dead, Replace)
    assert isinstance(drifted, Replace)
    assert (dead.asked, drifted.asked) == (False, True)


def test_the_reason_of_a_create_says_what_vanished():
    gone = Vanished(77, seat(), NOW - 60)
    made = plan(NEW, [], MARKET, vanished={seat(): gone}, clock_text={77: "02:50"})
    assert only(made).reason == "instance 77 was destroyed outside, last seen 02:50"
    assert only(plan(NEW, [], MARKET)).reason == "nothing is there"


REASONS = {
    "a changed image": (NEW, [old()], "container.image a:1 -> a:2"),
    "a dead host": (NEW, [sits(status="offline")], "instance 100 is offline"),
    "fewer replicas": (NEW, [sits(), sits(3, id=103)], "replicas 4 -> 1"),
    "a further one that is dead": (
        NEW,
        [sits(), sits(id=101, status="exited", message="manifest unknown")],
        "instance 101 is unable to start: image not found; instance 100 stays",
    ),
    "a newer one": (NEW, [old(), sits(id=101)], "replaced by instance 101: container.image a:1 -> a:2"),
}


@pytest.mark.parametrize(("spec", "rows", "expected"), REASONS.values(), ids=REASONS.keys())
def test_an_action_says_why(spec, rows, expected):
    assert only(plan(spec, rows, MARKET)).reason == expected


@pytest.mark.parametrize(("price", "expected"), [("0.2", "0.21"), ("0.47619", "0.4999995"), ("0.49", "0.5")])
def test_a_ceiling_is_5_percent_over_the_price_and_never_over_the_cap(price, expected):
    assert only(plan(NEW, [], offers(price))).ceiling == money(expected)


def test_an_extra_names_the_one_that_stays():
    assert only(plan(NEW, [sits(), sits(id=101)])).keeper_id == 100
    assert only(plan(NEW, [sits(), sits(1, id=101)])).keeper_id is None


# --- without an offer -----------------------------------------------------------------------------


def test_an_empty_seat_without_an_offer_is_unfilled():
    made = plan(TWO, [], offers("0.1"))
    assert told(made.actions) == ["+ june/0 offer 1"]
    (unfilled,) = made.unfilled
    assert unfilled.seats == (seat("june/1"),)
    assert dict(unfilled.shortage.refused) == {"taken by another seat": 1}


KEPT = {
    "a drifted instance": old(),
    "a dead instance": sits(status="exited"),
    "an instance over the cap": sits(price_per_hour="0.9"),
}


@pytest.mark.parametrize("row", KEPT.values(), ids=KEPT.keys())
def test_nothing_is_destroyed_without_an_offer_in_its_place(row):
    made = plan(NEW, [row])
    assert (made.actions, made.unfilled) == ((), ())
    assert [note.kind for note in made.notes] == ["kept"]


def test_the_machine_of_a_dead_instance_is_not_rented_again():
    row = sits(status="exited", machine_id=5001)
    assert told(plan(NEW, [row], MARKET).actions) == ["-/+ june/0 100 -> offer 2, its grace"]


# --- what is only said ----------------------------------------------------------------------------

NOTES = {
    "an attempt in doubt": ([], record(intent(ceiling=money("0.3"))), [("doubtful", "0.3")]),
    "a known id nobody called gone": ([], record(known(5)), [("doubtful", "0")]),
    "a destroy under way": ([], record(leaving(5, rate="0.2")), [("leaving", "0.2")]),
    "stopped by someone, with what it bills": ([sits(status="stopped")], record(), [("held", "0.01")]),
    "running beside one that was stopped, and drifted": (
        [sits(status="stopped"), old(id=101)],
        record(),
        [("kept", "0.25"), ("held", "0.01")],
    ),
    "booting": ([sits(status="loading")], record(), [("pending", "0.25")]),
    "running": ([sits()], record(), []),
}


@pytest.mark.parametrize(("rows", "before", "expected"), NOTES.values(), ids=NOTES.keys())
def test_a_seat_is_told_of_though_nothing_is_done(rows, before, expected):
    notes = plan(NEW, rows, MARKET, before).notes
    assert [(note.kind, note.rate_per_hour) for note in notes] == [(kind, Decimal(rate)) for kind, rate in expected]


def test_a_plan_counts_what_runs_and_what_lives():
    rows = [sits(0), sits(1, id=101, status="loading"), sits(2, id=102, status="stopped"), sits(5, id=105)]
    made = plan(THREE, rows)
    assert (made.running, made.live, made.surplus) == (1, 4, 1)


def test_a_seat_runs_while_its_old_instance_serves_and_the_new_one_boots():
    rows = [old(0), sits(0, id=101, status="loading")]
    assert plan(THREE, rows).running == 1


BELOW = {
    "all run": ([sits(0), sits(1, id=101), sits(2, id=102)], THREE, False),
    "one is missing": ([sits(0), sits(1, id=101)], THREE, True),
    "one is missing and one boots": ([sits(0), sits(1, id=101, status="loading")], THREE, False),
    "enough run": ([sits(0), sits(1, id=101)], replace(THREE, min_ready=2), False),
    "paused": ([], replace(THREE, paused=True), False),
    "a schedule of none": ([], replace(THREE, replicas=0), False),
}


BLIND = {
    # age of the boot, of the last look, what it found: below
    "within a boot's time": (1300, 120, "cannot tell", False),
    "beyond it": (1300, 60, "cannot tell", True),
    "beyond it, and the last look was before": (9999, 9000, "cannot tell", False),
    "it fails, in time": (1199, 60, "fail", False),
}


@pytest.mark.parametrize(("booted_s", "looked_s", "verdict", "expected"), BLIND.values(), ids=BLIND.keys())
def test_one_of_which_nobody_can_tell_does_not_boot_for_ever(booted_s, looked_s, verdict, expected):
    looked = Health(NOW - booted_s, checked_at=NOW - looked_s, verdict=verdict, cause="ssh: no key")
    made = plan(NEW, [sits()], MARKET, record(health={100: looked}))
    assert ([note.kind for note in made.notes], made.below_min_ready) == (["pending"], expected)


@pytest.mark.parametrize(("rows", "spec", "expected"), BELOW.values(), ids=BELOW.keys())
def test_a_fleet_is_below_what_must_be_ready(rows, spec, expected):
    assert plan(spec, rows, MARKET).below_min_ready is expected


# --- who looks for an offer -----------------------------------------------------------------------


def test_only_approved_seats_look_for_offers_each_under_its_ceiling():
    approved = {seat("june/1"): Decimal("0.2"), seat("june/2"): Decimal("0.9")}
    needs = needs_of(diff(THREE), approved)
    assert [(n.seat, n.cap) for n in needs] == [(seat("june/1"), Decimal("0.2")), (seat("june/2"), Decimal("0.5"))]


THEIRS = instance("june/0", id=9, owner="other")


@pytest.mark.parametrize(("beside", "expected"), [((), 0), (("someone",), 0), (("other",), 1)])
def test_a_fleet_whose_name_lives_under_another_owner_looks_for_offers_only_beside_it(beside, expected):
    assert len(needs_of(diff(NEW, [THEIRS]), None, frozenset(beside))) == expected


def test_a_pass_with_nothing_to_rent_looks_for_nothing():
    rows = [sits(0), sits(1, id=101, status="loading"), sits(2, id=102, status="stopped")]
    assert needs_of(diff(THREE, rows)) == []
    assert needs_of(diff(replace(THREE, paused=True))) == []


# --- cost -----------------------------------------------------------------------------------------


def cost(spec, rows=(), market=MARKET, before=None) -> Cost:
    difference = diff(spec, rows, before)
    made = Plan("default", None, NOW, tuple(plans(difference, market)))
    return costs(made, difference, None, money("10"))


COSTS = {
    # now, after, at most on the way
    "nothing to do": (NEW, [sits()], record(), ("0.25", "0.25", "0.25")),
    "a create, at its ceiling on the way": (NEW, [], record(), ("0", "0.1", "0.105")),
    "new first: both on the way": (NEW, [old()], record(), ("0.25", "0.1", "0.355")),
    "old first: never both": (DESTROY_FIRST, [old()], record(), ("0.25", "0.1", "0.25")),
    "one step of a rollout at a time": (TWO, [old(0), old(1, id=101)], record(), ("0.5", "0.3", "0.71")),
    "surplus goes": (NEW, [sits(), sits(1, id=101)], record(), ("0.5", "0.25", "0.5")),
    "stopped ones bill their storage": (NEW, [sits(status="stopped")], record(), ("0.01", "0.01", "0.01")),
    "a destroy under way bills until it is seen": (NEW, [], record(leaving(5, rate="0.2")), ("0.2", "0.1", "0.305")),
    "a surplus one on its way out too": (
        NEW,
        [sits()],
        record(leaving(5, "june/1", rate="0.2")),
        ("0.45", "0.25", "0.45"),
    ),
}


@pytest.mark.parametrize(("spec", "rows", "before", "expected"), COSTS.values(), ids=COSTS.keys())
def test_what_a_plan_costs(spec, rows, before, expected):
    found = cost(spec, rows, before=before)
    assert (found.now, found.after, found.peak) == tuple(map(Decimal, expected))


def test_how_long_the_credit_lasts():
    assert cost(NEW, [sits()]).credit_lasts_h == 40
    assert cost(fleet(replicas=0)).credit_lasts_h is None


BESIDES = {
    # $0.25/h of the fleet, and as much besides
    "another owner's": ([instance("june/0", owner="other", id=9)], (), 20),
    "nobody's": ([instance(None, id=9)], (), 20),
    "a fleet that is not planned": ([instance("pool/0", id=9)], (), 20),
    "of it what is stopped bills its storage": ([instance("pool/0", id=9, status="stopped")], (), D(10) / D("0.26")),
    "what is to be pruned goes": ([instance("pool/0", id=9)], ("pool",), 40),
}


@pytest.mark.parametrize(("rows", "pruned", "hours"), BESIDES.values(), ids=BESIDES.keys())
def test_the_credit_is_that_of_the_whole_account(rows, pruned, hours):
    difference = diff(NEW, [sits(), *rows])
    gone = tuple(Destroy(m.mark.seat, m, "") for m in difference.undeclared if m.mark.seat.fleet in pruned)
    made = Plan("default", None, NOW, tuple(plans(difference)), pruned=gone)
    found = costs(made, difference, None, money("10"))
    assert (found.now, found.after, found.credit_lasts_h) == (D("0.25"), D("0.25"), hours)


@pytest.mark.parametrize("planned", [["a"], ["b"], ["a", "b"], []])
def test_the_credit_lasts_as_long_whatever_part_of_the_fleets_is_planned(planned):
    rows = [instance("a/0", fleet("a")), *(instance(f"b/{k}", fleet("b"), id=200 + k) for k in range(3))]
    difference = diff([fleet(name, replicas=3 if name == "b" else 1) for name in planned], rows)
    made = Plan("default", None, NOW, tuple(plans(difference)))
    assert costs(made, difference, None, money("10")).credit_lasts_h == 10


AMISS = {
    "running as declared": ([sits(), sits(1, id=101)], 0),
    "stopped": ([sits(), sits(1, id=101, status="stopped")], 1),
    "dead within its grace": ([sits(), sits(1, id=101, status="exited")], 1),
    "booting": ([sits(), sits(1, id=101, status="loading")], 1),
    "with another image": ([sits(), old(1, id=101)], 1),
    "one too many": ([sits(), sits(id=101), sits(1, id=102), sits(2, id=103)], 2),
    "nothing there": ([sits()], 0),
}


@pytest.mark.parametrize(("rows", "expected"), AMISS.values(), ids=AMISS.keys())
def test_how_many_instances_do_not_run_as_declared(rows, expected):
    assert plan(TWO, rows).amiss == expected


def test_a_plan_with_something_to_do_has_changes():
    made = Plan("default", None, NOW, (plan(NEW, [], MARKET),))
    assert made.changes
    assert isinstance(next(made.actions()), Create)
    assert not Plan("default", None, NOW, (plan(NEW, [sits()]),)).changes


def test_a_choice_carries_the_offers_that_come_next():
    choice = only(plan(NEW, [], [offer(1, price="0.2"), offer(2, price="0.1")])).choice
    assert (choice.candidate.offer.id, [c.offer.id for c in choice.fallbacks]) == (2, [1])
