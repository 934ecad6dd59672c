"""What a user installs: a wheel that holds the schemas, the two commands and no tests."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NO_INDEX = re.compile(r"No matching distribution found|Could not find a version|Connection|Temporary failure", re.I)
LOADS_THE_SCHEMAS = """
import json, reconciler
from reconciler.spec.schema import schema_text
told = {name: json.loads(schema_text(name)) for name in ("fleet", "policy")}
print(json.dumps({"where": reconciler.__file__, "schemas": told}))
"""


def run(*command: str, cwd: Path, pythonpath: Path | None = None) -> subprocess.CompletedProcess[str]:
    env = None if pythonpath is None else {"PYTHONPATH": str(pythonpath), "HOME": str(cwd)}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False)


def copy_of_the_tree(target: Path) -> Path:
    """The project without what tools leave behind, so that nothing is built inside the checkout."""
    rubbish = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist")
    shutil.copytree(ROOT, target, ignore=rubbish)
    return target


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if importlib.util.find_spec("pip") is None:
        pytest.skip("this environment has no pip: the wheel cannot be built")
    folder = tmp_path_factory.mktemp("wheel")
    tree = copy_of_the_tree(folder / "tree")
    at_hand = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    command = [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", *at_hand, "-w", str(folder)]
    built = run(*command, cwd=tree)
    if built.returncode and not at_hand and NO_INDEX.search(built.stderr):
        pytest.skip("hatchling is not installed and no package index can be reached: the wheel cannot be built")
    assert built.returncode == 0, built.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("elsewhere")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)]
    done = run(*command, cwd=target)
    assert done.returncode == 0, done.stderr
    return target


@pytest.mark.build
def test_the_schemas_are_loaded_from_an_installation_elsewhere(installed, tmp_path):
    done = run(sys.executable, "-c", LOADS_THE_SCHEMAS, cwd=tmp_path, pythonpath=installed)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert Path(told["where"]).is_relative_to(installed)
    for name in ("fleet", "policy"):
        assert told["schemas"][name] == json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text())


@pytest.mark.build
def test_the_wheel_offers_both_commands_and_the_module(wheel, installed, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt"))
        entries = ConfigParser()
        entries.read_string(archive.read(name).decode())
    assert dict(entries["console_scripts"]) == {
        "reconcile": "reconciler.__main__:main",
        "vast-reconcile": "reconciler.__main__:main",
    }
    done = run(sys.executable, "-m", "reconciler", "--help", cwd=tmp_path, pythonpath=installed)
    assert done.returncode == 0, done.stderr
    assert "plan" in done.stdout


@pytest.mark.build
def test_the_wheel_holds_the_package_its_types_and_its_licence_and_no_tests(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "reconciler/py.typed" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"reconciler"}
    assert not [name for name in names if "test" in Path(name).name or "/tests/" in name]
