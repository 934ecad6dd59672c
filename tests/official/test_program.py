"""The program `vastai` as it is installed, with nothing but `VAST_URL` to tell it where Vast.ai is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from reconciler.simulator.server import SimulatorServer
from reconciler.simulator.simulation import open_simulation

from .client import KEY, sandbox

PROGRAM = Path(sys.executable).with_name("vastai")


def test_the_installed_program_takes_the_simulator_for_the_real_one(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "config").mkdir(parents=True)
    with open_simulation(tmp_path / "world.json") as simulation, SimulatorServer(simulation) as server:
        ran = subprocess.run(
            [PROGRAM, "show", "user", "--raw"], env={**sandbox(home, server.url), "VAST_API_KEY": KEY}, cwd=home,
            capture_output=True, text=True, timeout=60, check=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        asked = [(entry["method"], entry["path"], entry["status"]) for entry in server.service.log]
    assert json.loads(ran.stdout)["credit"] == 250.0
    assert asked[0] == ("GET", "/api/v0/gpu_names/unique/", 200)
    assert set(asked[1:]) == {("GET", "/api/v0/users/current", 200)}
    assert (home / "config" / "vastai" / "vast_role").read_text() == "client"
