"""The record in a SQLite file: one row, changed by compare-and-swap, durable before `save` returns."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from reconciler.core.record import Record
from reconciler.core.sights import NewSights, Sights
from reconciler.errors import Busy, NotSaved
from reconciler.ledger.codec import VERSION, decode, encode
from reconciler.ledger.sights import add_sights, read_sights

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (
    format TEXT NOT NULL, version INTEGER NOT NULL, account INTEGER NOT NULL, owner TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS record (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS route_clock (route TEXT PRIMARY KEY, earliest REAL NOT NULL);
"""
_FORMAT = "vast-reconciler ledger"
_ANOTHER_PLACE = "make the place writable, or set RECONCILE_LEDGER to a file"
_WAY_ON = "move the file away to start with an empty ledger: rents then wait once for the settle time"


class SqliteStore:
    """The ledger of `account` and `owner` at `path`. Opened for writing: the file is made when it is missing.

    With `read_only` nothing is made or changed; a missing file reads as an empty record.
    Raises `NotSaved` when the file is not what it should be; the file stays as it is.
    """

    def __init__(self, path: Path, *, account: int, owner: str, read_only: bool = False) -> None:
        self.path = path
        self._epoch = 0
        self._db: sqlite3.Connection | None = None
        with self._clear_errors():
            if read_only and _remembers_nothing(path):
                return
            if not read_only:
                _make_private(path)
            mode = "ro" if read_only else "rw"
            self._db = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)
            try:
                self._prepare(account, owner, read_only)
            except BaseException:
                self.close()
                raise

    def _prepare(self, account: int, owner: str, read_only: bool) -> None:
        db = self._open
        if not read_only:
            db.execute("PRAGMA synchronous=FULL")
            db.execute("PRAGMA busy_timeout=5000")
            if not db.execute("SELECT 1 FROM sqlite_master").fetchone():
                db.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}")
                meta = (_FORMAT, VERSION, account, owner)
                db.execute("INSERT INTO meta SELECT ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM meta)", meta)
                db.execute("INSERT OR IGNORE INTO record VALUES (1, 0, ?)", (encode(Record()),))
                db.execute("COMMIT")
        self._check(account, owner)

    def _check(self, account: int, owner: str) -> None:
        row = self._open.execute("SELECT format, version, account, owner FROM meta").fetchone()
        if row is None or row[0] != _FORMAT:
            raise NotSaved(f"{self.path} is not a ledger", hint=_WAY_ON)
        if row[1] > VERSION:
            raise NotSaved(f"{self.path} was written by a newer release", hint="upgrade vast-reconciler")
        if (row[2], row[3]) != (account, owner):
            whose = f"account {row[2]}, owner {row[3]}"
            raise NotSaved(
                f"{self.path} is the ledger of {whose}, not of account {account}, owner {owner}",
                hint="give the right key and policy, or another RECONCILE_LEDGER",
            )

    @property
    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            raise NotSaved(f"{self.path} is not open for writing")
        return self._db

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        """No exception of SQLite or of the file system leaves this room."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise Busy(f"another run is using the ledger {self.path}", hint="run again when it is done") from error
            hint = _WAY_ON if "no such" in str(error) else _ANOTHER_PLACE
            raise NotSaved(f"the ledger {self.path} cannot be used: {error}", hint=hint) from error
        except sqlite3.Error as error:
            raise NotSaved(f"the ledger {self.path} is damaged: {error}", hint=_WAY_ON) from error
        except OSError as error:
            message = f"the ledger {self.path} cannot be written: {error.strerror}"
            raise NotSaved(message, hint=_ANOTHER_PLACE) from error

    def load(self) -> Record:
        """The record as it is now; an empty one when nothing was ever saved."""
        if self._db is None:
            return Record()
        with self._clear_errors():
            row = self._db.execute("SELECT epoch, body FROM record").fetchone()
        try:
            self._epoch = int(row[0])
            return decode(row[1])
        except (TypeError, ValueError) as error:
            raise NotSaved(f"the ledger {self.path} is damaged", hint=_WAY_ON) from error

    def save(self, record: Record) -> None:
        """Make `record` durable, if nobody else has written since; else `Busy`."""
        with self._clear_errors():
            done = self._open.execute(
                "UPDATE record SET epoch = epoch + 1, body = ? WHERE one = 1 AND epoch = ?",
                (encode(record), self._epoch),
            )
        if done.rowcount != 1:
            raise Busy("another run has written to the ledger since this one read it", hint="run again when it is done")
        self._epoch += 1

    def route_clocks(self) -> Mapping[str, float]:
        """When the next call of each route may be sent."""
        if self._db is None:
            return {}
        with self._clear_errors():
            rows = self._db.execute("SELECT route, earliest FROM route_clock").fetchall()
        return {str(route): float(earliest) for route, earliest in rows}

    def save_route_clocks(self, earliest: Mapping[str, float]) -> None:
        """Keep the route clocks; a store that cannot be written keeps none."""
        with suppress(sqlite3.Error, NotSaved):
            self._open.executemany("INSERT OR REPLACE INTO route_clock VALUES (?, ?)", list(earliest.items()))

    def sights(self, now: float) -> Sights:
        """What was seen of the market within a day before `now`; nothing where it cannot be read."""
        if self._db is not None:
            # Older files lack the tables, damaged ones hold anything: a ranking must not fail for it.
            with suppress(sqlite3.Error, ValueError, TypeError, OverflowError):
                return read_sights(self._db, now)
        return Sights()

    def add_sights(self, new: NewSights) -> None:
        """Keep what a pass saw; a store that cannot be written keeps nothing."""
        with suppress(sqlite3.Error, OverflowError, NotSaved):
            add_sights(self._open, new)

    def close(self) -> None:
        """Let go of the file."""
        if self._db is not None:
            with closing(self._db):
                self._db = None


def _remembers_nothing(path: Path) -> bool:
    """Whether the file is missing, or was made and never written."""
    return not path.exists() or (path.is_file() and path.stat().st_size == 0)


def _make_private(path: Path) -> None:
    """Make the folder (0700) and the file (0600), if they are missing."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
