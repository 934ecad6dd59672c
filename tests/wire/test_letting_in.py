"""An API key that may not read the account's SSH keys: each new instance is given the key that looks at it."""

from __future__ import annotations

import pytest

from .looking import Told
from .stub import says
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


def test_nobody_is_given_it_where_the_account_holds_it(stub, nobody_knows):
    nobody_knows.checks = Told()
    assert nobody_knows.apply().sent("attach") == []


def test_nobody_is_given_it_whose_checks_do_not_log_in(stub, nobody_knows):
    ports = fleet(replicas=1, more="readiness: {checks: [{tcp: {port: 8000}}]}\n")
    nobody_knows.declare(ports.replace("disk_gb: 10", "disk_gb: 10, ports: [8000]"))
    ran = nobody_knows.apply()
    assert len(stub.instances) == 1, ran.said
    assert ran.sent("attach") == []
