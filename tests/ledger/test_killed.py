"""`kill -9` in the middle of a save: what was acknowledged is there, nothing is half there, and readers are let in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import reconciler

KILLS = 60


def test_nothing_is_lost_when_saves_are_killed_at_random_moments(path: Path) -> None:
    root = Path(reconciler.__file__).parents[1]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "tests")])}
    program = Path(__file__).with_name("killing.py")
    command = [sys.executable, str(program), str(path), str(KILLS), "7"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["kills"] == KILLS
    assert told["half_done"] > 0, "no kill met a save: the test shows nothing"
