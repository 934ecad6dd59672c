"""The page about guards shows what happens: its examples are run in their order, and every line shown is said."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from .project import Project

PAGE = (Path(__file__).parents[2] / "docs" / "guards.md").read_text(encoding="utf-8")


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


def test_the_examples_do_what_the_page_shows(project: Project) -> None:
    (spec,) = blocks("yaml")
    project.write(spec.splitlines()[0].removeprefix("# "), spec)
    assert len(steps()) > 20
    for command, shown in steps():
        said = project.run(*shlex.split(command)[1:]).text.splitlines()
        assert [line for line in shown if line not in said] == [], "\n".join([command, *said])


def test_every_guard_that_the_code_names_stands_on_the_page() -> None:
    core = Path(__file__).parents[2] / "reconciler" / "core"
    code = "".join(path.read_text(encoding="utf-8") for path in sorted(core.glob("*guards.py")))
    names = set(re.findall(r'Held\(\s*"([a-z ]+)"', code))
    assert {"frozen seat", "added per hour", "unasked destroys"} <= names
    table = PAGE[: PAGE.index("## What one run may add")]
    assert [name for name in sorted(names) if not all(word in table for word in name.split())] == []
