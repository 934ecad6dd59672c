"""May this offer be rented for this fleet? One named refusal for each hard rule that says no.

Before renting, unknown is never eligible: an offer that does not say what a rule asks for is refused by that rule.
The rules of a fleet are compiled once into small checks and asked of many offers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import ceil
from operator import attrgetter

from reconciler.core.bans import Bans
from reconciler.core.clauses import refuses, version
from reconciler.core.drift import MB_OF_A_GB, in_force, min_vram_mb
from reconciler.core.gpus import normalise
from reconciler.core.latency import reading_of
from reconciler.core.model import Banned, Blacklist, Clause, Fleet, Latency, Regions, Requirement
from reconciler.core.offer import Offer
from reconciler.core.places import matches, parse_location
from reconciler.core.rental import floor_of
from reconciler.core.sights import Measured
from reconciler.core.spans import minute
from reconciler.core.strikes import Struck

DAY_S = 86400.0
_CENTS_OF_A_CENT = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an offer is refused."""

    rule: str
    detail: str
    miss: Decimal | None = None
    """How far it is off, as a share of the rule's number; None: not a number."""
    admits: str | None = None
    """What the rule would have to say to admit this offer; None: only to drop it would."""


Check = Callable[[Offer], Refusal | None]


class Judge:
    """The hard rules of one fleet and of the policy's blacklist, at `now`.

    `measured` are the latencies known by machine. Asking changes nothing; one judge serves any number of offers.
    """

    def __init__(self, fleet: Fleet, shared: Blacklist, now: float, measured: Mapping[int, Measured] | None = None):
        self.fleet = fleet
        self._regions = _Places(fleet.regions)
        self._checks = (
            *_gpu(fleet),
            *_bans(fleet, shared, now),
            *_struck(shared),
            self._regions.refuses,
            *_price(fleet),
            *_host(fleet),
            *_traffic(fleet),
            *_clauses(fleet.host.query),
            *_latency(fleet.latency, measured or {}),
        )

    def refusals(self, offer: Offer) -> tuple[Refusal, ...]:
        """Every rule that refuses the offer; none: it is eligible."""
        return tuple(found for check in self._checks if (found := check(offer)) is not None)

    def admits(self, offer: Offer) -> bool:
        """Whether no rule refuses it; the first that does ends the asking."""
        return all(check(offer) is None for check in self._checks)

    def tier(self, offer: Offer) -> int:
        """Position of the first tier that matches; the number of tiers for elsewhere."""
        return self._regions.tier(offer)


def min_direct_ports(fleet: Fleet) -> int:
    """How many open ports the host must have: as written, else the ports and one for ssh where it is direct."""
    if fleet.host.min_direct_ports is not None:
        return fleet.host.min_direct_ports
    return len(fleet.container.ports) + 1 if fleet.container.is_direct else 0


# --- one rule, one check --------------------------------------------------------------------------


def _least(rule: str, field: str, least: Decimal | None, unit: str, one: Decimal = Decimal(1)) -> Iterator[Check]:
    """The offer must have at least so much; a rule that is not written, or asks for nothing, is none. `one` is what the
    spec's unit is in the offer's."""
    if least is None or least <= 0:
        return
    read, floor = attrgetter(field), least

    def check(offer: Offer) -> Refusal | None:
        value = read(offer)
        if value is None:
            return Refusal(rule, "unknown")
        if value >= floor:
            return None
        return Refusal(
            rule, f"{_number(value)} {unit}".strip(), (floor - value) / floor, _number(value / one, ROUND_FLOOR)
        )

    yield check


def _most(rule: str, read: Callable[[Offer], Decimal | None], most: Decimal, unit: str) -> Iterator[Check]:
    """The offer may cost at most so much."""

    def check(offer: Offer) -> Refusal | None:
        value = read(offer)
        if value is None:
            return Refusal(rule, "unknown")
        if value <= most:
            return None
        admits = f"{value.quantize(_CENTS_OF_A_CENT, ROUND_CEILING):f}"
        return Refusal(rule, f"${value:.3f}{unit[1:]}", (value - most) / most if most else None, admits)

    yield check


