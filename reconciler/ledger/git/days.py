"""The history as a file for each UTC day, an event a line. Only the day's own file grows; a push carries no other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

from reconciler.core.history import EVENT_KINDS, KEPT_S, Event
from reconciler.core.text import safe
from reconciler.ledger.git.files import read

FOLDER = "events"
MOST_BYTES = 4 * 1024 * 1024
"""So much history is kept, about 30,000 events: whoever reads the ledger fetches all of it."""
_TEXT_LIMIT = 512


def file_of(at: float) -> str:
    """The file that an event of this moment stands in."""
    return f"{FOLDER}/{datetime.fromtimestamp(at, UTC).date()}.jsonl"


def day_of(path: str) -> date | None:
    """The day of a file of the history; None for any other file."""
    name = PurePosixPath(path)
    if str(name.parent) != FOLDER or name.suffix != ".jsonl":
        return None
    try:
        return date.fromisoformat(name.stem)
    except ValueError:
        return None


def files_with(events: Sequence[Event], before: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files that `events` belong into, with them added; `before` are those that are there."""
    ordered = sorted(events, key=lambda event: file_of(event.at))
    return {
        path: _newest(before.get(path, b"") + b"".join(map(_line, group)))
        for path, group in groupby(ordered, key=lambda event: file_of(event.at))
    }


def _newest(lines: bytes) -> bytes:
    """The last lines of a file, where it is too long."""
    return lines if len(lines) <= MOST_BYTES else lines[-MOST_BYTES:].partition(b"\n")[2]


def too_old(sizes: Mapping[str, int], newest_at: float) -> list[str]:
    """Files whose days are over: older than 90 days before `newest_at`, or beyond what is kept in all."""
    first = datetime.fromtimestamp(newest_at - KEPT_S, UTC).date()
    days = {path: day for path in sizes if (day := day_of(path)) is not None}
    total, gone = 0, []
    for path in sorted(days, key=lambda path: days[path], reverse=True):
        total += sizes[path]
        if days[path] < first or total > MOST_BYTES:
            gone.append(path)
    return gone


def since(paths: Iterable[str], moment: float) -> list[str]:
    """The files that may hold events from `moment` on, the oldest first. A run may date an event a little early, and
    so may stand in the next day's file what belongs to the last."""
    first = datetime.fromtimestamp(max(moment, 86_400.0), UTC).date() - timedelta(days=1)
    found = {path: day for path in paths if (day := day_of(path)) is not None and day >= first}
    return sorted(found, key=lambda path: found[path])


def events_in(lines: bytes) -> list[Event]:
    """The events of a file. `ValueError` and the like where it holds nonsense."""
    return [_event(read(line)) for line in lines.splitlines()]


def _line(event: Event) -> bytes:
    body: dict[str, Any] = {
        "at": event.at,
        "kind": event.kind,
        "fleet": event.fleet,
        "seat": event.index,
        "instance": event.instance_id,
        "text": safe(event.text, _TEXT_LIMIT),
        "rate": str(event.rate_per_hour),
    }
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


def _event(raw: Mapping[str, Any]) -> Event:
    known = next((each for each in EVENT_KINDS if each == raw["kind"]), None)
    seat, instance, rate = raw["seat"], raw["instance"], Decimal(raw["rate"])
    if known is None or not rate.is_finite():
        raise ValueError("not an event")
    index, instance_id = None if seat is None else int(seat), None if instance is None else int(instance)
    return Event(float(raw["at"]), known, str(raw["fleet"]), index, instance_id, str(raw["text"]), rate)
