"""A kill in mid-write leaves a state file that loads, and nothing beside it that piles up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

KILLS = 20

DRIVER = """
import os, random, signal, sys
from pathlib import Path
from simulator.served import village
from reconciler.simulator.state import load, save

path, rng, now, leftovers = Path(sys.argv[1]), random.Random(11), 0.0, 0
world = village(5)
world.market()
for number in range(int(sys.argv[2])):
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        while True:
            world.advance(60.0)
            save(world, path)
            os.write(writes, b".")
    for _ in range(rng.randint(1, 5)):
        os.read(reads, 1)
    sum(range(rng.randrange(200_000)))  # up to some milliseconds, so that it falls anywhere in a save
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(reads), os.close(writes)
    assert os.WTERMSIG(status) == signal.SIGKILL
    found = load(path)
    assert found is not None and found.now > world.begun
    beside = [one.name for one in path.parent.iterdir() if one.name != path.name]
    leftovers += bool(beside)
    assert len(beside) <= 1, beside
save(world, path)
assert [one.name for one in path.parent.iterdir()] == [path.name]
print(leftovers)
"""
"""One process that imports once, and twenty of its children that save without end until they are killed."""


def test_a_state_file_loads_after_each_of_twenty_kills_and_nothing_piles_up(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    folder = tmp_path / "state"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(folder / "world.json"), str(KILLS)],
        env={"PYTHONPATH": f"{root}:{root / 'tests'}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0, "no kill fell into a write: the test shows nothing"
