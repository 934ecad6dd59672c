"""Who is told of what: over a real socket, from runs of cron that know of each other by their ledger alone."""

from __future__ import annotations

import gc
import socket
import threading
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from repositories import made_bare

from reconciler.cli.holding import Turn, holding
from reconciler.clock import SystemClock
from reconciler.core.incidents import Letter
from reconciler.core.notify import Notify
from reconciler.core.notify import Webhook as Hook
from reconciler.core.secret import Hidden
from reconciler.ledger.git.place import GitPlace
from reconciler.ledger.sqlite import SqliteStore
from reconciler.notify import Webhooks

from .stub import ACCOUNT, Reply
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
    assert f"webhook OPS_WEBHOOK: not delivered, it answered 500; {AGAIN}" in second.err
    assert len(desk.record.outbox) == 1
    hook.status = 200
    before = len(hook.bodies)
    cron(desk, 1)
    assert [text.split(" ")[1] for text in hook.texts[before:]] == ["host", "replaced"]
    assert desk.record.outbox == ()


def test_a_run_that_waits_tells_each_end_once(stub, desk, hook):
    desk.declare(fleet(), POLICY % "")
    cron(desk, 2)
    (row,) = stub.instances.values()
    row["actual_status"] = "offline"
    assert desk.apply(wait=True).code == 0
    assert [text.split(" ")[1] for text in hook.texts] == ["host", "replaced"]
    assert (desk.record.incidents, desk.record.outbox) == ({}, ())


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
    runs = cron(desk, 2)
    warned = [ran.err.startswith("warning: a webhook cannot be used: OPS_WEBHOOK: ") for ran in runs]
    assert warned == [not said.startswith("no answer")] * 2
    assert all(said in ran.err for ran in runs if ran.err.startswith("warning"))
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


UNREADABLE = {
    "the list": (["list"], False),
    "the account itself": (["account"], False),
    "both": (["account", "list"], False),
    "both, and the ledger is on a ref": (["account", "list"], True),
}


@pytest.mark.parametrize(("routes", "on_a_ref"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_runs_that_cannot_read_the_account_are_told_once_they_last_and_when_they_are_over(
    stub, desk, hook, tmp_path, routes, on_a_ref
):
    desk.ledger_ref = GitPlace(Hidden(str(made_bare(tmp_path / "specs.git")))) if on_a_ref else None
    desk.declare(fleet(), POLICY % "")
    cron(desk, 2)
    for route in routes:
        stub.always(route, lambda stub, request: Reply(200, b"<html>"))
    codes = [ran.code for ran in cron(desk, 4)]
    assert codes == [1, 1, 1, 1]
    stub.honest(*routes)
    cron(desk, 2)
    assert [body["kind"] for body in hook.bodies] == ["failing", "failing"]
    assert hook.texts[1].startswith("passes are good again")


def remembered(folder: Path, owner: str = "default", account: int = ACCOUNT) -> set[str]:
    """The incidents in the ledger of the default place."""
    path = folder / "state" / "reconcile" / f"{account}-{owner}.db"
    with closing(SqliteStore(path, account=account, owner=owner, read_only=True)) as store:
        return set(store.load().incidents)


@pytest.mark.parametrize("command", ["apply", "watch"])
def test_an_account_that_cannot_be_read_is_remembered_in_the_only_ledger_of_the_owner(stub, shell, hook, command):
    shell.spec.write_text(f"{fleet()}---\n{POLICY % ''}", encoding="utf-8")
    more = ["--passes", "1", "--listen", "off"] if command == "watch" else ["--no-wait"]
    line = [command, str(shell.spec), "--yes", "--first-run", *more]
    env = {"OPS_WEBHOOK": hook.url, "RECONCILE_PACE": "0"}
    stub.always("account", lambda stub, request: Reply(200, b"<html>"))
    assert shell.run(*line, **env).code == 1
    assert not (shell.folder / "state" / "reconcile").exists()
    stub.honest("account")
    assert shell.run(*line, **env).code == 0
    stub.always("account", lambda stub, request: Reply(200, b"<html>"))
    theirs = shell.folder / "state" / "reconcile" / "5-default-too.db"
    SqliteStore(theirs, account=5, owner="default-too").close()
    assert shell.run(*line, **env).code == 1
    assert "failing" in remembered(shell.folder)
    assert remembered(shell.folder, "default-too", 5) == set()


@pytest.mark.parametrize("trouble", ["a ledger of another account", "a file that is no ledger", "a run that holds it"])
def test_who_cannot_tell_which_ledger_it_is_or_cannot_have_it_says_nothing_of_it(stub, shell, hook, trouble):
    shell.spec.write_text(f"{fleet()}---\n{POLICY % ''}", encoding="utf-8")
    env = {"OPS_WEBHOOK": hook.url, "RECONCILE_PACE": "0"}
    assert shell.apply("--no-wait", **env).code == 0
    ours = shell.folder / "state" / "reconcile" / f"{ACCOUNT}-default.db"
    with ExitStack() as stack:
        if trouble == "a ledger of another account":
            SqliteStore(ours.with_name("5-default.db"), account=5, owner="default").close()
        elif trouble == "a file that is no ledger":
            ours.write_bytes(b"no ledger")
        else:
            store = stack.enter_context(closing(SqliteStore(ours, account=ACCOUNT, owner="default")))
            stack.enter_context(holding(store, SystemClock(), Turn("apply")))
        before = ours.read_bytes()
        stub.always("account", lambda stub, request: Reply(200, b"<html>"))
        ran = shell.apply("--no-wait", "--lock-timeout", "10m", **env)
        assert (ran.code, ours.read_bytes()) == (1, before)
        assert "ledger" not in ran.said


LETTER = Letter("OPS_WEBHOOK", 0.0, "down", False, 0.0, "june/0: host dead")
AGAIN = "a later pass tries again, after a minute at the earliest"


def delivered(url: str, patience_s: float) -> tuple[frozenset[int], list[str]]:
    """Which of one letter arrived, and what was said; no thread of ours and no open socket is left."""
    said: list[str] = []
    before = set(threading.enumerate())
    hooks = Webhooks(Notify((Hook("OPS_WEBHOOK"),)), "default", lambda _: url, said.append, patience_s=patience_s)
    taken = hooks.deliver([LETTER])
    gc.collect()
    assert all(thread.daemon for thread in set(threading.enumerate()) - before), "those of the webhook are"
    return taken, said


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_webhook_that_drips_line_by_line_has_no_more_time_than_any_other(hook, host):
    url, hook.drips = hook.url.replace("127.0.0.1", host), 75
    late = [f"webhook OPS_WEBHOOK: not delivered, no answer within 0.3 s; {AGAIN}"]
    assert delivered(url, 0.3) == (frozenset(), late)
    hook.drips = 2
    assert delivered(url, 30.0) == (frozenset([0]), [])


MUTE = {"to a letter": ("http", "within 0.3 s"), "to a handshake": ("https", "(ConnectTimeout)")}


@pytest.mark.parametrize(("scheme", "why"), MUTE.values(), ids=MUTE.keys())
def test_a_webhook_that_never_answers_has_no_more_time_either(scheme, why):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"{scheme}://127.0.0.1:{mute.getsockname()[1]}/{SECRET}"
        assert delivered(url, 0.3) == (
            frozenset(),
            [f"webhook OPS_WEBHOOK: not delivered, no answer {why}; {AGAIN}"],
        )
