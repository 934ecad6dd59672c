"""A machine of the generated market: what is drawn once, and what changes in its life."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.simulator import tables
from reconciler.simulator.details import drawn_facts, slice_fields, unit_price
from reconciler.simulator.machines import Machine, Row
from reconciler.simulator.months import promised

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.simulator.asks import Occupancy


class Host(NamedTuple):
    """An owner of machines; place and kind are the same for all of them."""

    host_id: int
    place: str | None
    geolocode: int
    datacenter: bool
    favourite: tables.GpuModel
    size: int
    """GPUs that most of its machines with the favourite have."""
    standing: str
    """The verification of most of them."""
    demand: float
    """Where most of them stand in the order from wholly free (0) to wholly taken (1)."""


class GeneratedMachine(Machine):
    """A machine of the generated market."""

    def __init__(
        self, seed: int, machine_id: int, host: Host, model: tables.GpuModel, count: int, verification: str,
        first_gpu: int, occupancy: Occupancy,
    ) -> None:  # fmt: skip
        super().__init__(machine_id, occupancy)
        self.seed = seed
        self.host = host
        self.model = model
        self.count = count
        self.verification = self.verified_first = verification
        self.first_gpu = first_gpu
        self.arrived = 0.0
        """When it came to the market."""
        self.gone = math.inf
        """When it leaves the market."""
        self.back = math.inf
        """When its host next drops off or comes back."""
        self.steps = 0
        """How much has happened to it."""
        self.acts = math.inf
        """When the next thing happens to it."""
        self.pace = 0.0
        """How busy its asks are, over the middle."""
        self.drift = 1.0
        """The present price over the first one, before it is rounded to cents."""
        self.astray = False
        """Whether its place has lost its region."""
        self._facts: Row | None = None
        self._brief: Row | None = None
        self._promise = (0.0, 0.0)

    def twin(self) -> GeneratedMachine:
        """The same machine at the same moment of its life, for another world."""
        other = GeneratedMachine.__new__(GeneratedMachine)
        other.__dict__ = self.__dict__.copy()  # Worlds are made of some thousand machines: this is the fastest way.
        other.occupancy = self.occupancy.twin()
        other._facts = other._brief = None
        return other

    def brief(self) -> Mapping[str, Any]:
        """Fields known from the market's first pass, as they are now."""
        if self._brief is None:
            self._brief = {**self._first(), "geolocation": self.place(), "verification": self.verification}
        return self._brief

    def place(self) -> str | None:
        """The text of its place."""
        place = self.host.place
        return f", {place.rpartition(', ')[2]}" if self.astray and place else place

    @property
    def is_drawn(self) -> bool:
        """Whether its facts were drawn already."""
        return self._facts is not None

    def facts(self) -> Row:
        """All fields equal on its asks, with a few underscored ones that the slices are computed from."""
        if self._facts is None:
            self._facts = drawn_facts(
                self.seed, self.machine_id, self.model, self.count, self._first(), self.host.geolocode
            )
            self._repaint(self._facts)
        return self._facts

    def change(self, *, verification: str | None = None, astray: bool | None = None) -> None:
        """Another verification, or another text for the place."""
        self.verification = self.verification if verification is None else verification
        self.astray = self.astray if astray is None else astray
        self._brief = None
        if self._facts is not None:
            self._repaint(self._facts)

    def price(self) -> int:
        """The host's price, cents per GPU and hour."""
        first: int = self.facts()["_cents"]
        return first if self.drift == 1.0 else max(1, round(first * self.drift))

    def row(self, position: int, now: float) -> Row:
        """The ask's own fields."""
        shared, own, end = self.parts(position, now)
        return {**shared, **own, "end_date": end}

    def holds_until(self) -> float:
        """The host prolongs its promise then."""
        return self._promise[1]

    def parts(self, position: int, now: float) -> tuple[Row, Row, float]:
        """What the asks share, what is this one's own, and until when the host promises it."""
        facts = self.facts()
        mask = self.occupancy.masks[position]
        gpus = [self.first_gpu + bit for bit in range(self.count) if mask >> bit & 1]
        own = slice_fields(facts, gpus, self.count, unit_price(self.price(), facts["_divisor"]))
        if not now < self._promise[1]:
            self._promise = promised(facts["end_date"], self.arrived, now, self.seed, self.machine_id)
        return facts["_shown"], own, self._promise[0]

    def saved(self) -> list[Any]:
        """How far its life went, others' GPUs, ids, price, verification and place."""
        held = self.occupancy
        return [self.steps, self.acts, held.taken, held.ids, self.drift, self.verification, int(self.astray)]

    def restore(self, saved: list[Any]) -> None:
        """Take over what `saved` gave, or what the first version of the state file had: taken, ids and cents."""
        if len(saved) == 3:
            drift = 1.0 if saved[2] is None else saved[2] / self.facts()["_cents"]
            saved = [self.steps, self.acts, *saved[:2], drift, self.verification, 0]
        self.steps, self.acts = int(saved[0]), float(saved[1])
        self.occupancy.taken, self.occupancy.ids = int(saved[2]), [int(i) for i in saved[3]]
        self.drift = float(saved[4])
        self.change(verification=str(saved[5]), astray=bool(saved[6]))
        self.changed = True

    def _first(self) -> Row:
        return {
            "machine_id": self.machine_id,
            "host_id": self.host.host_id,
            "gpu_name": self.model.name,
            "geolocation": self.host.place,
            "verification": self.verified_first,
            "hosting_type": int(self.host.datacenter),
        }

    def _repaint(self, facts: Row) -> None:
        """Bring verification and place up to date; the other facts follow from how it came to the market."""
        if self.verification == self.verified_first:
            code = facts["vericode"]
        else:
            code = {"verified": 1, "unverified": 0}.get(self.verification, 2 << self.machine_id % 3)
        now = {"verification": self.verification, "geolocation": self.place()}
        facts["_shown"] = {**facts["_shown"], **now, "vericode": code}
        facts.update(now)
