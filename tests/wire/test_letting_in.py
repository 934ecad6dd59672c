"""An API key that may not read the account's SSH keys: each new instance is given the key that looks at it."""

from __future__ import annotations

import pytest

from reconciler.core.fields import spec_hash
from reconciler.core.label import Mark, Seat, write_label
from reconciler.spec.load import load

from .looking import Told
from .stub import instance_row, offer_row, says, with_effect
from .world import fleet

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEbE"
CHECKED = "readiness: {checks: [{gpu: {}}]}\n"


@pytest.fixture
def nobody_knows(desk):
    desk.declare(fleet(replicas=2, more=CHECKED))
    desk.checks = Told(key=KEY)
    return desk


@pytest.mark.parametrize("wait", [False, True])
def test_each_new_instance_is_given_it_once(stub, nobody_knows, wait):
    ran = nobody_knows.apply(wait=wait)
    assert ran.code == 0, ran.said
    assert sorted(r.number for r in ran.sent("attach")) == sorted(stub.instances)
    assert {r.body["ssh_key"] for r in ran.sent("attach")} == {KEY}
    nobody_knows.clock.time += 600
    assert nobody_knows.apply().sent("attach") == []


REFUSED = {
    "success false": says(200, {"success": False, "msg": "no"}),
    "a missing scope": says(403, {"success": False, "error": "forbidden", "msg": "missing scope"}),
    "a refused key": says(401, {"success": False, "error": "auth_error", "msg": "no"}),
}


@pytest.mark.parametrize("answer", REFUSED.values(), ids=REFUSED)
def test_where_it_does_not_arrive_that_is_told_and_nothing_is_destroyed(stub, nobody_knows, answer):
    stub.always("attach", answer)
    ran = nobody_knows.apply()
    assert ran.said.count("could not be given the SSH key") == 2
    assert len(stub.instances) == 2
    assert ran.sent("destroy") == []


@pytest.mark.parametrize("answer", REFUSED.values(), ids=REFUSED)
def test_a_later_run_tries_again_and_says_no_more(stub, nobody_knows, answer):
    nobody_knows.checks = Told(lambda number: "no login", KEY)
    stub.always("attach", answer)
    assert nobody_knows.apply().said.count("could not be given the SSH key") == 2
    nobody_knows.clock.time += 60
    again = nobody_knows.apply()
    assert len(again.sent("attach")) == 2
    assert "could not be given" not in again.said
    stub.honest("attach")
    nobody_knows.clock.time += 60
    assert sorted(r.number for r in nobody_knows.apply().sent("attach")) == sorted(stub.instances)
    nobody_knows.clock.time += 60
    assert nobody_knows.apply().sent("attach") == []
    assert nobody_knows.record.let_in == dict.fromkeys(stub.instances, True)


def test_what_a_rent_in_doubt_has_made_is_given_it_as_well(stub, nobody_knows):
    nobody_knows.checks = Told(lambda number: "no login", KEY)
    nobody_knows.declare(fleet(more=CHECKED))
    stub.on("rent", with_effect(says(502, b"")))
    assert nobody_knows.apply().sent("attach") == []
    nobody_knows.clock.time += 60
    assert [r.number for r in nobody_knows.apply().sent("attach")] == [9001]


def test_what_an_earlier_release_rented_and_was_ready_is_left_alone(stub, nobody_knows):
    nobody_knows.checks = Told()
    nobody_knows.apply()
    nobody_knows.clock.time += 60
    assert nobody_knows.apply().code == 0
    nobody_knows.checks = Told(key=KEY)
    nobody_knows.clock.time += 60
    assert nobody_knows.apply().sent("attach") == []


def test_what_was_adopted_is_left_as_it_is(stub, nobody_knows):
    nobody_knows.checks = Told(lambda number: "no login", KEY)
    nobody_knows.declare(fleet(more=CHECKED))
    offer = offer_row()
    spec = load([str(nobody_knows.specs)]).fleets[0]
    taken = write_label(Mark("default", Seat("june", 0), spec_hash(spec), "daaaaaaa", adopted=True))
    stub.instances[77] = instance_row(77, offer, {"disk": 10, "label": taken, "image": "ghcr.io/acme/june:1"})
    nobody_knows.apply()
    nobody_knows.clock.time += 60
    ran = nobody_knows.apply()
    assert (ran.sent("rent"), ran.sent("attach")) == ([], [])


def test_nobody_is_given_it_where_the_account_holds_it(stub, nobody_knows):
    nobody_knows.checks = Told()
    assert nobody_knows.apply().sent("attach") == []


def test_nobody_is_given_it_whose_checks_do_not_log_in(stub, nobody_knows):
    ports = fleet(replicas=1, more="readiness: {checks: [{tcp: {port: 8000}}]}\n")
    nobody_knows.declare(ports.replace("disk_gb: 10", "disk_gb: 10, ports: [8000]"))
    ran = nobody_knows.apply()
    assert len(stub.instances) == 1, ran.said
    assert ran.sent("attach") == []
