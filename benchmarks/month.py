"""A month of a fleet in virtual time: how much of it was ready, how long repairs took, what it cost.

    python benchmarks/month.py [--days 30] [--replicas 20 1] [--seed 7] [--every 600] [--jobs 1] [--bids] [--lost 0.01]

On the simulator's lively market (a fifth of the machines never get a container to run, hosts drop off for minutes to
hours, contracts end, others rent, leave and change prices) this tool runs as cron runs it, every `--every` seconds.
Beside it stand, on the same market from the same seed: a script that rents the cheapest offers and replaces what the
account calls offline or exited; one that rents once, and again only what is not in the list any more; and somebody who
sees everything at once: what he reaches is the best availability, and what he pays who also moves whenever a working
offer costs less is the least money. Ready is what the simulator knows to be ready. `--bids` adds the same fleet with
interruptible rentals; `--lost` is the share of requests that nobody answers, half of them after they had their effect.

Goals: at least 99.5 % of the best availability; repairs within boot time plus two passes (each further machine that
never gets ready has a boot time and a pass of its own); no leak open for more than three passes.
"""

from __future__ import annotations

import argparse
import math
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import product

from months.figures import BEST, BIDS, CHEAPEST, FORGETS, OURS, PRESENT, REPLACES, Figures, Month, merged, played
from months.truth import Gap

GOAL_SHARE = 0.995
BOOT_S = 1200.0
"""The boot time that a fleet allows by default."""
REPAIR_PASSES, LEAK_PASSES = 2, 3

Row = tuple[str, ...]


def main() -> int:
    """Play, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--replicas", type=int, nargs="+", default=[20, 1])
    parser.add_argument("--seed", type=int, nargs="+", default=[7], help="several are put together")
    parser.add_argument("--every", type=float, default=600.0, help="seconds from pass to pass")
    parser.add_argument("--lost", type=float, default=0.0, help="share of requests that nobody answers")
    parser.add_argument("--bids", action="store_true", help="also the same fleet with interruptible rentals")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--tell", action="store_true", help="print what this tool says in every run, and nothing else")
    asked = parser.parse_args()
    months = {n: [Month(n, asked.days, seed, asked.every, asked.lost) for seed in asked.seed] for n in asked.replicas}
    ways = (OURS, *([BIDS, PRESENT] if asked.bids else []), REPLACES, FORGETS, BEST, CHEAPEST)
    if asked.tell:
        for month in (each for of in months.values() for each in of):
            played(BIDS if asked.bids else OURS, month, lambda text: print(text, flush=True))
        return 0
    with ProcessPoolExecutor(asked.jobs) as pool:
        met = [report(of, ways, pool) for of in months.values()]
    return 0 if all(met) else 1


def report(months: list[Month], ways: Row, pool: ProcessPoolExecutor) -> bool:
    """Play and print months of one size; whether they meet the goals together."""
    pairs = list(product(ways, months))
    played_all = list(pool.map(played, *zip(*pairs, strict=True)))
    found = {way: merged([figures for figures in played_all if figures.way == way]) for way in ways}
    first = months[0]
    seeds = ", ".join(str(month.seed) for month in months)
    lost = f", {first.lost:.1%} of the requests lost" if first.lost else ""
    print(f"\n{first.replicas} replicas, {first.days:g} days, seed {seeds}, a pass every {first.every:g} s{lost}\n")
    print(table(list(found.values())))
    for figures in found.values():
        print("".join(beside(figures)), end="")
    both = [[f for f in played_all if f.way == way] for way in (OURS, BEST)]
    late = [
        gap for ours, best in zip(*both, strict=True) for gap in ours.gaps if gap.lasted > _allowed(gap, best, first)
    ]
    return judged(first, found, len(late))


def table(found: list[Figures]) -> str:
    """The figures side by side."""
    rows: list[Row] = [
        ("", *(f.way for f in found)),
        ("available", *(f"{f.availability:.3%}" for f in found)),
        ("all ready first after", *(_minutes(f.first_ready) for f in found)),
        ("outages of a seat", *(str(len(f.gaps)) for f in found)),
        ("  mean", *(_minutes(f.mean()) for f in found)),
        ("  median", *(_minutes(f.quantile(0.5)) for f in found)),
        ("  p95", *(_minutes(f.quantile(0.95)) for f in found)),
        ("  longest", *(_minutes(f.quantile(1.0)) for f in found)),
        ("dollars", *(f"{f.dollars:.2f}" for f in found)),
        ("  for nothing", *(f"{f.idle_dollars:.2f}" for f in found)),
        ("  a ready hour", *(f"{f.dollars * 3600 / f.ready:.4f}" if f.ready else "-" for f in found)),
        ("rents", *(str(f.rents) for f in found)),
        ("contracts ended", *(str(f.ended) for f in found)),
        ("machines struck", *(str(f.struck) for f in found)),
        ("longest leak", *(_minutes(max(f.leaks, default=0.0)) for f in found)),
        ("CPU", *(f"{f.took_s:.0f} s" for f in found)),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows)


def beside(figures: Figures) -> list[str]:
    """Calls by kind, and how the runs of this tool left."""
    calls = ", ".join(f"{n} {kind}" for kind, n in sorted(figures.calls.items()))
    codes = ", ".join(f"{n} x {code}" for code, n in sorted(figures.codes.items()))
    return [f"{what}, {figures.way}: {text}\n" for what, text in (("calls", calls), ("exit codes", codes)) if text]


def judged(month: Month, found: dict[str, Figures], late: int) -> bool:
    """Print how the goals stand; `late` are repairs that nothing excuses."""
    ours, least = found[OURS], found[CHEAPEST]
    share = ours.availability / max(found[BEST].availability, least.availability)
    in_time = [gap for gap in ours.gaps if gap.lasted <= BOOT_S + REPAIR_PASSES * month.every]
    leaks = [leak for leak in ours.leaks if leak > LEAK_PASSES * month.every]
    longer = len(ours.gaps) - len(in_time)
    more = (
        f"{longer - late} took longer for machines that never got ready, or while nothing was for sale; {late} others"
    )
    goals = [
        (share >= GOAL_SHARE, f"{share:.3%} of the best availability (goal {GOAL_SHARE:.1%})"),
        (not late, f"{len(in_time)} of {len(ours.gaps)} repairs within boot time and two passes; {more}"),
        (not leaks, f"{len(leaks)} leaks were open for more than {LEAK_PASSES} passes"),
    ]
    for met, text in goals:
        print(f"{'met ' if met else 'MISS'}  {text}")
    print(f"      paid per ready hour: {_paid(ours) / _paid(least) - 1:+.1%} against the least")
    return all(met for met, _ in goals)


def _allowed(gap: Gap, best: Figures, month: Month) -> float:
    """How long a repair may take, in seconds: more where machines never got ready, and where somebody who knows
    everything had nothing to rent at that time."""
    dry = max((other.lasted for other in best.gaps if other.start < gap.end and gap.start < other.end), default=0.0)
    return BOOT_S + REPAIR_PASSES * month.every + max(0, gap.rents - 1) * (BOOT_S + month.every) + dry


def _paid(figures: Figures) -> float:
    return figures.dollars / figures.ready


def _minutes(seconds: float) -> str:
    return "never" if math.isinf(seconds) else f"{seconds / 60:.1f} min"


if __name__ == "__main__":
    sys.exit(main())
