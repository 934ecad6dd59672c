"""The fields of Vast.ai's search language that `host.query` may ask about: kind, unit, and where a row says it.

Names, aliases and units are those of the official client's `search offers`. Its units differ from the wire's for
memory (a GB is 1,000 of the wire's MB) and for time (days, the wire has seconds).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from reconciler.core.query_language import Kind, Known, Language

_ONE = Decimal(1)
_THOUSAND = Decimal(1000)
_DAY = Decimal(86400)


@dataclass(frozen=True, slots=True)
class Field:
    """A field: what the language knows of it, and how the wire has it."""

    known: Known
    row: str
    """Its key in a row."""
    factor: Decimal = _ONE
    """What a value of the language is multiplied by for the wire."""


def _number(row: str, unit: str = "", high: str = "1e6", low: int = 0, factor: Decimal = _ONE) -> Field:
    return Field(Known("number", unit, Decimal(low), Decimal(high)), row, factor)


def _of(kind: Kind, row: str) -> Field:
    return Field(Known(kind), row)


FIELDS: dict[str, Field] = {
    "bw_nvlink": _number("bw_nvlink", "GB/s", "1e5"),
    "cluster_id": _number("cluster_id", high="1e12"),
    "compute_cap": _number("compute_cap", "100 x CUDA's: 890 is 8.9", "10000", low=100),
    "cpu_arch": _of("text", "cpu_arch"),
    "cpu_cores": _number("cpu_cores", high="1e5"),
    "cpu_cores_effective": _number("cpu_cores_effective", high="1e5"),
    "cpu_ghz": _number("cpu_ghz", "GHz", "100"),
    "cpu_name": _of("text", "cpu_name"),
    "cpu_ram": _number("cpu_ram", "GB", "1e5", factor=_THOUSAND),
    "cuda_max_good": _number("cuda_max_good", high="100", low=1),
    "datacenter": _of("flag", "hosting_type"),
    "direct_port_count": _number("direct_port_count"),
    "disk_bw": _number("disk_bw", "MB/s", "1e7"),
    "disk_name": _of("text", "disk_name"),
    "disk_space": _number("disk_space", "GB", "1e7"),
    "dlperf": _number("dlperf"),
    "dlperf_per_dphtotal": _number("dlperf_per_dphtotal"),
    "driver_version": _of("version", "driver_version"),
    "duration": _number("duration", "days", "1e6", factor=_DAY),
    "flops_per_dphtotal": _number("flops_per_dphtotal"),
    "geolocation": _of("country", "geolocation"),
    "gpu_arch": _of("text", "gpu_arch"),
    "gpu_display_active": _of("flag", "gpu_display_active"),
    "gpu_frac": _number("gpu_frac", "a share", "1"),
    "gpu_lanes": _number("gpu_lanes", high="1e3"),
    "gpu_max_power": _number("gpu_max_power", "W", "1e4"),
    "gpu_max_temp": _number("gpu_max_temp", "degrees C", "200", low=-50),
    "gpu_mem_bw": _number("gpu_mem_bw", "GB/s", "1e5"),
    "gpu_ram": _number("gpu_ram", "GB", "2000", factor=_THOUSAND),
    "gpu_total_ram": _number("gpu_total_ram", "GB", "20000", factor=_THOUSAND),
    "has_avx": _of("flag", "has_avx"),
    "host_id": _number("host_id", high="1e15"),
    "inet_down": _number("inet_down", "Mbps", "1e7"),
    "inet_down_cost": _number("inet_down_cost", "$/GB", "1e3"),
    "inet_up": _number("inet_up", "Mbps", "1e7"),
    "inet_up_cost": _number("inet_up_cost", "$/GB", "1e3"),
    "machine_id": _number("machine_id", high="1e15"),
    "min_bid": _number("min_bid", "$/h", "1e5"),
    "mobo_name": _of("text", "mobo_name"),
    "os_version": _of("version", "os_version"),
    "pci_gen": _number("pci_gen", high="100"),
    "pcie_bw": _number("pcie_bw", "GB/s", "1e4"),
    "reliability": _number("reliability", "a share", "1"),
    "static_ip": _of("flag", "static_ip"),
    "storage_cost": _number("storage_cost", "$/GB/month", "1e4"),
    "total_flops": _number("total_flops", "TFLOPs"),
    "vms_enabled": _of("flag", "vms_enabled"),
}

_ALIASES = {
    "cuda_vers": "cuda_max_good",
    "display_active": "gpu_display_active",
    "dlperf_usd": "dlperf_per_dphtotal",
    "flops_usd": "flops_per_dphtotal",
    "gpu_totalram": "gpu_total_ram",
    "reliability2": "reliability",
    "ubuntu_version": "os_version",
}

_PRICE = "use price.max_per_hour instead, which is all-in"
_VERIFIED = "use host.require instead; host.require: [] takes unverified machines too"
_FREE = "remove it: only offers that can be rented now are asked for"
_ID = "remove it: an offer's id changes from one search to the next"

_RESERVED = {
    "allocated_storage": "use container.disk_gb instead",
    "ask_contract_id": _ID,
    "bundle_id": _ID,
    "disable_bundling": "remove it: several answers are read",
    "dph": _PRICE,
    "dph_base": _PRICE,
    "dph_total": _PRICE,
    "dphtotal": _PRICE,
    "external": _FREE,
    "gpu_name": "use gpu.models instead",
    "id": _ID,
    "limit": "remove it: as many offers are read as are needed",
    "num_gpus": "use gpu.count instead",
    "order": "use scoring instead",
    "rentable": _FREE,
    "rented": _FREE,
    "target_reliability": "use host.min_reliability instead",
    "type": "remove it: instances are rented on demand",
    "verification": _VERIFIED,
    "verified": _VERIFIED,
}

LANGUAGE = Language({name: field.known for name, field in FIELDS.items()}, _ALIASES, _RESERVED)
"""What the loader checks `host.query` against."""
