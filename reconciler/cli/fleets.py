"""`destroy`, `pause`, `resume` and `free`: one fleet or seat, at a person's word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import click

from reconciler.cli.apply import Consent, carry_out, turn_of
from reconciler.cli.compose import World, open_world
from reconciler.cli.declared import one, read, wish
from reconciler.cli.holding import Turn, holding
from reconciler.cli.options import (
    DEFAULT_PATHS,
    Duration,
    Scope,
    Where,
    lock_timeout_option,
    max_destroys_option,
    policy_option,
    shape,
    shape_options,
    where,
    world_options,
)
from reconciler.cli.plan import warn
from reconciler.cli.screen import Screen
from reconciler.cli.seats import seat_named
from reconciler.cli.signals import asking_to_stop
from reconciler.core.aside import bids_lost
from reconciler.core.guards import Allowed
from reconciler.core.history import Event, EventKind, of_seat
from reconciler.core.label import Seat
from reconciler.core.lost import freed, lost_of
from reconciler.core.record import Record, with_pause, without_pause
from reconciler.core.replacing import replacements_of
from reconciler.errors import RefusedByGuard
from reconciler.spec.load import Loaded

_fleet = click.argument("fleet")
_paths = click.argument("paths", nargs=-1, type=click.Path(), metavar="[PATH]...")


@click.command()
@_fleet
@_paths
@policy_option
@world_options
@max_destroys_option
@lock_timeout_option
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option(
    "--timeout", type=Duration(), default="10m", show_default=True, help="How long to wait until all is gone."
)
@shape_options
def destroy(**values: Any) -> int:
    """Destroy every instance of FLEET and pause it, so that the next run does not rent it again.

    \b
    Examples:
      reconcile destroy flux-training --simulate
      reconcile destroy flux-training specs/ --yes
    """
    world_at, screen, loaded = _begin(values)
    fleet = one(loaded, values["fleet"])
    with open_world(world_at) as world, asking_to_stop(world.clock.stop):
        warn(world, screen)
        allowed = Allowed(values["max_destroys"], run_started_at=world.clock.now())
        none = replace(fleet, replicas=0, min_ready=0, paused=False, schedule=None)
        ended = replace(loaded, fleets=(none,), complete=False)
        want = replace(wish(ended, world.govern(loaded.policy), allowed=allowed), ending=frozenset([fleet.name]))
        consent = Consent(screen, values["yes"], None, loaded.policy.file)
        lock_s = values["lock_timeout"]
        code = carry_out(world, want, consent, timeout_s=values["timeout"], step_only=False, lock_s=lock_s)
    also = with_simulate(world_at)
    again = f"reconcile resume {fleet.name}{also}, then reconcile apply{also}"
    screen.note(f"Fleet {fleet.name} is paused. To rent it again: {again}")
    return code


@click.command()
@_fleet
@_paths
@policy_option
@world_options
@lock_timeout_option
@shape_options
def pause(**values: Any) -> int:
    """Leave FLEET as it is, whatever its spec says, until it is resumed.

    \b
    Example:
      reconcile pause flux-training
    """
    name = values["fleet"]
    screen, also = _change(values, "pause", lambda record, now: with_pause(record, name, now))
    _said(screen, name, True, f"Fleet {name} is paused. To go on: reconcile resume {name}{also}")
    return 0


@click.command()
@_fleet
@_paths
@policy_option
@world_options
@lock_timeout_option
@shape_options
def resume(**values: Any) -> int:
    """Look after a paused FLEET again.

    \b
    Example:
      reconcile resume flux-training
    """
    name = values["fleet"]
    screen, also = _change(values, "resume", lambda record, _: without_pause(record, name))
    _said(screen, name, False, f"Fleet {name} is looked after again. To see what is due: reconcile plan{also}")
    return 0


@click.command()
@click.argument("seat", metavar="FLEET/INDEX")
@_paths
@policy_option
@world_options
@lock_timeout_option
@shape_options
def free(**values: Any) -> int:
    """Rent for a seat again that is frozen, or was replaced too often within a day.

    Say it once you have looked at the account: what of the seat's lost attempts is not there was never made.

    \b
    Example:
      reconcile free flux-training/0
    """
    seat = seat_named(values["seat"])
    world_at, screen, loaded = _begin(values)
    one(loaded, seat.fleet)
    with open_world(world_at) as world:
        warn(world, screen)
        event = of_seat(world.clock.now(), "freed", seat, "by command")
        turn = turn_of("free", values["lock_timeout"], world, screen)
        found = _write(world, loaded.policy.owner, lambda record, _: freed(record, seat), event, turn)
        now = world.clock.now()
        lost, replaced = lost_of(found, seat, now), replacements_of(found, seat, now)
        beaten = bids_lost(found, now).get(str(seat), 0)
        world.save()
    also = with_simulate(world_at)
    from reconciler.views.wording import plural

    counted = f"{plural(len(lost), 'lost attempt')} and {plural(len(replaced), 'replacement')}"
    counted += f" and {plural(beaten, 'lost bid')}" if beaten else ""
    happened = bool(lost or replaced or beaten)
    sentence = f"Seat {seat} is free: {counted} of the last day count no more. To see what is due: reconcile plan{also}"
    _free_said(screen, seat, happened, sentence if happened else f"Seat {seat} was not frozen; nothing was changed.")
    return 0


def _free_said(screen: Screen, seat: Seat, happened: bool, sentence: str) -> None:
    if screen.format == "json":
        from reconciler.views.document import dump, free_document

        screen.data(dump(free_document(seat, happened)))
    elif screen.format == "markdown":
        screen.data(sentence)
    else:
        screen.note(sentence)


def _said(screen: Screen, fleet: str, paused: bool, sentence: str) -> None:
    if screen.format == "json":
        from reconciler.views.document import dump, pause_document

        screen.data(dump(pause_document(fleet, paused)))
    elif screen.format == "markdown":
        screen.data(sentence)
    else:
        screen.note(sentence)


def _begin(values: dict[str, Any]) -> tuple[Where, Screen, Loaded]:
    world_at, screen = where(values), Screen(shape(values))
    return world_at, screen, read(Scope(tuple(values["paths"] or DEFAULT_PATHS), (), values["policy"]), screen)


def _change(
    values: dict[str, Any], command: Literal["pause", "resume"], change: Callable[[Record, float], Record]
) -> tuple[Screen, str]:
    """Change what the ledger says of one declared fleet."""
    world_at, screen, loaded = _begin(values)
    fleet = one(loaded, values["fleet"])
    if fleet.paused:
        raise RefusedByGuard(f"fleet {fleet.name} is paused by its spec", hint="set `paused: false` there")
    with open_world(world_at) as world:
        warn(world, screen)
        word: EventKind = "paused" if command == "pause" else "resumed"
        event = Event(world.clock.now(), word, fleet.name, text="by command")
        _write(world, loaded.policy.owner, change, event, turn_of(command, values["lock_timeout"], world, screen))
        world.save()
    return screen, with_simulate(world_at)


def with_simulate(where: Where) -> str:
    """The option that a command to type needs as well, to act on the same world."""
    return " --simulate" if where.simulate else ""


def _write(world: World, owner: str, change: Callable[[Record, float], Record], event: Event, turn: Turn) -> Record:
    """Change the ledger; what it held before."""
    store = world.ledger(world.provider.account(), owner, read_only=False)
    try:
        with holding(store, world.clock, turn):
            before = store.load()
            after = change(before, world.clock.now())
            store.save(after, [event] if after != before else [])
            world.keep_pace(store)
            return before
    finally:
        store.close()
