"""The event history in a table beside the record; rows are added in the transaction that saves the record."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.core.text import safe

if TYPE_CHECKING:
    from reconciler.core.history import Event

_ADD = "INSERT INTO event (at, kind, fleet, seat, instance, text, rate) VALUES (?, ?, ?, ?, ?, ?, ?)"
_TOO_OLD = "DELETE FROM event WHERE at < ?"
_TOO_MANY = "DELETE FROM event WHERE number <= (SELECT max(number) FROM event) - ?"
_READ = """SELECT at, kind, fleet, seat, instance, text, rate FROM event
    WHERE at >= :since AND (:fleet IS NULL OR fleet = :fleet) AND (:seat IS NULL OR seat = :seat) ORDER BY number"""
_TEXT_LIMIT = 512


def add_events(db: sqlite3.Connection, events: Sequence[Event]) -> None:
    """Append `events`, and forget what is older than 90 days before them or beyond the last 100,000."""
    if not events:
        return
    from reconciler.core.history import KEPT_S, MOST_KEPT

    db.executemany(_ADD, [_row(event) for event in events])
    db.execute(_TOO_OLD, (max(event.at for event in events) - KEPT_S,))
    db.execute(_TOO_MANY, (MOST_KEPT,))


def _row(event: Event) -> tuple[object, ...]:
    text = safe(event.text, _TEXT_LIMIT)
    return event.at, event.kind, event.fleet, event.index, event.instance_id, text, str(event.rate_per_hour)


def read_events(db: sqlite3.Connection, since: float, fleet: str | None, index: int | None) -> tuple[Event, ...]:
    """Events from `since` on, the oldest first. `ValueError` and the like where the table holds nonsense."""
    rows = db.execute(_READ, {"since": since, "fleet": fleet, "seat": index}).fetchall()
    return tuple(_event(*row) for row in rows)


def _event(at: float, kind: str, fleet: str, seat: int | None, instance: int | None, text: str, rate: str) -> Event:
    from reconciler.core.history import EVENT_KINDS, Event

    known = next((each for each in EVENT_KINDS if each == kind), None)
    if known is None:
        raise ValueError(f"no kind of event is called {kind!r}")
    return Event(float(at), known, str(fleet), seat, instance, str(text), Decimal(rate))
