"""Generated markets match the measured one: the tables of what was counted, and two searches 24 seconds apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.tables import (
    LISTED,
    OTHERS,
    PRICES,
    STORAGE,
    city,
    every_row,
    figures,
    gpu_mix,
    listed_figures,
    mix_band,
    price_band,
    quantile,
    slots,
    table,
)
from reconciler.simulator.generate import DEFAULT_SEED
from reconciler.simulator.queries import understood
from reconciler.simulator.search import search
from reconciler.simulator.world import World

Row = dict[str, Any]

FULL = "offers-2024-11-05-full-market.json"
PAIR = ("offers-2026-02-28T220808Z-nine-models.json", "offers-2026-02-28T220832Z-nine-models.json")


@pytest.fixture(scope="module")
def world() -> World:
    return city(DEFAULT_SEED)


@pytest.fixture(scope="module")
def rows(world: World) -> list[Row]:
    return every_row(world)


@pytest.fixture(scope="module")
def counted(rows: list[Row]) -> dict[bool, dict[str, float]]:
    """The figures over the rentable offers alone, and over all."""
    shown = slots(rows)
    return {True: figures([row for row in shown if row["rentable"]]), False: figures(shown)}


def test_the_figures_of_the_generated_market_are_the_counted_ones(counted: dict[bool, dict[str, float]]) -> None:
    off = [
        f"{one.name}: counted {one.counted:g}, generated {found:g}, may be {one.low:g} to {one.high:g} ({one.why})"
        for one in listed_figures()
        if not one.low <= (found := counted[one.rentable][one.name]) <= one.high
    ]
    assert not off, "\n".join(off)


@pytest.mark.parametrize("group", [LISTED, OTHERS], ids=["the twelve names of 2026", "the others of 2024"])
def test_the_gpus_are_mixed_as_counted(rows: list[Row], group: dict[str, int]) -> None:
    mix = gpu_mix(rows)
    total, whole = sum(mix[name] for name in group), sum(group.values())
    found = {name: (count / whole, mix[name] / total) for name, count in group.items()}
    off = {
        name: shares
        for name, shares in found.items()
        if not mix_band(shares[0], total)[0] <= shares[1] <= mix_band(shares[0], total)[1]
    }
    assert not off, f"counted and generated: {off}, of {found}"


def test_prices_have_the_quantiles_that_were_counted(rows: list[Row]) -> None:
    off = []
    for name, points in PRICES.items():
        prices = [row["dph_base"] / row["num_gpus"] for row in slots(rows) if row["gpu_name"] == name]
        for share, (low, high) in zip((0.1, 0.5, 0.9), points, strict=True):
            found, (least, most) = quantile(prices, share), price_band(low, high)
            if not least <= found <= most:
                off.append(f"{name} p{share:g}: counted {low} to {high}, generated {found:.3f}")
    assert not off, "\n".join(off)


def test_each_class_has_its_rentable_share(rows: list[Row]) -> None:
    # Some 300 independent machines are unverified or deverified, 600 verified: three errors are 8 and 4 points.
    for verification, share, width in (
        ("verified", 0.13, 0.04),
        ("unverified", 0.51, 0.08),
        ("deverified", 0.53, 0.08),
    ):
        group = [row for row in slots(rows) if row["verification"] == verification]
        found = sum(row["rentable"] for row in group) / len(group)
        assert abs(found - share) < width, f"{verification}: counted {share}, generated {found:.3f}"


def test_six_in_ten_machines_show_the_whole(counted: dict[bool, dict[str, float]]) -> None:
    # 62 % in the full market; five points of sampling, and the whole-only machines of 2026 (62 % have one offer).
    assert 0.57 < counted[True]["machines that show the whole"] < 0.73


def test_other_seeds_have_the_same_figures() -> None:
    shown = slots(every_row(city(7, 1200)))
    found = {True: figures([row for row in shown if row["rentable"]]), False: figures(shown)}
    off = [
        one.name
        for one in listed_figures()
        if not one.low - (one.high - one.low) / 2 <= found[one.rentable][one.name] <= one.high * 1.5 + 0.01
    ]
    assert len(off) <= 4, off  # a market of a quarter of the size, in bands twice as wide


def test_the_identities_hold_in_every_row_of_the_generated_market(world: World, rows: list[Row]) -> None:
    assert len(rows) > 10_000
    for row in rows:
        assert_identities(row, STORAGE, world.now)


@pytest.mark.parametrize("body", [{}, {"verified": {}, "rentable": {}}, {"type": "bid", "verified": {}}])
def test_the_identities_hold_in_every_row_of_an_answer(world: World, body: dict[str, Any]) -> None:
    found = search(world.market(), understood({**body, "allocated_storage": 30}), world.now, world.draw())
    assert len(found) == 64
    for row in found:
        assert_identities(row, 30, world.now)


def assert_identities(row: Row, storage: float, now: float) -> None:
    assert row["dph_total"] == row["dph_base"] + row["storage_total_cost"]
    assert row["storage_total_cost"] == Near(row["storage_cost"] * storage / 720)
    assert row["search"]["totalHour"] == row["dph_total"] == row["discounted_dph_total"]
    assert row["instance"]["totalHour"] == row["storage_total_cost"]
    assert row["internet_down_cost_per_tb"] == row["inet_down_cost"] * 1024
    assert row["internet_up_cost_per_tb"] == row["inet_up_cost"] * 1024
    assert row["id"] == row["ask_contract_id"]
    assert row["gpu_total_ram"] == row["gpu_ram"] * row["num_gpus"]
    assert len(set(row["gpu_ids"])) == len(row["gpu_ids"]) == row["num_gpus"]
    assert row["reliability"] == row["reliability2"]
    assert row["duration"] == row["end_date"] - now
    assert row["cpu_cores_effective"] == Near((row["cpu_cores"] or 0) * row["gpu_frac"])
    standing = {1: "verified", 0: "unverified"}.get(row["vericode"], "deverified")
    assert row["verification"] == standing
    assert row["hosting_type"] in (0, 1, 2)
    assert "datacenter" not in row


class Near(float):
    """Equal to what differs in the last digits only."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int | float) and abs(self - other) <= 1e-12 * max(1.0, abs(other))

    __hash__ = float.__hash__


