"""A contract: what was rented, in which state it is, and what it costs an hour."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from reconciler.simulator.boots import DEAD_END, GIVES_UP, NO_IMAGE, NO_START, boot, image_size, images_failure
from reconciler.simulator.charges import NOTHING, Parts
from reconciler.simulator.pricing import storage_per_hour

if TYPE_CHECKING:
    from reconciler.simulator.laws import Laws
    from reconciler.simulator.machines import Row

STOPPING = 6.0
"""Seconds for which a stopped container still reads `running`."""


@dataclass(slots=True)
class Contract:
    """One instance of this account. Times are epoch seconds, money is in dollars."""

    id: int
    mask: int
    """The GPUs of its machine, as bits."""
    terms: Row
    """The fields taken over from the ask."""
    image: str | None
    disk: float
    runtype: str
    created: float
    label: str | None = None
    env: list[list[str]] = field(default_factory=list)
    onstart: str | None = None
    args: list[str] = field(default_factory=list)
    template: str | None = None
    bid: float | None = None
    """The standing bid, $/h; None for an on-demand rental."""
    intended: str = "running"
    current: str = "running"
    first_boot: bool = True
    phase: str | None = None
    """`rebooting` or `recycling`, until the host reports again."""
    reports: float = 0.0
    """When the host first reports on this start."""
    runs: float = 0.0
    """When the container runs, or is known not to."""
    failure: str = ""
    """How this start fails; empty when it does not."""
    gives_up: float = 0.0
    """When the host stops trying; zero: never."""
    stopped: float = 0.0
    lingers: float = 0.0
    """Until when a stopped one still reads as before."""
    fault: str | None = None
    """`offline` or `exited`, when it failed."""
    failed: float = 0.0
    doubtful: float = 0.0
    """Until when a lost host reads `unknown`."""
    lost: bool = False
    """Whether its host dropped off by itself, and may come back."""
    queued: bool = False
    """Whether a start waits for the GPUs."""
    outbid: bool = False
    """Whether it waits until its bid wins again."""
    displaced: bool = False
    """Whether the GPUs that it waits for are held by a rival bidder, who leaves when outbid."""
    listed: float = 0.0
    """From when the list shows it."""
    rival: float = 0.0
    """What somebody bids for its GPUs by hand, $/h, whatever the laws; zero: nobody."""

    @property
    def machine_id(self) -> int:
        """The box it runs on."""
        return int(self.terms["machine_id"])

    @property
    def gpu_per_hour(self) -> float:
        """$/h for the GPUs; a bid never pays more than the on-demand price."""
        price = float(self.terms["dph_base"])
        return price if self.bid is None else min(self.bid, price)

    @property
    def disk_per_hour(self) -> float:
        """$/h for the disk, in every state but offline."""
        return storage_per_hour(self.terms["storage_cost"], self.disk)

    def status(self, now: float) -> str | None:
        """The host's last report on the container; None before the first one."""
        if self.fault == "offline" and now < self.doubtful:
            return "unknown"
        return self.fault or self.undisturbed(now)

    def undisturbed(self, now: float) -> str | None:
        """The status it would have without a fault."""
        if self.current == "stopped":
            return self._booting(self.stopped) if now < self.lingers else "exited"
        return self._booting(now)

    def _booting(self, now: float) -> str | None:
        if now < self.reports:
            return self.phase or (None if self.first_boot else "exited")
        if now < self.runs:
            return "loading"
        if self.failure in (NO_START, DEAD_END, GIVES_UP, NO_IMAGE):
            return "created"
        return "loading" if self.failure else "running"

    def begin(self, seed: object, now: float, laws: Laws, phase: str | None = None) -> None:
        """Start (again): draws when the host reports and when the container runs, by host and contract."""
        found = boot(seed, self.machine_id, self.id, now, self.first_boot, laws.boots)
        self.reports, self.runs, self.failure, self.gives_up = found
        if missing := images_failure(self.image):
            self.failure, self.gives_up = missing, 0.0
        self.phase = phase
        self.intended = self.current = "running"
        self.queued = self.outbid = self.displaced = False
        if self.fault == "exited":
            self.fault = None

    def halt(self, now: float, lag: float = 0.0) -> None:
        """Stop: whoever decided it, intended and current state say so at once; the status for `lag` s more not."""
        if self.current == "running":
            running = self._booting(now) == "running"
            self.first_boot = self.first_boot and now < self.runs
            self.stopped, self.lingers = now, now + (max(lag, STOPPING) if running else lag)
        self.intended = self.current = "stopped"
        self.queued = self.outbid = False
        self.gives_up = 0.0
        if self.fault == "exited":
            self.fault = None

    def rates(self, now: float, laws: Laws) -> Parts:
        """$/h at this moment.

        Disk from creation on, GPUs while the container runs (a crashed one still holds them), nothing while offline.
        """
        if self.fault == "offline":
            return NOTHING
        status = self._booting(now) if self.current == "running" else None
        held = status in ("running", "rebooting", "recycling") or (laws.loading_billed and status is not None)
        pulls = laws.traffic and self.first_boot and self.current == "running" and self.reports <= now < self.runs
        cost = image_size(self.image) * float(self.terms["inet_down_cost"] or 0.0) if pulls else 0.0
        return Parts(
            self.gpu_per_hour if held else 0.0,
            self.disk_per_hour,
            cost * 3600 / (self.runs - self.reports) if pulls else 0.0,
        )

    def fail(self, how: str, now: float) -> None:
        """Break it: `offline` (the fields freeze) or `exited` (the container ended, the GPUs stay held)."""
        self.fault = how
        self.failed = now

    def signature(self) -> tuple[object, ...]:
        """Whatever its rates and its next turn depend on."""
        terms = self.terms
        return (
            self.intended, self.current, self.fault, self.reports, self.runs, self.phase, self.failure, self.queued,
            self.outbid, self.bid, self.label, terms["dph_base"], terms["end_date"],
        )  # fmt: skip

    def saved(self) -> dict[str, Any]:
        """As the state file keeps it: without what is as it was at the beginning."""
        return {name: value for name in _NAMES if (value := getattr(self, name)) != _USUAL.get(name, _UNUSUAL)}


_UNUSUAL = object()
_NAMES = tuple(one.name for one in fields(Contract))
_USUAL = {one.name: one.default for one in fields(Contract)}
