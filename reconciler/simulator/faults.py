"""Faults as data: which call fails, in which way, and when. Read from plain values, which a file or a request gave."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.errors import WrongUsage
from reconciler.simulator.fault_table import TABLE
from reconciler.simulator.rng import fraction
from reconciler.simulator.scene import CALLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST = 1000
"""Rules a door takes at most."""

_WHEN = ("call", "fault", "at", "probability", "times")


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry: the fault strikes at the calls named in `at`, or with a probability, or always; `times` at most."""

    call: str
    fault: str
    at: tuple[int, ...] = ()
    """Which calls of this kind, counted from 1."""
    probability: float = 1.0
    times: int | None = None
    settings: Mapping[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """The setting of this name."""
        return self.settings.get("seconds", 0.0)

    @property
    def status(self) -> int:
        """The setting of this name."""
        return int(self.settings.get("status", 0))

    def strikes(self, number: int, fired: int, *purpose: object) -> bool:
        """Whether the call with this number fails; chance depends on the purpose and on nothing else."""
        if self.times is not None and fired >= self.times:
            return False
        if self.at:
            return number in self.at
        return self.probability >= 1 or fraction(*purpose, number) < self.probability


def parse(plain: object) -> tuple[Rule, ...]:
    """The rules of `[{call: rent, fault: after, at: [1]}, …]`, or of an object whose `faults` is that list."""
    entries = plain.get("faults") if isinstance(plain, dict) and set(plain) == {"faults"} else plain
    if not isinstance(entries, list):
        raise WrongUsage("faults are a list of entries such as {call: rent, fault: after, at: [1]}")
    if len(entries) > MOST:
        raise WrongUsage(f"{len(entries)} faults are too many; at most {MOST}")
    return tuple(_rule(number, entry) for number, entry in enumerate(entries, 1))


def _rule(number: int, entry: object) -> Rule:
    where = f"fault {number}"
    if not isinstance(entry, dict) or not all(isinstance(name, str) for name in entry):
        raise WrongUsage(f"{where}: an entry is such as {{call: rent, fault: after, at: [1]}}")
    call, name = entry.get("call"), entry.get("fault")
    if call not in CALLS:
        raise WrongUsage(f"{where}: there is no call {call!r}", hint=f"one of {', '.join(CALLS)}")
    if not isinstance(name, str) or name not in TABLE or call not in TABLE[name].calls:
        fitting = ", ".join(known for known, fault in TABLE.items() if call in fault.calls)
        raise WrongUsage(f"{where}: {call} cannot fail as {name!r}", hint=f"one of {fitting}")
    allowed = TABLE[name].settings
    _refuse_unknown(where, entry, (*_WHEN, *allowed))
    settings = {one: _number(where, entry, one, 0, 86400, default) for one, default in allowed.items()}
    if "status" in settings and not 300 <= settings["status"] <= 599:
        raise WrongUsage(f"{where}: status must be from 300 to 599")
    at, probability = _at(where, entry.get("at")), _number(where, entry, "probability", 0, 1, 1.0)
    if at and "probability" in entry:
        raise WrongUsage(f"{where}: it is either at certain calls or with a probability, not both")
    times = entry.get("times")
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise WrongUsage(f"{where}: times must be a whole number from 1")
    return Rule(call, name, at, probability, times, settings)


def _refuse_unknown(where: str, entry: Mapping[str, Any], known: Iterable[str]) -> None:
    for name in entry:
        if name not in known:
            raise WrongUsage(f"{where}: there is no setting {name!r}", hint=f"one of {', '.join(known)}")


def _at(where: str, at: object) -> tuple[int, ...]:
    if at is None:
        return ()
    numbers = at if isinstance(at, list) else [at]
    if not numbers or not all(isinstance(one, int) and not isinstance(one, bool) and one >= 1 for one in numbers):
        raise WrongUsage(f"{where}: at must be numbers of calls, counted from 1, such as [3, 7]")
    return tuple(numbers)


def _number(where: str, entry: Mapping[str, Any], name: str, least: float, most: float, default: float) -> float:
    value = entry.get(name, default)
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not least <= value <= most:
        raise WrongUsage(f"{where}: {name} must be a number from {least:g} to {most:g}")
    return float(value)
