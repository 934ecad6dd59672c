"""The one lease of a ledger, in a table beside the record.

Whoever takes over a lease or removes it moves the epoch on, so that the run it was taken from ends at its next save.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

from reconciler.ledger.schema import all_or_nothing

if TYPE_CHECKING:
    from reconciler.core.lease import Holder, Lease

_TAKE = "INSERT OR REPLACE INTO lease VALUES (1, ?, ?, ?, ?, ?, ?)"


def read_lease(db: sqlite3.Connection) -> Lease | None:
    """The lease as it is written, whether it stands or not."""
    row = db.execute("SELECT id, host, pid, command, since, renewed FROM lease").fetchone()
    if row is None:
        return None
    from reconciler.core.lease import Holder, Lease

    return Lease(str(row[0]), Holder(str(row[1]), int(row[2]), str(row[3])), float(row[4]), float(row[5]))


def take_lease(db: sqlite3.Connection, lease: Lease, is_dead: Callable[[Holder], bool]) -> Lease | None:
    """Take the lease, unless another one stands: then that one."""
    from reconciler.core.lease import stands

    with all_or_nothing(db):
        other = read_lease(db)
        if other is not None and stands(other, lease.renewed, dead=is_dead(other.holder)):
            return other
        holder = lease.holder
        db.execute(_TAKE, (lease.id, holder.host, holder.pid, holder.command, lease.since, lease.renewed))
        if other is not None:
            _end_its_run(db)
    return None


def renew_lease(db: sqlite3.Connection, lease_id: str, now: float) -> None:
    """Note that the holder is alive; nothing where the lease is another one's by now."""
    db.execute("UPDATE lease SET renewed = ? WHERE id = ?", (now, lease_id))


def drop_lease(db: sqlite3.Connection, lease_id: str) -> None:
    """Give the lease back, at the end of its run."""
    db.execute("DELETE FROM lease WHERE id = ?", (lease_id,))


def break_lease(db: sqlite3.Connection, lease_id: str) -> bool:
    """Remove another run's lease; False when there is none of this id."""
    with all_or_nothing(db):
        removed = db.execute("DELETE FROM lease WHERE id = ?", (lease_id,)).rowcount == 1
        if removed:
            _end_its_run(db)
    return removed


def _end_its_run(db: sqlite3.Connection) -> None:
    db.execute("UPDATE record SET epoch = epoch + 1")
