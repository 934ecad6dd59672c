"""The ledger of charges: at which rates each instance was billed and when. Dollars follow by integration.

Nothing is added up while time passes, so that the sums do not depend on the steps in which it passes. The billing
pages show the ledger some minutes late.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

DAY = 86400.0

LAG = 300.0
"""Charges are shown up to the last full five minutes."""


class Parts(NamedTuple):
    """Dollars, or dollars an hour, for GPUs, for disk, for traffic in and for traffic out."""

    gpu: float = 0.0
    disk: float = 0.0
    down: float = 0.0
    up: float = 0.0

    def plus(self, other: Parts, share: float = 1.0) -> Parts:
        """The sum with a share of the other."""
        return Parts(*(a + b * share for a, b in zip(self, other, strict=True)))


NOTHING = Parts()


class Charges:
    """By instance: a description, the label, and its spells (a start and the rates from then on)."""

    def __init__(self, saved: dict[str, list[Any]] | None = None) -> None:
        self._rows: dict[int, list[Any]] = {int(number): row for number, row in (saved or {}).items()}
        self._present = {number: sum(row[2][-1][1:]) for number, row in self._rows.items() if any(row[2][-1][1:])}

    def saved(self) -> dict[str, list[Any]]:
        """As the state file keeps it."""
        return {str(number): row for number, row in self._rows.items()}

    def change(self, instance_id: int, about: str, label: str | None, rates: Parts, now: float) -> bool:
        """From now on an instance is billed at these rates, $/h; whether that is a change."""
        row = self._rows.setdefault(instance_id, [about, label, []])
        row[1] = label
        spells = row[2]
        if tuple(spells[-1][1:] if spells else NOTHING) == rates:
            return False
        if spells and spells[-1][0] == now:
            spells.pop()
        spells.append([now, *rates])
        self._present[instance_id] = sum(rates)
        if not any(rates):
            del self._present[instance_id]
        return True

    def end(self, instance_id: int, label: str | None, now: float) -> None:
        """The instance is no more."""
        if instance_id in self._rows:
            self.change(instance_id, "", label, NOTHING, now)

    def rate(self) -> float:
        """What all instances cost now, $/h."""
        return math.fsum(self._present.values())

    def spent(self, instance_id: int, now: float) -> float:
        """What an instance has cost so far."""
        spells = self._spells(instance_id, now) if instance_id in self._rows else ()
        return math.fsum(sum(rates) * (end - start) / 3600 for start, end, rates in spells)

    def total(self, now: float) -> float:
        """What all instances have cost so far, those that are no more included."""
        return math.fsum(self.spent(instance_id, now) for instance_id in self._rows)

    def shown(self, now: float) -> Iterator[tuple[int, int, str, str | None, Parts]]:
        """Instance, day, description, label and the dollars as the pages show them now."""
        for instance_id, (about, label, _) in self._rows.items():
            days: dict[int, Parts] = {}
            for start, end, rates in self._spells(instance_id, now // LAG * LAG):
                for day, seconds in _by_day(start, end):
                    days[day] = days.get(day, NOTHING).plus(rates, seconds / 3600)
            yield from ((instance_id, day, about, label, parts) for day, parts in days.items())

    def _spells(self, instance_id: int, until: float) -> Iterator[tuple[float, float, Parts]]:
        spells = self._rows[instance_id][2]
        for place, (start, *rates) in enumerate(spells):
            end = min(until, spells[place + 1][0] if place + 1 < len(spells) else until)
            if start < end:
                yield start, end, Parts(*rates)


def _by_day(start: float, end: float) -> Iterator[tuple[int, float]]:
    while start < end:
        until = min(end, (start // DAY + 1) * DAY)
        yield int(start // DAY), until - start
        start = until
