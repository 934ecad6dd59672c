"""The ledger keeps two runs apart, goes where it is told to, and is never guessed at."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from reconciler.ledger.sqlite import SqliteStore

from .stub import ACCOUNT, Gate, Reply, Seen, Stub, hangs_up, instance_row, offer_row, says
from .world import Desk, ended, fleet


def seats_rented(stub):
    return sorted(r.body["label"].split("/")[3] for r in stub.of("rent"))


# --- two runs at once -----------------------------------------------------------------------------

MOMENTS = ["account", "list", "search", "rent"]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("polite", [True, False], ids=["that respects the lease", "that ignores the lease"])
def test_a_second_run_in_the_middle_of_the_first_never_rents_a_seat_twice(stub, tmp_path, moment, replicas, polite):
    first, second = Desk(stub, tmp_path), None
    first.declare(fleet(replicas=replicas))
    codes = []

    def the_other_runs(stub: Stub, request: Seen) -> None:
        nonlocal second
        second = Desk.__new__(Desk)
        vars(second).update(vars(first))
        if not polite and first.ledger.exists():
            with closing(sqlite3.connect(first.ledger)) as db, db:
                db.execute("DELETE FROM lease")
        codes.append(second.apply().code)

    stub.on(moment, the_other_runs)
    codes.append(first.apply().code)
    assert len(codes) == 2
    assert set(codes) <= {0, 5, 6}
    assert sorted(set(seats_rented(stub))) == seats_rented(stub)
    for _ in range(3):
        first.clock.time += 400
        last = first.apply()
    assert last.code == 0
    assert sorted(row["label"].split("/")[3] for row in stub.instances.values()) == [str(n) for n in range(replicas)]


def test_the_run_whose_ledger_another_one_wrote_says_so_and_stops(stub, desk):
    def somebody_else_writes(stub: Stub, request: Seen) -> None:
        store = SqliteStore(desk.ledger, account=ACCOUNT, owner="default")
        store.save(store.load())
        store.close()

    stub.on("search", somebody_else_writes)
    ran = desk.apply()
    assert (ran.code, ran.mutations) == (6, [])
    assert "another run" in ran.err


def test_what_was_rented_is_said_even_when_it_cannot_be_written_down(stub, desk):
    def somebody_else_writes(stub: Stub, request: Seen) -> None:
        store = SqliteStore(desk.ledger, account=ACCOUNT, owner="default")
        store.save(store.load())
        store.close()

    desk.declare(fleet(replicas=3))
    stub.on("rent", somebody_else_writes)
    ran = desk.apply()
    assert len(ran.mutations) == 1
    assert ran.code in (5, 6)
    assert "instance 9001" in ran.out
    again = desk.apply()
    assert again.code == 0
    assert seats_rented(stub) == ["0", "1", "2"]


def test_two_commands_started_together_rent_one_seat_once(stub, shell):
    gate = Gate()
    stub.on("search", gate)
    one = shell.start(*shell.line("--no-wait"))
    stub.await_request("search")
    other = shell.apply("--no-wait")
    gate.open()
    first = ended(one)
    assert (other.code, first.code) == (6, 0), first.said
    assert f"pid {one.pid}" in other.err
    assert "reconcile unlock" in other.err
    assert len(stub.of("rent")) == 1


def test_a_plan_beside_a_waiting_cold_start_does_not_end_it(stub, desk):
    """A plan only reads: the run that waits must not find its ledger written by it."""
    lists = []

    def somebody_plans(stub: Stub, request: Seen) -> None:
        lists.append(request)
        other = Desk.__new__(Desk)
        vars(other).update(vars(desk))
        assert other.plan(first_run=False).code == 0

    stub.on("list", lambda s, r: None, somebody_plans)
    ran = desk.apply(first_run=False, wait=True)
    assert ran.code == 0, ran.said
    assert len(lists) == 1
    assert len(stub.instances) == 1


# --- the cold start -------------------------------------------------------------------------------


def test_a_new_ledger_delays_rents_until_two_lists_300_s_apart_agree(stub, desk):
    ran = desk.apply(first_run=False)
    assert (ran.code, ran.mutations) == (0, [])
    assert "Cold start" in ran.out
    began = desk.clock.now()
    while not stub.mutations:
        desk.clock.time += 20
        assert desk.apply(first_run=False).code == 0
    assert 299 <= desk.clock.now() - began < 330


def test_a_plan_starts_the_clock_of_a_cold_start(stub, desk):
    assert desk.plan(first_run=False).code == 0
    desk.clock.time += 301
    assert len(desk.apply(first_run=False).mutations) == 1


def test_a_plan_with_first_run_does_not_spare_the_next_apply_its_wait(stub, desk):
    assert desk.plan(first_run=True).code == 0
    assert desk.apply(first_run=False).mutations == []


def test_first_run_spares_nothing_when_the_account_holds_something_of_ours(stub, desk):
    assert desk.apply().code == 0
    desk.ledger.unlink()
    desk.declare(fleet(replicas=2))
    ran = desk.apply(first_run=True)
    assert (ran.code, ran.mutations) == (0, [])


def test_a_lost_ledger_rents_nothing_twice(stub, desk):
    hidden = {}

    def queued(stub: Stub, request: Seen) -> Reply:
        made = stub.make(request.number or 0, request.body)
        hidden[made] = stub.instances.pop(made)
        return Reply(504, b"")

    stub.on("rent", queued)
    assert desk.apply().code == 5
    desk.ledger.unlink()
    desk.clock.time += 60
    desk.apply(first_run=False)
    stub.instances |= hidden
    ran = desk.apply(first_run=False, wait=True)
    assert ran.code == 0, ran.said
    assert len(stub.mutations) == 1


def test_with_nothing_to_rent_a_cold_start_waits_for_nothing(stub, desk):
    desk.declare(fleet(replicas=0))
    began = desk.clock.now()
    assert desk.apply(first_run=False, wait=True).code == 0
    assert desk.clock.now() - began < 60


# --- the file -------------------------------------------------------------------------------------


def test_the_ledger_is_where_the_state_of_the_user_is(stub, shell):
    assert shell.apply("--no-wait").code == 0
    path = shell.folder / "state" / "reconcile" / f"{ACCOUNT}-default.db"
    assert path.is_file()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_the_ledger_is_where_it_is_told_to_be(stub, shell):
    path = shell.folder / "elsewhere" / "june.db"
    assert shell.apply("--no-wait", RECONCILE_LEDGER=str(path)).code == 0
    assert path.is_file()
    assert not (shell.folder / "state").exists()


def made(desk, account=ACCOUNT, owner="default"):
    SqliteStore(desk.ledger, account=account, owner=owner).close()


def changed(desk, statement):
    made(desk)
    with closing(sqlite3.connect(desk.ledger)) as db:
        db.execute(statement)
        db.commit()


def written(desk, content):
    desk.ledger.parent.mkdir()
    desk.ledger.write_bytes(content)


NOT_OURS = {
    "text": (lambda d: written(d, b"not a database, but long enough to be looked at as one\n" * 99), "ledger.db"),
    "another program's database": (lambda d: changed(d, "DROP TABLE meta"), "ledger.db"),
    "another format": (lambda d: changed(d, "UPDATE meta SET format = 'shopping'"), "not a ledger"),
    "a newer release's": (lambda d: changed(d, "UPDATE meta SET version = 4"), "newer release"),
    "no version": (lambda d: changed(d, "UPDATE meta SET version = 'two'"), "damaged"),
    "another account's": (lambda d: made(d, account=9), "account 9"),
    "another owner's": (lambda d: made(d, owner="bob"), "owner bob"),
    "a record that is no JSON": (lambda d: changed(d, "UPDATE record SET body = '{'"), "damaged"),
    "a record that is another thing": (lambda d: changed(d, "UPDATE record SET body = '[]'"), "damaged"),
    "a record that lacks a part": (lambda d: changed(d, "UPDATE record SET body = '{\"known\": []}'"), "damaged"),
    "no record at all": (lambda d: changed(d, "DELETE FROM record"), "damaged"),
}


@pytest.mark.parametrize(("spoil", "word"), NOT_OURS.values(), ids=NOT_OURS.keys())
def test_a_ledger_that_is_not_ours_stops_everything_and_stays_as_it_is(stub, desk, spoil, word):
    spoil(desk)
    before = desk.ledger.read_bytes()
    ran = desk.apply()
    assert (ran.code, ran.mutations) == (1, [])
    assert word in ran.err
    assert "ledger.db" in ran.err
    assert desk.ledger.read_bytes() == before
    assert {r.route for r in ran.calls} == {"account"}


def test_a_cut_ledger_stops_everything_and_stays_as_it_is(stub, desk):
    assert desk.apply().code == 0
    half = desk.ledger.read_bytes()[:5000]
    desk.ledger.write_bytes(half)
    desk.declare(fleet(replicas=2))
    ran = desk.apply()
    assert (ran.code, ran.mutations) == (1, [])
    assert desk.ledger.read_bytes() == half


def test_a_place_that_cannot_be_written_stops_apply_before_anything_is_sent(stub, desk):
    (desk.folder / "state").write_text("a file where the folder should be", encoding="utf-8")
    ran = desk.apply()
    assert (ran.code, ran.mutations) == (1, [])
    assert "cannot be written" in ran.err
    plan = desk.plan()
    assert (plan.code, plan.mutations) == (0, [])


def test_a_ledger_that_turns_unwritable_in_the_middle_stops_the_rents(stub, desk):
    def spoils(stub: Stub, request: Seen) -> None:
        with closing(sqlite3.connect(desk.ledger)) as db:
            db.execute("DROP TABLE record")
            db.commit()

    desk.declare(fleet(replicas=3))
    stub.on("rent", spoils)
    ran = desk.apply()
    assert ran.code in (1, 5)
    assert len(ran.mutations) == 1
    assert "Traceback" not in ran.said


# --- another owner --------------------------------------------------------------------------------


def test_a_fleet_that_lives_under_another_owner_is_not_rented_beside_it(stub, desk):
    desk.declare(fleet(), "kind: Policy\nowner: bob\n")
    assert desk.apply().code == 0
    desk.ledger.unlink()
    desk.declare(fleet())
    ran = desk.apply()
    assert (ran.code, ran.mutations) == (4, [])
    assert "owner bob" in ran.said


def test_a_doubt_outlives_its_run_and_its_command(stub, shell):
    stub.on("rent", hangs_up)
    assert shell.apply("--no-wait").code == 5
    plan = shell.run("plan", str(shell.spec))
    assert "in doubt" in plan.out
    assert len(stub.mutations) == 1


def test_a_saved_pace_is_kept_by_the_next_command(stub, desk):
    desk.apply()
    desk.declare(fleet(replicas=2))
    began = desk.clock.now()
    desk.apply()
    assert desk.clock.now() - began >= 4.4


def test_an_unmanaged_instance_is_counted_and_left_alone(stub, desk):
    stub.instances[77] = instance_row(77, offer_row(), {"disk": 10, "label": "mine"})
    stub.on("account", says(200, {"id": ACCOUNT, "credit": 50.5}))
    ran = desk.apply()
    assert ran.code == 0
    assert "1 unmanaged instance ($0.202/h) left alone" in ran.out
