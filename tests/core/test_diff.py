"""Every seat in exactly one bucket, every instance of the account accounted for, and who stays of several."""

from __future__ import annotations

from decimal import Decimal

import pytest
from builders import NOW, bans, diff, fleet, instance, intent, known, leaving, record, seat

NEW = fleet(image="ghcr.io/acme/june:2")
OLD = fleet(image="ghcr.io/acme/june:1")


def view(instances=(), before=None, spec=NEW):
    (part,) = diff(spec, instances, before).fleets
    return part.seats[0]


def mine(status="running", spec=NEW, **options):
    return instance(spec=spec, status=status, **options)


BUCKETS = {
    "nothing known of a seat: missing": ([], record(), "missing"),
    "running: ready": ([mine()], record(), "ready"),
    "booting: pending": ([mine("loading")], record(), "pending"),
    "stopped by someone: held": ([mine("stopped")], record(), "held"),
    "waiting for its GPU: held": ([mine("queued")], record(), "held"),
    "exited within its grace: unhealthy": ([mine("exited")], record(), "unhealthy"),
    "another spec hash: drifted": ([mine(spec=OLD)], record(), "drifted"),
    "over the cap: drifted": ([mine(price_per_hour="0.6")], record(), "drifted"),
    "another spec hash while booting: drifted": ([mine("loading", OLD)], record(), "drifted"),
    "drifted and stopped by someone: held": ([mine("stopped", OLD)], record(), "held"),
    "drifted and dead: unhealthy": ([mine("exited", OLD)], record(), "unhealthy"),
    "an attempt in doubt: doubtful": ([], record(intent()), "doubtful"),
    "a known id that nobody called gone: doubtful": ([], record(known(5)), "doubtful"),
    "a destroy under way: leaving": ([], record(leaving(5)), "leaving"),
    "a destroy under way whose instance still shows: leaving": ([mine(id=5)], record(leaving(5)), "leaving"),
    "a destroy under way and an attempt in doubt: doubtful": ([], record(leaving(5), intent()), "doubtful"),
    "an attempt in doubt and an instance that runs: ready": ([mine()], record(intent(number=9)), "ready"),
    "a destroy under way beside an instance that runs: ready": ([mine(id=6)], record(leaving(5)), "ready"),
    "an attempt of another seat does not matter": ([], record(intent("june/1")), "missing"),
}


@pytest.mark.parametrize(("instances", "before", "expected"), BUCKETS.values(), ids=BUCKETS.keys())
def test_a_seat_is_in_one_bucket(instances, before, expected):
    assert view(instances, before).bucket == expected


GRACE = {
    "exited has two minutes": ("exited", 120),
    "offline has ten minutes": ("offline", 600),
    "unknown has ten minutes": ("unknown", 600),
}


@pytest.mark.parametrize(("status", "grace_s"), GRACE.values(), ids=GRACE.keys())
def test_a_fault_condemns_after_its_grace(status, grace_s):
    def keeper(age_s):
        return view([mine(status)], record(since={(100, status): NOW - age_s})).keeper

    early = grace_s * 0.9
    assert (keeper(early).fault.grace_left_s, keeper(early).condemned) == (pytest.approx(grace_s - early), False)
    assert keeper(grace_s * 0.951).condemned, "runs of cron begin some seconds early or late"
    assert (keeper(grace_s).fault.grace_left_s, keeper(grace_s).condemned) == (0, True)


def test_a_fault_seen_for_the_first_time_has_all_of_its_grace():
    assert view([mine("offline")]).keeper.fault.grace_left_s == 600


KEEPERS = {
    # the keeper is listed first
    "ready before booting": [mine(id=9), mine("loading", id=1)],
    "booting before stopped": [mine("loading", id=9), mine("stopped", id=1)],
    "not condemned before condemned, ready or not": [mine("loading", id=9), mine(spec=OLD, id=1)],
    "stopped as declared before drifted and running": [mine("stopped", id=9), mine(spec=OLD, id=1)],
    "of two that drifted the ready one": [mine(spec=OLD, id=9), mine("loading", OLD, id=1)],
    "the lower id, not the lower price": [mine(id=1, price_per_hour="0.4"), mine(id=9, price_per_hour="0.1")],
    "three in their order": [mine(id=7), mine("loading", id=3), mine(spec=OLD, id=1)],
}


@pytest.mark.parametrize("expected", KEEPERS.values(), ids=KEEPERS.keys())
def test_which_of_several_instances_stays(expected):
    for listed in (expected, expected[::-1]):
        seen = view(listed)
        assert [m.id for m in (seen.keeper, *seen.extras)] == [i.id for i in expected]


def test_a_dead_instance_within_its_grace_stays_behind_a_ready_one():
    seen = view([mine("exited", id=1), mine(id=9)])
    assert (seen.keeper.id, seen.bucket) == (9, "ready")


