"""The first screen of the README is what the commands really print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.cli import run

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """What each command of the README's first console block prints, on the README's own spec."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "voice.yaml").write_text(re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)[0])
    answers = {}
    for command in re.findall(r"^\$ reconcile (.*)$", README, re.MULTILINE):
        assert run(command.split()) == 0
        answers[command] = capsys.readouterr().out
    return answers


def shown(command: str) -> str:
    """What the README says that `command` prints."""
    return README.split(f"$ reconcile {command}\n")[1].split("```")[0].split("$ reconcile")[0].rstrip()


def test_the_plan_is_printed_as_the_readme_shows_it(printed: dict[str, str]) -> None:
    assert printed["plan specs/voice.yaml --simulate"].rstrip() == shown("plan specs/voice.yaml --simulate")


def test_apply_prints_the_lines_the_readme_shows(printed: dict[str, str]) -> None:
    told = [line for line in printed["apply specs/voice.yaml --simulate --yes"].splitlines() if line.startswith("+ ")]
    assert told == shown("apply specs/voice.yaml --simulate --yes").splitlines()
