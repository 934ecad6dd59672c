"""The command line: a file per group, loaded only when it is called; errors become exit codes here."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from reconciler import __version__
from reconciler.errors import InvalidInput, ReconcileError

COMMANDS = {
    "validate": ("validate", "Check the specs and say everything that is wrong with them."),
    "plan": ("plan", "Show what would change and what it costs."),
    "apply": ("apply", "Make the account match the specs."),
    "status": ("status", "List what runs, what it costs, and what is not ours."),
    "offers": ("offers", "Rank the offers for a fleet and explain the refused ones."),
    "destroy": ("fleets", "Destroy a fleet's instances and pause it."),
    "pause": ("fleets", "Leave a fleet as it is until it is resumed."),
    "resume": ("fleets", "Look after a paused fleet again."),
    "simulate": ("simulate", "Move the simulated world, break an instance in it, start anew; serve it over HTTP."),
}
"""Every command: its file and its line in the help, so that `--help` loads none of them."""

EXIT_CODES = """\b
Exit codes: 0 done · 1 failed · 2 wrong usage · 3 changes pending (--exit-code)
4 refused · 5 money at risk · 6 busy · 130 interrupted"""


class LazyGroup(click.Group):
    """A group that knows its commands' names and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The commands, in the order a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"reconciler.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXIT_CODES)
@click.version_option(__version__, prog_name="reconcile")
def cli() -> None:
    """Declare a GPU fleet on Vast.ai in YAML; plan it, apply it, keep it so.

    \b
    Try it without an account or a cent:
      reconcile plan specs/ --simulate
      reconcile apply specs/ --simulate
    """


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    sys.exit(run(args))


def run(args: Sequence[str] | None = None) -> int:
    """Run the command line; every failure becomes one clear message and its exit code."""
    try:
        code = cli.main(args=list(args) if args is not None else None, prog_name="reconcile", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except ReconcileError as error:
        _show(error)
        return error.exit_code
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except BrokenPipeError:
        # The reader went away; nothing more can be said to it, and the interpreter must not try on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _show(error: ReconcileError) -> None:
    if isinstance(error, InvalidInput):
        from reconciler.diagnostics import render

        for diagnostic in error.diagnostics:
            click.echo(render(diagnostic), err=True)
    click.echo(f"error: {error}", err=True)
    if error.hint:
        click.echo(f"  try: {error.hint}", err=True)
