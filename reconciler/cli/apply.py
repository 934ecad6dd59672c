"""`reconcile apply`: show the plan, ask, and make it so."""

from __future__ import annotations

import os
import secrets as randomness
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import click

from reconciler.apply.run import Run, Secrets
from reconciler.cli.compose import World, open_world
from reconciler.cli.declared import read, wish_of
from reconciler.cli.holding import Turn, holding
from reconciler.cli.options import (
    Duration,
    accept_gone_option,
    approve_option,
    beside_option,
    first_run_option,
    lock_timeout_option,
    max_added_option,
    max_destroys_option,
    prune_option,
    replace_option,
    scope,
    scope_options,
    shape,
    shape_options,
    where,
    world_options,
)
from reconciler.cli.plan import plan_key, show, warn
from reconciler.cli.screen import Screen
from reconciler.cli.signals import asking_to_stop, interrupting_at_once
from reconciler.cli.telling import courier_of, noticing_of, tell_failure, told_if_unread, unusable_webhooks
from reconciler.converge import Approved, Result, converge, save_pass
from reconciler.core.assemble import Wish
from reconciler.core.envelope import Envelope, envelope_of, left_out, narrowed, within
from reconciler.core.instance import Account
from reconciler.core.label import Seat
from reconciler.core.lacking import lacking, secret_names
from reconciler.core.model import Fleet
from reconciler.core.plan import Leak, Plan
from reconciler.core.record import Record
from reconciler.core.report import Ending, Outcome, Report
from reconciler.core.saved import MAX_BYTES, SavedPlan, read_plan
from reconciler.core.secret import Hidden
from reconciler.errors import Interrupted, ReconcileError, RefusedByGuard, WrongUsage
from reconciler.provider import Store
from reconciler.reconcile import Pass, run_pass

