"""A generated market beside the recorded one: the tables of what was counted, side by side.

    python benchmarks/tables.py [--seed 2044] [--machines 5000] [--recorded offers-2024-11-05-full-market.json]

Without a recording the figures that were published of it stand in its column. Each figure has a band in which the
generated market must lie, and the reason for its width; `tests/simulator/test_tables.py` checks them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.simulator.generate import DEFAULT_SEED
from reconciler.simulator.origin import Generated
from reconciler.simulator.simulation import begun
from reconciler.simulator.world import World

Row = dict[str, Any]

MACHINES = 5000
STORAGE = 5.0
"""GB that the recorded full market was priced with."""


class Figure(NamedTuple):
    """One cell of a table: what was counted, and where a generated market may lie."""

    name: str
    counted: float
    """In the recorded full market of 2024-11-05, over its rentable offers."""
    low: float
    high: float
    why: str
    rentable: bool = False
    """Whether the band is for the rentable offers alone, as the full market was counted, or for all offers."""


def city(seed: int = DEFAULT_SEED, count: int = MACHINES) -> World:
    """A new world on a market of so many machines."""
    world = begun(None, seed)
    world.origin = Generated(seed, count)
    return world


def every_row(world: World, storage: float = STORAGE) -> list[Row]:
    """Every ask of a world, rentable or not."""
    market = world.market()
    return [market.row(ask, world.now, storage) for ask in market.asks()]


def slots(rows: Iterable[Row]) -> list[Row]:
    """One row for each machine, GPU and size, as an answer shows them; a rentable one where there is one."""
    ordered = sorted(rows, key=lambda row: row["rentable"] is not False)
    return list({(row["machine_id"], row["gpu_name"], row["num_gpus"]): row for row in ordered}.values())


def quantile(values: Iterable[float], share: float) -> float:
    """The value at this share of the sorted values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def country(row: Row) -> str:
    """The country's code."""
    return str(row["geolocation"] or "").rpartition(",")[2].strip()


# GPU names with what was counted: of the newer recordings the offers listed of twelve names (2026-06 to 08), of the
# full market the machines of the other common names. The generated market has both, each in its own proportions.
LISTED = {
    "RTX 5090": 507, "RTX 4090": 447, "RTX 3090": 304, "A100 SXM4": 143, "H100 SXM": 88, "A100 PCIE": 87,
    "RTX A6000": 60, "L40S": 60, "RTX 6000Ada": 49, "B200": 48, "H200": 46, "L40": 14,
}  # fmt: skip
OTHERS = {
    "RTX 3060": 85, "RTX A4000": 57, "RTX A5000": 43, "RTX 3070": 42, "RTX 3080": 33, "RTX A2000": 28,
    "RTX 3060 Ti": 21, "RTX 4070": 17, "A40": 17, "RTX 3080 Ti": 17, "RTX 4070S Ti": 16, "RTX 4060 Ti": 14,
    "RTX 4080S": 12, "Tesla V100": 9, "H100 NVL": 8, "H100 PCIE": 6,
}  # fmt: skip

# p10, p50, p90 in dollars for one GPU and hour: all listed offers of 2026 (the range over two snapshots) for the names
# of LISTED, the full market of 2024-11 for the others.
PRICES = {
    "RTX 5090": ((0.29, 0.32), (0.42, 0.47), (0.64, 0.67)),
    "RTX 4090": ((0.25, 0.28), (0.36, 0.39), (0.56, 0.67)),
    "RTX 3090": ((0.09, 0.12), (0.14, 0.15), (0.22, 0.25)),
    "A100 SXM4": ((0.60, 0.60), (0.80, 0.93), (1.21, 1.37)),
    "RTX 3060": ((0.051, 0.051), (0.080, 0.080), (0.147, 0.147)),
    "RTX A4000": ((0.067, 0.067), (0.093, 0.093), (0.160, 0.160)),
    "RTX 3070": ((0.051, 0.051), (0.081, 0.081), (0.120, 0.120)),
    "RTX A5000": ((0.215, 0.215), (0.231, 0.231), (0.307, 0.307)),
}
HALF_A_CENT = 0.005 / 0.75


def gpu_mix(rows: Iterable[Row]) -> Counter[str]:
    """Machines by GPU."""
    return Counter(name for _, name in {(row["machine_id"], row["gpu_name"]) for row in rows})


