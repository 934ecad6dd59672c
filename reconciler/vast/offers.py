"""A row of a search answer -> `Offer`. A row that lacks what a price needs is dropped; it never stops a search."""

from __future__ import annotations

from decimal import Decimal

from reconciler.core.model import Offer
from reconciler.vast.decode import MAX_ID, Record, as_record, flag, identifier, number, text, whole

_MAX_MBPS = 1e7
"""Beyond it a measurement is nonsense (1.8e12 was seen, with both signs)."""


def offers(rows: list[object]) -> tuple[Offer, ...]:
    """The usable rows, each ask once, in the server's order."""
    found: dict[int, Offer] = {}
    for each in map(offer, rows):
        if each is not None:
            found.setdefault(each.id, each)
    return tuple(found.values())


def offer(value: object) -> Offer | None:
    """One row, where it is an on-demand offer that can be rented now and has a price."""
    row = as_record(value)
    if row is None or flag(row, "rentable") is False or flag(row, "is_bid") or flag(row, "external"):
        return None
    ask, machine = identifier(row.get("id")), identifier(row.get("machine_id"))
    gpu, count = text(row, "gpu_name", 64), whole(row, "num_gpus", 1, 1024)
    base, storage = number(row, "dph_base", 1e-9, 1e5), number(row, "storage_cost", 0, 1e4)
    if ask is None or machine is None or gpu is None or count is None or base is None or storage is None:
        return None
    return Offer(
        id=ask,
        machine_id=machine,
        host_id=whole(row, "host_id", 1, MAX_ID),
        gpu_name=gpu,
        gpu_count=count,
        base_price_per_hour=base,
        storage_price_per_gb_month=storage,
        vram_mb=number(row, "gpu_ram", 1, 1e8),
        location=text(row, "geolocation", 80),
        reliability=_first(number(row, "reliability", 0, 1), number(row, "reliability2", 0, 1)),
        verified=_verified(row),
        datacenter=_datacenter(row),
        static_ip=flag(row, "static_ip"),
        download_mbps=number(row, "inet_down", 0, _MAX_MBPS),
        upload_mbps=number(row, "inet_up", 0, _MAX_MBPS),
        download_price_per_tb=_per_tb(row, "down"),
        upload_price_per_tb=_per_tb(row, "up"),
        # The slice's share already, as is cpu_ram (counted in recorded markets).
        cpu_cores=number(row, "cpu_cores_effective", 0, 1e5),
        ram_gb=_ram_gb(row),
        disk_gb=number(row, "disk_space", 0, 1e7),
        disk_mbps=number(row, "disk_bw", 0, 1e7),
        cuda=number(row, "cuda_max_good", 1, 1e3),
        driver=text(row, "driver_version", 32),
        direct_ports=whole(row, "direct_port_count", 0, 10**6),
        seconds_left=_seconds_left(row),
    )


def _first(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return other if one is None else one


def _verified(row: Record) -> bool | None:
    # `verified` is a virtual field for filters, null or absent on rows (seen); `verification` is the word.
    word = text(row, "verification", 32)
    return flag(row, "verified") if word is None else word == "verified"


def _datacenter(row: Record) -> bool | None:
    kind = whole(row, "hosting_type", 0, 100)
    return None if kind is None else kind == 1


def _per_tb(row: Record, way: str) -> Decimal | None:
    # Older rows have the price per GB only; a TB is 1024 GB here (both fields agree so in recorded markets).
    per_gb = number(row, f"inet_{way}_cost", 0, 1e3)
    return _first(number(row, f"internet_{way}_cost_per_tb", 0, 1e6), None if per_gb is None else per_gb * 1024)


def _ram_gb(row: Record) -> Decimal | None:
    # The wire counts MB; a GB is 1024 of them here. (The official client's filters take 1000.)
    megabytes = number(row, "cpu_ram", 0, 1e9)
    return None if megabytes is None else megabytes / 1024


def _seconds_left(row: Record) -> float | None:
    # 75 years was seen: long, but a promise like any other.
    left = number(row, "duration", 0, 1e11)
    return None if left is None else float(left)
