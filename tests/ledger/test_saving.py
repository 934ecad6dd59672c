"""A save is whole, seen by everybody, or not made; an answer that leaves it open is settled by reading again."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from builders import NOW, intent, known, record, seat

import reconciler
from reconciler.core.history import KEPT_S, MOST_KEPT, Event, of_seat
from reconciler.core.record import Record
from reconciler.errors import Busy, NotSaved
from reconciler.ledger.sqlite import SqliteStore

NOBODY = 65534
each_store = pytest.mark.parametrize("opened", ["a file", "a git ref"], indirect=True)


def loaded(opened, **options):
    store = opened(**options)
    store.load()
    return store


# --- together or not at all -----------------------------------------------------------------------

RENTED = of_seat(NOW, "rented", seat("june/0"), "1x RTX 3060", 100)
PAUSED = Event(NOW + 1, "paused", "july")


@each_store
def test_events_are_saved_with_their_record(opened):
    loaded(opened).save(record(known()), [RENTED, PAUSED])
    reader = opened(read_only=True)
    assert reader.load() == record(known())
    assert reader.events() == (RENTED, PAUSED)


@each_store
def test_a_save_that_comes_too_late_leaves_no_event(opened):
    first, second = loaded(opened), loaded(opened)
    first.save(record(known()), [RENTED])
    with pytest.raises(Busy, match="another run has written"):
        second.save(record(), [PAUSED])
    assert opened(read_only=True).events() == (RENTED,)
    assert opened(read_only=True).load() == record(known())


def test_an_event_that_cannot_be_written_leaves_no_record(opened, path):
    store = loaded(opened)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TABLE event")
    with pytest.raises(NotSaved):
        store.save(record(known()), [RENTED])
    assert opened(read_only=True).load() == Record()


@each_store
def test_the_history_is_asked_by_fleet_seat_and_time(opened):
    other = of_seat(NOW + 5, "ready", seat("june/1"), "ready in 9s", 101)
    loaded(opened).save(record(), [RENTED, PAUSED, other])
    reader = opened(read_only=True)
    assert reader.events(fleet="june") == (RENTED, other)
    assert reader.events(fleet="june", index=1) == (other,)
    assert reader.events(since=NOW + 1) == (PAUSED, other)
    assert reader.events(fleet="may") == ()


@each_store
def test_the_history_forgets_after_90_days(opened):
    store = loaded(opened)
    store.save(record(), [RENTED])
    store.save(record(), [Event(NOW + KEPT_S, "paused", "june")])
    assert len(store.events()) == 2
    store.save(record(), [Event(NOW + KEPT_S + 1, "resumed", "june")])
    assert [event.kind for event in store.events()] == ["paused", "resumed"]


def test_the_history_keeps_no_more_than_its_last_100_000(opened):
    store = loaded(opened)
    store.save(record(), [RENTED, *[PAUSED] * (MOST_KEPT - 1)])
    assert store.events()[0] == RENTED
    store.save(record(), [PAUSED])
    found = store.events()
    assert (len(found), found[0]) == (MOST_KEPT, PAUSED)


@each_store
def test_a_text_from_outside_is_made_safe(opened):
    store = loaded(opened)
    store.save(record(), [Event(NOW, "refused", "june", text="\x1b[31mred\n::error::" + "x" * 9999)])
    (event,) = store.events()
    assert event.text.startswith("\\u001b[31mred\\u000a")
    assert len(event.text) == 512


# --- an answer that leaves it open ----------------------------------------------------------------


def failing(statement: str, *, after: bool, spare: int = 0) -> type[sqlite3.Connection]:
    """A connection on which one statement fails, before it is done or after it; the first `spare` of them go well."""
    left = [spare]

    class Failing(sqlite3.Connection):
        def execute(self, sql, *args):
            if not sql.startswith(statement):
                return super().execute(sql, *args)
            left[0] -= 1
            if left[0] != -1:
                return super().execute(sql, *args)
            if after:
                super().execute(sql, *args)
            raise sqlite3.OperationalError("disk I/O error")

    return Failing


def test_a_commit_that_failed_after_it_was_done_counts(opened):
    store = loaded(opened, connection=failing("COMMIT", after=True, spare=1))
    store.save(record(known()), [RENTED])
    store.save(record(known(), known(101)))
    reader = opened(read_only=True)
    assert sorted(reader.load().known) == [100, 101]
    assert reader.events() == (RENTED,)


@pytest.mark.parametrize("statement", ["BEGIN", "UPDATE record", "COMMIT"])
def test_a_statement_that_failed_before_it_was_done_is_not_saved(opened, statement):
    spare = 0 if statement == "UPDATE record" else 1
    store = loaded(opened, connection=failing(statement, after=False, spare=spare))
    with pytest.raises(NotSaved, match="disk I/O error") as refusal:
        store.save(record(known()), [RENTED])
    assert "free some space" in refusal.value.hint
    assert opened(read_only=True).load() == Record()
    store.save(record(known()))
    assert opened(read_only=True).load() == record(known())


def test_a_commit_whose_end_is_open_is_not_taken_for_another_runs(opened, path):
    """Another run wrote in between: what is read again is not what was to be saved."""

    class Overtaken(sqlite3.Connection):
        def execute(self, sql, *args):
            done = super().execute(sql, *args)
            if sql == "COMMIT" and os.path.exists(path) and self.overtaken:
                self.overtaken = False
                other = SqliteStore(path, account=4711, owner="default")
                other.save(record(known(7)))
                other.close()
                raise sqlite3.OperationalError("disk I/O error")
            return done

        overtaken = False

    store = loaded(opened, connection=Overtaken)
    store._db.overtaken = True
    with pytest.raises(NotSaved):
        store.save(record(intent()))
    with pytest.raises(Busy):
        store.save(record(intent()))
    assert sorted(opened(read_only=True).load().known) == [7]


# --- a world that is full or closed ---------------------------------------------------------------


def test_a_full_disk_loses_nothing_and_says_the_way_on(opened):
    store = loaded(opened)
    store.save(record(known()))
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    large = record(*(known(number) for number in range(1000)))
    with pytest.raises(NotSaved, match="full") as refusal:
        store.save(large, [RENTED])
    assert "free some space" in refusal.value.hint
    reader = opened(read_only=True)
    assert (reader.load(), reader.events()) == (record(known()), ())
    store._db.execute("PRAGMA max_page_count = 1000000")
    store.save(large)
    assert opened(read_only=True).load() == large


FILLS = """
import resource, sys
from pathlib import Path
import builders as b
from reconciler.errors import NotSaved
from reconciler.ledger.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]), account=4711, owner="default")
store.load()
store.save(b.record(b.known()))
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
try:
    store.save(b.record(*(b.known(n) for n in range(1000))))
