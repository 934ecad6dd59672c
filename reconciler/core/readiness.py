"""Readiness as data: which checks make an instance usable, what is looked at, and what a look found."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from reconciler.core.text import SafeText

if TYPE_CHECKING:
    from reconciler.core.model import Instance

CheckKind = Literal["ssh", "gpu", "tcp", "http", "command"]
Verdict = Literal["pass", "fail", "cannot tell"]


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


@dataclass(frozen=True, slots=True)
class Readiness:
    """When an instance of a fleet counts as ready."""

    boot_timeout_s: float | None = None
    """None: 20 minutes, 45 from 4 GPUs or 200 GB of disk."""
    checks: tuple[Check, ...] | None = None
    """None: an ssh banner where the instance is reached by ssh, else tcp on the first port. `running` alone is never
    ready."""


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


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check said of one instance."""

    check: Check
    verdict: Verdict
    cause: str = ""
    """A short, stable class of cause: equal causes mean equal trouble."""
    detail: SafeText = field(default=SafeText(""))
    """For people."""
