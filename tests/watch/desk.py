"""A watch's desk without any world: an account that is as a test says, a ledger in memory, a clock that jumps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

from builders import NOW, fleet, instance, policy

from reconciler.apply.run import Run
from reconciler.core.assemble import Wish
from reconciler.core.calls import Calls
from reconciler.core.instance import Account, Instance
from reconciler.core.model import Fleet
from reconciler.core.offer import Offer, RentOrder
from reconciler.core.record import Record
from reconciler.core.snapshot import Snapshot
from reconciler.core.watching import Note
from reconciler.errors import ReconcileError
from reconciler.provider import Found, Gone, Listing, Rented


class Clock:
    """Time passes only when slept. `at_sleep` is called before each wait."""

    def __init__(self) -> None:
        self.time = NOW
        self.waits: list[float] = []
        self.at_sleep: Callable[[], None] = lambda: None

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self.waits.append(seconds)
            self.at_sleep()
            self.time += seconds


class Reading:
    """An account that can be read and no more: whoever rents or destroys fails the test."""

    def __init__(self, clock: Clock, rows: Callable[[], list[Instance]]) -> None:
        self._clock, self._rows = clock, rows
        self.searches = 0
        self.offers: tuple[Offer, ...] = ()
        self.credit = Decimal(100)
        self.fails: ReconcileError | None = None

    def instances(self) -> Listing:
        if self.fails is not None:
            raise self.fails
        return Listing(tuple(self._rows()), self._clock.now())

    def instance(self, instance_id: int) -> Instance | Gone:
        return next((row for row in self._rows() if row.id == instance_id), Gone(instance_id))

    def account(self) -> Account:
        return Account(1, self.credit)

    def search(self, query: Any) -> Found:
        self.searches += 1
        return Found(self.offers, 64)

    def free_at(self, route: str) -> float:
        return 0.0


class Renting(Reading):
    """An account that rents whatever it is asked for: it boots."""

    def __init__(self, clock: Clock, rows: list[Instance]) -> None:
        super().__init__(clock, lambda: rows)
        self.rented: list[float] = []
        """When."""
        self.rented_of: list[int] = []
        """The offers."""
        self._listed = rows

    def instances_are(self, rows: list[Instance]) -> None:
        """The account from now on."""
        self._listed[:] = rows

    def rent(self, order: RentOrder) -> Rented:
        self.rented.append(self._clock.now())
        self.rented_of.append(order.offer_id)
        row = instance(id=900 + len(self.rented), status="loading", started_at=self._clock.now())
        self._listed.append(replace(row, label=order.label))
        return Rented(row.id)


class Memory:
    """A ledger's record, and the sights that nobody looks at."""

    def __init__(self) -> None:
        self.record = Record(warm=True)
        self.saves = 0

    def save(self, record: Record, events: Any = ()) -> None:
        self.record = record
        self.saves += 1

    def add_sights(self, new: Any) -> None:
        """Not kept."""


class Desk:
    """What the loop works with."""

    def __init__(self, *fleets: Fleet, rows: Callable[[], list[Instance]] | None = None) -> None:
        self.fleets = fleets or (fleet(),)
        self.clock = Clock()
        self.calls = Calls()
        self.provider = Reading(self.clock, rows or (lambda: [instance()]))
        self.store = Memory()
        self.rules = policy()
        self.missing: dict[str, str] = {}
        self.flaw: ReconcileError | None = None
        self.busy: ReconcileError | None = None
        self.notes: list[Note] = []
        self.keep_notes = True
        self._numbers = count(1)
        self.shown: Snapshot | None = None
        self.failed: list[str] = []

    def wish(self) -> Wish:
        if self.flaw is not None:
            raise self.flaw
        return Wish(self.fleets, self.rules)

    def without_secrets(self, wish: Wish) -> Mapping[str, str]:
        return self.missing

    @contextmanager
    def turn(self, wish: Wish) -> Iterator[tuple[Run, Account]]:
        if self.busy is not None:
            raise self.busy
        store: Any = self.store
        provider: Any = self.provider
        run = Run(provider, store, self.clock, "default", self.store.record, lambda bits: next(self._numbers))
        yield run, self.provider.account()

    def fail(self, run: Run, error: ReconcileError) -> None:
        self.failed.append(str(error))

    def say(self, note: Note) -> None:
        if self.keep_notes:
            self.notes.append(note)

    def show(self, snapshot: Snapshot) -> None:
        self.shown = snapshot

    def said(self, event: str) -> list[Mapping[str, object]]:
        """The lines of one event."""
        return [note.fields for note in self.notes if note.event == event]
