"""The figures of many plays as tables, and their place in `docs/reliability.md`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from simulation.points import CRASH_POINTS, POINTS
from simulation.safeguards import SAFEGUARDS
from simulation.scenario import PAIRS
from simulation.tally import Tally

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def tables(total: Tally, caught: Mapping[str, int | None], took_s: float) -> str:
    """All tables, as Markdown."""
    return "\n".join([*_figures(total, took_s), *_crash_points(total), *_safeguards(caught)]) + "\n"


def write(text: str) -> None:
    """Put the tables into the page."""
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n{text}{END}{rest.partition(END)[2]}", encoding="utf-8")


def _figures(total: Tally, took_s: float) -> Iterator[str]:
    if not total.seeds:
        return
    hit, still = len(PAIRS) - len(total.pairs_missed), sorted(total.passes.elements())
    yield from ("", "| what | figure |", "|---|---|")
    yield f"| seeds | {total.seeds:,} |"
    yield f"| simulated hours | {total.hours:,.0f} |"
    yield f"| runs of the product | {total.processes:,} |"
    yield f"| calls | {total.calls:,} |"
    yield f"| faults that struck | {total.faults:,} |"
    rarest = min(total.pairs[pair] for pair in PAIRS)
    yield f"| (call, fault) pairs hit | {hit} of {len(PAIRS)}, the rarest {rarest:,} times |"
    kills, pauses = total.points_hit("kill"), total.points_hit("pause")
    yield f"| points hit by a kill, by a pause | {kills} and {pauses} of {len(POINTS)} |"
    yield f"| seeds with a violation | {len(total.failing):,} |"
    if still:
        figures = (still[len(still) // 2], still[int(len(still) * 0.99)], still[-1])
        yield f"| runs without faults until still: median, 99 %, most | {', '.join(map(str, figures))} |"
    yield f"| seconds of real time | {took_s:,.0f} |"
    for seed, text in total.failing[:20]:
        yield f"| failing: seed {seed} | {text} |"


def _crash_points(total: Tally) -> Iterator[str]:
    if not total.seeds:
        return
    kills, pauses = total.crash_points("kill"), total.crash_points("pause")
    yield from ("", "| crash point | where | kills | pauses |", "|---|---|---|---|")
    for name, (where, _) in CRASH_POINTS.items():
        yield f"| {name} | {where} | {kills[name]:,} | {pauses[name]:,} |"


def _safeguards(caught: Mapping[str, int | None]) -> Iterator[str]:
    if not caught:
        return
    yield from ("", "| safeguard taken away | breaks | theme of the seeds | first seed |", "|---|---|---|---|")
    for name, seed in caught.items():
        one = SAFEGUARDS[name]
        shown = "none found" if seed is None else seed
        yield f"| {name} | {', '.join(sorted(one.rules))} | {one.theme or ''} | {shown} |"
