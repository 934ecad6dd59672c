from __future__ import annotations

from collections import Counter

import pytest

from reconciler.simulator.asks import tree
from reconciler.simulator.generate import FOLLOWING_ID, generated
from reconciler.simulator.generated import GeneratedMachine

from .doors import ANYTHING, Caller


def close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))


@pytest.mark.parametrize("storage", [5, 8, 50])
def test_the_identities_of_real_rows_hold_in_all_rows_of_a_search(shop: Caller, storage: float) -> None:
    rows = shop.everything(verified={}, allocated_storage=storage)
    assert len(rows) > 200
    now = shop.simulation.clock.now()
    for row in rows:
        assert row["id"] == row["ask_contract_id"]
        assert close(row["dph_total"], row["dph_base"] + row["storage_total_cost"])
        assert close(row["storage_total_cost"], row["storage_cost"] * storage / 720)
        assert row["search"]["totalHour"] == row["dph_total"] == row["discounted_dph_total"]
        assert row["instance"]["totalHour"] == row["storage_total_cost"]
        assert close(row["internet_down_cost_per_tb"], row["inet_down_cost"] * 1024)
        assert close(row["internet_up_cost_per_tb"], row["inet_up_cost"] * 1024)
        assert row["gpu_total_ram"] == row["gpu_ram"] * row["num_gpus"]
        assert len(row["gpu_ids"]) == row["num_gpus"]
        assert row["reliability"] == row["reliability2"]
        assert close(row["duration"], row["end_date"] - now)
        assert close(row["cpu_cores_effective"], (row["cpu_cores"] or 0) * row["gpu_frac"])
        assert (row["vericode"] == 1) == (row["verification"] == "verified")
        assert (row["vericode"] == 0) == (row["verification"] == "unverified")
        assert row["hosting_type"] in (0, 1, 2)
        assert row["rented"] is False
        assert row["is_bid"] is False
        assert "datacenter" not in row


def test_a_search_for_bids_shows_the_least_bid_as_the_price(shop: Caller) -> None:
    rows = shop.everything(verified={}, type="bid")
    assert all(row["is_bid"] and row["dph_base"] == row["min_bid"] for row in rows)
    assert all(close(row["dph_total"], row["min_bid"] + row["storage_total_cost"]) for row in rows)


def test_a_generated_row_has_the_hundred_fields_of_a_real_one(caller: Caller) -> None:
    assert {len(row) for row in caller.search(**ANYTHING)} == {100}


@pytest.mark.parametrize(
    ("gpus", "least", "sizes"),
    [
        (1, 1, {1: 1}),
        (8, 1, {8: 1, 1: 8, 2: 4, 4: 2}),
        (8, 2, {8: 1, 2: 4, 4: 2}),
        (6, 1, {6: 1, 1: 6, 2: 3, 4: 1}),
        (6, 6, {6: 1}),
    ],
)
def test_a_machine_offers_all_powers_of_two_of_its_least_group_and_the_whole(
    gpus: int, least: int, sizes: dict[int, int]
) -> None:
    assert Counter(mask.bit_count() for mask in tree(gpus, least)) == sizes


@pytest.fixture(scope="module")
def machines() -> list[GeneratedMachine]:
    return [machine for machine in generated(7) if isinstance(machine, GeneratedMachine)]


def test_the_market_has_the_size_and_the_free_share_that_were_counted(machines: list[GeneratedMachine]) -> None:
    assert len(machines) == 3500
    free = [machine for machine in machines if machine.occupancy.free()]
    assert 850 < len(free) < 1150
    shares = {}
    for verification in ("verified", "unverified", "deverified"):
        group = [machine for machine in machines if machine.verification == verification]
        held = sum(machine.occupancy.taken.bit_count() for machine in group)
        shares[verification] = 1 - held / sum(machine.count for machine in group)
    assert 0.08 < shares["verified"] < 0.20
    assert 0.40 < shares["unverified"] < 0.65
    assert 0.40 < shares["deverified"] < 0.65


def test_hosts_have_a_heavy_tail(machines: list[GeneratedMachine]) -> None:
    sizes = Counter(machine.host.host_id for machine in machines).values()
    assert 0.50 < sum(size == 1 for size in sizes) / len(sizes) < 0.62
    assert 20 < max(sizes) <= 46


def test_places_and_cards_have_the_shares_that_were_counted(machines: list[GeneratedMachine]) -> None:
    countries = Counter((machine.host.place or "").rpartition(", ")[2] for machine in machines)
    assert 0.27 < countries["US"] / len(machines) < 0.41
    names = Counter(machine.model.name for machine in machines)
    assert 0.09 < names["RTX 4090"] / len(machines) < 0.19
    assert 0.05 < names["RTX 3060"] / len(machines) < 0.12
    assert len(names) > 50


