"""The market: all machines, who holds what, and the row of any ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.simulator.movement import move
from reconciler.simulator.pricing import priced

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from reconciler.simulator.machines import Machine, Row


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
    """All machines. Whoever looks at it has let it `move` to the present before."""

    def __init__(self, machines: list[Machine], ids: Ids) -> None:
        self.machines = machines
        self._ids = ids
        self._by_id = {machine.machine_id: machine for machine in machines}
        self._asks: dict[int, Ask] | None = None

    def asks(self) -> Iterator[Ask]:
        """Every ask, rentable or not, in the machines' order."""
        for machine in self.machines:
            for position in range(len(machine.occupancy.masks)):
                yield Ask(machine, position)

    def find(self, ask_id: int) -> Ask | None:
        """The ask that stands under this id now."""
        if self._asks is None:
            self._asks = {ask.id: ask for ask in self.asks()}
        return self._asks.get(ask_id)

    def row(self, ask: Ask, now: float, gigabytes: float, *, bid: bool = False) -> Row:
        """The ask as a search shows it, without `score`."""
        row = ask.machine.row(ask.position, now)
        row["id"] = row["ask_contract_id"] = ask.id
        row["rentable"] = self.rentable(ask, row, now)
        return priced(row, now, gigabytes, bid=bid)

    def rentable(self, ask: Ask, row: Row, now: float) -> bool:
        """Whether anybody can rent it now: its GPUs are free and the host's promise is not over."""
        return ask.machine.occupancy.is_free(ask.position) and row["end_date"] > now

    def hold(self, ask: Ask) -> None:
        """A contract of this account takes the ask's GPUs."""
        ask.machine.occupancy.ours |= ask.mask

    def hold_again(self, machine_id: int, mask: int) -> bool:
        """A stopped contract wants its GPUs back; False when somebody has them."""
        machine = self._by_id[machine_id]
        if machine.occupancy.busy & mask:
            return False
        machine.occupancy.ours |= mask
        return True

    def let_go(self, machine_id: int, mask: int) -> None:
        """A contract of this account gives its GPUs back: all asks that touch them stand under new ids."""
        machine = self._by_id[machine_id]
        machine.occupancy.ours &= ~mask
        self.renew(machine, mask)

    def renew(self, machine: Machine, mask: int) -> None:
        """New ids for all asks that share a GPU with `mask`."""
        machine.changed = True
        for position in machine.occupancy.touching(mask):
            old = machine.occupancy.ids[position]
            machine.occupancy.ids[position] = self._ids.take()
            if self._asks is not None:
                del self._asks[old]
                self._asks[machine.occupancy.ids[position]] = Ask(machine, position)

    def move(self, rng: Random) -> None:
        """One hour of other people's business."""
        move(self, rng)

    def changes(self) -> dict[str, Any]:
        """What differs from how the market began, by machine id."""
        return {str(machine.machine_id): machine.saved() for machine in self.machines if machine.changed}

    def restore(self, changes: dict[str, Any]) -> None:
        """Take over what `changes` gave."""
        for machine_id, saved in changes.items():
            self._by_id[int(machine_id)].restore(saved)
