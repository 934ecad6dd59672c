"""Two days of a lively market, unattended from cron: this tool beside scripts, and beside somebody who knows all."""

from __future__ import annotations

from functools import cache

import pytest

from benchmarks.months.figures import BEST, FORGETS, OURS, REPLACES, Figures, Month, played

EVERY_S = 600.0
BOOT_S = 1200.0
FLEET, SINGLE = Month(4, 2, 20, EVERY_S), Month(1, 2, 20, EVERY_S)
"""In both a host dies that was rented, and machines that never get ready are among the cheapest."""
LOSSY = Month(4, 1, 4, EVERY_S, lost=0.05)


@cache
def way(name: str, month: Month) -> Figures:
    """One way through a month; the same for every test."""
    return played(name, month)


@pytest.fixture(params=[FLEET, SINGLE], ids=["a fleet of four", "a single replica"])
def month(request: pytest.FixtureRequest) -> Month:
    """Each of the two."""
    found: Month = request.param
    return found


def test_it_is_as_available_as_can_be_once_it_has_begun(month: Month) -> None:
    """The beginning takes the cold start, two machines on trial, then the rest: none of it comes sooner from cron."""
    ours, best = way(OURS, month), way(BEST, month)
    assert ours.first_ready <= 3600
    assert ours.ready >= 0.99 * best.ready - month.replicas * ours.first_ready
    assert ours.availability <= best.availability < 1


def test_repairs_end_in_time_and_nothing_leaks(month: Month) -> None:
    ours = way(OURS, month)
    assert ours.gaps
    for gap in ours.gaps:
        assert gap.lasted <= BOOT_S + 2 * EVERY_S + max(0, gap.rents - 1) * (BOOT_S + EVERY_S), gap
    assert all(leak <= 3 * EVERY_S for leak in ours.leaks)
    assert set(ours.codes) == {0}


def test_a_fleet_is_more_available_than_by_the_scripts() -> None:
    scripts = [way(REPLACES, FLEET), way(FORGETS, FLEET)]
    assert way(OURS, FLEET).availability > max(script.availability for script in scripts) + 0.1


def test_lost_answers_leave_no_leak_and_no_second_instance() -> None:
    ours = way(OURS, LOSSY)
    assert ours.calls["rent"] >= 4
    assert ours.struck == 2
    assert ours.availability > 0.9
    assert all(leak <= 3 * EVERY_S for leak in ours.leaks)
