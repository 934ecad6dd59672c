"""A user's mistake as a value with a place: collected, sorted, shown all at once."""

from __future__ import annotations

from typing import Literal

from reconciler.values import dataclass

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding in one document. `line` and `column` count from 1; 0 means the file as a whole."""

    severity: Severity
    code: str
    """A stable word such as `unknown-field`; docs/diagnostics.md has a section for each."""
    message: str
    file: str
    line: int = 0
    column: int = 0
    source: str = ""
    """The text of that line, already made safe to print."""
    width: int = 1
    """How many columns the caret underlines."""
    suggestion: str | None = None

    @property
    def place(self) -> str:
        """`file:line:column`, or the file alone."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


def in_order(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Sorted by place, the same for the same input; repeated findings once."""
    return sorted(set(diagnostics), key=lambda d: (d.file, d.line, d.column, d.code, d.message))


def render(diagnostic: Diagnostic) -> str:
    """The printed form: place, severity, code and message; the line with a caret; the suggestion."""
    lines = [f"{diagnostic.place}: {diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"]
    if diagnostic.line and diagnostic.source:
        margin = f"{diagnostic.line:>5} | "
        lines.append(f"{margin}{diagnostic.source}")
        lines.append(" " * (len(margin) + diagnostic.column - 1) + "^" * max(1, diagnostic.width))
    if diagnostic.suggestion:
        lines.append(f"      = {diagnostic.suggestion}")
    return "\n".join(lines)