FRESH_S = 120.0
"""A plan older than this is made anew before anything is done."""


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
@lock_timeout_option
@click.option(
    "--plan", "saved", type=click.Path(path_type=Path), metavar="FILE", help="Do at most what this plan approved."
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--no-wait", is_flag=True, help="Do one step and return.")
@click.option("--timeout", type=Duration(), default="60m", show_default=True, help="How long to wait until all runs.")
@shape_options
def apply(**values: Any) -> int:
    """Create, replace and destroy instances until the account matches the specs.

    \b
    Examples:
      reconcile apply specs/ --simulate --yes
      reconcile apply specs/ --plan plan.json --yes
      reconcile apply specs/ --yes --no-wait --quiet        (for cron)
    """
    world_at, wanted, shaped = where(values), scope(values), shape(values)
    screen = Screen(shaped)
    loaded = read(wanted, screen)
    checked = wish_of(values, loaded)
    consent = Consent(screen, values["yes"], values["saved"], loaded.policy.file)
    with open_world(world_at) as world, asking_to_stop(world.clock.stop):
        warn(world, screen)
        want = begun(checked, world)
        limits = (values["timeout"], values["lock_timeout"])
        return carry_out(world, want, consent, timeout_s=limits[0], step_only=values["no_wait"], lock_s=limits[1])


def begun(checked: Wish, world: World) -> Wish:
    """The wish of a run that begins now in `world`."""
    settle = world.govern(checked.policy)
    return replace(checked, settle=settle, allowed=replace(checked.allowed, run_started_at=world.clock.now()))


class Consent:
    """What was agreed to: by a saved plan, by `--yes`, or at the terminal."""

    def __init__(self, screen: Screen, yes: bool, saved: Path | None, policy_file: str | None) -> None:
        self.screen = screen
        self._yes = yes
        self._saved = read_saved(saved) if saved is not None else None
        self.policy_file = policy_file

    @property
    def envelope(self) -> Envelope | None:
        """The envelope of the saved plan, if there is one."""
        return self._saved.envelope if self._saved else None

    @property
    def lifts(self) -> frozenset[int]:
        """Destroys that the saved plan asked for."""
        return self._saved.lifts if self._saved else frozenset()

    def compare(self, plan: Plan) -> None:
        """Say so when the approved plan was made for other instances than are there now."""
        if self._saved is not None and self._saved.observed != plan.observed:
            text = "The account has changed since the plan was made: what is still due of it is done, nothing else."
            self.screen.note(text)

    def check(self, account: Account, want: Wish, now: float) -> None:
        """A stale saved plan is refused."""
        why = self._saved.stale(account.id, want.policy.owner, want.fleets, now) if self._saved else None
        if why is not None:
            raise RefusedByGuard(f"the saved plan is stale: {why}", hint="make a new one: reconcile plan --out FILE")

    def agreed(self, want: Wish) -> Wish:
        """The wish with the replacements that the saved plan asks for; others cannot be asked for beside it."""
        saved = self._saved
        if saved is None:
            return want
        if unknown := sorted(want.replacing - saved.replaces.keys()):
            hint = "make a new one: reconcile plan --replace FLEET/INDEX --out FILE"
            raise RefusedByGuard(f"--replace {', '.join(map(str, unknown))}: not in the saved plan", hint=hint)
        declared = {fleet.name for fleet in want.fleets}
        of_these = {seat: number for seat, number in saved.replaces.items() if seat.fleet in declared}
        if missing := [seat for seat in saved.to_repeat(want.replacing) if seat in of_these]:
            hint = f"repeat {' '.join(f'--replace {seat}' for seat in missing)}, or sign plans with RECONCILE_PLAN_KEY"
            raise RefusedByGuard("the saved plan replaces what works, and is not signed", hint=hint)
        return replace(want, replacing=frozenset(), agreed=of_these)

    def left_out(self, first: Pass) -> tuple[Seat, ...]:
        """Seats that the first pass found wanted and empty, and that the saved plan does not name."""
        return left_out(first.diff.fleets, self._saved.envelope) if self._saved else ()

    def given(self, plan: Plan) -> None:
        """Ask, where nobody has said yes before. No terminal and no `--yes` is a refusal."""
        if self._yes:
            return
        if not (sys.stdin.isatty() and self.screen.is_text):
            raise RefusedByGuard("nobody said yes, and there is no terminal to ask at", hint="--yes")
        from reconciler.views.text import headline

        with interrupting_at_once():
            agreed = click.confirm(f"{headline(plan)} Apply?", default=False, err=True)
        if not agreed:
            raise RefusedByGuard("the answer was no: nothing was done")


def carry_out(
    world: World, want: Wish, consent: Consent, *, timeout_s: float, step_only: bool, lock_s: float = 0.0
) -> int:
    """Plan, ask, apply, report. The ledger is open for writing, and held, before anything is sent.

    A fleet that the wish ends is paused before its first instance goes.
    """
    screen = consent.screen
    if world.simulation is None and (wrong := unusable_webhooks(want, in_environment)) is not None:
        screen.alarm(f"warning: {wrong}")  # A watch ends here; a run of cron repairs all the same.
    turn = turn_of("destroy" if want.ending else "apply", lock_s, world, screen)
    with told_if_unread(world, want, turn, lambda: courier_of(world, want, in_environment, screen.note, screen.alarm)):
        account = world.provider.account()
    consent.check(account, want, world.clock.now())
    want = consent.agreed(want)
    store = world.ledger(account, want.policy.owner, read_only=False)
    try:
        with holding(store, world.clock, turn):
            record = store.load()
            try:
                return _carried_out(world, Begun(store, record, account), want, consent, timeout_s, step_only)
            finally:
                world.keep_pace(store)
                world.save()
    finally:
        store.close()


def turn_of(command: str, lock_s: float, world: World, screen: Screen) -> Turn:
    """What a command says while it waits for its turn with the ledger."""
    return Turn(command, lock_s, " --simulate" if world.simulation is not None else "", screen.progress)


@dataclass(frozen=True, slots=True)
class Begun:
    """The memory a run begins with."""

    store: Store
    record: Record
    account: Account


def _carried_out(world: World, begun: Begun, want: Wish, consent: Consent, timeout_s: float, step_only: bool) -> int:
    screen, store, account = consent.screen, begun.store, begun.account
    run = Run(world.provider, store, world.clock, want.policy.owner, begun.record, randomness.randbits)
    run.settle, run.probe, run.sights = want.settle, world.probe, store.sights(world.clock.now())
    run.account, run.account_at = account, world.clock.now()
    run.tell = lambda outcome: _tell(screen, outcome)
    run.checks, run.logs, run.strikes = world.checks, world.logs(account, want.policy.owner), want.policy.strikes
    run.noticing = noticing_of(want)
    run.courier = courier_of(world, want, in_environment, screen.note, screen.alarm)
    if consent.envelope is not None:
        want = replace(want, allowed=replace(want.allowed, approved=consent.lifts))
    look_up = in_environment if world.simulation is None else stand_in
    want = replace(want, lacking=lacking(want.fleets, look_up))
    screen.busy("reading the account and the market")
    try:
        first = run_pass(run.eyes, want, run.record, account, sights=run.sights, envelope=consent.envelope)
    except ReconcileError as failure:
        tell_failure(run, failure)
        raise
    run.saw(first.news)
    if consent.envelope is not None:
        first = replace(first, plan=within(first.plan, consent.envelope, run.done()))
        consent.compare(first.plan)
    if screen.is_text:
        show(screen, first.plan, consent.policy_file, pending_only=screen.quiet)
    saved = consent.envelope
    envelope = envelope_of(first.plan) if saved is None else narrowed(saved, first.plan)
    envelope = replace(envelope, ending=want.ending)
    renting = {seat.fleet for seat in envelope.rents} - want.lacking.keys()
    renters = [fleet for fleet in want.fleets if fleet.name in renting]
    run.secrets = secrets_of(renters, look_up)
    world.wire.also_hide(run.secrets.values.values())
    if first.plan.changes or envelope.rents or envelope.destroys:
        consent.given(first.plan)
    save_pass(run, first, whole=consent.envelope is None, ended=want.ending)
    approved = Approved(envelope, timeout_s, step_only, screen.progress)
    return _converged(world, run, want, approved, first, consent)


def _converged(world: World, run: Run, want: Wish, approved: Approved, first: Pass, consent: Consent) -> int:
    """Converge and report, whatever happens on the way: what was done is said even when it ends in an error."""
    error: ReconcileError | None = None
    result = Result(Ending.FAILED, first.plan)
    fresh = world.clock.now() - first.plan.made_at < FRESH_S
    try:
        result = converge(run, want, approved, replace(first, record=run.record) if fresh else None)
    except ReconcileError as failure:
        error = failure
    except KeyboardInterrupt:
        error = Interrupted("stopped in the middle of a call")
    with suppress(ReconcileError):  # What was sent before an error belongs into the history too.
        run.save_events()
    if error is not None:
        tell_failure(run, error)
    report = replace(report_of(run, result, error), left_out=consent.left_out(first))
    _say(consent.screen, report, "destroy" if want.ending else "apply")
    held = any(first.plan.refusals()) or any(result.plan.refusals())
    return most_harmful([exit_code(report), 4 if held else 0, error.exit_code if error else 0])


def report_of(run: Run, result: Result, error: ReconcileError | None) -> Report:
    """Everything there is to say about a run."""
    return Report(
        plan=result.plan,
        ending=result.ending,
        at=run.clock.now(),
        outcomes=tuple(run.outcomes),
        waits=result.waits,
        failed=result.failed,
        doubts=tuple(i for i in run.record.intents.values() if i.instance_id is None),
        leaks=tuple(Leak(x.id, x.seat, x.since, x.rate_per_hour) for x in run.record.leaving.values()),
        error=str(error) if error else None,
        hint=error.hint if error else None,
    )


def _tell(screen: Screen, outcome: Outcome) -> None:
    from reconciler.views.text import outcome_text

    if screen.is_text:
        screen.data(outcome_text(outcome))


def _say(screen: Screen, report: Report, command: Literal["apply", "destroy"]) -> None:
    """The last words: what was done, what is still open, what leaks."""
    from reconciler.views.ending import ending_lines, is_news, left_out_lines, machine_report

    if screen.is_text:
        for line in ending_lines(report):
            (screen.alarm if line.startswith("!") else screen.note)(line)
        return
    for line in left_out_lines(report):
        screen.note(line)
    if not screen.quiet or is_news(report):
        screen.data(machine_report(screen.format, report, command))


def exit_code(report: Report) -> int:
    """The most harmful of what a report holds: 5 money at risk, 1 failed, 0."""
    if report.leaks or report.doubts:
        return 5
    refused = any(outcome.kind == "refused" and outcome.instance_id is None for outcome in report.outcomes)
    return 1 if refused or report.failed or report.plan.problems or report.ending is Ending.LATE else 0


def most_harmful(codes: Iterable[int]) -> int:
    """5, 130, 4, 1, 2, 6, 3, 0: the first of them that is there."""
    there = set(codes)
    return next(code for code in (5, 130, 4, 1, 2, 6, 3, 0) if code in there)


def secrets_of(fleets: Iterable[Fleet], look_up: Callable[[str], str | None]) -> Secrets:
    """Every secret the fleets refer to and that is there, read at once."""
    wanted = {name for fleet in fleets for name in secret_names(fleet)}
    found = {name: Hidden(look_up(name) or "") for name in sorted(wanted)}
    return Secrets({name: value for name, value in found.items() if value})


def in_environment(name: str) -> str | None:
    """The value of a variable. (A function of ours: the `repr` of `os.environ.get` shows the whole environment.)"""
    return os.environ.get(name)


def stand_in(name: str) -> str:
    """What the simulated world gets for a secret: it needs none, and its state file must hold none."""
    return f"stand-in-{name}"


def read_saved(path: Path) -> SavedPlan:
    """The saved plan of a file; damaged or changed, it is refused whole."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise WrongUsage(f"there is no plan file {path}") from None
    except OSError as error:
        raise ReconcileError(f"the plan file {path} cannot be read: {error.strerror}") from error
    try:
        return read_plan(data, plan_key())
    except ValueError as error:
        hint = "make a new one: reconcile plan --out FILE"
        raise ReconcileError(f"the plan file {path} cannot be used: {error}", hint=hint) from error
