"""What a pass looks at the world with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.clock import Clock
    from reconciler.provider import Probe, Provider


@dataclass(slots=True)
class Eyes:
    """What the market is looked at with: searches, measurements, time."""

    provider: Provider
    clock: Clock
    probe: Probe | None = None
    checks: Probe | None = None
    """What looks at instances; None: one that runs counts as ready."""
