"""Who is told of what: over a real socket, from runs of cron that know of each other by their ledger alone."""

from __future__ import annotations

import pytest

from .stub import Reply
from .webhook import POLICY, SECRET
from .world import Desk, Ran, fleet

TEN_MINUTES = 600.0


def cron(desk: Desk, runs: int) -> list[Ran]:
    """So many runs of `apply --yes --no-wait`, ten minutes apart."""
    done = []
    for _ in range(runs):
        ran = desk.apply()
        assert SECRET not in ran.said
        done.append(ran)
        desk.clock.time += TEN_MINUTES
    return done


def test_slack_gets_its_own_shape_and_only_the_kinds_it_asks_for(stub, desk, hook):
    desk.declare(fleet(), POLICY % ", format: slack, on: [leak]")
    cron(desk, 2)
    (row,) = stub.instances.values()
    row["actual_status"] = "offline"
    cron(desk, 3)
    assert hook.bodies == []
    stub.always("destroy", lambda stub, request: Reply(200, {"success": True}))
    desk.declare(fleet(replicas=0), POLICY % ", format: slack, on: [leak]")
    cron(desk, 3)
    (text,) = hook.texts
    assert text.startswith(":warning: june/0: instance ")
    assert "is not proven gone" in text


def test_a_webhook_that_fails_stops_nothing_and_is_tried_again(stub, desk, hook):
    desk.declare(fleet(), POLICY % "")
    cron(desk, 2)
    (row,) = stub.instances.values()
    row["actual_status"] = "offline"
    hook.status = 500
    _, second = cron(desk, 2)
    assert second.code == 0
    assert len(second.mutations) == 2
    assert "webhook OPS_WEBHOOK: not delivered, it answered 500" in second.err
    assert len(desk.record.outbox) == 1
    hook.status = 200
    before = len(hook.bodies)
    cron(desk, 1)
    assert [text.split(" ")[1] for text in hook.texts[before:]] == ["host", "replaced"]
    assert desk.record.outbox == ()


UNUSABLE = {
    "not set": (None, "the variable is not set"),
    "no address": (f"not-an-address-{SECRET}", "does not hold an https address"),
    "unencrypted": (f"http://hooks.example/{SECRET}", "is not https"),
    "nobody listens": (f"http://127.0.0.1:9/{SECRET}", "no answer (ConnectError)"),
}


@pytest.mark.parametrize(("value", "said"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_address_that_cannot_be_used_is_said_without_the_address(stub, desk, monkeypatch, value, said):
    monkeypatch.delenv("OPS_WEBHOOK", raising=False)
    if value is not None:
        monkeypatch.setenv("OPS_WEBHOOK", value)
    desk.declare(fleet(), POLICY % "")
    cron(desk, 2)
    (row,) = stub.instances.values()
    row["actual_status"] = "offline"
    runs = cron(desk, 2)
    assert said in runs[-1].err
    assert runs[-1].code == 0


def test_an_answer_that_leads_elsewhere_is_not_followed(stub, desk, hook):
    desk.declare(fleet(), POLICY % "")
    hook.status = 302
    cron(desk, 2)
    (row,) = stub.instances.values()
    row["actual_status"] = "offline"
    assert "it answered 302" in cron(desk, 2)[-1].err
    assert len(hook.bodies) == 1


def test_runs_that_cannot_read_the_account_are_told_once_they_last_and_when_they_are_over(stub, desk, hook):
    desk.declare(fleet(), POLICY % "")
    cron(desk, 2)
    stub.always("list", lambda stub, request: Reply(200, b"<html>"))
    codes = [ran.code for ran in cron(desk, 4)]
    assert codes == [1, 1, 1, 1]
    stub.honest("list")
    cron(desk, 2)
    assert [body["kind"] for body in hook.bodies] == ["failing", "failing"]
    assert hook.texts[1].startswith("passes are good again")
