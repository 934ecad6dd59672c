"""Chains of exchanges: one fleet takes a machine from another, that one from a third, until somebody takes a free one
or stays without.

Of all chains that begin with one seat the one that gains most is a longest path in a graph of few nodes, the fleets:
the method of successive shortest paths for assignments (as in Ahuja, Magnanti, Orlin: Network Flows, 1993), with the
seats of a fleet as one node. An offer of many GPUs may displace several seats at once; then each of them takes a free
offer or stays empty, and the chain ends there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.core.candidates import Candidate
from reconciler.core.crowd import Taken
from reconciler.core.demand import EMPTY, Demand
from reconciler.core.placement import Need

Holders = Mapping[int, tuple[Demand, Need]]
"""Who was given which offer, by its id."""

Chain = Sequence[tuple[Demand, Need, Candidate | None]]
"""Which seat gets what in the end; None: it stays empty."""

_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class _Hop:
    """A seat that is to be given something, since the fleet before takes what it has."""

    demand: Demand
    need: Need
    gain: float
    """Of all hops before this one, less what the seat had."""
    before: _Hop | None = None
    wanted: Candidate | None = None
    """What the fleet before takes."""

    def back(self) -> Iterator[_Hop]:
        """This hop, the one before, and so on to the first."""
        hop: _Hop | None = self
        while hop is not None:
            yield hop
            hop = hop.before


class Chains:
    """The chains that begin with one seat. It is empty now; what it had was worth `lost`."""

    def __init__(self, demand: Demand, need: Need, lost: float, holders: Holders, taken: Taken) -> None:
        self._holders, self._taken = holders, taken
        self._hops = {demand.fleet.name: _Hop(demand, need, -lost)}
        self._open = [demand.fleet.name]
        self._most = _LEAST
        self._found: tuple[_Hop, Candidate | None, Chain] | None = None

    def best(self) -> Chain | None:
        """The chain that gains most; None where none gains anything."""
        while self._open:
            self._go_on(self._hops[self._open.pop(0)])
        if self._found is None:
            return None
        last, wanted, displaced = self._found
        chain = list(displaced)
        for hop in last.back():
            chain.append((hop.demand, hop.need, wanted))
            wanted = hop.wanted
        return chain

    def _go_on(self, hop: _Hop) -> None:
        if hop.before is not None:
            self._end(hop, None, EMPTY)
        for candidate in hop.demand.ranked:
            if hop.demand.refuses(hop.need, candidate) is not None:
                continue
            clashes = list(self._taken.clashes(candidate.offer))
            if not clashes:
                self._end(hop, candidate, hop.demand.value(candidate))
                return
            held = [self._holders[offer.id] for offer in clashes if offer.id in self._holders]
            if len(held) < len(clashes) or any(before.demand is of for before in hop.back() for of, _ in held):
                continue
            if len(held) == 1:
                self._take(hop, candidate, *held[0])
            else:
                self._displace(hop, candidate, held)

    def _end(self, hop: _Hop, candidate: Candidate | None, value: float, displaced: Chain = ()) -> None:
        if hop.gain + value > self._most:
            self._most, self._found = hop.gain + value, (hop, candidate, displaced)

    def _take(self, hop: _Hop, wanted: Candidate, holder: Demand, need: Need) -> None:
        gain = hop.gain + hop.demand.value(wanted) - holder.value(holder.given[need.seat])
        name = holder.fleet.name
        known = self._hops.get(name)
        if known is None or gain > known.gain + _LEAST:
            self._hops[name] = _Hop(holder, need, gain, hop, wanted)
            if name not in self._open:
                self._open.append(name)

    def _displace(self, hop: _Hop, wanted: Candidate, held: Sequence[tuple[Demand, Need]]) -> None:
        value, hoped = hop.demand.value(wanted), hop.gain + hop.demand.value(wanted)
        for demand, need in held:
            hoped += demand.value(demand.ranked[0]) - demand.value(demand.given[need.seat])
        if hoped <= self._most:
            return
        machines, instead = {wanted.offer.machine_id}, []
        for demand, need in held:
            free = (c for c in demand.free(need, self._taken) if c.offer.machine_id not in machines)
            found = next(free, None)
            value += demand.value(found) - demand.value(demand.given[need.seat])
            instead.append((demand, need, found))
            machines |= {found.offer.machine_id} if found is not None else set()
        self._end(hop, wanted, value, instead)
