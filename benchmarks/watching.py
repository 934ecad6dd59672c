"""`reconcile watch` for many passes in virtual time: seconds, memory, objects. Instances fail on the way.

    python benchmarks/watching.py --passes 10000

Everything is as in the command, but for the log, which nobody reads: specs in files, the ledger in a file, the
simulated account over its own HTTP client.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from reconciler.cli.apply import stand_in
from reconciler.cli.compose import World, open_world
from reconciler.cli.listening import Board
from reconciler.cli.options import Scope, Shape, Where
from reconciler.cli.rereading import Specs
from reconciler.cli.screen import Screen
from reconciler.cli.watch import Bench, code_of
from reconciler.core.guards import Allowed
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


def main() -> None:
    """Watch in a folder of its own, and print a line for each tenth of the passes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=1000)
    parser.add_argument("--folder", help="where to keep the ledger; a memory disk spares the fsyncs")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        os.chdir(folder)
        Path("specs").mkdir()
        Path("specs/june.yaml").write_text(json.dumps(SPEC))
        scope = Scope(("specs/",), (), None)
        specs = Specs(scope, Screen(Shape("text", True)), Allowed(), first_run=True)
        with open_world(Where(True, None, 7, Path(".reconcile/simulated.json"))) as world:
            measure(world, specs, asked.passes)


def measure(world: World, specs: Specs, passes: int) -> None:
    """Run and sample."""
    bench = Bench(world, specs, stand_in, lambda _: None, Board(world.clock.now))
    dice = random.Random(1)
    watch = Watch(bench, Rhythm(60.0, FAILS_EVERY, dice.random), code_of)
    watch.run()
    began = time.monotonic()
    print("passes    seconds   CPU s   blocks  objects  peak MB", flush=True)
    for done in range(FAILS_EVERY, passes + 1, FAILS_EVERY):
        assert world.simulation is not None
        world.simulation.fail(dice.choice(world.simulation.instances())["id"], "exited")
        watch.run()
        if done % max(FAILS_EVERY, passes // SAMPLES) == 0:
            gc.collect()
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            spent = f"{done:6}  {time.monotonic() - began:9.1f}  {time.process_time():6.1f}"
            print(f"{spent}  {sys.getallocatedblocks():7}  {len(gc.get_objects()):7}  {peak:7.1f}", flush=True)


if __name__ == "__main__":
    main()
