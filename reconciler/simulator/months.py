"""The last days of months, where the contracts of hosts end."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.simulator.rng import fraction

DAY = 86400.0


def month_end(moment: float, months: int) -> float:
    """00:00 UTC of the last day of the month that comes `months` after that of `moment`."""
    date = datetime.fromtimestamp(moment, UTC)
    number = date.year * 12 + date.month + months
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC).timestamp() - DAY


def promised(first_end: float, begun: float, now: float, *purpose: object) -> tuple[float, float]:
    """The end date that a host promises now, and until when it does.

    In the last part of a term the host prolongs it by some months. The result depends on nothing else than the first
    term, the moment and the purpose.
    """
    end, number = max(first_end, begun + DAY), 0
    while True:
        until = begun + (end - begun) * (0.6 + 0.4 * fraction("prolonged", *purpose, number))
        if now < until:
            return end, until
        begun, end = until, month_end(end, 1 + int(5 * fraction("months", *purpose, number) ** 2))
        number += 1
