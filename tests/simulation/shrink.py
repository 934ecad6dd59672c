"""From a scenario that fails to a smaller one that fails, too: troubles are dropped while it goes on failing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from simulation.scenario import Scenario


def shrunk(scenario: Scenario, fails: Callable[[Scenario], bool]) -> Scenario:
    """The scenario without the troubles that the failure does not need. Halves first, then one by one."""
    size = max(1, len(scenario.troubles) // 2)
    while size:
        start = 0
        while start < len(scenario.troubles):
            less = replace(scenario, troubles=scenario.troubles[:start] + scenario.troubles[start + size :])
            if fails(less):
                scenario = less
            else:
                start += size
        size //= 2
    return scenario
