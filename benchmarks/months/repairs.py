"""Repairs against what they may take: which were in time, and what excuses those that were not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from reconciler.simulator.boots import machines_failure

from .figures import RENTALS, Figures, Month
from .truth import BID_LOST, Gap

BOOT_S = 1200.0
"""The boot time that a fleet allows by default."""
PASSES = 2

NEVER_READY, LOST_AGAIN, WAITED, NOTHING_FOR_SALE = "never ready", "lost again", "outbid.wait", "nothing for sale"


class Repair(NamedTuple):
    """One gap of a month, and what excuses its length."""

    month: Month
    gap: Gap
    reasons: tuple[str, ...]
    """In a word each, a reason for every further instance."""
    allowed: float
    """Seconds, with all excuses."""

    @property
    def in_time(self) -> bool:
        """Whether it was over within boot time and two passes, whatever happened."""
        return self.gap.lasted <= _at_most(self.month)

    @property
    def excused(self) -> bool:
        """Whether it took longer, and no longer than its reasons explain."""
        return not self.in_time and self.gap.lasted <= self.allowed


def repairs(month: Month, ours: Figures, best: Figures) -> list[Repair]:
    """All of a month. Each machine that never got a container to run, and each instance that was lost before it was
    ready, has a boot time and a pass of its own. The time that a lost bid has to win again is the spec's; the one in
    which somebody who knows all had nothing to rent is the market's, as far as it lies in the gap."""
    rental = RENTALS.get(ours.way)
    return [_repair(month, gap, best, rental.outbid.wait_s if rental else 0.0) for gap in ours.gaps]


def _repair(month: Month, gap: Gap, best: Figures, wait_s: float) -> Repair:
    reasons = [NEVER_READY if machines_failure(month.seed, r.machine) else LOST_AGAIN for r in gap.rents[:-1]]
    if gap.open and gap.rents and machines_failure(month.seed, gap.rents[-1].machine):
        reasons.append(NEVER_READY)
    wait = wait_s if gap.why == BID_LOST else 0.0
    dry = max((_overlap(gap, *without) for without in _nothing_for_sale(best)), default=0.0)
    allowed = _at_most(month) + len(reasons) * (BOOT_S + month.every) + wait + dry
    others = [word for word, seconds in ((WAITED, wait), (NOTHING_FOR_SALE, dry)) if seconds]
    return Repair(month, gap, (*reasons, *others), allowed)


def _at_most(month: Month) -> float:
    return BOOT_S + PASSES * month.every


def _nothing_for_sale(best: Figures) -> Iterable[tuple[float, float]]:
    """When somebody who knows all was without an instance and did not rent: he does at once where there is one."""
    spans = ((gap.start, gap.rents[0].at if gap.rents else gap.end) for gap in best.gaps)
    return [(start, end) for start, end in spans if end - start > 1.0]


def _overlap(gap: Gap, start: float, end: float) -> float:
    return max(0.0, min(gap.end, end) - max(gap.start, start))
