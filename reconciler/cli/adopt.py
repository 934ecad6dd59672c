"""`reconcile adopt` and `reconcile release`: moving instances that exist into a fleet, and out again."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from reconciler.cli.compose import World, open_world
from reconciler.cli.declared import one, read
from reconciler.cli.options import (
    DEFAULT_PATHS,
    Scope,
    Shape,
    beside_option,
    where,
    world_options,
)
from reconciler.cli.plan import warn
from reconciler.cli.screen import Screen
from reconciler.cli.signals import asking_to_stop, interrupting_at_once
from reconciler.core.assemble import Wish
from reconciler.core.diff import compare
from reconciler.core.model import Account, Policy
from reconciler.core.moves import (
    Ask,
    Ground,
    Kind,
    Moves,
    Step,
    adopt_all,
    adopt_named,
    release_all,
    release_named,
    under_way,
)
from reconciler.core.record import Record, with_pause
from reconciler.core.timing import as_wanted
from reconciler.errors import Interrupted, ReconcileError, RefusedByGuard, WrongUsage
from reconciler.reconcile import observe, settle
from reconciler.relabel import Hand, carry
from reconciler.spec.load import Loaded

_ASK = re.compile(r"(?P<fleet>[a-z0-9-]{1,40})(?:/(?P<index>0|[1-9][0-9]{0,3}))?=(?P<id>[1-9][0-9]{0,18})", re.ASCII)
_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)

_policy = click.option(
    "--policy", type=click.Path(), metavar="FILE", help="The policy, instead of the one found by place."
)
_yes = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
_format = click.option(
    "--format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people or machines.",
)


@click.command()
@click.argument("words", nargs=-1, metavar="[FLEET[/INDEX]=INSTANCE]... [PATH]...")
@click.option("--all", "everything", is_flag=True, help="Every unmanaged instance that a declared fleet describes.")
@_policy
@beside_option
@world_options
@_yes
@_format
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
    world_at, screen = where(values), Screen(Shape(values["format"], False))
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
        task = Task("adopt", chosen, not values["everything"], frozenset(values["beside"]))
        return move(world, loaded, screen, task, yes=values["yes"])


@click.command()
@click.argument("words", nargs=-1, metavar="[INSTANCE]... [PATH]...")
@click.option("--all", "everything", is_flag=True, help="Every instance of this owner.")
@_policy
@world_options
@_yes
@_format
def release(**values: Any) -> int:
    """Let instances go: their old labels are put back, and nothing is destroyed.

    What was never adopted had no label; it gets none. Declared fleets that lose an instance are paused, so that the
    next apply does not rent another one for it.

    \b
    Examples:
      reconcile release 41250007
      reconcile release --all --yes        (to leave; then delete the specs)
    """
    world_at, screen = where(values), Screen(Shape(values["format"], False))
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
        return move(world, loaded, screen, Task("release", chosen, bool(ids)), yes=values["yes"])


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


# --- doing it ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done, and how it is chosen."""

    kind: Kind
    chosen: Callable[[Ground], Moves]
    named: bool
    """A person named each instance: then one that cannot be done refuses all."""
    beside: frozenset[str] = frozenset()
    paused: frozenset[str] = frozenset()
    """Fleets that are paused already."""


def move(world: World, loaded: Loaded, screen: Screen, task: Task, *, yes: bool) -> int:
    """Read, choose, show, ask, send, confirm, report."""
    account = world.provider.account()
    store = world.ledger(account, loaded.policy.owner, read_only=False)
    try:
        screen.busy("reading the account")
        ground = _ground(world, loaded, account, store.load(), task.beside)
        found = task.chosen(ground)
        task = replace(task, paused=frozenset(part.fleet.name for part in ground.diff.fleets if part.paused))
        _show(screen, task, found, loaded)
        if task.named and found.refusals:
            first = found.refusals[0]
            raise RefusedByGuard(f"instance {first.instance_id}: {first.why}; nothing was changed", hint=first.lift)
        if not found.moves:
            _say(screen, task, found, [], loaded)
            return 0
        if any(move.before != move.after for move in found.moves):
            _consent(screen, task, found, yes)
        hand = Hand(world.provider, store, world.clock, loaded.policy.owner, ground.record)
        hand.tell = lambda step: _tell(screen, step)
        return _done(hand, screen, task, found, loaded)
    finally:
        world.keep_pace(store)
        store.close()
        world.save()


def _ground(world: World, loaded: Loaded, account: Account, record: Record, beside: frozenset[str]) -> Ground:
    policy = loaded.policy
    observation = observe(world.provider, record, policy.owner, world.clock, account)
    wish = Wish(loaded.fleets, policy, loaded.complete, settle=world.settle)
    now = world.clock.now()
    merged = settle(record, observation, wish, now)
    fleets = tuple(as_wanted(fleet, now) for fleet in loaded.fleets)
    diff = compare(fleets, observation.instances, merged.record, policy.owner, policy.blacklist, now=now)
    return Ground(diff, merged.record, policy.owner, policy.blacklist, now, beside)


def _done(hand: Hand, screen: Screen, task: Task, found: Moves, loaded: Loaded) -> int:
    """Send and report, whatever happens on the way."""
    if task.kind == "release":
        hand.save(_paused(hand.record, _concerned(found, loaded), hand.clock.now()))
    else:
        hand.save(hand.record)
    error: ReconcileError | None = None
    try:
        carry(hand, task.kind, found.moves)
    except ReconcileError as failure:
        error = failure
    except KeyboardInterrupt:
        error = Interrupted("stopped in the middle of a call")
    _say(screen, task, found, hand.steps, loaded, error)
    if error is not None:
        return error.exit_code
    return 0 if all(step.state == "done" for step in hand.steps) else 1


def _concerned(found: Moves, loaded: Loaded) -> list[str]:
    declared = {fleet.name for fleet in loaded.fleets}
    return sorted({move.seat.fleet for move in found.moves} & declared)


def _paused(record: Record, fleets: Iterable[str], now: float) -> Record:
    for name in fleets:
        record = with_pause(record, name, now)
    return record


def _consent(screen: Screen, task: Task, found: Moves, yes: bool) -> None:
    if yes:
        return
    if not (sys.stdin.isatty() and screen.is_text):
        raise RefusedByGuard("nobody said yes, and there is no terminal to ask at", hint="--yes")
    from reconciler.views.moves import question

    with interrupting_at_once():
        agreed = click.confirm(question(task.kind, found), default=False, err=True)
    if not agreed:
        raise RefusedByGuard("the answer was no: nothing was done")


def _show(screen: Screen, task: Task, found: Moves, loaded: Loaded) -> None:
    from reconciler.views.moves import moves_text

    if screen.is_text:
        screen.data(moves_text(task.kind, found, {fleet.name: fleet.source for fleet in loaded.fleets}))


def _tell(screen: Screen, step: Step) -> None:
    from reconciler.views.moves import step_text

    if screen.is_text:
        screen.data(step_text(step))


def _say(
    screen: Screen,
    task: Task,
    found: Moves,
    steps: Sequence[Step],
    loaded: Loaded,
    error: ReconcileError | None = None,
) -> None:
    """The last words, or the whole document for machines."""
    from reconciler.views.document import dump
    from reconciler.views.moves import ending_lines, moves_document

    paused = [name for name in _concerned(found, loaded) if task.kind == "release" or name in task.paused]
    if not screen.is_text:
        screen.data(dump(moves_document(task.kind, found, steps, paused, str(error) if error else None)))
        return
    if error is not None:
        screen.alarm(f"error: {error}")
    for line in ending_lines(task.kind, found, steps, paused):
        screen.note(line)
