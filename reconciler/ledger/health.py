"""What is remembered of instances, specs and machines, as parts of the record's JSON and back.
What is empty is not written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple
from decimal import Decimal
from typing import Any, get_args

from reconciler.core.debut import Debut, Failure
from reconciler.core.health import Health
from reconciler.core.readiness import Verdict
from reconciler.core.record import Record
from reconciler.core.strikes import Strike, Strikes
from reconciler.ledger.traces import seat_of


def encode_health(record: Record) -> dict[str, object]:
    """What is remembered of instances, specs and machines, as plain JSON."""
    parts: dict[str, object] = {
        "health": [[i, *astuple(health)] for i, health in sorted(record.health.items())],
        "debuts": [
            [fleet, spec, debut.proved, [astuple(failure) for failure in debut.failures]]
            for (fleet, spec), debut in record.debuts.items()
        ],
        "strikes": _plain(record.strikes),
        "aside": _plain(record.aside),
        "let_in": sorted(record.let_in.items()),
        "wasted": {
            str(seat): [[at, str(dollars)] for at, dollars in items] for seat, items in record.wasted.items() if items
        },
    }
    return {name: part for name, part in parts.items() if part}


def _plain(strikes: Strikes) -> list[list[object]]:
    return [[machine, [astuple(strike) for strike in all_of]] for machine, all_of in sorted(strikes.items()) if all_of]


def decode_health(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record that `encode_health` wrote; a record without them is one of an older release."""
    return {
        "health": {int(i): _health(*rest) for i, *rest in body.get("health", [])},
        "debuts": {
            (str(fleet), str(spec)): Debut(bool(proved), tuple(_failure(*one) for one in failures))
            for fleet, spec, proved, failures in body.get("debuts", [])
        },
        "strikes": _strikes(body.get("strikes", [])),
        "aside": _strikes(body.get("aside", [])),
        "let_in": {int(i): bool(arrived) for i, arrived in body.get("let_in", [])},
        "wasted": {
            seat_of(seat): tuple((float(at), Decimal(dollars)) for at, dollars in items)
            for seat, items in body.get("wasted", {}).items()
        },
    }


def _health(
    since: float,
    ready_at: float | None,
    failing_since: float | None,
    checked_at: float | None,
    verdict: str | None,
    cause: str,
    detail: str,
    by_machine: bool,
    passed: Iterable[str] = (),
) -> Health:
    known: tuple[Verdict, ...] = get_args(Verdict)
    if verdict is not None and verdict not in known:
        raise ValueError(f"no verdict is called {verdict!r}")
    read = next((each for each in known if each == verdict), None)
    ready, failing, looked = (None if at is None else float(at) for at in (ready_at, failing_since, checked_at))
    rest = (str(cause), str(detail), bool(by_machine), tuple(map(str, passed)))
    return Health(float(since), ready, failing, looked, read, *rest)


def _failure(machine: int, cause: str, at: float) -> Failure:
    return Failure(int(machine), str(cause), float(at))


def _strikes(raw: Iterable[Any]) -> Strikes:
    return {int(machine): tuple(_strike(*one) for one in all_of) for machine, all_of in raw}


def _strike(at: float, reason: str, where: str) -> Strike:
    return Strike(float(at), str(reason), str(where))
