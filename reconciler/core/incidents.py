"""What is remembered so that an event is told once and again when it ends: incidents, and letters not delivered yet."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from reconciler.core.notify import NoticeKind

UNASKED_WINDOW_S = 600.0
"""Under `watch` the destroys that nobody asked for are counted over so long."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that is not as it should be, from the first pass that showed it to the first that shows its end."""

    key: str
    """What it is about, such as `down/june/0`: two passes that see the same have the same key."""
    kind: NoticeKind
    since: float
    text: str
    """What is told when it begins."""
    fleet: str = ""
    index: int | None = None
    instance_id: int | None = None
    rate_per_hour: Decimal | None = None
    """What the instance it is about billed, where that is known, in $/h."""
    told: bool = False
    """Its beginning went out, so its end will."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One text for one webhook, kept until it is delivered."""

    to: str
    """The webhook, by the variable that holds its address."""
    at: float
    kind: NoticeKind
    ends: bool
    since: float
    text: str
    fleet: str = ""
    index: int | None = None
    instance_id: int | None = None
    change_per_hour: Decimal | None = None
    """What the end costs more than before, in $/h."""
