"""The same plays with the SQLite ledger: kills at every point of a save, two runners, and what the file says, holds."""

from __future__ import annotations

from itertools import count, islice
from pathlib import Path

import pytest

from simulation import exhaustive
from simulation.memory import SqliteLedger
from simulation.play import Variant, play
from simulation.scenario import scenario


def _variant(folder: Path) -> Variant:
    numbers = count()
    return Variant("sqlite", ledger=lambda: SqliteLedger(folder / f"{next(numbers)}.db"))


@pytest.mark.parametrize("seed", range(40))
def test_a_seed_on_sqlite_breaks_nothing(seed: int, tmp_path: Path) -> None:
    assert play(scenario(seed), _variant(tmp_path)).violations == []


@pytest.mark.parametrize("part", range(4))
def test_every_kill_alone_on_sqlite_breaks_nothing(part: int, tmp_path: Path) -> None:
    kills = islice(exhaustive.schedules(), 1 + part, 1 + len(exhaustive.kills()), 4)
    variant = _variant(tmp_path)
    failing = [found for one in kills if (found := play(one, variant)).violations]
    assert failing == []


def test_memory_and_sqlite_tell_the_same_story(tmp_path: Path) -> None:
    variant = _variant(tmp_path)
    for seed in (3, 7, 12):
        ours, real = play(scenario(seed)), play(scenario(seed), variant)
        assert (ours.calls, ours.codes, ours.seconds) == (real.calls, real.codes, real.seconds)
