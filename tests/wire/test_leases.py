"""One run at a time, politely; and when the politeness fails, the record still lets only one of them send."""

from __future__ import annotations

import re

import pytest

from reconciler.core.lease import LASTS_S, Holder, Lease
from reconciler.ledger.sqlite import SqliteStore

from .stub import ACCOUNT, Gate, Seen, Stub
from .world import START, ended, fleet

ELSEWHERE = Holder("runner-17", 4242, "reconcile apply")


def opened(desk):
    return SqliteStore(desk.ledger, account=ACCOUNT, owner="default")


def held_elsewhere(desk, at=START):
    """Another machine's run holds the ledger, and writes no more."""
    store = opened(desk)
    assert store.take(Lease("5f0c2a91", ELSEWHERE, at - 60, at), lambda: at, lambda _: False) is None
    store.close()


def test_a_run_that_is_not_its_turn_says_who_is_at_work_and_sends_nothing(stub, desk):
    held_elsewhere(desk)
    desk.clock.time += 12
    ran = desk.apply()
    assert (ran.code, [call.route for call in ran.calls]) == (6, ["account"])
    assert "reconcile apply (pid 4242 on runner-17) since 2026-11-" in ran.err
    assert "last wrote 12s ago" in ran.err
    assert "lease 5f0c2a91" in ran.err


def test_a_run_waits_for_its_turn_as_long_as_it_was_told_to(stub, desk):
    held_elsewhere(desk)
    assert desk.apply(lock_s=60).code == 6
    assert 60 <= desk.clock.now() - START < 70
    ran = desk.apply(lock_s=LASTS_S)
    assert ran.code == 0
    assert "waiting for reconcile apply (pid 4242 on runner-17)" in ran.err
    assert desk.clock.now() - START >= LASTS_S
    assert len(stub.instances) == 1


def test_reading_needs_no_turn(stub, desk):
    held_elsewhere(desk)
    assert desk.plan().code == 0


def test_the_turn_is_given_back_at_the_end(stub, desk):
    desk.apply()
    store = opened(desk)
    assert store.lease() is None
    store.close()


@pytest.mark.parametrize("how", ["unlocked", "expired"])
@pytest.mark.parametrize(("moment", "sent"), [("search", 0), ("rent", 1)])
def test_a_run_whose_lease_was_stolen_ends_busy_and_sends_nothing_more(stub, desk, how, moment, sent):
    def stolen(stub: Stub, request: Seen) -> None:
        store = opened(desk)
        lease = store.lease()
        assert lease is not None
        if how == "unlocked":
            assert store.unlock(lease.id)
        else:
            late = lease.renewed + LASTS_S
            assert store.take(Lease("feed", ELSEWHERE, late, late), lambda: late, lambda _: False) is None
        store.close()

    desk.declare(fleet(replicas=3))
    stub.on(moment, stolen)
    ran = desk.apply()
    assert (ran.code, len(ran.mutations)) == (5 if sent else 6, sent)  # 5: what was sent could not be written down.
    assert "another run" in ran.err
    assert len(stub.instances) == sent
    if how == "expired":  # The thief's run is over by now.
        desk.clock.time += 2 * LASTS_S
    again = desk.apply()
    assert again.code == 0, again.said
    assert len(stub.instances) == 3
    assert len({row["label"] for row in stub.instances.values()}) == 3


def test_a_run_that_was_killed_blocks_nobody(stub, shell):
    gate = Gate()
    stub.on("search", gate)
    process = shell.start(*shell.line())
    stub.await_request("search")
    assert shell.apply("--no-wait").code == 6
    process.kill()
    gate.open()
    assert ended(process).code == -9
    ran = shell.apply("--no-wait")
    assert ran.code == 0, ran.said
    assert len(stub.of("rent")) == 1


def test_a_lease_is_removed_by_its_id(stub, shell):
    gate = Gate()
    stub.on("search", gate)
    process = shell.start(*shell.line())
    stub.await_request("search")
    refused = shell.run("pause", "june", str(shell.spec))
    assert refused.code == 6
    (command,) = re.findall(r"reconcile (unlock \w+)", refused.err)
    wrong = shell.run("unlock", "0000", str(shell.spec))
    assert wrong.code == 2
    assert f"pid {process.pid}" in wrong.err
    assert shell.run(*command.split(), str(shell.spec)).code == 0
    assert shell.run("pause", "june", str(shell.spec)).code == 0
    gate.open()
    ran = ended(process)
    assert (ran.code, stub.mutations) == (6, []), ran.said


def test_nothing_is_locked(stub, shell):
    ran = shell.run("unlock", "0000", str(shell.spec))
    assert ran.code == 2
    assert "held by nobody" in ran.err
    assert not (shell.folder / "state").exists()
