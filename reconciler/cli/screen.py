"""Where output goes: data to stdout, progress and summaries to stderr, colour on terminals only."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable

import click

from reconciler.cli.options import Shape
from reconciler.diagnostics import Diagnostic, render

_SUMMED_UP = frozenset({"apply", "destroy", "adopt", "release", "watch"})
"""Commands that tell on stderr how it ended. Of all others the output is the result: without it they have failed."""
_COLOURS = {"+/-": "yellow", "-/+": "yellow", "+": "green", "-": "red", "!": "bright_yellow", "~": "cyan"}


class Screen:
    """One command's output in the shape that was asked for."""

    def __init__(self, shape: Shape) -> None:
        self.format = shape.format
        self.quiet = shape.quiet
        self._said: set[str] = set()
        self._live = False
        self._deaf = False

    @property
    def is_text(self) -> bool:
        """Whether a person reads along."""
        return self.format == "text"

    def data(self, text: str) -> None:
        """The command's result, to stdout."""
        self._clear()
        if self._deaf:
            return
        try:
            colour = self.is_text and sys.stdout.isatty() and "NO_COLOR" not in os.environ
            click.echo("\n".join(map(_coloured, text.split("\n"))) if colour else text)
            sys.stdout.flush()
        except (OSError, AttributeError, ValueError) as error:
            self._lose_stdout(error)

    def _lose_stdout(self, error: Exception) -> None:
        """Nobody reads on, or the disk is full: what is being done goes on, and is summed up on stderr."""
        self._deaf = True
        with contextlib.suppress(OSError, AttributeError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            self.alarm("error: the output could not be written")
            context = click.get_current_context(silent=True)
            if context is not None and context.info_name not in _SUMMED_UP:
                context.ensure_object(list).append(str(error))

    def note(self, text: str) -> None:
        """A word beside the result, to stderr; silent when quiet."""
        if not self.quiet:
            self.alarm(text)

    def alarm(self, text: str) -> None:
        """A word that is never silent, to stderr."""
        with _nobody_there():
            self._clear()
            click.echo(text, err=True)

    def progress(self, text: str) -> None:
        """What is being waited for: one line that is written over on a terminal, else each text once."""
        if self.quiet or sys.stderr is None:
            return
        with _nobody_there():
            if sys.stderr.isatty():
                self._clear()
                click.echo(f"  ... {text}"[: _width() - 1], err=True, nl=False)
                self._live = True
            elif text not in self._said:
                self._said.add(text)
                click.echo(f"  ... {text}", err=True)

    def busy(self, text: str) -> None:
        """What takes a while, on a terminal only: the next output writes it over."""
        if sys.stderr is not None and sys.stderr.isatty():
            self.progress(text)

    def diagnostics(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Located findings, to stderr."""
        for diagnostic in diagnostics:
            self.note(render(diagnostic))

    def _clear(self) -> None:
        if self._live:
            click.echo("\r\x1b[K", err=True, nl=False)
            self._live = False


def _nobody_there() -> contextlib.AbstractContextManager[None]:
    """A terminal that was closed, or a full disk: what is being done does not depend on a word beside it."""
    return contextlib.suppress(OSError, ValueError)


def _width() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except OSError:
        return 80


def _coloured(line: str) -> str:
    mark = line.split(maxsplit=1)[0] if line.startswith(("  ", "+", "-", "!", "~")) and line.strip() else ""
    colour = _COLOURS.get(mark)
    return click.style(line, fg=colour) if colour else line
