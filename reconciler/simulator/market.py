"""The market: all machines, who holds what, and the row of any ask."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.simulator.pricing import priced

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        self.machines = machines
        """Those that are on the market now."""
        self.lives = lives
        """What others do; None where the market stays still."""
        self._ids = ids
        self._all = list(machines)
        self._by_id = {machine.machine_id: machine for machine in machines}
        self._asks: dict[int, Ask] | None = None
        self._next = 0.0
        """Before this moment nobody does anything."""

    def asks(self) -> Iterator[Ask]:
        """Every ask, rentable or not, in the machines' order."""
        for machine in self.machines:
            yield from _asks_of(machine)

    def find(self, ask_id: int) -> Ask | None:
        """The ask that stands under this id now."""
        if self._asks is None:
            self._asks = {ask.id: ask for machine in self._all for ask in _asks_of(machine)}
        found = self._asks.get(ask_id)
        return found if found is not None and found.machine.listed else None

    def row(self, ask: Ask | Glimpse, now: float, gigabytes: float, *, bid: bool = False) -> Row:
        """The ask as a search shows it, without `score`."""
        if isinstance(ask, Ask):
            row = ask.machine.row(ask.position, now)
        else:
            row = {**ask.shared, **ask.own, "end_date": ask.end}
        row["id"] = row["ask_contract_id"] = ask.machine.occupancy.ids[ask.position]
        row["rentable"] = self.rentable(ask, row, now)
        return priced(row, now, gigabytes, bid=bid)

    def rentable(self, ask: Ask | Glimpse, row: Row, now: float) -> bool:
        """Whether anybody can rent it now: its GPUs are free and the host's promise is not over."""
        return ask.machine.listed and ask.machine.occupancy.is_free(ask.position) and row["end_date"] > now

    def machine(self, machine_id: int, now: float) -> Machine:
        """One machine as it is now, the others left as they are."""
        machine = self._by_id[machine_id]
        if machine.due <= now:
            self._live(machine, now)
        return machine

    def hold(self, machine: Machine, mask: int, *, soft: bool = False) -> None:
        """A contract of this account takes GPUs; on a bid it holds them softly."""
        machine.stir()
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
        machine.stir()
        machine.occupancy.ours &= ~mask
        machine.occupancy.soft &= ~mask
        self.renew(machine, mask)

    def give(self, machine_id: int, mask: int, *, taken: bool) -> None:
        """Others get these GPUs, or lose them."""
        machine = self._by_id[machine_id]
        machine.stir()
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
        if now < self._next:
            return
        for machine in self._all:
            if machine.due <= now:
                self._live(machine, now)
        self._all = [machine for machine in self._all if machine.due < math.inf or machine.listed]
        self.machines = [machine for machine in self._all if machine.listed]
        self._next = min((machine.due for machine in self._all), default=math.inf)

    def _enter(self, machine: Machine) -> None:
        self._next = 0.0
        self._all.append(machine)
        self._by_id[machine.machine_id] = machine
        if self._asks is not None:
            self._asks.update((ask.id, ask) for ask in _asks_of(machine))

    def _live(self, machine: Machine, now: float) -> None:
        self._next = 0.0
        machine.stir()
        if self.lives is not None and (renewed := self.lives.live(machine, now)):
            self.renew(machine, renewed)

    def changes(self) -> dict[str, Any]:
        """What differs from how the market began, by machine id; machines that left for ever are left out."""
        return {
            str(machine.machine_id): machine.saved()
            for machine in self._by_id.values()
            if machine.changed and (machine.listed or machine.due < math.inf or machine.occupancy.ours)
        }

    def restore(self, changes: dict[str, Any], now: float) -> None:
        """Take over what `changes` gave."""
        if self.lives is not None:
            for newcomer in self.lives.returning(now, changes):
                self._enter(newcomer)
        for machine_id, saved in changes.items():
            self._by_id[int(machine_id)].restore(saved)
        self._next = 0.0
        if self.lives is not None:
            for machine in self._all:
                self.lives.reschedule(machine)


def _asks_of(machine: Machine) -> Iterator[Ask]:
    return (Ask(machine, position) for position in range(len(machine.occupancy.masks)))
