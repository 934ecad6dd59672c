"""The words of the house as data: what is declared, what exists, what is for sale.

Money is `Decimal` in $/h, all-in (GPU plus storage for the disk in question) unless a name says otherwise.
Sizes carry their unit in the name. Nothing here knows how Vast.ai spells a field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal, Protocol

from reconciler.core.notify import Notify
from reconciler.core.readiness import HealthRules, Readiness
from reconciler.core.renewal import ReplaceRules
from reconciler.core.rental import ON_DEMAND, Rental, RentalKind
from reconciler.core.settle import Settle
from reconciler.core.strikes import StrikeRules
from reconciler.core.text import SafeText
from reconciler.core.timing import Schedule

SECONDS_PER_DAY = 86400
HOURS_PER_STORAGE_MONTH = 720
"""Vast.ai bills storage by a month of 720 hours."""

Connect = Literal["ssh-direct", "ssh-proxy", "jupyter-direct", "jupyter-proxy", "args"]
Requirement = Literal["verified", "datacenter", "static_ip"]
RolloutOrder = Literal["create-first", "destroy-first"]
OnManualStop = Literal["hold", "replace"]


# --- what is declared -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document begins: the file as the user named it and a line counted from 1."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Gpu:
    """The GPUs of one instance. `models` are in Vast.ai's spelling (`RTX 4090`)."""

    models: tuple[str, ...]
    count: int = 1
    min_vram_gb: Decimal | None = None
    """Per GPU; a card counts from 0.93 x this x 1024 MB, since cards report a little less than sold."""


@dataclass(frozen=True, slots=True)
class Tier:
    """A named group of places: `US-CA`, `CA-ON`, a country code such as `SE`, or a continent such as `Europe`."""

    name: str
    places: tuple[str, ...]
    bonus: Decimal = Decimal(0)
    """Added to the score of an offer of this tier."""


@dataclass(frozen=True, slots=True)
class Regions:
    """Where instances may stand. The first tier that matches counts; without tiers anywhere goes."""

    tiers: tuple[Tier, ...] = ()
    blocked: tuple[str, ...] = ()
    elsewhere: Literal["refuse", "allow"] = "allow"
    """What becomes of an offer outside all tiers. The loader sets `refuse` when tiers are given."""
    penalty: Decimal = Decimal(0)
    """Taken off the score of an offer outside all tiers, where such are allowed."""
    strict_order: bool = False
    """A tier only when the ones before it cannot fill the fleet."""


@dataclass(frozen=True, slots=True)
class Price:
    """Caps in $/h (all-in) and $/TB."""

    max_per_hour: Decimal
    budget_per_hour: Decimal | None = None
    """The whole fleet's; None when not written: then the replicas and one step of a rollout, each at the cap."""
    max_download_per_tb: Decimal = Decimal(20)
    max_upload_per_tb: Decimal = Decimal(20)


@dataclass(frozen=True, slots=True)
class Clause:
    """One rule of `host.query`: a field of an offer, by the name that the marketplace's search language has for it,
    compared with a value in that language's unit. `in` and `notin` have several values, the others one."""

    field: str
    operator: Literal["eq", "neq", "lt", "lte", "gt", "gte", "in", "notin"]
    values: tuple[str | Decimal | bool, ...]
    text: str
    """As written: `pcie_bw>=10`."""


@dataclass(frozen=True, slots=True)
class HostRules:
    """Hard rules about the machine, judged at renting only. None means no rule."""

    require: tuple[Requirement, ...] = ("verified",)
    min_reliability: Decimal = Decimal("0.95")
    min_download_mbps: Decimal | None = Decimal(100)
    min_upload_mbps: Decimal | None = None
    min_cpu_cores: Decimal | None = None
    min_ram_gb: Decimal | None = None
    min_disk_mbps: Decimal | None = None
    min_cuda: str | None = None
    min_driver: str | None = None
    min_direct_ports: int | None = None
    """None when not written: then the number of ports + 1 where the container is reached directly."""
    min_days_left: Decimal = Decimal(3)
    query: tuple[Clause, ...] = ()
    """Further rules in the marketplace's own search language."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A number, or a percentage of the replicas (rounded down, at least 1)."""

    value: Decimal
    percent: bool = False

    def of(self, replicas: int) -> int:
        """The number this limit means for a fleet of `replicas`."""
        return max(1, int(self.value * replicas / 100)) if self.percent else int(self.value)


