"""`kill -9` of real processes with the SQLite ledger: nothing is lost, and no seat is rented for twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import reconciler
from simulation.killing import KILLS_A_LIFE

LIVES = 4
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_lost_when_a_run_is_killed_anywhere(part: int, tmp_path: Path) -> None:
    root = Path(reconciler.__file__).parents[1]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "tests")])}
    program = Path(__file__).with_name("killing.py")
    command = [sys.executable, str(program), str(tmp_path), str(LIVES), str(part)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["kills"] == LIVES * KILLS_A_LIFE
    assert {at.partition(":")[0] for at in told["at"]} >= {"account", "list", "search", "rent"}, told


def test_there_are_two_hundred_kills() -> None:
    assert PARTS * LIVES * KILLS_A_LIFE >= 200
