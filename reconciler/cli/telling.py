"""Who is told by a run, beside the one who started it: the policy's webhooks, or in a simulated world nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from reconciler.apply.run import Run
from reconciler.cli.compose import World
from reconciler.core.assemble import Wish
from reconciler.core.incidents import Letter
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


def tell_failure(run: Run, error: ReconcileError) -> None:
    """Remember that a pass failed, and tell it once it has lasted; this itself never fails."""
    if not isinstance(error, FAILURES):
        return
    with suppress(ReconcileError):
        record = failed(run.record, str(error), run.noticing, run.clock.now())
        if record != run.record:
            run.save(record)
        run.post()
