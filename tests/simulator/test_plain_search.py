"""The search answers as a plain one would that makes every row anew, whatever happened in between."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.simulator.asks import Occupancy, tree
from reconciler.simulator.laws import GENTLE, LIVELY, Laws
from reconciler.simulator.machines import Machine, Row
from reconciler.simulator.market import Ids, Market
from reconciler.simulator.origin import Generated, Recorded, beginning
from reconciler.simulator.queries import Query, understood
from reconciler.simulator.rng import stream
from reconciler.simulator.search import NOISE, search
from reconciler.simulator.world import World

from .doors import RECORDINGS, recording

END = 1_800_000_000.0


def plain_search(market: Market, query: Query, now: float, rng: random.Random) -> list[Row]:
    """The law of the search, without any memory."""
    bundles: dict[Any, list[Row]] = {}
    for ask in market.asks():
        row = market.row(ask, now, query.storage, bid=query.bid)
        if all(query.holds(field, row) for field in query.conditions):
            bundles.setdefault(row["bundle_id"], []).append(row)
    chosen = [rows[int(rng.random() * len(rows))] for rows in bundles.values()]
    for row in chosen:
        luck = 1 + NOISE * (2 * rng.random() - 1)
        row["score"] = (row["dlperf_per_dphtotal"] or 0) * (row.get("reliability_mult") or 1) * luck
    for field, descending in reversed(query.order):
        known = [row for row in chosen if row.get(field) is not None]
        known.sort(key=lambda row: row[field], reverse=descending)
        chosen = known + [row for row in chosen if row.get(field) is None]
    return chosen[: query.limit]


ORDERS = ("dph_total", "score", "dlperf", "num_gpus", "duration", "gpu_name", "cuda_max_good", "id", "reliability")
FIELDS = (
    "dph_total", "dph_base", "num_gpus", "reliability", "inet_down", "disk_space", "duration", "dlperf", "min_bid",
    "cpu_cores_effective", "cuda_max_good", "end_date", "machine_id", "host_id", "ask_contract_id", "gpu_name",
    "cpu_name", "verification", "driver_version", "total_flops", "dlperf_per_dphtotal", "start_date",
)  # fmt: skip


def some_query(rng: random.Random, rows: list[Row]) -> dict[str, Any]:
    """A query about values that there are."""
    found: dict[str, Any] = {"verified": rng.choice([{}, {"eq": True}, {"in": [True, False]}, {"eq": False}])}
    if rng.random() < 0.5:
        found["rentable"] = rng.choice([{}, {"eq": True}, {"in": [True, False]}, {"eq": False}])
    for field in rng.sample(FIELDS, rng.choice((0, 1, 1, 2, 4))):
        value = rng.choice(rows).get(field)
        number = isinstance(value, int | float)
        operator = rng.choice(["lt", "lte", "gt", "gte", "neq"] if number else ["in", "notin", "eq"])
        found[field] = {operator: [value] if "in" in operator else value}
    if rng.random() < 0.3:
        found["geolocation"] = {rng.choice(["eq", "neq"]): rng.choice(["US", "CN", "DE"])}
    if rng.random() < 0.2:
        found["external"] = {"eq": False}
    if rng.random() < 0.7:
        found["order"] = [[field, rng.choice(["asc", "desc"])] for field in rng.sample(ORDERS, rng.choice((1, 1, 2)))]
    found["limit"] = rng.choice([3, 64])
    found["allocated_storage"] = rng.choice([8, 8, 100])
    found["type"] = rng.choice(["on-demand", "bid"])
    return found


def happens(world: World, rng: random.Random, held: dict[tuple[int, int], int]) -> None:
    """Time passes, or somebody rents or leaves."""
    world.advance(rng.choice([0, 0, 60, 3600, 86400]))
    market = world.market()
    if held and rng.random() < 0.3:
        (machine_id, mask), _ = held.popitem()
        market.let_go(machine_id, mask)
    free = [ask for ask in market.asks() if ask.machine.occupancy.is_free(ask.position)]
    if free and rng.random() < 0.5:
        ask = rng.choice(free)
        market.hold(ask.machine, ask.mask)
        held[ask.machine.machine_id, ask.mask] = ask.id


def compare(world: World, rng: random.Random, times: int) -> None:
    """Ask both searches the same at many moments."""
    held: dict[tuple[int, int], int] = {}
    rows = search(world.market(), understood({"verified": {}}), world.now, stream("first"))
    found = 0
    for number in range(times):
        happens(world, rng, held)
        body = some_query(rng, rows)
        query, market = understood(body), world.market()
        ours = search(market, query, world.now, stream(number))
        plain = plain_search(market, query, world.now, stream(number))
        assert ours == plain, body
        assert [list(row) for row in ours] == [list(row) for row in plain]
        found += len(ours)
    assert found


@pytest.mark.parametrize("laws", [GENTLE, LIVELY], ids=["gentle", "lively"])
@pytest.mark.parametrize("seed", range(3))
def test_answers_are_those_of_a_search_without_memory(laws: Laws, seed: int) -> None:
    origin = Generated(seed, 100)
    compare(World(origin, *beginning(origin), laws), random.Random(seed), 25)


@pytest.mark.recorded
@pytest.mark.parametrize("name", RECORDINGS[1:])
def test_so_are_they_on_a_recorded_market(name: str) -> None:
    origin = Recorded(recording(name))
    compare(World(origin, *beginning(origin)), random.Random(1), 8)


class Stall(Machine):
    """A machine whose bundle's id is that of another host's machines."""

    __slots__ = ("host",)

    def __init__(self, number: int) -> None:
        masks = tree(2, 1)
        super().__init__(number, Occupancy(masks, [10 * number + one for one in range(len(masks))], 0))
        self.host = number % 3

    def brief(self) -> Mapping[str, Any]:
        return {"machine_id": self.machine_id, "host_id": self.host, "verification": "verified"}

    def parts(self, position: int, now: float) -> tuple[Row, Row, float]:
        row = {
            **self.brief(), "bundle_id": 7 if position else self.machine_id, "dph_base": 0.1 * self.machine_id,
            "min_bid": 0.1, "storage_cost": 0.2, "dlperf": 10.0 + position, "total_flops": 5.0, "inet_down_cost": 0.0,
            "inet_up_cost": 0.0,
        }  # fmt: skip
        return row, {}, END

    def row(self, position: int, now: float) -> Row:
        row, _, end = self.parts(position, now)
        return {**row, "end_date": end}

    def saved(self) -> list[Any]:
        return []

    def restore(self, saved: list[Any]) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"order": [["dph_total", "desc"]]},
        {"dph_total": {"gte": 0.35}},
        {"host_id": {"neq": 1}},
        {"machine_id": {"in": [2, 3, 6]}},
        {"rentable": {}},
    ],
)
def test_asks_of_several_hosts_under_one_bundle_id_are_one_bundle(body: dict[str, Any]) -> None:
    market = Market([Stall(number) for number in range(1, 8)], Ids(1000))
    for number in range(5):
        query = understood(body)
        ours = search(market, query, END - 1000, stream(number))
        assert ours == plain_search(market, query, END - 1000, stream(number))
        assert len([row for row in ours if row["bundle_id"] == 7]) == 1


def test_a_search_for_one_gpu_works_out_few_machines() -> None:
    looked_at: list[int] = []

    class Watched(Stall):
        __slots__ = ()

        def parts(self, position: int, now: float) -> tuple[Row, Row, float]:
            looked_at.append(self.machine_id)
            return super().parts(position, now)

    market = Market([Watched(number) for number in range(1, 8)], Ids(1000))
    search(market, understood({"host_id": {"eq": 1}}), END - 1000, stream(1))
    assert set(looked_at) == {1, 4, 7}
    looked_at.clear()
    search(market, understood({}), END - 1000, stream(1))
    assert set(looked_at) == {2, 3, 5, 6}
    looked_at.clear()
    market.let_go(3, 1)
    search(market, understood({}), END - 1000, stream(1))
    assert set(looked_at) == {3}
