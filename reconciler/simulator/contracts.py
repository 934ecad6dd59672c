"""A contract: what was rented, in which state it is, and what it costs from one moment to another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.simulator.pricing import storage_per_hour
from reconciler.simulator.rng import fraction

if TYPE_CHECKING:
    from reconciler.simulator.machines import Row

FIRST_REPORT = (5.0, 20.0)
"""Seconds from the rent to the host's first report."""

PULL = (30.0, 240.0)
"""Seconds from the first report until the container runs: mostly the pull of the image."""

RELAUNCH = (8.0, 25.0)
"""Seconds a stopped container needs to run again; its image is there."""

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
    reports: float = 0.0
    """When the host first reports on this start."""
    runs: float = 0.0
    """When the container runs."""
    stopped: float = 0.0
    fault: str | None = None
    """`offline` or `exited`, when it failed."""
    failed: float = 0.0
    queued: bool = False
    """Whether a start waits for the GPUs."""
    spent: float = 0.0

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
        if self.fault is not None:
            return self.fault
        return self.undisturbed(now)

    def undisturbed(self, now: float) -> str | None:
        """The status it would have without a fault."""
        if self.current == "stopped":
            return "running" if self.runs <= self.stopped and now < self.stopped + STOPPING else "exited"
        if now < self.reports:
            return None if self.first_boot else "exited"
        return "loading" if now < self.runs else "running"

    def begin(self, seed: object, now: float) -> None:
        """Start (again): draws when the host reports and when the container runs, by host and contract."""
        slowness = 0.7 * fraction(seed, "slow", self.machine_id) + 0.3 * fraction(seed, "pull", self.id, now)
        least, most = PULL if self.first_boot else RELAUNCH
        report = FIRST_REPORT[0] + (FIRST_REPORT[1] - FIRST_REPORT[0]) * fraction(seed, "report", self.id, now)
        self.intended = self.current = "running"
        self.queued = False
        self.fault = None
        self.reports = round(now + report, 3)
        self.runs = round(self.reports + least + (most - least) * slowness, 3)

    def halt(self, now: float) -> None:
        """Stop: whoever decided it, intended and current state say so at once."""
        if self.current == "running" or self.intended == "running":
            self.first_boot = self.first_boot and now < self.runs
            self.stopped = now
        self.intended = self.current = "stopped"
        self.queued = False

    def costs(self, start: float, end: float) -> float:
        """Dollars for the time from `start` to `end`, in which nobody changed its state.

        Disk from creation, GPUs while the container runs (a crashed one still holds them), nothing while offline.
        """
        if self.fault == "offline":
            return 0.0
        hours = (end - start) / 3600
        total = self.disk_per_hour * hours
        if self.current == "running" and self.runs < end:
            total += self.gpu_per_hour * (end - max(start, self.runs)) / 3600
        return total

    def fail(self, how: str, now: float) -> None:
        """Break it: `offline` (the fields freeze) or `exited` (the container ended, the GPUs stay held)."""
        self.fault = how
        self.failed = now

    def saved(self) -> dict[str, Any]:
        """As the state file keeps it."""
        return {name: getattr(self, name) for name in self.__slots__}
