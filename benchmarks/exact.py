"""The exact optimum of a placement, as an integer program. For benchmarks and tests only: it needs scipy (HiGHS).

First as many seats as possible, then the highest sum of ranks among the ways to fill so many. GPUs are given once,
`spread` holds for each fleet. Fleets are of one priority, and seats of a fleet are alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from reconciler.core.candidates import Candidate
from reconciler.core.crowd import overlap
from reconciler.core.model import Fleet

TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Wish:
    """What one fleet wants: its eligible candidates, and how many of them."""

    fleet: Fleet
    ranked: Sequence[Candidate]
    seats: int


@dataclass(frozen=True, slots=True)
class Optimum:
    """The best there is."""

    filled: int
    total: float
    """The sum of the ranks."""
    chosen: tuple[tuple[str, Candidate], ...] = ()
    """Fleet's name and what it gets."""


@dataclass(slots=True)
class _Rows:
    """The constraints as they grow: each a set of variables of which at most so many are one."""

    most: list[float] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    of: list[int] = field(default_factory=list)

    def add(self, members: Iterable[int], most: float) -> None:
        """At most `most` of these; nothing where there are no more anyway."""
        found = list(members)
        if len(found) > most:
            self.at += [len(self.most)] * len(found)
            self.of += found
            self.most.append(most)

    def constraint(self, width: int) -> LinearConstraint:
        """All of them for the solver."""
        matrix = csr_array((np.ones(len(self.of)), (self.at, self.of)), shape=(len(self.most), width))
        return LinearConstraint(matrix, -np.inf, np.array(self.most))


def optimum(wishes: Sequence[Wish], seconds: float = 60.0) -> Optimum:
    """The optimum of fleets of one priority. Raises `RuntimeError` where it is not found within `seconds`."""
    wanted = [(wish, candidate) for wish in wishes for candidate in wish.ranked]
    if not wanted:
        return Optimum(0, 0.0)
    limits = _limits(wishes, wanted).constraint(len(wanted))
    ones, ranks = np.ones(len(wanted)), np.array([candidate.rank for _, candidate in wanted])
    filled = round(-_solved(-ones, [limits], seconds)[1])
    just = LinearConstraint(ones[np.newaxis, :], filled, filled)
    taken, total = _solved(-ranks, [limits, just], seconds)
    chosen = [(w.fleet.name, c) for (w, c), one in zip(wanted, taken, strict=True) if one > 0.5]
    return Optimum(filled, -total, tuple(chosen))


def _solved(costs: np.ndarray, limits: list[LinearConstraint], seconds: float) -> tuple[np.ndarray, float]:
    options = {"time_limit": seconds, "mip_rel_gap": 0.0}
    found = milp(costs, constraints=limits, integrality=np.ones(len(costs)), bounds=Bounds(0, 1), options=options)
    if found.x is None or found.status != 0:
        raise RuntimeError(f"the optimum was not found: {found.message}")
    return found.x, float(found.fun)


def _limits(wishes: Sequence[Wish], wanted: Sequence[tuple[Wish, Candidate]]) -> _Rows:
    rows = _Rows()
    of_fleet: dict[str, list[int]] = defaultdict(list)
    of_machine: dict[tuple[str, int], list[int]] = defaultdict(list)
    of_host: dict[tuple[str, int | None], list[int]] = defaultdict(list)
    on_machine: dict[int, list[int]] = defaultdict(list)
    for i, (wish, candidate) in enumerate(wanted):
        name, offer = wish.fleet.name, candidate.offer
        of_fleet[name].append(i)
        of_machine[name, offer.machine_id].append(i)
        of_host[name, offer.host_id].append(i)
        on_machine[offer.machine_id].append(i)
    for wish in wishes:
        name, spread = wish.fleet.name, wish.fleet.spread
        rows.add(of_fleet[name], wish.seats)
        if spread.per_machine is not None:
            most = spread.per_machine.of(wish.fleet.replicas)
            for (of, _), members in of_machine.items():
                if of == name:
                    rows.add(members, most)
        if spread.per_host is not None:
            most = spread.per_host.of(wish.fleet.replicas)
            for (of, host), members in of_host.items():
                if of == name:
                    rows.add(members, 0 if host is None else most)
    for members in on_machine.values():
        _gpus(rows, members, wanted)
    return rows


def _gpus(rows: _Rows, members: list[int], wanted: Sequence[tuple[Wish, Candidate]]) -> None:
    """Each GPU of a machine is given once; offers that do not name theirs exclude each other in pairs."""
    offers = {i: wanted[i][1].offer for i in members}
    gpus: dict[int, list[int]] = defaultdict(list)
    for i, offer in offers.items():
        for gpu in offer.gpu_ids:
            gpus[gpu].append(i)
    for sharing in {tuple(sharing) for sharing in gpus.values()}:
        rows.add(sharing, 1)
    nameless = [i for i, offer in offers.items() if not offer.gpu_ids]
    for i in nameless:
        for j in members:
            if j != i and overlap(offers[i], offers[j]):
                rows.add((i, j), 1)