def test_an_instance_on_its_way_out_is_neither_keeper_nor_extra():
    seen = view([mine(id=1), mine(id=2)], record(leaving(1)))
    assert (seen.keeper.id, seen.extras, [item.id for item in seen.leaving]) == (2, (), [1])


def test_an_instance_beyond_the_replicas_is_surplus():
    (part,) = diff(NEW, [mine(id=1), instance("june/1", NEW, id=2), instance("june/7", NEW, id=3)]).fleets
    assert [m.id for m in part.surplus] == [2, 3]
    assert [m.id for m in part.members()] == [1, 2, 3]


def test_a_surplus_instance_on_its_way_out_is_not_surplus_again():
    """Its destroy is sent again as what it is; counted twice it would be destroyed and shown twice."""
    (part,) = diff(NEW, [instance("june/1", NEW, id=2)], record(leaving(2, "june/1"))).fleets
    assert part.surplus == ()
    assert [item.id for item in part.leaving()] == [2]


def test_attempts_beyond_the_replicas_are_not_forgotten():
    (part,) = diff(NEW, [], record(intent("june/0"), intent("june/1", number=2))).fleets
    assert [i.seat for i in part.intents()] == [seat("june/0"), seat("june/1")]


def test_a_fleet_of_zero_has_no_seats_and_only_surplus():
    (part,) = diff(fleet(replicas=0), [instance(id=1)]).fleets
    assert (part.seats, [m.id for m in part.surplus]) == ((), [1])


def test_everything_in_the_account_is_in_one_place():
    rows = [instance(id=1), instance("july/0", id=2), instance(id=3, owner="other"), instance(None, id=4)]
    difference = diff(fleet(), rows)
    assert [m.id for p in difference.fleets for m in p.members()] == [1]
    assert [m.id for m in difference.undeclared] == [2]
    assert [(mark.owner, i.id) for mark, i in difference.other_owned] == [("other", 3)]
    assert [i.id for i in difference.unmanaged] == [4]


def test_an_undeclared_fleet_is_not_judged_by_anyones_rules():
    difference = diff(fleet(max_per_hour="0.1", blacklist=bans(1)), [instance("july/0", id=2, machine_id=1)])
    assert difference.undeclared[0].drifts == ()


def test_fleets_come_by_name_and_seats_by_number():
    parts = diff([fleet("b"), fleet("a", replicas=12)]).fleets
    assert [p.fleet.name for p in parts] == ["a", "b"]
    assert [v.seat.index for v in parts[0].seats] == list(range(12))


PAUSED = {
    "in the spec": (fleet(paused=True), record(), True),
    "by command": (fleet(), record(paused={"june": NOW}), True),
    "another fleet by command": (fleet(), record(paused={"july": NOW}), False),
    "not": (fleet(), record(), False),
}


@pytest.mark.parametrize(("spec", "before", "expected"), PAUSED.values(), ids=PAUSED.keys())
def test_a_fleet_is_paused(spec, before, expected):
    assert diff(spec, [], before).fleets[0].paused is expected


THEIRS = instance("june/5", id=9, owner="other")
NEWER = instance(id=9, label="rc2/other/june/0/whatever")
FOREIGN = {
    "nobody else has a fleet of that name": ([], record(), None),
    "another owner has it, and we have nothing": ([THEIRS], record(), "other"),
    "another owner has it by a newer label": ([NEWER], record(), "other"),
    "another owner has it, but so have we": ([THEIRS, instance(id=1)], record(), None),
    "another owner has it, and we know one that no list shows": ([THEIRS], record(known(5)), None),
    "another owner has another fleet": ([instance("july/0", id=9, owner="other")], record(), None),
}


@pytest.mark.parametrize(("rows", "before", "expected"), FOREIGN.values(), ids=FOREIGN.keys())
def test_a_name_that_lives_under_another_owner(rows, before, expected):
    assert diff(fleet(), rows, before).fleets[0].foreign_owner == expected


def test_the_order_of_the_list_does_not_matter():
    rows = [mine(id=3), mine("loading", id=1), instance(None, id=2), instance("june/4", NEW, id=8)]
    assert diff(NEW, rows) == diff(NEW, rows[::-1])


def test_a_price_that_is_over_the_cap_shows_field_desired_and_actual():
    (drift,) = view([mine(price_per_hour="0.6")]).keeper.drifts
    assert (drift.field, drift.desired, drift.actual) == ("price.max_per_hour", "$0.500/h", "$0.600/h")


def test_the_memory_of_an_instance_is_judged_when_it_lasts():
    spec = fleet(min_vram_gb=Decimal(24))
    seen = view([instance(spec=spec)], record(since={(100, "gpu.min_vram_gb"): NOW - 600}), spec)
    assert seen.bucket == "drifted"
