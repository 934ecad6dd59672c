"""A destroy counts only when it was seen; what was sent and not seen is a leak in every run until it is gone."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reconciler.core.label import Seat
from reconciler.core.record import Leaving, with_leaving
from reconciler.core.strikes import Strike, StrikeRules
from reconciler.core.striking import with_strike
from reconciler.ledger.sqlite import SqliteStore

from .stub import (
    ACCOUNT,
    Reply,
    Seen,
    Stub,
    hangs_up,
    instance_row,
    offer_row,
    page_of_html,
    says,
    with_effect,
    wrong_key,
)
from .world import fleet

ACCEPTED = says(200, {"success": True, "msg": "deleting"})


@pytest.fixture
def going(stub, desk):
    """One instance runs that is not wished for any more."""
    assert desk.apply().code == 0
    assert desk.apply().code == 0
    desk.declare(fleet(replicas=0))
    desk.clock.time += 60
    return desk


def test_a_destroy_reads_afresh_sends_once_and_is_seen(stub, going):
    ran = going.apply()
    assert ran.code == 0
    assert [(r.route, r.number) for r in ran.calls] == [
        ("account", None),
        ("list", None),
        ("show", 9001),
        ("destroy", 9001),
        ("list", None),
        ("show", 9001),
    ]
    assert ran.sent("destroy")[0].body == {}
    assert going.record.leaving == {}
    assert going.apply().mutations == []


def test_accepted_and_still_listed_is_a_leak_until_it_is_gone(stub, going):
    stub.always("destroy", ACCEPTED)
    first = going.apply()
    for ran in (first, going.apply(), going.apply(quiet=True)):
        assert ran.code == 5
        assert [r.number for r in ran.sent("destroy")] == [9001]
        assert ran.last_line.startswith("! LEAK: instance 9001 (june/0)")
        assert "$0.202/h" in ran.last_line
    plan = going.plan()
    assert (plan.code, plan.mutations) == (5, [])
    assert "LEAK: instance 9001" in plan.last_line
    stub.honest("destroy")
    assert going.apply().code == 0
    last = going.apply()
    assert (last.code, last.mutations) == (0, [])
    assert "LEAK" not in last.said


def test_a_leak_that_goes_by_itself_is_over(stub, going):
    stub.on("destroy", ACCEPTED)
    assert going.apply().code == 5
    stub.instances.clear()
    ran = going.apply()
    assert (ran.code, ran.mutations) == (0, [])
    assert "LEAK" not in ran.said


def test_a_waiting_run_sends_it_again_until_it_is_gone(stub, going):
    stub.on("destroy", ACCEPTED, ACCEPTED)
    ran = going.apply(wait=True)
    assert ran.code == 0, ran.said
    assert [r.number for r in ran.sent("destroy")] == [9001] * 3


def test_a_leak_keeps_its_seat_and_is_not_rented_over(stub, going):
    stub.always("destroy", ACCEPTED)
    going.apply()
    going.declare(fleet())
    ran = going.apply()
    assert (ran.code, ran.sent("rent")) == (5, [])


def test_absent_from_the_list_but_alive_by_single_read_is_not_gone(stub, going):
    stub.instances[77] = instance_row(77, offer_row(), {"disk": 10, "label": "somebody's"})
    stub.on("destroy", ACCEPTED)
    stub.on("list", lambda s, r: None, lambda s, r: Reply(200, listed_one(s)))
    ran = going.apply()
    assert ran.code == 5
    assert "LEAK: instance 9001" in ran.last_line


def listed_one(stub):
    row = stub.instances[77]
    return {"success": True, "instances_found": 1, "total_instances": 1, "next_token": None, "instances": [row]}


def test_a_label_that_changed_in_between_saves_the_instance(stub, going):
    def relabelled(stub: Stub, request: Seen) -> Reply | None:
        stub.instances[9001]["label"] = "mine now"
        return None

    stub.on("show", relabelled)
    ran = going.apply()
    assert ran.mutations == []
    assert "9001 is left alone" in ran.out
    assert going.apply().mutations == []


def test_a_label_of_another_seat_saves_the_instance(stub, desk):
    desk.declare(fleet(replicas=2))
    assert desk.apply().code == 0
    assert desk.apply().code == 0
    desk.declare(fleet(replicas=1))
    swap = {9002: stub.instances[9001]["label"]}
    stub.on("show", lambda s, r: Reply(200, {"instances": {**s.instances[r.number], "label": swap[r.number]}}))
    ran = desk.apply()
    assert ran.mutations == []


def test_a_destroy_is_taken_back_when_somebody_gives_its_instance_another_label(stub, going):
    stub.on("destroy", ACCEPTED)
    assert going.apply().code == 5
    stub.instances[9001]["label"] = "mine now"
    ran = going.apply()
    assert (ran.code, ran.mutations) == (0, [])
    assert "! instance 9001 ($0.202/h) was told to go, and its label is not that of june/0 any more" in ran.said
    assert "1 unmanaged instance ($0.202/h) left alone" in ran.said
    assert going.record.leaving == {}
    assert going.apply().mutations == []


def test_the_seat_of_a_destroy_that_was_taken_back_is_free(stub, going):
    stub.on("destroy", ACCEPTED)
    going.apply()
    stub.instances[9001]["label"] = "mine now"
    going.declare(fleet())
    ran = going.apply()
    assert (ran.code, len(ran.sent("rent")), ran.sent("destroy")) == (0, 1, [])
    assert 9001 in stub.instances


LOST = {
    "502": says(502, b""),
    "429": says(429, b"API requests too frequent: endpoint threshold=3.0"),
    "the connection is closed": hangs_up,
}


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST.keys())
@pytest.mark.parametrize("effect", [False, True], ids=["nothing happened", "it happened"])
def test_a_destroy_without_a_clear_answer_is_sent_again_by_a_later_pass_which_reads_afresh(stub, going, answer, effect):
    stub.on("destroy", with_effect(answer) if effect else answer)
    ran = going.apply(wait=True)
    assert ran.code == 0, ran.said
    assert [r.number for r in ran.sent("destroy")] == [9001] if effect else [9001, 9001]
    between = [r.route for r in ran.calls]
    assert all(between[n - 1] == "show" for n, route in enumerate(between) if route == "destroy")
    assert going.record.leaving == {}


def test_a_step_sends_one_destroy_and_leaves_the_doubt_to_the_next(stub, going):
    stub.on("destroy", says(502, b""))
    ran = going.apply()
    assert (ran.code, len(ran.sent("destroy"))) == (5, 1)
    assert going.apply().code == 0


UNCLEAR = {
    "HTML": page_of_html,
    "success false": says(200, {"success": False, "msg": "no"}),
    "an empty body": says(200, b""),
    "a redirect": says(302, b"", Location="/elsewhere"),
    "502 for ever": says(502, b""),
}


@pytest.mark.parametrize("answer", UNCLEAR.values(), ids=UNCLEAR.keys())
def test_a_destroy_that_is_never_confirmed_is_a_leak(stub, going, answer):
    stub.always("destroy", answer)
    ran = going.apply()
    assert ran.code == 5
    assert "LEAK: instance 9001" in ran.last_line
    stub.always("destroy", with_effect(answer))
    assert going.apply().code == 0


def test_no_such_instance_is_fine(stub, going):
    stub.on("destroy", with_effect(says(404, {"success": False, "error": "no_such_instance", "msg": "not found"})))
    ran = going.apply()
    assert (ran.code, len(ran.mutations)) == (0, 1)
    assert going.record.leaving == {}


def test_gone_before_it_was_destroyed_is_fine(stub, going):
    stub.on("show", lambda s, r: s.instances.clear())
    ran = going.apply()
    assert (ran.code, ran.mutations) == (0, [])


def test_a_wrong_key_in_the_middle_leaves_a_leak_on_record(stub, going):
    stub.on("destroy", wrong_key)
    ran = going.apply()
    assert ran.code == 5
    assert "LEAK: instance 9001" in ran.last_line
    assert going.apply().code == 0


def test_a_list_that_cannot_be_read_confirms_nothing(stub, going):
    stub.on("list", lambda s, r: None, says(200, {"instances": []}))
    ran = going.apply()
    assert ran.code == 5
    assert "LEAK: instance 9001" in ran.last_line
    assert going.apply().code == 0


def test_nothing_but_our_own_is_ever_touched(stub, desk):
    for number, label in enumerate([None, "", "mine", "rc1/default/june/0", "rc2/default/june/0/x"], 71):
        stub.instances[number] = instance_row(number, offer_row(), {"disk": 10, "label": label})
    assert desk.apply().code in (0, 4)
    desk.declare(fleet(replicas=0))
    desk.apply(wait=True)
    assert {71, 72, 73, 74, 75} <= set(stub.instances)
    assert all(r.number >= 9001 for r in stub.of("destroy"))


def test_old_first_a_rollout_whose_rents_are_refused_destroys_one(stub, desk):
    """What is refused for one seat would be refused for the next, and by then nothing would be left."""
    desk.declare(fleet(replicas=3))
    assert desk.apply(wait=True).code == 0
    desk.declare(fleet(replicas=3, more="rollout: {order: destroy-first}\n").replace("june:1", "june:2"))
    stub.always("rent", says(400, {"success": False, "error": "invalid_args", "msg": "no"}))
    for wait in (True, False, False):
        desk.apply(wait=wait)
        desk.clock.time += 600
    assert len(stub.instances) == 2


# --- what recovers before it is told to go -----------------------------------------------------------


@pytest.fixture
def dead(stub, desk):
    """The only instance of a fleet has been offline for longer than its grace, as the ledger knows."""
    assert desk.apply().code == 0
    assert desk.apply().code == 0
    stub.instances[9001]["actual_status"] = "offline"
    desk.clock.time += 60
    assert desk.apply().mutations == []
    desk.clock.time += 660
    return desk


def comes_back(stub: Stub, request: Seen) -> None:
    stub.instances[9001]["actual_status"] = "running"


def takes_six_seconds(desk):
    """The first reading, and so the save, is six seconds old when it arrives; by then the host is back."""

    def answer(stub: Stub, request: Seen) -> Reply:
        before = Reply(200, {"instances": dict(stub.instances[9001])})
        desk.clock.time += 6
        comes_back(stub, request)
        return before

    return answer


def test_what_recovers_while_its_destroy_is_written_down_stays_and_nothing_counts_against_it(stub, dead):
    before = dead.record
    stub.on("show", takes_six_seconds(dead))
    ran = dead.apply()
    assert ran.mutations == []
    assert "9001 is left alone: it recovered: running" in ran.out
    after = dead.record
    assert (after.leaving, after.strikes, after.emptied, after.unasked) == ({}, {}, {}, {"june": ()})
    assert before.strikes == {}
    for _ in range(3):
        dead.clock.time += 600
        assert dead.apply().mutations == []
    assert set(stub.instances) == {9001}


def killed(desk, *, fault: str = "offline", age_s: float = 0.0, **options):
    """The ledger as a run leaves it that is killed between the save and the end of its request."""
    store = SqliteStore(desk.ledger, account=ACCOUNT, owner="default")
    at = desk.clock.time - age_s
    item = Leaving(9001, Seat("june", 0), at, "instance 9001 is offline", Decimal("0.2"), None, fault, **options)
    try:
        record = with_strike(store.load(), 7001, Strike(at, "offline", "june/0"), StrikeRules())
        store.save(with_leaving(record, item))
    finally:
        store.close()


def test_killed_before_its_request_a_run_leaves_no_death_sentence(stub, dead):
    killed(dead, in_doubt_at=dead.clock.time)
    comes_back(stub, None)
    dead.clock.time += 8 * 3600
    ran = dead.apply()
    assert ran.mutations == []
    assert "9001 is left alone: it recovered: running" in ran.out
    assert (dead.record.leaving, dead.record.strikes) == ({}, {})
    assert dead.apply().mutations == []
    assert set(stub.instances) == {9001}


def test_while_its_request_may_yet_take_effect_nothing_is_concluded(stub, dead):
    killed(dead, in_doubt_at=dead.clock.time)
    comes_back(stub, None)
    dead.clock.time += 299
    ran = dead.apply()
    assert (ran.code, ran.mutations) == (5, [])
    assert "whether it was told to go is not known yet" in ran.out
    assert set(dead.record.leaving) == {9001}
    dead.clock.time += 1
    assert dead.apply().mutations == []
    assert dead.record.leaving == {}


def test_what_took_effect_after_all_is_gone_and_its_seat_is_rented(stub, dead):
    killed(dead, in_doubt_at=dead.clock.time)
    stub.instances.clear()
    dead.clock.time += 60
    ran = dead.apply(wait=True)
    assert ran.code == 0, ran.said
    assert len(stub.instances) == 1
    assert dead.record.leaving == {}


STILL_TO_GO = {
    "it is still dead": (False, {"fault": "offline", "in_doubt_at": 0.0}),
    "its request has left": (True, {"fault": "offline"}),
    "it does not go for its fault": (True, {"fault": "", "in_doubt_at": 0.0}),
    "an older release wrote it": (True, {"fault": ""}),
}


@pytest.mark.parametrize(("back", "written"), STILL_TO_GO.values(), ids=STILL_TO_GO.keys())
def test_what_may_have_left_is_sent_again(stub, dead, back, written):
    killed(dead, age_s=3600, **written)
    if back:
        comes_back(stub, None)
    assert [r.number for r in dead.apply().sent("destroy")] == [9001]


def test_a_request_that_left_is_remembered_as_such(stub, dead):
    stub.on("destroy", ACCEPTED)
    assert dead.apply().code == 5
    (item,) = dead.record.leaving.values()
    assert (item.fault, item.in_doubt_at) == ("offline", None)


def test_what_only_a_check_can_take_back_is_looked_at_anew(stub, dead):
    killed(dead, fault="unready: http 8000/: http 503", in_doubt_at=dead.clock.time)
    comes_back(stub, None)
    dead.clock.time += 8 * 3600
    assert dead.apply().mutations == []
    assert dead.record.leaving == {}


def test_a_repair_is_rented_before_the_bulk_of_a_larger_fleet(stub, desk):
    desk.declare(fleet("big"), fleet("small", more="priority: 100\n"))
    assert desk.apply(wait=True).code == 0
    (mine,) = (number for number, row in stub.instances.items() if "/small/" in row["label"])
    stub.instances[mine]["actual_status"] = "offline"
    desk.clock.time += 60
    desk.apply()
    desk.clock.time += 660
    desk.declare(fleet("big", replicas=4), fleet("small", more="priority: 100\n"))
    ran = desk.apply()
    assert [r.number for r in ran.sent("destroy")] == [mine]
    fleets = [request.body["label"].split("/")[2] for request in ran.sent("rent")]
    assert fleets == ["small", "big", "big", "big"]


def test_of_two_fleets_the_one_of_higher_priority_is_rented_first(stub, desk):
    desk.declare(fleet("a", replicas=2), fleet("b", more="priority: 1\n"))
    ran = desk.apply(wait=True)
    assert [request.body["label"].split("/")[2] for request in ran.sent("rent")] == ["b", "a", "a"]
