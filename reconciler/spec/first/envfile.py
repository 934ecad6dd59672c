"""Lines of NAME=value, as shells and containers read them. Nothing is expanded, and nothing is run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.diagnostics import Diagnostic
from reconciler.spec.first.setting import Setting
from reconciler.spec.page import Mark, Page, diagnose
from reconciler.spec.tree import Node

_ASSIGNMENT = re.compile(r"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*")
_KEY_OF_YAML = re.compile(r"[ \t]*(?:- )?[^=#]*:(?:\s|$)")


@dataclass(slots=True)
class EnvFile:
    """What an env file holds."""

    settings: list[Setting] = field(default_factory=list)
    """Each name once: as in a shell, the last one counts."""
    odd_lines: list[int] = field(default_factory=list)
    """Lines that assign nothing and are no comment."""
    warnings: list[Diagnostic] = field(default_factory=list)


def is_env(text: str) -> bool:
    """Whether the first line that says anything assigns a value to a name; else it is YAML or JSON."""
    if text.lstrip().startswith(("{", "[")):
        return False
    for line in text.split("\n"):
        if _ASSIGNMENT.match(line):
            return True
        if _KEY_OF_YAML.match(line):
            return False
    return False


def read_env(page: Page) -> EnvFile:
    """The settings of a page. A value in quotes may go over several lines, as a private key does."""
    found, by_name = EnvFile(), dict[str, Setting]()
    lines = iter(enumerate(page.lines, 1))
    for number, line in lines:
        assigned = _ASSIGNMENT.match(line)
        if assigned is None:
            if line.strip() and not line.lstrip().startswith("#"):
                found.odd_lines.append(number)
            continue
        setting = Setting((assigned["name"],), _value(page, number, line, assigned.end(), lines))
        if earlier := by_name.pop(assigned["name"], None):
            said = f"{setting.name} is written twice; the last one counts"
            found.warnings.append(diagnose(earlier.node.mark, "duplicate-key", said, severity="warning"))
        by_name[assigned["name"]] = setting
    found.settings = list(by_name.values())
    return found


def _value(page: Page, number: int, line: str, start: int, rest: Iterator[tuple[int, str]]) -> Node:
    quote = line[start : start + 1]
    if quote in ("'", '"'):
        text = line[start + 1 :]
        end = _closing(text, quote)
        if end is None:
            _skip_to(quote, rest)
        value, start = text if end is None else text[:end], start + 1
    else:
        value = re.split(r"(?:^|\s)#", line[start:], maxsplit=1)[0].rstrip()
    return Node(value.strip() or None, Mark(page, number, start + 1, max(1, len(value))))


def _closing(text: str, quote: str) -> int | None:
    """Where the quotes end; a backslash keeps a double quote from ending them."""
    found = re.search(r"(?<!\\)\"" if quote == '"' else "'", text)
    return found.start() if found else None


def _skip_to(quote: str, rest: Iterator[tuple[int, str]]) -> None:
    for _, line in rest:
        if _closing(line, quote) is not None:
            return
