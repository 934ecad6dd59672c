"""`reconcile watch` for many passes in virtual time: seconds, memory, objects. Instances fail on the way.

    python benchmarks/watching.py --passes 10000

Everything is as in the command, but for the log, which nobody reads: specs in files, the ledger in a file, HTTP, looks
at instances. The simulated account lives in another process behind a pipe, so that what this one holds is the watch's
own: a world remembers its market for ever, an account elsewhere is nobody's memory here.

Ends with an error when the watch holds more after the last tenth of the passes than the bounds below allow.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.cli.apply import stand_in
from reconciler.cli.compose import World
from reconciler.cli.listening import Board
from reconciler.cli.options import Scope, Shape
from reconciler.cli.rereading import Specs
from reconciler.cli.screen import Screen
from reconciler.cli.virtual import VirtualProbe
from reconciler.cli.watch import Bench, code_of
from reconciler.clock import StoppingClock
from reconciler.core.calls import Calls
from reconciler.core.guards import Allowed
from reconciler.core.settle import Settle
from reconciler.probe.known_hosts import KnownHosts
from reconciler.simulator.clock import SimulatedClock
from reconciler.simulator.door import SoundDoor
from reconciler.simulator.simulation import open_simulation
from reconciler.simulator.transport import SimulatedTransport
from reconciler.vast.client import Wire
from reconciler.vast.key import ApiKey
from reconciler.vast.pacing import Pacing
from reconciler.vast.provider import VastProvider
from reconciler.watch import Rhythm, Watch

SPEC = {
    "kind": "Fleet",
    "name": "june",
    "replicas": 2,
    "gpu": {"models": ["RTX 3060", "RTX 3090"]},
    "price": {"max_per_hour": 0.5},
    "container": {"image": "ghcr.io/acme/june:1"},
}
FAILS_EVERY = 500
SAMPLES = 10
SEED = 7
MOST_BLOCKS, MOST_OBJECTS, MOST_MB = 3_000, 500, 2.0
"""So much more may be held at the end than after the first tenth: of 10,000 passes, one block of memory in three."""


class Sample(NamedTuple):
    """What a process holds."""

    blocks: int
    objects: int
    peak_mb: float


def sample() -> Sample:
    """What this process holds now."""
    gc.collect()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Sample(sys.getallocatedblocks(), len(gc.get_objects()), peak)


# --- the world, in a process of its own ------------------------------------------------------------------------------


def serve(to: Connection, folder: str) -> None:
    """Do in the world what the other side asks for, and say what time it is then, until it goes away."""
    with open_simulation(Path(folder) / "world.json", seed=SEED) as simulation:
        parts = {
            "world": simulation.world,
            "simulation": simulation,
            "door": SoundDoor(simulation.world),
            "knocks": simulation.knocks(),
            "distances": simulation.probe(),
        }
        try:
            to.send((None, simulation.world.now))
            while True:
                part, name, args = to.recv()
                found = sample() if part == "here" else getattr(parts[part], name)(*args)
                to.send((found, simulation.world.now))
        except EOFError:
            return


class Far:
    """One part of the world that is elsewhere: its methods are asked for over the pipe."""

    def __init__(self, line: Line, part: str) -> None:
        self._line, self._part = line, part

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """A method of that part."""
        return partial(self._line.ask, self._part, name)


class Line:
    """The pipe to the world, and its time as of the last answer."""

    def __init__(self, to: Connection) -> None:
        self._to = to
        _, self.now = to.recv()

    def ask(self, part: str, name: str, *args: Any) -> Any:
        """What a method of a part of the world answers."""
        self._to.send((part, name, args))
        found, self.now = self._to.recv()
        return found

    def advance(self, seconds: float) -> None:
        """Let the world's time pass."""
        self.ask("world", "advance", seconds)


