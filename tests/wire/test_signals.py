"""Stopped, killed, cut off: what is in flight is finished or in doubt, and the next run goes on."""

from __future__ import annotations

import signal
import subprocess

import pytest

from .stub import Gate, Reply, Seen, Stub
from .world import ended, fleet

STOPS = [signal.SIGINT, signal.SIGTERM]


def wait_for_line(process: subprocess.Popen[str], word: str) -> str:
    """Read what the command says until `word` is in it."""
    assert process.stderr is not None
    read = ""
    while word not in read:
        line = process.stderr.readline()
        assert line, read
        read += line
    return read


@pytest.mark.parametrize("number", STOPS)
def test_stopped_while_it_waits_it_says_what_was_done(stub, shell, number):
    stub.boots_as = "loading"
    process = shell.start(*shell.line())
    wait_for_line(process, "booting")
    ran = ended(process, number)
    assert ran.code == 130, ran.said
    assert "1 instance rented" in ran.err
    assert "The next run goes on from here" in ran.err
    assert "instance 9001" in ran.out
    again = shell.apply("--no-wait")
    assert (again.code, len(stub.mutations)) == (0, 1), again.said
    assert "booting" in again.out


@pytest.mark.parametrize("number", STOPS)
def test_stopped_while_a_rent_is_in_flight_it_waits_for_the_answer_and_stops(stub, shell, number):
    shell.spec.write_text(fleet(replicas=3), encoding="utf-8")
    gate = Gate()
    stub.on("rent", gate)
    process = shell.start(*shell.line())
    stub.await_request("rent")
    process.send_signal(number)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    gate.open()
    ran = ended(process)
    assert ran.code == 130, ran.said
    assert len(stub.mutations) == 1
    assert "instance 9001" in ran.out
    assert "1 instance rented" in ran.err
    plan = shell.run("plan", str(shell.spec))
    assert "2 to create" in plan.out
    assert "instance 9001 is booting" in plan.out, "nobody has looked at it yet"


def test_stopped_while_a_rent_is_in_flight_that_stays_unclear_it_is_5(stub, shell):
    gate = Gate(lambda stub, request: Reply(502, b""))
    stub.on("rent", gate)
    process = shell.start(*shell.line())
    stub.await_request("rent")
    process.send_signal(signal.SIGINT)
    gate.open()
    ran = ended(process)
    assert ran.code == 5, ran.said
    assert "june/0: a rent is in doubt" in ran.err


def test_a_second_ctrl_c_does_not_wait_for_the_answer(stub, shell):
    gate = Gate()
    stub.on("rent", gate)
    process = shell.start(*shell.line())
    stub.await_request("rent")
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    ran = ended(process, signal.SIGINT)
    gate.open()
    assert ran.code == 5, ran.said
    assert "Traceback" not in ran.said
    assert "june/0: a rent is in doubt" in ran.err


def test_stopped_while_it_reads_nothing_was_done(stub, shell):
    gate = Gate()
    stub.on("list", gate)
    process = shell.start("apply", str(shell.spec), "--yes")
    stub.await_request("list")
    process.send_signal(signal.SIGINT)
    gate.open()
    ran = ended(process)
    assert ran.code == 130, ran.said
    assert stub.mutations == []


@pytest.mark.parametrize("effect", [False, True], ids=["nothing was made", "it was made"])
def test_killed_between_the_intent_and_the_answer_the_seat_is_in_doubt(stub, shell, effect):
    def hangs(stub: Stub, request: Seen) -> Reply | None:
        if effect:
            stub.make(request.number or 0, request.body)
        gate(stub, request)
        return Reply(hang_up=True)

    gate = Gate()
    stub.on("rent", hangs)
    process = shell.start(*shell.line("--no-wait"))
    stub.await_request("rent")
    assert ended(process, signal.SIGKILL).code == -signal.SIGKILL
    gate.open()
    again = shell.apply("--no-wait", RECONCILE_SETTLE=None)
    assert len(stub.mutations) == 1
    assert again.code == (0 if effect else 5), again.said
    assert ("in doubt" in again.out) is not effect
