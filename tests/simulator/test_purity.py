"""The engine never reads the system's clock or randomness: its modules name neither, and a day runs without them."""

from __future__ import annotations

import ast
import json
import os
import random
import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.simulator import simulation
from reconciler.simulator.door import Asked
from reconciler.simulator.state import content_of

from .doors import KEY
from .served import village

ENGINE = Path(simulation.__file__).parent

PACING = {
    "service.py": "runs the world's clock beside the real one",
    "server.py": "serves sockets",
    "connection.py": "gives up on who sends nothing",
    "shells.py": "serves SSH sockets",
    "boxes.py": "serves SSH sockets",
    "health.py": "serves health checks",
    "keys.py": "makes real key pairs for SSH",
    "logins.py": "serves SSH sockets",
}
"""Modules that pace real time for sockets, and why. None of them decides what happens in the world."""

OF_THE_SYSTEM = {"time", "secrets", "uuid"}
"""Modules of which the engine uses nothing."""

OF_NOW = {"now", "utcnow", "today"}
"""Calls without a moment given, on `datetime` and `date`."""


def reads(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Lines that read the clock or chance of the system."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, one.name) for one in names if one.name.partition(".")[0] in OF_THE_SYSTEM)
            case ast.ImportFrom(module=str(module), names=names):
                if module in OF_THE_SYSTEM:
                    yield node.lineno, module
                for one in names:
                    if (module == "random" and one.name != "Random") or one.name in ("urandom", "getrandom"):
                        yield node.lineno, f"{module}.{one.name}"
            case ast.Attribute(value=ast.Name(id="random"), attr=name) if name != "Random":
                yield node.lineno, f"random.{name}"
            case ast.Attribute(value=ast.Name(id="os"), attr=("urandom" | "getrandom" | "times") as name):
                yield node.lineno, f"os.{name}"
            case ast.Attribute(value=ast.Name(id="datetime" | "date"), attr=name) if name in OF_NOW:
                yield node.lineno, f"datetime.{name}"
            case ast.Call(func=ast.Attribute(attr="Random") | ast.Name(id="Random"), args=[]):
                yield node.lineno, "random.Random()"
            case ast.Call(func=ast.Name(id="id" | "hash") as called):  # they differ from process to process
                yield node.lineno, f"{called.id}()"


@pytest.mark.parametrize(
    "path", [path for path in sorted(ENGINE.glob("*.py")) if path.name not in PACING], ids=lambda path: path.name
)
def test_a_module_of_the_engine_names_no_clock_and_no_chance_of_the_system(path: Path) -> None:
    assert list(reads(ast.parse(path.read_text(encoding="utf-8")))) == []


def test_the_exceptions_exist() -> None:
    assert {name for name in PACING if not (ENGINE / name).exists()} == set()


@pytest.mark.parametrize(
    "code",
    [
        "import time", "from time import monotonic", "import random\nrandom.random()", "from random import choice",
        "import os\nos.urandom(8)", "from os import urandom", "import secrets", "import uuid",
        "from datetime import datetime\ndatetime.now()", "import random\nrandom.Random()", "hash('x')",
    ],
)  # fmt: skip
def test_the_walk_finds_what_it_looks_for(code: str) -> None:
    assert list(reads(ast.parse(code)))


def forbidden(name: str) -> Callable[..., Any]:
    def read(*_: object, **__: object) -> Any:
        raise AssertionError(f"the engine called {name}")

    return read


CLOCKS = (
    "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep", "localtime",
    "process_time",
)  # fmt: skip
CHANCES = (
    "random", "randint", "choice", "choices", "uniform", "sample", "shuffle", "randrange", "expovariate", "gauss",
    "getrandbits", "randbytes", "seed",
)  # fmt: skip


def day(seed: int) -> bytes:
    """A day on a small market, from its drawing to its state file: searches, rents, a bid, a stop, an end."""
    world = village(seed)
    made: list[int] = []
    for hour in range(8):
        for kind in ("on-demand", "bid"):
            world.advance(61)
            status, found = sent(world, "POST", "/api/v0/bundles/", {"verified": {}, "type": kind, "limit": 8})
            assert status == 200
            for offer in found["offers"][:2]:
                world.advance(13)
                body = {"image": "acme/app:1", "disk": 10, "label": f"l{hour}"}
                price = {"price": offer["min_bid"] * 1.2} if kind == "bid" else {}
                status, rented = sent(world, "PUT", f"/api/v0/asks/{offer['id']}/", {**body, **price})
                if status == 200 and rented.get("success"):
                    made.append(rented["new_contract"])
        world.advance(30)
        assert sent(world, "GET", "/api/v1/instances/")[0] == 200
        if made:
            world.advance(30)
            sent(world, "PUT", f"/api/v0/instances/{made[-1]}/", {"state": "stopped"})
        if len(made) > 6:
            world.advance(30)
            sent(world, "DELETE", f"/api/v0/instances/{made.pop(0)}/", {})
        world.advance(3 * 3600)
    assert made
    return content_of(world)


def sent(world: Any, method: str, path: str, body: object = None) -> tuple[int, Any]:
    asked = Asked(method, path, "", KEY, b"" if body is None else json.dumps(body).encode())
    reply = asked.to(world)
    return reply.status, json.loads(reply.body)


def test_a_day_runs_the_same_without_the_systems_clock_and_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    free = day(3)
    with monkeypatch.context() as gone:
        for name in CLOCKS:
            gone.setattr(time, name, forbidden(f"time.{name}"))
        for name in CHANCES:
            gone.setattr(random, name, forbidden(f"random.{name}"))
        gone.setattr(os, "urandom", forbidden("os.urandom"))
        gone.setattr(secrets, "token_bytes", forbidden("secrets.token_bytes"))
        gone.setattr(secrets, "token_hex", forbidden("secrets.token_hex"))
        gone.setattr(uuid, "uuid4", forbidden("uuid.uuid4"))
        gone.setattr(uuid, "uuid1", forbidden("uuid.uuid1"))
        bound = day(3)
    assert bound == free
    assert day(4) != free
