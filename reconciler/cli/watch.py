"""`reconcile watch`: keep the account as the specs say, pass after pass, until it is stopped."""

from __future__ import annotations

import re
import secrets as randomness
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

import click

from reconciler.apply.run import Run
from reconciler.cli.apply import exit_code, in_environment, most_harmful, report_of, secrets_of, stand_in
from reconciler.cli.compose import World, open_world
from reconciler.cli.holding import Turn, holding
from reconciler.cli.listening import Board, listening
from reconciler.cli.options import (
    Duration,
    Shape,
    beside_option,
    first_run_option,
    scope,
    scope_options,
    where,
    world_options,
)
from reconciler.cli.rereading import Specs
from reconciler.cli.screen import Screen
from reconciler.cli.signals import asking_to_stop, interrupting_at_once
from reconciler.cli.telling import courier_of, noticing_of, tell_failure, told_if_unread, unusable_webhooks
from reconciler.clock import StoppingClock
from reconciler.converge import Result
from reconciler.core.assemble import Wish
from reconciler.core.calls import Calls
from reconciler.core.guards import Allowed
from reconciler.core.instance import Account
from reconciler.core.lacking import lacking
from reconciler.core.model import Fleet
from reconciler.core.notify import Notify
from reconciler.core.snapshot import Snapshot
from reconciler.core.watching import Note
from reconciler.errors import ReconcileError, RefusedByGuard
from reconciler.provider import Courier
from reconciler.reconcile import ACCOUNT_AGAIN_S, same_account
from reconciler.views.log import log_json, log_text
from reconciler.watch import Rhythm, Watch

LISTEN = "127.0.0.1:9109"
SHORTEST_S = 1.0
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})", re.ASCII)


class Address(click.ParamType[Any]):
    """`HOST:PORT`, or `off`."""

    name = "host:port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int] | None:
        """Host and port; None for `off`."""
        if value == "off" or value is None or isinstance(value, tuple):
            return None if value == "off" else value
        found = _ADDRESS.fullmatch(value)
        if found is None or int(found[2]) > 65535:
            self.fail(f"{value!r} is not an address such as {LISTEN}, nor off", param, ctx)
        return found[1].strip("[]"), int(found[2])


