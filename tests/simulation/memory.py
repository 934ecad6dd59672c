"""A ledger in memory with the contract of the real one, and what can go wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from builders import OWNER

from reconciler.core.record import Record
from reconciler.core.sights import NewSights, Sights, with_new
from reconciler.errors import Busy, NotSaved
from reconciler.ledger.sqlite import SqliteStore
from reconciler.simulator.keys import ACCOUNT


class Ledger:
    """What is durable. Every process has a `MemoryStore` of its own upon it."""

    def __init__(self) -> None:
        self.record = Record()
        self.epoch = 0
        self.sights = Sights()
        self.clocks: Mapping[str, float] = {}

    def opened(self) -> Backing:
        """A process opens it."""
        return Backing(self)

    def write(self, record: Record) -> None:
        """One more version."""
        self.record, self.epoch = record, self.epoch + 1

    def change(self, how: Callable[[Record], Record]) -> None:
        """Somebody changes what is durable, by a command of the product."""
        self.write(how(self.record))

    def lose(self) -> None:
        """The file is gone: whoever opens it next begins with nothing."""
        self.write(Record())


class Backing:
    """One process's view of a ledger: what it read last, and compare-and-swap against it."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._epoch = 0

    def read(self) -> Record:
        """The record as it is now."""
        self._epoch = self.ledger.epoch
        return self.ledger.record

    def swap(self, record: Record) -> None:
        """Write, if nobody else has written since; else `Busy`."""
        if self._epoch != self.ledger.epoch:
            raise Busy("another run has written to the ledger since this one read it")
        self.ledger.write(record)
        self._epoch = self.ledger.epoch

    def close(self) -> None:
        """Nothing is held."""


class MemoryStore:
    """A `Store` upon a `Ledger`, with what can go wrong."""

    def __init__(self, ledger: Ledger, hook: Callable[[str, Record, Record], str | None]) -> None:
        self._ledger = ledger
        self._hook = hook
        """Is told of each phase of a save, and names the fault that strikes, if one does."""
        self._backing = ledger.opened()
        self._unsure = False
        """Whether a save said that it failed, and did not: the version here is not the one that it knows."""

    def load(self) -> Record:
        """The record as it is now."""
        self._unsure = False
        return self._backing.read()

    def reread(self) -> None:
        """Take over whatever version is there: for a variant that does not compare."""
        self._backing.read()

    def save(self, record: Record, *more: Any, **named: Any) -> None:
        """Compare and swap."""
        before = self._ledger.record
        if self._unsure:
            raise Busy("another run has written to the ledger since this one read it")
        fault = self._hook("before", before, record)
        if fault == "error before":
            raise NotSaved("the ledger cannot be used: input/output error")
        if fault == "disk full":
            raise NotSaved("the ledger cannot be used: database or disk is full")
        if fault == "conflict":
            raise Busy("another run has written to the ledger since this one read it")
        self._backing.swap(record)
        self._hook("written", before, record)
        if fault == "error after":
            self._unsure = True
            raise NotSaved("the ledger cannot be used: input/output error")
        self._hook("after", before, record)

    def take(self, *_: Any) -> None:
        """Leases are politeness: here everybody is let in, and the compare-and-swap alone decides."""

    def release(self) -> None:
        """Nothing was taken."""

    def route_clocks(self) -> Mapping[str, float]:
        """As the last command left them."""
        return self._ledger.clocks

    def save_route_clocks(self, earliest: Mapping[str, float]) -> None:
        """For the next command."""
        self._ledger.clocks = dict(earliest)

    def sights(self, now: float) -> Sights:
        """What was seen of the market."""
        return self._ledger.sights.fresh(now)

    def add_sights(self, new: NewSights) -> None:
        """Add what a pass saw."""
        self._ledger.sights = with_new(self._ledger.sights, new)

    def close(self) -> None:
        """Let go of what is behind."""
        self._backing.close()


class SqliteLedger(Ledger):
    """The same with the real file behind it: what the file says, holds."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def opened(self) -> Backing:
        """A connection of its own."""
        return _SqliteBacking(self)

    def change(self, how: Callable[[Record], Record]) -> None:
        """The same with the file, if there is one."""
        if self.path.exists():
            store = SqliteStore(self.path, account=ACCOUNT, owner=OWNER)
            store.save(how(store.load()))
            store.close()
        super().change(how)

    def lose(self) -> None:
        """The file is moved away."""
        super().lose()
        self.path.unlink(missing_ok=True)


class _SqliteBacking(Backing):
    def __init__(self, ledger: SqliteLedger) -> None:
        super().__init__(ledger)
        self._store = SqliteStore(ledger.path, account=ACCOUNT, owner=OWNER)

    def read(self) -> Record:
        super().read()
        self.ledger.record = self._store.load()
        return self.ledger.record

    def swap(self, record: Record) -> None:
        self._store.save(record)
        self.ledger.write(record)

    def close(self) -> None:
        self._store.close()
