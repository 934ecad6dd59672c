"""A command imports what it needs and no more: start-up time is what cron and completion feel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from simulator.served import village

import reconciler
from reconciler.simulator.server import SimulatorServer

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"jsonschema", "httpx", "paramiko", "deepdiff", "rich", "yaml", "sqlite3"}
PROGRAM = """
import json, os, sys
code = 0
os._exit = sys.exit  # what was loaded is written down before the process ends
sys.argv = ["reconcile", *sys.argv[2:]]
from reconciler.__main__ import main
try:
    main()
except SystemExit as end:
    code = end.code or 0
with open({told!r}, "w") as file:
    json.dump([code, sorted(name for name, module in sys.modules.items() if module)], file)
"""


ONE = """\
kind: Fleet
name: one
gpu: {models: [RTX 3060, RTX 3090, RTX 4090]}
price: {max_per_hour: 1.00}
container: {image: "acme/app:1", disk_gb: 8}
"""


def run(folder: Path, *arguments: str, **environ: str) -> tuple[int, set[str], str]:
    """The exit code of a command, the modules loaded when it ends, and what it said."""
    told = folder / "told.json"
    where = str(Path(reconciler.__file__).resolve().parents[1])
    keyless = {name: value for name, value in os.environ.items() if not name.startswith(("VAST", "RECONCILE_"))}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(told=str(told)), "--", *arguments],
        cwd=folder,
        env=keyless | {"PYTHONPATH": where, "HOME": str(folder), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.exists(), done.stderr
    code, modules = json.loads(told.read_text())
    return code, set(modules), done.stdout + done.stderr


def test_help_imports_no_heavy_library(tmp_path):
    code, modules, said = run(tmp_path, "--help")
    assert code == 0, said
    assert "plan" in said
    assert modules & HEAVY == set()


@pytest.mark.parametrize(
    "command",
    [
        "init",
        "validate",
        "plan",
        "apply",
        "watch",
        "status",
        "events",
        "leaks",
        "unlock",
        "destroy",
        "offers",
        "templates",
        "import",
        "adopt",
        "release",
        "ssh",
        "ssh-key",
        "simulate",
    ],
)
def test_help_of_a_command_imports_no_heavy_library(tmp_path, command):
    code, modules, said = run(tmp_path, command, "--help")
    assert code == 0, said
    assert modules & (HEAVY - {"yaml", "sqlite3"}) == set()


def test_validate_needs_no_network_and_no_differ(tmp_path):
    code, modules, said = run(tmp_path, "validate", str(ROOT / "specs"))
    assert code == 0, said
    assert modules & {"httpx", "paramiko", "deepdiff", "rich", "sqlite3"} == set()


def test_the_http_library_does_not_bring_its_own_command_line(tmp_path):
    code, modules, said = run(tmp_path, "plan", str(ROOT / "specs"), "--simulate")
    assert code == 0, said
    assert "httpx" in modules
    assert modules & {"httpx._main", "rich", "pygments"} == set()


PLACEMENT = {"survey", "core.place", "core.candidates", "core.demand", "core.hunt", "core.shortage", "core.latency"}
MARKET = {"core.offer", "core.clauses", "core.query_language", "vast.query_fields", "vast.search", "vast.offers"}
RENTING = {"vast.encode", "vast.renting", "vast.templates", "core.template", "core.logins", "probe.visit"}
TALES = {"core.history", "core.lease", "core.incidents", "core.trials", "core.trading", "core.rises", "views.rises"}
RARE = {"ledger.logs", "vast.logs", "vast.ssh_keys", "core.ssh_keys", "core.differences", "spec.explain"}
OTHER_SHAPES = {"views.document", "views.markdown", "views.sections", "core.report", "core.saved", "apply", "converge"}
NEVER = {"deepdiff", "paramiko", "rich", "asyncio", "concurrent.futures", "multiprocessing", "zoneinfo", "http.server"}


def test_a_plan_without_a_change_loads_nothing_that_only_changes_need(tmp_path):
    """Cron plans a fleet as it is every few minutes: what a rent, an apply or another shape needs is not loaded."""
    (tmp_path / "one.yaml").write_text(ONE, encoding="utf-8")
    world = village()
    with SimulatorServer(world, limits=False) as server:
        environ = {"VAST_URL": server.url, "VAST_API_KEY": "key", "RECONCILE_PACE": "0"}
        code, _, said = run(tmp_path, "apply", "one.yaml", "--yes", "--first-run", "--no-wait", **environ)
        assert code == 0, said
        world.advance(3600.0)
        code, modules, said = run(tmp_path, "plan", "one.yaml", **environ)
    assert code == 0, said
    assert "No changes. 1 instance not ready yet." in said
    assert (
        modules & {f"reconciler.{name}" for name in PLACEMENT | MARKET | RENTING | TALES | RARE | OTHER_SHAPES} == set()
    )
    assert modules & NEVER == set()
    assert not [name for name in modules if name.startswith("reconciler.simulator")]
    assert not [name for name in modules if _defines_slowly(name)]


def _defines_slowly(name: str) -> bool:
    """Whether a module of ours has frozen classes of the standard library's making, which takes three times as long."""
    path = Path(reconciler.__file__).parents[1] / f"{name.replace('.', '/')}.py"
    text = path.read_text(encoding="utf-8") if name.startswith("reconciler.") and path.is_file() else ""
    return "@dataclass(frozen=True, slots=True)" in text and "from reconciler.values import dataclass" not in text


def test_help_is_quick_for_importlib_metadata_too(tmp_path):
    """Reading the installed version costs three bare starts: the version is a constant instead."""
    assert "importlib.metadata" not in run(tmp_path, "--help")[1]


SCRIPTS = sorted(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"].items())
PRESSED = """
import os, runpy, signal, sys
class Pressing:
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Pressing())
{begin}
"""
BEGINNINGS = {
    **{
        name: f"from {module} import {called}\nsys.exit({called}())"
        for name, (module, called) in ((name, place.split(":")) for name, place in SCRIPTS)
    },
    "python -m reconciler": "runpy.run_module('reconciler', run_name='__main__')",
}


@pytest.mark.parametrize("begin", BEGINNINGS.values(), ids=BEGINNINGS.keys())
@pytest.mark.parametrize("module", ["reconciler.cli", "click", "reconciler.cli.status"])
def test_ctrl_c_while_the_imports_run_is_no_traceback(tmp_path, begin, module):
    program = (
        f"import sys; sys.argv = ['reconcile', 'status', '--simulate']\n{PRESSED.format(module=module, begin=begin)}"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr.strip(), done.stdout) == (130, "interrupted", "")