def figures(rows: list[Row]) -> dict[str, float]:
    """The tables over the slots of a market, by name."""
    machines: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        machines[row["machine_id"]].append(row)
    firsts = [group[0] for group in machines.values()]
    found: dict[str, float] = {}

    def shares(name: str, values: list[Any], *wanted: Any) -> None:
        counts = Counter(values)
        found.update({f"{name} {one}": counts[one] / len(values) for one in wanted})

    shares("offers of a machine:", [len(group) for group in machines.values()], 1, 2, 3, 4)
    shares("offers of size", [row["num_gpus"] for row in rows], 1, 2, 4, 8)
    whole = [max(round(row["num_gpus"] / row["gpu_frac"]) for row in group) for group in machines.values()]
    shares("GPUs of a machine:", whole, 1, 2, 4, 8)
    found["machines that show the whole"] = sum(any(r["gpu_frac"] == 1 for r in g) for g in machines.values()) / len(
        machines
    )
    hosts = sorted(Counter(row["host_id"] for row in firsts).values())
    found["hosts with one machine"] = hosts.count(1) / len(hosts)
    found["machines of a host, p75"] = quantile(hosts, 0.75)
    found["machines of a host, p90"] = quantile(hosts, 0.90)
    found["machines of a host, p95"] = quantile(hosts, 0.95)
    found["machines of a host, most"] = hosts[-1]
    addresses = list(Counter(row["public_ipaddr"] for row in firsts).values())
    found["machines of an address, p50"] = quantile(addresses, 0.5)
    found["machines of an address, p75"] = quantile(addresses, 0.75)
    found["machines of an address, p90"] = quantile(addresses, 0.9)
    shares("verification", [row["verification"] for row in rows], "verified", "unverified", "deverified")
    shares("hosting_type", [row["hosting_type"] for row in rows], 1)
    shares("static_ip", [row["static_ip"] for row in rows], True)
    shares("gpu_lanes", [row["gpu_lanes"] for row in rows], 16, 8)
    shares("country", [country(row) for row in rows], "US", "CA", "NO", "SE", "JP", "CN")
    found["countries"] = len({country(row) for row in rows} - {""})
    places = [row["geolocation"] for row in rows if country(row) == "US"]
    found["US without a region"] = sum(place == ", US" for place in places) / len(places)
    for name in NULLS:
        found[f"null {name}"] = sum(row[name] is None for row in rows) / len(rows)
    for name, points in QUANTILES.items():
        values = [_value(name, row) for row in rows]
        for share in points:
            found[f"{name} p{share}"] = quantile([value for value in values if value is not None], share / 100)
    found["min_bid above the price"] = sum(r["min_bid"] > r["dph_base"] * 1.0001 for r in rows) / len(rows)
    found["storage of exactly 0.2"] = sum(abs(row["storage_cost"] - 0.2) < 1e-9 for row in rows) / len(rows)
    found["no direct port"] = sum(row["direct_port_count"] == 0 for row in rows) / len(rows)
    found["inet_down of zero"] = sum(row["inet_down"] == 0 for row in firsts) / len(firsts)
    ends = Counter(time.strftime("%Y-%m-%d", time.gmtime(row["end_date"])) for row in firsts)
    (_, first), (_, second) = ends.most_common(2)
    found["end dates on the commonest day"] = first / len(firsts)
    found["end dates on the next one"] = second / len(firsts)
    return found


def _value(name: str, row: Row) -> float | None:
    """A field, or what is made of fields, by name."""
    match name:
        case "days":
            return float(row["duration"]) / 86400
        case "min_bid / dph_base":
            return float(row["min_bid"] / row["dph_base"])
        case "verified reliability":
            return float(row["reliability"]) if row["verification"] == "verified" else None
        case "RTX 4090 RAM a GPU":
            return float(row["cpu_ram"] / row["num_gpus"]) if row["gpu_name"] == "RTX 4090" else None
        case "RTX 4090 cores a GPU":
            return float(row["cpu_cores_effective"] / row["num_gpus"]) if row["gpu_name"] == "RTX 4090" else None
        case "reliability" | "inet_down" | "internet_down_cost_per_tb" | "disk_space" | "disk_bw" | "storage_cost":
            return None if row[name] is None else float(row[name])
        case _:
            return float(row[name])


NULLS = {
    "driver_vers": 130, "mobo_name": 59, "cpu_ghz": 52, "cpu_name": 17, "start_date": 14, "os_version": 13,
    "pcie_bw": 7, "disk_name": 2,
}  # fmt: skip
"""Nulls among the 1396 recorded offers."""

