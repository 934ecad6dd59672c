"""`OfferQuery` -> the body of a search."""

from __future__ import annotations

from decimal import Decimal

from reconciler.core.offer import OfferQuery
from reconciler.vast.conditions import Condition, asked, condition_of, plain

MAX_ROWS = 64
"""The server answers no more, whatever is asked for (seen in the wild); every row counts against a daily quota."""

_HAIR = Decimal("0.000000001")
_SECONDS_PER_DAY = 86400


def search_body(query: OfferQuery) -> dict[str, object]:
    """Filters and options side by side, as documented. A field with several operators means all of them."""
    filters = {**_always(query), **_host(query), **_floors(query), **_traffic(query)}
    conditions = [(name, condition) for name, condition in filters.items() if condition]
    return {
        **asked([*conditions, *map(condition_of, query.clauses), *_known(query)]),
        # Without it `dph_total` is priced for a few GB only (documented).
        "allocated_storage": query.disk_gb,
        "order": [["dph_total", "asc"]],
        "type": "bid" if query.interruptible else "on-demand",
        "limit": MAX_ROWS,
    }


def _always(query: OfferQuery) -> dict[str, Condition]:
    # Said in full, since the server's defaults for absent filters are documented in two ways. `verified` has no
    # documented word for "either": the official client leaves the filter out for `verified=any`, and the server
    # is documented to read an absent one as true. So both values are listed.
    return {
        "rentable": {"eq": True},
        "external": {"eq": False},
        "verified": {"eq": True} if "verified" in query.require else {"in": [True, False]},
        "gpu_name": {"in": list(query.models)} if query.models else {},
        "num_gpus": {"eq": query.gpu_count},
        "disk_space": {"gte": query.disk_gb} if query.fits_disk else {},
        "dph_total": _price(query),
        "min_bid": {} if query.max_bid is None else {"lte": float(query.max_bid + _HAIR)},
        "geolocation": _places(query),
    }


def _known(query: OfferQuery) -> list[tuple[str, Condition]]:
    # `id` is accepted as a filter and matches nothing (seen); `ask_contract_id` is the same number and works.
    lists = [
        ("machine_id", "notin", query.not_machines),
        ("machine_id", "in", query.only_machines),
        ("ask_contract_id", "notin", query.not_offers),
    ]
    return [(field, {operator: list(ids)}) for field, operator, ids in lists if ids]


def _host(query: OfferQuery) -> dict[str, Condition]:
    return {name: {"eq": True} for name in ("datacenter", "static_ip") if name in query.require}


def _floors(query: OfferQuery) -> dict[str, Condition]:
    days = query.min_days_left
    floors = {
        "gpu_ram": query.min_vram_mb,
        "reliability": query.min_reliability,
        "inet_down": query.min_download_mbps,
        "inet_up": query.min_upload_mbps,
        "cpu_cores_effective": query.min_cpu_cores,
        "cpu_ram": None if query.min_ram_gb is None else query.min_ram_gb * 1024,
        "disk_bw": query.min_disk_mbps,
        "cuda_max_good": query.min_cuda,
        "direct_port_count": query.min_direct_ports,
        "duration": None if days is None else days * _SECONDS_PER_DAY,
    }
    return {name: {"gte": plain(floor)} for name, floor in floors.items() if floor is not None}


def _traffic(query: OfferQuery) -> dict[str, Condition]:
    # $/GB on the wire, a TB being 1,024 GB. A hair is let in, and judged again in Decimal.
    caps = {"inet_down_cost": query.max_download_per_tb, "inet_up_cost": query.max_upload_per_tb}
    return {name: {"lte": float(cap / 1024 + _HAIR)} for name, cap in caps.items() if cap is not None}


def _price(query: OfferQuery) -> Condition:
    # The server adds floats, so an offer at exactly the cap may stand a hair above it there. It is let in, and
    # judged again in Decimal when it arrives.
    condition: Condition = {}
    if query.max_price_per_hour is not None:
        condition["lte"] = float(query.max_price_per_hour + _HAIR)
    if query.min_price_per_hour is not None:
        condition["gte"] = float(max(query.min_price_per_hour - _HAIR, Decimal(0)))
    return condition


def _places(query: OfferQuery) -> Condition:
    condition: Condition = {}
    if query.countries:
        condition["in"] = list(query.countries)
    if query.blocked_countries:
        condition["notin"] = list(query.blocked_countries)
    return condition
