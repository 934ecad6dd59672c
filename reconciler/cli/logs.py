"""`reconcile logs FLEET/INDEX`: what the instance of a seat says, and what those said that failed there."""

from __future__ import annotations

from typing import Any

import click

from reconciler.apply.destroys import LOG_WIDTH
from reconciler.cli.apply import in_environment
from reconciler.cli.compose import World, open_world
from reconciler.cli.declared import one, read
from reconciler.cli.options import DEFAULT_PATHS, Scope, Shape, policy_option, where, world_options
from reconciler.cli.plan import warn
from reconciler.cli.screen import Screen
from reconciler.cli.seats import seat_named
from reconciler.core.label import Mark, Seat, read_label
from reconciler.core.lacking import secret_names
from reconciler.core.model import Fleet, Policy
from reconciler.core.secret import Hidden
from reconciler.core.text import safe
from reconciler.provider import KeptLog
from reconciler.views import strikes as views


@click.command()
@click.argument("seat", metavar="FLEET/INDEX")
@click.argument("paths", nargs=-1, type=click.Path(), metavar="[PATH]...")
@policy_option
@world_options
@click.option("--tail", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many lines of each.")
@click.option("--kept", is_flag=True, help="Only what was kept of instances that failed; asks for nothing.")
@click.option(
    "--format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people or machines.",
)
def logs(**values: Any) -> int:
    """Show the log of the instance that sits in FLEET/INDEX, after those of instances that failed there.

    The log of an instance is fetched and kept before it is destroyed for a failure. Known secrets are blotted out.

    \b
    Examples:
      reconcile logs flux-training/0
      reconcile logs flux-training/0 --kept --tail 20
    """
    seat, world_at, screen = seat_named(values["seat"]), where(values), Screen(Shape(values["format"], False))
    loaded = read(Scope(tuple(values["paths"] or DEFAULT_PATHS), (), values["policy"]), screen)
    fleet = one(loaded, seat.fleet)
    with open_world(world_at) as world:
        warn(world, screen)
        account = world.provider.account()
        found = list(world.logs(account, loaded.policy.owner).of(seat))
        if not values["kept"]:
            screen.busy("fetching the log")
            found += _live(world, loaded.policy, fleet, seat, values["tail"])
    short = [KeptLog(log.seat, log.instance_id, log.at, log.reason, log.lines[-values["tail"] :]) for log in found]
    screen.data(_rendered(screen, seat, short))
    return 0


def _live(world: World, policy: Policy, fleet: Fleet, seat: Seat, tail: int) -> list[KeptLog]:
    """The logs of the instances that are there, without the secrets of the fleet that this environment holds."""
    world.wire.also_hide(_secrets(fleet))
    found = []
    for instance in world.provider.instances().instances:
        mark = read_label(instance.label, policy.owner)
        if isinstance(mark, Mark) and mark.seat == seat and (text := world.provider.logs(instance.id, tail)):
            lines = tuple(safe(line, LOG_WIDTH) for line in text.splitlines())
            found.append(KeptLog(seat, instance.id, world.clock.now(), "", lines))
    return found


def _secrets(fleet: Fleet) -> list[str]:
    return [Hidden(value) for name in secret_names(fleet) if (value := in_environment(name))]


def _rendered(screen: Screen, seat: Seat, found: list[KeptLog]) -> str:
    if screen.format == "json":
        from reconciler.views.document import dump

        return dump(views.logs_document(seat, found))
    return views.logs_text(seat, found)
