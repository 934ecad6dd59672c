"""What is remembered for notifications and for `watch`, as parts of the record's JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.core.notify import NOTICE_KINDS
from reconciler.core.record import Record

if TYPE_CHECKING:
    from reconciler.core.incidents import Incident, Letter

Remembered = TypeVar("Remembered", "Incident", "Letter")


def encode_notices(record: Record) -> dict[str, object]:
    """Incidents, letters and unasked destroys as plain JSON, where there are any."""
    parts: dict[str, object] = {
        "unasked": {fleet: list(times) for fleet, times in record.unasked.items()},
        "incidents": [_plain(incident) for _, incident in sorted(record.incidents.items())],
        "outbox": [_plain(letter) for letter in record.outbox],
    }
    return {name: part for name, part in parts.items() if part}


def decode_notices(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record that `encode_notices` wrote; a record of an older version has none of them."""
    incidents = list(map(_incident, body.get("incidents", ())))
    return {
        "unasked": {str(fleet): tuple(map(float, times)) for fleet, times in body.get("unasked", {}).items()},
        "incidents": {incident.key: incident for incident in incidents},
        "outbox": tuple(map(_letter, body.get("outbox", ()))),
    }


def _plain(item: Incident | Letter) -> dict[str, object]:
    return {name: str(v) if isinstance(v, Decimal) else v for name, v in asdict(item).items()}


def _incident(raw: Mapping[str, Any]) -> Incident:
    from reconciler.core.incidents import Incident

    return _read(Incident, raw, "rate_per_hour")


def _letter(raw: Mapping[str, Any]) -> Letter:
    from reconciler.core.incidents import Letter

    return _read(Letter, raw, "change_per_hour")


def _read(kind: type[Remembered], raw: Mapping[str, Any], money: str) -> Remembered:
    """One of them; `TypeError` or `ValueError` where it is none."""
    if raw["kind"] not in NOTICE_KINDS:
        raise ValueError(f"no kind of notice is called {raw['kind']!r}")
    return kind(**{**raw, money: None if raw[money] is None else Decimal(raw[money])})
