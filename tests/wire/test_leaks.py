"""`reconcile leaks`: what was told to go and bills on, asked afresh; and the history of it all."""

from __future__ import annotations

import json

import pytest

from reconciler.ledger.sqlite import SqliteStore

from .stub import ACCOUNT, Seen, Stub, hangs_up, says
from .world import fleet

ACCEPTED = says(200, {"success": True, "msg": "deleting"})


@pytest.fixture
def leaking(stub, shell):
    """A destroy was accepted, and the instance is still there."""
    for _ in range(2):
        assert shell.apply("--no-wait").code == 0
    shell.spec.write_text(fleet(replicas=0), encoding="utf-8")
    stub.always("destroy", ACCEPTED)
    assert shell.apply("--no-wait").code == 5
    return shell


def leaks(shell, *more):
    return shell.run("leaks", str(shell.spec), *more)


def kinds(shell):
    told = json.loads(shell.run("events", str(shell.spec), "--format", "json").out)
    return [event["kind"] for event in told["events"]]


def test_a_leak_is_listed_with_what_it_costs(stub, leaking):
    before = len(stub.mutations)
    ran = leaks(leaking)
    assert ran.code == 5
    assert ran.out.startswith("! instance 9001  june/0  $0.202/h  about $0.000 since  told to go ")
    assert "1 destroy not proven, $0.202/h." in ran.out
    assert len(stub.mutations) == before


def test_a_leak_is_told_to_machines(stub, leaking):
    told = json.loads(leaks(leaking, "--format", "json").out)
    (leak,) = told["leaks"]
    assert (told["command"], leak["id"], leak["seat"], leak["reason"]) == ("leaks", 9001, "june/0", "replicas 1 -> 0")
    assert float(leak["cost_since"]) < 0.01


def test_a_leak_that_is_gone_is_noted(stub, leaking):
    assert leaking.apply("--no-wait").code == 5
    stub.instances.clear()
    ran = leaks(leaking)
    assert (ran.code, ran.out) == (0, "No leak: every destroy that was sent is proven.\n")
    asked = len(stub.seen)
    assert leaks(leaking).code == 0
    assert [request.route for request in stub.seen[asked:]] == ["account"]
    assert kinds(leaking) == ["rented", "ready", "destroying", "leak opened", "destroyed", "leak closed"]


def test_an_account_that_cannot_be_read_proves_nothing(stub, leaking):
    stub.instances.clear()
    stub.always("list", says(500, b""))
    assert leaks(leaking).code == 5
    stub.honest("list")
    assert leaks(leaking).code == 0


def test_while_another_run_is_at_work_nothing_is_noted(stub, leaking):
    stub.instances.clear()
    codes = []

    def in_the_middle(stub: Stub, request: Seen) -> None:
        codes.append(leaks(leaking).code)

    stub.on("list", in_the_middle)
    codes.append(leaking.apply("--no-wait").code)
    assert codes == [0, 0]


def test_a_history_tells_a_doubt_and_its_end(stub, shell):
    stub.on("rent", hangs_up)
    assert shell.apply("--no-wait").code == 5
    assert kinds(shell) == ["doubtful"]


def test_a_history_tells_what_was_sent_before_a_run_was_stopped(stub, desk):
    def stops(stub: Stub, request: Seen) -> None:
        assert desk.stopping is not None
        desk.stopping.stop()
        return hangs_up(stub, request)

    desk.declare(fleet(replicas=2))
    stub.on("rent", stops)
    assert desk.apply().code == 5
    assert len(stub.mutations) == 1
    store = SqliteStore(desk.ledger, account=ACCOUNT, owner="default", read_only=True)
    assert [event.kind for event in store.events()] == ["doubtful"]
    store.close()


def test_a_history_of_another_seat_is_empty(stub, shell):
    shell.apply("--no-wait")
    assert "rented" in shell.run("events", "june/0", str(shell.spec)).out
    assert shell.run("events", "june/1", str(shell.spec)).out.startswith("Nothing happened since ")
    assert shell.run("events", "july", str(shell.spec)).out.startswith("Nothing happened since ")
