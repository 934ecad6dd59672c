"""The market: all machines, who holds what, and the row of any ask."""

from __future__ import annotations

import math
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.simulator.pricing import priced
from reconciler.simulator.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from reconciler.simulator.lives import Lives
    from reconciler.simulator.machines import Glimpse, Machine, Row


class Ids:
    """The one growing sequence that asks and instances take their ids from. None is ever used twice."""

    def __init__(self, following: int) -> None:
        self.following = following

    def take(self) -> int:
        """A new id."""
        self.following += 1
        return self.following - 1


class Ask(NamedTuple):
    """One ask of one machine: `position` in its tree."""

    machine: Machine
    position: int

    @property
    def id(self) -> int:
        """The id under which it stands now."""
        return self.machine.occupancy.ids[self.position]

    @property
    def mask(self) -> int:
        """Its GPUs as bits."""
        return self.machine.occupancy.masks[self.position]


class Market:
    """All machines. Whoever looks at it has let it catch up with the present before."""

    def __init__(self, machines: list[Machine], ids: Ids, lives: Lives | None = None) -> None:
        self.lives = lives
        """What others do; None where the market stays still."""
        self._ids = ids
        self._by_id: dict[int, Machine] = {}
        self._asks: dict[int, Ask] | None = None
        self._shelves: dict[bool, Shelf] = {}
        """What searches look at: of all asks, and of those that can be rented."""
        self._due: list[tuple[float, int, Machine]] = []
        """A heap of when something next happens, and to whom; what was put off since stands in it still."""
        for machine in machines:
            self._enter(machine)

    @property
    def machines(self) -> list[Machine]:
        """Those that are on the market now."""
        return [machine for machine in self._by_id.values() if machine.listed]

    def shelf(self, *, free_only: bool) -> Shelf:
        """The asks as searches weigh them: those that can be rented, or all."""
        found = self._shelves.get(free_only)
        if found is None:
            found = self._shelves[free_only] = Shelf(self._by_id.values(), free_only=free_only)
        return found

    def asks(self) -> Iterator[Ask]:
        """Every ask, rentable or not, in the machines' order."""
        for machine in self.machines:
            yield from _asks_of(machine)

    def find(self, ask_id: int) -> Ask | None:
        """The ask that stands under this id now."""
        if self._asks is None:
            self._asks = {ask.id: ask for machine in self._by_id.values() for ask in _asks_of(machine)}
        found = self._asks.get(ask_id)
        return found if found is not None and found.machine.listed else None

    def row(self, ask: Ask | Glimpse, now: float, gigabytes: float, *, bid: bool = False) -> Row:
        """The ask as a search shows it, without `score`."""
        if isinstance(ask, Ask):
            row = ask.machine.row(ask.position, now)
        else:
            row = {**ask.shared, **ask.own, "end_date": ask.end}
        row["id"] = row["ask_contract_id"] = ask.machine.occupancy.ids[ask.position]
        row["rentable"] = self.rentable(ask, row["end_date"], now)
        return priced(row, now, gigabytes, bid=bid)

    def rentable(self, ask: Ask | Glimpse, end: float, now: float) -> bool:
        """Whether anybody can rent it now: its GPUs are free and the host's promise is not over."""
        return ask.machine.listed and ask.machine.occupancy.is_free(ask.position) and end > now

    def machine(self, machine_id: int, now: float) -> Machine:
        """One machine as it is now, the others left as they are."""
        machine = self._by_id[machine_id]
        if machine.due <= now:
            self._live(machine, now)
        return machine

    def hold(self, machine: Machine, mask: int, *, soft: bool = False) -> None:
        """A contract of this account takes GPUs; on a bid it holds them softly."""
        self._stir(machine)
        machine.occupancy.ours |= mask
        if soft:
            machine.occupancy.soft |= mask

    def hold_again(self, machine_id: int, mask: int, *, soft: bool = False) -> bool:
        """A stopped contract wants its GPUs back; False when somebody has them or the machine is not there."""
        machine = self._by_id[machine_id]
        if machine.occupancy.busy & mask or not machine.listed:
            return False
        self.hold(machine, mask, soft=soft)
        return True

    def keep(self, machine_id: int, mask: int, *, soft: bool) -> None:
        """A contract of this account has held these GPUs all along."""
        self.hold(self._by_id[machine_id], mask, soft=soft)

    def let_go(self, machine_id: int, mask: int) -> None:
        """A contract of this account gives its GPUs back: all asks that touch them stand under new ids."""
        machine = self._by_id[machine_id]
        self._stir(machine)
        machine.occupancy.ours &= ~mask
        machine.occupancy.soft &= ~mask
        self.renew(machine, mask)

    def give(self, machine_id: int, mask: int, *, taken: bool) -> None:
        """Others get these GPUs, or lose them."""
        machine = self._by_id[machine_id]
        self._stir(machine)
        machine.occupancy.taken = machine.occupancy.taken | mask if taken else machine.occupancy.taken & ~mask
        machine.changed = True

    def renew(self, machine: Machine, mask: int) -> None:
        """New ids for all asks that share a GPU with `mask`."""
        machine.changed = True
        for position in machine.occupancy.touching(mask):
            old = machine.occupancy.ids[position]
            machine.occupancy.ids[position] = self._ids.take()
            if self._asks is not None:
                del self._asks[old]
                self._asks[machine.occupancy.ids[position]] = Ask(machine, position)

    def catch_up(self, now: float) -> None:
        """Let everything happen that others have done meanwhile."""
        if self.lives is None:
            return
        for newcomer in self.lives.newcomers(now, self._by_id):
            newcomer.occupancy.ids = [self._ids.take() for _ in newcomer.occupancy.masks]
            newcomer.changed = True
            self._enter(newcomer)
        due = {}
        while self._due and self._due[0][0] <= now:
            moment, rank, machine = heappop(self._due)
            if machine.due == moment:
                due[rank] = machine
        for _, machine in sorted(due.items()):  # in the market's order, as new ids are handed out
            self._live(machine, now)

    def _enter(self, machine: Machine) -> None:
        machine.rank = len(self._by_id)
        self._by_id[machine.machine_id] = machine
        self._note(machine)
        self._stir(machine)
        if self._asks is not None:
            self._asks.update((ask.id, ask) for ask in _asks_of(machine))

    def _live(self, machine: Machine, now: float) -> None:
        self._stir(machine)
        if self.lives is not None and (renewed := self.lives.live(machine, now)):
            self.renew(machine, renewed)
        self._note(machine)

    def _note(self, machine: Machine) -> None:
        """When something next happens to it; never, for one that left for ever."""
        if machine.due < math.inf:
            heappush(self._due, (machine.due, machine.rank, machine))

    def _stir(self, machine: Machine) -> None:
        """Whatever was worked out of it for searches is out of date."""
        for shelf in self._shelves.values():
            shelf.stir(machine)

    def changes(self, wanted: Collection[int] = ()) -> dict[str, Any]:
        """What differs from how the market began, by machine id.

        Machines that left for ever are left out, unless they are wanted: a stopped contract may still name them.
        """
        return {
            str(machine.machine_id): machine.saved()
            for machine in self._by_id.values()
            if machine.changed
            and (machine.listed or machine.due < math.inf or machine.occupancy.ours or machine.machine_id in wanted)
        }

    def restore(self, changes: dict[str, Any], now: float) -> None:
        """Take over what `changes` gave."""
        if self.lives is not None:
            for newcomer in self.lives.returning(now, changes):
                self._enter(newcomer)
        for machine_id, saved in changes.items():
            self._by_id[int(machine_id)].restore(saved)
        if self.lives is not None:
            for machine in self._by_id.values():
                self.lives.reschedule(machine)
        self._due = [(machine.due, machine.rank, machine) for machine in self._by_id.values()]
        heapify(self._due)


def _asks_of(machine: Machine) -> Iterator[Ask]:
    return (Ask(machine, position) for position in range(len(machine.occupancy.masks)))
