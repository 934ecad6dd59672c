"""A destroy counts only when it was seen; what was sent and not seen is a leak in every run until it is gone."""

from __future__ import annotations

import pytest

from .stub import Reply, Seen, Stub, hangs_up, instance_row, offer_row, page_of_html, says, with_effect, wrong_key
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
