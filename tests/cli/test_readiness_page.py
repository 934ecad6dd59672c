"""The page about readiness: its specs load, its commands say what is shown, and its tables are those of the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import get_args

from reconciler.core.readiness import CheckKind
from reconciler.core.states import State
from reconciler.spec.load import load

from .project import Project

PAGE = (Path(__file__).parents[2] / "docs" / "readiness.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def steps() -> list[tuple[str, list[str]]]:
    """Every command with the lines that are shown below it."""
    found: list[tuple[str, list[str]]] = []
    for line in "".join(blocks("console")).splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def written(project: Project) -> None:
    for spec in blocks("yaml"):
        project.write(spec.splitlines()[0].removeprefix("# "), spec)


def test_the_specs_load_as_the_page_explains_them(project: Project) -> None:
    written(project)
    loaded = load(["specs/"])
    [june] = loaded.fleets
    assert loaded.warnings == ()
    assert [str(check) for check in june.readiness.checks or ()] == ["ssh", "gpu", "http 8000/healthz"]
    assert (june.readiness.boot_timeout_s, june.health.unhealthy_after_s) == (1200, 600)
    rules = loaded.policy.strikes
    assert (rules.after, rules.for_s, rules.doubling, rules.at_most_s) == (1, 86_400, True, 14 * 86_400)


def test_the_examples_say_what_the_page_shows(project: Project) -> None:
    written(project)
    assert len(steps()) >= 5
    for command, shown in steps():
        outcome = project.run(*shlex.split(command)[1:])
        said = outcome.text.splitlines()
        assert outcome.code == 0, outcome.text
        assert [line for line in shown if line not in said] == [], "\n".join([command, *said])


def test_every_check_and_every_state_stands_in_its_table() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]
    for kind in get_args(CheckKind):
        assert any(row.startswith(f"| `{kind}: ") for row in rows), kind
    assert {state.value for state in State} <= {row.split("|")[1].strip() for row in rows}
