"""A spec at its debut: until one instance of a spec hash was ready, two machines that fail alike condemn it.

A bad image fails everywhere. So of a hash that never ran only two machines are rented at a time, and when two of them
have failed with the same cause, no third one is: the fault is the spec's, and no machine is blamed for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler.values import dataclass

AT_ONCE = 2
"""So many instances of a spec at its debut are there at a time."""
KEPT = 200
"""So many debuts are remembered, the newest."""

Key = tuple[str, str]
"""A fleet's name and a spec hash."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One machine on which an instance was never ready."""

    machine_id: int
    cause: str
    at: float


@dataclass(frozen=True, slots=True)
class Debut:
    """What is known of one spec hash of a fleet."""

    proved: bool = False
    """An instance of it was ready once."""
    failures: tuple[Failure, ...] = ()


NEW = Debut()
Debuts = Mapping[Key, Debut]


def condemned(debut: Debut) -> tuple[Failure, ...]:
    """The failures of different machines, two at least, that have a cause in common; none where one was ready."""
    if debut.proved:
        return ()
    for first in debut.failures:
        alike = {each.machine_id: each for each in debut.failures if each.cause == first.cause}
        if len(alike) >= 2:
            return tuple(alike.values())
    return ()


def with_failures(debut: Debut, failures: Iterable[Failure]) -> Debut:
    """The debut with further failures; a machine counts once for each cause."""
    first: dict[tuple[int, str], Failure] = {}
    for each in (*debut.failures, *failures):
        first.setdefault((each.machine_id, each.cause), each)
    return replace(debut, failures=tuple(first.values()))


def with_debut(debuts: Debuts, key: Key, debut: Debut) -> dict[Key, Debut]:
    """The debuts with one changed, as the newest; the oldest beyond `KEPT` go."""
    kept = {each: value for each, value in debuts.items() if each != key}
    return dict([*kept.items(), (key, debut)][-KEPT:])


def with_proof(debuts: Debuts, keys: Iterable[Key]) -> Debuts:
    """The debuts once instances of these hashes are ready: what failed before were the machines."""
    for key in sorted(set(keys)):
        if not debuts.get(key, NEW).proved:
            debuts = with_debut(debuts, key, Debut(proved=True))
    return debuts


def said(fleet: str, failures: Sequence[Failure]) -> str:
    """A condemned spec in words."""
    machines = ", ".join(str(each.machine_id) for each in failures)
    return f"{len(failures)} machines ({machines}) failed alike before any instance of this spec of {fleet} was ready: "
