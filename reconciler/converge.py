"""Passes inside one approved envelope, until done, unfilled, refused or time is up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

from reconciler.apply import apply
from reconciler.apply.destroys import check_rented
from reconciler.apply.keys import let_key_in
from reconciler.apply.run import Run
from reconciler.core.assemble import Wish
from reconciler.core.envelope import Done, Envelope, within
from reconciler.core.evidence import doubt_left_s
from reconciler.core.history import Event, learned
from reconciler.core.instance import Account
from reconciler.core.notices import noticed
from reconciler.core.plan import Create, Destroy, FleetPlan, Plan, Replace, Update, due
from reconciler.core.record import with_pause
from reconciler.core.report import Ending, Outcome
from reconciler.core.settle import Settle, grown
from reconciler.core.spans import span
from reconciler.core.states import State
from reconciler.errors import DoubtfulReading, Unreachable
from reconciler.reconcile import ACCOUNT_AGAIN_S, Pass, run_pass, same_account

POLL_S = 10.0
"""How often an instance that boots is looked at."""
FAILED_PASSES = 3
"""After so many doubtful readings in a row a run gives up; one in between is only waited out."""


@dataclass(frozen=True, slots=True)
class Result:
    """The last plan of the run and how it ended; outcomes are in the `Run`."""

    ending: Ending
    plan: Plan
    waits: tuple[str, ...] = ()
    """What was still being waited for."""
    failed: tuple[str, ...] = ()
    """What should have been done and was not."""


@dataclass(slots=True)
class Approved:
    """What may be done, for how long, and whom to tell about waiting."""

    envelope: Envelope
    timeout_s: float
    step_only: bool = False
    told: Callable[[str], None] = field(default=lambda _: None)


def converge(run: Run, wish: Wish, approved: Approved, first: Pass | None = None) -> Result:
    """Pass after pass: observe, plan, cut to what was approved, apply, wait. `first` is a fresh pass to start with."""
    deadline = run.clock.now() + approved.timeout_s
    wish = replace(wish, allowed=replace(wish.allowed, counted=True))
    newest = first
    while True:
        done = run.done()
        newest = first or _pass(run, wish, approved, done, newest)
        first = None
        save_pass(run, newest)
        let_key_in(run, [m.instance for part in newest.diff.fleets for m in part.members()], wish.fleets)
        plan = within(newest.plan, approved.envelope, done)
        apply(run, plan)
        run.save_events()
        if approved.step_only:
            check_rented(run, wish.fleets)
            run.save_events()
            run.post()
            return Result(Ending.STEPPED, newest.plan, failed=_failed(run, plan))
        run.post()
        waits = list(_waits(run, plan, wish.settle))
        if not waits:
            if any(map(due, plan.actions())):
                newest = _pass(run, wish, approved, done, newest)
                save_pass(run, newest)
                run.post()
            return Result(Ending.DONE, newest.plan, failed=_given_up(newest.plan, approved.envelope))
        left = deadline - run.clock.now()
        if left <= 0:
            return Result(Ending.LATE, newest.plan, tuple(sorted({text for text, _ in waits})))
        text, seconds = min(waits, key=lambda wait: wait[1])
        approved.told(text)
        run.clock.sleep(min(left, max(seconds, 1.0)))


def save_pass(
    run: Run, newest: Pass, *, whole: bool = False, unseen: Collection[str] = (), ended: frozenset[str] = frozenset()
) -> None:
    """Write down what a pass has found out, before anything follows from it; the fleets of `ended` are paused. `whole`:
    it looked at every seat, not at those of an envelope, but for fleets of `unseen`."""
    _tell_ready(run, newest)
    record, events = learned(
        run.record, newest.record, newest.merged, newest.plan, newest.diff, whole=whole, unseen=unseen
    )
    vanished = newest.merged.vanished
    record = noticed(record, newest.plan, newest.diff, vanished, run.noticing, whole=whole, unseen=unseen)
    now = run.clock.now()
    for name in sorted(ended - set(record.paused)):
        record, paused = with_pause(record, name, now), Event(now, "paused", name, text="the fleet is destroyed")
        events = (*events, paused)
    run.save(record, *events)


def _pass(run: Run, wish: Wish, approved: Approved, done: Done, last: Pass | None) -> Pass:
    """One pass; a doubtful reading is waited out a few times before it ends the run. Whoever waits goes on with the
    offer of the `last` one."""
    envelope, sights, offers = approved.envelope, run.sights, last.offers if last else {}
    for tries_left in range(FAILED_PASSES, 0, -1):
        try:
            account = _account_of(run)
            newest = run_pass(
                run.eyes, wish, run.record, account, sights=sights, envelope=envelope, done=done, offers=offers
            )
            run.saw(newest.news)
            return newest
        except (DoubtfulReading, Unreachable) as error:
            if tries_left == 1:
                raise
            approved.told(f"{error}; reading again")
            run.clock.sleep(POLL_S)
    raise AssertionError("the loop above returns or raises")


def _account_of(run: Run) -> Account | None:
    """The account, read again every ten minutes: another one's answer ends the run before anything is sent."""
    if run.account is not None and run.clock.now() - run.account_at >= ACCOUNT_AGAIN_S:
        run.account = same_account(run.provider, run.account)
        run.account_at = run.clock.now()
    return run.account


