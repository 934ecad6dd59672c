"""A market drawn from a seed: hosts, machines, occupancy. The details of a machine are drawn when first looked at.

One pass over one stream of chance fixes who exists and what is free (a few milliseconds for 3500 machines); the
hundred fields of a row come from a stream of the machine's own, so that a search for one GPU pays for few machines.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from reconciler.simulator import tables
from reconciler.simulator.asks import Occupancy, tree
from reconciler.simulator.generated import GeneratedMachine, Host
from reconciler.simulator.rng import digest

if TYPE_CHECKING:
    from reconciler.simulator.machines import Machine

MACHINES = 3500
"""Machines of the generated market, about 950 of them with a rentable offer."""

DEFAULT_SEED = 2044
"""The market that a newcomer meets."""

FIRST_ID = 41_000_000
"""Where the ids of asks begin."""

FOLLOWING_ID = FIRST_ID + 250_000
"""The first id that no ask of a new market has: the sequence goes on from here."""


def generated(seed: int, count: int = MACHINES) -> list[Machine]:
    """The machines of the market of this seed."""
    rng = random.Random(int.from_bytes(digest("population", seed)[:8], "big"))
    machine_ids = iter(rng.sample(range(2_000, 140_000), count))
    host_ids = iter(rng.sample(range(1_000, 420_000), count))
    machines: list[Machine] = []
    next_id, next_gpu = FIRST_ID, 90_000
    while len(machines) < count:
        host = drawn_host(rng, next(host_ids))
        for _ in range(min(_host_size(rng), count - len(machines))):
            machine = drawn_machine(rng, seed, next(machine_ids), host, next_gpu)
            held = machine.occupancy
            held.ids = list(range(next_id, next_id + len(held.masks)))
            machines.append(machine)
            next_id += len(held.masks) + int(rng.random() * 30)
            next_gpu += machine.count
    return machines


def drawn_machine(
    rng: random.Random, seed: int, machine_id: int, host: Host, first_gpu: int, verification: str | None = None
) -> GeneratedMachine:
    """A machine of this host; its asks have no ids yet."""
    model = host.favourite if rng.random() < tables.FAVOURITES else _model(rng, host.datacenter)
    gpus = host.size if model is host.favourite and rng.random() < tables.ALIKE else _size(rng, model)
    masks = tree(gpus, _least_group(rng, gpus))
    if verification is None:
        verification = host.standing if rng.random() < tables.ALIKE else _verification(rng, host.datacenter)
    demand = host.demand if rng.random() < tables.DEMANDED else rng.random()
    occupancy = Occupancy(masks, [], _taken(rng, verification, gpus, masks, demand))
    return GeneratedMachine(seed, machine_id, host, model, gpus, verification, first_gpu, occupancy)


def drawn_host(rng: random.Random, host_id: int) -> Host:
    """An owner of machines."""
    datacenter = rng.random() < tables.DATACENTERS
    code, _, geolocode, spellings = rng.choices(tables.COUNTRIES, cum_weights=tables.COUNTRY_WEIGHTS)[0]
    if code == "US":
        place: str | None = f"{rng.choices(tables.STATES, cum_weights=tables.STATE_WEIGHTS)[0][0]}, US"
    else:
        place = spellings[int(rng.random() * len(spellings))]
    if rng.random() < 0.004:  # a few hosts have no place at all
        place, geolocode = rng.choice((None, None, "")), 0
    favourite = _model(rng, datacenter)
    size, standing = _size(rng, favourite), _verification(rng, datacenter)
    return Host(host_id, place, geolocode, datacenter, favourite, size, standing, rng.random())


def _model(rng: random.Random, datacenter: bool) -> tables.GpuModel:
    return rng.choices(tables.GPUS, cum_weights=tables.GPU_WEIGHTS[datacenter])[0]


def _size(rng: random.Random, model: tables.GpuModel) -> int:
    return rng.choices(tables.SIZES[model.sizes][0], cum_weights=tables.SIZES[model.sizes][1])[0]


def _host_size(rng: random.Random) -> int:
    u = rng.random()
    for share, least, most in tables.HOST_SIZES:
        if u < share:
            return rng.randint(least, most)
    return rng.randint(21, 46)


def _least_group(rng: random.Random, gpus: int) -> int:
    """The smallest group that the host rents: the whole, or one of the powers of two below it."""
    u = rng.random()
    if gpus <= 2:
        return 1 if u < tables.HALVED else gpus
    smaller = next(number for share, number in tables.SPLITS if u < share)
    powers = (gpus - 1).bit_length()
    return gpus if not smaller else 1 << max(0, powers - smaller)


def _verification(rng: random.Random, datacenter: bool) -> str:
    if datacenter and rng.random() < 0.4:
        return "verified"
    return rng.choices(tables.VERIFICATIONS, cum_weights=tables.VERIFICATION_WEIGHTS)[0]


def _taken(rng: random.Random, verification: str, gpus: int, masks: tuple[int, ...], demand: float) -> int:
    """Which GPUs others hold when the market begins."""
    free, partly = tables.OPEN_SHARES[verification][len(masks) > 1]
    if demand < free:
        return 0
    if demand > free + partly or len(masks) == 1:
        return int(masks[0])
    taken, wanted = 0, rng.randint(1, gpus - 1)
    for _ in range(8):
        mask = masks[1 + int(rng.random() * (len(masks) - 1))]
        if taken.bit_count() < wanted and (taken | mask) != masks[0]:
            taken |= mask
    return taken
