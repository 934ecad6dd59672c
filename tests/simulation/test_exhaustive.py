"""Schedules that are listed, not drawn: two replicas, every call with every fault, every crash point.

All of them are played by `python -m tests.simulation --exhaustive`; here every kill, every pause and every single
fault, and one in forty of their combinations.
"""

from __future__ import annotations

from itertools import islice

import pytest

from simulation import exhaustive
from simulation.command import told
from simulation.play import play
from simulation.points import CRASH_POINTS
from simulation.scenario import PAIRS
from simulation.tally import Tally

CALLS = ("account", "list", "show", "search", "rent", "destroy")
KILLS, PAUSES, FAULTS = len(exhaustive.kills()), len(exhaustive.pauses()), len(exhaustive.faults(CALLS))
ALONE = 1 + KILLS + PAUSES + FAULTS
PARTS = 4
ONE_IN = 160


def _played(first: int, last: int | None, step: int = 1) -> Tally:
    """These schedules; a failure names its schedule and its troubles."""
    found = Tally()
    for scenario in islice(exhaustive.schedules(), first, last, step):
        verdict = play(scenario)
        assert not verdict.violations, told(verdict)
        found.add(verdict)
    return found


@pytest.mark.parametrize(
    ("act", "first", "last"), [("kill", 0, 1 + KILLS), ("pause", 1 + KILLS, 1 + KILLS + PAUSES)], ids=["kill", "pause"]
)
def test_every_crash_point_is_hit_and_breaks_nothing(act: str, first: int, last: int) -> None:
    found = _played(first, last)
    missed = [name for name, times in found.crash_points(act).items() if not times]
    assert missed == []
    assert len(CRASH_POINTS) == 17


def test_every_fault_of_every_call_occurs_and_breaks_nothing() -> None:
    found = _played(1 + KILLS + PAUSES, ALONE)
    assert found.pairs_missed == []
    assert len(PAIRS) > 100


@pytest.mark.parametrize("part", range(PARTS))
def test_two_troubles_at_a_time_break_nothing(part: int) -> None:
    assert _played(ALONE + part * ONE_IN // PARTS, None, ONE_IN).seeds > 50