def _price(fleet: Fleet) -> Iterator[Check]:
    disk_gb, cap = fleet.container.disk_gb, fleet.price.max_per_hour
    if not fleet.rental.interruptible:
        yield from _most("price.max_per_hour", lambda offer: offer.price_per_hour(disk_gb), cap, "$/h")
        return

    def least(offer: Offer) -> Decimal:
        return floor_of(offer.base_price_per_hour)

    def whole(offer: Offer) -> Decimal:
        return least(offer) + offer.price_per_hour(disk_gb) - offer.base_price_per_hour

    yield from _most("price.max_per_hour", whole, cap, "$/h")
    if fleet.rental.max_bid is not None:
        yield from _most("rental.max_bid", least, fleet.rental.max_bid, "$/h")


def _traffic(fleet: Fleet) -> Iterator[Check]:
    for way in ("download", "upload"):
        read: Callable[[Offer], Decimal | None] = attrgetter(f"{way}_price_per_tb")
        most: Decimal = getattr(fleet.price, f"max_{way}_per_tb")
        yield from _most(f"price.max_{way}_per_tb", read, most, "$/TB")


def _gpu(fleet: Fleet) -> Iterator[Check]:
    models, count, bids = frozenset(fleet.gpu.models), fleet.gpu.count, fleet.rental.interruptible

    def model(offer: Offer) -> Refusal | None:
        return None if normalise(offer.gpu_name) in models else Refusal("gpu.models", offer.gpu_name)

    def number(offer: Offer) -> Refusal | None:
        return None if offer.gpu_count == count else Refusal("gpu.count", f"{offer.gpu_count} GPUs")

    def kind(offer: Offer) -> Refusal | None:
        other = "on demand" if offer.least_bid is None else "for bids"
        return None if (offer.least_bid is not None) == bids else Refusal("rental.kind", f"offered {other}")

    yield from (model, number, kind)
    yield from _least("gpu.min_vram_gb", "vram_mb", min_vram_mb(fleet), "MB", MB_OF_A_GB)


def _bans(fleet: Fleet, shared: Blacklist, now: float) -> Iterator[Check]:
    for lists in (fleet.blacklist, shared):
        for rule, field, entries in (
            ("blacklist.hosts", "host_id", lists.hosts),
            ("blacklist.machines", "machine_id", lists.machines),
        ):
            if entries:
                yield _ban(rule, field, in_force(entries, now))
    if fleet.blacklist.hosts or shared.hosts:
        yield lambda offer: Refusal("blacklist.hosts", "host unknown") if offer.host_id is None else None


def _struck(shared: Blacklist) -> Iterator[Check]:
    """Machines that failed us lately are out for a while, and those where a rent has just come to nothing."""
    if isinstance(shared, Bans):
        for rule, word, out in (("strikes", "struck", shared.struck), ("set aside", "set aside", shared.aside)):
            if out:
                yield _for_a_while(rule, word, out)


def _for_a_while(rule: str, word: str, out: Mapping[int, Struck]) -> Check:
    def check(offer: Offer) -> Refusal | None:
        found = out.get(offer.machine_id)
        return Refusal(rule, f"{word} until {minute(found.until)}: {found.reason}") if found else None

    return check


def _ban(rule: str, field: str, entries: Mapping[int, Banned]) -> Check:
    read = attrgetter(field)

    def check(offer: Offer) -> Refusal | None:
        entry = entries.get(read(offer))
        return Refusal(rule, entry.reason or f"{entry.id}") if entry else None

    return check