# Percentiles: of the full market of 2024, and of all offers of 2026 where they are known.
QUANTILES: dict[str, dict[int, tuple[float, ...]]] = {
    "reliability": {5: (0.955, 0.952), 25: (0.983, 0.987), 50: (0.9943, 0.995), 75: (0.9977, 0.998)},
    "verified reliability": {5: (0.972,), 25: (0.991,), 50: (0.9966,), 75: (0.9985,), 95: (0.9994,)},
    "inet_down": {25: (280, 765), 50: (744, 1208), 75: (868, 4695), 95: (6920, 9647)},
    "internet_down_cost_per_tb": {50: (2, 2.6), 75: (4, 9.3), 95: (13, 40)},
    "disk_space": {5: (69, 148), 25: (343, 587), 50: (732, 1406), 75: (1544, 2939), 95: (5362, 9294)},
    "disk_bw": {5: (212, 601), 25: (924, 2243), 50: (2341, 3523), 75: (3907, 6074), 95: (6664, 18960)},
    "storage_cost": {5: (0.067,), 25: (0.149,), 50: (0.20,), 75: (0.213,), 95: (0.667,)},
    "days": {5: (7.4, 10), 25: (25, 30), 50: (56, 87), 75: (115, 166), 95: (907, 365)},
    "cpu_ram": {5: (7846,), 25: (32010,), 50: (64390,), 75: (171900,), 95: (515800,)},
    "cpu_cores_effective": {5: (2,), 25: (10,), 50: (18,), 75: (40,), 95: (128,)},
    "RTX 4090 RAM a GPU": {5: (26e3,), 50: (56e3,), 95: (126e3,)},
    "RTX 4090 cores a GPU": {5: (6,), 50: (16,), 95: (37,)},
    "direct_port_count": {5: (18,), 25: (98,), 50: (166,), 75: (498,), 95: (2499,)},
    "min_bid / dph_base": {5: (0.31, 0.33), 25: (0.60, 0.74), 50: (0.83, 0.91), 75: (1.0, 1.0), 95: (1.13, 1.7)},
}

ERROR = 0.05
"""Machines of a host are alike: 5,000 weigh as some 900 drawn one by one, and three errors of a share are 5 points."""

QUANTILE_ERROR = 1.35
"""Fields that are log-normal with a spread of 1: three errors of a quantile of some 300 independent machines."""

RICHER = 2.0
"""The cards of 2026 are larger and so are their machines: twice the memory and cores of 2024 at most."""


def listed_figures() -> list[Figure]:
    """Bands of what was counted over all offers, also the taken ones (2026)."""

    def share(name: str, counted: float, newer: tuple[float, float] | None = None, error: float = ERROR) -> Figure:
        low, high = newer or (counted, counted)
        return Figure(name, counted, max(0.0, low - error), high + error, f"{low:g} to {high:g}, by {error:g}")

    near = "counted over rentable machines; five hundredths of some 1,700 hosts are three errors"
    return [
        share("offers of a machine: 1", 0.683, (0.62, 0.62)),
        share("offers of a machine: 2", 0.212, (0.19, 0.19)),
        share("offers of a machine: 3", 0.065, (0.12, 0.12)),
        share("offers of a machine: 4", 0.034, (0.06, 0.06), 0.03),
        share("offers of size 1", 0.39, (0.28, 0.30)),
        share("offers of size 2", 0.26, (0.25, 0.25)),
        share("offers of size 4", 0.16, (0.16, 0.24)),
        share("offers of size 8", 0.10, (0.10, 0.17)),
        share("GPUs of a machine: 1", 0.187, error=0.07),
        share("GPUs of a machine: 2", 0.178),
        share("GPUs of a machine: 4", 0.141),
        share("GPUs of a machine: 8", 0.210, error=0.07),
        Figure("hosts with one machine", 0.56, 0.51, 0.61, near),
        Figure("machines of a host, p75", 3, 2, 4, "a whole number beside the counted one"),
        Figure("machines of a host, p90", 5, 4, 6, "a whole number beside the counted one"),
        Figure("machines of a host, p95", 8, 6, 10, "a whole number or two beside the counted one"),
        Figure("machines of a host, most", 46, 35, 46, "the largest of 1,700 draws from a tail that ends at 46"),
        Figure("machines of an address, p50", 1, 1, 1, "most hosts have an address of their own"),
        Figure("machines of an address, p75", 2, 1, 3, "a whole number beside the counted one"),
        Figure("machines of an address, p90", 4, 2, 5, "a whole number or two beside the counted one"),
        share("verification verified", 0.45, (0.60, 0.63)),
        share("verification unverified", 0.42, (0.16, 0.20)),
        share("verification deverified", 0.13, (0.20, 0.21)),
        share("hosting_type 1", 0.15, (0.15, 0.20)),
        share("static_ip True", 0.57, (0.49, 0.54)),
        share("gpu_lanes 16", 0.62),
        share("gpu_lanes 8", 0.26),
        share("country US", 0.24, (0.24, 0.34)),
        share("country CA", 0.13, (0.07, 0.13), 0.03),
        share("country NO", 0.06, (0.02, 0.06), 0.02),
        share("country SE", 0.06, (0.02, 0.06), 0.02),
        share("country JP", 0.05, error=0.03),
        share("country CN", 0.04, (0.04, 0.05), 0.03),
        Figure("countries", 53, 48, 53, "rare countries have a host or none"),
        share("US without a region", 0.12, (0.12, 0.25)),
        *(
            Figure(
                f"null {name}", count / 1396, count / 1396 * 0.4, count / 1396 * 1.7 + 0.004, "some tens of machines"
            )
            for name, count in NULLS.items()
        ),
        *(
            Figure(
                f"{name} p{point}",
                values[0],
                min(values) / _factor(name),
                max(values) * _factor(name),
                f"{' and '.join(f'{value:g}' for value in values)}, times or by {_factor(name):g}",
                rentable=True,
            )
            for name, points in QUANTILES.items()
            for point, values in points.items()
        ),
        share("min_bid above the price", 0.11, error=0.02),
        share("storage of exactly 0.2", 0.44),
        Figure("no direct port", 0.0115, 0.006, 0.02, "some 60 machines: three errors are a third"),
        Figure("inet_down of zero", 0.04, 0.025, 0.05, "some 170 machines: three errors are a quarter"),
        Figure(
            "end dates on the commonest day", 0.16, 0.09, 0.20, "month ends: terms are prolonged, so less on one day"
        ),
        Figure("end dates on the next one", 0.113, 0.06, 0.16, "month ends: terms are prolonged, so less on one day"),
    ]


