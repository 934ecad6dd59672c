"""Who is told by a run, beside the one who started it: the policy's webhooks, or in a simulated world nobody."""

from __future__ import annotations

import secrets as randomness
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace

from reconciler.apply.run import Run
from reconciler.cli.compose import World
from reconciler.cli.holding import Turn, holding
from reconciler.core.assemble import Wish
from reconciler.core.incidents import Letter
from reconciler.core.instance import Account
from reconciler.core.notices import Noticing, failed
from reconciler.errors import DoubtfulReading, KeyProblem, ReconcileError, Unreachable
from reconciler.provider import Courier

FAILURES = (DoubtfulReading, Unreachable, KeyProblem)
"""Errors that end a pass, and after which a later one may succeed by itself."""


class Shown:
    """For simulated worlds: says what would be sent. Nobody out there should hear of a host that never was."""

    def __init__(self, told: Callable[[str], None]) -> None:
        self._told = told

    def deliver(self, letters: Sequence[Letter]) -> frozenset[int]:
        """Say each of them; all have arrived."""
        for letter in letters:
            self._told(f"would tell {letter.to}: {letter.text}")
        return frozenset(range(len(letters)))


def noticing_of(want: Wish) -> Noticing:
    """Who is told of what in a run that wants `want`."""
    return Noticing(want.policy.notify, want.policy.limits.min_runway_hours.warn, want.complete)


def courier_of(
    world: World,
    want: Wish,
    look_up: Callable[[str], str | None],
    shown: Callable[[str], None],
    told: Callable[[str], None],
) -> Courier | None:
    """Who carries letters in `world`; `shown` hears what is not really sent, `told` what did not arrive."""
    if not want.policy.notify.webhooks:
        return None
    if world.simulation is not None:
        return Shown(shown)
    from reconciler.notify import Webhooks

    return Webhooks(want.policy.notify, want.policy.owner, look_up, told)


def unusable_webhooks(want: Wish, look_up: Callable[[str], str | None]) -> str | None:
    """Which webhooks of the policy have no address that can be used, and why, in words that do not quote it."""
    if not want.policy.notify.webhooks:
        return None
    from reconciler.notify import flaw_of

    names = (hook.variable for hook in want.policy.notify.webhooks)
    wrong = [f"{name}: {flaw}" for name in names if (flaw := flaw_of(look_up(name) or "")) is not None]
    return f"a webhook cannot be used: {'; '.join(wrong)}" if wrong else None


def tell_failure(run: Run, error: ReconcileError) -> None:
    """Remember that a pass failed, and tell it once it has lasted; this itself never fails."""
    if not isinstance(error, FAILURES):
        return
    with suppress(ReconcileError):
        record = failed(run.record, str(error), run.noticing, run.clock.now())
        if record != run.record:
            run.save(record)
        run.post()


@contextmanager
def told_if_unread(
    world: World, want: Wish, turn: Turn, courier: Callable[[], Courier | None], before: Account | None = None
) -> Iterator[None]:
    """Read the account inside: where that fails there is no run yet, but those who are to be told of failing passes
    are, by the ledger of the account as it was read `before`, else by the one that is there. It is not waited for."""
    try:
        yield
    except FAILURES as error:
        if want.policy.notify.webhooks:
            with suppress(ReconcileError, OSError):
                _tell_unread(world, want, replace(turn, timeout_s=0.0), courier(), error, before)
        raise


def _tell_unread(
    world: World, want: Wish, turn: Turn, courier: Courier | None, error: ReconcileError, account: Account | None
) -> None:
    owner = want.policy.owner
    store = world.ledger_there(owner) if account is None else world.ledger(account, owner, read_only=False)
    if store is None:
        return
    with closing(store), holding(store, world.clock, turn):
        run = Run(world.provider, store, world.clock, owner, store.load(), randomness.randbits)
        run.noticing, run.courier = noticing_of(want), courier
        tell_failure(run, error)
