"""Real machines are measured over the real network, simulated ones never."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.cli.compose import open_world
from reconciler.cli.options import Where
from reconciler.errors import Interrupted
from reconciler.probe.latency import TcpProbe, is_public
from reconciler.simulator.distances import Distances

from .project import Project


def test_simulated_machines_answer_in_simulated_time(project: Project) -> None:
    with open_world(Where(True, None, 7, Path("state.json"))) as world:
        assert isinstance(world.probe, Distances)
        began = world.clock.now()
        assert world.probe.latency_ms(["203.0.113.77"], 30.0) == {}
        assert world.clock.now() - began == pytest.approx(30.0)


def test_the_real_network_is_asked_about_public_addresses_only(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAST_API_KEY", "a-key-of-sixty-four-characters".ljust(64, "0"))
    monkeypatch.setenv("VAST_URL", "http://127.0.0.1:1")
    with open_world(Where(False, None, None, Path("state.json"))) as world:
        assert isinstance(world.probe, TcpProbe)
        assert world.probe.allowed is is_public
        world.clock.stop()
        with pytest.raises(Interrupted):
            world.probe.check()
