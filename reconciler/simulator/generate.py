"""A market drawn from a seed: hosts, machines, occupancy. The details of a machine are drawn when first looked at.

One pass over one stream of chance fixes who exists and what is free (a few milliseconds for 3500 machines); the
hundred fields of a row come from a stream of the machine's own, so that a search for one GPU pays for few machines.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.simulator import tables
from reconciler.simulator.asks import Occupancy, tree
from reconciler.simulator.details import drawn_facts, slice_fields, unit_price
from reconciler.simulator.machines import Machine, Row
from reconciler.simulator.rng import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

MACHINES = 3500
"""Machines of the generated market, about 950 of them with a rentable offer."""

DEFAULT_SEED = 82
"""The market that a newcomer meets."""

FIRST_ID = 41_000_000
"""Where the ids of asks begin."""

FOLLOWING_ID = FIRST_ID + 250_000
"""The first id that no ask of a new market has: the sequence goes on from here."""


class Host(NamedTuple):
    """An owner of machines; place and kind are the same for all of them."""

    host_id: int
    place: str | None
    geolocode: int
    datacenter: bool
    favourite: tables.GpuModel


class GeneratedMachine(Machine):
    """A machine of the generated market."""

    __slots__ = ("_brief", "_facts", "cents", "count", "first_gpu", "host", "model", "seed", "verification")

    def __init__(
        self, seed: int, machine_id: int, host: Host, model: tables.GpuModel, count: int, verification: str,
        first_gpu: int, occupancy: Occupancy,
    ) -> None:  # fmt: skip
        super().__init__(machine_id, occupancy)
        self.seed = seed
        self.host = host
        self.model = model
        self.count = count
        self.verification = verification
        self.first_gpu = first_gpu
        self.cents: int | None = None
        """The host's price in cents per GPU and hour, when it differs from the first one."""
        self._facts: Row | None = None
        self._brief: Row | None = None

    def brief(self) -> Mapping[str, Any]:
        """Fields known from the market's first pass."""
        if self._brief is None:
            self._brief = {
                "machine_id": self.machine_id,
                "host_id": self.host.host_id,
                "gpu_name": self.model.name,
                "geolocation": self.host.place,
                "verification": self.verification,
                "hosting_type": int(self.host.datacenter),
            }
        return self._brief

    def facts(self) -> Row:
        """All fields equal on its asks, with a few underscored ones that the slices are computed from."""
        if self._facts is None:
            self._facts = drawn_facts(
                self.seed, self.machine_id, self.model, self.count, self.brief(), self.host.geolocode
            )
        return self._facts

    def price(self) -> int:
        """The host's price, cents per GPU and hour."""
        return self.facts()["_cents"] if self.cents is None else self.cents

    def row(self, position: int, now: float) -> Row:
        """The ask's own fields."""
        facts = self.facts()
        mask = self.occupancy.masks[position]
        gpus = [self.first_gpu + bit for bit in range(self.count) if mask >> bit & 1]
        row = dict(facts["_shown"])
        row.update(slice_fields(facts, gpus, self.count, unit_price(self.price(), facts["_divisor"])))
        while row["end_date"] <= now:  # the host goes on offering the machine for another month
            row["end_date"] += 30 * 86400.0
        return row

    def saved(self) -> list[Any]:
        """Others' GPUs, the present ids and the present price."""
        return [self.occupancy.taken, self.occupancy.ids, self.cents]

    def restore(self, saved: list[Any]) -> None:
        """Take over what `saved` gave."""
        self.occupancy.taken, self.occupancy.ids, self.cents = int(saved[0]), [int(i) for i in saved[1]], saved[2]
        self.changed = True


def generated(seed: int, count: int = MACHINES) -> list[Machine]:
    """The machines of the market of this seed."""
    rng = random.Random(int.from_bytes(digest("population", seed)[:8], "big"))
    machine_ids = iter(rng.sample(range(2_000, 140_000), count))
    host_ids = iter(rng.sample(range(1_000, 420_000), count))
    machines: list[Machine] = []
    next_id, next_gpu = FIRST_ID, 90_000
    while len(machines) < count:
        host = _host(rng, next(host_ids))
        for _ in range(min(_host_size(rng), count - len(machines))):
            model = host.favourite if rng.random() < 0.6 else _model(rng, host.datacenter)
            gpus = rng.choices(tables.SIZES[model.sizes][0], cum_weights=tables.SIZES[model.sizes][1])[0]
            masks = tree(gpus, _least_group(rng, gpus))
            verification = _verification(rng, host.datacenter)
            occupancy = Occupancy(
                masks, list(range(next_id, next_id + len(masks))), _taken(rng, verification, gpus, masks)
            )
            machines.append(
                GeneratedMachine(seed, next(machine_ids), host, model, gpus, verification, next_gpu, occupancy)
            )
            next_id += len(masks) + int(rng.random() * 30)
            next_gpu += gpus
    return machines


def _host(rng: random.Random, host_id: int) -> Host:
    datacenter = rng.random() < 0.16
    code, _, geolocode, spellings = rng.choices(tables.COUNTRIES, cum_weights=tables.COUNTRY_WEIGHTS)[0]
    if code == "US":
        place: str | None = f"{rng.choices(tables.STATES, cum_weights=tables.STATE_WEIGHTS)[0][0]}, US"
    else:
        place = spellings[int(rng.random() * len(spellings))]
    if rng.random() < 0.004:  # a few hosts have no place at all
        place, geolocode = rng.choice((None, None, "")), 0
    return Host(host_id, place, geolocode, datacenter, _model(rng, datacenter))


def _model(rng: random.Random, datacenter: bool) -> tables.GpuModel:
    while True:
        model = rng.choices(tables.GPUS, cum_weights=tables.GPU_WEIGHTS)[0]
        # Datacentre hosts choose among what datacentres have; the others take less of it.
        if rng.random() < (model.datacenter + 0.1 if datacenter else 1 - model.datacenter):
            return model


def _host_size(rng: random.Random) -> int:
    u = rng.random()
    for share, least, most in tables.HOST_SIZES:
        if u < share:
            return rng.randint(least, most)
    return rng.randint(21, 46)


def _least_group(rng: random.Random, gpus: int) -> int:
    u = rng.random()
    if u < 0.48 or gpus == 1:
        return 1
    return 2 if u < 0.62 and gpus > 2 else gpus


def _verification(rng: random.Random, datacenter: bool) -> str:
    if datacenter and rng.random() < 0.4:
        return "verified"
    return rng.choices(tables.VERIFICATIONS, cum_weights=tables.VERIFICATION_WEIGHTS)[0]


def _taken(rng: random.Random, verification: str, gpus: int, masks: tuple[int, ...]) -> int:
    """Which GPUs others hold when the market begins."""
    free, partly = tables.OPEN_SHARES[verification]
    u = rng.random()
    if u < free:
        return 0
    if u > free + partly or len(masks) == 1:
        return int(masks[0])
    taken, wanted = 0, rng.randint(1, gpus - 1)
    for _ in range(8):
        mask = masks[1 + int(rng.random() * (len(masks) - 1))]
        if taken.bit_count() < wanted and (taken | mask) != masks[0]:
            taken |= mask
    return taken
