"""What hosts ask for beyond the end of a contract, in words."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.core.rises import Rise
from reconciler.views.wording import money


def rise_text(rise: Rise) -> str:
    """Which instance, from what to what, and when; and what follows when nobody accepts."""
    day = datetime.fromtimestamp(rise.at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    share = (rise.then_per_hour / rise.now_per_hour - 1) * 100 if rise.now_per_hour else None
    percent = "" if share is None else f" ({share:+.0f} %)"
    prices = f"{money(rise.then_per_hour)} instead of {money(rise.now_per_hour)}{percent}"
    who = f"{rise.seat}: the host of instance {rise.instance_id}"
    return f"{who} asks {prices} from {day} on; not accepted, the contract ends then"
