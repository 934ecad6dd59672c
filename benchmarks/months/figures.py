"""A month by one way, and what it came to."""

from __future__ import annotations

import math
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from reconciler.core.assemble import Wish
from reconciler.core.model import Limits, Policy
from reconciler.core.rental import ON_DEMAND, Outbid, Rental
from reconciler.simulator.laws import LIVELY, Laws

from .best import Best
from .market import fleet
from .ours import Ours, ours
from .simple import Forgets, Replaces, Script
from .truth import Gap, Watched

DAY_S = 86_400.0
OURS, FORGETS, REPLACES = "reconcile", "rent and forget", "cheapest first"
BIDS, PRESENT = "by bids", "by bids, to be there"
BEST, CHEAPEST = "all is known", "all is known, moves"
BEST_BIDS, BEST_PRESENT = "all is known, by bids", "all is known, to be there"
UNLIMITED = "all is known, no daily limit"
RENTALS = {
    BIDS: Rental("interruptible"),
    PRESENT: Rental("interruptible", bid_over_floor=Decimal(50), outbid=Outbid(600.0, "on-demand")),
}
LIMITS = {PRESENT: Limits(replacements_per_seat_per_day=24)}
"""Where a way does not go by the defaults."""
RULES = {BEST_BIDS: BIDS, UNLIMITED: BIDS, BEST_PRESENT: PRESENT}
"""By whose rules somebody bids who knows all."""
SCRIPTS = {FORGETS: Forgets, REPLACES: Replaces}


@dataclass(frozen=True, slots=True)
class Month:
    """What is to be played."""

    replicas: int
    days: float
    seed: int
    every: float = 600.0
    lost: float = 0.0
    """The share of requests that nobody answers."""
    beginning: float = DAY_S
    """Seconds, after which what is ready counts for itself as well."""
    laws: Laws = LIVELY

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.days * DAY_S


@dataclass(frozen=True, slots=True)
class Figures:
    """One way through one month, or through several. Times are in seconds, money in dollars."""

    way: str
    ready: float
    """Replica-seconds truly ready."""
    wanted: float
    """Replica-seconds wanted."""
    settled: float
    """Replica-seconds truly ready after the beginning."""
    settled_wanted: float
    gaps: tuple[Gap, ...]
    """Seats that had been ready, and were not for a while; the shortest first."""
    first_ready: float
    """When every seat had been ready once; infinite when one never was."""
    dollars: float
    idle_dollars: float
    """Paid for what was not ready."""
    rents: int
    ended: int
    struck: int
    leaks: tuple[float, ...]
    """How long each contract stood that was to go."""
    calls: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    """How the runs of this tool left."""
    took_s: float = 0.0
    """CPU seconds."""

    @property
    def availability(self) -> float:
        """Ready, as a share of what was wanted."""
        return self.ready / self.wanted

    @property
    def settled_availability(self) -> float:
        """The same after the beginning; zero for a month that is not longer."""
        return self.settled / self.settled_wanted if self.settled_wanted else 0.0

    def quantile(self, share: float) -> float:
        """So many gaps lasted at most as long."""
        return self.gaps[max(0, math.ceil(share * len(self.gaps)) - 1)].lasted if self.gaps else 0.0

    def mean(self) -> float:
        """How long gaps lasted on average."""
        return sum(gap.lasted for gap in self.gaps) / len(self.gaps) if self.gaps else 0.0


def played(way: str, month: Month, say: Callable[[str], None] = lambda _: None) -> Figures:
    """One way through the month."""
    began = time.process_time()
    world = Watched(month.seed, month.laws, month.replicas, month.beginning)
    with tempfile.TemporaryDirectory(dir=_memory_disk()) as folder:
        player = _played(way, month, world, Path(folder), say)
        struck = player.struck() if isinstance(player, Ours) else 0
    calls = Counter() if isinstance(player, Best) else player.transport.calls
    codes = player.codes if isinstance(player, Ours) else Counter()
    return _figures(way, month, world, struck, calls, codes, time.process_time() - began)


def merged(found: Sequence[Figures]) -> Figures:
    """Several months by the same way as one."""
    return Figures(
        found[0].way,
        sum(one.ready for one in found),
        sum(one.wanted for one in found),
        sum(one.settled for one in found),
        sum(one.settled_wanted for one in found),
        tuple(sorted((gap for one in found for gap in one.gaps), key=lambda gap: gap.lasted)),
        max(one.first_ready for one in found),
        sum(one.dollars for one in found),
        sum(one.idle_dollars for one in found),
        sum(one.rents for one in found),
        sum(one.ended for one in found),
        sum(one.struck for one in found),
        tuple(sorted(leak for one in found for leak in one.leaks)),
        sum((one.calls for one in found), Counter()),
        sum((one.codes for one in found), Counter()),
        sum(one.took_s for one in found),
    )


def _played(way: str, month: Month, world: Watched, folder: Path, say: Callable[[str], None]) -> Ours | Script | Best:
    rules = RULES.get(way, way)
    want, limits = fleet(month.replicas, RENTALS.get(rules, ON_DEMAND)), LIMITS.get(rules, Limits())
    begun = world.now
    until = begun + month.seconds
    if way in (BEST, CHEAPEST) or way in RULES:
        a_day = limits.replacements_per_seat_per_day if way in (BEST_BIDS, BEST_PRESENT) else math.inf
        best = Best(world, want, moves=way == CHEAPEST, a_day=a_day)
        best.run(until)
        return best
    script = SCRIPTS.get(way)
    wish = Wish((want,), Policy(limits=limits), complete=False)
    player = script(world, want, month.lost) if script else ours(world, wish, folder, say, month.lost)
    _cron(player, world, begun, month.every, until)
    return player


def _cron(player: Ours | Script, world: Watched, begun: float, every: float, until: float) -> None:
    """A run at every tick; one that would overlap with the last one is left out."""
    while world.now < until:
        player.step()
        ticks = math.floor((world.now - begun) / every) + 1
        world.advance(max(0.0, min(begun + ticks * every, until) - world.now))


def _figures(
    way: str, month: Month, world: Watched, struck: int, calls: Counter[str], codes: Counter[int], took_s: float
) -> Figures:
    truth = world.truth
    truth.look(world)
    truth.finish()
    dollars = world.account.charges.total(world.now)
    return Figures(
        way,
        truth.ready_s,
        month.replicas * (world.now - world.begun),
        truth.settled_s,
        month.replicas * max(0.0, world.now - truth.settled_at),
        tuple(sorted(truth.gaps, key=lambda gap: gap.lasted)),
        max(truth.first.values()) - world.begun if len(truth.first) >= month.replicas else math.inf,
        dollars,
        dollars - truth.ready_dollars,
        truth.rents,
        truth.ended,
        struck,
        tuple(sorted(truth.leaks)),
        calls,
        codes,
        took_s,
    )


def _memory_disk() -> str | None:
    """Where files cost no fsync, if there is such a place."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
