"""Readiness as data: which checks make an instance usable, what is looked at, what a look found, what it proves."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from reconciler.core.text import SafeText
from reconciler.values import dataclass

if TYPE_CHECKING:
    from reconciler.core.instance import Instance, Setup
    from reconciler.core.model import Fleet

CheckKind = Literal["ssh", "gpu", "tcp", "http", "command"]
Verdict = Literal["pass", "fail", "cannot tell"]

_NO_DETAIL = SafeText("")
BOOT_TIMEOUT_S = 1200.0
LONG_BOOT_TIMEOUT_S = 2700.0
LONG_FROM_GPUS, LONG_FROM_DISK_GB = 4, 200
"""Large machines pull large images: from so many GPUs or so much disk the longer time holds."""


@dataclass(frozen=True, slots=True)
class Check:
    """One readiness check of a fleet."""

    kind: CheckKind
    port: int | None = None
    """For `tcp` and `http`: the container's port as in `container.ports`."""
    path: str = "/"
    """For `http`."""
    run: str = ""
    """For `command`."""

    def __str__(self) -> str:
        if self.kind == "http":
            return f"http {self.port}{self.path}"
        return f"tcp {self.port}" if self.kind == "tcp" else self.kind


@dataclass(frozen=True, slots=True)
class Readiness:
    """When an instance of a fleet counts as ready."""

    boot_timeout_s: float | None = None
    """None: 20 minutes, 45 from 4 GPUs or 200 GB of disk."""
    checks: tuple[Check, ...] | None = None
    """None: an ssh banner where the instance is reached by ssh, else tcp on the first port. `running` alone is never
    ready."""


@dataclass(frozen=True, slots=True)
class HealthRules:
    """What counts against an instance that was ready once."""

    unhealthy_after_s: float = 600.0
    """So long its checks must fail before it is replaced."""


@dataclass(frozen=True, slots=True)
class Target:
    """An instance to be looked at, and what the gpu check must find there: as rented."""

    instance: Instance
    checks: tuple[Check, ...]
    gpu_models: tuple[str, ...] = ()
    """In the market's spelling; empty: any."""
    gpu_count: int = 1
    vram_mb: Decimal | None = None
    """Per GPU; None: not judged."""
    drivers: tuple[str, ...] = ()
    """Versions that the driver must not be older than; what is no version is not judged."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check said of one instance."""

    check: Check
    verdict: Verdict
    cause: str = ""
    """A short, stable class of cause: equal causes mean equal trouble."""
    detail: SafeText = _NO_DETAIL
    """For people."""


Findings = Mapping[int, tuple[Finding, ...]]
"""By the instance's id; the last of an instance is the first that did not pass, if there is one."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the instances of the declared fleets found."""

    at: float
    watched: frozenset[int]
    """Every instance whose readiness is followed, also those that do not run and could not be asked."""
    findings: Findings = field(default_factory=dict)


def boot_timeout_s(fleet: Fleet) -> float:
    """How long an instance of the fleet may take to be ready, in seconds: as written, else by its size."""
    if fleet.readiness.boot_timeout_s is not None:
        return fleet.readiness.boot_timeout_s
    large = fleet.gpu.count >= LONG_FROM_GPUS or fleet.container.disk_gb >= LONG_FROM_DISK_GB
    return LONG_BOOT_TIMEOUT_S if large else BOOT_TIMEOUT_S


def checks_of(fleet: Fleet, instance: Instance) -> tuple[Check, ...]:
    """What an instance of the fleet must pass: as written; else ssh where it is reached by ssh, else tcp on the first
    port. How it is reached is what the account says of it, else what the spec says. Empty: there is no way to look at
    it, and that it runs must do."""
    if fleet.readiness.checks is not None:
        return fleet.readiness.checks
    return _usual(fleet, instance.setup)


def logs_in(fleet: Fleet) -> bool:
    """Whether a written check of the fleet needs a login; `ssh` alone is content with a banner."""
    return any(check.kind in ("gpu", "command") for check in fleet.readiness.checks or ())


def may_log_in(fleet: Fleet, instance: Instance) -> bool:
    """Whether a check of the instance logs in where there is a key: also `ssh`."""
    return any(check.kind in ("ssh", "gpu", "command") for check in checks_of(fleet, instance))


def tries_a_key(fleet: Fleet) -> bool:
    """Whether a check of the fleet logs in where a key is named, as far as the spec tells."""
    checks = _usual(fleet, None) if fleet.readiness.checks is None else fleet.readiness.checks
    return any(check.kind in ("ssh", "gpu", "command") for check in checks)


def checks_of_another(fleet: Fleet, instance: Instance) -> tuple[Check, ...]:
    """What one must pass that was not rented by the spec as it is now, or was adopted: nothing on a port that it never
    published, for that is a difference of specs and no sign of ill health."""
    published = instance.setup.ports if instance.setup is not None else None
    if fleet.readiness.checks is None or published is None:
        return checks_of(fleet, instance)
    numbers = {port.number for port in published if port.protocol == "tcp"}
    kept = tuple(check for check in fleet.readiness.checks if check.port is None or check.port in numbers)
    return kept or _usual(fleet, instance.setup)


def _usual(fleet: Fleet, own: Setup | None) -> tuple[Check, ...]:
    spec = fleet.container
    connect = own.connect if own is not None and own.connect is not None else spec.connect
    if connect != "args":
        return (Check("ssh"),)
    ports = own.ports if own is not None and own.ports is not None else spec.ports
    port = next((port.number for port in ports if port.protocol == "tcp"), None)
    return () if port is None else (Check("tcp", port),)


def suspected(findings: Findings) -> frozenset[str]:
    """The causes, where all that were asked fail alike before anything answered: it may be this runner that does not
    see. Empty where one of them tells otherwise, or where nobody is blamed anyway."""
    from reconciler.core.causes import ON_THE_WAY, REFUSED

    last = [all_of[-1] for all_of in findings.values() if all_of]
    causes = frozenset(each.cause for each in last)
    alike = all(each.verdict != "pass" for each in last) and (causes <= ON_THE_WAY or causes == {REFUSED})
    return causes if alike and any(each.verdict == "fail" for each in last) else frozenset()


def is_blind(causes: frozenset[str], controls: frozenset[str]) -> bool:
    """Whether those who gave `causes` alike cannot be judged. `controls`: how connections to something else ended, an
    empty one stood. One that ended in another way was answered as well: a wall gives all the same."""
    from reconciler.core.causes import NEVER_COUNTS

    told = controls - NEVER_COUNTS
    return "" not in told and told <= causes


def blinded(findings: Findings) -> Findings:
    """The findings of a runner that does not see: nobody is blamed for what was missed."""
    return {i: untold(all_of) for i, all_of in findings.items()}


def untold(all_of: tuple[Finding, ...], why: str = "") -> tuple[Finding, ...]:
    """The findings of an instance where the last of them says nothing of it."""
    if not all_of:
        return ()
    last = all_of[-1]
    return (*all_of[:-1], replace(last, verdict="cannot tell", cause=f"{last.cause} ({why})" if why else last.cause))


def key_of(check: Check) -> str:
    """A short text that tells a check from others."""
    return f"{zlib.crc32(repr((check.kind, check.port, check.path, check.run)).encode()):08x}"
