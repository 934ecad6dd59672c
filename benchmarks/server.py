"""How many requests a second the simulator's server answers, beside a bare server that answers a constant.

    python benchmarks/server.py [--instances 25] [--seconds 2]

One client, one kept connection, loopback; server and client are processes of their own. The bare server is the standard
library's, with Nagle's algorithm off, and answers bytes of the same length: what is left is routing, reading the
account and writing JSON. The two are measured in turns within one run, so that a busy machine troubles both alike; the
medians and their ratio are printed. The world's clock stands still, and its limiter is off.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing as mp
import statistics
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection

from reconciler.simulator.door import Asked, Outcome
from reconciler.simulator.past import unlimited
from reconciler.simulator.server import SimulatorServer
from reconciler.simulator.simulation import begun
from reconciler.simulator.world import World

KEY = {"Authorization": "Bearer benchmark"}
ROUNDS = 5


class Unlimited:
    """The door without a limiter."""

    def __init__(self, world: World) -> None:
        self._world = world

    def handle(self, asked: Asked) -> Outcome:
        """The engine's answer."""
        with unlimited(self._world):
            return Outcome(asked.to(self._world))


def simulator(instances: int, told: Connection) -> None:
    """Serve a world with this many instances; say the port and the ids."""
    world = begun(None, None)
    ids: list[int] = []
    while len(ids) < instances:
        world.advance(60)
        wanted = json.dumps({"verified": {"in": [True, False]}, "limit": 64}).encode()
        found = Asked("POST", "/api/v0/bundles/", "", KEY, wanted).to(world)
        for offer in json.loads(found.body)["offers"]:
            world.advance(60)
            rent = Asked("PUT", f"/api/v0/asks/{offer['id']}/", "", KEY, b'{"image": "acme/app:1", "disk": 8}').to(
                world
            )
            if len(ids) < instances and rent.status == 200:
                ids.append(json.loads(rent.body)["new_contract"])
    with SimulatorServer(world) as server:
        server.service.door = Unlimited(world)  # type: ignore[assignment]
        told.send((int(server.url.rpartition(":")[2]), ids[0]))
        told.recv()


def bare(body: bytes, told: Connection) -> None:
    """Serve these bytes, whatever is asked for."""

    class Constant(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self.send_response_only(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Constant) as server:
        told.send(server.server_port)
        server.serve_forever()


def rate(port: int, path: str, seconds: float) -> tuple[float, bytes]:
    """Requests a second, and the last body."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    body, count = b"", 0
    start = time.perf_counter()
    while (took := time.perf_counter() - start) < seconds:
        connection.request("GET", path, headers=KEY)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        count += 1
    connection.close()
    return count / took, body


def measured(port: int, path: str, seconds: float, context: mp.context.SpawnContext) -> tuple[float, float, int]:
    """Medians of the simulator and of the bare server, in turns, and the length of the answer."""
    _, body = rate(port, path, 0.2)
    here, there = context.Pipe()
    process = context.Process(target=bare, args=(body, there), daemon=True)
    process.start()
    other = here.recv()
    rate(other, path, 0.2)
    pairs = [(rate(port, path, seconds / ROUNDS)[0], rate(other, path, seconds / ROUNDS)[0]) for _ in range(ROUNDS)]
    process.terminate()
    process.join()
    return statistics.median(ours for ours, _ in pairs), statistics.median(theirs for _, theirs in pairs), len(body)


def main() -> None:
    """Print a line for each request."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each of the two, and each request")
    options = parser.parse_args()
    context = mp.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=simulator, args=(options.instances, there), daemon=True)
    process.start()
    port, number = here.recv()
    paths = {
        "account": "/api/v0/users/current",
        "show": f"/api/v0/instances/{number}/",
        f"list, {min(options.instances, 25)} of {options.instances} rows": "/api/v1/instances/",
    }
    print(f"{'':24}{'bytes':>8}{'simulator':>12}{'bare':>10}{'ratio':>8}   requests a second, one connection")
    for name, path in paths.items():
        ours, theirs, length = measured(port, path, options.seconds, context)
        print(f"{name:24}{length:8}{ours:12,.0f}{theirs:10,.0f}{ours / theirs:8.2f}")
    here.send("enough")
    process.join()


if __name__ == "__main__":
    main()
