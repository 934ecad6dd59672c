from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler import cli

from .project import Outcome, Project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    """An empty folder to work in, far from any account: a home of its own, no key, no ledger of anybody."""
    folder = tmp_path / "work"
    (folder / ".git").mkdir(parents=True)
    for name in [name for name in os.environ if name.startswith(("VAST", "RECONCILE_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home" / "state"))
    monkeypatch.chdir(folder)

    def run(*args: str) -> Outcome:
        capsys.readouterr()
        code = cli.run(list(args))
        out, err = capsys.readouterr()
        return Outcome(args, code, out, err)

    return Project(folder, run)
