"""Many plays added up, on one core or on several, and said in a table."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from simulation.play import Variant, Verdict, play
from simulation.points import CRASH_POINTS, POINTS
from simulation.scenario import PAIRS, scenario

CHUNK = 25
COLLECT_EVERY = 5


@dataclass(slots=True)
class Tally:
    """What many plays showed together."""

    seeds: int = 0
    calls: int = 0
    faults: int = 0
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    points: Counter[tuple[str, str]] = field(default_factory=Counter)
    saves: Counter[str] = field(default_factory=Counter)
    processes: int = 0
    hours: float = 0.0
    passes: Counter[int] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    """Seeds in which each invariant did not hold."""
    failing: list[tuple[int, str]] = field(default_factory=list)
    """Seed and first violation."""

    def add(self, verdict: Verdict) -> None:
        """One more play."""
        self.seeds += 1
        self.calls += sum(verdict.calls.values())
        self.pairs += verdict.pairs
        self.points += verdict.points
        self.saves += verdict.saves
        self.faults += sum(verdict.pairs.values()) + sum(verdict.points.values()) + sum(verdict.saves.values())
        self.processes += verdict.processes
        self.hours += verdict.seconds / 3600
        if verdict.passes is not None:
            self.passes[verdict.passes] += 1
        self.rules.update(verdict.rules)
        if verdict.violations:
            self.failing.append((verdict.scenario.seed, str(verdict.violations[0])))

    def merge(self, other: Tally) -> None:
        """Another tally added to this one."""
        for name in ("seeds", "calls", "faults", "processes", "hours"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("pairs", "points", "saves", "passes", "rules"):
            getattr(self, name).update(getattr(other, name))
        self.failing += other.failing

    @property
    def pairs_missed(self) -> list[tuple[str, str]]:
        """Pairs of call and fault that never occurred."""
        return [pair for pair in PAIRS if not self.pairs[pair]]

    def crash_points(self, act: str) -> dict[str, int]:
        """How often each crash point was hit by a kill or a pause."""
        return {name: sum(self.points[act, p] for p in points) for name, (_, points) in CRASH_POINTS.items()}

    def points_hit(self, act: str) -> int:
        """How many of all the points were hit."""
        return sum(self.points[act, point] > 0 for point in POINTS)


def tally(seeds: Iterable[int], variant: Variant | None = None) -> Tally:
    """Play these seeds here."""
    found = Tally()
    gc.disable()  # Plays are small and short; what they leave is collected between them, not while they run.
    try:
        for number, seed in enumerate(seeds, 1):
            found.add(play(scenario(seed), variant))
            if number % COLLECT_EVERY == 0:
                gc.collect()
    finally:
        gc.enable()
    return found


def spread(seeds: range, told: Callable[[Tally], None] = lambda _: None, cores: int | None = None) -> Tally:
    """Play these seeds on all cores."""
    total = Tally()
    with ProcessPoolExecutor(cores or os.cpu_count() or 1) as pool:
        for part in pool.map(tally, chunks(seeds)):
            total.merge(part)
            told(total)
    return total


def chunks(seeds: range, size: int = CHUNK) -> Iterator[range]:
    """The seeds in parts."""
    return (seeds[start : start + size] for start in range(0, len(seeds), size))
