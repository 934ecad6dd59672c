"""The record in a SQLite file: one row, changed by compare-and-swap, durable before `save` returns."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.record import Record
from reconciler.core.sights import NewSights, Sights
from reconciler.errors import Busy, NotSaved
from reconciler.ledger.codec import VERSION, decode, encode
from reconciler.ledger.events import add_events, read_events
from reconciler.ledger.lease import break_lease, drop_lease, read_lease, renew_lease, take_lease
from reconciler.ledger.schema import WAY_ON, all_or_nothing, check, create, is_empty, migrate
from reconciler.ledger.sights import add_sights, read_sights

if TYPE_CHECKING:
    from reconciler.core.history import Event
    from reconciler.core.lease import Holder, Lease

_ANOTHER_PLACE = "make the place writable, or set RECONCILE_LEDGER to a file"
_MORE_ROOM = "free some space, then run again: what was saved before is all there"


class SqliteStore:
    """The ledger of `account` and `owner` at `path`. Opened for writing: the file is made when it is missing, and
    brought to this version when it is older.

    With `account` None it is whichever account's the file says, and a file without a ledger is refused.
    With `read_only` nothing is made or changed; a missing file reads as an empty record, an older one as it is.
    Raises `NotSaved` when the file is not what it should be; the file stays as it is.
    """

    def __init__(
        self,
        path: Path,
        *,
        account: int | None,
        owner: str,
        read_only: bool = False,
        connection: type[sqlite3.Connection] = sqlite3.Connection,
    ) -> None:
        self.path = path
        self._connection = connection
        self._version = VERSION
        self._epoch = 0
        self._held: tuple[str, Callable[[], float]] | None = None
        self._db: sqlite3.Connection | None = None
        if path.exists() and not path.is_file():
            raise NotSaved(f"the ledger {path} is no file", hint=_ANOTHER_PLACE)
        with self._clear_errors():
            if read_only and _remembers_nothing(path):
                return
            if read_only:
                self._roll_back()
            else:
                _make_private(path)
            self._db = self._connect("ro" if read_only else "rw")
            try:
                self._prepare(account, owner, read_only)
            except BaseException:
                self.close()
                raise

    def _connect(self, mode: str) -> sqlite3.Connection:
        address = f"{self.path.absolute().as_uri()}?mode={mode}"
        return sqlite3.connect(address, uri=True, isolation_level=None, factory=self._connection)

    def _roll_back(self) -> None:
        """Undo a save that was killed in the middle. SQLite does so for any reader, but not for one in mode `ro`."""
        if self.path.with_name(f"{self.path.name}-journal").exists():
            with suppress(sqlite3.Error), closing(self._connect("rw")) as db:
                is_empty(db)

    def _prepare(self, account: int | None, owner: str, read_only: bool) -> None:
        db = self._open
        if not read_only:
            db.execute("PRAGMA synchronous=FULL")
            db.execute("PRAGMA busy_timeout=5000")
            if account is not None and is_empty(db):
                create(db, account, owner)
        self._version = check(db, self.path, account, owner)
        if not read_only and self._version < VERSION:
            try:
                migrate(db)
            except (TypeError, ValueError) as error:
                raise self._damaged() from error
            self._version = VERSION
        if not read_only:
            self.load()  # A record that cannot be read is left alone: not even a lease is written beside it.

    @property
    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            raise NotSaved(f"{self.path} is not open for writing")
        return self._db

    def _damaged(self) -> NotSaved:
        return NotSaved(f"the ledger {self.path} is damaged", hint=WAY_ON)

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        """No exception of SQLite or of the file system leaves this room."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise Busy(f"another run is using the ledger {self.path}", hint="run again when it is done") from error
            raise NotSaved(f"the ledger {self.path} cannot be used: {error}", hint=_way_on(str(error))) from error
        except sqlite3.Error as error:
            raise NotSaved(f"the ledger {self.path} is damaged: {error}", hint=WAY_ON) from error
        except OSError as error:
            message = f"the ledger {self.path} cannot be written: {error.strerror}"
            raise NotSaved(message, hint=_ANOTHER_PLACE) from error

    # --- the record and its history ---------------------------------------------------------------

    def load(self) -> Record:
        """The record as it is now; an empty one when nothing was ever saved."""
        if self._db is None:
            return Record()
        with self._clear_errors():
            row = self._db.execute("SELECT epoch, body FROM record").fetchone()
        try:
            self._epoch = int(row[0])
            return decode(row[1], self._version)
        except (TypeError, ValueError) as error:
            raise self._damaged() from error

    def save(self, record: Record, events: Sequence[Event] = ()) -> None:
        """Make `record` and its `events` durable, if nobody else has written since; else `Busy`."""
        body = encode(record)
        with self._clear_errors():
            try:
                swapped = self._swap(body, events)
            except sqlite3.Error:
                # It may have been written all the same: only the file can tell.
                if not self._is_written(body):
                    raise
                swapped = True
        if not swapped:
            raise Busy("another run has written to the ledger since this one read it", hint="run again when it is done")
        self._epoch += 1

    def _swap(self, body: str, events: Sequence[Event]) -> bool:
        with all_or_nothing(self._open) as db:
            done = db.execute(
                "UPDATE record SET epoch = epoch + 1, body = ? WHERE one = 1 AND epoch = ?", (body, self._epoch)
            )
            if done.rowcount != 1:
                return False
            add_events(db, events)
            if self._held is not None:
                lease_id, now = self._held
                renew_lease(db, lease_id, now())
        return True

    def _is_written(self, body: str) -> bool:
        """Whether a save whose end is not known has reached the file. Should another run have written the same bytes
        at the same epoch, then neither holds an attempt of its own, and the next save tells the two apart."""
        with suppress(sqlite3.Error):
            row = self._open.execute("SELECT epoch, body FROM record").fetchone()
            return row is not None and tuple(row) == (self._epoch + 1, body)
        return False

    def events(self, since: float = 0.0, fleet: str | None = None, index: int | None = None) -> tuple[Event, ...]:
        """The history from `since` on, the oldest first: all of it, of a fleet, or of one of its seats."""
        if self._db is None or self._version < 2:
            return ()
        try:
            with self._clear_errors():
                return read_events(self._db, since, fleet, index)
        except (TypeError, ValueError, ArithmeticError) as error:
            raise self._damaged() from error

    # --- the lease --------------------------------------------------------------------------------

    def lease(self) -> Lease | None:
        """Who is at work, as it is written down; it may not stand any more."""
        if self._db is None or self._version < 2:
            return None
        with self._clear_errors():
            return read_lease(self._db)

    def take(self, lease: Lease, now: Callable[[], float], is_dead: Callable[[Holder], bool]) -> Lease | None:
        """Take the lease and renew it with each save, by the time of `now`; the other one where one stands."""
        with self._clear_errors():
            other = take_lease(self._open, lease, is_dead)
        if other is None:
            self._held = (lease.id, now)
        return other

    def release(self) -> None:
        """Give the lease back, if this store holds it; one that cannot be given back ends by itself."""
        if self._held is not None:
            with suppress(sqlite3.Error, NotSaved):
                drop_lease(self._open, self._held[0])
        self._held = None

    def unlock(self, lease_id: str) -> bool:
        """Remove the lease of another run, which ends at its next save. False when there is none of this id."""
        with self._clear_errors():
            return break_lease(self._open, lease_id)

    # --- what is kept as far as it can be ---------------------------------------------------------

    def route_clocks(self) -> Mapping[str, float]:
        """When the next call of each route may be sent."""
        if self._db is None:
            return {}
        with self._clear_errors():
            rows = self._db.execute("SELECT route, earliest FROM route_clock").fetchall()
        return {str(route): float(earliest) for route, earliest in rows}

    def save_route_clocks(self, earliest: Mapping[str, float]) -> None:
        """Keep the route clocks; a store that cannot be written keeps none."""
        with suppress(sqlite3.Error, NotSaved), all_or_nothing(self._open) as db:
            db.executemany("INSERT OR REPLACE INTO route_clock VALUES (?, ?)", list(earliest.items()))

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


def _way_on(error: str) -> str:
    if "no such" in error:
        return WAY_ON
    return _MORE_ROOM if "full" in error or "disk I/O" in error else _ANOTHER_PLACE


def _remembers_nothing(path: Path) -> bool:
    """Whether the file is missing, or was made and never written."""
    return not path.exists() or (path.is_file() and path.stat().st_size == 0)


def _make_private(path: Path) -> None:
    """Make the folder (0700) and the file (0600), if they are missing."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
