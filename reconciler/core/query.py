"""What a fleet needs, as a question to the market: every hard rule that a server can check.

All but the driver: the server compares a number that many rows lack (8 to 17 % of those eligible in the recording of
2024), so its filter would hide offers that fit.

Rows are judged again when they arrive; the query only keeps useless ones from counting against the quota.
"""

from __future__ import annotations

from decimal import Decimal

from reconciler.core.drift import min_vram_mb
from reconciler.core.eligibility import min_direct_ports
from reconciler.core.model import Fleet
from reconciler.core.offer import OfferQuery
from reconciler.core.places import countries_of


def query_of(fleet: Fleet) -> OfferQuery:
    """The query for offers that may fit the fleet."""
    host = fleet.host
    return OfferQuery(
        models=fleet.gpu.models,
        gpu_count=fleet.gpu.count,
        disk_gb=fleet.container.disk_gb,
        max_price_per_hour=fleet.price.max_per_hour,
        require=host.require,
        min_vram_mb=min_vram_mb(fleet),
        min_reliability=host.min_reliability,
        min_download_mbps=host.min_download_mbps,
        min_upload_mbps=host.min_upload_mbps,
        min_cpu_cores=host.min_cpu_cores,
        min_ram_gb=host.min_ram_gb,
        min_disk_mbps=host.min_disk_mbps,
        min_cuda=None if host.min_cuda is None else Decimal(host.min_cuda),
        max_download_per_tb=fleet.price.max_download_per_tb,
        max_upload_per_tb=fleet.price.max_upload_per_tb,
        min_direct_ports=min_direct_ports(fleet),
        min_days_left=host.min_days_left,
        countries=_countries(fleet),
        blocked_countries=tuple(t for t in fleet.regions.blocked if len(t) == 2 and t.isupper()),
        clauses=host.query,
        interruptible=fleet.rental.interruptible,
        max_bid=fleet.rental.max_bid if fleet.rental.interruptible else None,
    )


def _countries(fleet: Fleet) -> tuple[str, ...]:
    regions = fleet.regions
    if regions.elsewhere == "allow" or not regions.tiers:
        return ()
    tokens = (token for tier in regions.tiers for token in tier.places)
    return tuple(sorted({country for token in tokens for country in countries_of(token)}))


def wide_query_of(fleet: Fleet) -> OfferQuery:
    """The query without any rule but the cards: to see what the rules refuse."""
    bids = fleet.rental.interruptible
    return OfferQuery(fleet.gpu.models, fleet.gpu.count, fleet.container.disk_gb, fits_disk=False, interruptible=bids)
