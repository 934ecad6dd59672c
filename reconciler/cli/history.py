"""`reconcile events`: what happened. `reconcile leaks`: what was told to go and bills on. `reconcile unlock`."""

from __future__ import annotations

import re
import secrets as randomness
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import click

from reconciler.apply.destroys import confirm
from reconciler.apply.run import Run
from reconciler.cli.compose import World, open_world
from reconciler.cli.declared import read
from reconciler.cli.holding import Turn, holding, told
from reconciler.cli.options import DEFAULT_PATHS, Duration, Scope, Shape, Where, policy_option, where, world_options
from reconciler.cli.plan import warn
from reconciler.cli.screen import Screen
from reconciler.core.history import Event
from reconciler.core.instance import Account
from reconciler.core.lease import Lease
from reconciler.core.record import Leaving
from reconciler.errors import Busy, NotSaved, WrongUsage

_PLACE = re.compile(r"([a-z0-9][a-z0-9-]{0,39})(?:/([0-9]{1,4}))?")
_paths = click.argument("paths", nargs=-1, type=click.Path(), metavar="[PATH]...")
_format = click.option(
    "--format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people or machines.",
)


@click.command()
@click.argument("words", nargs=-1, metavar="[FLEET[/INDEX]] [PATH]...")
@policy_option
@world_options
@click.option("--since", type=Duration(), default="24h", show_default=True, help="How far back to look.")
@_format
def events(**values: Any) -> int:
    """Tell what happened: rents, destroys, leaks, refusals, pauses; of a fleet or a seat, or all of it.

    The history is kept for 90 days. A directory is told from a fleet by a slash or a dot: `specs/`.

    \b
    Examples:
      reconcile events
      reconcile events flux-training/0 --since 72h
      reconcile events --simulate --format json
    """
    fleet, index, paths = _place(values["words"])
    world_at, screen, owner = _begin(values, paths)
    with open_world(world_at) as world:
        warn(world, screen)
        account = world.provider.account()
        since = world.clock.now() - values["since"]
        store = world.ledger(account, owner, read_only=True)
        try:
            found = store.events(since, fleet, index)
        finally:
            store.close()
    screen.data(_events(screen, found, since))
    return 0


@click.command()
@_paths
@policy_option
@world_options
@_format
def leaks(**values: Any) -> int:
    """List every destroy that was sent and is not proven, and what it may have cost since.

    Asks the account afresh whether they are gone, and sends nothing else. Leaves with 5 when there are any.

    \b
    Example:
      reconcile leaks
    """
    world_at, screen, owner = _begin(values, values["paths"])
    with open_world(world_at) as world:
        warn(world, screen)
        account = world.provider.account()
        store = world.ledger(account, owner, read_only=True)
        try:
            found = list(store.load().leaving.values())
        finally:
            store.close()
        if found:
            screen.busy("asking whether they are gone")
            found = _asked(world, account, owner, found)
        screen.data(_leaks(screen, sorted(found, key=lambda item: item.id), world.clock.now()))
        world.save()
    return 5 if found else 0


@click.command()
@click.argument("lease")
@_paths
@policy_option
@world_options
def unlock(**values: Any) -> int:
    """Remove the LEASE of a run that is dead. A run that is alive after all ends before it sends anything more.

    \b
    Example:
      reconcile unlock 5f0c2a91
    """
    world_at, screen, owner = _begin(values | {"format": "text"}, values["paths"])
    with open_world(world_at) as world:
        warn(world, screen)
        account = world.provider.account()
        held = _lease(world, account, owner)
        if held is None or held.id != values["lease"] or not _unlocked(world, account, owner, held.id):
            who = told(held, world.clock.now()) if held else "the ledger is held by nobody"
            raise WrongUsage(f"there is no lease {values['lease']}: {who}")
    screen.note(f"Lease {values['lease']} is removed.")
    return 0


def _lease(world: World, account: Account, owner: str) -> Lease | None:
    store = world.ledger(account, owner, read_only=True)
    try:
        return store.lease()
    finally:
        store.close()


def _unlocked(world: World, account: Account, owner: str, lease_id: str) -> bool:
    store = world.ledger(account, owner, read_only=False)
    try:
        return store.unlock(lease_id)
    finally:
        store.close()


def _begin(values: dict[str, Any], paths: Sequence[str]) -> tuple[Where, Screen, str]:
    world_at, screen = where(values), Screen(Shape(values["format"], False))
    loaded = read(Scope(tuple(paths) or DEFAULT_PATHS, (), values["policy"]), screen)
    return world_at, screen, loaded.policy.owner


def _place(words: Sequence[str]) -> tuple[str | None, int | None, tuple[str, ...]]:
    """The fleet and seat that are meant, where the first word names one, and the paths."""
    found = _PLACE.fullmatch(words[0]) if words else None
    if found is None:
        return None, None, tuple(words)
    index = found.group(2)
    return found.group(1), None if index is None else int(index), tuple(words[1:])


def _asked(world: World, account: Account, owner: str, found: Sequence[Leaving]) -> list[Leaving]:
    """Those of `found` that the account does not call gone. What is learnt is written down, unless another run is at
    work, which learns it by itself."""
    ids = [item.id for item in found]
    try:
        gone = _gone(world, account, owner, ids, read_only=False)
    except (NotSaved, Busy):
        gone = _gone(world, account, owner, ids, read_only=True)
    return [item for item in found if item.id not in gone]


def _gone(world: World, account: Account, owner: str, ids: list[int], *, read_only: bool) -> set[int]:
    store = world.ledger(account, owner, read_only=read_only)
    try:
        with nullcontext() if read_only else holding(store, world.clock, Turn("leaks")):
            run = Run(world.provider, store, world.clock, owner, store.load(), randomness.randbits)
            run.settle = world.settle
            try:
                confirm(run, ids)
            except NotSaved:
                if not read_only:
                    raise
            world.keep_pace(store)
            return {outcome.instance_id for outcome in run.outcomes if outcome.instance_id is not None}
    finally:
        store.close()


def _events(screen: Screen, found: Sequence[Event], since: float) -> str:
    from reconciler.views import history

    if screen.is_text:
        return history.events_text(found, since)
    from reconciler.views.document import dump

    return dump(history.events_document(found, since))


def _leaks(screen: Screen, found: Sequence[Leaving], now: float) -> str:
    from reconciler.views import history

    if screen.is_text:
        return history.leaks_text(found, now)
    from reconciler.views.document import dump

    return dump(history.leaks_document(found, now))
