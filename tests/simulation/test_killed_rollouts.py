"""`kill -9` of real processes in a rollout of ten replicas: never too many, never too few, and all new at the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import reconciler
from simulation.killing_rollouts import PLANS

LIVES = 3
EXTREMES = {"create-first": (12, 10), "canary": (12, 10), "destroy-first": (10, 8)}
"""How many there are at most, and how many serve at least, of ten with two at once."""


@pytest.mark.parametrize("plan", PLANS)
def test_a_rollout_of_ten_survives_a_kill_at_any_step(plan: str, tmp_path: Path) -> None:
    root = Path(reconciler.__file__).parents[1]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "tests")])}
    program = Path(__file__).with_name("killing_rollouts.py")
    command = [sys.executable, str(program), str(tmp_path), plan, str(LIVES), "0"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["most"], told["fewest"]) == EXTREMES[plan]
    assert told["kills"] >= 8 * LIVES
    assert told["told"] >= told["kills"] / 2, "kills in the middle of the rollout"
    hit = {at.partition(":")[0] for at in told["at"]}
    assert hit >= {"rent", "destroy", "list", "search"}, told
    assert {at for at in told["at"] if at.startswith("destroy")} == {
        f"destroy:{m}" for m in ("before", "done", "after")
    }
