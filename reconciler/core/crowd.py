"""Who sits where: replicas of a fleet on machines and hosts, and the GPUs that a placement has given away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from reconciler.core.instance import Instance
from reconciler.core.model import Fleet
from reconciler.core.offer import Offer

TAKEN = "taken by another seat"


class Crowd:
    """How many replicas of a fleet sit on each machine and host."""

    def __init__(self, fleet: Fleet, sitting: Iterable[Instance]) -> None:
        spread = fleet.spread
        self._per_machine = None if spread.per_machine is None else spread.per_machine.of(fleet.replicas)
        self._per_host = None if spread.per_host is None else spread.per_host.of(fleet.replicas)
        present = list(sitting)
        self._machines = Counter(i.machine_id for i in present)
        self._hosts = Counter(i.host_id for i in present)

    def add(self, offer: Offer, by: int = 1) -> None:
        """Count a replica that goes there; with -1 one that does not after all."""
        self._machines[offer.machine_id] += by
        self._hosts[offer.host_id] += by

    def refuses(self, offer: Offer) -> str | None:
        """The rule of `spread` that refuses one more replica there."""
        if self._per_machine is not None and self._machines[offer.machine_id] >= self._per_machine:
            return "spread.per_machine"
        if self._per_host is None:
            return None
        full = offer.host_id is None or self._hosts[offer.host_id] >= self._per_host
        return "spread.per_host" if full else None


class Taken:
    """The offers that seats of any fleet were given. Offers of one machine that share a GPU cannot both be rented."""

    def __init__(self) -> None:
        self._machines: dict[int, list[Offer]] = {}

    def add(self, offer: Offer) -> None:
        """Give it away."""
        self._machines.setdefault(offer.machine_id, []).append(offer)

    def drop(self, offer: Offer) -> None:
        """Take it back."""
        self._machines[offer.machine_id].remove(offer)

    def clashes(self, offer: Offer) -> Iterator[Offer]:
        """The offers given away that exclude this one."""
        return (other for other in self._machines.get(offer.machine_id, ()) if overlap(offer, other))

    def excludes(self, offer: Offer) -> bool:
        """Whether any does."""
        return offer.machine_id in self._machines and any(self.clashes(offer))

    def uses(self, offer: Offer) -> bool:
        """Whether anything of its machine was given away."""
        return bool(self._machines.get(offer.machine_id))


def overlap(one: Offer, other: Offer) -> bool:
    """Whether two offers of a machine share GPUs. Where one does not say which it has, they are taken to: the same
    GPUs may have been listed anew under another id."""
    return one.id == other.id or not (one.gpu_ids and other.gpu_ids and one.gpu_ids.isdisjoint(other.gpu_ids))
