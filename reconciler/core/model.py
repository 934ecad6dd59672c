"""What is declared, as data: fleets and the policy.

Money is `Decimal` in $/h, all-in (GPU plus storage for the disk in question) unless a name says otherwise.
Sizes carry their unit in the name.
"""

from __future__ import annotations

from dataclasses import field
from datetime import date
from decimal import Decimal
from typing import Literal

from reconciler.core.notify import Notify
from reconciler.core.readiness import HealthRules, Readiness
from reconciler.core.renewal import ReplaceRules
from reconciler.core.rental import ON_DEMAND, Rental
from reconciler.core.settle import Settle
from reconciler.core.strikes import StrikeRules
from reconciler.core.timing import Schedule
from reconciler.values import dataclass

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

    def __hash__(self) -> int:
        """By its name, which tells fleets apart: what is known of a fleet is looked up once for each instance."""
        return hash(self.name)

    @property
    def step(self) -> int:
        """How many seats one step of a rollout has: so many instances there may be above the declared replicas."""
        return self.rollout.at_once.of(self.replicas)


@dataclass(frozen=True, slots=True)
class RunwayHours:
    """How long the credit must last at the planned rate of the whole account, in hours."""

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
    ssh_key: str | None = None
    """The path of the private key that logs in where the environment names none."""


# --- what exists ----------------------------------------------------------------------------------
