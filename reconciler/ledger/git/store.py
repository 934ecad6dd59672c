"""The record on a ref: each save is one commit that replaces the one before, or nothing."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from reconciler.core.history import KEPT_S, Event
from reconciler.core.lease import Holder, Lease, stands
from reconciler.core.record import Record
from reconciler.core.sights import NewSights, Sights
from reconciler.errors import Busy, NotSaved
from reconciler.ledger.git import days
from reconciler.ledger.git.files import FILES, Contents, account_in, contents_of, files_of, said_of_itself
from reconciler.ledger.git.place import GitPlace
from reconciler.ledger.git.program import HARMLESS, Git, configured, environment
from reconciler.ledger.git.quiet import PUT_OFF_S, says_nothing_new
from reconciler.ledger.git.ref import Patience, Ref, Tip
from reconciler.ledger.git.remote import remote_of
from reconciler.ledger.git.sights import added
from reconciler.ledger.identity import recognized

T = TypeVar("T")
_TRIES = 3
"""So often a lease is asked for or removed when others write at the same time."""


class GitStore:
    """The ledger of `account` and `owner` on the ref of `place`, seen from `folder` (the working directory).

    With `account` None it is whichever account's the ref says, and where there is no ref nothing can be saved.
    With `read_only` it is fetched and never pushed. A ref that is not there reads as an empty record. Raises `NotSaved`
    where git or the repository cannot be used, or the ref holds something else; it stays as it is.
    """

    def __init__(
        self,
        place: GitPlace,
        *,
        account: int | None,
        owner: str,
        read_only: bool = False,
        folder: Path | None = None,
        program: str = "git",
        patience: Patience | None = None,
        chain: int = 256,
    ) -> None:
        self._account, self._owner, self._read_only = account, owner, read_only
        self._held: tuple[str, Callable[[], float]] | None = None
        self._tip, self._saved, self._contents = Tip(), Record(), Contents()
        self._area = TemporaryDirectory(prefix="reconcile-ledger-", ignore_cleanup_errors=True)
        try:
            here = Git(folder or Path.cwd(), environment(os.environ), program)
            self._ref = self._prepared(place, here, patience or Patience(), chain)
            self._fetch()
        except BaseException:
            self.close()
            raise
        self._is_fresh = True

    def _prepared(self, place: GitPlace, here: Git, patience: Patience, chain: int) -> Ref:
        here.check_version()
        here = replace(here, environ=configured(here.environ, HARMLESS))
        remote = remote_of(place, here, write=not self._read_only)
        area = replace(here, folder=Path(self._area.name), environ=remote.environ)
        area.run("init", "--quiet", "--bare", "--template=", ".")
        return Ref(area, remote, place.ref, secrets.token_hex(8), chain, patience)

    # --- what is there ----------------------------------------------------------------------------

    def _fetch(self) -> None:
        """Take over what stands on the ref now; what waits here is kept where nobody else has written."""
        tip = self._ref.fetch()
        if tip.commit is None or tip.commit != self._tip.commit:
            self._take_over(tip)

    def _take_over(self, tip: Tip) -> None:
        contents = Contents()
        if tip.commit is not None:
            with self._damage():
                files = self._ref.read(tip, FILES)
                said, name, way_on = said_of_itself(files), self._ref.shown, self._way_on
                contents = contents_of(files, recognized(said, name, self._account, self._owner, way_on))
                self._account = account_in(said) if self._account is None else self._account
        self._tip, self._saved, self._contents = tip, contents.record, contents

    def _refresh(self, *, may_trust: bool = True) -> None:
        """Ask again; not for the first thing that is asked for after opening or taking the lease, if that is enough.
        Should it be old by then, the swap tells."""
        if not (self._is_fresh and may_trust):
            self._fetch()
        self._is_fresh = False

    @contextmanager
    def _damage(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, TypeError, KeyError, ArithmeticError) as error:
            raise NotSaved(f"the ledger {self._ref.shown} is damaged", hint=self._way_on) from error

    @property
    def _way_on(self) -> str:
        deleted = f"git push {self._ref.remote.shown} --delete {self._ref.name}"
        return f"to start with an empty ledger: {deleted}; rents then wait once for the settle time"

    # --- the record and its history ---------------------------------------------------------------

    def load(self) -> Record:
        """The record as it is now; an empty one when nothing was ever saved."""
        self._refresh()
        return self._contents.record

    def save(self, record: Record, events: Sequence[Event] = ()) -> None:
        """Make `record` and its `events` durable, if nobody else has written since; else `Busy`.

        A record that says nothing new waits for the next push, at most a minute, while the lease is held here.
        """
        contents = replace(self._contents, record=record)
        if not events and self._may_wait(record):
            self._contents = contents
        else:
            self._write(self._renewed(contents), events)

    def _may_wait(self, record: Record) -> bool:
        lease = self._own_lease
        if lease is None or self._held is None:
            return False
        return 0 <= self._held[1]() - lease.renewed < PUT_OFF_S and says_nothing_new(self._saved, record)

    def _write(self, contents: Contents, events: Sequence[Event] = ()) -> None:
        """Put `contents` in the place of what was read last, and `events` with them."""
        if self._read_only or self._account is None:
            raise NotSaved(f"{self._ref.shown} is not open for writing")
        contents = replace(contents, epoch=self._contents.epoch + 1)
        changes = files_of(contents, self._account, self._owner) | self._days_with(events)
        self._tip = self._ref.swap(self._tip, changes, contents.epoch)
        self._saved, self._contents = contents.record, contents

    def _days_with(self, events: Sequence[Event]) -> dict[str, bytes | None]:
        if not events:
            return {}
        with self._damage():
            before = self._ref.read(self._tip, {days.file_of(event.at) for event in events})
            changed = days.files_with(events, before)
            sizes = {path: entry.size for path, entry in self._tip.entries.items()}
            sizes |= {path: len(lines) for path, lines in changed.items()}
            gone = days.too_old(sizes, max(event.at for event in events))
        return {**changed, **dict.fromkeys(gone)}

    def events(self, since: float = 0.0, fleet: str | None = None, index: int | None = None) -> tuple[Event, ...]:
        """The history from `since` on, the oldest first: all of it, of a fleet, or of one of its seats."""
        self._refresh(may_trust=self._read_only)
        with self._damage():
            files = self._ref.read(self._tip, days.since(self._tip.entries, since))
            found = [event for lines in files.values() for event in days.events_in(lines)]
        oldest = max(since, max((event.at for event in found), default=0.0) - KEPT_S)
        return tuple(
            event
            for event in found
            if event.at >= oldest and fleet in (None, event.fleet) and index in (None, event.index)
        )

    # --- the lease --------------------------------------------------------------------------------

    def lease(self) -> Lease | None:
        """Who is at work, as it is written down; it may not stand any more."""
        self._refresh(may_trust=self._read_only)
        return self._contents.lease

    @property
    def _own_lease(self) -> Lease | None:
        lease = self._contents.lease
        return lease if self._held and lease and lease.id == self._held[0] else None

    def _renewed(self, contents: Contents) -> Contents:
        """The contents with the lease renewed, where it is this store's own."""
        lease = self._own_lease
        return (
            contents
            if lease is None or not self._held
            else replace(contents, lease=replace(lease, renewed=self._held[1]()))
        )

    def take(self, lease: Lease, now: Callable[[], float], is_dead: Callable[[Holder], bool]) -> Lease | None:
        """Take the lease and renew it with each save, by the time of `now`; the other one where one stands."""

        def changed() -> Lease | None:
            other = self._contents.lease
            if other is not None and stands(other, lease.renewed, dead=is_dead(other.holder)):
                return other
            self._write(replace(self._contents, lease=lease))
            return None

        other = self._again(changed)
        if other is None:
            self._held = (lease.id, now)
            self._is_fresh = True
        return other

    def release(self) -> None:
        """Give the lease back, if this store holds it, and push what waits; one that cannot be given back ends by
        itself."""
        if self._own_lease is not None:
            with suppress(NotSaved, Busy):
                self._write(replace(self._contents, lease=None))
        self._held = None

    def unlock(self, lease_id: str) -> bool:
        """Remove the lease of another run, which ends at its next save. False when there is none of this id."""

        self._is_fresh = False

        def changed() -> bool:
            if self._contents.lease is None or self._contents.lease.id != lease_id:
                return False
            self._write(replace(self._contents, lease=None))
            return True

        return self._again(changed)

    def _again(self, change: Callable[[], T]) -> T:
        """Read and change; anew, a few times, where somebody else has written in between."""
        for left in range(_TRIES, 0, -1):
            self._refresh()
            try:
                return change()
            except Busy:
                if left == 1:
                    raise
        raise AssertionError("the loop above returns or raises")

    # --- what is kept as far as it can be: it goes with the next push --------------------------------

    def route_clocks(self) -> Mapping[str, float]:
        """When the next call of each route may be sent."""
        return self._contents.clocks

    def save_route_clocks(self, earliest: Mapping[str, float]) -> None:
        """Keep the route clocks, with the next push."""
        self._contents = replace(self._contents, clocks={**self._contents.clocks, **earliest})

    def sights(self, now: float) -> Sights:
        """What was seen of the market within a day before `now`."""
        return self._contents.sights.fresh(now)

    def add_sights(self, new: NewSights) -> None:
        """Keep what a pass saw, with the next push."""
        self._contents = replace(self._contents, sights=added(self._contents.sights, new))

    def close(self) -> None:
        """Remove the working area."""
        self._area.cleanup()
