"""A machine of the market: its asks with their occupancy, and the rows a search shows for them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from reconciler.simulator.pricing import storage_per_hour

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.simulator.asks import Occupancy

Row = dict[str, Any]
"""One offer or instance as JSON shows it."""


class Machine(ABC):
    """One box. `position` counts the asks of its tree."""

    def __init__(self, machine_id: int, occupancy: Occupancy) -> None:
        self.machine_id = machine_id
        self.occupancy = occupancy
        self.changed = False
        """Whether it differs from how the market began; only such machines are written to the state file."""
        self.listed = True
        """Whether searches show it: its host is there and offers it."""
        self.due = math.inf
        """When something next happens to it."""
        self.rank = 0
        """Where it stands in the market's order."""

    @abstractmethod
    def parts(self, position: int, now: float) -> tuple[Row, Row, float]:
        """The row in two: what all asks of the machine share and what is this one's own; and its end date."""

    def holds_until(self) -> float:
        """Until when `parts` gives the same, unless something happens to the machine."""
        return math.inf

    @property
    def is_drawn(self) -> bool:
        """Whether its facts are at hand, and need not be drawn first."""
        return True

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


class Tariff:
    """What the price of an ask depends on besides the ask. Two of them are never equal: that is quick to see."""

    __slots__ = ("bid", "storage")

    def __init__(self, storage: float, bid: bool) -> None:
        self.storage = storage
        """GB of disk."""
        self.bid = bid
        """Whether the least bid is asked for, not the full price."""


class Glimpse:
    """An ask as a search weighs it: what conditions, bundles and scores need, without the row."""

    __slots__ = (
        "base", "bundle", "dlperf", "end", "least", "machine", "mult", "order", "own", "position", "shared", "storage",
        "tariff", "total", "worth",
    )  # fmt: skip

    def __init__(self, machine: Machine, position: int, shared: Row, own: Row, end: float) -> None:
        self.machine = machine
        self.position = position
        self.order = machine.rank << 20 | position
        """Where it stands among all asks of the market."""
        self.shared = shared
        self.own = own
        self.end = end
        self.bundle = self.get("bundle_id")
        self.base: float = self.get("dph_base")
        self.least: float = self.get("min_bid")
        self.storage: float = self.get("storage_cost")
        self.dlperf: float = self.get("dlperf") or 0
        self.mult: float = self.get("reliability_mult") or 1
        self.tariff: Tariff | None = None
        self.total = self.worth = 0.0
        """At the present tariff: $/h with the disk, and the score before luck."""

    def at(self, tariff: Tariff) -> Glimpse:
        """The same, at this tariff."""
        self.tariff = tariff
        self.total = (self.least if tariff.bid else self.base) + storage_per_hour(self.storage, tariff.storage)
        self.worth = (self.dlperf / self.total if self.total else 0) * self.mult
        return self

    def get(self, field: str) -> Any:
        """A field that does not follow from time, disk size and kind of rental."""
        return self.own[field] if field in self.own else self.shared.get(field)