@dataclass(frozen=True, slots=True)
class Spread:
    """How many replicas of the fleet may share a machine or a host; None is no rule."""

    per_machine: Limit | None = Limit(Decimal(1))
    per_host: Limit | None = None


@dataclass(frozen=True, slots=True)
class Rollout:
    """How a changed spec reaches running instances."""

    order: RolloutOrder = "create-first"
    at_once: Limit = Limit(Decimal(1))
    """How many seats are under way at the same time."""
    canary_s: float | None = None
    """The first instance of a changed spec must have been ready for so long before a second seat follows; None: no
    such wait."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Where the users are, and how far they may be, in milliseconds of round trip."""

    users_at: tuple[Decimal, Decimal]
    """Degrees of latitude (north) and longitude (east)."""
    max_ms: Decimal | None = None
    """A hard rule on measured values; on estimates only with `trust_estimate`."""
    trust_estimate: bool = False
    probe: bool = False
    """Measure the best candidates before choosing."""
    timeout_s: Decimal = Decimal(3)
    """For one measurement."""


Strategy = Literal["latency-first", "cheapest", "low-latency", "reliable"]


@dataclass(frozen=True, slots=True)
class Weights:
    """What each part of a score counts; they sum to 1."""

    latency: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    gpu: Decimal = Decimal(0)
    reliability: Decimal = Decimal(0)
    availability: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Modifiers:
    """Added to the score of an offer that has the property; negative ones take off."""

    verified: Decimal = Decimal(0)
    datacenter: Decimal = Decimal(0)
    high_bandwidth: Decimal = Decimal(0)
    new_host: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Scoring:
    """How eligible offers are ranked: a named strategy, or weights by hand."""

    strategy: Strategy | None = "cheapest"
    """None with `weights`."""
    weights: Weights | None = None
    modifiers: Modifiers = Modifiers()


@dataclass(frozen=True, slots=True)
class Banned:
    """A host or machine that is never rented, through the day `until` (UTC) or for good."""

    id: int
    reason: str | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Blacklist:
    """Hosts and machines that are out."""

    hosts: tuple[Banned, ...] = ()
    machines: tuple[Banned, ...] = ()


@dataclass(frozen=True, slots=True)
class FromEnv:
    """A secret by reference: the variable it is read from at apply, and a version the user raises to roll it."""

    name: str
    version: int = 1


@dataclass(frozen=True, slots=True)
class RegistryLogin:
    """How the host logs in to the image's registry."""

    server: str
    username: str
    password: FromEnv


@dataclass(frozen=True, slots=True)
class Port:
    """A port of the container that is published."""

    number: int
    protocol: Literal["tcp", "udp"] = "tcp"

    def __str__(self) -> str:
        return f"{self.number}/{self.protocol}"


@dataclass(frozen=True, slots=True)
class Container:
    """What runs. Exactly one of `image` and `vast_template` (a Vast template's hash) is set."""

    image: str | None = None
    vast_template: str | None = None
    registry_login: RegistryLogin | None = None
    disk_gb: int = 32
    connect: Connect | None = None
    """As written; the loader sets `ssh-direct` for an image. None with a template: the template decides."""
    ports: tuple[Port, ...] = ()
    env: tuple[tuple[str, str | FromEnv], ...] = ()
    """Sorted by name."""
    onstart: str | None = None
    """The script's text, whether written in place or read from a file."""
    args: tuple[str, ...] = ()

    @property
    def is_direct(self) -> bool:
        """True where the instance is reached on its own address rather than through Vast.ai's proxy."""
        return self.connect in ("ssh-direct", "jupyter-direct")


@dataclass(frozen=True, slots=True)
class Fleet:
    """One declared fleet, complete with its defaults."""

    name: str
    gpu: Gpu
    price: Price
    container: Container
    replicas: int = 1
    min_ready: int = 1
    priority: int = 0
    paused: bool = False
    regions: Regions = Regions()
    host: HostRules = HostRules()
    spread: Spread = Spread()
    blacklist: Blacklist = Blacklist()
    latency: Latency | None = None
    scoring: Scoring = Scoring()
    """The loader sets `latency-first` where `latency` is given and no strategy."""
    rollout: Rollout = Rollout()
    on_manual_stop: OnManualStop = "hold"
    """What becomes of an instance that someone stopped."""
    readiness: Readiness = field(default_factory=Readiness)
    health: HealthRules = field(default_factory=HealthRules)
    schedule: Schedule | None = None
    replace: ReplaceRules = field(default_factory=ReplaceRules)
    rental: Rental = ON_DEMAND
    source: Source = Source("", 0)

    @property
    def step(self) -> int:
        """How many seats one step of a rollout has: so many instances there may be above the declared replicas."""
        return self.rollout.at_once.of(self.replicas)


