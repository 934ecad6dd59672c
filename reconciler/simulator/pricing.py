"""The identities that hold in every row: totals from base price and storage, ratios, times."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.simulator.machines import Row

HOURS_A_MONTH = 720
"""Storage is priced per GB and month, a month being 720 hours (counted in all recorded rows)."""

DEFAULT_STORAGE = 8.0
"""GB that a search prices when it names no `allocated_storage`."""


PRICED = frozenset({
    "ask_contract_id", "discounted_dph_total", "dlperf_per_dphtotal", "dph_base", "dph_total", "dph_total_adj",
    "duration", "end_date", "flops_per_dphtotal", "id", "instance", "is_bid", "rentable", "search",
    "storage_total_cost",
})  # fmt: skip
"""Fields of a row that are filled in when it is made, or replaced then."""


def storage_per_hour(storage_cost: float, gigabytes: float) -> float:
    """$/h for so many GB at `storage_cost` $/GB/month."""
    return storage_cost * gigabytes / HOURS_A_MONTH


def priced(row: Row, now: float, gigabytes: float, *, bid: bool) -> Row:
    """Fill in, in place, what depends on time, disk size and rental kind; ratios only where the row has them.

    In a search for bids `dph_base` is the least bid, and the totals follow it.
    """
    if bid:
        row["dph_base"] = row["min_bid"]
    base = row["dph_base"]
    disk = storage_per_hour(row["storage_cost"], gigabytes)
    total = base + disk
    row["is_bid"] = bid
    row["storage_total_cost"] = disk
    row["dph_total"] = total
    row["discounted_dph_total"] = total
    row["dph_total_adj"] = total + (row["inet_down_cost"] + row["inet_up_cost"]) / 2
    row["dlperf_per_dphtotal"] = _ratio(row["dlperf"], total)
    row["flops_per_dphtotal"] = _ratio(row["total_flops"], total)
    row["search"] = costs(base, disk)
    row["instance"] = costs(0, disk)
    if row["end_date"] is not None:
        row["duration"] = row["end_date"] - now
    return row


def costs(gpu: float, disk: float) -> dict[str, float]:
    """The object `search` or `instance` of a row, $/h: GPU part, disk part and their sum."""
    return {
        "discountTotalHour": 0,
        "discountedTotalPerHour": gpu + disk,
        "diskHour": disk,
        "gpuCostPerHour": gpu,
        "totalHour": gpu + disk,
    }


def _ratio(value: float | None, total: float) -> float | None:
    return value / total if value is not None and total else None
