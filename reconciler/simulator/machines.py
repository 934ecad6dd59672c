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

    __slots__ = ("changed", "due", "listed", "machine_id", "occupancy")

    def __init__(self, machine_id: int, occupancy: Occupancy) -> None:
        self.machine_id = machine_id
        self.occupancy = occupancy
        self.changed = False
        """Whether it differs from how the market began; only such machines are written to the state file."""
        self.listed = True
        """Whether searches show it: its host is there and offers it."""
        self.due = math.inf
        """When something next happens to it."""

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
