"""What the tests of the simulator share: a world, and a caller at its door."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from reconciler.simulator.queries import understood
from reconciler.simulator.simulation import Simulation, open_simulation

KEY = {"Authorization": "Bearer a-key"}

RECORDINGS = (
    "offers-2024-11-05-full-market.json",
    "offers-2026-02-28T220808Z-nine-models.json",
    "offers-2026-02-28T220832Z-nine-models.json",
)

ANYTHING: dict[str, Any] = {"verified": {}, "rentable": {}}
"""Filters that take away the server's defaults."""


def recording(name: str) -> Path:
    """A recorded market's file; the test is skipped when the folder is not named."""
    folder = os.environ.get("RECONCILE_MARKET_DATA")
    if not folder:
        pytest.skip("RECONCILE_MARKET_DATA does not name the folder of the recorded markets")
    return Path(folder) / name


class Caller:
    """Sends requests to a world's door and waits between them as long as the limiter wants."""

    def __init__(self, simulation: Simulation, *, patient: bool = True) -> None:
        self.simulation = simulation
        self.patient = patient

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **query: Any
    ) -> Any:
        if self.patient:
            self.simulation.advance(6.1)
        content = b"" if body is None else json.dumps(body).encode()
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in query.items()}
        status, got, answer = self.simulation.handle(
            method, path, urlencode(texts), KEY if headers is None else headers, content
        )
        return status, json.loads(answer) if got["content-type"] == "application/json" else answer

    def ok(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        status, content = self.send(method, path, body, **query)
        assert status == 200, content
        return content

    def search(self, **conditions: Any) -> list[dict[str, Any]]:
        offers: list[dict[str, Any]] = self.ok("POST", "/api/v0/bundles/", conditions)["offers"]
        return offers

    def everything(self, **conditions: Any) -> list[dict[str, Any]]:
        """Every ask that a search without bundles and cut would show."""
        world = self.simulation._world
        market, query = world.market(), understood(conditions)
        rows = (market.row(ask, world.now, query.storage, bid=query.bid) for ask in market.asks())
        return [row for row in rows if all(query.holds(field, row) for field in query.conditions)]

    def rent(self, ask_id: int, **body: Any) -> Any:
        return self.send("PUT", f"/api/v0/asks/{ask_id}/", {"image": "acme/app:1", "disk": 10, **body})

    def rented(self, ask_id: int, **body: Any) -> int:
        status, content = self.rent(ask_id, **body)
        assert status == 200, content
        assert content["success"], content
        return int(content["new_contract"])

    def show(self, instance_id: int) -> Any:
        return self.ok("GET", f"/api/v0/instances/{instance_id}/")["instances"]

    def listed(self, **query: Any) -> Any:
        return self.ok("GET", "/api/v1/instances/", **query)

    def credit(self) -> float:
        return float(self.ok("GET", "/api/v0/users/current")["credit"])


def market(kind: str, folder: Path) -> Iterator[Caller]:
    """A world on the generated market, or on a recorded one by its file's name."""
    source = None if kind == "generated" else recording(kind)
    with open_simulation(folder / "world.json", market=source) as simulation:
        yield Caller(simulation)
