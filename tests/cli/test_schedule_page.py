"""The page about time shows what happens: its examples are run in their order, and every line shown is said."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from .project import Project

PAGE = (Path(__file__).parents[2] / "docs" / "schedule.md").read_text(encoding="utf-8")


def blocks() -> list[tuple[str, str]]:
    """Specs and sessions, in their order."""
    return re.findall(r"^```(yaml|console)\n(.*?)^```", PAGE, re.M | re.S)


def steps(session: str) -> list[tuple[str, list[str]]]:
    """Every command with the lines that are shown below it."""
    found: list[tuple[str, list[str]]] = []
    for line in session.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def test_the_examples_do_what_the_page_shows(project: Project) -> None:
    shown_at_all = 0
    for language, text in blocks():
        if language == "yaml":
            project.write(text.splitlines()[0].removeprefix("# "), text)
            continue
        for command, shown in steps(text):
            said = project.run(*shlex.split(command)[1:]).text.splitlines()
            assert [line for line in shown if line not in said] == [], "\n".join([command, *said])
            shown_at_all += len(shown)
    assert shown_at_all >= 8