# --- two searches 24 seconds apart --------------------------------------------------------------------

WHOLE = ("A100 PCIE", "H100 SXM", "H200", "H200 NVL", "L40S")
CUT = ("RTX 4090", "RTX 3090", "RTX 5090")


class Kept:
    """What two answers have in common, as shares of the first, over several pairs."""

    def __init__(self) -> None:
        self.rows = self.bundles = self.ids = self.slots = self.machines = self.all_machines = 0
        self.scores: list[float] = []
        self.moved = self.moved_within = 0

    def add(self, first: list[Row], second: list[Row]) -> None:
        self.rows += len(first)
        self.bundles += len({row["bundle_id"] for row in first} & {row["bundle_id"] for row in second})
        later = {row["id"]: row for row in second}
        same = [row for row in first if row["id"] in later]
        self.ids += len(same)
        machines = {row["machine_id"] for row in first}
        self.machines += len(machines & {row["machine_id"] for row in second})
        self.all_machines += len(machines)
        self.scores += [later[row["id"]]["score"] / row["score"] for row in same if row["score"]]
        places = {(row["machine_id"], row["gpu_name"], row["num_gpus"]): row for row in second}
        for row in first:
            other = places.get((row["machine_id"], row["gpu_name"], row["num_gpus"]))
            if other is not None and other["id"] != row["id"]:
                self.moved += 1
                self.moved_within += other["bundle_id"] == row["bundle_id"]

    def told(self) -> dict[str, float]:
        return {
            "bundles": self.bundles / self.rows,
            "ids": self.ids / self.rows,
            "machines": self.machines / self.all_machines,
        }


# Shares of rows and machines seen again: of 106 rows in whole answers 97 % of the bundles, 63 % of the ids, 85 % of 75
# machines; of 128 rows of cut answers 80 %, 38 % and 69 % of 83. An error of so few rows, which come in bundles, is 6
# points; twice that, and as much again for the hosts of the generated market, which differ from seed to seed.
BANDS_WHOLE = {"bundles": (0.92, 1.0), "ids": (0.51, 0.80), "machines": (0.75, 0.97)}
BANDS_CUT = {"bundles": (0.65, 0.95), "ids": (0.26, 0.75), "machines": (0.57, 0.90)}


def assert_like_the_pair(kept: Kept, bands: dict[str, tuple[float, float]]) -> None:
    for name, found in kept.told().items():
        assert bands[name][0] <= found <= bands[name][1], (name, kept.told())
    # The same ask scores 0.92 to 1.09 times what it did: two draws of at most 9 % each bound the ratio.
    assert 0.91 / 1.09 <= min(kept.scores) < 0.97
    assert 1.03 < max(kept.scores) <= 1.09 / 0.91
    # Of 63 (machine, num_gpus) pairs with another ask id, all 63 kept the bundle.
    assert kept.moved_within == kept.moved > 0


@pytest.mark.parametrize(("names", "bands"), [(WHOLE, BANDS_WHOLE), (CUT, BANDS_CUT)], ids=["whole", "cut"])
def test_two_searches_differ_as_the_recorded_pair_does(
    names: tuple[str, ...], bands: dict[str, tuple[float, float]]
) -> None:
    kept, world = Kept(), city()
    for name in names:
        for _ in range(2):
            first = asked(world, name)
            world.advance(24)
            kept.add(first, asked(world, name))
    assert_like_the_pair(kept, bands)


def asked(world: World, name: str) -> list[Row]:
    """One answer, as the recording asked for it: any verification, no limit."""
    query = understood({"gpu_name": {"eq": name}, "verified": {}})
    return search(world.market(), query, world.now, world.draw())


# --- beside the recordings ----------------------------------------------------------------------------


def test_the_recorded_market_has_the_figures_that_are_stated_of_it(market_data: Path) -> None:
    found = figures(slots(json.loads((market_data / FULL).read_text())))
    for figure in listed_figures():
        stated = found[figure.name]
        assert abs(stated - figure.counted) <= max(0.02 * abs(figure.counted), 0.006) or near(stated, figure.counted), (
            figure.name,
            stated,
            figure.counted,
        )


def near(found: float, stated: float) -> bool:
    """Rounded in the table, or a quantile between two rows."""
    return abs(found - stated) <= 0.12 * abs(stated)


def test_the_tables_print_side_by_side(market_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = table(7, 1000, json.loads((market_data / FULL).read_text()))
    print("\n".join(lines))  # noqa: T201 - with -s somebody reads it
    assert {figure.name for figure in listed_figures()} <= {line[:34].strip() for line in lines}
    assert any("full market" in line for line in lines)


def test_the_recorded_pair_lies_in_the_same_bands(market_data: Path) -> None:
    first, second = (json.loads((market_data / name).read_text())["offers_by_model"] for name in PAIR)
    for bands, cut in ((BANDS_WHOLE, False), (BANDS_CUT, True)):
        kept = Kept()
        for name in first:
            if first[name] and (len(first[name]) == 64) is cut:
                kept.add(first[name], second[name])
        assert_like_the_pair(kept, bands)
