"""What was seen of the market, as plain JSON and back; of no consequence for safety."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from reconciler.core.sights import KEPT_S, Measured, NewSights, Sighting, Sights, utc_day

MOST = 5_000
"""So many sightings are kept, the newest: every push carries what is new among them."""


def encode_sights(sights: Sights) -> dict[str, Any]:
    """The sights as plain JSON."""
    newest = sorted(sights.sightings.items(), key=lambda item: (item[1].last_at, item[0]))[-MOST:]
    return {
        "measured": [[machine, one.ms, one.at] for machine, one in sorted(sights.measured.items())],
        "sightings": [[machine, gpus, one.last_at, one.times] for (machine, gpus), one in sorted(newest)],
        "rows": {str(day): count for day, count in sights.rows.items()},
    }


def decode_sights(body: Mapping[str, Any]) -> Sights:
    """The sights that `encode_sights` wrote; `ValueError` and the like for anything else."""
    return Sights(
        {int(m): Measured(None if ms is None else float(ms), float(at)) for m, ms, at in body["measured"]},
        {(int(m), int(gpus)): Sighting(float(at), int(times)) for m, gpus, at, times in body["sightings"]},
        {date.fromisoformat(day): int(count) for day, count in body["rows"].items()},
    )


def added(sights: Sights, new: NewSights) -> Sights:
    """Counts added up; of one machine's measurements the later one stays; without what is over a day older."""
    since, until, yesterday = new.at - KEPT_S, new.at + KEPT_S, utc_day(new.at - KEPT_S)
    measured = {**new.measured, **sights.measured}
    measured |= {m: one for m, one in new.measured.items() if measured[m].at <= one.at}
    seen = {**sights.sightings, **{size: _once_more(sights, size, new.at) for size in new.seen}}
    rows = {**sights.rows, new.day: sights.rows_used(new.day) + new.rows} if new.rows else sights.rows
    return Sights(
        {machine: one for machine, one in measured.items() if since <= one.at <= until},
        {size: one for size, one in seen.items() if since <= one.last_at <= until},
        {day: count for day, count in rows.items() if day >= yesterday},
    )


def _once_more(sights: Sights, size: tuple[int, int], at: float) -> Sighting:
    last = sights.sightings.get(size)
    return Sighting(at, 1) if last is None else Sighting(max(last.last_at, at), last.times + 1)
