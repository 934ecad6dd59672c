"""The command line: a file per group, loaded only when it is called; errors become exit codes here."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from keyword import iskeyword
from typing import NoReturn

import click

from reconciler import __version__
from reconciler.errors import DoubtfulReading, InvalidInput, ReconcileError

COMMANDS = {
    "init": ("init", "Write a first spec, from nothing or from settings you have."),
    "validate": ("validate", "Check the specs and say everything that is wrong with them."),
    "plan": ("plan", "Show what would change and what it costs."),
    "apply": ("apply", "Make the account match the specs."),
    "watch": ("watch", "Keep the account as the specs say, pass after pass."),
    "status": ("status", "List what runs, what it costs, and what is not ours."),
    "events": ("history", "Tell what happened, by fleet or seat."),
    "leaks": ("history", "List destroys that were sent and are not proven."),
    "offers": ("offers", "Rank the offers for a fleet and explain the refused ones."),
    "templates": ("templates", "Find Vast.ai templates by name, with the hash that a spec takes."),
    "destroy": ("fleets", "Destroy a fleet's instances and pause it."),
    "pause": ("fleets", "Leave a fleet as it is until it is resumed."),
    "resume": ("fleets", "Look after a paused fleet again."),
    "import": ("importing", "Write specs that describe instances which exist."),
    "adopt": ("adopt", "Take instances that exist into fleets, as they are."),
    "release": ("adopt", "Let instances go, with their old labels; destroys nothing."),
    "logs": ("logs", "Show an instance's log, or those of instances that failed."),
    "strikes": ("strikes", "List the machines that failed us, and forgive one."),
    "unlock": ("history", "Remove the lease of a run that is dead."),
    "free": ("fleets", "Rent for a frozen seat again."),
    "ssh": ("ssh", "Log in to the instance of a seat."),
    "ssh-key": ("ssh", "Give the account a public SSH key."),
    "simulate": ("simulate", "Move the simulated world, break an instance in it, start anew; serve it over HTTP."),
}
"""Every command: its file and its line in the help, so that `--help` loads none of them."""

DOUBT = "run it again later; if it stays so, a proxy or a wrong VAST_URL may answer in Vast.ai's place"
MOST_DIAGNOSTICS = 200
"""So many findings are shown; of more, their number."""

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
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(module, f"{name}_" if iskeyword(name) else name)
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
      reconcile init
      reconcile plan specs/ --simulate
      reconcile apply specs/ --simulate
    """


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line, in a process of its own, and leave with its exit code."""
    _be_quick()
    code = run(args)
    _leave(code)


def _be_quick() -> None:
    """Spare a short process what serves a long one, and what no command of ours uses."""
    gc.set_threshold(100_000)  # A command makes many objects and hardly a cycle: the usual 700 is much searching.
    # httpx imports its own command line, and with it rich and pygments, wherever these happen to be installed.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]


def _leave(code: int) -> NoReturn:
    """End the process at once. Every command has closed what it opened: what is left is to hand over what was written.
    The interpreter's own end would take every module apart first, which is a fiftieth of a short command."""
    for stream in filter(None, (sys.stdout, sys.stderr)):  # either is None where it was closed from the start
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or 1
    os._exit(code)


def run(args: Sequence[str] | None = None) -> int:
    """Run the command line; every failure becomes one clear message and its exit code."""
    try:
        lost: list[str] = []
        words = list(args) if args is not None else None
        code = cli.main(args=words, prog_name="reconcile", standalone_mode=False, obj=lost)
        return (code if isinstance(code, int) else 0) or int(bool(lost))
    except ReconcileError as error:
        _show(error)
        _tell_machines(error, list(sys.argv[1:] if args is None else args))
        return error.exit_code
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except OSError as error:
        # Only output gets here (a reader that went away, a full disk): the interpreter must not try it again.
        with contextlib.suppress(OSError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            click.echo(f"error: the output could not be written: {error.strerror}", err=True)
        return 1


def _tell_machines(error: ReconcileError, args: list[str]) -> None:
    """A command that was asked for JSON or markdown answers in it, also when it fails."""
    words = " ".join(args).replace("=", " ").split()
    asked = next((words[at + 1] for at, word in enumerate(words[:-1]) if word == "--format"), "text")
    found = error.diagnostics if isinstance(error, InvalidInput) else ()
    if asked == "json":
        from reconciler.views.document import dump, error_document

        click.echo(dump(error_document(str(error), error.hint, error.exit_code, found)))
    elif asked == "markdown":
        from reconciler.views.markdown import error_markdown

        click.echo(error_markdown(str(error), error.hint, found))


def _show(error: ReconcileError) -> None:
    if isinstance(error, InvalidInput):
        from reconciler.diagnostics import render

        for diagnostic in error.diagnostics[:MOST_DIAGNOSTICS]:
            click.echo(render(diagnostic), err=True)
        more = len(error.diagnostics) - MOST_DIAGNOSTICS
        if more > 0:
            click.echo(f"... and {more} more", err=True)
    click.echo(f"error: {error}", err=True)
    hint = error.hint or (DOUBT if isinstance(error, DoubtfulReading) else None)
    if hint:
        click.echo(f"  try: {hint}", err=True)
