"""The traces that guards read, as parts of the record's JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from reconciler.core.label import Seat
from reconciler.core.record import Record
from reconciler.core.settle import Appearance
from reconciler.core.traces import Outside, Suspect, Tombstone


def encode_traces(record: Record) -> dict[str, object]:
    """What guards remember, as plain JSON."""
    return {
        "tombstones": [
            [t.attempt, str(t.seat), t.machine_id, t.at, t.lost_at, str(t.ceiling), t.freed]
            for _, t in sorted(record.tombstones.items())
        ],
        "suspects": [[s.id, str(s.seat), s.at, s.seen_at] for _, s in sorted(record.suspects.items())],
        "outside": [[gone.id, str(gone.seat), gone.at] for _, gone in sorted(record.outside.items())],
        "stopped": dict(record.stopped),
        "emptied": {str(seat): at for seat, at in record.emptied.items()},
        "replaced": {str(seat): list(times) for seat, times in record.replaced.items() if times},
        "appeared": [[a.at, a.took_s] for a in record.appeared],
    }


def decode_traces(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record that `encode_traces` wrote."""
    tombstones = [
        Tombstone(str(a), seat_of(seat), int(machine), float(at), float(lost), Decimal(ceiling), bool(freed))
        for a, seat, machine, at, lost, ceiling, freed in body["tombstones"]
    ]
    return {
        "tombstones": {t.attempt: t for t in tombstones},
        "suspects": {
            int(i): Suspect(int(i), seat_of(seat), float(at), float(seen)) for i, seat, at, seen in body["suspects"]
        },
        "outside": {int(i): Outside(int(i), seat_of(seat), float(at)) for i, seat, at in body["outside"]},
        "stopped": {str(fleet): str(why) for fleet, why in body["stopped"].items()},
        "emptied": {seat_of(seat): float(at) for seat, at in body["emptied"].items()},
        "replaced": {seat_of(s): tuple(map(float, times)) for s, times in body["replaced"].items()},
        "appeared": tuple(Appearance(float(at), float(took)) for at, took in body["appeared"]),
    }


def seat_of(text: str) -> Seat:
    """`june/0` as a seat; `ValueError` where it is none."""
    fleet, _, index = text.rpartition("/")
    return Seat(fleet, int(index))
