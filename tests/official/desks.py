"""A simulated world behind HTTP, with Vast.ai's own client before it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from reconciler.simulator.server import SimulatorServer
from reconciler.simulator.simulation import Simulation

from .client import KEY, OfficialClient, Ran

SPEED = 20.0
"""Simulated seconds in a real one: enough for the client's own repetitions to find an open route."""

Row = dict[str, Any]


class Desk:
    """What the tests do: run the client, let time pass, look at the world."""

    def __init__(self, simulation: Simulation, server: SimulatorServer, client: OfficialClient) -> None:
        self.simulation = simulation
        self.service = server.service
        self.url = server.url
        self.client = client

    def run(self, *words: object, key: str | None = KEY) -> Ran:
        """A command line, after a wait that opens every route of the limiter."""
        self.wait(13)
        return self.client.command(self.url, *words, key=key)

    def said(self, *words: object) -> str:
        """The output of a command that succeeds."""
        ran = self.run(*words)
        assert (ran.code, ran.err) == (0, ""), ran
        return ran.out.strip()

    def raw(self, *words: object) -> Any:
        """The same as JSON."""
        return json.loads(self.said(*words, "--raw"))

    def call(self, method: str, *args: object, of: str = "VastAI", **kwargs: object) -> Any:
        """A method of the library."""
        self.wait(13)
        return self.client.method(self.url, method, *args, of=of, **kwargs)

    def wait(self, seconds: float) -> None:
        self.service.advance(seconds)

    def until(self, state: Callable[[], bool], seconds: float = 600) -> None:
        """Let time pass until something holds."""
        for _ in range(int(seconds / 5)):
            if state():
                return
            self.wait(5)
        raise AssertionError("it never came about")

    def row(self, instance_id: int) -> Row:
        with self.service.lock:
            return next(row for row in self.simulation.instances() if row["id"] == instance_id)

    def until_status(self, instance_id: int, status: str) -> None:
        self.until(lambda: self.row(instance_id)["actual_status"] == status)

    def offers(self, query: str = "num_gpus=1 direct_port_count>=5 dph<1", *more: object) -> list[Row]:
        offers: list[Row] = self.raw("search", "offers", query, "-o", "dph", *more)
        return offers

    def created(self, *more: object) -> int:
        """A new instance on the cheapest offer."""
        answer = self.raw("create", "instance", self.offers()[0]["id"], "--image", "acme/app:1", *more)
        assert answer["success"], answer
        return int(answer["new_contract"])

    def running(self, *more: object) -> int:
        instance_id = self.created("--ssh", "--direct", *more)
        self.until_status(instance_id, "running")
        return instance_id
