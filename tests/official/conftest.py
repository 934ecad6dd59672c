"""A world, a server and the official client for each test; the client is loaded once in each process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.simulator.server import SimulatorServer
from reconciler.simulator.simulation import open_simulation

from .client import OfficialClient
from .desks import SPEED, Desk


@pytest.fixture(scope="session")
def official_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfficialClient]:
    folder = tmp_path_factory.mktemp("official")
    with open_simulation(folder / "world.json") as simulation, SimulatorServer(simulation) as server:
        client = OfficialClient(folder, server.url)
    yield client
    client.close()


def _desk(folder: Path, client: OfficialClient, speed: float) -> Iterator[Desk]:
    with open_simulation(folder / "world.json") as simulation, SimulatorServer(simulation, speed=speed) as server:
        yield Desk(simulation, server, client)
        assert server.service.failures == []


@pytest.fixture
def desk(tmp_path: Path, official_client: OfficialClient) -> Iterator[Desk]:
    yield from _desk(tmp_path, official_client, SPEED)


@pytest.fixture
def still_desk(tmp_path: Path, official_client: OfficialClient) -> Iterator[Desk]:
    """A desk whose clock moves by hand only: whoever comes too early stays too early."""
    yield from _desk(tmp_path, official_client, 0.0)