class _Places:
    """The tiers and blocked places of a fleet, asked once for each text of a place."""

    def __init__(self, regions: Regions) -> None:
        self._regions = regions
        self._known: dict[str | None, tuple[int, Refusal | None]] = {}

    def refuses(self, offer: Offer) -> Refusal | None:
        """The refusal of the place, if there is one. An unknown place passes no list."""
        return self._of(offer)[1]

    def tier(self, offer: Offer) -> int:
        """Position of the first tier that matches."""
        return self._of(offer)[0]

    def _of(self, offer: Offer) -> tuple[int, Refusal | None]:
        found = self._known.get(offer.location)
        if found is None:
            found = self._known[offer.location] = self._look_up(offer.location)
        return found

    def _look_up(self, location: str | None) -> tuple[int, Refusal | None]:
        regions, place, shown = self._regions, parse_location(location), location or "place unknown"
        outside = len(regions.tiers)
        if any(matches(token, place) is not False for token in regions.blocked):
            return outside, Refusal("regions.blocked", shown)
        for position, tier in enumerate(regions.tiers):
            if any(matches(token, place) for token in tier.places):
                return position, None
        return outside, Refusal("regions.tiers", shown) if regions.tiers and regions.elsewhere == "refuse" else None


def _host(fleet: Fleet) -> Iterator[Check]:
    host = fleet.host
    for requirement in host.require:
        yield _required(requirement)
    yield from _least("host.min_reliability", "reliability", host.min_reliability, "")
    yield from _least("host.min_download_mbps", "download_mbps", host.min_download_mbps, "Mbps")
    yield from _least("host.min_upload_mbps", "upload_mbps", host.min_upload_mbps, "Mbps")
    yield from _least("host.min_cpu_cores", "cpu_cores", host.min_cpu_cores, "cores")
    yield from _least("host.min_ram_gb", "ram_gb", host.min_ram_gb, "GB")
    yield from _least("host.min_disk_mbps", "disk_mbps", host.min_disk_mbps, "MB/s")
    yield from _least("container.disk_gb", "disk_gb", Decimal(fleet.container.disk_gb), "GB")
    yield from _least("host.min_days_left", "days_left", host.min_days_left, "days")
    yield from _least("host.min_direct_ports", "direct_ports", Decimal(min_direct_ports(fleet)), "ports")
    yield from _least("host.min_cuda", "cuda", Decimal(host.min_cuda) if host.min_cuda else None, "")
    if host.min_driver is not None:
        yield _driver(host.min_driver)


def _required(requirement: Requirement) -> Check:
    read, rule = attrgetter(requirement), f"host.require {requirement}"

    def check(offer: Offer) -> Refusal | None:
        has = read(offer)
        return None if has is True else Refusal(rule, f"not {requirement}" if has is False else "unknown")

    return check


def _driver(least: str) -> Check:
    """An unreadable version is older than any; asking for one asks for nothing."""
    floor = version(least) or ()

    def check(offer: Offer) -> Refusal | None:
        if (version(offer.driver or "") or ()) >= floor:
            return None
        return Refusal("host.min_driver", offer.driver or "unknown", admits=offer.driver)

    return check


def _clauses(query: tuple[Clause, ...]) -> Iterator[Check]:
    for clause in query:
        yield _clause(clause)


def _clause(clause: Clause) -> Check:
    def check(offer: Offer) -> Refusal | None:
        detail = refuses(clause, offer)
        return None if detail is None else Refusal(f"host.query {clause.text}", detail)

    return check


def _latency(latency: Latency | None, measured: Mapping[int, Measured]) -> Iterator[Check]:
    """`max_ms` holds for what was measured; for an estimate only where the spec trusts it."""
    if latency is None or latency.max_ms is None:
        return
    most = latency.max_ms

    def check(offer: Offer) -> Refusal | None:
        reading = reading_of(latency, offer, measured)
        if reading is None:
            return Refusal("latency.max_ms", "unknown") if latency.trust_estimate else None
        if reading.ms <= most or not (reading.measured or latency.trust_estimate):
            return None
        how = "measured" if reading.measured else "estimated"
        miss = (Decimal(reading.ms) - most) / most
        return Refusal("latency.max_ms", f"{reading.ms:.0f} ms {how}", miss, f"{ceil(reading.ms)}")

    yield check


def _number(value: Decimal | int, rounding: str | None = None) -> str:
    rounded = Decimal(value).quantize(Decimal("0.001"), rounding)
    return f"{rounded.normalize():f}"
