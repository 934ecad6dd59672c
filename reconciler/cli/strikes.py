"""`reconcile strikes`: the machines that failed us. `reconcile strikes forgive MACHINE`: one of them begins anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from reconciler.cli.apply import turn_of
from reconciler.cli.compose import World, open_world
from reconciler.cli.declared import read
from reconciler.cli.holding import holding
from reconciler.cli.options import DEFAULT_PATHS, Scope, Shape, lock_timeout_option, policy_option, where, world_options
from reconciler.cli.plan import warn
from reconciler.cli.screen import Screen
from reconciler.core.blaming import forgiven_by_word
from reconciler.core.model import Policy
from reconciler.core.record import Record
from reconciler.core.strikes import StrikeRules, counting, struck
from reconciler.core.striking import forgiven
from reconciler.errors import WrongUsage
from reconciler.views import strikes as views

FORGIVE = "forgive"


@click.command()
@click.argument("words", nargs=-1, metavar="[forgive MACHINE] [PATH]...")
@policy_option
@world_options
@lock_timeout_option
@click.option(
    "--format",
    type=click.Choice(["text", "json", "yaml"]),
    default="text",
    show_default=True,
    help="For people, for machines, or as a `blacklist` to commit.",
)
def strikes(**values: Any) -> int:
    """List the machines that failed us, until when they are not rented, and why; or forgive one.

    \b
    Examples:
      reconcile strikes
      reconcile strikes --format yaml
      reconcile strikes forgive 27924
    """
    machine_id, paths = _asked(values["words"])
    world_at, screen = where(values), Screen(Shape(values["format"], False))
    policy = read(Scope(tuple(paths) or DEFAULT_PATHS, (), values["policy"]), screen).policy
    with open_world(world_at) as world:
        warn(world, screen)
        if machine_id is None:
            _list(world, screen, policy)
        else:
            _forgive(world, screen, policy, machine_id, values["lock_timeout"])
            world.save()
    return 0


def _asked(words: Sequence[str]) -> tuple[int | None, Sequence[str]]:
    """The machine to be forgiven, where one is named, and the paths."""
    if not words or words[0] != FORGIVE:
        return None, words
    if len(words) < 2 or not (words[1].isascii() and words[1].isdigit()):
        raise WrongUsage("whom to forgive is said by a machine's id", hint="reconcile strikes lists them")
    return int(words[1]), words[2:]


def _list(world: World, screen: Screen, policy: Policy) -> None:
    store = world.ledger(world.provider.account(), policy.owner, read_only=True)
    try:
        record = store.load()
    finally:
        store.close()
    now = world.clock.now()
    found = _machines(record, policy.strikes, now)
    if screen.format == "json":
        from reconciler.views.document import dump

        screen.data(dump(views.strikes_document(found, now)))
    else:
        screen.data(views.strikes_yaml(found) if screen.format == "yaml" else views.strikes_text(found))


def _machines(record: Record, rules: StrikeRules, now: float) -> list[views.StruckMachine]:
    out = struck(record.strikes, rules, now)
    counted = {machine: counting(all_of, rules, now) for machine, all_of in sorted(record.strikes.items())}
    return [
        views.StruckMachine(machine, all_of, out[machine].until if machine in out else None)
        for machine, all_of in counted.items()
        if all_of
    ]


def _forgive(world: World, screen: Screen, policy: Policy, machine_id: int, lock_s: float) -> None:
    store = world.ledger(world.provider.account(), policy.owner, read_only=False)
    try:
        with holding(store, world.clock, turn_of("strikes forgive", lock_s, world, screen)):
            before = store.load()
            number = len(counting(before.strikes.get(machine_id, ()), policy.strikes, world.clock.now()))
            if number:
                store.save(forgiven(before, machine_id), [forgiven_by_word(machine_id, number, world.clock.now())])
            world.keep_pace(store)
    finally:
        store.close()
    if screen.format == "json":
        from reconciler.views.document import dump

        screen.data(dump(views.forgive_document(machine_id, number)))
    else:
        plain = f"Machine {machine_id} is forgiven: {number} strikes count no more."
        screen.note(plain if number else f"Machine {machine_id} has no strike; nothing was changed.")
