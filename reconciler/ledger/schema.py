"""The tables of a ledger's SQLite file, its version, and the way from an older version to this one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.core.record import Record
from reconciler.ledger.codec import VERSION, decode, encode
from reconciler.ledger.identity import FORMAT, recognized

WAY_ON = "move the file away to start with an empty ledger: rents then wait once for the settle time"
_VERSION_1 = (
    "CREATE TABLE meta (format TEXT NOT NULL, version INTEGER NOT NULL, account INTEGER NOT NULL, owner TEXT NOT NULL)",
    "CREATE TABLE record (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, body TEXT NOT NULL)",
    "CREATE TABLE route_clock (route TEXT PRIMARY KEY, earliest REAL NOT NULL)",
)
_NEW_IN_2 = (
    "CREATE TABLE event (number INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, fleet TEXT NOT NULL,"
    " seat INTEGER, instance INTEGER, text TEXT NOT NULL, rate TEXT NOT NULL)",
    "CREATE INDEX event_at ON event (at)",
    "CREATE TABLE lease (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL, host TEXT NOT NULL,"
    " pid INTEGER NOT NULL, command TEXT NOT NULL, since REAL NOT NULL, renewed REAL NOT NULL)",
)


@contextmanager
def all_or_nothing(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One transaction for writing. It ends whatever happens: one left open would swallow the next change."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def create(db: sqlite3.Connection, account: int, owner: str) -> None:
    """Make the tables of an empty file. When two runs do so at once, the second finds them made."""
    with all_or_nothing(db):
        if not is_empty(db):
            return
        for statement in (*_VERSION_1, *_NEW_IN_2):
            db.execute(statement)
        db.execute("INSERT INTO meta VALUES (?, ?, ?, ?)", (FORMAT, VERSION, account, owner))
        db.execute("INSERT INTO record VALUES (1, 0, ?)", (encode(Record()),))


def is_empty(db: sqlite3.Connection) -> bool:
    """Whether the file has no table yet."""
    return db.execute("SELECT 1 FROM sqlite_master").fetchone() is None


def check(db: sqlite3.Connection, path: Path, account: int | None, owner: str) -> int:
    """The version of the file, if it is the ledger of this account and owner and can be read; else `NotSaved`."""
    row = db.execute("SELECT format, version, account, owner FROM meta").fetchone()
    return recognized(row, str(path), account, owner, WAY_ON)


def migrate(db: sqlite3.Connection) -> None:
    """Bring an older file to this version, all of it or nothing. Its epoch moves on, so that a run of the older release
    that still has it open ends at its next save. Raises `ValueError` when its record cannot be read."""
    with all_or_nothing(db):
        version = db.execute("SELECT version FROM meta").fetchone()[0]
        if version >= VERSION:
            return
        for statement in _NEW_IN_2 if version < 2 else ():
            db.execute(statement)
        row = db.execute("SELECT body FROM record").fetchone()
        body = encode(decode(row[0] if row else "null", version))
        db.execute("UPDATE record SET epoch = epoch + 1, body = ?", (body,))
        db.execute("UPDATE meta SET version = ?", (VERSION,))
