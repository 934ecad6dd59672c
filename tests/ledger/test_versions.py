"""Older files are brought along, newer and damaged ones refused and left in place; a missing one is a cold start."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from builders import HOUR_S, NOW, known, record

from reconciler.core.history import Event
from reconciler.core.record import Record
from reconciler.errors import NotSaved
from reconciler.ledger.codec import VERSION
from reconciler.ledger.sqlite import SqliteStore


def version_of(path):
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT version FROM meta").fetchone()[0]


def change(path, statement):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(statement)


def test_a_version_1_file_is_read_as_it_is(version_1, opened):
    before = version_1.read_bytes()
    store = opened(read_only=True)
    read = store.load()
    assert sorted(read.known) == [100, 101]
    assert sorted(read.leaving) == [102]
    assert [i.instance_id for i in read.intents.values()] == [None, 103]
    assert (store.events(), store.lease()) == ((), None)
    store.close()
    assert version_1.read_bytes() == before
    assert version_of(version_1) == 1


def test_a_version_1_file_is_migrated_when_it_is_opened_for_writing(version_1, opened):
    older = opened(read_only=True).load()
    store = opened()
    assert store.load() == older
    assert version_of(version_1) == VERSION == 3
    assert store.route_clocks() == {"list": NOW + 1.5, "rent": NOW + 4}
    assert store.sights(NOW).times_seen(1, 2) == 1
    event = Event(NOW, "paused", "june")
    store.save(older, [event])
    assert opened(read_only=True).events() == (event,)


def test_a_version_2_file_is_migrated_when_it_is_opened_for_writing(path, opened):
    """Its tables are those of version 3; its record lacks what came later."""
    store = opened()
    store.load()
    event = Event(NOW, "paused", "june")
    store.save(record(known()), [event])
    store.close()
    change(path, "UPDATE meta SET version = 2")
    assert opened(read_only=True).load() == record(known())
    assert version_of(path) == 2
    store = opened()
    assert store.load() == record(known())
    assert (version_of(path), store.events()) == (VERSION, (event,))


def test_a_migrated_file_is_what_a_new_one_is(version_1, opened, tmp_path):
    opened().close()
    new = tmp_path / "new.db"
    SqliteStore(new, account=1, owner="default").close()

    def tables(path):
        with closing(sqlite3.connect(path)) as db:
            rows = db.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
        return {name: " ".join(sql.split()).replace("( ", "(").replace(" )", ")") for name, sql in rows}

    assert tables(new).items() <= tables(version_1).items()


def test_a_run_of_the_older_release_that_has_the_file_open_ends_at_its_next_save(version_1, opened):
    with closing(sqlite3.connect(version_1, isolation_level=None)) as older:
        epoch = older.execute("SELECT epoch FROM record").fetchone()[0]
        opened()
        done = older.execute("UPDATE record SET body = 'x', epoch = epoch + 1 WHERE epoch = ?", (epoch,))
        assert done.rowcount == 0


def test_a_version_1_file_with_a_damaged_record_is_not_migrated(version_1, opened):
    change(version_1, "UPDATE record SET body = '{}'")
    before = version_1.read_bytes()
    with pytest.raises(NotSaved, match="damaged") as refusal:
        opened()
    assert "move the file away" in refusal.value.hint
    assert version_1.read_bytes() == before


def test_a_migration_that_is_cut_off_leaves_version_1(version_1, opened):
    class Cut(sqlite3.Connection):
        def execute(self, sql, *args):
            if sql.startswith("UPDATE meta"):
                raise sqlite3.OperationalError("disk I/O error")
            return super().execute(sql, *args)

    with pytest.raises(NotSaved, match="disk I/O"):
        opened(connection=Cut)
    assert version_of(version_1) == 1
    assert sorted(opened().load().known) == [100, 101]


REFUSED = {
    "newer": ("UPDATE meta SET version = 4", "newer release", "upgrade"),
    "no version": ("UPDATE meta SET version = 'two'", "damaged", "move the file away"),
    "another format": ("UPDATE meta SET format = 'shopping'", "not a ledger", "a place of its own"),
    "another account's": ("UPDATE meta SET account = 9", "account 9", "the right key"),
    "a record that is none": ("UPDATE record SET body = '[]'", "damaged", "move the file away"),
    "a record that is not there": ("DELETE FROM record", "damaged", "move the file away"),
}


@pytest.mark.parametrize("read_only", [True, False], ids=["to read", "to write"])
@pytest.mark.parametrize(("statement", "said", "hint"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_read_is_refused_and_left_in_place(path, opened, read_only, statement, said, hint):
    opened().close()
    change(path, statement)
    before = path.read_bytes()
    with pytest.raises(NotSaved, match=said) as refusal:
        opened(read_only=read_only).load()
    assert hint in refusal.value.hint
    assert path.name in str(refusal.value)
    assert path.read_bytes() == before


def test_a_file_that_was_moved_away_is_a_cold_start(path, opened):
    store = opened()
    store.load()
    store.save(record(known()))
    store.close()
    path.rename(path.with_suffix(".old"))
    assert opened(read_only=True).load() == Record()
    assert not path.exists()
    again = opened().load()
    assert (again.warm, again.known) == (False, {})


def test_nonsense_in_the_history_is_damage(path, opened):
    store = opened()
    store.save(record(), [Event(NOW + HOUR_S, "paused", "june")])
    change(path, "UPDATE event SET kind = 'dreamt'")
    with pytest.raises(NotSaved, match="damaged"):
        store.events()
