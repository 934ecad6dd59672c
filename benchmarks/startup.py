"""What a whole command costs, from its start to its exit, beside the official client on the same data.

    python benchmarks/startup.py [--instances 1000] [--runs 7] [--seed 82]

Shows that a no-change `reconcile plan` on an account of 1,000 managed instances should take at most 0.4 times what
`vastai show instances --raw` takes, and what `reconcile --help` takes beside `python -c pass`. Both clients are whole
processes and read the list from one served simulator, in turns within one run (ours, theirs, ours, ...), so that a busy
machine troubles both alike. The limiter is off for both: the server refuses nobody (`serve --no-limits`), and our
client keeps no gaps (`RECONCILE_PACE=0`). The world's clock stands still.
`vastai` is found beside this Python or on the PATH.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from reconciler.cli import run
from reconciler.core.label import Mark, Seat, attempt_of, read_label, write_label
from reconciler.simulator.generate import DEFAULT_SEED
from reconciler.simulator.simulation import open_simulation

GOAL = 0.4

SPEC = """\
kind: Fleet
name: benchmark
replicas: {replicas}
gpu:
  models: [RTX 3060]
price:
  max_per_hour: 5.00
container:
  image: acme/app:1
  disk_gb: 8
"""


def account(folder: Path, instances: int, seed: int) -> Path:
    """A state file whose account holds this many instances as `apply` leaves them: one is rented, the others copied."""
    state = folder / "world.json"
    spec = folder / "benchmark.yaml"
    spec.write_text(SPEC.format(replicas=1), encoding="utf-8")
    words = ["--simulate", "--state", str(state), "--seed", str(seed), "--yes", "--first-run", "--quiet"]
    if run(["apply", str(spec), *words]) != 0:
        raise SystemExit("the first instance could not be rented")
    spec.write_text(SPEC.format(replicas=instances), encoding="utf-8")
    with open_simulation(state) as simulation:
        world = simulation.world
        world.add_credit(1e6)
        (first,) = world.contracts.values()
        mark = read_label(first.label, "default")
        assert isinstance(mark, Mark)
        for index in range(1, instances):
            label = write_label(replace(mark, seat=Seat("benchmark", index), attempt=attempt_of(index)))
            another = replace(copy.copy(first), id=world.ids.take(), label=label)
            world.contracts[another.id] = another
        simulation.save()
    return state


class Run(NamedTuple):
    """A whole process."""

    wall: float
    cpu: float
    """User and system, of itself and not of the server."""
    printed: bytes


def ran(command: list[str], env: dict[str, str]) -> Run:
    """Run a command from its start to its exit."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    took = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"{command} left with {done.returncode}: {(done.stdout + done.stderr).decode()[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(took, cpu, done.stdout)


def compared(name: str, other: str, pairs: list[tuple[Run, Run]], goal: str) -> None:
    """Two lines, wall and CPU time: both medians, and the median of the pairs' ratios with its range."""
    for clock, which in (("wall", 0), ("CPU", 1)):
        times = [(float(a[which]), float(b[which])) for a, b in pairs]
        ours, theirs = (statistics.median(side) for side in zip(*times, strict=True))
        ratios = sorted(a / b for a, b in times)
        said = f"ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        print(f"{clock:6}{name:18}{ours:8.3f} s   {other:28}{theirs:8.3f} s   {said}{goal if not which else ''}")


def sandbox(folder: Path, url: str) -> dict[str, str]:
    """An environment without anybody's keys, caches and settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(("VAST", "XDG", "RECONCILE", "PYTHON")) and "PROXY" not in name.upper()
    }
    return {
        **kept,
        "HOME": str(folder),
        "VAST_URL": url,
        "VAST_API_KEY": "benchmark",
        "VASTAI_NO_UPDATE_CHECK": "1",
        "RECONCILE_PACE": "0",
    }


def ours() -> list[str]:
    """Our command as it is installed beside this Python, as theirs is; else the package of this folder."""
    beside = Path(sys.executable).with_name("reconcile")
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "reconciler"]


def served(state: Path) -> tuple[subprocess.Popen[str], str]:
    """The simulator in a process of its own, and its address."""
    words = ["simulate", "serve", "--state", str(state), "--speed", "0", "--no-limits"]
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=sandbox(state.parent, ""),
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip().partition("=")[2]


def main() -> None:
    """Print a line for each pair of commands."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    options = parser.parse_args()
    beside = Path(sys.executable).with_name("vastai")
    official = str(beside) if beside.exists() else shutil.which("vastai")
    if official is None:
        raise SystemExit("the official client is missing: pip install vastai")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        state = account(folder, options.instances, options.seed)
        server, url = served(state)
        try:
            env = sandbox(folder, url)
            plan = [*ours(), "plan", str(folder / "benchmark.yaml"), "--exit-code"]
            show = [official, "show", "instances", "--raw"]
            ran([*plan, "--first-run"], env)
            listed = len(json.loads(ran(show, env).printed))
            assert listed == options.instances, f"the official client shows {listed} instances"
            pairs = [(ran(plan, env), ran(show, env)) for _ in range(options.runs)]
        finally:
            server.terminate()
            server.wait()
        program = [*ours(), "--help"]
        nothing = [sys.executable, "-c", "pass"]
        helps = [(ran(program, env), ran(nothing, env)) for _ in range(options.runs)]
    print(f"seed {options.seed}, {options.instances} managed instances, {options.runs} pairs, medians")
    compared("reconcile plan", "vastai show instances --raw", pairs, f", goal at most {GOAL}")
    compared("reconcile --help", "python -c pass", helps, "")


if __name__ == "__main__":
    main()
