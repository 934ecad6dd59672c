"""A file's text as the place of findings: here, and only here, a mark becomes a diagnostic."""

from __future__ import annotations

import re
from dataclasses import field
from pathlib import Path

from reconciler.core.shapes import masked
from reconciler.core.text import safe, shows
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.values import dataclass

_SHOWN_COLUMNS = 160
_SECRET_FIELD = re.compile(
    r"""((?:password|passwd|secret|token|api_?key)["']?\s*[:=]\s*["']?)([^\s{"'#,}][^\s"'#,}]*)""", re.IGNORECASE
)
_COMMAND = re.compile(r"(?<=#)#(?=[A-Za-z]*\[)")
"""The second letter of what begins a command anywhere in a line of a CI log."""


@dataclass(frozen=True, slots=True)
class Page:
    """One file: its name as the user would write it, its path, and its lines."""

    file: str
    path: Path
    lines: tuple[str, ...] = field(default=(), repr=False)

    def source(self, line: int) -> str:
        """The line, safe to print: secrets masked, and every column still one column."""
        # Cut before anything is searched in it: a line may have the size of a file.
        text = self.lines[line - 1][: 4 * _SHOWN_COLUMNS] if 0 < line <= len(self.lines) else ""
        text = masked(_SECRET_FIELD.sub(lambda found: found[1] + "*" * len(found[2]), text))
        text = _COMMAND.sub("?", text)
        text = "".join(char if char.isprintable() and shows(char) else " " if char == "\t" else "?" for char in text)
        return text if len(text) <= _SHOWN_COLUMNS else text[: _SHOWN_COLUMNS - 1] + "…"


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on a page, counted from 1; line 0 is the page as a whole."""

    page: Page
    line: int = 0
    column: int = 0
    width: int = 1

    def __str__(self) -> str:
        return f"{self.page.file}:{self.line}" if self.line else self.page.file


def diagnose(
    mark: Mark, code: str, message: str, suggestion: str | None = None, severity: Severity = "error"
) -> Diagnostic:
    """The diagnostic at `mark`."""
    source = mark.page.source(mark.line) if mark.column < _SHOWN_COLUMNS else ""
    width = max(1, min(mark.width, len(source) - mark.column + 1))
    return Diagnostic(severity, code, message, mark.page.file, mark.line, mark.column, source, width, suggestion)


def shown(value: object) -> str:
    """A value of the user in a message: safe, short, secrets masked, in quotes where it is text."""
    if isinstance(value, str):
        return f'"{safe(masked(value), 60)}"'
    if value is None:
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else str(value)