except NotSaved as error:
    print(error, "|", error.hint)
store.save(b.record(b.known(), b.known(101)))
"""


def test_a_file_that_may_not_grow_loses_nothing(opened, path):
    """The operating system itself refuses to write further."""
    ran = python(FILLS, str(path))
    assert "cannot be used" in ran
    assert "free some space" in ran
    assert sorted(opened(read_only=True).load().known) == [100, 101]


def python(program: str, *args: str) -> str:
    root = Path(reconciler.__file__).parents[1]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "tests")])}
    done = subprocess.run([sys.executable, "-c", program, *args], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def without_rights() -> Iterator[None]:
    """As a user whom the folder's mode binds."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder that everybody may read and nobody may write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


def test_a_folder_that_may_not_be_written_gets_no_ledger(closed_folder):
    closed_folder.chmod(0o555)
    with without_rights(), pytest.raises(NotSaved, match="cannot be written") as refusal:
        SqliteStore(closed_folder / "l.db", account=1, owner="default")
    assert "RECONCILE_LEDGER" in refusal.value.hint


def test_a_ledger_in_a_folder_that_may_not_be_written_is_read_and_not_changed(closed_folder):
    path = closed_folder / "l.db"
    store = SqliteStore(path, account=1, owner="default")
    store.load()
    store.save(record(known()))
    store.close()
    path.chmod(0o666)
    closed_folder.chmod(0o555)
    with without_rights():
        writer = SqliteStore(path, account=1, owner="default")
        with pytest.raises(NotSaved) as refusal:
            writer.save(writer.load())
        writer.close()
        reader = SqliteStore(path, account=1, owner="default", read_only=True)
        assert reader.load() == record(known())
        reader.close()
    assert "make the place writable" in refusal.value.hint
