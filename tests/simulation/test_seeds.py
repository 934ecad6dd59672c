"""Two thousand seeds: faults at every call, crashes and pauses at every point, people, and two runners at once.

A failure prints its seeds, each with its scenario less the troubles that it does not need; `python -m tests.simulation
--seed N` plays one again, step by step.
"""

from __future__ import annotations

import pytest

from simulation.command import made_smaller, told
from simulation.play import play
from simulation.scenario import scenario
from simulation.tally import CHUNK, chunks, tally

SEEDS = range(2_000)
SHOWN = 2


@pytest.mark.parametrize("seeds", list(chunks(SEEDS)), ids=lambda seeds: f"from-{seeds[0]}")
def test_no_invariant_breaks_and_every_fleet_comes_to_rest(seeds: range) -> None:
    found = tally(seeds)
    assert not found.failing, "\n".join(told(play(made_smaller(scenario(seed)))) for seed, _ in found.failing[:SHOWN])
    assert found.seeds == CHUNK
    assert sum(found.passes.values()) == CHUNK
