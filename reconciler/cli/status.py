"""`reconcile status`: what runs, what it costs, and what is not ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from reconciler.cli.compose import open_world
from reconciler.cli.declared import read
from reconciler.cli.options import probe_option, scope, scope_options, shape, shape_options, where, world_options
from reconciler.cli.plan import look, warn
from reconciler.cli.screen import Screen
from reconciler.core.assemble import Wish
from reconciler.core.plan import Plan
from reconciler.core.seat_guards import STANDING
from reconciler.reconcile import Pass


@click.command()
@scope_options
@world_options
@probe_option
@click.option("--exit-code", is_flag=True, help="Leave with 3 when a fleet is below its min_ready.")
@shape_options
def status(**values: Any) -> int:
    """List what runs, seat by seat, what it costs, and what is not ours.

    \b
    Examples:
      reconcile status
      reconcile status specs/ --simulate --format json
    """
    world_at, wanted, shaped = where(values), scope(values), shape(values)
    screen = Screen(shaped)
    loaded = read(wanted, screen)
    with open_world(world_at) as world:
        warn(world, screen)
        screen.busy("reading the account")
        paused = tuple(replace(fleet, paused=True) for fleet in loaded.fleets)
        settle, probing = world.govern(loaded.policy), values["probe"]
        result = look(world, Wish(paused, loaded.policy, loaded.complete, settle=settle, probing=probing))
    plan = _as_declared(result.plan, {fleet.name: fleet.paused for fleet in loaded.fleets}, result)
    screen.data(_rendered(screen, plan, result))
    below = values["exit_code"] and any(fleet.below_min_ready for fleet in plan.fleets)
    return 5 if plan.leaks else 3 if below else 0


def _as_declared(plan: Plan, paused: dict[str, bool], result: Pass) -> Plan:
    """The plan with each fleet's own pause: status plans nothing, so it looked at all as if they were paused. What the
    record forbids is a warning here, for nothing is refused."""
    held = set(result.record.paused)
    own = tuple(replace(f, held=(), paused=paused[f.fleet.name] or f.fleet.name in held) for f in plan.fleets)
    stands = (each for each in plan.refusals() if each.guard in STANDING)
    said = tuple(f"{each.guard}: {each.message}; lifted by: {each.lift}" for each in stands)
    return replace(plan, fleets=own, held=(), warnings=(*plan.warnings, *said))


def _rendered(screen: Screen, plan: Plan, result: Pass) -> str:
    from reconciler.views.seats import seat_rows

    rows = list(seat_rows(result.diff))
    if screen.format == "json":
        from reconciler.views.document import dump, status_document

        return dump(status_document(plan, rows))
    if screen.format == "markdown":
        from reconciler.views.markdown import status_markdown

        return status_markdown(plan, rows)
    from reconciler.views.text import status_text

    return status_text(plan, rows)
