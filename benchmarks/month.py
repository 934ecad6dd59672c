"""A month of a fleet in virtual time: how much of it was ready, how long repairs took, what it cost.

    python benchmarks/month.py [--months 20:1-2 1:1-20] [--bids 20:1:15 1:1-2] [--days 30] [--every 600] [--jobs 1]
                               [--lost 0.01] [--page docs/month.md]

`20:1-2` is a fleet of 20 replicas on the markets of the seeds 1 and 2; the months of one size are put together. A
third number is the days of these, `20:1:15`.

On the simulator's lively market (a fifth of the machines never get a container to run, hosts drop off for minutes to
hours, contracts end, others rent, leave and change prices) this tool runs as cron runs it, every `--every` seconds.
Beside it stand, on the same market from the same seed: a script that rents the cheapest offers and replaces what the
account calls offline or exited; one that rents once, and again only what is not in the list any more; and somebody who
sees everything at once: what he reaches is the best availability, and what he pays who also moves whenever a working
offer costs less is the least money. Ready is what the simulator knows to be ready. `--bids` plays the same fleet with
interruptible rentals, beside somebody who knows all and goes by the same rules; `--lost` is the share of requests that
nobody answers, half of them after they had their effect.

Goals: at least 99.5 % of the best availability; repairs within boot time plus two passes, once as they are and once
with what excuses them (each further machine that never gets ready has a boot time and a pass of its own, and nothing is
repaired while nothing is for sale); no leak open for more than three passes. The exit code is 1 where one is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import NamedTuple

from months.figures import (
    BEST,
    BEST_BIDS,
    BEST_PRESENT,
    BIDS,
    CHEAPEST,
    FORGETS,
    OURS,
    PRESENT,
    REPLACES,
    UNLIMITED,
    Figures,
    Month,
    merged,
    played,
)
from months.printed import beside, counted, longer, table
from months.repairs import repairs

GOAL_SHARE = 0.995
LEAK_PASSES = 3
BEGIN, END = "<!-- the months begin -->", "<!-- the months end -->"
"""Between these lines of a page stand the figures."""


class Pair(NamedTuple):
    """Who is judged, and against whom: the best availability, the least money."""

    ours: str
    best: str
    least: str
    beyond: str | None = None
    """Whom no daily limit binds; told, and no goal."""


ON_DEMAND = ((OURS, REPLACES, FORGETS, BEST, CHEAPEST), [Pair(OURS, BEST, CHEAPEST)])
BY_BIDS = (
    (BIDS, BEST_BIDS, UNLIMITED, PRESENT, BEST_PRESENT),
    [Pair(BIDS, BEST_BIDS, BEST_BIDS, UNLIMITED), Pair(PRESENT, BEST_PRESENT, BEST_PRESENT)],
)


class Played(NamedTuple):
    """Months of one size, and each way through each of them."""

    months: list[Month]
    figures: dict[str, list[Figures]]

    def together(self, way: str) -> Figures:
        """One way through all of them."""
        return merged(self.figures[way])


def main() -> int:
    """Play, print, judge."""
    asked = _asked()
    months = [(ways, pairs, _months(text, asked)) for text in asked.months for ways, pairs in [ON_DEMAND]]
    months += [(ways, pairs, _months(text, asked)) for text in asked.bids for ways, pairs in [BY_BIDS]]
    if asked.tell:
        for ways, month in ((ways, each) for ways, _, of in months for each in of):
            played(ways[0], month, lambda text: print(text, flush=True))
        return 0
    lines: list[str] = []
    with ProcessPoolExecutor(asked.jobs) as pool:
        for ways, pairs, of in months:
            found = _play(ways, of, pool)
            for line in report(found, pairs):
                print(line, flush=True)
                lines.append(line)
    if asked.page:
        _write(asked.page, lines)
    return 1 if any(line.startswith("MISS") for line in lines) else 0


def report(found: Played, pairs: list[Pair]) -> Iterator[str]:
    """Months of one size: the table, what lies behind it, how the goals stand."""
    first, all_ways = found.months[0], [found.together(way) for way in found.figures]
    seeds = ", ".join(str(month.seed) for month in found.months)
    size = f"{first.replicas} replica{'s' if first.replicas > 1 else ''}"
    lost = f", {first.lost:.1%} of the requests lost" if first.lost else ""
    yield f"{size}, {first.days:g} days, seed {seeds}, a pass every {first.every:g} s{lost}"
    yield from ("", *(line.rstrip() for line in table(all_ways).splitlines()), "")
    for figures in all_ways:
        yield from beside(figures)
    for pair in pairs:
        yield from ("", f"{pair.ours}, against {pair.best}")
        yield from judged(found, pair)
    yield ""


def judged(found: Played, pair: Pair) -> Iterator[str]:
    """How the goals stand for one way."""
    ours, best, least = (found.together(way) for way in pair[:3])
    share = ours.availability / max(best.availability, least.availability)
    yield _goal(share >= GOAL_SHARE, f"{share:.3%} of the best availability (goal {GOAL_SHARE:.1%})")
    if best.settled_availability:
        settled = ours.settled_availability / max(best.settled_availability, least.settled_availability)
        hours = found.months[0].beginning / 3600
        yield _goal(settled >= GOAL_SHARE, f"{settled:.3%} of it after the first {hours:g} hours")
    if pair.beyond:
        most = max(best.availability, found.together(pair.beyond).availability)
        yield f"      {ours.availability / most:.3%} of it where no daily limit binds either"
    yield from _repairs(found, pair)
    leaks = [leak for leak in ours.leaks if leak > LEAK_PASSES * found.months[0].every]
    yield _goal(not leaks, f"{len(leaks)} leaks were open for more than {LEAK_PASSES} passes")
    yield f"      paid per ready hour: {_paid(ours) / _paid(least) - 1:+.1%} against {pair.least}"


def _repairs(found: Played, pair: Pair) -> Iterator[str]:
    """As they are, with excuses, and why each of the longer ones was longer."""
    each = zip(found.months, found.figures[pair.ours], found.figures[pair.best], strict=True)
    every = [repair for month, ours, best in each for repair in repairs(month, ours, best)]
    strict, excused = [r for r in every if r.in_time], [r for r in every if r.excused]
    late, why = len(every) - len(strict) - len(excused), counted(Counter(w for r in excused for w in r.reasons))
    of, n = f"of {len(every)} repairs", len(strict)
    yield _goal(n == len(every), f"strictly: {n} {of} within boot time and two passes")
    yield _goal(not late, f"with excuses: {n + len(excused)} {of}; {len(excused)} excused ({why or '-'}), {late} not")
    yield from longer(every)


def _play(ways: tuple[str, ...], months: list[Month], pool: ProcessPoolExecutor) -> Played:
    found = list(pool.map(played, *zip(*product(ways, months), strict=True)))
    return Played(months, {way: [figures for figures in found if figures.way == way] for way in ways})


def _months(text: str, asked: argparse.Namespace) -> list[Month]:
    """`20:1-2:15`: 20 replicas, on the markets of the seeds 1 and 2, for 15 days."""
    size, seeds, days, *_ = [*text.split(":"), "", ""]
    first, _, last = (seeds or "1").partition("-")
    numbers = range(int(first), int(last or first) + 1)
    return [Month(int(size), float(days or asked.days), seed, asked.every, asked.lost) for seed in numbers]


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--months", nargs="*", default=["20:1-2", "1:1-20"], help="replicas:seeds[:days]")
    parser.add_argument("--bids", nargs="*", default=[], help="the same, with interruptible rentals")
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--every", type=float, default=600.0, help="seconds from pass to pass")
    parser.add_argument("--lost", type=float, default=0.0, help="share of requests that nobody answers")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--page", type=Path, help="also write the figures into this page")
    parser.add_argument("--tell", action="store_true", help="print what this tool says in every run, and nothing else")
    return parser.parse_args()


def _write(page: Path, lines: list[str]) -> None:
    """The figures into a page, in the place of those that stand there."""
    before, _, rest = page.read_text().partition(f"{BEGIN}\n")
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"{page} has no place for the figures: {BEGIN} and {END}, each on a line")
    block = "\n".join(["```text", *lines[:-1], "```"])
    page.write_text(f"{before}{BEGIN}\n{block}\n{end}{after}")


def _goal(met: bool, text: str) -> str:
    return f"{'met ' if met else 'MISS'}  {text}"


def _paid(figures: Figures) -> float:
    return figures.dollars / figures.ready


if __name__ == "__main__":
    sys.exit(main())
