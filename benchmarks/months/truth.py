"""What really runs, moment by moment: the simulator's own knowledge, which no way of keeping a fleet may ask for."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import httpx

from reconciler.simulator.contracts import Contract
from reconciler.simulator.door import PATIENCE
from reconciler.simulator.laws import Laws
from reconciler.simulator.origin import Generated, beginning
from reconciler.simulator.rng import fraction
from reconciler.simulator.transport import SimulatedTransport
from reconciler.simulator.world import World

CREDIT = 100_000.0
BOOTS_S = 1200.0
"""So long a second instance of a seat may boot beside the first before it counts as left over."""
HOUR_S = 3600.0
BID_LOST = "bid lost"
_DESTROYED = re.compile(r"/instances/(\d+)/?")
_KINDS = (
    ("PUT", r"/asks/\d+/?", "rent"),
    ("DELETE", r"/instances/\d+/?", "destroy"),
    ("GET", r"/v1/instances/?", "list"),
    ("GET", r"/instances/\d+/?", "show"),
    ("GET", r"/users/current/?", "account"),
    ("POST", r"/bundles/?", "search"),
    ("PUT", r"/instances/request_logs/\d+/?", "logs"),
    ("GET", r"/instances/pending-price-increases/?", "price rises"),
    ("PUT", r"/instances/bid_price/\d+/?", "bid"),
)


class Rent(NamedTuple):
    """An instance that was rented for a seat which was down."""

    at: float
    machine: int


class Gap(NamedTuple):
    """A time without a ready instance in a seat that had one."""

    seat: str
    start: float
    end: float
    rents: tuple[Rent, ...]
    """For the seat meanwhile, in order; beyond the first, those before were never ready."""
    why: str
    """What took the last ready instance."""
    open: bool = False
    """It had no end when the month was over."""

    @property
    def lasted(self) -> float:
        """Seconds."""
        return self.end - self.start


@dataclass(slots=True)
class Truth:
    """Kept from the first moment on; every look counts the time since the last one."""

    wanted: int
    at: float
    settled_at: float = 0.0
    """From this moment on what is ready counts for itself as well: the beginning is over."""
    ready_s: float = 0.0
    """Replica-seconds ready; of one seat one instance counts, and no more seats than are wanted."""
    settled_s: float = 0.0
    """Those after the beginning."""
    ready_dollars: float = 0.0
    """What the instances cost that were ready."""
    gaps: list[Gap] = field(default_factory=list)
    first: dict[str, float] = field(default_factory=dict)
    """When each seat had a ready instance for the first time."""
    rents: int = 0
    ended: int = 0
    leaks: list[float] = field(default_factory=list)
    """How long each contract stood that was to go: asked to, or left over beside a ready one of its seat."""
    asked: dict[int, float] = field(default_factory=dict)
    """Since when contracts stand whose end was asked for."""
    spare: dict[int, float] = field(default_factory=dict)
    """Since when contracts stand that are left over beside a ready one of their seat."""
    there: dict[int, str] = field(default_factory=dict)
    """The seats of all contracts at the last look."""
    _up: dict[int, float] = field(default_factory=dict)
    """What is ready, and its $/h."""
    _seats: frozenset[str] = frozenset()
    _down: dict[str, tuple[float, str]] = field(default_factory=dict)
    """Since when seats are without a ready instance, and why."""
    _rented: dict[str, list[Rent]] = field(default_factory=dict)
    """What was rented for each seat that is down."""

    def look(self, world: World) -> None:
        """Count the time since the last look, and see how things stand now."""
        elapsed, settled = world.now - self.at, max(0.0, world.now - max(self.at, self.settled_at))
        self.at, ready = world.now, min(self.wanted, len(self._seats))
        self.ready_s += elapsed * ready
        self.settled_s += settled * ready
        self.ready_dollars += elapsed / HOUR_S * sum(self._up.values())
        self._count(world.contracts)
        self._up = {c.id: rate(c) for c in world.contracts.values() if is_ready(c, world.now)}
        self._compare(frozenset(self.there[number] for number in self._up), world.contracts)
        self._left_over(world)

    def is_going(self, number: int) -> None:
        """Somebody asks for the end of a contract."""
        if number in self.there:
            self.asked.setdefault(number, self.at)

    def finish(self) -> None:
        """The last moment: what is open ends here."""
        self.gaps += [self._gap(seat, open=True) for seat in list(self._down)]
        for number in sorted({*self.asked, *self.spare}):
            self._leaked(number)

    def _count(self, contracts: dict[int, Contract]) -> None:
        come, ended = contracts.keys() - self.there.keys(), self.there.keys() - contracts.keys()
        self.rents += len(come)
        self.ended += len(ended)
        for number in sorted(ended):
            self._leaked(number)
        self.there = {number: seat_of(contract) for number, contract in contracts.items()}
        for number in sorted(come):
            if (seat := self.there[number]) in self._down:
                self._rented[seat].append(Rent(self.at, contracts[number].machine_id))

    def _leaked(self, number: int) -> None:
        """A contract that was to go is gone, or the month is over."""
        since = [found for found in (self.asked.pop(number, None), self.spare.pop(number, None)) if found is not None]
        if since:
            self.leaks.append(max(0.0, self.at - min(since)))

    def _compare(self, seats: frozenset[str], contracts: dict[int, Contract]) -> None:
        if seats == self._seats:
            return
        for seat in sorted(seats - self._seats):
            self.first.setdefault(seat, self.at)
            if seat in self._down:
                self.gaps.append(self._gap(seat))
        for seat in sorted(self._seats - seats):
            found = [contracts[number] for number, other in self.there.items() if other == seat]
            self._down[seat], self._rented[seat] = (self.at, _why_lost(found)), []
        self._seats = seats

    def _gap(self, seat: str, *, open: bool = False) -> Gap:
        since, why = self._down.pop(seat)
        return Gap(seat, since, self.at, tuple(self._rented.pop(seat)), why, open)

    def _left_over(self, world: World) -> None:
        """A contract beside a ready one of its seat is left over once it had the time to take its place."""
        beside: set[int] = set()
        if len(self.there) != len(set(self.there.values())):
            kept = {self.there[number]: number for number in sorted(self._up, reverse=True)}
            beside = {number for number, seat in self.there.items() if kept.get(seat, number) != number}
        self.spare = {
            number: self.spare.get(number, max(self.at, world.contracts[number].created + BOOTS_S))
            for number in sorted(beside)
        }


class Watched(World):
    """A world that is looked at whenever something happens in it."""

    def __init__(self, seed: int, laws: Laws, wanted: int, beginning_s: float = 0.0) -> None:
        origin = Generated(seed)
        super().__init__(origin, *beginning(origin), laws)
        self.truth = Truth(wanted, self.now, self.now + beginning_s)
        self.add_credit(CREDIT)

    def following(self) -> float:
        """When something next happens to a contract."""
        return self._next()

    def settle(self) -> None:
        """As the world does; then look."""
        super().settle()
        self.truth.look(self)


class Counting(SimulatedTransport):
    """Carries requests, counts them by their kind, and loses some: half of those before they arrive, half their
    answers."""

    def __init__(self, world: Watched, lost: float = 0.0) -> None:
        super().__init__(world)
        self._watched = world
        self._lost = lost
        self.calls: Counter[str] = Counter()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Count one request and carry it."""
        kind = _kind(request.method, request.url.path)
        self.calls[kind] += 1
        if kind == "destroy" and (found := _DESTROYED.search(request.url.path)):
            self._watched.truth.is_going(int(found[1]))
        luck = fraction("lost", self._watched.seed, self.calls.total())
        if luck < self._lost / 2:
            return self._silence(request)
        answer = super().handle_request(request)
        return self._silence(request) if luck < self._lost else answer

    def _silence(self, request: httpx.Request) -> httpx.Response:
        self._watched.advance(PATIENCE)
        raise httpx.ReadTimeout("timed out", request=request)


def is_ready(contract: Contract, now: float) -> bool:
    """Whether its container runs and its host is there."""
    return contract.current == "running" and contract.status(now) == "running"


def seat_of(contract: Contract) -> str:
    """The seat that its label names: `fleet/index` of a label of ours, else the label as it is."""
    parts = (contract.label or "").split("/")
    return "/".join(parts[2:4]) if parts[0] == "rc1" and len(parts) > 3 else contract.label or ""


def rate(contract: Contract) -> float:
    """What it costs while it runs, $/h."""
    return contract.gpu_per_hour + contract.disk_per_hour


def _why_lost(left: list[Contract]) -> str:
    """Why a seat is not ready any more, by the contracts that are left of it."""
    if any(contract.outbid for contract in left):
        return BID_LOST
    return "host off" if any(contract.fault for contract in left) else "ended"


def _kind(method: str, path: str) -> str:
    found = (kind for verb, pattern, kind in _KINDS if verb == method and re.fullmatch(f"/api(/v0)?{pattern}", path))
    return next(found, "other")
