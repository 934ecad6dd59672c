"""The offers of a market as searches weigh them: in families and bundles. Only what changed is worked out anew."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Any

from reconciler.simulator.bundles import IN_ORDER, bundled
from reconciler.simulator.machines import Glimpse, Tariff
from reconciler.simulator.pricing import DEFAULT_STORAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.simulator.bundles import Bundle
    from reconciler.simulator.machines import Machine

    Name = tuple[Any, ...]


class Member:
    """A machine on the shelf, and what a search weighs of it once somebody searched."""

    __slots__ = ("_free_only", "_glimpses", "fresh", "machine")

    def __init__(self, machine: Machine, free_only: bool) -> None:
        self.machine = machine
        self._free_only = free_only
        self._glimpses: list[Glimpse] = []
        self.fresh = -math.inf
        """Until when the glimpses hold, unless something happens to the machine."""

    def glimpsed(self, now: float) -> list[Glimpse]:
        """Its asks: those that can be rented now, or all."""
        if now >= self.fresh:
            held = self.machine.occupancy
            positions = held.free() if self._free_only else range(len(held.masks))
            found = [Glimpse(self.machine, position, *self.machine.parts(position, now)) for position in positions]
            self._glimpses = [one for one in found if now < one.end] if self._free_only else found
            self.fresh = min([self.machine.holds_until(), *(one.end for one in self._glimpses if now < one.end)])
        return self._glimpses


class Family:
    """Machines alike in their briefs: a condition on those holds for all of their asks or for none."""

    __slots__ = ("brief", "bundles", "fresh", "members")

    def __init__(self, brief: Mapping[str, Any]) -> None:
        self.brief = brief
        """What its machines have in common."""
        self.members: dict[int, Member] = {}
        """By the machine's rank."""
        self.bundles: list[Bundle] = []
        self.fresh = -math.inf
        """Until when the bundles hold, unless something happens to one of the machines."""

    @property
    def name(self) -> Name:
        """No other family has it."""
        return tuple(self.brief.values())

    def renew(self, now: float) -> None:
        """Put its asks into bundles."""
        members = [member for _, member in sorted(self.members.items())]
        self.bundles = bundled(ask for member in members for ask in member.glimpsed(now))
        self.fresh = min(member.fresh for member in members)


class Shelf:
    """All machines that searches may show; of each the asks that can be rented, or all of them."""

    def __init__(self, machines: Iterable[Machine], *, free_only: bool) -> None:
        self._free_only = free_only
        self._families: dict[Name, Family] = {}
        self._homes: dict[int, Family] = {}
        """Where a machine stands now, by its id."""
        self._alike: dict[str, dict[Any, set[Family]]] = {}
        """The families by what their briefs say."""
        self._line: list[Bundle] = []
        """The bundles of all families but the stale ones, in the market's order."""
        self._stale: set[Family] = set()
        """Families whose bundles must be put together before they are looked at."""
        self._fresh = math.inf
        """Before this moment no family gets stale by itself."""
        self._owners: dict[Any, Name] = {}
        """The family to which a bundle's id belongs."""
        self.clashing = False
        """Whether two families have had a bundle's id in common: then their asks are one bundle."""
        self._stirred = list(machines)
        self._tariff = Tariff(DEFAULT_STORAGE, bid=False)

    def tariff(self, storage: float, bid: bool) -> Tariff:
        """The present tariff: the same object for as long as searches ask for the same."""
        if (self._tariff.storage, self._tariff.bid) != (storage, bid):
            self._tariff = Tariff(storage, bid)
        return self._tariff

    def stir(self, machine: Machine) -> None:
        """Something has happened to this machine, or it is new."""
        self._stirred.append(machine)

    @property
    def briefed(self) -> bool:
        """Whether something is known of all machines; of those of a recording nothing is."""
        return () not in self._families

    def catch_up(self, now: float) -> None:
        """Put away what is out of date; before anything else in a search."""
        for machine in self._stirred:
            self._leave(machine)
            if machine.listed and (not self._free_only or machine.occupancy.free()):
                self._join(machine)
        self._stirred.clear()
        if now >= self._fresh:
            ends = []
            for family in set(self._families.values()) - self._stale:
                if now >= family.fresh:
                    self._doubt(family)
                else:
                    ends.append(family.fresh)
            self._fresh = min(ends, default=math.inf)

    def alike(self, field: str) -> list[set[Family]]:
        """The families, put together by a field of their briefs."""
        return list(self._alike.get(field, {}).values())

    def with_machines(self, wanted: Callable[[int], bool]) -> set[Family]:
        """The families that have one of the machines."""
        return {home for machine_id, home in self._homes.items() if wanted(machine_id)}

    def bundles(self, families: set[Family] | None, now: float) -> list[Bundle]:
        """The bundles of these families, or of all, in the market's order."""
        for family in list(self._stale if families is None else self._stale & families):
            self._renew(family, now)
        if families is None:
            return self._line.copy()
        return sorted((bundle for family in families for bundle in family.bundles), key=IN_ORDER)

    def _renew(self, family: Family, now: float) -> None:
        family.renew(now)
        self._stale.discard(family)
        self._fresh = min(self._fresh, family.fresh)
        for bundle in family.bundles:
            insort(self._line, bundle)
            if self._owners.setdefault(bundle.asks[0].bundle, family.name) != family.name:
                self.clashing = True

    def _doubt(self, family: Family) -> None:
        for bundle in family.bundles:
            del self._line[bisect_left(self._line, bundle)]
        family.bundles = []
        self._stale.add(family)

    def _leave(self, machine: Machine) -> None:
        home = self._homes.pop(machine.machine_id, None)
        if home is None:
            return
        self._doubt(home)
        del home.members[machine.rank]
        if not home.members:
            del self._families[home.name]
            self._stale.discard(home)
            for field, value in home.brief.items():
                self._alike[field][value].discard(home)
                if not self._alike[field][value]:
                    del self._alike[field][value]

    def _join(self, machine: Machine) -> None:
        new = Family({field: value for field, value in machine.brief().items() if field != "machine_id"})
        home = self._families.setdefault(new.name, new)
        if home is new:
            for field, value in home.brief.items():
                self._alike.setdefault(field, {}).setdefault(value, set()).add(home)
        home.members[machine.rank] = Member(machine, self._free_only)
        self._homes[machine.machine_id] = home
        self._doubt(home)
