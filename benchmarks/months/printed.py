"""The figures as people read them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from .figures import Figures
from .repairs import Repair

Row = tuple[str, ...]


def table(found: Sequence[Figures]) -> str:
    """The figures side by side."""
    rows: list[Row] = [
        ("", *(f.way for f in found)),
        ("available", *(f"{f.availability:.3%}" for f in found)),
        ("  after the first day", *(f"{f.settled_availability:.3%}" if f.settled_wanted else "-" for f in found)),
        ("all ready first after", *(minutes(f.first_ready) for f in found)),
        ("outages of a seat", *(str(len(f.gaps)) for f in found)),
        ("  mean time to repair", *(_repair(f, f.mean()) for f in found)),
        ("  median", *(_repair(f, f.quantile(0.5)) for f in found)),
        ("  p95", *(_repair(f, f.quantile(0.95)) for f in found)),
        ("  longest", *(_repair(f, f.quantile(1.0)) for f in found)),
        ("dollars", *(f"{f.dollars:.2f}" for f in found)),
        ("  for nothing", *(f"{f.idle_dollars:.2f}" for f in found)),
        ("  a ready hour", *(f"{f.dollars * 3600 / f.ready:.4f}" if f.ready else "-" for f in found)),
        ("rents", *(str(f.rents) for f in found)),
        ("contracts ended", *(str(f.ended) for f in found)),
        ("machines struck", *(str(f.struck) for f in found)),
        ("longest leak", *(minutes(max(f.leaks, default=0.0)) for f in found)),
        ("API calls", *(str(f.calls.total() or "-") for f in found)),
        ("CPU", *(f"{f.took_s:.0f} s" for f in found)),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows)


def beside(figures: Figures) -> list[str]:
    """What took ready instances, calls by kind, and how the runs of this tool left."""
    causes = counted(Counter(gap.why for gap in figures.gaps))
    calls = ", ".join(f"{n} {kind}" for kind, n in sorted(figures.calls.items()))
    codes = ", ".join(f"{n} x {code}" for code, n in sorted(figures.codes.items()))
    told = (("outages", causes), ("calls", calls), ("exit codes", codes))
    return [f"{what}, {figures.way}: {text}" for what, text in told if text and figures.calls]


def longer(found: Sequence[Repair], most: int = 8) -> list[str]:
    """The repairs that took longer than boot time and two passes, with the reasons for each; so many at most."""
    late = sorted((r for r in found if not r.in_time), key=lambda r: (r.excused, -r.gap.lasted))
    lines = [
        f"        seed {r.month.seed}, {r.gap.seat}: {minutes(r.gap.lasted)}, {r.gap.why}; "
        f"{counted(Counter(r.reasons)) or 'no reason'}{'' if r.excused else f': only {minutes(r.allowed)} excused'}"
        for r in late[:most]
    ]
    return [*lines, *([f"        and {len(late) - most} more"] if len(late) > most else [])]


def counted(words: Counter[str]) -> str:
    """`2 never ready, 1 lost again`."""
    return ", ".join(f"{n} {word}" for word, n in words.most_common())


def minutes(seconds: float) -> str:
    """A time, as the tables have it."""
    return "never" if math.isinf(seconds) else f"{seconds / 60:.1f} min"


def _repair(figures: Figures, seconds: float) -> str:
    return minutes(seconds) if figures.gaps else "-"
