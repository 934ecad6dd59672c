"""A command imports what it needs and no more: start-up time is what cron and completion feel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import reconciler

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"jsonschema", "httpx", "paramiko", "deepdiff", "rich", "yaml", "sqlite3"}
PROGRAM = """
import json, sys
code = 0
sys.argv = ["reconcile", *sys.argv[2:]]
from reconciler.cli import main
try:
    main()
except SystemExit as end:
    code = end.code or 0
with open({told!r}, "w") as file:
    json.dump([code, sorted(name for name, module in sys.modules.items() if module)], file)
"""


def run(folder: Path, *arguments: str) -> tuple[int, set[str], str]:
    """The exit code of a command, the modules loaded when it ends, and what it said."""
    told = folder / "told.json"
    where = str(Path(reconciler.__file__).resolve().parents[1])
    keyless = {name: value for name, value in os.environ.items() if not name.startswith(("VAST", "RECONCILE_"))}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(told=str(told)), "--", *arguments],
        cwd=folder,
        env=keyless | {"PYTHONPATH": where, "HOME": str(folder)},
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


def test_help_is_quick_for_importlib_metadata_too(tmp_path):
    """Reading the installed version costs three bare starts: the version is a constant instead."""
    assert "importlib.metadata" not in run(tmp_path, "--help")[1]