def world_of(line: Line) -> World:
    """What `open_world` makes, with the account at the other end of the line."""
    here: Any = line  # For the clock and the transport the line is a world: it tells the time, and lets it pass.
    clock = StoppingClock(SimulatedClock(here))
    calls, hosts = Calls(), KnownHosts()
    transport = SimulatedTransport(here, _Plain(line))
    wire = Wire(
        key=ApiKey("no-key-is-needed-in-a-simulated-world"),
        origin="http://127.0.0.1",
        clock=clock,
        pacing=Pacing(clock),
        transport=transport,
        calls=calls,
    )
    knocks: Any = Far(line, "knocks")
    distances: Any = Far(line, "distances")
    probe = VirtualProbe(distances, lambda: knocks, hosts)
    ledger = Path(".reconcile/ledger.db")
    return World(VastProvider(wire, clock), clock, Settle(), wire, (), None, ledger, probe, hosts, None, calls, probe)


class _Plain:
    """The door at the other end: headers travel as plain pairs."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def handle(self, asked: Any) -> Any:
        return self._line.ask("door", "handle", asked._replace(headers=dict(asked.headers.items())))


# --- the watch -------------------------------------------------------------------------------------------------------


def main() -> None:
    """Watch in a folder of its own, and print a line for each tenth of the passes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=1000)
    parser.add_argument("--folder", help="where to keep the ledger; a memory disk spares the fsyncs")
    asked = parser.parse_args()
    if asked.passes < 2 * FAILS_EVERY:
        parser.error(f"--passes must be at least {2 * FAILS_EVERY}")
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        os.chdir(folder)
        Path("specs").mkdir()
        Path("specs/june.yaml").write_text(json.dumps(SPEC))
        ours, theirs = multiprocessing.get_context("fork").Pipe()
        other = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, folder), daemon=True)
        other.start()
        theirs.close()
        found = measure(Line(ours), asked.passes)
        ours.close()
        other.join()
    judge(found)


def measure(line: Line, passes: int) -> Sequence[Sample]:
    """Run, and sample after each tenth of the passes."""
    specs = Specs(Scope(("specs/",), (), None), Screen(Shape("text", True)), Allowed(), first_run=True)
    world = world_of(line)
    board = Board(world.clock.now)
    bench = Bench(world, specs, stand_in, lambda _: None, board)
    dice, simulation, found = random.Random(1), Far(line, "simulation"), []
    watch = Watch(bench, Rhythm(60.0, FAILS_EVERY, dice.random), code_of)
    began = time.monotonic()
    print("passes    seconds   CPU s   blocks  objects  peak MB  page kB | world: blocks  peak MB", flush=True)
    for done in range(FAILS_EVERY, passes + 1, FAILS_EVERY):
        watch.run()
        simulation.fail(dice.choice(simulation.instances())["id"], "exited")
        if done % max(FAILS_EVERY, passes // SAMPLES) == 0:
            here, there, page = sample(), Sample(*Far(line, "here").sample()), len(board.metrics()) / 1000
            found.append(here)
            spent = f"{done:6}  {time.monotonic() - began:9.1f}  {time.process_time():6.1f}"
            own = f"{here.blocks:7}  {here.objects:7}  {here.peak_mb:7.1f}  {page:7.1f}"
            print(f"{spent}  {own} | {there.blocks:13}  {there.peak_mb:7.1f}", flush=True)
    world.wire.close()
    return found


def judge(found: Sequence[Sample]) -> None:
    """Compare what is held at the end with what was held after the first tenth."""
    bounds: Mapping[str, float] = {"blocks": MOST_BLOCKS, "objects": MOST_OBJECTS, "peak_mb": MOST_MB}
    for name, most in bounds.items():
        more = getattr(found[-1], name) - getattr(found[0], name)
        print(f"{name}: {more:+.6g} since the first tenth, at most {most:+g}")
        assert more <= most, f"the watch grows: {more:+g} {name}"


if __name__ == "__main__":
    main()
