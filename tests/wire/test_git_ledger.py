"""Runners that keep nothing of their own share a ledger on a ref: by path, and by http with its pushes counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from repositories import PASSWORD, REF, Bridge, file_in, made_bare, put, tip_of
from simulator.served import village

from reconciler.core.secret import Hidden
from reconciler.ledger.git.place import GitPlace
from reconciler.simulator.server import SimulatorServer

from .stub import KEY, Stub, hangs_up, says
from .world import Desk, Shell, fleet


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return made_bare(tmp_path / "repositories" / "specs.git")


@pytest.fixture
def bridge(bare: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bridge]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Bridge(bare.parent) as running:
        yield running


class Runners:
    """Every one a fresh machine with the same specs and the same setting."""

    def __init__(self, stub: Stub | None, folder: Path, ledger: str) -> None:
        self.stub, self.folder, self.ledger = stub, folder, ledger
        self.count = 0

    def next(self) -> Shell:
        self.count += 1
        home = self.folder / f"runner-{self.count}"
        home.mkdir()
        shell = Shell(self.stub, home)
        shell.env |= {"RECONCILE_LEDGER": self.ledger, "RECONCILE_PACE": "0", "no_proxy": "127.0.0.1"}
        return shell

    def apply(self, *more: str):
        """One step of a run that knows nothing but the ledger."""
        shell = self.next()
        return shell.run("apply", str(shell.spec), "--yes", "--no-wait", *more)


@pytest.fixture
def runners(stub: Stub, tmp_path: Path, bare: Path) -> Runners:
    return Runners(stub, tmp_path, f"git:{bare}")


def test_the_second_of_two_fresh_runners_makes_nothing(stub, runners, bare):
    first = runners.apply("--first-run")
    assert (first.code, len(stub.of("rent"))) == (0, 1), first.said
    second = runners.apply()
    assert (second.code, len(stub.mutations)) == (0, 1), second.said
    assert "Cold start" not in second.said
    assert not list(runners.folder.rglob("*.db"))
    third = runners.next()
    told = third.run("events", str(third.spec)).out
    assert "rented" in told
    assert tip_of(bare)


def test_two_fresh_runners_on_the_served_market(tmp_path, bare):
    with SimulatorServer(village(), limits=False) as server:
        runners = Runners(None, tmp_path, f"git:file://{bare}#refs/reconcile/of-june")

        def apply(*more: str):
            shell = runners.next()
            shell.spec.write_text(fleet(more="host: {require: []}\n"), encoding="utf-8")
            return shell.run("apply", str(shell.spec), "--yes", "--no-wait", *more, VAST_URL=server.url)

        first = apply("--first-run")
        assert (first.code, first.out.count("rented:")) == (0, 1), first.said
        again = apply()
        assert (again.code, again.out.count("rented:")) == (0, 0), again.said
    assert len(json.loads(file_in(bare, "record.json", "refs/reconcile/of-june"))["known"]) == 1


def test_a_runner_without_the_ledger_would_have_to_wait(stub, runners):
    """What the ledger on the ref saves: without it the next rent waits for the settle time again."""
    assert runners.apply("--first-run").code == 0
    alone = runners.next()
    alone.spec.write_text(fleet(replicas=2), encoding="utf-8")
    lonely = alone.run("apply", str(alone.spec), "--yes", "--no-wait", RECONCILE_LEDGER=None)
    assert (len(stub.mutations), "Cold start" in lonely.out) == (1, True)
    knowing = runners.next()
    knowing.spec.write_text(fleet(replicas=2), encoding="utf-8")
    assert knowing.run("apply", str(knowing.spec), "--yes", "--no-wait").code == 0
    assert len(stub.mutations) == 2


def test_a_doubt_of_one_runner_holds_the_seat_for_the_next(stub, runners):
    stub.on("rent", hangs_up)
    assert runners.apply("--first-run").code == 5
    shell = runners.next()
    assert "in doubt" in shell.run("plan", str(shell.spec)).out
    assert runners.apply().code == 5
    assert len(stub.mutations) == 1


def test_a_pause_holds_for_every_runner(stub, runners):
    shell = runners.next()
    assert shell.run("pause", "june", str(shell.spec)).code == 0
    ran = runners.apply("--first-run")
    assert (ran.code, stub.mutations) == (0, [])
    assert "paused" in ran.out


def test_a_plan_starts_the_clock_of_a_cold_start_for_the_next_runner(stub, runners, bare):
    shell = runners.next()
    assert shell.run("plan", str(shell.spec)).code == 0
    assert json.loads(file_in(bare, "record.json"))["cold"] is not None


def test_a_lease_of_another_runner_is_respected_and_can_be_removed(stub, runners, bare):
    assert runners.apply("--first-run").code == 0
    since = json.loads(file_in(bare, "record.json"))["last_list_at"]
    holder = {"host": "runner-17", "pid": 4242, "command": "reconcile apply"}
    put(bare, {"lease.json": json.dumps({"id": "5f0c2a91", "holder": holder, "since": since, "renewed": since})})
    busy = runners.apply()
    assert busy.code == 6
    assert "pid 4242 on runner-17" in busy.err
    shell = runners.next()
    assert shell.run("unlock", "5f0c2a91", str(shell.spec)).code == 0
    assert runners.apply().code == 0


# --- what it costs --------------------------------------------------------------------------------


@pytest.fixture
def counted(stub: Stub, tmp_path: Path, bare: Path, bridge: Bridge) -> Runners:
    return Runners(stub, tmp_path, f"git:{bridge.url(bare.name)}")


def test_a_rent_takes_four_pushes_a_steady_run_two_and_a_plan_none(counted, bridge, bare):
    assert counted.apply("--first-run").code == 0  # Into the empty repository.
    stub = counted.stub
    assert stub is not None
    for replicas, pushes in ((1, 3), (1, 2), (2, 4), (2, 3), (2, 2), (4, 6)):  # 3: the first that sees it running.
        shell = counted.next()
        shell.spec.write_text(fleet(replicas=replicas), encoding="utf-8")
        before = bridge.pushes
        assert shell.run("apply", str(shell.spec), "--yes", "--no-wait").code == 0
        assert bridge.pushes - before == pushes, f"{replicas} replicas"
    for command in ("plan", "status", "offers"):
        shell = counted.next()
        before, read_before = bridge.pushes, bridge.seen.count("POST git-upload-pack")
        words = ["june", str(shell.spec)] if command == "offers" else [str(shell.spec)]
        assert shell.run(command, *words).code == 0
        assert bridge.pushes == before
        assert bridge.seen.count("POST git-upload-pack") - read_before == 2, command  # One fetch: its refs, its pack.
    assert json.loads(file_in(bare, "sights.json"))["rows"]


def slow(desk: Desk, bridge: Bridge, bare: Path, seconds: float) -> None:
    """From now on each push takes so long by the clock of the run."""
    desk.ledger_ref = GitPlace(Hidden(bridge.url(bare.name)))

    def takes_long(bridge: Bridge, request) -> bool:
        if request.command == "POST" and "receive-pack" in request.path:
            desk.clock.time += seconds
        return False

    bridge.before = takes_long


def test_saves_of_three_seconds_hinder_neither_rents_nor_destroys(stub, desk, bridge, bare):
    slow(desk, bridge, bare, 3.0)
    desk.declare(fleet(replicas=2))
    ran = desk.apply(wait=True)
    assert (ran.code, len(stub.instances)) == (0, 2), ran.said
    desk.declare(fleet(replicas=1))
    ran = desk.apply(wait=True)
    assert (ran.code, len(stub.instances), len(stub.of("destroy"))) == (0, 1, 1), ran.said


def test_an_attempt_that_took_too_long_to_write_down_is_not_sent(stub, desk, bridge, bare):
    slow(desk, bridge, bare, 31.0)
    ran = desk.apply()
    assert (ran.code, stub.mutations) == (0, [])
    assert "it took too long to write the attempt down" in ran.said


def test_waiting_for_a_boot_does_not_push_with_every_look(stub, desk, bridge, bare):
    """An hour of looking every ten seconds: a push a minute, which also renews the lease."""
    desk.ledger_ref = GitPlace(Hidden(str(bare)))
    stub.boots_as = "loading"
    assert desk.apply(wait=True, timeout_s=600).code == 1
    assert 10 <= json.loads(file_in(bare, "meta.json"))["epoch"] <= 18


# --- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize("ledger", ["git:", "git:origin#main", "https://me:canary-word@host/x.git", "git:nowhere"])
def test_a_setting_that_cannot_be_meant_stops_everything(stub, shell, ledger):
    for command in ("apply", "plan"):
        ran = shell.run(command, str(shell.spec), *(["--yes"] if command == "apply" else []), RECONCILE_LEDGER=ledger)
        assert ran.code == 1
        assert "try: RECONCILE_LEDGER=git:REMOTE#refs/reconcile/ledger" in ran.err
        assert "canary-word" not in ran.said
    assert stub.of("list", "search") == stub.mutations == []


def test_a_simulation_has_a_ledger_of_its_own(shell):
    ran = shell.run(
        "plan", str(shell.spec), "--simulate", RECONCILE_LEDGER="git:", VAST_URL=None, RECONCILE_SETTLE=None
    )
    assert ran.code == 0, ran.said


def test_where_nothing_may_be_pushed_apply_sends_nothing_and_plan_goes_on(counted, bridge, bare):
    bridge.read_only = True
    ran = counted.apply("--first-run")
    stub = counted.stub
    assert stub is not None
    assert (ran.code, stub.mutations) == (1, [])
    assert "contents: write" in ran.err
    shell = counted.next()
    assert shell.run("plan", str(shell.spec)).code == 0
    assert tip_of(bare) is None


def test_a_ledger_that_cannot_be_written_any_more_stops_the_rents(counted, bridge):
    stub = counted.stub
    assert stub is not None

    def closes(stub: Stub, request) -> None:
        bridge.read_only = True

    stub.on("rent", closes)
    shell = counted.next()
    shell.spec.write_text(fleet(replicas=3), encoding="utf-8")
    ran = shell.run("apply", str(shell.spec), "--yes", "--no-wait", "--first-run")
    assert len(stub.mutations) == 1
    assert ran.code in (1, 5)
    assert "instance 9001" in ran.out
    bridge.read_only = False
    again = counted.next()
    again.spec.write_text(fleet(replicas=3), encoding="utf-8")
    ran = again.run("apply", str(again.spec), "--yes", "--no-wait", "--lock-timeout", "0s")
    assert ran.code in (0, 6)
    assert sorted(r.body["label"].split("/")[3] for r in stub.of("rent")) == sorted(
        {r.body["label"].split("/")[3] for r in stub.of("rent")}
    )


def test_another_account_s_ledger_stops_everything_and_stays_as_it_is(stub, runners, bare):
    assert runners.apply("--first-run").code == 0
    before = tip_of(bare)
    stub.on("account", says(200, {"id": 9, "credit": 50.5}), says(200, {"id": 9, "credit": 50.5}))
    ran = runners.apply()
    assert (ran.code, len(stub.mutations)) == (1, 1)
    assert "account 4711" in ran.err
    assert tip_of(bare) == before


def test_neither_keys_nor_passwords_are_on_the_ref_or_in_what_is_said(counted, bridge, bare):
    bridge.password = PASSWORD
    counted.ledger = f"git:{bridge.url(bare.name, f'x-access-token:{PASSWORD}@')}"
    said = [counted.apply("--first-run"), counted.apply()]
    bridge.read_only = True
    said.append(counted.apply())
    assert [ran.code for ran in said] == [0, 0, 1], [ran.said for ran in said]
    everything = "".join(ran.said for ran in said)
    everything += "".join(file_in(bare, name) for name in ("meta.json", "record.json", "sights.json", "clocks.json"))
    assert REF in everything
    assert PASSWORD not in everything
    assert KEY not in everything
