"""May this offer be rented for this fleet? One named refusal for each hard rule that says no.

Before renting, unknown is never eligible: an offer that does not say what a rule asks for is refused by that rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from reconciler.core.drift import banned, min_vram_mb
from reconciler.core.gpus import normalise
from reconciler.core.model import Blacklist, Fleet, Offer
from reconciler.core.places import matches, parse_location

DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an offer is refused. `miss` is how far it is off, as a share of the rule's number; None: not a number."""

    rule: str
    detail: str
    miss: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """One offer judged for one fleet: its all-in price, its tier, and every refusal (none: eligible)."""

    offer: Offer
    price: Decimal
    tier: int
    """Position of the first tier that matches; the number of tiers for elsewhere."""
    refusals: tuple[Refusal, ...]

    @property
    def eligible(self) -> bool:
        """Whether no rule refuses it."""
        return not self.refusals


def judge_offer(fleet: Fleet, offer: Offer, shared: Blacklist, now: float, cap: Decimal | None = None) -> Judgement:
    """Every hard rule of the fleet and of the policy's blacklist, applied to one offer at `now`.

    `cap` is a ceiling below the fleet's own, where an approved plan sets one.
    """
    price = offer.price_per_hour(fleet.container.disk_gb)
    ceiling = fleet.price.max_per_hour if cap is None else min(cap, fleet.price.max_per_hour)
    tier, region = _tier(fleet, offer)
    refusals = (
        *_gpu(fleet, offer),
        *_bans(fleet, offer, shared, now),
        *region,
        *_most("price.max_per_hour", price, ceiling, "$/h"),
        *_host(fleet, offer),
        *_traffic(fleet, offer),
    )
    return Judgement(offer, price, tier, refusals)


def _gpu(fleet: Fleet, offer: Offer) -> Iterator[Refusal]:
    if normalise(offer.gpu_name) not in fleet.gpu.models:
        yield Refusal("gpu.models", offer.gpu_name)
    if offer.gpu_count != fleet.gpu.count:
        yield Refusal("gpu.count", f"{offer.gpu_count} GPUs")
    least = min_vram_mb(fleet)
    if least is not None:
        yield from _least("gpu.min_vram_gb", offer.vram_mb, least, "MB")


def _bans(fleet: Fleet, offer: Offer, shared: Blacklist, now: float) -> Iterator[Refusal]:
    for lists in (fleet.blacklist, shared):
        for rule, entry in (
            ("blacklist.hosts", banned(lists.hosts, offer.host_id, now)),
            ("blacklist.machines", banned(lists.machines, offer.machine_id, now)),
        ):
            if entry is not None:
                yield Refusal(rule, entry.reason or f"{entry.id}")
    if offer.host_id is None and (fleet.blacklist.hosts or shared.hosts):
        yield Refusal("blacklist.hosts", "host unknown")


def _tier(fleet: Fleet, offer: Offer) -> tuple[int, tuple[Refusal, ...]]:
    """The tier that matches, and the refusal of the place if there is one. An unknown place passes no list."""
    regions, place, shown = fleet.regions, parse_location(offer.location), offer.location or "place unknown"
    if any(matches(token, place) is not False for token in regions.blocked):
        return len(regions.tiers), (Refusal("regions.blocked", shown),)
    for position, tier in enumerate(regions.tiers):
        if any(matches(token, place) for token in tier.places):
            return position, ()
    outside = regions.tiers and regions.elsewhere == "refuse"
    return len(regions.tiers), (Refusal("regions.tiers", shown),) if outside else ()


def _host(fleet: Fleet, offer: Offer) -> Iterator[Refusal]:
    host = fleet.host
    has = {"verified": offer.verified, "datacenter": offer.datacenter, "static_ip": offer.static_ip}
    for requirement in host.require:
        if has[requirement] is not True:
            yield Refusal(
                f"host.require {requirement}", "not " + requirement if has[requirement] is False else "unknown"
            )
    yield from _least("host.min_reliability", offer.reliability, host.min_reliability, "")
    yield from _least("host.min_download_mbps", offer.download_mbps, host.min_download_mbps, "Mbps")
    yield from _least("host.min_upload_mbps", offer.upload_mbps, host.min_upload_mbps, "Mbps")
    yield from _least("host.min_cpu_cores", offer.cpu_cores, host.min_cpu_cores, "cores")
    yield from _least("host.min_ram_gb", offer.ram_gb, host.min_ram_gb, "GB")
    yield from _least("host.min_disk_mbps", offer.disk_mbps, host.min_disk_mbps, "MB/s")
    yield from _least("container.disk_gb", offer.disk_gb, Decimal(fleet.container.disk_gb), "GB")
    days = None if offer.seconds_left is None else Decimal(offer.seconds_left / DAY_S)
    yield from _least("host.min_days_left", days, host.min_days_left, "days")
    ports = None if offer.direct_ports is None else Decimal(offer.direct_ports)
    yield from _least("host.min_direct_ports", ports, Decimal(min_direct_ports(fleet)), "ports")
    if host.min_cuda is not None:
        yield from _least("host.min_cuda", offer.cuda, Decimal(host.min_cuda), "")
    if host.min_driver is not None and _version(offer.driver) < _version(host.min_driver):
        yield Refusal("host.min_driver", offer.driver or "unknown")


def min_direct_ports(fleet: Fleet) -> int:
    """How many open ports the host must have: as written, else the ports and one for ssh where it is direct."""
    if fleet.host.min_direct_ports is not None:
        return fleet.host.min_direct_ports
    return len(fleet.container.ports) + 1 if fleet.container.is_direct else 0


def _traffic(fleet: Fleet, offer: Offer) -> Iterator[Refusal]:
    price = fleet.price
    yield from _most("price.max_download_per_tb", offer.download_price_per_tb, price.max_download_per_tb, "$/TB")
    yield from _most("price.max_upload_per_tb", offer.upload_price_per_tb, price.max_upload_per_tb, "$/TB")


def _least(rule: str, value: Decimal | None, least: Decimal | None, unit: str) -> Iterator[Refusal]:
    if least is None or least <= 0:
        return
    if value is None:
        yield Refusal(rule, "unknown")
    elif value < least:
        yield Refusal(rule, f"{_number(value)} {unit}".strip(), (least - value) / least)


def _most(rule: str, value: Decimal | None, most: Decimal, unit: str) -> Iterator[Refusal]:
    if value is None:
        yield Refusal(rule, "unknown")
    elif value > most:
        shown = f"${value:.3f}{unit[1:]}"
        yield Refusal(rule, shown, (value - most) / most if most else None)


def _number(value: Decimal) -> str:
    rounded = value.quantize(Decimal("0.001"))
    return f"{rounded.normalize():f}"


def _version(text: str | None) -> tuple[int, ...]:
    """`580.95.05` as numbers; an unreadable or unknown version is the lowest."""
    try:
        return tuple(int(part) for part in (text or "").split("."))
    except (ValueError, InvalidOperation):
        return ()
