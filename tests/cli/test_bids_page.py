"""The page about interruptible rentals shows what happens: its examples are run in their order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from schema_fields import fields_of_a_fleet

from .project import Project

PAGE = (Path(__file__).parents[2] / "docs" / "interruptible.md").read_text(encoding="utf-8")


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
    assert len(steps()) >= 7
    for command, shown in steps():
        said = project.run(*shlex.split(command)[1:]).text.splitlines()
        assert [line for line in shown if line not in said] == [], "\n".join([command, *said])


def test_every_field_stands_on_the_page() -> None:
    fields = [field for field in fields_of_a_fleet() if field.startswith("rental.") and field != "rental.outbid"]
    assert len(fields) == 5
    assert [field for field in fields if f"`{field}`" not in PAGE] == []
