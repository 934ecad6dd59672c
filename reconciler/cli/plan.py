"""`reconcile plan`: what would change and what it costs. Changes nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from reconciler.cli.compose import World, open_world
from reconciler.cli.declared import read, wish_of
from reconciler.cli.options import (
    accept_gone_option,
    approve_option,
    beside_option,
    first_run_option,
    max_added_option,
    max_destroys_option,
    probe_option,
    prune_option,
    replace_option,
    scope,
    scope_options,
    shape,
    shape_options,
    where,
    world_options,
)
from reconciler.cli.rises import with_rises
from reconciler.cli.screen import Screen
from reconciler.core.assemble import Wish
from reconciler.core.instance import Account
from reconciler.core.plan import Plan
from reconciler.core.record import Record
from reconciler.core.secret import Hidden
from reconciler.core.sights import NewSights, Sights
from reconciler.errors import NotSaved, ReconcileError, WrongUsage
from reconciler.reconcile import Pass, read_account, run_pass

SHORTEST_PLAN_KEY = 16


@click.command()
@scope_options
@world_options
@prune_option
@max_destroys_option
@accept_gone_option
@max_added_option
@approve_option
@replace_option
@beside_option
@first_run_option
@probe_option
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Save what was planned, for apply --plan.")
@click.option("--exit-code", is_flag=True, help="Leave with 3 when changes are pending.")
@shape_options
def plan(**values: Any) -> int:
    """Show what would change and what it costs. Changes nothing.

    \b
    Examples:
      reconcile plan specs/ --simulate
      reconcile plan specs/ --fleet flux-training --exit-code
      reconcile plan specs/ --out plan.json --format markdown
    """
    world_at, wanted, shaped = where(values), scope(values), shape(values)
    screen = Screen(shaped)
    if values["out"] is not None:
        may_be_written(values["out"])
        plan_key()
    loaded = read(wanted, screen)
    checked = wish_of(values, loaded)
    with open_world(world_at) as world:
        warn(world, screen)
        screen.busy("reading the account and the market")
        result = look(world, replace(checked, settle=world.govern(loaded.policy), probing=values["probe"]))
    if values["out"] is not None:
        save(values["out"], result.plan)
    show(screen, result.plan, loaded.policy.file, pending_only=shaped.quiet)
    return code_of(result.plan, exit_code=values["exit_code"])


def warn(world: World, screen: Screen) -> None:
    """Say what the key's finder had to say, and from now on why nothing seems to happen: time that is simulated does
    not keep anybody waiting."""
    for warning in world.warnings:
        screen.alarm(f"warning: {warning}")
    if world.simulation is None:
        world.wire.pacing.on_wait = lambda route, seconds: screen.progress(_waiting(route, seconds))


def _waiting(route: str, seconds: float) -> str:
    from reconciler.views.wording import duration

    return f"the marketplace is asked again in {duration(seconds)} ({route})"


def look(world: World, wanted: Wish) -> Pass:
    """One pass that changes nothing but, on a real account, what the ledger knows of the market and a cold start."""
    started = replace(wanted, allowed=replace(wanted.allowed, run_started_at=world.clock.now()))
    account, owner = read_account(world.provider), wanted.policy.owner
    record, sights = remembered(world, account, owner)
    result = run_pass(world.eyes, started, record, account, sights=sights)
    begins = not record.warm and record.cold is None and result.record.cold is not None
    remember(world, account, owner, seen=result.record if begins else None, news=result.news)
    return with_rises(world.provider, result)


def remembered(world: World, account: Account | None, owner: str) -> tuple[Record, Sights]:
    """What the ledger of this account and owner holds; nothing where the key may not read whose account it is."""
    if account is None:
        return Record(), Sights()
    store = world.ledger(account, owner, read_only=True)
    try:
        return store.load(), store.sights(world.clock.now())
    finally:
        store.close()


def remember(
    world: World, account: Account | None, owner: str, *, seen: Record | None = None, news: NewSights | None = None
) -> None:
    """Note the pace, what was seen of the market, and a cold start's first list (`seen`), where the ledger can be
    written. A command that only reads never fails for it, and leaves a simulated world as it was. On a git ref each
    note is a push: there only the first list is worth it."""
    if account is None or world.simulation is not None:
        return
    if seen is None and (world.ledger_ref is not None or (news is None and world.wire.pacing.is_over)):
        return
    try:
        store = world.ledger(account, owner, read_only=False)
    except ReconcileError:
        return
    try:
        world.keep_pace(store)
        if news is not None:
            store.add_sights(news)
        before = store.load() if seen is not None else None
        if seen is not None and before is not None and not before.warm and before.cold is None:
            known = {**before.known, **seen.known}
            store.save(replace(before, cold=seen.cold, known=known, spend=seen.spend))
    except ReconcileError:
        pass
    finally:
        store.close()


def show(screen: Screen, result: Plan, policy_file: str | None, *, pending_only: bool = False) -> None:
    """The plan in the shape that was asked for; when quiet, only if there is something to it."""
    if pending_only and not (result.changes or any(result.refusals()) or result.leaks or result.problems):
        return
    screen.data(rendered(screen.format, result, policy_file))


def rendered(shape_name: str, result: Plan, policy_file: str | None) -> str:
    """The plan as text, JSON or markdown."""
    if shape_name == "json":
        from reconciler.views.document import dump, plan_document

        return dump(plan_document(result))
    if shape_name == "markdown":
        from reconciler.views.markdown import plan_markdown

        return plan_markdown(result)
    from reconciler.views.text import plan_text

    return plan_text(result, policy_file)


def save(path: Path, result: Plan) -> None:
    """Write the plan file, in one step. Only a new file or an older plan is written over."""
    from reconciler.core.saved import write_plan

    half, key = path.with_name(f".{path.name}.half"), plan_key()
    try:
        half.write_text(write_plan(result, key), encoding="utf-8")
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise NotSaved(f"the plan cannot be written to {path}: {error.strerror}") from error


def plan_key() -> str | None:
    """What plan files are signed with, where the makers of plans and those who apply them share a key."""
    if "RECONCILE_PLAN_KEY" not in os.environ:
        return None
    said = Hidden(os.environ["RECONCILE_PLAN_KEY"])
    if len(said) < SHORTEST_PLAN_KEY:
        raise WrongUsage(
            f"RECONCILE_PLAN_KEY has less than {SHORTEST_PLAN_KEY} characters", hint="openssl rand -hex 32"
        )
    return said


def may_be_written(path: Path) -> None:
    """Refuse a place for the plan file that is not a file, or is a file of another kind; before any work."""
    from reconciler.core.saved import FORMAT

    try:
        if path.is_symlink() or (path.exists() and not path.is_file()) or not path.name:
            raise WrongUsage(f"--out {path}: not a regular file")
        if path.exists() and FORMAT.encode() not in path.read_bytes():
            raise WrongUsage(
                f"--out {path}: there is a file that is not a saved plan", hint="remove it, or name another"
            )
    except OSError as error:
        raise WrongUsage(f"--out {path}: {error.strerror}") from error


def code_of(result: Plan, *, exit_code: bool = False) -> int:
    """The exit code of a plan: the most harmful thing in it."""
    if result.leaks:
        return 5
    if any(result.refusals()):
        return 4
    if result.problems:
        return 1
    if exit_code and (result.changes or any(fleet.below_min_ready for fleet in result.fleets)):
        return 3
    return 0
