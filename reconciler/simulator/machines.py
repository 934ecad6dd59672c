"""A machine of the market: its asks with their occupancy, and the rows a search shows for them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from reconciler.simulator.asks import Occupancy

if TYPE_CHECKING:
    from collections.abc import Mapping

Row = dict[str, Any]
"""One offer or instance as JSON shows it."""


class Machine(ABC):
    """One box. `position` counts the asks of its tree."""

    __slots__ = ("changed", "due", "fresh", "glimpses", "listed", "machine_id", "occupancy", "opens")

    def __init__(self, machine_id: int, occupancy: Occupancy) -> None:
        self.machine_id = machine_id
        self.occupancy = occupancy
        self.changed = False
        """Whether it differs from how the market began; only such machines are written to the state file."""
        self.listed = True
        """Whether searches show it: its host is there and offers it."""
        self.due = math.inf
        """When something next happens to it."""
        self.opens: list[int] | None = None
        """Its positions that can be rented now, once somebody asked."""
        self.glimpses: list[Glimpse] | None = None
        """What searches weigh of them, once somebody searched."""
        self.fresh = math.inf
        """Until when `glimpses` holds, unless something happens to the machine."""

    def stir(self) -> None:
        """Something about it has changed: whatever was worked out for searches is forgotten."""
        self.opens = self.glimpses = None

    def glimpsed(self, now: float) -> list[Glimpse]:
        """What a search weighs of the asks that can be rented now."""
        if self.opens is None:
            self.opens, self.glimpses = self.occupancy.free(), None
        if self.glimpses is None or now >= self.fresh:
            found = [Glimpse(self, position, *self.parts(position, now)) for position in self.opens]
            self.glimpses = [one for one in found if now < one.end]
            self.fresh = min([self.holds_until(), *(one.end for one in self.glimpses)])
        return self.glimpses

    @abstractmethod
    def parts(self, position: int, now: float) -> tuple[Row, Row, float]:
        """The row in two: what all asks of the machine share and what is this one's own; and its end date."""

    def holds_until(self) -> float:
        """Until when `parts` gives the same, unless something happens to the machine."""
        return math.inf

    @abstractmethod
    def brief(self) -> Mapping[str, Any]:
        """Fields equal on all its asks and known without work, to sort out most machines early."""

    @abstractmethod
    def row(self, position: int, now: float) -> Row:
        """The ask's own fields; whatever follows from prices, time and occupancy is filled in by `pricing`."""

    @abstractmethod
    def saved(self) -> list[Any]:
        """What changed since the market began."""

    @abstractmethod
    def restore(self, saved: list[Any]) -> None:
        """Take over what `saved` gave."""


class Glimpse:
    """An ask as a search weighs it: what conditions, bundles and scores need, without the row."""

    __slots__ = ("base", "bundle", "dlperf", "end", "least", "machine", "mult", "own", "position", "shared", "storage")

    def __init__(self, machine: Machine, position: int, shared: Row, own: Row, end: float) -> None:
        self.machine = machine
        self.position = position
        self.shared = shared
        self.own = own
        self.end = end
        self.bundle = self.get("bundle_id")
        self.base: float = self.get("dph_base")
        self.least: float = self.get("min_bid")
        self.storage: float = self.get("storage_cost")
        self.dlperf: float | None = self.get("dlperf")
        self.mult: float = self.get("reliability_mult") or 1

    def get(self, field: str) -> Any:
        """A field that does not follow from time, disk size and kind of rental."""
        return self.own[field] if field in self.own else self.shared.get(field)
