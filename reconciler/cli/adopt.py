"""`reconcile adopt` and `reconcile release`: moving instances that exist into a fleet, and out again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from reconciler.cli.apply import turn_of
from reconciler.cli.compose import open_world
from reconciler.cli.declared import one, read
from reconciler.cli.moving import Task, move
from reconciler.cli.options import (
    DEFAULT_PATHS,
    Scope,
    beside_option,
    lock_timeout_option,
    policy_option,
    shape,
    shape_options,
    where,
    world_options,
)
from reconciler.cli.plan import warn
from reconciler.cli.screen import Screen
from reconciler.cli.signals import asking_to_stop
from reconciler.core.model import Policy
from reconciler.core.moves import Ask, Ground, Moves, adopt_all, adopt_named, release_all, release_named, under_way
from reconciler.errors import WrongUsage
from reconciler.spec.load import Loaded

_ASK = re.compile(r"(?P<fleet>[a-z0-9-]{1,40})(?:/(?P<index>0|[1-9][0-9]{0,3}))?=(?P<id>[1-9][0-9]{0,18})", re.ASCII)
_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)

_yes = click.option("--yes", "-y", is_flag=True, help="Do not ask.")


@click.command()
@click.argument("words", nargs=-1, metavar="[FLEET[/INDEX]=INSTANCE]... [PATH]...")
@click.option("--all", "everything", is_flag=True, help="Every unmanaged instance that a declared fleet describes.")
@policy_option
@beside_option
@world_options
@_yes
@lock_timeout_option
@shape_options
def adopt(**values: Any) -> int:
    """Take instances that exist into declared fleets, as they are. Only their labels change.

    Every difference from the spec is shown before the question. It is kept, and never a reason to replace the instance
    until the spec changes again. An instance that is managed already, or another owner's, is refused. Without names
    and without --all, an adoption that was interrupted goes on.

    \b
    Examples:
      reconcile adopt june/0=41250007
      reconcile adopt june=41250007 june=41250008 specs/
      reconcile adopt --all --yes
    """
    world_at, screen = where(values), Screen(shape(values))
    asks, paths = _asked(values["words"])
    if asks and values["everything"]:
        raise WrongUsage("--all and names exclude each other")
    loaded = read(Scope(paths, (), values["policy"]), screen)
    for ask in asks:
        one(loaded, ask.fleet)

    def chosen(ground: Ground) -> Moves:
        if values["everything"]:
            return adopt_all(ground)
        going_on = [Ask(item.seat.fleet, item.seat.index, item.id) for item in under_way(ground).values()]
        if not asks and not going_on:
            raise WrongUsage("nothing is named, and no adoption is under way", hint="FLEET[/INDEX]=INSTANCE, or --all")
        return adopt_named(ground, asks or going_on)

    with open_world(world_at) as world, asking_to_stop(world.clock.stop):
        warn(world, screen)
        turn = turn_of("adopt", values["lock_timeout"], world, screen)
        task = Task("adopt", chosen, not values["everything"], turn, frozenset(values["beside"]))
        return move(world, loaded, screen, task, yes=values["yes"])


@click.command()
@click.argument("words", nargs=-1, metavar="[INSTANCE]... [PATH]...")
@click.option("--all", "everything", is_flag=True, help="Every instance of this owner.")
@policy_option
@world_options
@_yes
@lock_timeout_option
@shape_options
def release(**values: Any) -> int:
    """Let instances go: their old labels are put back, and nothing is destroyed.

    What was never adopted had no label; it gets none. Declared fleets that lose an instance are paused, so that the
    next apply does not rent another one for it.

    \b
    Examples:
      reconcile release 41250007
      reconcile release --all --yes        (to leave; then delete the specs)
    """
    world_at, screen = where(values), Screen(shape(values))
    ids = [int(word) for word in values["words"] if _ID.fullmatch(word)]
    paths = tuple(word for word in values["words"] if not _ID.fullmatch(word))
    if bool(ids) == values["everything"]:
        raise WrongUsage("name instances by their ids, or --all for every one of this owner")
    loaded = _declared(paths, values["policy"], screen)

    def chosen(ground: Ground) -> Moves:
        if values["everything"]:
            return release_all(ground.diff, ground.record)
        return release_named(ground.diff, ground.record, ids)

    with open_world(world_at) as world, asking_to_stop(world.clock.stop):
        warn(world, screen)
        turn = turn_of("release", values["lock_timeout"], world, screen)
        return move(world, loaded, screen, Task("release", chosen, bool(ids), turn), yes=values["yes"])


def _asked(words: Sequence[str]) -> tuple[list[Ask], tuple[str, ...]]:
    """The adoptions and the paths among the words of the command line."""
    asks, paths = [], []
    for word in words:
        found = _ASK.fullmatch(word)
        if found is not None:
            index = None if found["index"] is None else int(found["index"])
            asks.append(Ask(found["fleet"], index, int(found["id"])))
        elif "=" in word and not Path(word).exists():
            raise WrongUsage(f"{word!r} is not FLEET[/INDEX]=INSTANCE", hint="for example june/0=41250007")
        else:
            paths.append(word)
    _once("instance", [str(ask.instance_id) for ask in asks])
    _once("seat", [f"{ask.fleet}/{ask.index}" for ask in asks if ask.index is not None])
    return asks, tuple(paths or DEFAULT_PATHS)


def _once(what: str, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise WrongUsage(f"{what} {twice[0]} is named twice")


def _declared(paths: Sequence[str], policy: str | None, screen: Screen) -> Loaded:
    """What is declared; who leaves may have deleted the specs before, and is the default owner then."""
    if not paths and policy is None and not Path(DEFAULT_PATHS[0]).exists():
        return Loaded((), Policy(), (), (), complete=False)
    return read(Scope(tuple(paths or DEFAULT_PATHS), (), policy), screen)
