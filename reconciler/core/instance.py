"""What exists, as data: instances and the account they stand in. Nothing here knows how Vast.ai spells a field.

Money is `Decimal` in $/h, all-in (GPU plus storage for the disk in question) unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import field
from decimal import Decimal

from reconciler.core.model import Connect, Port
from reconciler.core.text import SafeText
from reconciler.values import dataclass


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
    driver: SafeText | None = None
    """The version of the GPUs' driver."""
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
