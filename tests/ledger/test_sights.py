"""Sights are kept beside the record for a day, shared by all runs, and never in anybody's way."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import date

import pytest
from builders import DAY_S, HOUR_S, NOW, known, record

from reconciler.core.sights import Measured, NewSights, Sighting, Sights
from reconciler.ledger.sqlite import SqliteStore

TODAY = date(2026, 11, 20)
SEEN = NewSights(NOW, {1: Measured(12.5, NOW), 2: Measured(None, NOW)}, frozenset({(1, 1), (1, 2), (3, 8)}), rows=64)
KEPT = Sights(SEEN.measured, {size: Sighting(NOW, 1) for size in SEEN.seen}, {TODAY: 64})


@contextmanager
def opened(path, *, read_only=False):
    with closing(SqliteStore(path, account=1, owner="default", read_only=read_only)) as store:
        yield store


def kept(path, now=NOW):
    with opened(path, read_only=True) as store:
        return store.sights(now)


def add(path, *all_new):
    with opened(path) as store:
        for new in all_new:
            store.add_sights(new)


@pytest.fixture
def older(version_1):
    """A ledger of an older release: with a record, without tables for sights."""
    with closing(sqlite3.connect(version_1)) as db, db:
        db.execute("UPDATE meta SET account = 1")
        for table in ("measured", "sighting", "search_row"):
            db.execute(f"DROP TABLE {table}")
    return version_1


def test_what_is_added_is_read_again(path):
    add(path, SEEN)
    assert kept(path) == KEPT


def test_a_pass_that_saw_nothing_adds_nothing(path):
    add(path, NewSights(NOW))
    assert kept(path) == Sights()


def test_counts_add_up_and_the_later_measurement_stays(path):
    again = NewSights(NOW + 60, {1: Measured(9.0, NOW + 60)}, frozenset({(1, 1)}), rows=6)
    earlier = NewSights(NOW + 90, {1: Measured(99.0, NOW - 60)})
    add(path, SEEN, again, earlier)
    sights = kept(path, NOW + 100)
    assert sights.measured[1] == Measured(9.0, NOW + 60)
    assert sights.sightings[1, 1] == Sighting(NOW + 60, 2)
    assert sights.times_seen(1, 2) == 1
    assert sights.rows_used(TODAY) == 70


def test_a_day_later_it_is_forgotten_by_readers_and_then_by_the_file(path):
    add(path, SEEN)
    assert kept(path, NOW + DAY_S) == KEPT
    later = NOW + DAY_S + 1
    assert kept(path, later).measured == kept(path, later).sightings == {}
    add(path, NewSights(NOW + 2 * DAY_S, rows=1))
    with closing(sqlite3.connect(path)) as db:
        left = [db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("measured", "sighting", "search_row")]
    assert left == [0, 0, 1]


def test_rows_of_yesterday_do_not_count_today(path):
    add(path, NewSights(NOW, rows=5), NewSights(NOW + 12 * HOUR_S, rows=7))
    sights = kept(path, NOW + 13 * HOUR_S)
    assert (sights.rows_used(TODAY), sights.rows_used(date(2026, 11, 21))) == (5, 7)


def test_two_runs_that_add_at_once_lose_nothing(path):
    add(path, NewSights(NOW))

    def run(_):
        add(path, *[NewSights(NOW, seen=frozenset({(1, 1)}), rows=3) for _ in range(25)])

    with ThreadPoolExecutor(4) as runs:
        list(runs.map(run, range(4)))
    assert kept(path).rows_used(TODAY) == 300
    assert kept(path).times_seen(1, 1) == 100


def test_an_older_ledger_reads_as_having_seen_nothing_and_stays_as_it_is(older):
    before = older.read_bytes()
    assert kept(older) == Sights()
    assert older.read_bytes() == before


def test_an_older_ledger_takes_sights_and_keeps_its_record(older):
    with opened(older, read_only=True) as store:
        before = store.load()
    add(older, SEEN)
    assert kept(older) == KEPT
    with opened(older) as store:
        assert store.load() == before


def test_a_record_is_saved_between_and_after(path):
    with opened(path) as store:
        store.load()
        store.add_sights(SEEN)
        store.save(record(known()))
        store.add_sights(SEEN)
    with opened(path) as store:
        assert store.load() == record(known())


def test_what_cannot_be_kept_leaves_the_record_in_order(path):
    """A change left half done would swallow the record's next one."""
    with opened(path) as store:
        store.load()
        store.add_sights(NewSights(NOW, seen=frozenset({(1, 1), (2**70, 1)}), rows=9))
        assert store.sights(NOW) == Sights()
        store.save(record(known()))
    with opened(path) as store:
        assert store.load() == record(known())


def test_a_file_that_another_run_holds_is_no_error(path):
    add(path, SEEN)
    with opened(path) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        store._db.execute("PRAGMA busy_timeout=0")
        other.execute("BEGIN IMMEDIATE")
        store.add_sights(SEEN)
        assert store.sights(NOW) == KEPT


def test_a_store_that_only_reads_keeps_nothing(path):
    with opened(path, read_only=True) as store:
        store.add_sights(SEEN)
        assert store.sights(NOW) == Sights()
    assert not path.exists()
    add(path, SEEN)
    with opened(path, read_only=True) as store:
        store.add_sights(SEEN)
        assert store.sights(NOW) == KEPT


NONSENSE = {
    "text for milliseconds": "UPDATE measured SET ms = 'fast'",
    "no moment": "UPDATE sighting SET last_at = 'yesterday'",
    "a day that does not exist": "UPDATE search_row SET day = '2026-02-30'",
    "a number for a day": "UPDATE search_row SET day = x'00ff'",
    "a missing table": "DROP TABLE sighting",
    "another form of a table": "ALTER TABLE sighting RENAME COLUMN times TO often",
}


@pytest.mark.parametrize("change", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_in_the_tables_is_nothing_seen(path, change):
    add(path, SEEN)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(change)
    assert kept(path) == Sights()
    with opened(path) as store:
        store.add_sights(SEEN)
        store.save(store.load())
