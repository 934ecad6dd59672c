"""The fields of a generated machine: drawn once per machine, and what a slice of it gets."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reconciler.simulator import tables
from reconciler.simulator.rng import quantile, stream, weighted, whole

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from reconciler.simulator.machines import Row

WORLD_START = 1795276920.0
"""2026-11-21 16:02:00 UTC, when every generated world begins."""

_LAST_MONTH_END = 1793404800.0
"""2026-10-31 00:00:00 UTC."""

DAY = 86400.0


def drawn_facts(
    seed: int, machine_id: int, model: tables.GpuModel, count: int, brief: Mapping[str, Any], geolocode: int
) -> Row:
    """All fields that are equal on the asks of a machine. Names with an underscore are for `slice_fields` alone."""
    rng = stream(seed, "machine", machine_id)
    datacenter = bool(brief["hosting_type"])
    facts = {
        **brief,
        **_identity(rng, brief, geolocode),
        **_gpu(rng, model),
        **_board(rng, model, count),
        **_network(rng, datacenter),
        **_storage(rng, datacenter),
        **_trust(rng, str(brief["verification"])),
        **_terms(rng, stream(seed, "host's price", brief["host_id"], model.name), model, datacenter),
        "_whole_ram": quantile(rng.random(), tables.RAM_PER_GPU[_large(model)]) * count,
        "_whole_disk": quantile(rng.random(), tables.DISK_PER_GPU) * count,
        "_whole_ports": 0 if rng.random() < 0.012 else quantile(rng.random(), tables.PORTS_PER_GPU) * count,
    }
    facts["_shown"] = {name: value for name, value in facts.items() if name[0] != "_"}
    return facts


def _identity(rng: random.Random, brief: Mapping[str, Any], geolocode: int) -> Row:
    # Machines of one host often share an address: one IP is not one machine.
    number = whole("address", brief["host_id"], int(rng.random() ** 2 * 4)) % 131_072
    return {
        "bundled_results": None,
        "cluster_id": None if rng.random() < 0.98 else rng.randint(1, 90),
        "external": None,
        "geolocode": geolocode,
        "hostname": None,
        "logo": "/static/logos/vastai_small2.png",
        "public_ipaddr": f"198.{18 + number // 65_536}.{number // 256 % 256}.{number % 256}",
        "resource_type": "gpu",
        "rented": False,
        "rn": 1,
        "static_ip": rng.random() < 0.52,
        "webpage": None,
    }


def _gpu(rng: random.Random, model: tables.GpuModel) -> Row:
    version, cuda, _ = weighted(rng, tables.DRIVERS, tables.DRIVER_WEIGHTS)
    if model.compute_cap >= 1000 and cuda < 12.8:  # Blackwell needs a new driver
        version, cuda = "580.95.05", 13.0
    parts = version.split(".")
    return {
        "bw_nvlink": 478.1160888671875 if "SXM" in model.name and rng.random() < 0.7 else 0.0,
        "compute_cap": model.compute_cap,
        "cuda_max_good": cuda if rng.random() > 0.01 else None,
        # Versions of two parts have no number: do not compare drivers by it alone.
        "driver_vers": int(parts[0]) * 1_000_000 + int(parts[1]) * 1000 + int(parts[2]) if len(parts) == 3 else None,
        "driver_version": version,
        "gpu_arch": "nvidia",
        "gpu_display_active": rng.random() < 0.03,
        "gpu_lanes": weighted(rng, (16, 8, 4, 1), (62, 88, 94, 101)),
        "gpu_max_power": float(model.watts),
        "gpu_max_temp": float(rng.choice((98, 98, 98, 103, 56, 53, 96))),
        "gpu_mem_bw": round(model.bandwidth * rng.uniform(0.96, 1.02), 1),
        "gpu_ram": model.vram,
        "_flops": model.tflops,
        "_dlperf": model.dlperf * rng.uniform(0.9, 1.01),
    }


def _large(model: tables.GpuModel) -> bool:
    return model.vram >= tables.LARGE


def _board(rng: random.Random, model: tables.GpuModel, count: int) -> Row:
    wanted = quantile(rng.random(), tables.CORES_PER_GPU[_large(model)]) * count
    nearest = min((cores for _, cores, _ in tables.CPUS), key=lambda cores: max(cores / wanted, wanted / cores))
    name, cores, ghz = rng.choice([cpu for cpu in tables.CPUS if cpu[1] == nearest])
    return {
        "cpu_arch": "amd64",
        "cpu_cores": cores if rng.random() > 0.004 else None,
        "cpu_ghz": ghz if rng.random() > 0.037 else None,
        "cpu_name": name if rng.random() > 0.012 else None,
        "has_avx": int(rng.random() > 0.05) if rng.random() > 0.003 else None,
        "mobo_name": rng.choice(tables.BOARDS) if rng.random() < 0.5 else "ROME2D32GM",
        "os_version": weighted(rng, tables.SYSTEMS, tables.SYSTEM_WEIGHTS),
        "pci_gen": float(weighted(rng, (3, 4, 5, 2), (45, 86, 96, 100))),
        "pcie_bw": round(rng.choice((0.7, 5.8, 11.7, 12.4, 12.8, 22.8, 25.0, 50.1)) * rng.uniform(0.97, 1.03), 1)
        if rng.random() > 0.005
        else None,
    }


def _network(rng: random.Random, datacenter: bool) -> Row:
    down = 0.0 if rng.random() < 0.03 else _speed(rng, datacenter)
    up = round(down * quantile(rng.random(), tables.INET_UP_OF_DOWN), 1)
    if rng.random() < 0.002:  # a fault of the measurement that recordings show
        up = -1.8e12
    down_cost = _traffic(rng)
    up_cost = down_cost if rng.random() < 0.6 else _traffic(rng)
    return {
        "inet_down": down,
        "inet_down_cost": down_cost,
        "inet_up": up,
        "inet_up_cost": up_cost,
        "internet_down_cost_per_tb": down_cost * 1024,
        "internet_up_cost_per_tb": up_cost * 1024,
    }


def _storage(rng: random.Random, datacenter: bool) -> Row:
    cents = 15 if rng.random() < 0.44 else round(quantile(rng.random(), tables.STORAGE_CENTS))
    return {
        "disk_bw": round(quantile(rng.random(), tables.DISK_BANDWIDTH), 1) if rng.random() > 0.003 else None,
        "disk_name": rng.choice(tables.DISKS) if rng.random() > 0.0015 else None,
        "nw_disk_avg_bw": None,
        "nw_disk_max_bw": None,
        "nw_disk_min_bw": None,
        "storage_cost": unit_price(cents, 0.775 if datacenter and rng.random() < 0.4 else 0.75),
    }


def _trust(rng: random.Random, verification: str) -> Row:
    reliability = round(quantile(rng.random(), tables.RELIABILITY[verification]), 7)
    code = {"verified": 1, "unverified": 0}.get(verification)
    return {
        "expected_reliability": 0.0,
        "is_vm_deverified": rng.random() < 0.25,
        "reliability": reliability,
        "reliability2": reliability,
        "reliability_mult": round(reliability**10, 7),
        "sla_broker_rate": None,
        "sla_r_claim": None,
        "sla_sigma_x": None,
        "target_reliability": None,
        "vericode": code if code is not None else rng.choice(tables.DEVERIFIED_CODES),
        "vms_enabled": rng.random() < 0.045,
    }


def _terms(rng: random.Random, shared: random.Random, model: tables.GpuModel, datacenter: bool) -> Row:
    """What the machine costs and until when; `shared` draws the same for all machines of the host with this GPU."""
    points = ((0.0, model.low * 0.6), (0.1, model.low), (0.5, model.middle), (0.9, model.high), (1.0, model.high * 1.5))
    pricing = shared if rng.random() < tables.ALIKE else rng
    divisor = 0.775 if datacenter and pricing.random() < 0.4 else 0.75
    cents = max(1, round(quantile(pricing.random(), points) * divisor * 100))
    if rng.random() < 0.01:  # a parking price: listed, not meant to be rented
        cents *= rng.randint(10, 50)
    floor = quantile(rng.random(), tables.MIN_BID)
    if rng.random() < 0.11:  # the least bid stands above the price
        floor = rng.choice((1.02, 1.05, 1.13, 1.3, 1.7, 4.0))
    return {
        "credit_discount_max": weighted(rng, (0.0, 0.4, 0.1, 0.2, 0.3, 1.0), (69, 81, 86, 95, 99, 100)),
        "discount_rate": None if rng.random() < 0.55 else 0.0,
        "discounted_hourly": 0 if rng.random() < 0.5 else 0.0,
        "end_date": _end_date(rng),
        "time_remaining": "",
        "time_remaining_isbid": "",
        "_cents": cents,
        "_divisor": divisor,
        "_floor": floor,
        "_listed": WORLD_START - round(quantile(rng.random(), ((0.0, 60.0), (0.5, 90000.0), (1.0, 5e6))), 3),
        "_dated": rng.random() > 0.01,
    }


def _end_date(rng: random.Random) -> float:
    u = rng.random()
    if u < 0.01:  # decades away
        return WORLD_START + rng.randint(3000, 27450) * DAY
    if u < 0.45:
        month = min(int(rng.expovariate(0.35)), len(tables.MONTH_ENDS) - 1)
        return _LAST_MONTH_END + tables.MONTH_ENDS[month] * DAY + rng.choice((0.0, 0.0, 46827.0, 61705.0, 86400.0))
    if u < 0.46:  # nearly over
        return WORLD_START + rng.uniform(0.15, 3.0) * DAY
    return float(round(WORLD_START + quantile(rng.random(), tables.DAYS_LEFT) * DAY))


def unit_price(cents: int, divisor: float) -> float:
    """What a buyer pays for a host's price in whole cents: Vast.ai adds its part by dividing (0.75 or 0.775)."""
    return cents / 100 / divisor


