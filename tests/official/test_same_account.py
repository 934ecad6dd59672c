"""The same scenario by their client and by ours leaves the same account."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from reconciler.core.model import Container, Port
from reconciler.core.offer import RentOrder
from reconciler.provider import DestroySent, Rented
from reconciler.simulator.server import SimulatorServer
from reconciler.simulator.simulation import Simulation, open_simulation
from reconciler.vast.client import Wire
from reconciler.vast.key import ApiKey
from reconciler.vast.pacing import Pacing
from reconciler.vast.provider import VastProvider

from .client import KEY, OfficialClient
from .desks import Desk

OF_THE_MOMENT = {
    "id", "start_date", "duration", "end_date", "jupyter_token", "ssh_idx", "ssh_host", "ssh_port", "direct_port_start",
    "direct_port_end", "ports",
}  # fmt: skip
"""Fields that follow from an instance's id or from the clock."""

SCRIPT = "echo hello; sleep infinity"

Scenario = Callable[[Desk, Simulation], None]


class Clock:
    """The simulated world's, under the server's lock."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def now(self) -> float:
        return self._desk.simulation.clock.now()

    def sleep(self, seconds: float) -> None:
        self._desk.wait(max(0.0, seconds))


def offers(simulation: Simulation) -> list[int]:
    """Two asks on two machines, the same in every fresh world."""
    market = simulation.world.market()
    found = []
    for machine in market.machines:
        free = machine.occupancy.free()
        row = machine.row(free[-1], simulation.clock.now()) if free else {}
        if row and row["direct_port_count"] >= 3 and row["disk_space"] > 60 and row["end_date"]:
            found.append(machine.occupancy.ids[free[-1]])
    return found[:2]


def by_theirs(desk: Desk, simulation: Simulation) -> None:
    numbers = []
    for ask, label in zip(offers(simulation), ("rc1/a", "rc1/b"), strict=True):
        made = desk.raw(
            "create", "instance", ask, "--image", "ghcr.io/acme/june:1", "--disk", "50", "--ssh", "--direct",
            "--label", label, "--env", "-e A=1 -e B=two -p 8000:8000", "--onstart-cmd", SCRIPT, "--cancel-unavail",
        )  # fmt: skip
        numbers.append(made["new_contract"])
    desk.said("destroy", "instance", numbers[1], "-y")


def by_ours(desk: Desk, simulation: Simulation) -> None:
    clock = Clock(desk)
    wire = Wire(key=ApiKey(KEY), origin=desk.url, clock=clock, pacing=Pacing(clock))
    provider = VastProvider(wire, clock)
    container = Container(
        image="ghcr.io/acme/june:1", disk_gb=50, connect="ssh-direct", ports=(Port(8000),), onstart=SCRIPT
    )
    numbers = []
    for ask, label in zip(offers(simulation), ("rc1/a", "rc1/b"), strict=True):
        answer = provider.rent(RentOrder(ask, label, container, {"A": "1", "B": "two"}))
        assert isinstance(answer, Rented), answer
        numbers.append(answer.id)
    assert isinstance(provider.destroy(numbers[1]), DestroySent)
    assert [row.id for row in provider.instances().instances] == numbers[:1]
    wire.close()


def test_our_client_and_theirs_leave_the_same_account(tmp_path: Path, official_client: OfficialClient) -> None:
    theirs = account(tmp_path / "theirs", official_client, by_theirs)
    ours = account(tmp_path / "ours", official_client, by_ours)
    assert len(theirs) == 1
    assert theirs[0]["actual_status"] == "running"
    assert ours == theirs


def account(folder: Path, client: OfficialClient, act: Scenario) -> list[dict[str, Any]]:
    with open_simulation(folder / "world.json", seed=11) as simulation, SimulatorServer(simulation) as server:
        act(Desk(simulation, server, client), simulation)
        server.service.advance(900.0)
        return [{name: row[name] for name in row if name not in OF_THE_MOMENT} for row in simulation.instances()]
