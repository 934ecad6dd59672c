"""The loop around converge: a pass, a wait, a pass. It decides nothing: what a pass does is its own plan.

Each pass is a run of its own, with the ledger opened, held and closed for it, exactly as if cron had started it. So a
watch that is killed at any moment leaves what a killed `apply` leaves, and other commands get their turn between.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

from reconciler.apply.run import Run
from reconciler.clock import Clock
from reconciler.converge import Approved, Result, converge, save_pass
from reconciler.core.assemble import Wish
from reconciler.core.calls import Calls
from reconciler.core.envelope import Envelope, envelope_of
from reconciler.core.instance import Account
from reconciler.core.label import Seat
from reconciler.core.plan import Stray
from reconciler.core.report import Ending
from reconciler.core.snapshot import Durations, Snapshot, calling, fleet_state, kept_counts, money_of
from reconciler.core.sought import Offers
from reconciler.core.tally import Count, counted, reasons_of_rents
from reconciler.core.unasked import unasked_lately
from reconciler.core.watching import (
    STALLED_S,
    Idles,
    Level,
    Note,
    PassResult,
    Rests,
    asleep,
    backed_off_s,
    idled,
    looked_for_anew,
    rested,
    scope_of,
    still_resting,
    troubled,
    unchanged,
    wait_s,
)
from reconciler.errors import (
    Busy,
    Interrupted,
    InvalidInput,
    KeyProblem,
    NotSaved,
    ReconcileError,
    RefusedByGuard,
    WrongUsage,
)
from reconciler.reconcile import Pass, run_pass
from reconciler.views.log import note_of

UNPLANNABLE = (InvalidInput, RefusedByGuard, WrongUsage)
"""What reading the specs may raise: the pass is skipped, nothing is planned, until they can be read again."""
HOPELESS = (KeyProblem, NotSaved)
"""Errors that end the command in its first pass: no waiting mends them, and whoever starts it should know."""


class Desk(Protocol):
    """What the loop works with. Everything that touches the world is behind it."""

    @property
    def clock(self) -> Clock:
        """The time, and the waiting."""
        ...

    @property
    def calls(self) -> Calls:
        """The calls that went out."""
        ...

    def wish(self) -> Wish:
        """The specs as they are now. Raises one of `UNPLANNABLE` while they cannot be planned."""
        ...

    def without_secrets(self, wish: Wish) -> Mapping[str, str]:
        """Fleets whose secrets are missing, and their names: nothing is rented for them."""
        ...

    def turn(self, wish: Wish) -> AbstractContextManager[tuple[Run, Account]]:
        """One run: the ledger open for writing and held while inside. Raises `Busy` where another run holds it."""
        ...

    def fail(self, run: Run, error: ReconcileError) -> None:
        """Remember that the pass of `run` has failed; never an error itself."""
        ...

    def say(self, note: Note) -> None:
        """One line of the log."""
        ...

    def show(self, snapshot: Snapshot) -> None:
        """How things stand from now on."""
        ...


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often, how many times, and where chance comes from."""

    interval_s: float = 60.0
    passes: int | None = None
    """None: until it is stopped."""
    jitter: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Ended:
    """One pass, done or not."""

    result: PassResult
    code: int = 0
    """As `apply` would leave with."""
    error: ReconcileError | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """Who is looked for in one pass."""

    scope: Envelope
    resting: Collection[str]
    """Fleets for which nothing is rented."""
    missing: Mapping[str, str]
    """Those of them that lack a secret, and which."""
    unseen: Collection[str]
    """Fleets that rest: nothing is found out about them but that."""
    asleep: Idles
    """Those of whose seats some idle."""
    offers: Offers
    """What seats go on with that wait or are held back."""


