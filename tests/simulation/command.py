"""The simulation by hand.

python -m tests.simulation --seeds 200000            many seeds on all cores, and the table (--jobs N, --from N)
python -m tests.simulation --seed 190                one seed, with its trace, shrunk where it fails (--theme T)
python -m tests.simulation --safeguards 100          which seed catches each missing safeguard
python -m tests.simulation --exhaustive              every schedule of two replicas
python -m tests.simulation --seeds 20000 --page      the page docs/reliability.md, written anew
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from simulation import exhaustive, page
from simulation.play import Play, Variant, Verdict, play
from simulation.safeguards import SAFEGUARDS, hunt
from simulation.scenario import THEMES, Scenario, scenario
from simulation.shrink import shrunk
from simulation.tally import Tally, spread

ENOUGH = 2_000
"""So many seeds hit every fault of every call."""


def main() -> int:
    """Parse, play, tell; 1 where an invariant did not hold."""
    options = _options()
    if options.seed is not None:
        return one(scenario(options.seed, options.theme))
    if options.exhaustive:
        return all_schedules()
    total, began = Tally(), time.monotonic()
    if options.seeds:
        total = spread(range(options.first, options.first + options.seeds), _progress, options.jobs)
    caught = safeguards(options.safeguards) if options.safeguards else {}
    text = page.tables(total, caught, time.monotonic() - began)
    sys.stdout.write(text)
    if options.page:
        page.write(text)
    missed = total.seeds >= ENOUGH and bool(total.pairs_missed)
    return 1 if total.failing or missed or None in caught.values() else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--theme", choices=THEMES)
    parser.add_argument("--safeguards", type=int, default=0, metavar="SEEDS")
    parser.add_argument("--exhaustive", action="store_true")
    parser.add_argument("--page", action="store_true")
    return parser.parse_args()


def one(asked: Scenario) -> int:
    """One scenario with its trace; a failure is made smaller first."""
    lines: list[str] = []
    verdict = Play(made_smaller(asked), Variant(), lines.append).play()
    sys.stdout.write("\n".join([*lines, told(verdict)]) + "\n")
    return 1 if verdict.violations else 0


def made_smaller(asked: Scenario) -> Scenario:
    """The scenario without the troubles that its failure does not need; as it is where nothing fails."""
    rules = play(asked).rules
    return shrunk(asked, lambda less: bool(play(less).rules & rules)) if rules else asked


def told(verdict: Verdict) -> str:
    """A verdict for people: what failed, with the seed and the troubles that are left."""
    said = [f"seed {verdict.scenario.seed}: {verdict.scenario}"]
    return "\n".join([*said, *(f"  {violation}" for violation in verdict.violations)])


def safeguards(seeds: int) -> dict[str, int | None]:
    """The first seed that catches each missing safeguard."""
    with ProcessPoolExecutor() as pool:
        found = pool.map(_caught, SAFEGUARDS, [seeds] * len(SAFEGUARDS))
        return dict(zip(SAFEGUARDS, found, strict=True))


def _caught(name: str, seeds: int) -> int | None:
    return hunt(SAFEGUARDS[name], range(seeds))


def all_schedules() -> int:
    """Every schedule of the exhaustive part."""
    with ProcessPoolExecutor() as pool:
        verdicts = pool.map(play, exhaustive.schedules(), chunksize=50)
        failing, count = [], 0
        for verdict in verdicts:
            count += 1
            if verdict.violations:
                failing.append(verdict)
                sys.stderr.write(told(verdict) + "\n")
    sys.stdout.write(f"{count} schedules, {len(failing)} with a violation\n")
    return 1 if failing else 0


def _progress(total: Tally) -> None:
    if total.seeds % 500 == 0:
        sys.stderr.write(f"{total.seeds} seeds, {total.faults} faults, {len(total.failing)} failing\n")