def _speed(rng: random.Random, datacenter: bool) -> float:
    """Mbit/s down; datacentres have more."""
    return round(quantile(rng.random(), tables.INET_DOWN) * (1.5 if datacenter else 1.0), 1)


def _traffic(rng: random.Random) -> float:
    """$/GB of traffic: the host's price per TB on a coarse lattice, and the buyer's share on top."""
    dollars = quantile(rng.random(), tables.TRAFFIC) * 0.75
    return round(dollars, 1 if dollars >= 0.05 else 3) / 0.75 / 1024


def slice_fields(facts: Row, gpus: list[int], count: int, price: float) -> Row:
    """The fields of an ask for `gpus` (ids) out of `count` at `price` $/h a GPU: resources by share."""
    number = len(gpus)
    share = number / count
    base = price * number
    # Two slices of one machine differ a little in speed: the same ask always has the same value.
    jitter = 1 - (gpus[0] * 2654435761 % 1000) / 50_000
    memory = facts["gpu_ram"] * number
    bundle = _bundle_id(
        facts["host_id"], facts["gpu_name"], facts["gpu_ram"], number, facts["geolocation"],
        facts["verification"], facts["hosting_type"], _band(price),
    )  # fmt: skip
    disk = round(facts["_whole_disk"] * share, 2)
    return {
        "avail_vol_ask_id": None,
        "avail_vol_dph": facts["storage_cost"] / 720,
        "avail_vol_size": float(int(disk * 0.9)),
        "bundle_id": bundle,
        "cpu_cores_effective": (facts["cpu_cores"] or 0) * share,
        "cpu_ram": int(facts["_whole_ram"] * share),
        "direct_port_count": int(facts["_whole_ports"] * share),
        "disk_space": disk,
        "dlperf": facts["_dlperf"] * number * jitter,
        "dph_base": base,
        "gpu_frac": share,
        "gpu_ids": gpus,
        "gpu_total_ram": memory,
        "min_bid": round(base * facts["_floor"], 7),
        "num_gpus": number,
        "start_date": facts["_listed"] if facts["_dated"] else None,
        "total_flops": facts["_flops"] * number,
        "vram_costperhour": base / (memory / 1024),
    }


@lru_cache(maxsize=64, typed=True)
def _bundle_id(*common: object) -> int:
    """The same for all asks that have this in common; they are asked for one after the other."""
    return whole(*common)


@lru_cache(maxsize=64)
def _band(price: float) -> int:
    """Prices within about a quarter fall into one band; one band of a host's like machines is one bundle."""
    band = 0
    while price > 0.01:
        price /= 1.3
        band += 1
    return band
