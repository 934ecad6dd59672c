"""What is for sale, asked for and ordered, as data. Nothing here knows how the marketplace spells a field.

Money is `Decimal` in $/h, all-in (GPU plus storage for the disk in question) unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from reconciler.core.model import HOURS_PER_STORAGE_MONTH, SECONDS_PER_DAY, Clause, Container, Requirement
from reconciler.core.rental import RentalKind
from reconciler.core.text import SafeText


class Traits(Protocol):
    """Further properties of an offer by the names and in the units of the marketplace's search language."""

    def of(self, field: str) -> str | Decimal | bool | None:
        """The value of a field; None where the offer does not say, or says nonsense."""
        ...


class _NoTraits:
    """An offer that tells nothing more."""

    def of(self, field: str) -> None:
        """Nothing is known."""


NO_TRAITS: Traits = _NoTraits()


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer as one search answer showed it. None means the answer did not say, or said nonsense."""

    id: int
    machine_id: int
    host_id: int | None
    gpu_name: SafeText
    gpu_count: int
    base_price_per_hour: Decimal
    """Without storage, for all its GPUs."""
    storage_price_per_gb_month: Decimal
    vram_mb: Decimal | None = None
    location: SafeText | None = None
    reliability: Decimal | None = None
    verified: bool | None = None
    datacenter: bool | None = None
    static_ip: bool | None = None
    download_mbps: Decimal | None = None
    upload_mbps: Decimal | None = None
    download_price_per_tb: Decimal | None = None
    upload_price_per_tb: Decimal | None = None
    cpu_cores: Decimal | None = None
    ram_gb: Decimal | None = None
    disk_gb: Decimal | None = None
    disk_mbps: Decimal | None = None
    cuda: Decimal | None = None
    driver: SafeText | None = None
    direct_ports: int | None = None
    seconds_left: float | None = None
    gpu_ids: frozenset[int] = frozenset()
    """Which GPUs of the machine they are: offers that share one cannot both be rented. Empty: unknown."""
    address: SafeText | None = None
    """The machine's public address."""
    listed_at: float | None = None
    """Since when this offer stands, epoch seconds."""
    traits: Traits = field(default=NO_TRAITS, repr=False, compare=False)
    """What `host.query` may ask about besides."""
    least_bid: Decimal | None = None
    """The host's least bid in $/h, which `base_price_per_hour` is then too; None: it was offered on demand."""

    @property
    def days_left(self) -> Decimal | None:
        """How long its contract can last, in days."""
        return None if self.seconds_left is None else Decimal(self.seconds_left / SECONDS_PER_DAY)

    def price_per_hour(self, disk_gb: int) -> Decimal:
        """All-in $/h with a disk of `disk_gb`: base + storage x GB / 720."""
        return self.base_price_per_hour + self.storage_price_per_gb_month * disk_gb / HOURS_PER_STORAGE_MONTH


@dataclass(frozen=True, slots=True)
class OfferQuery:
    """What to ask the market for: the hard rules that a server can check. A row is judged again when it arrives."""

    models: tuple[str, ...]
    gpu_count: int
    disk_gb: int
    max_price_per_hour: Decimal | None = None
    """All-in for `disk_gb`."""
    fits_disk: bool = True
    """Only offers with that much disk."""
    min_price_per_hour: Decimal | None = None
    """For reading upwards by price where one answer is full."""
    require: tuple[Requirement, ...] = ()
    min_vram_mb: Decimal | None = None
    min_reliability: Decimal | None = None
    min_download_mbps: Decimal | None = None
    min_upload_mbps: Decimal | None = None
    min_cpu_cores: Decimal | None = None
    min_ram_gb: Decimal | None = None
    min_disk_mbps: Decimal | None = None
    min_cuda: Decimal | None = None
    max_download_per_tb: Decimal | None = None
    max_upload_per_tb: Decimal | None = None
    min_direct_ports: int | None = None
    min_days_left: Decimal | None = None
    countries: tuple[str, ...] = ()
    """Only these, when not empty."""
    blocked_countries: tuple[str, ...] = ()
    not_machines: tuple[int, ...] = ()
    """Machines that are known already and need not be answered again."""
    only_machines: tuple[int, ...] = ()
    """Only these, when not empty."""
    not_offers: tuple[int, ...] = ()
    """Offers that are, of machines that may have more."""
    clauses: tuple[Clause, ...] = ()
    """Rules in the marketplace's own search language."""
    interruptible: bool = False
    """Asks for least bids instead of prices on demand; all prices of the question are such, too."""
    max_bid: Decimal | None = None
    """Without storage; only with `interruptible`."""


@dataclass(frozen=True, slots=True)
class RentOrder:
    """Everything one attempt sends: an offer, our mark, and what to run, its secrets resolved.

    Secrets are kept out of `repr`.
    """

    offer_id: int
    label: str
    container: Container
    env: Mapping[str, str] = field(repr=False)
    """The container's variables with every secret filled in."""
    registry_password: str | None = field(default=None, repr=False)
    kind: RentalKind = "on-demand"
    bid: Decimal | None = None
    """$/h without storage; there is one exactly where the order is interruptible."""