@pytest.mark.parametrize(
    ("name", "low", "high"), [("RTX 4090", 0.34, 0.42), ("RTX 3060", 0.07, 0.09), ("RTX 5090", 0.40, 0.48)]
)
def test_the_median_price_of_a_gpu_is_the_counted_one(
    machines: list[GeneratedMachine], name: str, low: float, high: float
) -> None:
    prices = sorted(machine.price() / 75 for machine in machines if machine.model.name == name)
    assert low < prices[len(prices) // 2] < high


def test_prices_lie_on_the_lattice_of_cents_over_the_share_of_the_platform(caller: Caller) -> None:
    rows = caller.everything(**ANYTHING)
    for row in rows:
        unit = row["dph_base"] / row["num_gpus"] * 100
        assert any(abs(unit * divisor - round(unit * divisor)) < 1e-6 for divisor in (0.75, 0.775))


def test_the_dirt_of_real_rows_is_there(caller: Caller) -> None:
    rows = caller.everything(**ANYTHING)
    assert any(row["geolocation"] == ", US" for row in rows)
    assert any(row["driver_vers"] is None for row in rows)
    assert any(row["cpu_name"] is None for row in rows)
    assert any(row["direct_port_count"] == 0 for row in rows)
    assert any(row["inet_down"] == 0 for row in rows)
    assert any(row["inet_up"] < -1e12 for row in rows)
    assert any(row["duration"] > 20 * 365 * 86400 for row in rows)
    assert any(row["dph_base"] / row["num_gpus"] > 10 * 5 for row in rows)
    above = sum(row["min_bid"] > 1.001 * row["dph_base"] for row in rows) / len(rows)
    assert 0.06 < above < 0.16


def test_slices_share_the_machine_by_their_number_of_gpus(caller: Caller) -> None:
    whole = next(row for row in caller.everything(**ANYTHING) if row["num_gpus"] == 8 and row["gpu_frac"] == 1)
    parts = caller.everything(**ANYTHING, machine_id={"eq": whole["machine_id"]})
    for part in parts:
        share = part["num_gpus"] / 8
        assert part["gpu_frac"] == share
        assert part["cpu_ram"] == pytest.approx(whole["cpu_ram"] * share, rel=0.01)
        assert part["disk_space"] == pytest.approx(whole["disk_space"] * share, rel=0.01)
        assert part["dph_base"] == pytest.approx(whole["dph_base"] * share)
        assert set(part["gpu_ids"]) <= set(whole["gpu_ids"])
        for same in ("host_id", "geolocation", "reliability", "end_date", "storage_cost", "inet_down", "cpu_cores"):
            assert part[same] == whole[same]


def test_ids_of_the_market_are_unique_and_below_those_that_follow(machines: list[GeneratedMachine]) -> None:
    ids = [one for machine in machines for one in machine.occupancy.ids]
    assert len(ids) == len(set(ids))
    assert max(ids) < FOLLOWING_ID
    assert len({machine.machine_id for machine in machines}) == len(machines)
    gpus = [machine.first_gpu + bit for machine in machines for bit in range(machine.count)]
    assert len(gpus) == len(set(gpus))


US = {"geolocation": {"eq": "US"}}
TERMS = {
    "num_gpus": {"eq": 1},
    "allocated_storage": 50,
    "disk_space": {"gte": 50},
    "duration": {"gte": 3 * 86400},
    "inet_down": {"gte": 100},
    "direct_port_count": {"gte": 2},
    "internet_up_cost_per_tb": {"lte": 20},
    "internet_down_cost_per_tb": {"lte": 20},
    "order": [["dph_total", "asc"]],
}


@pytest.mark.parametrize(
    ("need", "states", "machines", "hosts"),
    [
        ({"gpu_name": {"eq": "RTX 3060"}, "dph_total": {"lte": 0.35}, "reliability": {"gte": 0.90}, **US}, None, 5, 3),
        (
            {
                "gpu_name": {"eq": "RTX 4090"},
                "dph_total": {"lte": 0.70},
                "reliability": {"gte": 0.98},
                "inet_down": {"gte": 200},
                **US,
            },
            None,
            5,
            3,
        ),
        (
            {
                "gpu_name": {"eq": "RTX 3060"},
                "dph_total": {"lte": 0.50},
                "reliability": {"gte": 0.95},
                "inet_down": {"gte": 150},
                **US,
            },
            ("California", "Washington", "Oregon"),
            4,
            2,
        ),
        (
            {
                "gpu_name": {"in": ["RTX 4090", "RTX 3090"]},
                "dph_total": {"lte": 1.0},
                "reliability": {"gte": 0.95},
            },
            None,
            20,
            10,
        ),
    ],
)  # fmt: skip
def test_fleets_of_common_cards_can_be_filled_on_the_default_market(
    caller: Caller, need: dict[str, object], states: tuple[str, ...] | None, machines: int, hosts: int
) -> None:
    rows = [row for _ in range(8) for row in caller.search(**{**TERMS, **need})]
    if states:
        rows = [row for row in rows if row["geolocation"].split(",")[0] in states]
    assert len({row["machine_id"] for row in rows}) >= machines
    assert len({row["host_id"] for row in rows}) >= hosts