@dataclass(frozen=True, slots=True)
class RunwayHours:
    """How long the credit must last at the planned rate, in hours."""

    warn: Decimal = Decimal(24)
    refuse: Decimal = Decimal(2)


@dataclass(frozen=True, slots=True)
class Limits:
    """Rules over all fleets of the owner together."""

    budget_per_hour: Decimal | None = None
    max_instances: int | None = None
    max_unasked_destroy_share: Decimal = Decimal("0.3")
    rents_per_run: int | None = None
    min_runway_hours: RunwayHours = RunwayHours()
    budget_per_30_days: Decimal | None = None
    """In dollars: what no 30 days may cost."""
    replacements_per_seat_per_day: int = 3
    """Unasked ones: of what failed, vanished or came back wrong."""
    wasted_per_seat_per_day: Decimal | None = None
    """In dollars: what instances of one seat that were never ready may cost; None: so many hours at the fleet's cap as
    `replacements_per_seat_per_day` says."""


@dataclass(frozen=True, slots=True)
class ImageRules:
    """Which images may be rented for, as patterns; None: any."""

    allow: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class SecretRules:
    """Which variables `from_env` may name, as patterns; None: all but those that never go to a host."""

    allow: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules over all fleets of a run. `file` is None when none is written."""

    owner: str = "default"
    limits: Limits = Limits()
    protect: tuple[str, ...] = ()
    blacklist: Blacklist = Blacklist()
    file: str | None = None
    images: ImageRules = ImageRules()
    secrets: SecretRules = SecretRules()
    settle: Settle = field(default_factory=Settle)
    strikes: StrikeRules = field(default_factory=StrikeRules)
    notify: Notify = field(default_factory=Notify)


# --- what exists ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address one can connect to."""

    host: SafeText
    port: int


@dataclass(frozen=True, slots=True)
class Setup:
    """How an instance's container was set up, as far as the account tells; None means it did not say.

    Of variables only the names are ever read: their values may be secrets.
    """

    connect: Connect | None = None
    ports: tuple[Port, ...] | None = None
    """In their order by number."""
    env_names: tuple[str, ...] | None = None
    """Sorted."""
    onstart: str | None = field(default=None, repr=False)
    """The script, where it is told and can be printed safely; some rows lack a script that was sent (seen)."""
    args: tuple[str, ...] | None = field(default=None, repr=False)
    unread: tuple[SafeText, ...] = ()
    """What is set besides and has no field in a spec, by name: `-h`, `-v`."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One rented instance as one answer of the account shows it. None means the answer did not say.

    Only `id` and `label` are certain to be there; every other field may be unknown at any time.
    """

    id: int
    label: str | None
    machine_id: int | None = None
    host_id: int | None = None
    gpu_name: SafeText | None = None
    gpu_count: int | None = None
    vram_mb: Decimal | None = None
    """Per GPU."""
    location: SafeText | None = None
    """Claimed by the host, `California, US`."""
    price_per_hour: Decimal | None = None
    """All-in, while it runs."""
    storage_per_hour: Decimal | None = None
    """The part of it that a stopped instance goes on to bill."""
    disk_gb: Decimal | None = None
    image: SafeText | None = None
    vast_template: SafeText | None = None
    interruptible: bool | None = None
    reported: str | None = None
    """What the host last said of the container: `loading`, `running`, `exited`, `offline`, ...; None: nothing yet."""
    intended: str | None = None
    """What was last asked or decided for it: `running` or `stopped`."""
    current: str | None = None
    """Whether the contract holds its GPU now: `running` or `stopped`."""
    heading: str | None = None
    """The state the contract goes to."""
    message: SafeText | None = None
    started_at: float | None = None
    ends_at: float | None = None
    ssh_direct: Endpoint | None = None
    ssh_proxy: Endpoint | None = None
    setup: Setup | None = None
    endpoints: tuple[tuple[Port, Endpoint], ...] = ()
    """Where each published port of the container is reached from outside, in their order by number."""
    least_bid: Decimal | None = None
    """The host's least bid in $/h without storage; not the bid that stands."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose account this is and what it has left, in dollars."""

    id: int
    credit: Decimal


# --- what is for sale -----------------------------------------------------------------------------


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
