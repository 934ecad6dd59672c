"""The sights in tables beside the record: of no consequence for safety, shared by every run that uses the file.

The tables are made by the first run that has something to add, so a file of an older release gains them then. Older
releases read and write such a file as before: they never look at tables they do not know, and the version stays.
"""

from __future__ import annotations

import sqlite3
from datetime import date

from reconciler.core.sights import KEPT_S, Measured, NewSights, Sighting, Sights, utc_day
from reconciler.ledger.schema import all_or_nothing

_TABLES = (
    "CREATE TABLE IF NOT EXISTS measured (machine INTEGER PRIMARY KEY, ms REAL, at REAL NOT NULL)",
    "CREATE TABLE IF NOT EXISTS sighting (machine INTEGER NOT NULL, gpus INTEGER NOT NULL, last_at REAL NOT NULL,"
    " times INTEGER NOT NULL, PRIMARY KEY (machine, gpus))",
    "CREATE TABLE IF NOT EXISTS search_row (day TEXT PRIMARY KEY, count INTEGER NOT NULL)",
)
_PRUNE = (
    "DELETE FROM measured WHERE at NOT BETWEEN :since AND :until",
    "DELETE FROM sighting WHERE last_at NOT BETWEEN :since AND :until",
    "DELETE FROM search_row WHERE day < :yesterday",
)
_MEASURED = """INSERT INTO measured VALUES (?, ?, ?)
    ON CONFLICT (machine) DO UPDATE SET ms = excluded.ms, at = excluded.at WHERE excluded.at >= at"""
_SIGHTING = """INSERT INTO sighting VALUES (?, ?, ?, 1)
    ON CONFLICT (machine, gpus) DO UPDATE SET times = times + 1, last_at = max(last_at, excluded.last_at)"""
_ROWS = "INSERT INTO search_row VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET count = count + excluded.count"


def read_sights(db: sqlite3.Connection, now: float) -> Sights:
    """What the tables hold of the day before `now`. Raises `sqlite3.Error` where they are missing, `ValueError` and
    the like where they hold nonsense."""
    measured = db.execute("SELECT machine, ms, at FROM measured").fetchall()
    sightings = db.execute("SELECT machine, gpus, last_at, times FROM sighting").fetchall()
    rows = db.execute("SELECT day, count FROM search_row").fetchall()
    return Sights(
        {int(machine): Measured(None if ms is None else float(ms), float(at)) for machine, ms, at in measured},
        {(int(machine), int(gpus)): Sighting(float(at), int(times)) for machine, gpus, at, times in sightings},
        {date.fromisoformat(day): int(count) for day, count in rows},
    ).fresh(now)


def add_sights(db: sqlite3.Connection, new: NewSights) -> None:
    """Add up what a pass saw, all of it or nothing, in statements that lose nothing when two runs add at once."""
    with all_or_nothing(db):
        for statement in _TABLES:
            db.execute(statement)
        ends = {"since": new.at - KEPT_S, "until": new.at + KEPT_S, "yesterday": str(utc_day(new.at - KEPT_S))}
        for statement in _PRUNE:
            db.execute(statement, ends)
        db.executemany(_MEASURED, [(machine, one.ms, one.at) for machine, one in new.measured.items()])
        db.executemany(_SIGHTING, [(machine, gpus, new.at) for machine, gpus in sorted(new.seen)])
        if new.rows:
            db.execute(_ROWS, (str(new.day), new.rows))
