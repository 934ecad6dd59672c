"""What the simulated market costs: a search, a week without calls, a start with a saved state.

    python benchmarks/market.py [--machines 10000] [--instances 100] [--runs 15] [--seed 82]

Shows, in CPU time of this process (medians; nothing waits for a network or a disk):

- that a search with 64 rows on a market of 10,000 machines, asked at the engine's door, costs at most 3 times what the
  JSON encoding of its own answer costs. The two are measured in turns. On the gentle market a minute passes between two
  searches; on the lively one, too, and what others did meanwhile is in its figure. The first search of a process is
  printed by itself: it draws the machines that it looks at. (The goal is not for the search of rented ones, too: it
  weighs four times as many asks);
- that a simulated week of an account with 100 instances, on the lively market and without client calls, takes seconds;
- that reading a state file in which all 10,000 machines have changed takes less than twice the parsing of its JSON. The
  market itself is made when somebody first looks at it, and that is printed beside.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from reconciler.simulator import state
from reconciler.simulator.door import Asked
from reconciler.simulator.generate import DEFAULT_SEED
from reconciler.simulator.laws import GENTLE, LIVELY, Laws
from reconciler.simulator.origin import Generated, beginning
from reconciler.simulator.world import World

KEY = {"Authorization": "Bearer benchmark"}

SEARCHES: dict[str, dict[str, object]] = {
    "without filters": {},
    "RTX 4090": {"gpu_name": {"eq": "RTX 4090"}},
    "by price": {"num_gpus": {"gte": 1}, "dph_total": {"lte": 2.5}, "order": [["dph_total", "asc"]]},
    "any verification": {"verified": {"in": [True, False]}},
    "any, by price": {"verified": {"in": [True, False]}, "dph_total": {"lte": 2.5}, "order": [["dph_total", "asc"]]},
    "rented ones, too": {"rentable": {"in": [True, False]}},
}


def world_of(seed: int, machines: int, laws: Laws) -> World:
    """A new world without a limiter."""
    origin = Generated(seed, machines)
    world = World(origin, *beginning(origin), laws)
    world.limited = False
    return world


def cpu(act: Callable[[], object]) -> float:
    """CPU seconds."""
    start = time.process_time()
    act()
    return time.process_time() - start


def search(world: World, query: object) -> bytes:
    """The answer's bytes."""
    return Asked("POST", "/api/v0/bundles/", "", KEY, json.dumps(query).encode()).to(world).body


def encoded(content: object) -> bytes:
    """As the simulator encodes its answers."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def searches(seed: int, machines: int, runs: int, name: str, laws: Laws) -> None:
    """A line for each search."""
    world = world_of(seed, machines, laws)
    print(f"{name} market, first search of the process: {cpu(lambda: search(world, {})) * 1e3:.0f} ms")
    for about, query in SEARCHES.items():
        pairs, rows = [], 0
        search(world, query)
        for _ in range(runs):
            world.advance(60)
            start = time.process_time()
            answer = search(world, query)
            spent = time.process_time() - start
            content = json.loads(answer)
            rows = len(content["offers"])
            pairs.append((spent, cpu(partial(encoded, content))))
        ours, encoding = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(
            f"  {about:18}{rows:4} rows{ours * 1e3:8.1f} ms   its JSON{encoding * 1e3:7.1f} ms   ratio {ratio:.1f}"
            f"{'' if 'rentable' in query else ', goal at most 3'}"
        )


def week(seed: int, machines: int, instances: int) -> World:
    """Rent, and let seven days pass."""
    world = world_of(seed, machines, LIVELY)
    world.add_credit(1e6)
    while len(world.contracts) < instances:
        world.advance(60)
        for offer in json.loads(search(world, {}))["offers"]:
            if len(world.contracts) < instances:
                body = b'{"image": "acme/app:1", "disk": 8}'
                Asked("PUT", f"/api/v0/asks/{offer['id']}/", "", KEY, body).to(world)
    took = cpu(lambda: world.advance(7 * 86400))
    looked = cpu(world.market)
    print(
        f"a week of {instances} instances, lively, no calls: {took:.2f} s; then the first look at the market: "
        f"{looked:.2f} s, goal seconds"
    )
    return world


def start(world: World, runs: int) -> None:
    """Read a state file, and parse it, in turns."""
    for machine in world.market().machines:
        machine.changed = True
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "world.json"
        state.save(world, path)
        content = path.read_bytes()
        pairs = []
        for _ in range(runs):
            gc.collect()
            loading = cpu(lambda: state.load(path))
            gc.collect()
            pairs.append((loading, cpu(lambda: json.loads(content))))
        loaded = state.load(path)
        assert loaded is not None
        looked = cpu(loaded.market)
    ours, parsing = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(
        f"start, a state of {len(world.market_changes())} machines, {len(content) / 1e6:.1f} MB: {ours * 1e3:.1f} ms"
        f"   its JSON {parsing * 1e3:.1f} ms   ratio {ratio:.2f}, goal below 2; first look at its market {looked:.2f} s"
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--machines", type=int, default=10_000)
    parser.add_argument("--instances", type=int, default=100)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.machines} machines, CPU time, medians of {options.runs}")
    searches(options.seed, options.machines, options.runs, "gentle", GENTLE)
    searches(options.seed, options.machines, options.runs, "lively", LIVELY)
    start(week(options.seed, options.machines, options.instances), options.runs)


if __name__ == "__main__":
    main()
