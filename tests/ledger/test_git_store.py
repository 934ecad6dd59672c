"""A ledger on a ref: what a commit holds, what is refused and left in place, what waits for the next push."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date

import pytest
from builders import DAY_S, NOW, intent, known, record, seat
from repositories import REF, file_in, git, put, tip_of, wrapper

from reconciler.core.history import Event, of_seat
from reconciler.core.latency import Measured
from reconciler.core.lease import Holder, Lease
from reconciler.core.record import ColdStart, Record
from reconciler.core.secret import Hidden
from reconciler.core.sights import NewSights, Sighting
from reconciler.errors import Busy, NotSaved
from reconciler.ledger.codec import VERSION, encode
from reconciler.ledger.git import days
from reconciler.ledger.git.place import GitPlace
from reconciler.ledger.git.quiet import PUT_OFF_S
from reconciler.ledger.git.store import GitStore

pytestmark = pytest.mark.parametrize("opened", ["a git ref"], indirect=True)
LEASE = Lease("5f0c2a91", Holder("runner-17", 7, "reconcile apply"), NOW, NOW)
RENTED = of_seat(NOW, "rented", seat("june/0"), "1x RTX 3060", 100)


def saved(opened, made: Record | None = None, *events: Event, **options):
    store = opened(**options)
    store.load()
    store.save(made or record(known()), events)
    return store


def commits(bare) -> int:
    return int(git(bare, "rev-list", "--count", REF))


def files(bare) -> list[str]:
    return git(bare, "ls-tree", "-r", "--name-only", REF).splitlines()


# --- what a commit holds --------------------------------------------------------------------------


def test_a_ref_that_is_not_there_is_a_cold_start_and_reading_makes_none(opened, bare):
    reader = opened(read_only=True)
    assert (reader.load(), reader.events(), reader.lease(), reader.route_clocks()) == (Record(), (), None, {})
    with pytest.raises(NotSaved, match="not open for writing"):
        reader.save(record())
    assert tip_of(bare) is None


def test_a_save_is_one_commit_with_everything_in_it(opened, bare):
    store = opened()
    store.take(LEASE, lambda: NOW, lambda _: False)
    store.save_route_clocks({"rent": NOW + 4.5})
    store.add_sights(NewSights(NOW, {1: Measured(12.5, NOW)}, frozenset({(1, 2)}), rows=64))
    store.save(store.load(), [RENTED])
    assert files(bare) == [
        "clocks.json",
        "events/2026-11-20.jsonl",
        "lease.json",
        "meta.json",
        "record.json",
        "sights.json",
    ]
    meta = json.loads(file_in(bare, "meta.json"))
    assert meta == {
        "format": "vast-reconciler ledger",
        "version": VERSION,
        "account": 4711,
        "owner": "default",
        "epoch": 2,
    }
    assert commits(bare) == 2
    reader = opened(read_only=True)
    assert reader.route_clocks() == {"rent": NOW + 4.5}
    assert reader.sights(NOW).measured == {1: Measured(12.5, NOW)}
    assert reader.sights(NOW).sightings == {(1, 2): Sighting(NOW, 1)}
    assert reader.sights(NOW).rows_used(date(2026, 11, 20)) == 64
    assert reader.lease() == LEASE


def test_a_record_survives_whole(opened):
    made = replace(
        record(known(), intent(), known(101)),
        cold=ColdStart(NOW, NOW),
        paused={"june": NOW},
        stopped={"may": "  two spaces stay, ünï too"},
    )
    saved(opened, made)
    assert opened(read_only=True).load() == made


def test_a_store_that_saved_goes_on_without_reading_again(opened):
    store = saved(opened)
    store.save(record(known(), known(101)), [RENTED])
    store.save(record(known(102)), [replace(RENTED, at=NOW + 1)])
    assert store.load() == record(known(102))
    assert len(store.events()) == 2


def test_sights_add_up_and_the_later_measurement_stays(opened):
    store = opened()
    store.add_sights(NewSights(NOW, {1: Measured(12.5, NOW)}, frozenset({(1, 1)}), rows=5))
    store.add_sights(NewSights(NOW + 60, {1: Measured(99.0, NOW - 60)}, frozenset({(1, 1)}), rows=6))
    sights = store.sights(NOW + 60)
    assert sights.measured[1].ms == 12.5
    assert sights.times_seen(1, 1) == 2
    assert sights.rows_used(date(2026, 11, 20)) == 11
    store.add_sights(NewSights(NOW + 2 * DAY_S, rows=1))
    sights = store.sights(NOW + 2 * DAY_S)
    assert (sights.measured, sights.sightings, sum(sights.rows.values())) == ({}, {}, 1)


# --- the history ----------------------------------------------------------------------------------


def test_each_day_has_a_file_of_its_own_and_only_that_one_grows(opened, bare):
    store = saved(opened, None, RENTED)
    first = git(bare, "rev-parse", f"{REF}:events/2026-11-20.jsonl")
    store.save(record(), [replace(RENTED, at=NOW + DAY_S)])
    assert git(bare, "rev-parse", f"{REF}:events/2026-11-20.jsonl") == first
    assert "events/2026-11-21.jsonl" in files(bare)
    assert [event.at for event in opened(read_only=True).events()] == [NOW, NOW + DAY_S]
    assert [event.at for event in opened(read_only=True).events(since=NOW + 1)] == [NOW + DAY_S]


def test_days_that_are_over_leave_the_tree(opened, bare):
    store = saved(opened, None, RENTED)
    store.save(record(), [replace(RENTED, at=NOW + 92 * DAY_S)])
    assert "events/2026-11-20.jsonl" not in files(bare)


def test_the_history_has_a_size_that_it_does_not_outgrow(opened, bare, monkeypatch):
    monkeypatch.setattr(days, "MOST_BYTES", 2000)
    store = opened()
    store.load()
    for number in range(6):
        store.save(record(), [replace(RENTED, at=NOW + number * DAY_S, instance_id=n) for n in range(8)])
    sizes = [len(file_in(bare, path)) for path in files(bare) if path.startswith("events/")]
    assert sum(sizes) <= 2000
    store.save(record(), [replace(RENTED, at=NOW + 6 * DAY_S, instance_id=n) for n in range(100)])
    kept = store.events()
    assert kept[-1].instance_id == 99
    assert [event.instance_id for event in kept] == list(range(100 - len(kept), 100))


# --- commits that may be forgotten ----------------------------------------------------------------


def test_the_other_side_need_not_keep_every_commit(opened, bare):
    store = opened(chain=4)
    store.load()
    for number in range(1, 11):
        store.save(record(known(number)), [replace(RENTED, instance_id=number)])
    assert commits(bare) == 3
    assert sorted(opened(read_only=True).load().known) == [10]
    assert len(opened(read_only=True).events()) == 10


def test_where_a_branch_may_only_move_forward_every_commit_is_kept(opened, bare):
    git(bare, "config", "receive.denyNonFastForwards", "true")
    branch = "refs/heads/ledger"
    with closing(GitStore(GitPlace(Hidden(str(bare)), branch), account=4711, owner="default", chain=4)) as store:
        store.load()
        for number in range(1, 10):
            store.save(record(known(number)))
    assert git(bare, "rev-list", "--count", branch) == "9"


# --- what waits -----------------------------------------------------------------------------------

WARM = replace(record(known()), warm=True, last_list_at=NOW)
LATER = replace(record(replace(known(), seen_at=NOW + 10)), warm=True, last_list_at=NOW + 10)


class Time:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def holder(opened, time):
    store = opened()
    store.take(LEASE, time, lambda _: False)
    store.save(WARM)
    return store


def test_a_record_that_says_nothing_new_waits_for_the_next_push(holder, opened, bare, time):
    before = tip_of(bare)
    time.now += 10
    holder.save(LATER)
    assert tip_of(bare) == before
    assert holder.load() == LATER
    holder.release()
    assert tip_of(bare) != before
    reader = opened(read_only=True)
    assert (reader.load(), reader.lease()) == (LATER, None)


NOT_QUIET = {
    "an attempt is open": replace(LATER, intents={intent().attempt: intent()}),
    "it knows another instance": replace(LATER, known={**LATER.known, 7: known(7)}),
    "it knows one less": replace(LATER, known={}),
    "a fleet is paused": replace(LATER, paused={"june": NOW}),
    "something is wrong since now": replace(LATER, since={(100, "offline"): NOW}),
    "the start is cold": replace(LATER, warm=False),
}


@pytest.mark.parametrize("made", NOT_QUIET.values(), ids=NOT_QUIET.keys())
def test_every_other_record_is_pushed_at_once(holder, opened, time, made):
    time.now += 10
    holder.save(made)
    assert opened(read_only=True).load() == made


def test_while_an_attempt_is_open_the_same_record_is_pushed_again(holder, bare):
    holder.save(NOT_QUIET["an attempt is open"])
    before = tip_of(bare)
    holder.save(NOT_QUIET["an attempt is open"])
    assert tip_of(bare) != before


def test_nothing_waits_for_longer_than_a_minute_or_beside_an_event(holder, opened, time):
    time.now += PUT_OFF_S
    holder.save(LATER)
    assert opened(read_only=True).load() == LATER
    assert opened(read_only=True).lease().renewed == time.now
    again = replace(LATER, last_list_at=NOW + 11)
    holder.save(again, [RENTED])
    assert opened(read_only=True).load() == again


def test_without_the_lease_nothing_waits(opened, bare):
    store = saved(opened, WARM)
    before = tip_of(bare)
    store.save(LATER)
    assert tip_of(bare) != before


def test_what_waited_is_not_written_over_another_runs_record(holder, opened, time):
    time.now += 10
    holder.save(LATER)
    other = opened()
    assert other.unlock(LEASE.id)
    with pytest.raises(Busy):
        holder.save(NOT_QUIET["an attempt is open"])
    holder.release()
    assert opened(read_only=True).load() == WARM


# --- refused, and left in place -------------------------------------------------------------------


def meta(**changes: object) -> dict[str, str | None]:
    body = {"format": "vast-reconciler ledger", "version": VERSION, "account": 4711, "owner": "default", "epoch": 1}
    return {"meta.json": json.dumps({**body, **changes})}


HOLDER = {"host": "a", "pid": 1, "command": "b"}
DEEP = "[" * 100_000
REFUSED = {
    "newer": (meta(version=VERSION + 1), "newer release", "upgrade"),
    "no version": (meta(version="two"), "damaged", "--delete refs/reconcile/ledger"),
    "another format": (meta(format="shopping"), "not a ledger", "a place of its own"),
    "another account's": (meta(account=9), "account 9", "the right key"),
    "another owner's": (meta(owner="bob\x1b[31m"), r"owner bob\\u001b", "the right key"),
    "no meta": ({"meta.json": None}, "not a ledger", "a place of its own"),
    "no epoch": (meta(epoch=None), "damaged", "--delete"),
    "a record that is none": ({"record.json": "[]"}, "damaged", "--delete"),
    "a record that is no JSON": ({"record.json": '{"known": '}, "damaged", "--delete"),
    "a record without end": ({"record.json": DEEP}, "damaged", "--delete"),
    "a record that is not there": ({"record.json": None}, "damaged", "--delete"),
    "a record with a number that is none": (
        {"record.json": encode(replace(WARM, last_list_at=float("nan")))},
        "damaged",
        "--delete",
    ),
    "a record of the year 300000": ({"record.json": encode(replace(WARM, paused={"a": 1e13}))}, "damaged", "--delete"),
    "a record with endless money": (
        {"record.json": encode(record(intent())).replace("0.", "1e999999")},
        "damaged",
        "--delete",
    ),
    "a lease that is none": ({"lease.json": '{"id": 7}'}, "damaged", "--delete"),
    "a lease with an odd id": (
        {"lease.json": json.dumps({"id": "; ls", "holder": HOLDER, "since": 1, "renewed": 1})},
        "damaged",
        "--delete",
    ),
}


@pytest.mark.parametrize("read_only", [True, False], ids=["to read", "to write"])
@pytest.mark.parametrize(("changes", "said", "hint"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_read_is_refused_and_left_in_place(opened, bare, read_only, changes, said, hint):
    saved(opened)
    before = put(bare, changes)
    with pytest.raises(NotSaved, match=said) as refusal:
        opened(read_only=read_only)
    assert hint in refusal.value.hint
    assert REF in str(refusal.value)
    assert tip_of(bare) == before


def test_a_branch_is_not_taken_for_a_ledger(opened, bare):
    tip = put(bare, {"README.md": "hello"}, "refs/heads/main")
    place = GitPlace(Hidden(str(bare)), "refs/heads/main")
    with pytest.raises(NotSaved, match="not a ledger"):
        GitStore(place, account=4711, owner="default")
    assert tip_of(bare, "refs/heads/main") == tip


@pytest.mark.parametrize("kind", ["blob", "tag"])
def test_a_ref_to_something_else_than_a_commit_is_not_a_ledger(opened, bare, kind):
    tip = git(bare, "hash-object", "-w", "--stdin", stdin="hello")
    if kind == "tag":
        tip = git(bare, "mktag", stdin=f"object {tip}\ntype blob\ntag x\ntagger me <me@x> 1 +0000\n\nx\n")
    git(bare, "update-ref", REF, tip)
    with pytest.raises(NotSaved, match="not a ledger"):
        opened()
    assert tip_of(bare) == tip


def test_nonsense_in_the_history_is_damage(opened, bare):
    store = saved(opened, None, RENTED)
    for line in ('{"at":1}', "[]", file_in(bare, "events/2026-11-20.jsonl").replace("rented", "dreamt")):
        put(bare, {"events/2026-11-20.jsonl": line})
        with pytest.raises(NotSaved, match="damaged"):
            store.events()


@pytest.mark.parametrize("text", ["[]", "{", '{"measured": [7]}', '{"rent": "soon"}', DEEP])
def test_nonsense_in_clocks_and_sights_is_nothing(opened, bare, text):
    saved(opened)
    put(bare, {"clocks.json": text, "sights.json": text})
    store = opened()
    assert (store.route_clocks(), store.sights(NOW).measured) == ({}, {})
    assert store.load() == record(known())


def test_text_that_somebody_pushed_is_made_safe(opened, bare):
    saved(opened, replace(WARM, stopped={"june": "\x1b[31mred\n::error::"}), RENTED)
    lease = {"id": "a", "holder": {"host": "\x1b[2J", "pid": 1, "command": "x\u202ey"}, "since": NOW, "renewed": NOW}
    event = json.loads(file_in(bare, "events/2026-11-20.jsonl"))
    put(bare, {"lease.json": json.dumps(lease), "events/2026-11-20.jsonl": json.dumps({**event, "text": "a\x1bb"})})
    reader = opened(read_only=True)
    assert reader.load().stopped == {"june": "\\u001b[31mred\\u000a::error::"}
    assert reader.events()[0].text == "a\\u001bb"
    assert reader.lease().holder == Holder("\\u001b[2J", 1, "x\\u202ey")


def test_an_older_version_is_read_as_it_is_and_written_in_this_one(opened, bare, version_1):
    with closing(sqlite3.connect(version_1)) as db:
        (body,) = db.execute("SELECT body FROM record").fetchone()
    tip = put(bare, {**meta(version=1), "record.json": body})
    reader = opened(read_only=True)
    older = reader.load()
    assert sorted(older.known) == [100, 101]
    assert tip_of(bare) == tip
    store = opened()
    store.take(LEASE, lambda: NOW, lambda _: False)
    assert json.loads(file_in(bare, "meta.json"))["version"] == VERSION
    assert store.load() == opened(read_only=True).load() == older
    git(bare, "cat-file", "-e", f"{REF}:record.json")
    assert json.loads(file_in(bare, "record.json")) == json.loads(encode(older))


def test_a_deleted_ref_ends_the_run_that_used_it_and_is_a_cold_start(opened, bare):
    store = saved(opened)
    git(bare, "update-ref", "-d", REF)
    with pytest.raises(Busy):
        store.save(record(known(), known(101)))
    assert store.load() == Record()


# --- the program ----------------------------------------------------------------------------------


def test_without_git_the_way_on_is_said(opened, tmp_path):
    with pytest.raises(NotSaved, match="git cannot be run") as refusal:
        opened(program=str(tmp_path / "nowhere" / "git"))
    assert "install git" in refusal.value.hint


@pytest.mark.parametrize("version", ["git version 2.30.9", "git version 1.99", "nonsense"])
def test_a_git_that_is_too_old_is_refused(opened, tmp_path, version):
    old = wrapper(tmp_path / "bin", f'if test "$1" = version; then echo "{version}"; exit; fi; exec "$GIT" "$@"')
    with pytest.raises(NotSaved, match="too old") as refusal:
        opened(program=old)
    assert "2.31" in refusal.value.hint