def _failed(run: Run, plan: Plan) -> tuple[str, ...]:
    """What one step should have done and could not."""
    destroys = (action for action in plan.actions() if isinstance(action, Replace | Destroy))
    return tuple(
        f"instance {a.old.id} could not be read, so it was not destroyed" for a in destroys if a.old.id in run.unread
    )


def _given_up(final: Plan, envelope: Envelope) -> tuple[str, ...]:
    """Seats that were approved, have an offer, and are empty all the same: the tries of this run are used up."""
    empty = (a for a in final.actions() if isinstance(a, Create) and a.wait is None and a.seat in envelope.rents)
    return tuple(f"{action.seat} is still empty: the rents of this run failed" for action in empty)


def _tell_ready(run: Run, newest: Pass) -> None:
    """An outcome for every instance of this run that is ready for the first time."""
    for member in (m for part in newest.diff.fleets for m in part.members()):
        rented_at = run.rented.get(member.id)
        if rented_at is not None and member.state is State.READY and member.id not in run.ready:
            run.ready.add(member.id)
            took = span(run.clock.now() - rented_at)
            price = member.instance.price_per_hour or Decimal(0)
            where = member.instance.ssh_direct or member.instance.ssh_proxy
            address = f"  ssh -p {where.port} root@{where.host}" if where else ""
            run.note(Outcome("ready", member.mark.seat, f"ready in {took}{address}", member.id, price))


def _waits(run: Run, plan: Plan, settle: Settle) -> Iterator[tuple[str, float]]:
    """What the run still waits for, and how long until it is worth looking again, in seconds."""
    now = run.clock.now()
    settle = grown(settle, run.record.appeared, now)
    for intent in run.record.intents.values():
        if intent.instance_id is None:
            yield f"{intent.seat}: a rent in doubt", max(POLL_S, min(doubt_left_s(intent, now, settle), 60.0))
    for item in run.record.leaving.values():
        yield f"{item.seat}: instance {item.id} is being destroyed", POLL_S
    for fleet in plan.fleets:
        yield from _waits_of(run, fleet, plan.mislabelled)


def _waits_of(run: Run, fleet: FleetPlan, mislabelled: tuple[int, ...]) -> Iterator[tuple[str, float]]:
    stopped = run.rents_stopped or fleet.fleet.name in run.stopped_fleets
    for action in fleet.actions:
        if action.wait is not None:
            yield f"{action.seat}: {action.wait.reason}", max(POLL_S, action.wait.seconds or 0)
        elif not isinstance(action, Create) and action.old.id in run.unread:
            yield f"{action.seat}: instance {action.old.id} cannot be read", POLL_S
        elif isinstance(action, Update):
            yield f"{action.seat}: a new bid", POLL_S
        elif not stopped and not isinstance(action, Destroy):
            yield f"{action.seat}: booting", POLL_S
        elif not stopped and isinstance(action, Destroy) and action.old.id in run.rented:
            yield f"{action.seat}: {action.reason}", POLL_S
    hopeless = {i.seat for i in run.record.intents.values() if i.instance_id in mislabelled}
    for note in fleet.notes:
        if note.kind in ("pending", "doubtful", "leaving", "candidate") and note.seat not in hopeless:
            yield f"{note.seat}: {note.text}", POLL_S