@dataclass(slots=True)
class Watch:
    """The state of the loop. All of it may be lost: what must not be is in the ledger."""

    desk: Desk
    rhythm: Rhythm
    code_of: Callable[[Run, Result, ReconcileError | None], int]
    rests: Rests = field(default_factory=dict)
    idles: Idles = field(default_factory=dict)
    offers: Offers = field(default_factory=dict)
    """What the last pass planned its seats with."""
    want: Wish | None = None
    """The last wish that could be read."""
    failures: int = 0
    """Passes in a row that failed for the account as a whole."""
    counts: Counter[Count] = field(default_factory=Counter)
    doubts: Mapping[Seat, str] = field(default_factory=dict)
    """What the rents were for of which nobody knows yet whether they were made."""
    shown: Snapshot = field(default_factory=lambda: Snapshot(0.0, 0.0, ""))
    told: Mapping[str, str] = field(default_factory=dict)
    """Standing troubles that were logged, so that each is logged once."""

    def run(self) -> int:
        """Pass after pass, until they are counted out or a stop is asked for; the exit code.

        Stopped between passes it is 0, in the middle of one 130; 5 where the last pass left money at risk. Counted
        out, it is what `apply` would have left with after the last pass, and 1 while a fleet in trouble rests.
        """
        code, done = 0, 0
        try:
            while True:
                started = self.desk.clock.now()
                ended = self._pass(first=done == 0)
                code, done = ended.code, done + 1
                wait = self._wait_s(ended)
                self._show(ended, started, wait)
                self._say_how(ended, started, wait, last=done == self.rhythm.passes)
                if isinstance(ended.error, Interrupted):
                    return code
                if done == self.rhythm.passes:
                    return code or (1 if self.rests else 0)
                self.desk.clock.sleep(wait)
        except Interrupted:
            return code if code == 5 else 0

    # --- one pass ---------------------------------------------------------------------------------

    def _pass(self, *, first: bool) -> Ended:
        try:
            want = self.desk.wish()
        except UNPLANNABLE as error:
            return Ended("skipped", error.exit_code, error)
        self._read(want)
        try:
            with self.desk.turn(want) as (run, account):
                return self._turn(run, account, want)
        except Busy as error:
            return Ended("busy", error.exit_code, error)
        except HOPELESS as error:
            if first:
                raise
            return Ended("failed", error.exit_code, error)
        except ReconcileError as error:
            return Ended("failed", error.exit_code, error)

    def _read(self, want: Wish) -> None:
        """New specs: fleets that changed are tried at once."""
        if self.want is not None and want.fleets != self.want.fleets:
            same = unchanged(self.want.fleets, want.fleets)
            self.rests = {name: rest for name, rest in self.rests.items() if name in same}
            self.idles = {name: idle for name, idle in self.idles.items() if name in same}
            self.offers = {seat: offer for seat, offer in self.offers.items() if seat.fleet in same}
        self.want = want

    def _turn(self, run: Run, account: Account, want: Wish) -> Ended:
        """One pass with the ledger held. What was done is counted and told whatever ends it."""
        now = self.desk.clock.now()
        look = self._look(want, now)
        lately = unasked_lately(run.record, now)
        allowed = replace(want.allowed, run_started_at=now, unasked_before=lately)
        want = replace(want, allowed=allowed, lacking=look.missing)
        first: Pass | None = None
        result: Result | None = None
        error: ReconcileError | None = None
        try:
            first = run_pass(
                run.eyes, want, run.record, account, sights=run.sights, envelope=look.scope, offers=look.offers
            )
            run.saw(first.news)
            save_pass(run, first, whole=True, unseen={*look.unseen, *_in_part(look)})
            approved = Approved(envelope_of(first.plan), 0.0, step_only=True)
            result = converge(run, want, approved, replace(first, record=run.record))
        except ReconcileError as failure:
            error = failure
        except KeyboardInterrupt:
            error = Interrupted("stopped in the middle of a call")
        self._after(run, want, look, first, error)
        code = self.code_of(run, result or Result(Ending.FAILED, first.plan), error) if first else 0
        if error is not None:
            code = code if code == 5 else error.exit_code
            return Ended("busy" if isinstance(error, Busy) else "failed", code, error)
        return Ended("good", code)

    def _look(self, want: Wish, now: float) -> Look:
        """Who is looked for in a pass at `now`. When the idle ones of a fleet are, so are all of its seats."""
        missing = self.desk.without_secrets(want)
        unseen = still_resting(self.rests, now)
        idles, anew = asleep(self.idles, now), looked_for_anew(self.idles, now)
        scope = scope_of(want.fleets, unseen | missing.keys(), idles)
        offers = {seat: offer for seat, offer in self.offers.items() if seat not in anew}
        return Look(scope, unseen | missing.keys(), missing, unseen, idles, offers)

    def _after(self, run: Run, want: Wish, look: Look, first: Pass | None, error: ReconcileError | None) -> None:
        """Tell and count what the pass has done, and note who has to rest."""
        with suppress(ReconcileError):  # What was sent before an error belongs into the history too.
            run.save_events()
        if error is not None:
            self.desk.fail(run, error)
        for event in run.written:
            self.desk.say(note_of(event))
        if first is None:
            return
        names = {fleet.name for fleet in want.fleets}
        reasons = {**reasons_of_rents(first.plan), **self.doubts}
        self.counts = kept_counts(self.counts + counted(run.written, reasons), names)
        in_doubt = {intent.seat for intent in run.record.intents.values() if intent.instance_id is None}
        self.doubts = {seat: why for seat, why in reasons.items() if seat in in_doubt}
        trouble = troubled(first.plan, run.outcomes, run.stopped_fleets)
        now, jitter, interval = self.desk.clock.now(), self.rhythm.jitter(), self.rhythm.interval_s
        self.rests = rested(self.rests, trouble, names.difference(look.resting), now, interval, jitter)
        going_on = {view.seat for part in first.diff.fleets for view in part.seats if view.goes_on}
        awake = {name: idle for name, idle in self.idles.items() if name not in look.asleep}
        self.idles, self.offers = idled(look.asleep, awake, first.plan, now, interval, jitter, going_on), first.offers
        unset = {name: f"not set in the environment: {names}" for name, names in look.missing.items()}
        self._say_troubles({**{name: self.rests[name].why for name in trouble}, **unset}, first)
        rented = {outcome.seat for outcome in run.outcomes if outcome.kind in ("rented", "doubtful")}
        told_to_go = {outcome.instance_id for outcome in run.outcomes if outcome.kind in ("destroyed", "sent")}
        self.shown = replace(
            self.shown,
            owner=want.policy.owner,
            fleets=tuple(fleet_state(part, rented, told_to_go) for part in first.diff.fleets),
            account=money_of(first.plan, want.policy.limits, run.record),
            letters=len(run.record.outbox),
        )

    # --- between passes ---------------------------------------------------------------------------

    def _wait_s(self, ended: Ended) -> float:
        """An interval; longer and longer while the account cannot be read."""
        self.failures = self.failures + 1 if ended.result == "failed" else 0
        jitter, interval = self.rhythm.jitter(), self.rhythm.interval_s
        return backed_off_s(self.failures - 1, interval, jitter) if self.failures else wait_s(interval, jitter)

    def _show(self, ended: Ended, started: float, wait: float) -> None:
        before, now = self.shown, self.desk.clock.now()
        self.shown = replace(
            before,
            at=now,
            due_at=now + wait + STALLED_S,
            owner=self.want.policy.owner if self.want else before.owner,
            passes={**before.passes, ended.result: before.passes.get(ended.result, 0) + 1},
            durations=_plus(before.durations, now - started),
            good_at=now if ended.result == "good" else before.good_at,
            counts=dict(self.counts),
            calls=calling(self.desk.calls),
            resting=still_resting(self.rests, now),
            specs_valid=ended.result != "skipped",
        )
        self.desk.show(self.shown)

    def _say_how(self, ended: Ended, started: float, wait: float, *, last: bool) -> None:
        took = round(self.desk.clock.now() - started, 1)
        fields: dict[str, object] = {"result": ended.result, "took_s": took}
        if not last:
            fields["next_in_s"] = round(wait, 1)
        if ended.error is not None:
            fields |= {"error": str(ended.error), **({"hint": ended.error.hint} if ended.error.hint else {})}
        elif self.shown.account is not None:
            ready = sum(fleet.ready for fleet in self.shown.fleets)
            wanted = sum(fleet.desired for fleet in self.shown.fleets)
            fields |= {"ready": ready, "desired": wanted, "dollars_per_hour": self.shown.account.cost.now}
        level: Level = "error" if ended.result == "failed" else "info" if ended.result == "good" else "warning"
        self.desk.say(Note(self.desk.clock.now(), level, "pass", fields))

    def _say_troubles(self, trouble: Mapping[str, str], first: Pass) -> None:
        """Log each standing trouble when it is new or another one."""
        now = self.desk.clock.now()
        general = {text: text for text in (*first.plan.warnings, *first.plan.problems, *map(_left, first.plan.orphans))}
        for name, why in trouble.items():
            if self.told.get(f"fleet/{name}") != why:
                rest = self.rests.get(name)
                again = {"again_in_s": round(rest.until - now, 1)} if rest is not None else {}
                self.desk.say(Note(now, "warning", "fleet_resting", {"fleet": name, "text": why, **again}))
        for text in general:
            if text not in self.told:
                self.desk.say(Note(now, "warning", "problem", {"text": text}))
        resting = {key: why for key, why in self.told.items() if key.startswith("fleet/") and key[6:] in self.rests}
        self.told = {**resting, **{f"fleet/{name}": why for name, why in trouble.items()}, **general}


def _left(orphan: Stray) -> str:
    """What bills and is declared nowhere: nobody else would hear of it."""
    told = f"instance {orphan.id} of fleet {orphan.fleet} is declared nowhere and left alone"
    return f"{told}: it bills ${orphan.rate_per_hour:.3f}/h"


def _in_part(look: Look) -> Iterator[str]:
    """Fleets of which not every seat is looked at."""
    return (name for name, idle in look.asleep.items() if idle.seats)


def _plus(durations: Durations, took_s: float) -> Durations:
    return durations.plus(max(0.0, took_s))
