"""A row of a search answer -> `Offer`. A row that lacks what a price needs is dropped; it never stops a search."""

from __future__ import annotations

from decimal import Decimal

from reconciler.core.offer import Offer
from reconciler.vast.decode import MAX_ID, Record, as_record, flag, identifier, known_text, moment, number, text, whole
from reconciler.vast.traits import RowTraits

_ZERO, _ONE, _LEAST = Decimal(0), Decimal(1), Decimal("1e-9")
_THOUSAND, _TEN_THOUSAND, _HUNDRED_THOUSAND = Decimal("1e3"), Decimal("1e4"), Decimal("1e5")
_MILLION, _TEN_MILLION, _BILLION = Decimal("1e6"), Decimal("1e7"), Decimal("1e9")
_MAX_MBPS = _TEN_MILLION
"""Beyond it a measurement is nonsense (1.8e12 was seen, with both signs)."""
_MAX_SECONDS = Decimal("1e11")
_GB_OF_A_MB = Decimal(1) / 1024
_MAX_GPUS = 1024
_WHOLE, _NONE = {int}, frozenset[int]()


def offers(rows: list[object], *, for_bids: bool = False) -> tuple[Offer, ...]:
    """The usable rows, each ask once, in the server's order; those of a search for bids at their least bid."""
    found: dict[int, Offer] = {}
    for each in map(offer_for_bids if for_bids else offer, rows):
        if each is not None:
            found.setdefault(each.id, each)
    return tuple(found.values())


def offer(value: object) -> Offer | None:
    """One row, where it is an on-demand offer that can be rented now and has a price."""
    row = as_record(value)
    if row is None or row.get("is_bid") is True:
        return None
    return _offer(row, number(row, "dph_base", _LEAST, _HUNDRED_THOUSAND), None)


def offer_for_bids(value: object) -> Offer | None:
    """One row of a search for bids, where the host says the least bid. That is the base of its price (seen:
    `dph_base` equals `min_bid` there); whatever else `dph_base` says, it is not believed."""
    row = as_record(value)
    if row is None:
        return None
    least = number(row, "min_bid", _ZERO, _HUNDRED_THOUSAND)
    return None if least is None else _offer(row, least, least)


def _offer(row: Record, base: Decimal | None, least_bid: Decimal | None) -> Offer | None:
    if row.get("rentable") is False or row.get("external") is True:
        return None
    ask, machine = identifier(row.get("id")), identifier(row.get("machine_id"))
    gpu, count = known_text(row, "gpu_name", 64), whole(row, "num_gpus", 1, _MAX_GPUS)
    storage = number(row, "storage_cost", _ZERO, _TEN_THOUSAND)
    if ask is None or machine is None or gpu is None or count is None or base is None or storage is None:
        return None
    # In the order of the fields of `Offer`: there are many rows, and names cost a microsecond in each.
    return Offer(
        ask,
        machine,
        whole(row, "host_id", 1, MAX_ID),
        gpu,
        count,
        base,
        storage,
        number(row, "gpu_ram", _ONE, _BILLION),
        known_text(row, "geolocation", 80),
        _reliability(row),
        _verified(row),
        _datacenter(row),
        flag(row, "static_ip"),
        number(row, "inet_down", _ZERO, _MAX_MBPS),
        number(row, "inet_up", _ZERO, _MAX_MBPS),
        _per_tb(row, "internet_down_cost_per_tb", "inet_down_cost"),
        _per_tb(row, "internet_up_cost_per_tb", "inet_up_cost"),
        # The slice's share already, as is cpu_ram (counted in recorded markets).
        number(row, "cpu_cores_effective", _ZERO, _HUNDRED_THOUSAND),
        _ram_gb(row),
        number(row, "disk_space", _ZERO, _TEN_MILLION),
        number(row, "disk_bw", _ZERO, _TEN_MILLION),
        number(row, "cuda_max_good", _ONE, _THOUSAND),
        known_text(row, "driver_version", 32),
        whole(row, "direct_port_count", 0, 10**6),
        _seconds_left(row),
        _gpu_ids(row.get("gpu_ids")),
        text(row, "public_ipaddr", 64),
        moment(row, "start_date"),
        RowTraits(row),
        least_bid,
    )


def _reliability(row: Record) -> Decimal | None:
    found = number(row, "reliability", _ZERO, _ONE)
    return number(row, "reliability2", _ZERO, _ONE) if found is None else found


def _verified(row: Record) -> bool | None:
    # `verified` is a virtual field for filters, null or absent on rows (seen); `verification` is the word.
    word = known_text(row, "verification", 32)
    return flag(row, "verified") if word is None else word == "verified"


def _datacenter(row: Record) -> bool | None:
    kind = whole(row, "hosting_type", 0, 100)
    return None if kind is None else kind == 1


def _per_tb(row: Record, name: str, per_gb_name: str) -> Decimal | None:
    # Older rows have the price per GB only; a TB is 1024 GB here (both fields agree so in recorded markets).
    found = number(row, name, _ZERO, _MILLION)
    if found is not None:
        return found
    per_gb = number(row, per_gb_name, _ZERO, _THOUSAND)
    return None if per_gb is None else per_gb * 1024


def _ram_gb(row: Record) -> Decimal | None:
    # The wire counts MB; a GB is 1024 of them here. (The official client's filters take 1000.)
    megabytes = number(row, "cpu_ram", _ZERO, _BILLION)
    return None if megabytes is None else megabytes * _GB_OF_A_MB


def _seconds_left(row: Record) -> float | None:
    # 75 years was seen: long, but a promise like any other.
    left = number(row, "duration", _ZERO, _MAX_SECONDS)
    return None if left is None else float(left)


def _gpu_ids(value: object) -> frozenset[int]:
    """Whole numbers, or nothing: a list that is odd in one place tells nothing of the others."""
    if not isinstance(value, list) or len(value) > _MAX_GPUS or set(map(type, value)) != _WHOLE:
        return _NONE
    return frozenset(value) if min(value) >= 0 and max(value) <= MAX_ID else _NONE
