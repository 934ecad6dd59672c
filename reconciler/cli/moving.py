"""Moving instances in or out of fleets: read, choose, show, ask, change labels, confirm, report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import click

from reconciler.cli.compose import World
from reconciler.cli.holding import Turn, holding
from reconciler.cli.screen import Screen
from reconciler.cli.signals import interrupting_at_once
from reconciler.core.assemble import Wish
from reconciler.core.diff import compare
from reconciler.core.history import Event
from reconciler.core.instance import Account
from reconciler.core.moves import Ground, Kind, Moves, Step
from reconciler.core.record import Record, with_pause
from reconciler.core.timing import as_wanted
from reconciler.errors import Interrupted, ReconcileError, RefusedByGuard
from reconciler.provider import Store
from reconciler.reconcile import observe, settle
from reconciler.relabel import Hand, carry
from reconciler.spec.load import Loaded


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done, and how it is chosen."""

    kind: Kind
    chosen: Callable[[Ground], Moves]
    named: bool
    """A person named each instance: then one that cannot be done refuses all."""
    turn: Turn
    beside: frozenset[str] = frozenset()
    paused: frozenset[str] = frozenset()
    """Fleets that are paused already."""


def move(world: World, loaded: Loaded, screen: Screen, task: Task, *, yes: bool) -> int:
    """Read, choose, show, ask, send, confirm, report."""
    account = world.provider.account()
    store = world.ledger(account, loaded.policy.owner, read_only=False)
    try:
        with holding(store, world.clock, task.turn):
            try:
                return _moved(world, store, account, loaded, screen, task, yes=yes)
            finally:
                world.keep_pace(store)
                world.save()
    finally:
        store.close()


def _moved(
    world: World, store: Store, account: Account, loaded: Loaded, screen: Screen, task: Task, *, yes: bool
) -> int:
    screen.busy("reading the account")
    ground = _ground(world, loaded, account, store.load(), task.beside)
    found = task.chosen(ground)
    task = replace(task, paused=frozenset(part.fleet.name for part in ground.diff.fleets if part.paused))
    if found.moves or found.refusals or not screen.quiet:
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
        now, concerned = hand.clock.now(), _concerned(found, loaded)
        new = [name for name in concerned if name not in hand.record.paused]
        told = [Event(now, "paused", name, text="instances of it are released") for name in new]
        hand.save(_paused(hand.record, concerned, now), *told)
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
    from reconciler.views.moves import ending_lines, moves_document, moves_markdown

    paused = [name for name in _concerned(found, loaded) if task.kind == "release" or name in task.paused]
    failed = str(error) if error else None
    if not screen.is_text and screen.quiet and not (found.moves or found.refusals or failed):
        return
    if screen.format == "markdown":
        screen.data(moves_markdown(task.kind, found, steps, paused, failed))
        return
    if screen.format == "json":
        screen.data(dump(moves_document(task.kind, found, steps, paused, failed)))
        return
    if error is not None:
        screen.alarm(f"error: {error}")
    for line in ending_lines(task.kind, found, steps, paused):
        screen.note(line)
