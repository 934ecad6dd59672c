"""The page about reliability has its figures, names the command that wrote them, and speaks of every safeguard."""

from __future__ import annotations

import re
from pathlib import Path

from simulation.page import BEGIN, END
from simulation.points import CRASH_POINTS
from simulation.safeguards import SAFEGUARDS

PAGE = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text(encoding="utf-8")
FIGURES = PAGE.partition(BEGIN)[2].partition(END)[0]


def test_the_command_that_wrote_the_figures_is_named() -> None:
    assert re.search(r"Written by `python -m tests\.simulation --seeds [0-9]+ --safeguards [0-9]+ --page`", PAGE)


def test_the_figures_have_no_violation_and_every_pair() -> None:
    assert "| seeds with a violation | 0 |" in FIGURES
    hit, of = re.search(r"pairs hit \| ([0-9]+) of ([0-9]+),", FIGURES).groups()
    assert hit == of


def test_every_crash_point_and_every_safeguard_has_its_row() -> None:
    rows = {line.split("|")[1].strip() for line in FIGURES.splitlines() if line.startswith("|")}
    assert set(CRASH_POINTS) | set(SAFEGUARDS) <= rows
    assert "none found" not in FIGURES
