"""`reconcile simulate`: move the simulated world by hand, or serve it to other programs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import click

from reconciler.cli.options import DEFAULT_STATE, Duration, ledger_beside, logs_beside, state_option
from reconciler.cli.serve import serve
from reconciler.errors import NotSaved, WrongUsage

_state = state_option("The file that holds the simulated world.")
_SEAT = re.compile(r"[a-z0-9-]+/[0-9]+")


@click.group()
def simulate() -> None:
    """Move the simulated world that `--simulate` acts on.

    \b
    Examples:
      reconcile simulate advance 10m
      reconcile simulate fail flux-training/0 --as exited
      reconcile simulate reset
      reconcile simulate serve --port 8765
    """


simulate.add_command(serve)


@simulate.command()
@click.argument("span", type=Duration())
@_state
def advance(span: float, state: Path) -> int:
    """Let SPAN of simulated time pass: money burns, instances boot, the market moves."""
    from reconciler.simulator.simulation import open_simulation

    with open_simulation(state) as simulation:
        simulation.advance(span)
        simulation.save()
        click.echo(f"{span:.0f} s passed in the {simulation.description}", err=True)
    return 0


@simulate.command()
@click.argument("seat", metavar="FLEET/INDEX")
@click.option(
    "--as", "how", type=click.Choice(["offline", "exited", "gone", "outbid"]), default="offline", show_default=True
)
@_state
def fail(seat: str, how: str, state: Path) -> int:
    """Break the instance in a seat: its host goes offline, its container exits, it vanishes, or a rival
    bids more than it."""
    from reconciler.simulator.simulation import open_simulation

    with open_simulation(state) as simulation:
        instance_id = _sitting(simulation.instances(), seat)
        simulation.fail(instance_id, how)
        simulation.save()
        click.echo(f"instance {instance_id} ({seat}) is {how} now", err=True)
    return 0


def _sitting(rows: list[dict[str, Any]], seat: str) -> int:
    """The instance of a seat, whoever its owner is: the newest that carries it in its label."""
    if not _SEAT.fullmatch(seat):
        raise WrongUsage(f"{seat!r} is not a seat such as flux-training/0")
    fleet, _, index = seat.partition("/")
    found = [row["id"] for row in rows if _parts(row["label"])[2:4] == [fleet, index]]
    if not found:
        raise WrongUsage(f"no instance sits in {seat}", hint="see reconcile status --simulate")
    return int(max(found))


def _parts(label: str | None) -> list[str]:
    return (label or "").split("/")


@simulate.command()
@_state
def reset(state: Path) -> int:
    """Forget the simulated world and its ledger."""
    from reconciler.probe.known_hosts import hosts_beside
    from reconciler.simulator.simulation import reset as forget
    from reconciler.simulator.state import is_ours

    if state != DEFAULT_STATE and state.exists() and not is_ours(state):
        hint = "remove it yourself, or name another one"
        raise NotSaved(f"{state} is not a simulated world, so it is not removed", hint=hint)
    forget(state)
    ledger = ledger_beside(state)
    try:
        ledger.unlink(missing_ok=True)
        shutil.rmtree(logs_beside(ledger), ignore_errors=True)
        hosts_beside(ledger).unlink(missing_ok=True)  # Ids begin anew, and with them other instances' keys.
    except OSError as error:
        raise NotSaved(f"the ledger {ledger} cannot be removed: {error.strerror}") from error
    click.echo("the simulated world and its ledger are gone; the next command begins a new one", err=True)
    return 0
