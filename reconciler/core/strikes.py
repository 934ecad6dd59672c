"""Strikes: what counts against a machine that failed us, for how long it is out, and when that is forgotten.

One strike more doubles the time. What is older than `REMEMBERED` times the longest time counts no more, so that a
machine which was mended begins anew. A strike never touches what runs: it only refuses offers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.values import dataclass

REMEMBERED = 2


@dataclass(frozen=True, slots=True)
class StrikeRules:
    """How strikes exclude a machine. Times are in seconds."""

    after: int = 1
    """So many strikes exclude it."""
    for_s: float = 86_400.0
    """For so long the first time, from its last strike on."""
    doubling: bool = True
    """Each further strike doubles the time."""
    at_most_s: float = 14 * 86_400.0


@dataclass(frozen=True, slots=True)
class Strike:
    """One failure of a machine."""

    at: float
    reason: str
    where: str = ""
    """The seat that it failed, `june/0`."""


@dataclass(frozen=True, slots=True)
class Struck:
    """A machine that is out until a moment, and why."""

    machine_id: int
    until: float
    strikes: int
    reason: str


Strikes = Mapping[int, tuple[Strike, ...]]
"""By machine, the oldest first."""


def counting(strikes: Iterable[Strike], rules: StrikeRules, now: float) -> tuple[Strike, ...]:
    """Those that are not forgotten yet."""
    return tuple(strike for strike in strikes if now - strike.at < REMEMBERED * rules.at_most_s)


def time_out_s(number: int, rules: StrikeRules) -> float:
    """How long a machine with so many strikes is out: `for` x 2^(number - after), at most `at_most`."""
    if number < rules.after:
        return 0.0
    further = number - rules.after if rules.doubling else 0
    # Beyond some dozen doublings any time is at its limit, and a float would not hold them all.
    return min(rules.for_s * 2.0 ** min(further, 32), rules.at_most_s)


def struck(strikes: Strikes, rules: StrikeRules, now: float) -> dict[int, Struck]:
    """The machines that are out now."""
    found = {}
    for machine_id, all_of in sorted(strikes.items()):
        counted = counting(all_of, rules, now)
        until = counted[-1].at + time_out_s(len(counted), rules) if counted else now
        if until > now:
            found[machine_id] = Struck(machine_id, until, len(counted), counted[-1].reason)
    return found
