"""Whether specs may have changed: every change shows; where an equal signature proves nothing there is none."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.errors import WrongUsage
from reconciler.spec.load import load
from reconciler.spec.signature import TICK_S, signature

SPEC = """\
kind: Fleet
name: june
gpu: {models: [RTX 3060]}
price: {max_per_hour: 0.5}
container: {image: "ghcr.io/acme/june:1", onstart: {file: start.sh}}
"""
LATER = 4_000_000_000.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/june.yaml").write_text(SPEC)
    (tmp_path / "specs/start.sh").write_text("echo a\n")
    return tmp_path


CHANGES: dict[str, Callable[[Path], object]] = {
    "a spec is written": lambda at: (at / "specs/june.yaml").write_text(SPEC + "\n"),
    "a spec is written with the same length": lambda at: (at / "specs/june.yaml").write_text(
        SPEC.replace("0.5", "0.6")
    ),
    "its time is set back": lambda at: os.utime(at / "specs/june.yaml", (1, 1)),
    "a script is written": lambda at: (at / "specs/start.sh").write_text("echo b\n"),
    "a script goes": lambda at: (at / "specs/start.sh").unlink(),
    "a spec is added": lambda at: (at / "specs/july.yaml").write_text(SPEC),
    "a spec goes": lambda at: (at / "specs/june.yaml").unlink(),
    "a policy appears above": lambda at: (at / "policy.yaml").write_text("kind: Policy\n"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_change_shows(folder, change):
    read = load(["specs"], cwd=folder).read
    before = signature(["specs"], read, LATER, cwd=folder)
    assert before == signature(["specs"], read, LATER, cwd=folder)
    assert before is not None
    change(folder)
    assert signature(["specs"], read, LATER, cwd=folder) != before


def test_of_what_was_written_a_moment_ago_there_is_no_signature(folder):
    read = load(["specs"], cwd=folder).read
    written = max(path.stat().st_ctime for path in read)
    assert signature(["specs"], read, written + TICK_S / 2, cwd=folder) is None
    assert signature(["specs"], read, written + TICK_S + 1, cwd=folder) is not None


def test_a_folder_that_is_gone_is_wrong_usage(folder):
    with pytest.raises(WrongUsage):
        signature(["nowhere"], (), LATER, cwd=folder)
