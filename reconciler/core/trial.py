"""A spec on trial: until one instance of a spec hash was ready, two machines that fail alike condemn it.

A bad image fails everywhere. So of a hash that never ran only two machines are rented at a time, and when two of them
have failed with the same cause, no third one is: the fault is the spec's, and no machine is blamed for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

AT_ONCE = 2
"""So many instances of a spec on trial are there at a time."""
KEPT = 200
"""So many trials are remembered, the newest."""

Key = tuple[str, str]
"""A fleet's name and a spec hash."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One machine on which an instance was never ready."""

    machine_id: int
    cause: str
    at: float


@dataclass(frozen=True, slots=True)
class Trial:
    """What is known of one spec hash of a fleet."""

    proved: bool = False
    """An instance of it was ready once."""
    failures: tuple[Failure, ...] = ()


NEW = Trial()
Trials = Mapping[Key, Trial]


def condemned(trial: Trial) -> tuple[Failure, ...]:
    """The failures of different machines, two at least, that have a cause in common; none where one was ready."""
    if trial.proved:
        return ()
    for first in trial.failures:
        alike = {each.machine_id: each for each in trial.failures if each.cause == first.cause}
        if len(alike) >= 2:
            return tuple(alike.values())
    return ()


def with_failures(trial: Trial, failures: Iterable[Failure]) -> Trial:
    """The trial with further failures; a machine counts once for each cause."""
    first: dict[tuple[int, str], Failure] = {}
    for each in (*trial.failures, *failures):
        first.setdefault((each.machine_id, each.cause), each)
    return replace(trial, failures=tuple(first.values()))


def with_trial(trials: Trials, key: Key, trial: Trial) -> dict[Key, Trial]:
    """The trials with one changed, as the newest; the oldest beyond `KEPT` go."""
    kept = {each: value for each, value in trials.items() if each != key}
    return dict([*kept.items(), (key, trial)][-KEPT:])


def with_proof(trials: Trials, keys: Iterable[Key]) -> Trials:
    """The trials once instances of these hashes are ready: what failed before were the machines."""
    for key in sorted(set(keys)):
        if not trials.get(key, NEW).proved:
            trials = with_trial(trials, key, Trial(proved=True))
    return trials


def said(fleet: str, failures: Sequence[Failure]) -> str:
    """A condemned spec in words."""
    machines = ", ".join(str(each.machine_id) for each in failures)
    return f"{len(failures)} machines ({machines}) failed alike before any instance of this spec of {fleet} was ready: "