def _factor(name: str) -> float:
    if name.endswith("reliability"):
        return 1.02
    return {"cpu_ram": RICHER, "cpu_cores_effective": RICHER, "direct_port_count": 1.7}.get(name, QUANTILE_ERROR)


def price_band(low: float, high: float) -> tuple[float, float]:
    """Where a price quantile may lie: a quarter is three errors of a quantile of 60 hosts, on whole cents."""
    return low * 0.75 - HALF_A_CENT, high * 1.25 + HALF_A_CENT


def mix_band(share: float, machines: int) -> tuple[float, float]:
    """Where the share of a GPU may lie: four errors, a machine weighing as a sixth of one since hosts buy alike."""
    error = 4 * (6 * share * (1 - share) / machines) ** 0.5
    return share - error, share + error


def table(seed: int, machines: int, recorded: list[Row] | None) -> list[str]:
    """All figures as lines: counted then, generated over all offers and over the rentable ones, and the band."""
    rows = slots(every_row(city(seed, machines)))
    listed, rentable = figures(rows), figures([row for row in rows if row["rentable"]])
    then = figures(slots(recorded)) if recorded else {}
    lines = [f"{'':34}{'recorded':>11}{'generated':>11}{'rentable':>11}   band"]
    for one in listed_figures():
        told = "".join(f"{value:11.4g}" for value in (then.get(one.name, one.counted), listed[one.name]))
        lines.append(f"{one.name:34}{told}{rentable[one.name]:11.4g}   {one.low:.4g} to {one.high:.4g}: {one.why}")
    mix, mix_then = gpu_mix(rows), gpu_mix(recorded or [])
    for group in (LISTED, OTHERS):
        total, total_then = sum(mix[name] for name in group), sum(mix_then[name] for name in group)
        for name, count in group.items():
            told = f"{count / sum(group.values()):11.4f}{mix[name] / total:11.4f}"
            old = f"; full market {mix_then[name] / total_then:.4f}" if total_then else ""
            lines.append(f"{'share of ' + name:34}{told}   among the {len(group)} names{old}")
    for name, points in PRICES.items():
        prices = [row["dph_base"] / row["num_gpus"] for row in rows if row["gpu_name"] == name]
        then_prices = [row["dph_base"] / row["num_gpus"] for row in recorded or [] if row["gpu_name"] == name]
        told = " ".join(f"{quantile(prices, share):.3f}" for share in (0.1, 0.5, 0.9))
        counted = " ".join(f"{low:g}-{high:g}" for low, high in points)
        old = " ".join(f"{quantile(then_prices, share):.3f}" for share in (0.1, 0.5, 0.9)) if then_prices else ""
        lines.append(f"{'price of ' + name:34} generated {told}   counted {counted}   full market {old}")
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--machines", type=int, default=MACHINES)
    parser.add_argument("--recorded", type=Path)
    given = parser.parse_args()
    recorded = json.loads(given.recorded.read_text()) if given.recorded else None
    print("\n".join(table(given.seed, given.machines, recorded)))


if __name__ == "__main__":
    main()