@click.command()
@scope_options
@world_options
@beside_option
@first_run_option
@click.option("--interval", type=Duration(), default="60s", show_default=True, help="How long from pass to pass.")
@click.option("--passes", type=click.IntRange(min=1), metavar="N", help="End after so many passes.")
@click.option(
    "--listen",
    type=Address(),
    default=LISTEN,
    show_default=True,
    help="Where /metrics and /healthz are served; `off` serves nothing.",
)
@click.option(
    "--log",
    type=click.Choice(["auto", "text", "json"]),
    default="auto",
    show_default=True,
    help="How lines are written to stderr: auto is text on a terminal, else JSON.",
)
@click.option("--quiet", "-q", is_flag=True, help="Log no good pass in which nothing happened.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def watch(**values: Any) -> int:
    """Keep the account as the specs say: a pass every minute, until Ctrl-C or SIGTERM.

    Each pass does what `apply --yes --no-wait` would do. Specs are read again when they change. Lines go to stderr.

    \b
    Examples:
      reconcile watch specs/ --simulate --yes --passes 30
      reconcile watch specs/ --yes --interval 5m
    """
    world_at, printer = where(values), Printer(values["log"], values["quiet"])
    if values["interval"] < SHORTEST_S:
        raise click.UsageError(f"--interval must be at least {SHORTEST_S:.0f}s")
    screen = Screen(Shape("text", quiet=True))
    specs = Specs(scope(values), screen, Allowed(beside=frozenset(values["beside"])), first_run=values["first_run"])
    look_up = stand_in if world_at.simulate else in_environment
    if not world_at.simulate:
        check_webhooks(specs.first, look_up)
    consent(values["yes"], specs.first)
    with open_world(world_at) as world, asking_to_stop(world.clock.stop):
        board = Board(world.clock.now, specs.first.policy.owner)
        with listening(values["listen"], board) if values["listen"] else nullcontext() as url:
            desk = Bench(world, specs, look_up, printer.say, board)
            desk.begin(url, values["interval"])
            code = Watch(desk, Rhythm(values["interval"], values["passes"]), code_of).run()
            desk.say(Note(world.clock.now(), "info", "stopped", {"code": code}))
    return code


def consent(yes: bool, want: Wish) -> None:
    """A watch acts for a long time without asking, so it asks before it begins."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise RefusedByGuard("nobody said yes, and there is no terminal to ask at", hint="--yes")
    names = ", ".join(fleet.name for fleet in want.fleets)
    with interrupting_at_once():
        said = f"Rent and destroy unattended for {names}, within their caps and budgets, until stopped?"
        agreed = click.confirm(said, default=False, err=True)
    if not agreed:
        raise RefusedByGuard("the answer was no: nothing was done")


def check_webhooks(want: Wish, look_up: Callable[[str], str | None]) -> None:
    """Who is to be told can be told when the watch begins."""
    wrong = unusable_webhooks(want, look_up)
    if wrong is not None:
        raise ReconcileError(wrong, hint="export the address, or take the webhook out of the policy")


def code_of(run: Run, result: Result, error: ReconcileError | None) -> int:
    """What `apply` would leave with after this pass."""
    held = any(result.plan.refusals())
    codes = [exit_code(report_of(run, result, error)), 4 if held else 0, error.exit_code if error else 0]
    return most_harmful(codes)


class Printer:
    """Lines to stderr; a reader that went away stops nothing."""

    def __init__(self, form: str, quiet: bool) -> None:
        on_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._render = log_text if form == "text" or (form == "auto" and on_terminal) else log_json
        self._quiet = quiet
        self._news = False

    def say(self, note: Note) -> None:
        """Write one line. When quiet, a good pass is worth one only if something was said in it."""
        dull = note.event == "pass" and note.level == "info" and not self._news
        self._news = note.event != "pass"
        if not (self._quiet and dull):
            with suppress(OSError, ValueError):
                click.echo(self._render(note), err=True)


class Bench:
    """The world as the loop's desk."""

    def __init__(
        self,
        world: World,
        specs: Specs,
        look_up: Callable[[str], str | None],
        say: Callable[[Note], None],
        board: Board,
    ) -> None:
        self._world, self._specs, self._look_up, self._board = world, specs, look_up, board
        self.say = say
        self._courier: tuple[Notify, Courier | None] = (Notify(), None)
        self._missing: tuple[tuple[Fleet, ...], Mapping[str, str]] = ((), {})
        self._account: Account | None = None
        self._account_at = 0.0

    @property
    def clock(self) -> StoppingClock:
        """The world's time; its waits end when a stop is asked for."""
        return self._world.clock

    @property
    def calls(self) -> Calls:
        """What the world's wire has sent."""
        return self._world.calls

    def begin(self, url: str | None, interval_s: float) -> None:
        """The first line."""
        now, want = self.clock.now(), self._specs.first
        for text in self._world.warnings:
            self.say(Note(now, "warning", "problem", {"text": text}))
        fleets = [fleet.name for fleet in want.fleets]
        fields = {"owner": want.policy.owner, "fleets": fleets, "interval_s": interval_s}
        self.say(Note(now, "info", "started", {**fields, **({"listen": url} if url else {})}))

    def wish(self) -> Wish:
        """The specs as they are now."""
        return self._specs.look(self._world, self.say)

    def without_secrets(self, wish: Wish) -> Mapping[str, str]:
        """Fleets whose secrets are not in the environment; that can only change with the specs."""
        if self._missing[0] is not wish.fleets:
            self._missing = (wish.fleets, lacking(wish.fleets, self._look_up))
        return self._missing[1]

    @contextmanager
    def turn(self, wish: Wish) -> Iterator[tuple[Run, Account]]:
        """One run: account read, ledger opened and held; at its end the pace and a simulated world are kept."""
        world = self._world
        turn = Turn("watch", also=" --simulate" if world.simulation is not None else "")
        with told_if_unread(world, wish, turn, lambda: self._courier_of(wish), self._account):
            account = self._account_of_now()
        store = world.ledger(account, wish.policy.owner, read_only=False)
        try:
            with holding(store, world.clock, turn):
                run = Run(
                    world.provider,
                    store,
                    world.clock,
                    wish.policy.owner,
                    store.load(),
                    randomness.randbits,
                    account,
                    self._account_at,
                    world.probe,
                )
                run.settle, run.sights = wish.settle, store.sights(world.clock.now())
                run.checks, run.logs = world.checks, world.logs(account, wish.policy.owner)
                run.strikes = wish.policy.strikes
                run.secrets = secrets_of(wish.fleets, self._look_up)
                run.noticing, run.courier = noticing_of(wish), self._courier_of(wish)
                try:
                    yield run, account
                finally:
                    world.keep_pace(store)
                    world.save()
        finally:
            store.close()

    def _account_of_now(self) -> Account:
        """The account, read again every ten minutes: another one's answer ends the pass before anything is sent."""
        now = self.clock.now()
        if self._account is None or now - self._account_at >= ACCOUNT_AGAIN_S:
            provider, before = self._world.provider, self._account
            self._account = provider.account() if before is None else same_account(provider, before)
            self._account_at = now
        return self._account

    def _courier_of(self, wish: Wish) -> Courier | None:
        """One courier for as long as the policy names the same webhooks: it remembers which of them fail."""
        if self._courier[0] != wish.policy.notify:
            courier = courier_of(self._world, wish, in_environment, self._shown, self._undelivered)
            self._courier = (wish.policy.notify, courier)
            if self._world.simulation is None and (wrong := unusable_webhooks(wish, self._look_up)):
                self._undelivered(wrong)
        return self._courier[1]

    def _shown(self, text: str) -> None:
        self.say(Note(self.clock.now(), "info", "notification", {"text": text}))

    def _undelivered(self, text: str) -> None:
        self.say(Note(self.clock.now(), "warning", "notification_failed", {"text": text}))

    def fail(self, run: Run, error: ReconcileError) -> None:
        """Remember that a pass has failed, for those who are to be told."""
        tell_failure(run, error)

    def show(self, snapshot: Snapshot) -> None:
        """Put up how things stand."""
        self._board.show(snapshot)
